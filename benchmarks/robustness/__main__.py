"""Pin the threads, then run."""

import sys

from benchmarks.threads import pin_threads

pin_threads()

from benchmarks.robustness.command import main  # noqa: E402 - imports NumPy, so threads come first

sys.exit(main())
