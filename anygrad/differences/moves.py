"""What is moved, and how many flat points that makes: single coordinates, or whole directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.batches import batch_size, batches, with_probes
from anygrad.differences.coordinates import Coordinates

__all__ = ["CoordinateMoves", "DirectionMoves", "Moves"]


class Moves(Protocol):
    """M lines through a point, along which it can be moved."""

    @property
    def coordinates(self) -> Coordinates:
        """Of the point."""
        ...

    @property
    def count(self) -> int:
        """M."""
        ...

    def batches(
        self,
        index: Array | None,
        offsets: list[Array],
        axis: int,
        probes: Sequence[Array],
        limit: int | None,
    ) -> Iterator[tuple[Array, int]]:
        """Yield stacks of points, and how many of them are moved ones.

        R offsets of shape (m,) along the lines ``index`` of shape (m,), None for all; of a batch of
        lines the first offsets come first.
        """
        ...

    def with_point(self, coordinates: Coordinates) -> Moves:
        """The same lines through a point of another dtype."""
        ...

    def drift(self, shares: Array) -> Array:
        """All lines moved at once by shares of shape (M,): how far each coordinate goes, (C,)."""
        ...


@dataclass(frozen=True)
class CoordinateMoves:
    """One line for each coordinate."""

    coordinates: Coordinates

    @property
    def count(self) -> int:
        """C."""
        return self.coordinates.count

    def batches(self, index, offsets, axis, probes, limit) -> Iterator[tuple[Array, int]]:
        """As `Moves.batches`."""
        some = self.coordinates if index is None else self.coordinates.select(index)
        targets = [some.moved(h) for h in offsets]
        return batches(some, some.point, targets, axis, probes, limit)

    def with_point(self, coordinates: Coordinates) -> CoordinateMoves:
        """As `Moves.with_point`."""
        return CoordinateMoves(coordinates)

    def drift(self, shares: Array) -> Array:
        """As `Moves.drift`."""
        return shares


@dataclass(frozen=True)
class DirectionMoves:
    """One line for each of some vectors.

    Attributes
    ----------
    coordinates : Coordinates
        Of the point.
    vectors : callable
        ``vectors(index)``: the vectors as rows, shape (m, C); all for None.
    count : int
        How many there are.
    """

    coordinates: Coordinates
    vectors: Callable[[Array | None], Array]
    count: int

    def batches(self, index, offsets, axis, probes, limit) -> Iterator[tuple[Array, int]]:
        """As `Moves.batches`."""
        coordinates = self.coordinates
        point = coordinates.point
        xp = namespace_of(point)
        lines = offsets[0].shape[0]
        size = batch_size(coordinates, len(offsets), limit)
        every = xp.arange(lines, device=device_of(point)) if index is None else index
        for start in range(0, lines, size):
            stop = min(start + size, lines)
            rows = self.vectors(every[start:stop])
            # elements by lines, then by offsets and lines
            columns = coordinates.layout.to_elements(xp.matrix_transpose(rows))
            table = xp.stack([h[start:stop] for h in offsets])
            moved = point[:, None, None] + columns[:, None, :] * table[None, :, :]
            shape = (point.shape[0], len(offsets) * (stop - start))
            moved = xp.reshape(xp.astype(moved, point.dtype, copy=False), shape)
            yield with_probes(coordinates, moved, axis, probes), moved.shape[1]

    def with_point(self, coordinates: Coordinates) -> DirectionMoves:
        """As `Moves.with_point`."""
        return DirectionMoves(coordinates, self.vectors, self.count)

    def drift(self, shares: Array) -> Array:
        """As `Moves.drift`."""
        xp = namespace_of(shares)
        rows = self.vectors(None)
        return xp.sum(rows * xp.astype(shares, rows.dtype, copy=False)[:, None], axis=0)
