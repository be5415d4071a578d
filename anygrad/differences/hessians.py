"""The numerical Hessian: from the exact gradient where there is one, else from values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from anygrad import trees
from anygrad.autodiff import grad
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.differences.arranging import Arrangement
from anygrad.differences.compression import compressed_hessian
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.curvatures import measure_curvatures
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.jacobians import measure_jacobian, refuse_complex_points
from anygrad.differences.kinds import is_complex
from anygrad.differences.ladder import Climb
from anygrad.differences.lines import place_probes, to_double
from anygrad.differences.moves import CoordinateMoves
from anygrad.differences.options import ADAPTIVE, Choices, Options
from anygrad.differences.records import Estimate
from anygrad.differences.stencils import COMPLEX
from anygrad.differences.subsets import change_arrays
from anygrad.errors import ArgumentError, describe, suggest

__all__ = ["hessian"]

GRADIENTS = ("auto", "automatic", "numerical")


def hessian(
    f: Callable[[Any], Any],
    x: Tree,
    *,
    gradient: str | Callable[[Any], Tree] = "auto",
    sparsity: Any = None,
    format: str = "dense",
    **choices: Unpack[Choices],
) -> Tree | Estimate:
    """Estimate all second derivatives of ``f`` at ``x``.

    From the exact gradient by complex steps (about 1e-15), or by a ladder of steps where it takes
    no complex numbers or a bar is asked for; from values of ``f`` alone by a ladder along every
    coordinate and every sum of two, n (n + 1) / 2 lines of about ten points.

    Parameters
    ----------
    f : callable
        Takes a tree like ``x``, returns a real number or an array of shape ().
    x : tree of arrays, or number
        Real floating, as for `gradient`.
    gradient : {"auto", "automatic", "numerical"} or callable
        What is differentiated: the gradient of ``ag.grad``, one of your own (``gradient(x)`` like
        ``x``), or, with "numerical", nothing but values of ``f``. "auto": the automatic gradient
        where ``f`` can be traced, else values.
    sparsity : as for `jacobian`, optional
        Of the symmetric matrix, elements by elements in flat order; columns are moved together by a
        star colouring, and ``(i, j)`` is read where ``(j, i)`` would be. Only from a gradient.
    format : {"dense", "sparse"}
        As for `jacobian`.
    **choices
        As for `gradient`. ``method`` is that of the differences of the gradient; with
        ``evaluate="stacked"``, ``gradient`` (or for values ``f``) takes stacked points.

    Returns
    -------
    tree of arrays, sparse matrix, or Estimate
        As of ``ag.hessian``: in the structure of ``x``, for each leaf the structure of ``x`` again:
        arrays of shape ``(*shape, *shape)``. Symmetric.

    Raises
    ------
    ArgumentError
        If an option is unknown, or ``sparsity`` misses entries.
    DTypeError, ShapeError, EvaluationError
        As for `gradient`.

    References
    ----------
    Coleman, More (1984), Estimation of sparse Hessian matrices and graph coloring problems;
    Squire, Trapp (1998), Using complex variables to estimate derivatives of real functions.

    Examples
    --------
    >>> ag.differences.hessian(lambda x: x[0] ** 2 * x[1], np.asarray([2.0, 3.0])).round(9) + 0.0
    array([[6., 4.],
           [4., 0.]])
    """
    options = Options.of("hessian", choices)
    coordinates = Coordinates.of(options.where, x)
    refuse_complex_points(options.where, coordinates)
    options.read_scale(coordinates)  # refused if wrong, also where no step depends on it
    slopes = _find_gradient(options, f, coordinates, gradient)
    if slopes is not None:
        return _differentiate(options, slopes, coordinates, sparsity, format)
    _refuse_what_values_cannot(options, sparsity, format)
    call = PointFunction.under(options, f, coordinates, scalar=True)
    found, way = measure_curvatures(call, options)
    estimate = Estimate(found, Arrangement(coordinates.layout, coordinates.layout), call, way, 2)
    return estimate if options.full_output else estimate.value


def _find_gradient(
    options: Options, f: Callable[[Any], Any], coordinates: Coordinates, gradient: Any
) -> Callable[[Tree], Tree] | None:
    """The function to differentiate, or None where only values are to be used."""
    if callable(gradient):
        return gradient
    if gradient not in GRADIENTS:
        hint = suggest(gradient, GRADIENTS) if isinstance(gradient, str) else ""
        message = (
            f"{options.where}(gradient): got {describe(gradient)}; expected a function or one of "
            f"{', '.join(GRADIENTS)}. {hint}"
        )
        raise ArgumentError(message.rstrip())
    if gradient == "numerical" or (gradient == "auto" and options.executor is not None):
        return None

    def total(x: Tree) -> Array:
        value = f(x)  # of stacked points; the sum has the gradient of each
        return namespace_of(value).sum(value) if options.evaluate == "stacked" else value

    def slopes(x: Tree) -> Tree:
        return grad(total, holomorphic=any(is_complex(leaf) for leaf in trees.leaves(x)))(x)

    if gradient == "automatic":
        return slopes
    try:
        here = trees.leaves(slopes(coordinates.copy_tree()))
    except Exception:  # whatever a black box raises when it is traced
        return None
    return slopes if _explains(options, f, coordinates, here) else None


def _explains(
    options: Options, f: Callable[[Any], Any], coordinates: Coordinates, here: list[Array]
) -> bool:
    """Whether a gradient tells how ``f`` changes: what is traced may take other branches."""
    call = PointFunction.under(options, f, coordinates, scalar=True)
    x = coordinates.position
    xp = namespace_of(x)
    slopes = xp.concat([xp.reshape(leaf, (-1,)) for leaf in here])
    reach = coordinates.eps ** (1 / 3) * xp.where(x == 0.0, xp.ones_like(x), xp.abs(x))
    rooms = options.read_rooms(coordinates)
    probes = place_probes(call, CoordinateMoves(coordinates), to_double(reach), rooms)
    try:
        with np.errstate(all="ignore"):
            return probes.explain(xp.astype(slopes, x.dtype, copy=False)[:, None])
    except (ArithmeticError, ValueError):  # out of its domain; an error at x itself is seen later
        return False


def _differentiate(
    options: Options,
    slopes: Callable[[Tree], Tree],
    coordinates: Coordinates,
    sparsity: Any,
    format: str,
) -> Any:
    """The Jacobian of a gradient, symmetric."""

    def call_under(options: Options) -> PointFunction:
        return PointFunction.under(options, slopes, coordinates, scalar=False)

    attempts = [options]
    chosen = options.method or options.step or options.accuracy
    if chosen is None and not options.adaptive:
        ladder = replace(options, method=ADAPTIVE)
        attempts = [ladder] if options.bounds is not None else [replace(options, method=COMPLEX)]
        attempts += [ladder] if options.bounds is None else []
    for attempt in attempts:
        call = call_under(attempt)
        try:
            if sparsity is not None or format != "dense":
                return compressed_hessian(call, attempt, sparsity, format)
            found, way = measure_jacobian(call, attempt)
            break
        except Exception:  # a gradient that takes no complex numbers, or is not analytic
            if attempt is attempts[-1]:
                raise
    like = Arrangement(coordinates.layout, coordinates.layout)
    if not isinstance(found, Climb):
        return like.values(_symmetrise(found))
    estimate = Estimate(change_arrays(_symmetrise, found), like, call, way, 2)
    return estimate if options.full_output else estimate.value


def _symmetrise(table: Array) -> Array:
    """Mean of a table and its transpose; flags of either."""
    xp = namespace_of(table)
    mirrored = xp.matrix_transpose(table)
    return table | mirrored if table.dtype == xp.bool else 0.5 * (table + mirrored)


def _refuse_what_values_cannot(options: Options, sparsity: Any, format: str) -> None:
    named = {"sparsity": sparsity, "format": None if format == "dense" else format}
    idle = next((name for name, value in named.items() if value is not None), None)
    fixed = next((n for n in ("step", "accuracy") if getattr(options, n) is not None), None)
    if options.method not in (None, ADAPTIVE):
        fixed = "method"
    if idle is None and fixed is None:
        return
    message = (
        f"{options.where}({idle or fixed}): got it without a gradient, where a ladder of steps "
        "along pairs of coordinates is all there is. Pass gradient=, a function."
    )
    raise ArgumentError(message)
