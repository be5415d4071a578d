"""Let an update finish before Ctrl-C is heard, so that no parameter is left half updated."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupt_held() -> Iterator[None]:
    """Hold a KeyboardInterrupt back until the block has ended."""
    # Python delivers signals to the main thread alone.
    previous = signal.getsignal(signal.SIGINT)
    # Another handler (of a notebook, of a test runner) decides for itself what Ctrl-C means.
    ours = previous is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[Any, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if held:
        signal.default_int_handler(*held[0])
