"""One thread for every library, since a race for the cores says nothing about the code."""

import os

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",  # the thread pool of JAX on a CPU
    "ANYGRAD_THREADS",
)


def pin_threads() -> None:
    """Ask for one thread; has an effect only on libraries that are not imported yet."""
    for name in VARIABLES:
        os.environ[name] = "1"
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


def count_threads() -> int | None:
    """Tell the number asked for, or None where nobody asked."""
    asked = {os.environ.get(name) for name in VARIABLES}
    return 1 if asked == {"1"} else None
