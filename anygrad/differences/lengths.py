"""Natural lengths of lines through a point, and fixed differences along them."""

from __future__ import annotations

from math import log2

import numpy as np

from anygrad.backends import namespace_of
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.lines import Axes, to_double
from anygrad.differences.options import Options
from anygrad.differences.plans import Plan, lay_out
from anygrad.differences.questions import is_all
from anygrad.differences.stencils import COMPLEX, find_stencil
from anygrad.errors import ArgumentError

__all__ = ["make_axes", "make_line_plan"]


@np.errstate(all="ignore")
def make_axes(options: Options, coordinates: Coordinates, vectors: Array) -> Axes:
    """Natural lengths of the lines along vectors (M, C), in units of the vectors.

    A line is as long as it takes its fastest coordinate to go its own scale.
    """
    x, v = to_double(coordinates.position), to_double(vectors)
    xp = namespace_of(x)
    size, speed = xp.abs(x)[None, :], xp.abs(v)
    scale = options.spread_scale(coordinates)
    moving = speed > 0.0

    def first(lengths: Array, otherwise: float) -> Array:
        """How far each line can be followed before one of its coordinates has gone ``lengths``."""
        usable = moving & (lengths > 0.0)
        ratios = xp.where(usable, lengths / xp.where(moving, speed, 1.0), xp.inf)
        least = xp.min(ratios, axis=1)
        return xp.where(xp.isfinite(least), least, otherwise)

    rooms = options.read_rooms(coordinates)
    if rooms is not None:
        below, above = (xp.expand_dims(room, axis=0) for room in rooms)
        pace = xp.where(moving, speed, 1.0)
        up = xp.where(moving, xp.where(v > 0.0, above, below) / pace, xp.inf)
        down = xp.where(moving, xp.where(v > 0.0, below, above) / pace, xp.inf)
        rooms = (xp.min(down, axis=1), xp.min(up, axis=1))
        _refuse_without_room(options.where, rooms)
    unit = first(xp.maximum(size, scale[None, :]), 1.0)
    spacing = 4.0 * to_double(coordinates.spacing())[None, :]
    # every coordinate that moves should move by a few units in its last place
    floor = xp.max(xp.where(moving, spacing, 0.0), axis=1)
    floor = floor / xp.maximum(xp.max(speed, axis=1), 1e-300)
    return Axes(
        size=xp.minimum(first(size, 0.0), unit),
        floor=xp.maximum(floor, 1e-307),
        scale=unit,
        rooms=rooms,
        snap=lambda index, steps: steps,
    )


def _refuse_without_room(where: str, rooms: tuple[Array, Array]) -> None:
    xp = namespace_of(rooms[0])
    if is_all(xp.maximum(*rooms) > 0.0):
        return
    message = (
        f"{where}(bounds): got a point that lies on the bounds on both sides of the direction; "
        "expected room to one side. Choose another direction, or move the point."
    )
    raise ArgumentError(message)


def make_line_plan(options: Options, coordinates: Coordinates, axes: Axes) -> Plan:
    """Fixed differences along lines, in steps of eps^(1/(1 + accuracy)) of their length."""
    stencil = find_stencil(options.where, options.fixed, 1, options.accuracy)
    xp = namespace_of(axes.scale)
    if options.step is not None:
        steps = xp.full_like(axes.scale, float(options.step))
    elif options.fixed == COMPLEX:
        steps = coordinates.eps ** (4.0 / 3.0) * axes.scale
    else:
        power = round(log2(coordinates.eps) / (1 + stencil.accuracy))
        steps = 2.0 ** (xp.round(xp.log2(axes.scale)) + power)
    steps = xp.astype(steps, coordinates.position.dtype, copy=False)
    size = xp.astype(axes.scale, steps.dtype, copy=False)
    return lay_out(options, coordinates, stencil, steps, axes.rooms, size)
