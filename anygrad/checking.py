"""Checks a gradient against numerical differences, and names the element that is worst."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import jvp, value_and_grad
from anygrad.autodiff.inputs import call, pick
from anygrad.backends import backend_of, to_host
from anygrad.backends.types import Tree
from anygrad.differences.bars import Measured, measure_with_bars
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.copies import copy_of
from anygrad.differences.evaluation import PointFunction, check_evaluation
from anygrad.differences.kinds import is_complex
from anygrad.differences.reports import ElementCheck, GradientReport
from anygrad.differences.resolution import find_unresolved
from anygrad.differences.stencils import find_stencil
from anygrad.errors import ArgumentError, MissingRuleError

__all__ = ["ElementCheck", "GradientReport", "check_gradients"]

WHERE = "check_gradients"


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    gradient: Callable[..., Tree] | Tree | None = None,
    argnums: int | tuple[int, ...] = 0,
    rtol: float | None = None,
    samples: int | None = None,
    evaluate: str = "auto",
) -> GradientReport:
    """Compare the gradient of ``f`` with central differences, element by element.

    Differences at two step sizes and on both sides give each element an error bar; where bars hide
    the slopes, or ``f`` gives several values at one point, the verdict is "inconclusive". The
    automatic gradient is also compared with forward mode, along one direction:
    ``jvp(v) = <gradient, v>``. Everything is read on the host; ``f`` gets copies of the arrays.

    Parameters
    ----------
    f : callable
        Called as ``f(*args)``; returns a real number or an array of shape ().
    *args : trees
        The point. Those in ``argnums`` are trees of floating arrays or numbers.
    gradient : callable or tree, optional
        What to check in place of ``ag.grad``: called as ``gradient(*args)``, or the gradient
        itself.
    argnums : int or tuple of int
        The arguments that are differentiated, as for ``ag.grad``.
    rtol : float, optional
        Difference always allowed, relative to the slope at the point or a step beside it, >= 0; by
        default 16 eps^(2/3), 6e-10 in float64.
    samples : int, optional
        Check only about so many elements, > 0, spread evenly, one point a call; by default all.
        Each takes four evaluations.
    evaluate : {"auto", "stacked", "loop"}
        As for ``differences.gradient``.

    Returns
    -------
    GradientReport
        With ``verdict``, ``ok``, ``worst`` and ``raise_if_wrong()``; print it.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        For bad input only; a wrong gradient is reported, not raised.

    Examples
    --------
    >>> x = np.asarray([1.0, 2.0])
    >>> ag.check_gradients(lambda x: np.sum(x**3), x).ok
    True
    >>> report = ag.check_gradients(lambda x: np.sum(x**3), x, gradient=lambda x: 2 * x**2)
    >>> report.wrong, report.worst.path, report.worst.numerical > 2.9
    (2, 'x', True)
    """
    numbers = pick(WHERE, args, argnums)
    _check_options(rtol, samples)
    check_evaluation(WHERE, evaluate, -1)
    one = isinstance(argnums, int)
    point = args[numbers[0]] if one else tuple(args[n] for n in numbers)
    restricted = _restrict(f, _copy_arrays(args), numbers, one)
    coordinates = Coordinates.of(WHERE, point, "central", find_stencil(WHERE, "central"), None)
    if gradient is None:
        automatic = value_and_grad(f, argnums)(*_copy_arrays(args))[1]
    else:
        automatic = gradient(*_copy_arrays(args)) if callable(gradient) else gradient
    expected = _flatten_gradient(point, automatic)
    chosen = _choose(coordinates.count, samples)
    if len(chosen) < coordinates.count:
        evaluate = "loop"  # the test of stacked points needs all slopes
        part = coordinates.select(chosen.tolist())
    else:
        part = coordinates
    measured = measure_with_bars(PointFunction(WHERE, restricted, part, -1, False), evaluate)
    relative = 16.0 * coordinates.eps ** (2 / 3) if rtol is None else float(rtol)
    names = _name_coordinates(f, args, numbers)
    unresolved = find_unresolved(measured, expected[chosen], coordinates.eps)
    elements = _compare(
        measured, expected[chosen], relative, unresolved, [names[k] for k in chosen]
    )
    modes = {}
    if gradient is None and measured.repeatable:
        differentiated = _restrict(_as_differentiated(f), _copy_arrays(args), numbers, one)
        modes = _compare_modes(differentiated, coordinates, automatic, relative)
    return GradientReport(
        worst=max(elements, key=_badness, default=None),
        wrong=sum(element.ratio > 1.0 for element in elements),
        inconclusive=sum(element.ratio <= 1.0 and not element.resolved for element in elements),
        checked=len(elements),
        total=coordinates.count,
        kinks=int(np.sum(measured.kinks)),
        values=measured.values,
        repeatable=measured.repeatable,
        **modes,
    )


def _badness(element: ElementCheck) -> tuple:
    wrong = element.ratio > 1.0
    return wrong, not (wrong or element.resolved), element.ratio


def _copy_arrays(args: tuple) -> tuple:
    """Copies that may be written into, so that no call changes what the caller or another has."""
    return trees.map(lambda leaf: leaf if backend_of(leaf) is None else copy_of(leaf), args)


def _check_options(rtol: float | None, samples: int | None) -> None:
    if rtol is not None and not 0.0 <= rtol < 1.0:
        message = f"{WHERE}(rtol): got {rtol!r}; expected a number from 0 to 1, or None."
        raise ArgumentError(message)
    if samples is not None and (not isinstance(samples, int) or samples < 1):
        message = (
            f"{WHERE}(samples): got {samples!r}; expected a positive integer, or None for all."
        )
        raise ArgumentError(message)


def _as_differentiated(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` as transformations call it: where it is measured, it runs as it is."""
    return lambda *args: call(f, args, {})


