"""Stacks of flat points in which one coordinate at a time is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.kinds import is_complex, precision

__all__ = ["BATCH_BYTES", "batch_size", "batches", "with_probes"]

BATCH_BYTES, FEWEST, MOST_BYTES = 300 << 10, 64, 1 << 20
"""Points per call of ``f``: with more bytes its temporaries leave the cache, with fewer points a
product of matrices is slow; so 64 points at least, as long as they have less than 1 MB."""


def batch_size(coordinates: Coordinates, rows: int, limit: int | None = None) -> int:
    """How many coordinates fit a call of ``limit`` bytes, each with so many points; at least 1."""
    size = 4 if precision(coordinates.point) > 1e-12 else 8
    size = 2 * size if is_complex(coordinates.point) else size
    one = max(1, coordinates.point.shape[0] * size)
    if limit is None:
        limit = max(BATCH_BYTES, min(FEWEST * one, MOST_BYTES))
    return max(1, limit // (one * rows))


def batches(
    coordinates: Coordinates,
    point: Array,
    targets: list[Array],
    axis: int,
    probes: Sequence[Array] = (),
    limit: int | None = None,
) -> Iterator[tuple[Array, int]]:
    """Yield points of shape (N, m), or (m, N) for axis 0, and how many of them are moved ones.

    A batch holds its coordinates' first targets, then their second, and so on. Of two probes, the
    first stands before them and the second behind, repeated until the number of points is no
    dimension of the tree: a coincidence there hides mistakes.
    """
    writable = coordinates.in_order and getattr(backend_of(point), "writable", False)
    size = batch_size(coordinates, len(targets), limit)
    for start in range(0, coordinates.count, size):
        stop = min(start + size, coordinates.count)
        some = [target[start:stop] for target in targets]
        moved = len(some) * some[0].shape[0]
        behind = _how_many_behind(coordinates, moved, probes)
        if writable:
            yield _write(point, start, some, axis, probes, behind), moved
        else:
            element = coordinates.element[start:stop]
            yield _select(point, element, some, axis, probes, behind), moved


def with_probes(
    coordinates: Coordinates, points: Array, axis: int, probes: Sequence[Array] = ()
) -> Array:
    """Points (N, m) as `batches` gives them: (m, N) for axis 0, probes before and behind."""
    xp = namespace_of(points)
    behind = _how_many_behind(coordinates, points.shape[1], probes)
    if probes:
        below, above = (xp.expand_dims(probe, axis=1) for probe in probes)
        points = xp.concat([below, points, *[above] * behind], axis=1)
    return xp.asarray(xp.matrix_transpose(points), copy=True) if axis == 0 else points


def _how_many_behind(coordinates: Coordinates, moved: int, probes: Sequence[Array]) -> int:
    if not probes:
        return 0
    dimensions = {size for shape in coordinates.layout.shapes for size in shape}
    behind = 1
    while 1 + moved + behind in dimensions:
        behind += 1
    return behind


def _write(point, start, targets, axis, probes, behind) -> Array:
    """One array, written once: copies of the point, then the diagonals of moved elements."""
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


def _select(point, element, targets, axis, probes, behind) -> Array:
    """Make the same without writing: for constant arrays, some coordinates, complex elements."""
    xp = namespace_of(point)
    element = xp.concat([element] * len(targets))
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
