"""Checks a gradient against numerical differences, and names the element that is worst."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import jvp, value_and_grad
from anygrad.autodiff.inputs import pick
from anygrad.backends import to_host
from anygrad.backends.types import Tree
from anygrad.differences.bars import Measured, measure_with_bars
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import PointFunction, check_evaluation
from anygrad.differences.kinds import is_complex
from anygrad.differences.stencils import find_stencil
from anygrad.errors import ArgumentError, GradientError, MissingRuleError

__all__ = ["ElementCheck", "GradientReport", "check_gradients"]

WHERE = "check_gradients"


@dataclass(frozen=True)
class ElementCheck:
    """One element of a gradient beside its numerical value.

    Attributes
    ----------
    path : str
        The leaf as one would write it, ``params['decoder']['w']``.
    index : tuple of int
        The element in its leaf.
    part : {"", "real", "imaginary"}
        Which part of a complex element.
    automatic, numerical : float
        The gradient that was checked, and the central difference.
    error : float
        The error bar: what truncation, rounding, a kink and ``rtol`` may explain.
    cause : str
        A sentence where the cause of a difference is known, else empty.
    """

    path: str
    index: tuple[int, ...]
    part: str
    automatic: float
    numerical: float
    error: float
    cause: str = ""

    @property
    def ratio(self) -> float:
        """Difference in error bars; above 1 is wrong, and so is inf."""
        return _ratio(abs(self.automatic - self.numerical), self.error)

    def __str__(self) -> str:
        index = ", ".join(map(str, self.index))
        place = self.path + (f"[{index}]" if index else "")
        place = f"{place} ({self.part} part)" if self.part else place
        text = (
            f"{place}: automatic {self.automatic:.10g}, numerical {self.numerical:.10g} "
            f"+- {self.error:.1e}, {self.ratio:.2g} error bars apart"
        )
        return f"{text}. {self.cause}" if self.cause else text


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found.

    Attributes
    ----------
    ok : bool
        Whether every element checked lies within its error bar, and both modes agree.
    worst : ElementCheck or None
        The element with the largest difference in error bars; None if there is none.
    wrong, checked, total : int
        How many elements are outside, were looked at, and exist (complex ones count twice).
    kinks : int
        How many of those checked sit on a kink, where any slope between both sides passes.
    forward, reverse, mode_error : float or None
        The derivative along one direction by ``jvp``, by the gradient, and what rounding explains
        of their difference; None if the gradient was given or ``jvp`` lacks a rule.
    """

    ok: bool
    worst: ElementCheck | None
    wrong: int
    checked: int
    total: int
    kinks: int
    forward: float | None = None
    reverse: float | None = None
    mode_error: float | None = None

    @property
    def modes_agree(self) -> bool:
        """Whether forward and reverse mode agree along the direction; true if not compared."""
        if self.forward is None or self.reverse is None or self.mode_error is None:
            return True
        return abs(self.forward - self.reverse) <= self.mode_error

    def __str__(self) -> str:
        some = "" if self.checked == self.total else f" of {self.total}"
        scope = f"{self.checked}{some} elements"
        if self.wrong:
            lines = [f"The gradient is wrong in {self.wrong} of the {scope} checked."]
        else:
            lines = [f"The gradient agrees with central differences in the {scope} checked."]
        if self.worst is not None:
            lines.append(f"Worst is {self.worst}.".replace("..", "."))
        if self.kinks:
            lines.append(
                f"{self.kinks} of them sit on a kink of f, where any slope between the slopes of "
                "both sides passes."
            )
        if not self.modes_agree:
            lines.append(
                "Forward and reverse mode disagree: along one direction jvp gives "
                f"{self.forward:.10g}, the gradient {self.reverse:.10g}. "
                "One of the two rules of an operation is wrong."
            )
        return "\n".join(lines)

    def raise_if_wrong(self) -> GradientReport:
        """Raise GradientError with the report if it is not ok, else return the report."""
        if not self.ok:
            raise GradientError(str(self))
        return self


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

    Differences at two step sizes and on both sides give each element an error bar. Everything is
    read on the host. The automatic gradient is also compared with forward mode, along one
    direction: ``jvp(v) = <gradient, v>``.

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
        Relative difference always allowed, >= 0; by default 16 eps^(2/3), 6e-10 in float64.
    samples : int, optional
        Check only about so many elements, > 0, spread evenly, one point a call; by default all.
        Each takes four evaluations.
    evaluate : {"auto", "stacked", "loop"}
        As for ``differences.gradient``.

    Returns
    -------
    GradientReport
        With ``ok``, ``worst`` and ``raise_if_wrong()``; print it.

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
    restricted = _restrict(f, args, numbers, one)
    coordinates = Coordinates.of(WHERE, point, "central", find_stencil(WHERE, "central"), None)
    if gradient is None:
        automatic = value_and_grad(f, argnums)(*args)[1]
    else:
        automatic = gradient(*args) if callable(gradient) else gradient
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
    elements = _compare(measured, expected[chosen], relative, [names[k] for k in chosen])
    modes = {}
    if gradient is None:
        modes = _compare_modes(restricted, coordinates, automatic, relative)
    wrong = sum(element.ratio > 1.0 for element in elements)
    report = GradientReport(
        ok=wrong == 0,
        worst=max(elements, key=lambda element: element.ratio, default=None),
        wrong=wrong,
        checked=len(elements),
        total=coordinates.count,
        kinks=int(np.sum(measured.kinks)),
        **modes,
    )
    return replace(report, ok=report.ok and report.modes_agree)


def _check_options(rtol: float | None, samples: int | None) -> None:
    if rtol is not None and not 0.0 <= rtol < 1.0:
        message = f"{WHERE}(rtol): got {rtol!r}; expected a number from 0 to 1, or None."
        raise ArgumentError(message)
    if samples is not None and (not isinstance(samples, int) or samples < 1):
        message = (
            f"{WHERE}(samples): got {samples!r}; expected a positive integer, or None for all."
        )
        raise ArgumentError(message)


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


def _compare(measured: Measured, automatic: Any, rtol: float, names: list) -> list[ElementCheck]:
    size = np.maximum(np.abs(automatic), np.abs(measured.slopes))
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
            cause=_cause(measured, automatic, k),
        )
        for k, name in enumerate(names)
    ]


def _cause(measured: Measured, automatic: Any, k: int) -> str:
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
    return ""


def _compare_modes(f: Any, coordinates: Coordinates, gradient: Tree, rtol: float) -> dict:
    """Compare ``jvp(v)`` with ``<gradient, v>`` for one direction v."""
    spread = (np.arange(1, coordinates.count + 1) * 0.6180339887498949) % 1.0 - 0.5
    direction = coordinates.make_tree(np.where(spread < 0, spread - 0.5, spread + 0.5).tolist())
    try:
        value, forward = jvp(f, (coordinates.as_tree(),), (direction,))
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


def _ratio(difference: float, error: float) -> float:
    """Difference in units of the error; inf where either is unknown."""
    if not (np.isfinite(difference) and np.isfinite(error)):
        return float("inf")
    return difference / error
