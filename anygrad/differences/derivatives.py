"""The numerical derivative of a function that works element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.elements import (
    ElementArrangement,
    ElementFunction,
    climb_elements,
    measure_elements,
)
from anygrad.differences.kinds import is_real
from anygrad.differences.options import Choices, Options
from anygrad.differences.records import Estimate
from anygrad.differences.stencils import check_order
from anygrad.errors import DTypeError, describe

__all__ = ["derivative"]


def derivative(
    f: Callable[[Any], Any], x: Array, *, order: int = 1, **choices: Unpack[Choices]
) -> Array | Estimate:
    """Estimate the derivative of ``f`` at every element of ``x`` by finite differences.

    ``f`` works element by element, so a few calls with whole arrays serve all elements:
    ``(f(x + h) - f(x - h)) / 2h`` with one h per element. With ``full_output=True`` a ladder of
    steps gives every element an error bar.

    Parameters
    ----------
    f : callable
        Takes an array, returns an array of the same shape, real or complex: element i depends on
        element i only. It may have to take an additional axis of points in front.
    x : array or number
        Real floating, any shape. A Python number becomes a float64 array of shape ().
    order : int
        Which derivative, 1 to 8.
    **choices
        ``method``, ``accuracy``, ``step``, ``scale``, ``bounds``, ``noise``, ``rtol`` and
        ``full_output`` as for `gradient`. The complex step gives order 1 only. ``evaluate``:
        "stacked" passes all points of a call along an axis of their own, ``stack_axis`` says which
        (0 by default, so that data of the shape of ``x`` fits); "loop" makes one call for each
        point of the stencil, with the shape of ``x``, or on numbers where ``f`` takes nothing else;
        "auto" does the first that gives at ``x`` what ``f(x)`` gives. ``executor`` takes these
        points; ``batch_bytes`` limits a call, 1 MB by default.

    Returns
    -------
    array, or Estimate
        Shape, dtype and device of ``x`` (complex if ``f`` returns complex values).

    Raises
    ------
    DTypeError
        If ``x`` is no real floating array.
    ShapeError
        If ``f`` returns another shape than it got.
    ArgumentError
        If an option is unknown, ``x`` is out of bounds, or ``f`` is not analytic for the complex
        step.

    References
    ----------
    Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids.

    Examples
    --------
    >>> ag.differences.derivative(lambda x: x**2, np.asarray([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    >>> found = ag.differences.derivative(np.log, 1e-3, full_output=True)
    >>> bool(abs(found.value - 1000) <= found.error < 1e-8)
    True
    """
    where = "derivative"
    options = Options.of(where, {"stack_axis": 0, **choices})
    check_order(where, order)
    coordinates = Coordinates.of(where, x)
    point = coordinates.layout.split(coordinates.point)
    if getattr(point, "dtype", None) is None or not is_real(point):
        message = (
            f"{where}(x): got {describe(x)}; expected a real floating array. Differentiate along "
            "the real axis (lambda t: f(z + t)), or use gradient for real f of complex x."
        )
        raise DTypeError(message)
    call = ElementFunction(options, f, coordinates)
    like = ElementArrangement(coordinates.layout, None)
    if not options.adaptive:
        slopes = measure_elements(call, options, order)
        return like.values(slopes)
    found = climb_elements(call, options, order)
    estimate = Estimate(found, like, call, call.way, order)
    return estimate if options.full_output else estimate.value
