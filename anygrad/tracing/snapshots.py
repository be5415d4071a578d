"""Noticing that an array kept for the backward pass was overwritten in between.

The tape holds the user's own arrays, not copies. A buffer that is used again (``c[:] = k`` in a
loop), or an input that is changed before the pullback is called, would give a wrong gradient in
silence. So NumPy arrays that the pullbacks will read are remembered by a fingerprint, and compared
when the gradient is computed: exact up to 128 numbers, for larger arrays a product of some 512
evenly spaced elements with fixed weights, which no ordinary overwriting leaves unchanged. Arrays of
a device are not read, so there the user is trusted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import TraceError, describe

EXACT_BYTES = 1024
SAMPLED = 512
_WEIGHTS = np.random.default_rng(20150901).uniform(0.5, 1.5, 2 * SAMPLED)
WEIGHTS = {np.dtype(kind): _WEIGHTS.astype(kind) for kind in ("f4", "f8", "c8", "c16")}


def fingerprint(a: np.ndarray) -> Any:
    """What changes when the array is overwritten."""
    if a.nbytes <= EXACT_BYTES:
        return a.tobytes()
    whole = a.reshape(-1) if a.flags.c_contiguous else a.T.reshape(-1) if a.flags.fnc else a.flat
    sample = whole[:: max(a.size // SAMPLED, 1)]
    weights = WEIGHTS.get(sample.dtype)
    if weights is None:
        return sample.tobytes()
    total = np.dot(sample, weights[: sample.size])  # BLAS: about a microsecond, no warnings
    return total if total == total else "nan"  # nan differs from itself


class Snapshots:
    """Fingerprints of the NumPy arrays that one tape has kept."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken: dict[int, tuple[np.ndarray, Any]] = {}

    def take(self, a: Any) -> None:
        """Remember an array as it is now; the first time counts."""
        if id(a) not in self.taken:
            self.taken[id(a)] = (a, fingerprint(a))

    def compare(self, keep: bool) -> None:
        """Raise if an array is not what it was; then let go of them, unless they are to be kept."""
        for a, before in self.taken.values():
            if fingerprint(a) != before:
                message = (
                    f"backward pass: got {describe(a)} that was overwritten after a traced "
                    "operation had used it; expected it unchanged until the gradient is computed. "
                    "Use a new array, or a copy: c.copy()."
                )
                raise TraceError(message)
        if not keep:
            self.taken.clear()