def _restrict(f: Callable[..., Any], args: tuple, numbers: tuple[int, ...], one: bool) -> Any:
    """``f`` as a function of the differentiated arguments alone."""

    def restricted(point: Any) -> Any:
        inserted = dict(zip(numbers, (point,) if one else point, strict=True))
        return f(*(inserted.get(n, arg) for n, arg in enumerate(args)))

    return restricted


def _flatten_gradient(point: Tree, automatic: Tree) -> Any:
    """Host values of a gradient in the order of the coordinates of the point."""
    trees.check_same_structure(f"{WHERE}(gradient)", point, automatic)
    parts = []
    for leaf, slopes in zip(trees.leaves(point), trees.leaves(automatic), strict=True):
        values = np.reshape(np.asarray(to_host(slopes)), -1)
        parts.append(np.real(values))
        if _is_complex(leaf):
            parts.append(np.imag(values))
    return np.concatenate(parts).astype(np.float64)


def _is_complex(leaf: Any) -> bool:
    return isinstance(leaf, complex) or (hasattr(leaf, "dtype") and is_complex(leaf))


def _choose(count: int, samples: int | None) -> Any:
    """Coordinates to check, spread evenly, first and last among them."""
    if samples is None or samples >= count:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, samples).round().astype(int))


def _name_coordinates(f: Any, args: tuple, numbers: tuple[int, ...]) -> list[tuple]:
    """Path, index and part of every coordinate, in order."""
    names = []
    for n in numbers:
        for path, leaf in zip(trees.paths(args[n]), trees.leaves(args[n]), strict=True):
            shown = trees.show_path(_parameter_name(f, n), path)
            indices = list(np.ndindex(tuple(getattr(leaf, "shape", ()))))
            parts = ("real", "imaginary") if _is_complex(leaf) else ("",)
            names += [(shown, index, part) for part in parts for index in indices]
    return names


def _parameter_name(f: Any, n: int) -> str:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # some builtins tell no signature
        parameters = []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p.name for p in parameters if p.kind in plain]
    return positional[n] if n < len(positional) else f"args[{n}]"


def _compare(
    measured: Measured, automatic: Any, rtol: float, unresolved: Any, names: list
) -> list[ElementCheck]:
    # at a minimum a gradient rounds like the slopes beside it
    size = np.maximum(np.maximum(np.abs(automatic), np.abs(measured.slopes)), measured.reach)
    finite = size[np.isfinite(size)]
    # an element that is zero beside large ones is rounded like them
    floor = 1e-3 * rtol * float(np.max(finite, initial=0.0)) + float(np.finfo(np.float64).tiny)
    bars = measured.bars + rtol * size + floor
    return [
        ElementCheck(
            *name,
            automatic=float(automatic[k]),
            numerical=float(measured.slopes[k]),
            error=float(bars[k]),
            cause=_cause(measured, automatic, unresolved, k),
            resolved=not unresolved[k],
        )
        for k, name in enumerate(names)
    ]


def _cause(measured: Measured, automatic: Any, unresolved: Any, k: int) -> str:
    if not np.isfinite(automatic[k]):
        return "The gradient is not finite"
    if not np.isfinite(measured.slopes[k]):
        return (
            f"f is not finite {measured.steps[k]:.1e} away: the point lies at the edge of the "
            "domain of f, so move it before checking"
        )
    if measured.kinks[k]:
        left, right = measured.left[k], measured.right[k]
        return (
            f"f has a kink here: its slope is {left:.6g} to the left and {right:.6g} to the right"
        )
    if unresolved[k] and measured.spread[k] <= 64.0 * measured.rounding[k]:
        return "The rounding of f hides the slope: check in float64, or subtract what is constant"
    if unresolved[k]:
        return (
            f"f is not smooth over {measured.steps[k]:.1e} to {4 * measured.steps[k]:.1e}: it may "
            "jump, be noisy, or vary faster than that"
        )
    return ""


def _compare_modes(f: Any, coordinates: Coordinates, gradient: Tree, rtol: float) -> dict:
    """Compare ``jvp(v)`` with ``<gradient, v>`` for one direction v."""
    spread = (np.arange(1, coordinates.count + 1) * 0.6180339887498949) % 1.0 - 0.5
    direction = coordinates.make_tree(np.where(spread < 0, spread - 0.5, spread + 0.5).tolist())
    try:
        value, forward = jvp(f, (coordinates.copy_tree(),), (direction,))
    except MissingRuleError:
        return {}
    expected = _flatten_gradient(direction, gradient)
    parts = expected * _flatten_gradient(direction, direction)
    value, forward = float(to_host(value)), float(to_host(forward))
    error = rtol * (float(np.sum(np.abs(parts))) + abs(forward))
    return {
        "forward": forward,
        "reverse": float(np.sum(parts)),
        "mode_error": error + 64.0 * coordinates.eps * abs(value),
    }
