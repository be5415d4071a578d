"""A process that is forked, as some users' pools are."""

import os
import time
import warnings

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def forked(function):
    """The exit status of a forked process that calls a function; 0 if it returns."""
    with warnings.catch_warnings():
        # Python, and JAX where it is imported, say that threads and forks do not go together
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        warnings.filterwarnings("ignore", ".*fork", RuntimeWarning)
        child = os.fork()
    if not child:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    for _ in range(1000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "it hangs"
