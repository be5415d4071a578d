"""Entries: how replayed Python code calls a kernel with arrays and numbers.

A kernel is machine code ``i64 kernel(ptr table, i64 start, i64 stop)``. It reads addresses and
numbers from its table, works on a range, and gives 0, or another number if all of it has to be
computed again in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from anygrad.compiler.targets.native.plain import (
    PlainEntry,
    PlainFiller,
    PlainMatcher,
    kernel_at,
)
from anygrad.compiler.targets.native.quick import (
    is_quick,
    quick_entry,
    quick_filler,
    quick_matcher,
)
from anygrad.compiler.targets.native.slots import (
    Signature,
    Slot,
    check_signature,
    check_slot,
)

__all__ = ["Signature", "Slot", "is_quick", "make_entry", "make_filler", "make_matcher", "run"]


def make_entry(address: int, signature: Signature) -> Callable[..., bool | None]:
    """A function that calls a kernel.

    Parameters
    ----------
    address : int
        Where the kernel begins.
    signature : Signature
        What its arguments have to be.

    Returns
    -------
    entry : callable
        Takes the arguments by position. None: computed. True: computed, but has to be computed
        again in another way. False: refused, nothing of the arrays was read or written.

    Notes
    -----
    The conversion of a number may raise (an int that is too large, a failing ``__float__``); that
    is passed on, and nothing was computed. Arrays that are written must not overlap others in
    part: that is not looked at.
    """
    check_signature(signature)
    return quick_entry(address, signature) if is_quick() else PlainEntry(address, signature)


def make_filler(signature: Signature) -> Callable[..., bool]:
    """A function that fills a kernel's table without running it: for threads that share the work.

    Parameters
    ----------
    signature : Signature
        What the arguments have to be; ``start``, ``stop`` and ``releases`` do not matter.

    Returns
    -------
    fill : callable
        ``fill(table, *args)``: True if the table, a contiguous array of uint64 as long as the
        signature's, is filled; False if it or an argument is refused, and the table is of no use.
        Its addresses hold as long as the arrays live and keep their memory; the caller sees to it.
    """
    check_signature(signature)
    return quick_filler(signature) if is_quick() else PlainFiller(signature)


def make_matcher(
    slots: Sequence[Slot], owned: Iterable[bool] | None = None, *, distinct: bool = False
) -> Callable[[Any], bool]:
    """A function that tells whether all elements of a list or tuple are arrays as expected.

    Parameters
    ----------
    slots : sequence of Slot
        What the elements have to be, in order; places do not matter, and there are no numbers.
    owned : iterable of bool, optional
        For each element, whether it has to be writeable and the owner of its memory.
    distinct : bool
        Whether no object may stand there twice. (Views of one array are different objects.)

    Returns
    -------
    matches : callable
        Takes a list or a tuple, of exactly these types; False for anything else.
    """
    flags = [False] * len(slots) if owned is None else [bool(flag) for flag in owned]
    for slot in set(slots):
        check_slot(slot._replace(place=0), 1)
        if slot.kind == "float":
            raise ValueError("make_matcher(slots): got a number; expected arrays only")
    if len(flags) != len(slots):
        message = f"make_matcher(owned): got {len(flags)} flags; expected {len(slots)}"
        raise ValueError(message)
    make = quick_matcher if is_quick() else PlainMatcher
    return make(slots, flags, distinct)


def run(address: int, table: np.ndarray, start: int, stop: int) -> int:
    """Run a kernel over a range with a table that is filled; other threads run meanwhile."""
    return kernel_at(address)(table.__array_interface__["data"][0], start, stop)
