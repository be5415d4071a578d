"""What the pretended devices were asked to do, counted: a test can say what a step costs."""

import collections
import contextlib
from collections.abc import Iterator

_counters: list[collections.Counter] = []


@contextlib.contextmanager
def counting() -> Iterator[collections.Counter]:
    """Count the operations inside the block, by kind.

    Kinds: "launch" (own kernels), "ufunc", "reduction", "function" and "method" (everything else
    that works on arrays), "index" (gathers and assignments), "copy", "allocation", "upload" and
    "read" (from and to the host), "synchronize", "record" and "wait" (events).
    """
    found: collections.Counter = collections.Counter()
    _counters.append(found)
    try:
        yield found
    finally:
        _counters[:] = [counter for counter in _counters if counter is not found]


def note(kind: str) -> None:
    """Count one operation, if anybody does."""
    for counter in _counters:
        counter[kind] += 1
