"""How far a finite difference steps: by dtype, by order, and so that the step is exact."""

from __future__ import annotations

from math import log2

from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array
from anygrad.differences.kinds import precision
from anygrad.differences.stencils import Stencil
from anygrad.errors import ArgumentError

__all__ = ["check_step", "choose_complex_steps", "choose_steps"]


def check_step(where: str, step: float | None) -> None:
    """Refuse a step that is no positive, finite number."""
    if step is None:
        return
    if isinstance(step, (int, float)) and not isinstance(step, bool) and 0.0 < step < float("inf"):
        return
    message = (
        f"{where}(step): got {step!r}; expected a positive, finite number or None. "
        "It is the distance between points, in the units of x."
    )
    raise ArgumentError(message)


def choose_steps(
    stencil: Stencil, step: float | None, x: Array, scale: Array | float = 1.0
) -> Array:
    """Pick for each element a step h > 0 with ``(x + h) - x == h`` and ``x - (x - h) == h``.

    Truncation grows as h^accuracy and rounding as eps/h^order; they meet at
    ``eps^(1/(order + accuracy))``, relative to ``max(|x|, scale)``. Both are taken to the nearest
    power of two, which keeps the points short binary numbers: polynomials of low degree come out
    exact.

    Parameters
    ----------
    stencil : Stencil
        Tells order and accuracy.
    step : float or None
        The step wanted, in the units of ``x``. Raised to 4 eps |x| where x + step would be x.
    x : array
        Real floating, any shape.
    scale : float or array like ``x``
        Size of points beside 0.

    Returns
    -------
    array
        Like ``x``.

    References
    ----------
    Press et al. (2007), Numerical Recipes, sec. 5.7: step sizes, and the trick ``h = (x + h) - x``.
    """
    xp, eps = namespace_of(x), precision(x)
    size = xp.abs(x)
    if step is None:
        # rounded on its own: together with |x| it would tie in float32, and libraries differ there
        power = round(log2(eps) / (stencil.order + stencil.accuracy))
        wanted = _to_power_of_two(xp, xp.maximum(size, scale), power)
    else:
        wanted = xp.maximum(4.0 * eps * size, float(step))
    # Away from zero numbers are spaced more widely, so a step that is exact there is so both ways.
    away = xp.where(x < 0.0, -wanted, wanted)
    return xp.abs((x + away) - x)


def choose_complex_steps(x: Array, step: float | None = None) -> Array:
    """Pick imaginary steps: far below the rounding of x, far above underflow.

    The truncation error is of order (h/|x|)^2 and nothing is subtracted, so h = eps^(4/3) |x|,
    about 1e-21 |x| in float64; at 0 a tiny constant stands for |x|.
    """
    xp = namespace_of(x)
    if step is not None:
        return xp.full_like(x, float(step))
    info = float_limits(xp, x.dtype)
    size = xp.maximum(xp.abs(x), float(info.smallest_normal) ** 0.25)
    return _to_power_of_two(xp, float(info.eps) ** (4.0 / 3.0) * size)


def _to_power_of_two(xp, size: Array, power: int = 0) -> Array:
    """The power of two next to ``size``, times ``2**power``; neither overflows alone."""
    return 2.0 ** (xp.round(xp.log2(size)) + power)
