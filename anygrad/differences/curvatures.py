"""Second derivatives from values alone: along every coordinate, and along every sum of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.judging import Finding
from anygrad.differences.ladder import START, Climb
from anygrad.differences.lines import Axes, climb_coordinates, climb_moves, to_double
from anygrad.differences.moves import DirectionMoves
from anygrad.differences.options import Options

__all__ = ["measure_curvatures"]


@dataclass(frozen=True)
class PairMoves:
    """One line for each two coordinates i < j, which go ``units[i]`` and ``units[j]`` on it.

    Attributes
    ----------
    coordinates : Coordinates
        Of the point.
    units : array, shape (C,)
        How far a coordinate goes; negative where it has no room above.
    first, second : arrays of int, shape (M,)
        The coordinates of each line.
    """

    coordinates: Coordinates
    units: Array
    first: Array
    second: Array

    @property
    def count(self) -> int:
        """M."""
        return self.first.shape[0]

    def _vectors(self, index: Array | None) -> Array:
        xp = namespace_of(self.units)
        first, second = self.first, self.second
        if index is not None:
            first, second = xp.take(first, index), xp.take(second, index)
        every = xp.arange(self.units.shape[0], device=device_of(self.units))[None, :]
        return xp.where((every == first[:, None]) | (every == second[:, None]), self.units, 0.0)

    def batches(self, index, offsets, axis, probes, limit) -> Iterator[tuple[Array, int]]:
        """As `Moves.batches`."""
        moves = DirectionMoves(self.coordinates, self._vectors, self.count)
        return moves.batches(index, offsets, axis, probes, limit)

    def with_point(self, coordinates: Coordinates) -> PairMoves:
        """As `Moves.with_point`."""
        return PairMoves(coordinates, self.units, self.first, self.second)

    def drift(self, shares: Array) -> Array:
        """As `Moves.drift`, without a table of all lines and coordinates."""
        xp, backend = namespace_of(self.units), backend_of(self.units)
        assert backend is not None
        own = np.asarray(to_host(shares), dtype=np.float64)
        width = self.units.shape[0]
        total = sum(np.bincount(to_host(ends), own, width) for ends in (self.first, self.second))
        moved = backend.from_host(np.asarray(total), device_of(self.units))
        return self.units * xp.astype(moved, self.units.dtype, copy=False)


def measure_curvatures(call: PointFunction, options: Options) -> tuple[Climb, str]:
    """All second derivatives of a scalar function by the ladder: tables of shape (C, C).

    The curvature along ``u e_i + v e_j`` is ``u^2 H_ii + 2 u v H_ij + v^2 H_jj``; u and v are the
    steps that served the coordinates alone.
    """
    coordinates = call.coordinates
    own, way = climb_coordinates(call, options, order=2)
    count = coordinates.count
    if count < 2:
        return own, way
    xp = namespace_of(own.rounding)
    rooms = options.read_rooms(coordinates)
    units = own.finding.step[:, 0]
    if rooms is not None:
        units = xp.where(rooms[1] >= rooms[0], units, -units)
    backend = backend_of(units)
    assert backend is not None
    first, second = (backend.from_host(a, device_of(units)) for a in np.triu_indices(count, 1))
    moves = PairMoves(
        coordinates, xp.astype(units, coordinates.position.dtype, copy=False), first, second
    )
    axes = _axes_of_pairs(coordinates, units, rooms, first, second)
    both, way = climb_moves(call, moves, axes, options, 2)
    return _spread_pairs(own, both, units, first, second), way


@np.errstate(all="ignore")
def _axes_of_pairs(
    coordinates: Coordinates, units: Array, rooms: Any, first: Array, second: Array
) -> Axes:
    xp = namespace_of(units)
    lengths = xp.abs(units)
    floors = 4.0 * to_double(coordinates.spacing()) / lengths

    def pair(a: Array, choose: Any) -> Array:
        return choose(xp.take(a, first), xp.take(a, second))

    if rooms is not None:
        above = xp.maximum(*rooms) / lengths
        below = xp.minimum(*rooms) / lengths
        rooms = (pair(below, xp.minimum), pair(above, xp.minimum))
    natural = xp.full(first.shape, 0.5 / START, dtype=xp.float64, device=device_of(units))
    return Axes(natural, pair(floors, xp.maximum), natural, rooms, lambda index, steps: steps)


@np.errstate(all="ignore")
def _spread_pairs(own: Climb, both: Climb, units: Array, first: Array, second: Array) -> Climb:
    """Findings of coordinates and of pairs as symmetric tables (C, C)."""
    xp, backend = namespace_of(units), backend_of(units)
    assert backend is not None
    count = units.shape[0]
    u, v = xp.take(units, first)[:, None], xp.take(units, second)[:, None]
    size = 2.0 * xp.abs(u * v)

    def ends(a: Array) -> tuple[Array, Array]:
        return xp.take(a, first, axis=0), xp.take(a, second, axis=0)

    places = np.zeros((count, count), dtype=np.int64)
    rows, columns = np.triu_indices(count, 1)
    places[rows, columns] = places[columns, rows] = count + np.arange(rows.size)
    np.fill_diagonal(places, np.arange(count))
    where = backend.from_host(np.reshape(places, -1), device_of(units))

    def table(alone: Array, paired: Array) -> Array:
        flat = xp.concat([alone[:, 0], paired[:, 0]])
        return xp.reshape(xp.take(flat, where), (count, count))

    f, g = own.finding, both.finding
    (a, b), (ea, eb) = ends(f.value), ends(f.error)
    mixed = (g.value - u * u * a - v * v * b) / (2.0 * u * v)
    bars = (g.error + u * u * ea + v * v * eb) / size
    bars = xp.where(xp.isfinite(bars), bars, xp.inf)
    finding = Finding(
        table(f.value, mixed),
        table(f.error, bars),
        table(f.step, g.step * xp.maximum(xp.abs(u), xp.abs(v))),
        table(f.noise, g.noise),
        table(f.noisy_part, g.noisy_part / size),
        table(f.other, g.other),
    )
    names = ("one_sided", "kink", "singular", "noisy", "rounding")
    return Climb(finding, *(table(getattr(own, n), getattr(both, n)) for n in names))
