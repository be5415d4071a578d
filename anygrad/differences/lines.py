"""The coordinates of a point as lines for the ladder, and its findings as an estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anygrad.backends import namespace_of
from anygrad.backends.types import Array
from anygrad.differences.batches import batch_size
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.hosting import climb_lines
from anygrad.differences.kinds import precision
from anygrad.differences.ladder import Climb
from anygrad.differences.moves import CoordinateMoves, Moves
from anygrad.differences.options import Options, Rooms
from anygrad.differences.readings import Lines
from anygrad.differences.slopes import Sweep
from anygrad.differences.trust import Probes, believe

__all__ = ["Axes", "climb_coordinates", "climb_moves", "place_probes", "to_double"]


def climb_coordinates(call: PointFunction, options: Options, order: int = 1) -> tuple[Climb, str]:
    """Derivatives along every coordinate by the ladder, and the way in which f was evaluated."""
    coordinates = call.coordinates
    rooms = options.read_rooms(coordinates)
    position = to_double(coordinates.position)
    size = namespace_of(position).abs(position)
    scale = options.spread_scale(coordinates)
    kind = coordinates.position.dtype

    def snap(index: Array | None, steps: Array) -> Array:
        some = coordinates if index is None else coordinates.select(index)
        return to_double(some.snap(namespace_of(steps).astype(steps, kind, copy=False)))

    axes = Axes(size, 4.0 * to_double(coordinates.spacing()), scale, rooms, snap)
    return climb_moves(call, CoordinateMoves(coordinates), axes, options, order)


class Axes(NamedTuple):
    """The natural units of some lines; arrays of shape (M,), in double precision.

    Attributes
    ----------
    size, floor, scale : array
        As those of `Lines`.
    rooms : pair of arrays or None
        How far the lines may be followed down and up.
    snap : callable
        ``snap(index, steps)``, as that of `Lines`.
    """

    size: Array
    floor: Array
    scale: Array
    rooms: Rooms
    snap: Callable[[Array | None, Array], Array]


def climb_moves(
    call: PointFunction, moves: Moves, axes: Axes, options: Options, order: int
) -> tuple[Climb, str]:
    """Derivatives along lines by the ladder, and the way in which f was evaluated."""
    coordinates = call.coordinates
    center = call.alone([coordinates.point])
    call.forgiving = True
    xp, kind, count = namespace_of(center), coordinates.position.dtype, moves.count
    rooms = axes.rooms
    reach = coordinates.eps ** (1 / 3) * xp.maximum(axes.size, axes.scale)
    probes = place_probes(call, moves, reach, rooms)

    def run(way: str, trusted: Probes | None) -> Climb:
        sweep = Sweep(call, moves, way, trusted)

        def evaluate(index: Array, offsets: Array) -> Array:
            offsets = xp.astype(offsets, kind, copy=False)
            rows = [offsets[i, :] for i in range(offsets.shape[0])]
            some = None if index.shape[0] == count else index
            return to_double(sweep.evaluate(some, rows))

        def snap(index: Array, steps: Array) -> Array:
            return axes.snap(None if index.shape[0] == count else index, steps)

        lines = Lines(
            evaluate=evaluate,
            snap=snap,
            center=to_double(center),
            size=axes.size,
            floor=axes.floor,
            scale=axes.scale,
            below=None if rooms is None else rooms[0],
            above=None if rooms is None else rooms[1],
            eps=precision(center),
            noise=options.noise or 0.0,
            together=True,
        )
        found = _widen(climb_lines(lines, order, options.tolerance), moves)
        slopes = xp.astype(found.finding.value, center.dtype, copy=False)
        sweep.check(slopes if order == 1 else None)
        return found

    points = 10 * min(count, batch_size(coordinates, 10))
    with np.errstate(all="ignore"):  # of f, too: nobody asked for these points
        return believe(probes, points, options.evaluate, run)


def place_probes(call: PointFunction, moves: Moves, reach: Array, rooms: Rooms) -> Probes:
    """Probes that stay within the bounds."""
    xp, kind = namespace_of(reach), call.coordinates.position.dtype
    if rooms is None:
        return Probes(call, moves, xp.astype(reach, kind, copy=False))
    below, above = rooms
    one = xp.ones_like(reach)
    toward = xp.where(above >= below, one, -one)
    sides = xp.where((below >= reach) & (above >= reach), 0.0 * one, toward)
    reach = xp.minimum(reach, xp.maximum(below, above))
    return Probes(call, moves, *(xp.astype(a, kind, copy=False) for a in (reach, sides)))


def _widen(found: Climb, moves: Moves) -> Climb:
    """Add to bars along directions the rounding of t v, which no choice of t avoids."""
    if isinstance(moves, CoordinateMoves):
        return found
    finding = found.finding
    xp = namespace_of(finding.value)
    wider = finding.error + moves.coordinates.eps * xp.abs(finding.value)
    error = xp.where(xp.isfinite(finding.value), wider, finding.error)
    return found._replace(finding=finding._replace(error=error))


def to_double(x: Array) -> Array:
    """In double precision, in which the ladder is judged."""
    xp = namespace_of(x)
    return xp.astype(x, xp.float64, copy=False)
