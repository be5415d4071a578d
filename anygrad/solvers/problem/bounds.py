"""Bounds on the variables: what users write, as two vectors, and staying between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of
from anygrad.backends.registry import place_of
from anygrad.backends.types import Array
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, ShapeError, describe
from anygrad.solvers.problem.parts import Part
from anygrad.solvers.problem.space import Space

__all__ = ["Box", "read_box"]

ROOM = 16.0
"""A variable whose bounds are closer than so many units of rounding counts as fixed."""


@dataclass(frozen=True)
class Box:
    """Lower and upper bounds as vectors; infinite where there is none.

    Attributes
    ----------
    lower, upper : array, shape (n,)
        On the device.
    fixed : array of bool, shape (n,), or None
        Which variables have no room between their bounds; None where all have.
    is_closed : bool
        Whether every variable has both bounds.
    """

    lower: Array
    upper: Array
    fixed: Array | None = None
    is_closed: bool = False

    def project(self, space: Space, x: Array) -> Array:
        """Move a vector to the nearest one within the bounds; nan stays nan."""
        xp = space.xp
        return xp.minimum(xp.maximum(x, self.lower), self.upper)

    def snap(self, space: Space, x: Array, origin: Array) -> Array:
        """Project a point of a ray from ``origin``, and take a bound for what rounds to it."""
        xp = space.xp
        near = 4.0 * space.eps * xp.maximum(xp.abs(x), xp.abs(origin))
        x = xp.where(xp.abs(x - self.lower) < near, self.lower, x)
        x = xp.where(xp.abs(x - self.upper) < near, self.upper, x)
        return self.project(space, x)

    def reach(self, space: Space, x: Array, direction: Array) -> Array:
        """The largest step along a direction that stays within the bounds; 0-d, inf for none."""
        xp = space.xp
        moves = direction != 0.0
        room = xp.where(direction > 0.0, self.upper - x, self.lower - x)
        steps = room / xp.where(moves, direction, xp.ones_like(x))
        return xp.min(xp.where(moves, steps, xp.full_like(x, math.inf)))


def read_box(where: str, bounds: Any, space: Space) -> Box | None:
    """Turn bounds into vectors; None where there are none.

    A pair ``(lower, upper)``, each None, a number, or a tree like x0 of None, numbers and arrays
    that broadcast to the leaf; ``scipy.optimize.Bounds``; or one pair ``(low, high)`` for each
    element, in a list or a NumPy array of shape (n, 2).

    Raises
    ------
    ArgumentError
        If a lower bound is above the upper one, or one is nan; the message has the element.
    DTypeError
        If a complex leaf has a bound.
    ShapeError
        If shapes or numbers of bounds do not fit.
    """
    where = f"{where}(bounds)"
    if bounds is None:
        return None
    flat = _flat(where, bounds)
    if flat is not None:
        if isinstance(bounds, list | np.ndarray) and len(bounds) != space.size:
            message = (
                f"{where}: got {len(bounds)} pairs; expected one for each of the {space.size} "
                "elements of x0."
            )
            raise ShapeError(message)
        sides = [_vector(where, side, space) for side in flat]
    elif isinstance(bounds, tuple) and len(bounds) == 2:
        sides = [
            _side(where, side, space, infinite)
            for side, infinite in zip(bounds, (-math.inf, math.inf), strict=True)
        ]
    else:
        message = (
            f"{where}: got {describe(bounds)}; expected a pair (lower, upper), "
            "scipy.optimize.Bounds, or a list of one pair (low, high) for each element."
        )
        raise ArgumentError(message)
    return _checked(where, space, *sides)


def _flat(where: str, bounds: Any) -> tuple[Any, Any] | None:
    """The two sides of the forms that SciPy has, which know of elements only."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return bounds.lb, bounds.ub
    if isinstance(bounds, np.ndarray) and bounds.ndim == 2 and bounds.shape[1] == 2:
        return bounds[:, 0], bounds[:, 1]
    if not isinstance(bounds, list):
        return None
    lows, highs = [], []
    for index, pair in enumerate(bounds):
        try:
            low, high = pair
            lows.append(-math.inf if low is None else float(low))
            highs.append(math.inf if high is None else float(high))
        except (TypeError, ValueError):
            message = (
                f"{where}: got {describe(pair)} at position {index} of a list; expected a pair of "
                "numbers or None for each element. Write (lower, upper), a tuple, for two trees."
            )
            raise ArgumentError(message) from None
    return np.asarray(lows), np.asarray(highs)


def _vector(where: str, side: Any, space: Space) -> Array:
    """One number for each element of the vector, from the host."""
    if any(part.is_complex for part in space.parts):
        _refuse_complex(where, "x0", side)
    numbers = np.asarray(side, dtype=np.float64)
    if len(space.parts) == 1 and numbers.shape == space.parts[0].shape:
        numbers = numbers.reshape(-1)
    if numbers.shape not in ((), (1,), (space.size,)):
        message = (
            f"{where}: got bounds of shape {numbers.shape}; expected a number or one for each of "
            f"the {space.size} elements of x0."
        )
        raise ShapeError(message)
    return space.from_host(np.array(np.broadcast_to(numbers, (space.size,))))


