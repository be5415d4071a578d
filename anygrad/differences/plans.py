"""Fixed differences as a plan: where each coordinate is evaluated, and how that makes a slope."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from anygrad.backends import namespace_of
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.options import Options, Rooms
from anygrad.differences.stencils import COMPLEX, Stencil, find_stencil
from anygrad.differences.steps import choose_complex_steps, choose_steps
from anygrad.errors import DTypeError

__all__ = ["Plan", "lay_out", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """Evaluations of C coordinates at R points each.

    Attributes
    ----------
    steps : array, shape (C,)
        The unit of the offsets, > 0.
    offsets : tuple of arrays, shape (C,)
        Where ``f`` is evaluated along each coordinate, R times.
    weights : tuple of arrays, shape (C, 1), or floats
        What the values are multiplied with; the sum is divided by ``steps**order``.
    base : array, shape (C, 1), float, or None
        The weight of f(x); None where no coordinate needs it.
    order : int
        Which derivative.
    imaginary : bool
        Whether the offsets are along the imaginary axis, and the imaginary part is the sum.
    sides : array, shape (C,), or float
        1 or -1 for coordinates that are evaluated on that side only, else 0.
    reach : array, shape (C,), or None
        For the complex step, what a central difference would step.
    """

    steps: Array
    offsets: tuple[Array, ...]
    weights: tuple[Any, ...]
    base: Any
    order: int
    imaginary: bool = False
    sides: Any = 0.0
    reach: Array | None = None

    @np.errstate(all="ignore")
    def combine(self, values: Array, center: Array | None) -> Array:
        """Slopes (C, O) from values (R, C, O) and f(x) of shape (1, O)."""
        xp = namespace_of(values)
        steps = self.steps[:, None]
        if self.imaginary:
            return xp.imag(values[0, ...]) / steps
        total = sum(w * values[i, ...] for i, w in enumerate(self.weights))
        if self.base is not None and center is not None:
            total = total + self.base * center
        return total / (steps if self.order == 1 else steps**self.order)


@np.errstate(all="ignore")
def make_plan(options: Options, coordinates: Coordinates, order: int = 1) -> Plan:
    """Lay the differences of a fixed method out, within bounds."""
    where, method = options.where, options.fixed
    stencil = find_stencil(where, method, order, options.accuracy)
    if method == COMPLEX:
        steps = _on_grids(coordinates, lambda x, _: choose_complex_steps(x, options.step))
        x = coordinates.position
        size = namespace_of(x).abs(x)
        return lay_out(options, coordinates, stencil, steps, None, _ones_for_zeros(size))
    scale, rooms = options.read_scale(coordinates), options.read_rooms(coordinates)
    steps = _on_grids(coordinates, partial(choose_steps, stencil, options.step), scale)
    return lay_out(options, coordinates, stencil, steps, rooms)


@np.errstate(all="ignore")
def lay_out(
    options: Options,
    coordinates: Coordinates,
    stencil: Stencil,
    steps: Array,
    rooms: Rooms,
    size: Array | None = None,
) -> Plan:
    """The plan of a stencil with given steps, along coordinates or other lines."""
    if options.fixed == COMPLEX:
        _refuse_complex_leaves(options.where, coordinates)
        reach = steps if size is None else coordinates.eps ** (1 / 3) * size
        return Plan(steps, (1j * steps,), (1.0,), None, 1, imaginary=True, reach=reach)
    if rooms is not None:
        return _fit_into_bounds(options.where, coordinates, stencil, steps, rooms)
    nodes, weights, base = _split(stencil)
    offsets = tuple(steps if node == 1 else node * steps for node in nodes)
    return Plan(steps, offsets, weights, base, stencil.order, sides=_side_of(nodes))


def _split(stencil: Stencil) -> tuple[tuple[int, ...], tuple[float, ...], float | None]:
    """Nodes beside x with their weights, and the weight of x itself."""
    pairs = dict(zip(stencil.nodes, stencil.weights, strict=True))
    base = pairs.pop(0, 0.0)
    pairs = {node: weight for node, weight in pairs.items() if weight}
    return tuple(pairs), tuple(pairs.values()), base or None


def _side_of(nodes: tuple[int, ...]) -> float:
    return 1.0 if min(nodes) > 0 else -1.0 if max(nodes) < 0 else 0.0


def _fit_into_bounds(
    where: str, coordinates: Coordinates, stencil: Stencil, steps: Array, rooms: Any
) -> Plan:
    """Where the nodes do not fit, those of one side with the same accuracy; else a smaller step."""
    xp = namespace_of(steps)
    dtype = steps.dtype
    below, above = (xp.astype(room, dtype, copy=False) for room in rooms)
    nodes, weights, base = _split(stencil)
    side = _side_of(nodes)
    one = find_stencil(where, "forward", stencil.order, stencil.accuracy)
    one_nodes, one_weights, one_base = _split(one)
    lower, upper = max(0, -min(nodes)), max(0, max(nodes))
    fits = (below >= lower * steps) & (above >= upper * steps)
    toward = xp.where(above >= below, xp.ones_like(steps), -xp.ones_like(steps))
    most = xp.maximum(below, above) / max(one_nodes)
    smaller = 2.0 ** xp.floor(xp.log2(most))
    h = xp.where(fits, steps, xp.minimum(steps, smaller))  # powers of two stay exact
    sides = xp.where(fits, side, toward)
    count = max(len(nodes), len(one_nodes))
    offsets, rows = [], []
    for i in range(count):
        # what is not needed is evaluated where something else is, and weighs nothing
        own, w = (nodes[i], weights[i]) if i < len(nodes) else (nodes[0], 0.0)
        edge, v = (one_nodes[i], one_weights[i]) if i < len(one_nodes) else (one_nodes[0], 0.0)
        offsets.append(xp.where(fits, own * h, edge * toward * h))
        rows.append(xp.where(fits, w, v * toward**stencil.order)[:, None])
    weight = xp.where(fits, base or 0.0, (one_base or 0.0) * toward**stencil.order)[:, None]
    return Plan(h, tuple(offsets), tuple(rows), weight, stencil.order, sides=sides)


def _on_grids(coordinates: Coordinates, choose: Any, scale: Any = 1.0) -> Array:
    """Steps for each dtype among the leaves, by the function for arrays of one."""
    x = coordinates.position
    xp = namespace_of(x)
    found = None
    for dtype, mask in coordinates.grids:
        size = scale if isinstance(scale, float) else xp.astype(scale, dtype)
        steps = choose(xp.astype(x, dtype, copy=False), size)
        steps = xp.astype(steps, x.dtype, copy=False)
        found = steps if found is None or mask is None else xp.where(mask, steps, found)
    return found


def _refuse_complex_leaves(where: str, coordinates: Coordinates) -> None:
    if coordinates.unit is None:
        return
    first = next(k for k in range(coordinates.count) if coordinates.name(k).endswith("part)"))
    message = (
        f"{where}(method): got 'complex' and complex {coordinates.name(first)}; expected real "
        "floating arrays. Use method='central'."
    )
    raise DTypeError(message)


def _ones_for_zeros(size: Array) -> Array:
    xp = namespace_of(size)
    return xp.where(size == 0.0, xp.ones_like(size), size)
