"""Run the command line with ``python -m anygrad``."""

import sys

from anygrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
