"""Noticing that an array kept for the backward pass was overwritten in between.

The tape holds the user's own arrays, not copies. A buffer that is used again (``c[:] = k`` in a
loop), or an input that is changed before a pullback is called, would give a wrong gradient in
silence. So NumPy arrays that the pullbacks will read are remembered by a fingerprint, compared at
every further use and when the gradient is computed.

The fingerprint is a checksum of all bytes up to 16 KB. Of larger arrays it takes 64 pieces of 64
bytes, evenly spread: overwriting the array, or a sixty-fourth of it in one stretch, is noticed, a
few elements between the pieces are not. PyTorch counts the writes into a tensor, so there every one
is noticed. What lies on another library's device is not read, and neither are the inputs of
``grad`` itself: there, and in that last case, the user is trusted.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.errors import TraceError, describe

EXACT_BYTES = 16384
PIECES = 64


WATCHED: set[type] = {np.ndarray}
"""The classes of arrays that are remembered, exactly; others join when a tape first sees them."""


def fingerprint(a: Any) -> Any:
    """What changes when the array is overwritten."""
    if not isinstance(a, np.ndarray):
        backend = backend_of(a)
        return None if backend is None or backend.writes is None else backend.writes(a)
    if not a.flags.c_contiguous:
        a = a.T if a.flags.f_contiguous else a[:: max(a.nbytes >> 14, 1)].copy()
    if a.nbytes <= EXACT_BYTES:
        try:
            return zlib.crc32(a.data)  # a quarter of a nanosecond a byte
        except (ValueError, TypeError, NotImplementedError):  # a dtype that memoryview lacks
            return a.tobytes()
    data = a.reshape(-1).view(np.uint8)
    length = data.size // PIECES
    return data[: PIECES * length].reshape(PIECES, length)[:, :64].tobytes()


class Snapshots:
    """Fingerprints of the arrays that one tape has kept."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken: dict[int, tuple[Any, Any]] = {}

    def take(self, a: Any) -> None:
        """Remember an array as it is now, or compare it if it was used before."""
        known = self.taken.get(id(a))
        if known is None:
            if not getattr(a.dtype, "hasobject", False):
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


def overwritten(a: Any) -> TraceError:
    """The error for an array that is not any more what an operation has used."""
    return TraceError(
        f"backward pass: got {describe(a)} that was overwritten after a traced operation had used "
        "it; expected it unchanged until the gradient is computed. Use a new array, or a copy: "
        "c.copy(), c.clone()."
    )
