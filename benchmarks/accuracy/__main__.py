"""Pin the threads, then run: the libraries read their number of threads once, at import."""

import sys

from benchmarks.threads import pin_threads

pin_threads()

from benchmarks.accuracy.command import main  # noqa: E402 - imports NumPy, so the threads come first

sys.exit(main())
