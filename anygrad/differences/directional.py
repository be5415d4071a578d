"""The derivative of a function of a tree along one direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from anygrad.backends.types import Tree
from anygrad.differences.arranging import Arrangement
from anygrad.differences.coordinates import Coordinates, Layout
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.lengths import make_axes, make_line_plan
from anygrad.differences.lines import climb_moves
from anygrad.differences.moves import DirectionMoves
from anygrad.differences.options import Choices, Options
from anygrad.differences.records import Estimate
from anygrad.differences.slopes import measure_slopes
from anygrad.errors import ArgumentError, describe

__all__ = ["directional"]


def directional(
    f: Callable[[Any], Any], x: Tree, v: Tree, **choices: Unpack[Choices]
) -> Tree | Estimate:
    """Estimate the derivative of ``f`` at ``x`` along ``v``: the slope of ``f(x + t v)`` at t = 0.

    Two evaluations, or about ten with an error bar, however many elements ``x`` has.

    Parameters
    ----------
    f : callable
        Takes a tree like ``x``, returns a number, an array or a tree of arrays, real or complex.
    x : tree of arrays, or number
        As for `gradient`.
    v : tree of arrays
        Structure and shapes of ``x``; not normalised. Complex elements move both parts.
    **choices
        ``method``, ``accuracy``, ``step`` (in units of ``v``), ``scale``, ``bounds``, ``noise``,
        ``rtol``, ``evaluate``, ``stack_axis``, ``executor``, ``batch_bytes`` and ``full_output``,
        as for `gradient`.

    Returns
    -------
    tree of arrays, or Estimate
        Structure and shapes of ``f(x)``.

    Raises
    ------
    ShapeError
        If ``v`` does not match ``x``, or ``f`` returns other shapes elsewhere.
    ArgumentError, DTypeError, EvaluationError
        As for `gradient`.

    Examples
    --------
    >>> x, v = np.asarray([1.0, 2.0]), np.asarray([0.5, 1.0])
    >>> ag.differences.directional(lambda x: x**2, x, v).round(9)
    array([1., 4.])
    """
    options = Options.of("directional", choices)
    coordinates = Coordinates.of(options.where, x)
    if coordinates.count == 0:
        message = (
            f"directional(x): got {describe(x)}; expected at least one element to move along v."
        )
        raise ArgumentError(message)
    vector = coordinates.read_vector(options.where, v)[None, :]
    call = PointFunction.under(options, f, coordinates, scalar=False)
    moves = DirectionMoves(coordinates, lambda index: vector, 1)
    axes = make_axes(options, coordinates, vector)
    number = Layout.of_number(coordinates.position)
    if options.adaptive:
        found, way = climb_moves(call, moves, axes, options, 1)
        estimate = Estimate(found, Arrangement(number, call.outputs), call, way, 1)
        return estimate if options.full_output else estimate.value
    plan = make_line_plan(options, coordinates, axes)
    slopes, _ = measure_slopes(call, plan, options.evaluate, moves)
    return Arrangement(number, call.outputs).values(slopes)
