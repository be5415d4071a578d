"""The namespace of recorded NumPy arrays: what consists of several rows is NumPy's own function.

``xp.vecdot(a, b)`` is then the same to the last bit as without a recording, as ``np.vecdot`` is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.tracing.functions import FFT, FUNCTIONS, LINALG
from anygrad.tracing.namespace import namespace_of_level
from anygrad.tracing.pieces import DIVIDED, call_whole

__all__ = ["namespace_of_recorded"]


def namespace_of_recorded(self: Any, *, api_version: str | None = None) -> Any:
    """The namespace of the recording that a value belongs to."""
    made = namespace_of_level(self)
    if made._plain is np and not hasattr(made, "in_pieces"):
        made.in_pieces = True
        for room, plain, known in (
            (made, np, FUNCTIONS),
            (made.linalg, np.linalg, LINALG),
            (made.fft, np.fft, FFT),
        ):
            for name, operation in known.items():
                own = getattr(plain, name, None)
                if callable(own):
                    setattr(room, name, _in_a_piece(own, operation))
    return made


def _in_a_piece(own: Callable[..., Any], operation: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(operation)
    def call(*args: Any, **kw: Any) -> Any:
        y = call_whole(own, args, kw)
        return operation(*args, **kw) if y is DIVIDED else y

    return call
