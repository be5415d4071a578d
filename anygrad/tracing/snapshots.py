"""Noticing that an array kept for the backward pass was overwritten in between.

The tape holds the user's own arrays, not copies. A buffer that is used again (``c[:] = k`` in a
loop), or an input that is changed before a pullback is called, would give a wrong gradient in
silence. So NumPy arrays that the pullbacks will read are remembered by a fingerprint, compared at
every further use and when the gradient is computed.

The fingerprint is exact up to 4 KB. Up to 32 KB it is a sum of all words times fixed odd weights,
in 64-bit integers, which no single change leaves as it was. Of larger arrays it takes 64 blocks of
512 bytes, evenly spread: overwriting the whole array, or a large part, is noticed, a few elements
between the blocks are not. What lies on a device is not read, and neither are the inputs of
``grad`` itself: there, and in that last case, the user is trusted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import TraceError, describe

EXACT_BYTES = 4096
WORDS = 4096
BLOCKS = 64


def _weights() -> np.ndarray:
    """Odd 64-bit integers without a pattern (the mixing of SplitMix64: Steele, Lea, Flood 2014).

    numpy.random would take longer to import than all of this package.
    """
    z = np.arange(1, WORDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) | np.uint64(1)


WEIGHTS = _weights()
HALF = np.uint64(32)


def fingerprint(a: np.ndarray) -> Any:
    """What changes when the array is overwritten."""
    if a.nbytes <= EXACT_BYTES:
        return a.tobytes()
    if not a.flags.c_contiguous:
        a = a.T if a.flags.f_contiguous else np.ascontiguousarray(a[:: max(a.nbytes >> 15, 1)])
    data = np.asarray(a).reshape(-1).view(np.uint8)
    words = data[: data.size & ~7].view(np.uint64)
    if words.size > WORDS:
        length = words.size // BLOCKS
        words = words[: BLOCKS * length].reshape(BLOCKS, length)[:, : WORDS // BLOCKS].reshape(-1)
    mixed = words >> HALF  # floats differ in their high bits; a product modulo 2^64 needs low ones
    mixed ^= words
    return int(np.dot(mixed, WEIGHTS[: words.size])), data[data.size & ~7 :].tobytes()


class Snapshots:
    """Fingerprints of the NumPy arrays that one tape has kept."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken: dict[int, tuple[np.ndarray, Any]] = {}

    def take(self, a: np.ndarray) -> None:
        """Remember an array as it is now, or compare it if it was used before."""
        known = self.taken.get(id(a))
        if known is None:
            if not a.dtype.hasobject:
                self.taken[id(a)] = (a, fingerprint(a))
        elif fingerprint(a) != known[1]:
            raise overwritten(a)

    def compare(self, keep: bool) -> None:
        """Raise if an array is not what it was; then let go of them, unless they are to be kept."""
        for a, before in self.taken.values():
            if fingerprint(a) != before:
                raise overwritten(a)
        if not keep:
            self.taken.clear()


def overwritten(a: np.ndarray) -> TraceError:
    """The error for an array that is not any more what an operation has used."""
    return TraceError(
        f"backward pass: got {describe(a)} that was overwritten after a traced operation had used "
        "it; expected it unchanged until the gradient is computed. Use a new array, or a copy: "
        "c.copy()."
    )
