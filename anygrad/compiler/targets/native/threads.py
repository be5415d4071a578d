"""Large kernels on several threads: each computes a part of the range, and none holds the GIL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from anygrad.compiler.targets.native.entries import Signature, make_filler, run
from anygrad.config import settings

__all__ = ["PART", "Parallel", "processors"]

PART = 250_000.0
"""Nanoseconds of work that a thread is started for, at least; it takes up to 70,000 to start."""


def processors() -> int:
    """How many threads a kernel may use: what this process may run on, or the setting ``threads``.

    The setting bounds it further, and cannot go beyond what the process may run on.
    """
    count = _usable()
    wanted = settings().threads
    return count if wanted is None else max(1, min(count, wanted))


def _usable() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Parallel:
    """An entry that shares the work among threads, where that pays.

    Called and answering as `entries.make_entry` says. The range is cut at multiples of ``step``,
    so that no thread computes a part of a vector; results do not depend on the number of threads.
    """

    __name__ = __qualname__ = "kernel"

    def __init__(
        self,
        address: int,
        signature: Signature,
        entry: Callable[..., bool | None],
        cost: float,
        step: int,
    ):
        self._address, self._signature, self._entry = address, signature, entry
        self._fill = make_filler(signature)
        self._parts = max(int(cost / PART), 1)
        self._step = step

    def __call__(self, *args: Any) -> bool | None:
        """Compute, on as many threads as there may be."""
        count = min(processors(), self._parts)
        if count < 2:
            return self._entry(*args)
        table = np.empty(len(self._signature.table), np.uint64)
        if not self._fill(table, *args):
            return self._entry(*args)  # which tells in its own way what is wrong
        bounds = self._bounds(count)
        pool = _pool(count - 1)
        others = [pool.submit(run, self._address, table, a, b) for a, b in bounds[1:]]
        flags = run(self._address, table, *bounds[0])
        for other in others:
            flags |= other.result()
        return True if flags else None

    def _bounds(self, count: int) -> list[tuple[int, int]]:
        start, stop, step = self._signature.start, self._signature.stop, self._step
        length = -(-(stop - start) // (count * step)) * step
        starts = range(start, stop, length)
        return [(a, min(a + length, stop)) for a in starts]


_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that wait for work; a process that was forked has none of its parent's."""
    found = _pools.get(workers)
    if found is None:
        with _lock:
            found = _pools.get(workers)
            if found is None:
                found = _pools[workers] = ThreadPoolExecutor(workers, "anygrad")
    return found


def _forget() -> None:
    """In a child: threads, and a lock that one of them may have held, are the parent's."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
