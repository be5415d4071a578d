"""The numerical gradient of a real function of a tree of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import PointFunction, check_evaluation
from anygrad.differences.slopes import measure_slopes
from anygrad.differences.stencils import COMPLEX, find_stencil
from anygrad.differences.steps import check_step

__all__ = ["gradient"]


def gradient(
    f: Callable[[Any], Any],
    x: Tree,
    *,
    method: str = "central",
    step: float | None = None,
    evaluate: str = "auto",
    stack_axis: int = -1,
) -> Tree:
    """Estimate the gradient of ``f`` at ``x`` by finite differences.

    Central differences are ``(f(x + h e_i) - f(x - h e_i)) / 2h`` for every element i. All points
    go to ``f`` in one call (one per 300 KB) where ``f`` can take them stacked.

    Parameters
    ----------
    f : callable
        Takes a tree like ``x``, returns a real number or an array of shape ().
    x : tree of arrays, or number
        Any shapes; real or complex floating, one backend and device. Python numbers become float64
        arrays of shape (). At complex elements the result is df/dRe + i df/dIm.
    method : {"central", "forward", "backward", "complex"}
        Central: two points per element, relative error about 1e-10 in float64. Forward and
        backward: one, 1e-8, and ``f`` is never called on the other side. Complex: one point,
        1e-16, but ``f`` must be analytic and take complex arrays; two more points test this.
    step : float, optional
        Distance h in the units of ``x``, > 0. By default eps^(1/3) max(abs(x), 1) for central, and
        eps^(1/2) max(abs(x), 1) one-sided, with eps of the array's own dtype.
    evaluate : {"auto", "stacked", "loop"}
        "stacked": ``f`` takes m points at once, shape ``(*s, m)`` for ``x`` of shape ``s``, and
        returns shape (m,). "loop": one point a call. "auto": stacked if the result stands a test at
        two points evaluated singly, else a loop; this reads a few numbers from the device.
    stack_axis : {-1, 0}
        Where stacked points go: behind (default) or before the axes of ``x``.

    Returns
    -------
    tree of arrays
        Structure, shapes, dtypes and device of ``x``.

    Raises
    ------
    DTypeError
        If a leaf of ``x`` is an integer or boolean array, or ``f`` returns complex values.
    ShapeError
        If ``f`` returns no single number, or, with "stacked", not one number per point.
    ArgumentError
        If an option is unknown, or ``f`` is not analytic for the complex step.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, sec. 8.1; Squire & Trapp (1998), Using complex
    variables to estimate derivatives of real functions.

    Examples
    --------
    >>> ag.differences.gradient(lambda x: x[0] ** 2 + x[1] ** 2, np.asarray([1.0, 2.0]))
    array([2., 4.])
    """
    where = "gradient"
    stencil = find_stencil(where, method)
    check_step(where, step)
    check_evaluation(where, evaluate, stack_axis)
    coordinates = Coordinates.of(where, x, method, stencil, step)
    if coordinates.count == 0:
        return coordinates.to_tree(coordinates.steps)
    call = PointFunction(where, f, coordinates, stack_axis, imaginary=method == COMPLEX)
    return coordinates.to_tree(measure_slopes(call, method, evaluate))