def _side(where: str, side: Any, space: Space, infinite: float) -> Array:
    """One side from None, a number, or a tree."""
    whole = side is None or _is_number(side)
    leaves = (
        [side] * len(space.parts)
        if whole
        else trees.flatten_up_to(space.treedef, side, where=where)
    )
    names = trees.paths(space.to_tree(space.zeros()))
    pieces = [
        _piece(f"{where} at {trees.show_path('x0', path)}", leaf, space, part, infinite)
        for leaf, part, path in zip(leaves, space.parts, names, strict=True)
    ]
    return pieces[0] if len(pieces) == 1 else space.xp.concat(pieces)


def _piece(where: str, bound: Any, space: Space, part: Part, infinite: float) -> Array:
    xp = space.xp
    size = 2 * part.size if part.is_complex else part.size
    if bound is None or (_is_number(bound) and float(bound) == infinite):
        return space.zeros(size) + infinite
    if part.is_complex:
        _refuse_complex(where, "the leaf", bound)
    if _is_number(bound):
        return space.zeros(size) + float(bound)
    backend = backend_of(bound)
    if backend is None:
        message = (
            f"{where}: got {describe(bound)}; expected None, a number or an array. For one pair an "
            "element, write a list of pairs."
        )
        raise ArgumentError(message)
    try:
        if backend is space.backend:
            bound = xp.astype(bound, space.dtype, copy=False)
            return xp.reshape(xp.broadcast_to(bound, part.shape), (-1,))
        if isinstance(bound, np.ndarray):  # as SciPy's forms, numbers of the host
            spread = np.broadcast_to(bound.astype(np.float64), part.shape)
            return space.from_host(np.array(spread).reshape(-1))
    except (ValueError, RuntimeError, TypeError):
        message = f"{where}: got {describe(bound)}; expected real numbers for shape {part.shape}."
        raise ShapeError(message) from None
    message = f"{where}: got {place_of(bound)}; expected {place_of(space.home)} or numbers."
    raise MixedBackendError(message)


def _is_number(x: Any) -> bool:
    return isinstance(x, Real) and not isinstance(x, bool)


def _refuse_complex(where: str, what: str, bound: Any) -> None:
    message = (
        f"{where}: got {describe(bound)}, but {what} is complex; expected None, for complex "
        "numbers have no order. Keep real and imaginary parts as two leaves."
    )
    raise DTypeError(message)


def _checked(where: str, space: Space, lower: Array, upper: Array) -> Box | None:
    """Refuse what no x satisfies; one read of the device."""
    xp = space.xp
    low_ok, high_ok = xp.isfinite(lower), xp.isfinite(upper)
    bad = xp.isnan(lower) | xp.isnan(upper) | (lower > upper)
    bad = bad | (lower == math.inf) | (upper == -math.inf)
    zero = xp.zeros_like(lower)
    low, high = (xp.where(low_ok & high_ok, side, zero) for side in (lower, upper))
    with np.errstate(over="ignore"):  # bounds may be as far apart as numbers go
        tight = high - low <= ROOM * space.eps * xp.maximum(xp.abs(low), xp.abs(high))
    fixed = tight & low_ok & high_ok
    flags = (bad, low_ok | high_ok, fixed, ~(low_ok & high_ok))
    found = space.fetch([xp.max(xp.astype(flag, space.dtype)) for flag in flags])
    is_bad, is_bounded, has_fixed, is_open = (flag > 0.0 for flag in found)
    if is_bad:
        _refuse(where, space, *space.fetch([lower, upper]))
    if not is_bounded:
        return None
    return Box(lower, upper, fixed if has_fixed else None, not is_open)


def _refuse(where: str, space: Space, lower: np.ndarray, upper: np.ndarray) -> None:
    fine = (lower <= upper) & (lower < math.inf) & (upper > -math.inf)
    index = int(np.argmin(fine))
    message = (
        f"{where}: got lower {lower[index]:g} and upper {upper[index]:g} for "
        f"{_name(space, index)}; expected lower <= upper, and no nan."
    )
    raise ArgumentError(message)


def _name(space: Space, index: int) -> str:
    """What the user calls an element of the vector."""
    names = trees.paths(space.to_tree(space.zeros()))
    number = max(k for k, part in enumerate(space.parts) if part.start <= index)
    part = space.parts[number]
    place = trees.show_path("x0", names[number])
    if not part.shape:
        return place
    inside = np.unravel_index((index - part.start) % max(part.size, 1), part.shape)
    return f"{place}[{', '.join(str(int(k)) for k in inside)}]"
