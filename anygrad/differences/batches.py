"""Stacks of flat points in which one coordinate at a time is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.kinds import is_complex, precision

__all__ = ["BATCH_BYTES", "batch_size", "batches"]

BATCH_BYTES = 300 << 10
"""Points per call of ``f``: with more, the temporaries of ``f`` leave the cache."""


def batch_size(coordinates: Coordinates, neighbours: int) -> int:
    """How many coordinates fit a call of `BATCH_BYTES`."""
    size = 4 if precision(coordinates.point) > 1e-12 else 8
    size = 2 * size if is_complex(coordinates.point) else size
    one = coordinates.point.shape[0] * neighbours * size
    return max(1, BATCH_BYTES // one)


def batches(
    coordinates: Coordinates, neighbours: list[Array], axis: int, probes: Sequence[Array] = ()
) -> Iterator[tuple[Array, int]]:
    """Yield points of shape (N, m), or (m, N) for axis 0, and how many of them are moved ones.

    A batch holds its coordinates' first neighbours, then their second, and so on. Of two probes,
    the first stands before them and the second behind, repeated until the number of points is no
    dimension of the tree: a coincidence there hides mistakes.
    """
    dimensions = {size for shape in coordinates.layout.shapes for size in shape}
    writable = coordinates.in_order and getattr(backend_of(coordinates.point), "writable", False)
    make = _write if writable else _select
    size = batch_size(coordinates, len(neighbours))
    for start in range(0, coordinates.count, size):
        stop = min(start + size, coordinates.count)
        targets = [neighbour[start:stop] for neighbour in neighbours]
        moved = len(targets) * targets[0].shape[0]
        behind = 1 if probes else 0
        while probes and 1 + moved + behind in dimensions:
            behind += 1
        yield make(coordinates, start, targets, axis, probes, behind), moved


def _write(coordinates, start, targets, axis, probes, behind) -> Array:
    """One array, written once: copies of the point, then the diagonals of moved elements."""
    point = coordinates.point
    xp = namespace_of(point)
    before = 1 if probes else 0
    count, width = targets[0].shape[0], point.shape[0]
    total = before + len(targets) * count + behind
    shape = (total, width) if axis == 0 else (width, total)
    points = xp.empty(shape, dtype=point.dtype, device=device_of(point))
    points[...] = point[None, :] if axis == 0 else point[:, None]
    flat = xp.reshape(points, (-1,), copy=False)
    stride = (width if axis == 0 else total) + 1
    for i, target in enumerate(targets):
        row = before + i * count
        first = row * width + start if axis == 0 else start * total + row
        flat[first : first + stride * (count - 1) + 1 : stride] = target
    for rows, probe in zip(_ends(total, behind), probes, strict=False):
        if axis == 0:
            points[rows, :] = probe[None, :]
        else:
            points[:, rows] = probe[:, None]
    return points


def _ends(total: int, behind: int) -> tuple[slice, slice]:
    return slice(0, 1), slice(total - behind, total)


def _select(coordinates, start, targets, axis, probes, behind) -> Array:
    """Make the same without writing: for constant arrays, and for complex elements."""
    point = coordinates.point
    xp = namespace_of(point)
    count = targets[0].shape[0]
    element = xp.concat([coordinates.element[start : start + count]] * len(targets))
    target = xp.concat(targets)
    index = xp.arange(point.shape[0], device=device_of(point))
    if axis == 0:
        points = xp.where(index[None, :] == element[:, None], target[:, None], point[None, :])
    else:
        points = xp.where(index[:, None] == element[None, :], target[None, :], point[:, None])
    if not probes:
        return points
    below, above = (xp.expand_dims(probe, axis=axis) for probe in probes)
    return xp.concat([below, points, *[above] * behind], axis=axis)
