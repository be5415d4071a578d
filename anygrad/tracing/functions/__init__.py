"""The functions users call on traced arrays, in signatures that fit the standard and NumPy alike.

Each is a row, or a few lines of rows; none knows a derivative. A public function in one of these
modules is thereby in the traced namespace, and reached from NumPy's function of the same name. The
modules `linalg`, `fft`, `special` and `scipy_linalg` stand for a namespace of their own.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from anygrad.tracing.functions import (
    assembling,
    choosing,
    contraction,
    convolving,
    cosines,
    counting,
    creation,
    elements,
    fft,
    interpolation,
    joining,
    linalg,
    nans,
    ordering,
    padding,
    polynomials,
    products,
    quantiles,
    reductions,
    scipy_linalg,
    sets,
    shapes,
    special,
    statistics,
    writing,
)

_MAIN = (
    *(assembling, choosing, contraction, convolving, creation, interpolation, joining),
    *(ordering, padding, products, reductions, shapes, statistics, writing),
    *(counting, elements, nans, polynomials, quantiles, sets),
)


def _own(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions that a module defines."""
    return {
        name: function
        for name, function in vars(module).items()
        if getattr(function, "__module__", None) == module.__name__ and name[0] not in "_U"
    }


FUNCTIONS: dict[str, Callable[..., Any]] = {}
for _module in _MAIN:
    FUNCTIONS |= _own(_module)
LINALG = {**linalg.SHARED, **_own(linalg)}
FFT = {**_own(fft), **_own(cosines)}
SPECIAL = {**special.SHARED, **_own(special)}
SCIPY_LINALG = {**LINALG, **scipy_linalg.SHARED, **_own(scipy_linalg)}

__all__ = ["FFT", "FUNCTIONS", "LINALG", "SCIPY_LINALG", "SPECIAL"]
