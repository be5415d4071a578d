"""The numerical gradient of a real function of a tree of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.differences.arranging import Arrangement
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.lines import climb_coordinates
from anygrad.differences.options import Options
from anygrad.differences.plans import make_plan
from anygrad.differences.records import Estimate
from anygrad.differences.slopes import measure_slopes

__all__ = ["gradient"]


def gradient(
    f: Callable[[Any], Any],
    x: Tree,
    *,
    method: str | None = None,
    accuracy: int | None = None,
    step: float | None = None,
    scale: Any = 1.0,
    bounds: Any = None,
    noise: float | None = None,
    rtol: float | None = None,
    evaluate: str = "auto",
    stack_axis: int = -1,
    executor: Any = None,
    batch_bytes: int | None = None,
    full_output: bool = False,
) -> Tree | Estimate:
    """Estimate the gradient of ``f`` at ``x`` by finite differences.

    Central differences are ``(f(x + h e_i) - f(x - h e_i)) / 2h`` for every element i. All points
    go to ``f`` in one call (one per 300 KB) where ``f`` can take them together. With
    ``full_output=True`` a ladder of steps gives every element an error bar.

    Parameters
    ----------
    f : callable
        Takes a tree like ``x``, returns a real number or an array of shape ().
    x : tree of arrays, or number
        Any shapes; real or complex floating, one backend and device. Python numbers become float64
        arrays of shape (). At complex elements the result is df/dRe + i df/dIm.
    method : {"central", "forward", "backward", "complex", "adaptive"}
        Central (the default): two points per element, relative error about 1e-10 in float64.
        Forward and backward: one, 1e-8, and ``f`` is never called on the other side. Complex: one
        point, 1e-16, but ``f`` must be analytic and take complex arrays; two more points test this.
        Adaptive (the default where a bar, a tolerance or noise is asked for): 10 points an element,
        up to 59 where f is badly scaled, noisy or kinked; about 1e-14. Its points are as far away
        as ``x`` is large: where ``f`` raises ArithmeticError or ValueError, as ``math.log(-1)``
        does, that counts as NaN, and no warnings of NumPy are shown. At ``x`` itself, in stacks,
        and for other methods, all that ``f`` raises comes through.
    accuracy : int, optional
        The power of the step in the truncation error, 1 to 8, for the first three methods: 2 by
        default for central differences and 1 for others.
    step : float, optional
        Distance h in the units of ``x``, > 0, for fixed methods. By default
        eps^(1/(1 + accuracy)) max(abs(x), scale), with eps of the array's own dtype.
    scale : float or tree like ``x``
        Typical size of elements, > 0, in whose proportion steps are chosen near 0.
    bounds : pair (lower, upper), optional
        Each None, a number or a tree like ``x``, or ``scipy.optimize.Bounds``; ``f`` is never
        called outside. Near a bound the differences are one-sided.
    noise : float, optional
        Standard deviation of f, >= 0, in its units, where you know it; else it is measured.
    rtol : float, optional
        The relative bar at which the ladder stops, 1e-10 by default.
    evaluate : {"auto", "stacked", "vmap", "loop"}
        "stacked": ``f`` takes m points at once, shape ``(*s, m)`` for ``x`` of shape ``s``, and
        returns shape (m,). "vmap": ``f`` is written for one point and traced for all. "loop": one
        point a call. "auto": the first of these whose result stands a test at two points evaluated
        singly; this reads a few numbers from the device.
    stack_axis : {-1, 0}
        Where stacked points go: behind (default) or before the axes of ``x``.
    executor : executor of ``concurrent.futures``, optional
        Evaluates single points in threads, processes, or on a cluster.
    batch_bytes : int, optional
        How many bytes of points go into one call, 300 KB by default.
    full_output : bool
        Return an `Estimate`.

    Returns
    -------
    tree of arrays, or Estimate
        Structure, shapes, dtypes and device of ``x``; with ``full_output`` a record of such trees:
        ``value``, ``error``, ``step``, ``noise``, ``second``, ``flags``, and counts.

    Raises
    ------
    DTypeError
        If a leaf of ``x`` is an integer or boolean array, or ``f`` returns complex values.
    ShapeError
        If ``f`` returns no single number, or, with "stacked", not one number per point.
    ArgumentError
        If an option is unknown, ``x`` is out of bounds, or ``f`` is not analytic for the complex
        step.
    EvaluationError
        If ``f`` fails at some points under an executor, or a worker dies.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, sec. 8.1; Squire & Trapp (1998), Using complex
    variables to estimate derivatives of real functions; Ridders (1982), Accurate computation of
    F'(x) and F'(x) F''(x), for the ladder, whose bars and stages are our own.

    Examples
    --------
    >>> ag.differences.gradient(lambda x: x[0] ** 2 + x[1] ** 2, np.asarray([1.0, 2.0]))
    array([2., 4.])
    >>> x = np.asarray([1e-3])
    >>> found = ag.differences.gradient(lambda x: np.log(x[0]), x, full_output=True)
    >>> bool(abs(found.value[0] - 1000.0) <= found.error[0] < 1e-8)
    True
    """
    options = Options(
        "gradient",
        method=method,
        accuracy=accuracy,
        step=step,
        scale=scale,
        bounds=bounds,
        noise=noise,
        rtol=rtol,
        evaluate=evaluate,
        stack_axis=stack_axis,
        executor=executor,
        batch_bytes=batch_bytes,
        full_output=full_output,
    )
    coordinates = Coordinates.of(options.where, x)
    call = PointFunction.under(options, f, coordinates, scalar=True)
    like = Arrangement(coordinates.layout, None)
    if not options.adaptive:
        if coordinates.count == 0:
            return coordinates.to_tree(coordinates.position)
        slopes, _ = measure_slopes(call, make_plan(options, coordinates), evaluate)
        return like.values(slopes)
    found, way = climb_coordinates(call, options)
    estimate = Estimate(found, like, call, way, 1)
    return estimate if full_output else estimate.value
