"""The numerical derivative of a function that works element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends import namespace_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.coordinates import read_leaf
from anygrad.differences.copies import copy_of
from anygrad.differences.evaluation import check_evaluation
from anygrad.differences.kinds import is_complex, is_real, precision
from anygrad.differences.stencils import COMPLEX, Stencil, find_stencil
from anygrad.differences.steps import check_step, choose_complex_steps, choose_steps
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe

__all__ = ["derivative"]

WHERE = "derivative"


def derivative(
    f: Callable[[Any], Any],
    x: Array,
    *,
    order: int = 1,
    method: str = "central",
    step: float | None = None,
    evaluate: str = "auto",
    stack_axis: int = -1,
) -> Array:
    """Estimate the derivative of ``f`` at every element of ``x`` by finite differences.

    ``f`` works element by element, so two calls with whole arrays serve all elements:
    ``(f(x + h) - f(x - h)) / 2h`` with one h per element.

    Parameters
    ----------
    f : callable
        Takes an array, returns an array of the same shape: element i depends on element i only.
    x : array or number
        Real floating, any shape. A Python number becomes a float64 array of shape ().
    order : {1, 2}
        Which derivative.
    method : {"central", "forward", "backward", "complex"}
        As for `gradient`; the complex step gives order 1 only and is tested by one central pair.
    step : float, optional
        Distance h in the units of ``x``, > 0. By default eps^(1/(order + accuracy)) times
        max(abs(x), 1), with eps of the dtype of ``x``.
    evaluate : {"auto", "stacked", "loop"}
        "stacked" makes one call with the points along an axis of their own; the others call ``f``
        once for each point of the stencil, with the shape of ``x``.
    stack_axis : {-1, 0}
        Where that axis is.

    Returns
    -------
    array
        Shape, dtype and device of ``x`` (complex if ``f`` returns complex values).

    Raises
    ------
    DTypeError
        If ``x`` is no real floating array.
    ShapeError
        If ``f`` returns another shape than it got.
    ArgumentError
        If an option is unknown, or ``f`` is not analytic for the complex step.

    References
    ----------
    Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids.

    Examples
    --------
    >>> ag.differences.derivative(lambda x: x**2, np.asarray([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """
    stencil = find_stencil(WHERE, method, order)
    check_step(WHERE, step)
    check_evaluation(WHERE, evaluate, stack_axis)
    x = read_leaf(WHERE, x)
    xp = namespace_of(x)
    if not is_real(x):
        message = (
            f"{WHERE}(x): got {describe(x)}; expected a real floating array. Differentiate along "
            "the real axis (lambda t: f(z + t)), or use gradient for real f of complex x."
        )
        raise DTypeError(message)
    stacking = stack_axis if evaluate == "stacked" else None
    if method == COMPLEX:
        return _complex_step(f, x, stencil, step, stacking)
    h = choose_steps(x, stencil, step)
    values = _evaluate(f, [x + float(node) * h if node else x for node in stencil.nodes], stacking)
    total = sum(w * value for w, value in zip(stencil.weights, values, strict=True) if w)
    slopes = total / h**stencil.order
    if is_complex(slopes):
        return xp.astype(slopes, xp.result_type(x.dtype, xp.complex64))
    return xp.astype(slopes, x.dtype)


def _complex_step(f, x: Array, stencil: Stencil, step: float | None, stacking: int | None) -> Array:
    xp = namespace_of(x)
    h = choose_complex_steps(x, step)
    point = xp.astype(x, xp.result_type(x.dtype, xp.complex64)) + 1j * h
    try:
        (value,) = _evaluate(f, [point], stacking)
    except (TypeError, ValueError) as error:
        message = (
            f"{WHERE}(f): failed on complex points ({type(error).__name__}: {error}); expected a "
            "function that takes complex arrays. Use method='central'."
        )
        raise ArgumentError(message) from error
    slopes = (xp.imag(value) if is_complex(value) else xp.zeros_like(x)) / h
    _refuse_unless_analytic(f, x, slopes, stacking)
    return xp.astype(slopes, x.dtype)


def _refuse_unless_analytic(f, x: Array, slopes: Array, stacking: int | None) -> None:
    xp, eps = namespace_of(x), precision(x)
    size = xp.abs(x)
    h = eps ** (1 / 3) / 8.0 * xp.where(size == 0.0, xp.ones_like(size), size)
    below, above = _evaluate(f, [x - h, x + h], stacking)
    change, predicted = above - below, 2.0 * h * slopes
    allowed = 1e-4 * (xp.abs(change) + xp.abs(predicted))
    allowed = allowed + 64.0 * eps * xp.maximum(xp.abs(above), xp.abs(below))
    if _all_below(xp.abs(change - predicted), allowed):
        return
    # Near a point of inflection with slope 0 the pair sees the third derivative: ask a closer pair.
    below, above = _evaluate(f, [x - 0.5 * h, x + 0.5 * h], stacking)
    allowed = allowed + 2.0 * xp.abs(change - 2.0 * (above - below))
    if _all_below(xp.abs(change - predicted), allowed):
        return
    message = (
        f"{WHERE}(method): got 'complex', but a central difference finds other slopes; expected an "
        "analytic f. It may cast to real, use abs or a comparison, or have a kink here. "
        "Use method='central'."
    )
    raise ArgumentError(message)


def _all_below(x: Array, bound: Array) -> bool:
    """Read one truth value from the device; nan is not below."""
    return bool(to_host(namespace_of(x).all(x <= bound)))


def _evaluate(f, points: list[Array], stacking: int | None) -> list[Array]:
    """Values of ``f`` at arrays of points: one call each, or one for all along a new axis."""
    if stacking is None:
        # copies of x, since f may write into it, and of values, which may be one buffer of f
        return [copy_of(_check_values(f(copy_of(point)), point)) for point in points]
    xp = namespace_of(points[0])
    together = xp.stack(points, axis=stacking)
    values = _check_values(f(together), together)
    return [values[i, ...] if stacking == 0 else values[..., i] for i in range(len(points))]


def _check_values(value: Any, point: Array) -> Array:
    xp = namespace_of(point)
    if isinstance(value, (int, float)) and point.shape == ():
        return xp.full_like(point, float(value))
    if getattr(value, "shape", None) != point.shape:
        message = (
            f"{WHERE}(f): got {describe(value)} for points of shape {point.shape}; expected the "
            "same shape. f must work element by element; for a function that mixes elements use "
            "gradient."
        )
        raise ShapeError(message)
    if is_real(value) or is_complex(value):
        return value
    return xp.astype(value, point.dtype)
