"""Pin the threads, then run: the libraries read their number of threads once, at import."""

import os
import sys

from benchmarks.threads import pin_threads

pin_threads()
# times are those of code that is hot; it is compiled at once, not during the rounds
os.environ.setdefault("ANYGRAD_KERNELS", "always")
# on a GPU, JAX would take three quarters of the memory
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

from benchmarks.command import main  # noqa: E402 - imports NumPy, so the threads come first

sys.exit(main())
