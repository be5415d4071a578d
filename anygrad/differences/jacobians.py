"""The numerical Jacobian of a function of a tree, dense or sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from anygrad.backends.types import Array, Tree
from anygrad.differences.arranging import Arrangement
from anygrad.differences.compression import compressed_jacobian
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.ladder import Climb
from anygrad.differences.lines import climb_coordinates
from anygrad.differences.options import Choices, Options
from anygrad.differences.plans import make_plan
from anygrad.differences.records import Estimate
from anygrad.differences.slopes import measure_slopes
from anygrad.errors import DTypeError

__all__ = ["jacobian", "measure_jacobian", "refuse_complex_points"]


def jacobian(
    f: Callable[[Any], Any],
    x: Tree,
    *,
    sparsity: Any = None,
    format: str = "dense",
    **choices: Unpack[Choices],
) -> Tree | Estimate:
    """Estimate all first derivatives of ``f`` at ``x`` by finite differences.

    Parameters
    ----------
    f : callable
        Takes a tree like ``x``, returns a number, an array or a tree of arrays, real or complex.
    x : tree of arrays, or number
        Real floating, as for `gradient`.
    sparsity : matrix, (rows, columns), "trace" or "nan", optional
        Where the Jacobian, outputs by elements in flat order, may have entries: a boolean array, a
        sparse matrix, or two sequences of indices; "trace" finds them by differentiating ``f``,
        "nan" by what becomes NaN when an element is. Columns without a common row are then moved
        together (Curtis, Powell, Reid 1974). Two more evaluations along a random direction test
        that no entry is missing.
    format : {"dense", "sparse"}
        With ``sparsity`` and one array in and out: an array, or a ``scipy.sparse.csr_array`` (for
        CuPy ``cupyx.scipy.sparse.csr_matrix``) of shape (m, n).
    **choices
        ``method``, ``accuracy``, ``step``, ``scale``, ``bounds``, ``noise``, ``rtol``,
        ``evaluate``, ``stack_axis``, ``executor``, ``batch_bytes`` and ``full_output``, as for
        `gradient`; ``rtol`` is relative to an entry, or to a tenth of the largest in its column
        where that is more. Stacked, values of shape s become ``(*s, m)``, or ``(m, *s)`` for
        ``stack_axis=0``.

    Returns
    -------
    tree of arrays, sparse matrix, or Estimate
        As of ``ag.jacobian``: in the structure of ``f(x)``, for each leaf the structure of ``x``:
        arrays of shape ``(*shape of the value, *shape of the element)``.

    Raises
    ------
    ArgumentError
        If an option is unknown, or ``sparsity`` misses entries.
    DTypeError, ShapeError, EvaluationError
        As for `gradient`.

    References
    ----------
    Curtis, Powell, Reid (1974), On the estimation of sparse Jacobian matrices.

    Examples
    --------
    >>> f = lambda x: np.stack([x[0] ** 2, x[0] * x[1]])
    >>> ag.differences.jacobian(f, np.asarray([1.0, 2.0])).round(9)
    array([[2., 0.],
           [2., 1.]])
    """
    options = Options.of("jacobian", choices)
    coordinates = Coordinates.of(options.where, x)
    refuse_complex_points(options.where, coordinates)
    call = PointFunction.under(options, f, coordinates, scalar=False)
    if sparsity is not None or format != "dense":
        return compressed_jacobian(call, options, sparsity, format)
    found, way = measure_jacobian(call, options)
    like = Arrangement(coordinates.layout, call.outputs)
    if not isinstance(found, Climb):
        return like.values(found)
    estimate = Estimate(found, like, call, way, 1)
    return estimate if options.full_output else estimate.value


def measure_jacobian(call: PointFunction, options: Options) -> tuple[Array | Climb, str]:
    """Derivatives (C, O) by a fixed method, or what the ladder finds; and how f was evaluated."""
    if options.adaptive:
        return climb_coordinates(call, options)
    return measure_slopes(call, make_plan(options, call.coordinates), options.evaluate)


def refuse_complex_points(where: str, coordinates: Coordinates) -> None:
    """Refuse what has no derivative by element."""
    if coordinates.unit is None:
        return
    message = (
        f"{where}(x): got complex elements; expected real ones. Differentiate a function of their "
        "real and imaginary parts."
    )
    raise DTypeError(message)
