"""The real coordinates of a tree: where each one sits, how far it moves, and back to a tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import (
    asarray,
    backend_of,
    check_same_device,
    device_of,
    find_dtype,
    namespace_of,
)
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.differences.copies import copy_of
from anygrad.differences.kinds import is_complex, is_real
from anygrad.errors import ArgumentError, DTypeError, describe

__all__ = ["Coordinates", "Layout", "read_leaf"]


@dataclass(frozen=True)
class Layout:
    """How the leaves of a tree lie behind each other in one flat vector of elements."""

    treedef: Any
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[Any, ...]
    complex_leaves: tuple[bool, ...]

    @staticmethod
    def of_number(like: Array) -> Layout:
        """One real number, as a tree by itself."""
        return Layout(trees.flatten(0.0)[1], ((),), (like.dtype,), (False,))

    def split(self, points: Array, axis: int | None = None, dtypes: tuple | None = None) -> Tree:
        """Cut flat points into trees; ``axis`` tells where a stack of points has its points.

        ``points`` has shape (N,) without an axis, (m, N) for axis 0 and (N, m) for axis -1.
        """
        xp, start, leaves = namespace_of(points), 0, []
        for shape, dtype in zip(self.shapes, dtypes or self.dtypes, strict=True):
            stop = start + prod(shape)
            if axis == 0:
                piece = xp.reshape(points[:, start:stop], (points.shape[0], *shape))
            else:
                piece = xp.reshape(points[start:stop, ...], (*shape, *points.shape[1:]))
            leaves.append(_cast(xp, piece, dtype))
            start = stop
        return trees.unflatten(self.treedef, leaves)

    def to_elements(self, values: Array) -> Array:
        """Pair real values, one per coordinate, into one number per element."""
        if not any(self.complex_leaves):
            return values
        xp, start, parts = namespace_of(values), 0, []
        wide = xp.result_type(values.dtype, xp.complex64)
        for shape, two_parts in zip(self.shapes, self.complex_leaves, strict=True):
            size = prod(shape)
            part = xp.astype(values[start : start + size, ...], wide)
            if two_parts:
                imaginary = values[start + size : start + 2 * size, ...]
                part = part + 1j * xp.astype(imaginary, wide)
            parts.append(part)
            start += 2 * size if two_parts else size
        return xp.concat(parts)


@dataclass(frozen=True)
class Coordinates:
    """Every real coordinate of a point; a complex element has two, its real and imaginary part.

    Attributes
    ----------
    layout : Layout
        The tree behind the flat vectors.
    point : array, shape (N,)
        All elements, in the widest dtype among the leaves.
    element : array of integers, shape (C,)
        The element that a coordinate belongs to.
    position : array, shape (C,)
        Where the point lies on each coordinate; real, in the widest dtype.
    unit : array, shape (C,), or None
        What one step along a coordinate adds to its element: 1 or 1j; None where all are 1.
    grids : tuple of (dtype, array of bool, shape (C,), or None)
        The dtypes of the leaves and which coordinates each one has; None for all.
    """

    layout: Layout
    point: Array
    element: Array
    position: Array
    unit: Array | None
    grids: tuple[tuple[Any, Any], ...]

    @property
    def count(self) -> int:
        """How many coordinates there are."""
        return self.position.shape[0]

    @property
    def in_order(self) -> bool:
        """Whether coordinate i is element i."""
        return self.unit is None and self.element.shape[0] == self.point.shape[0]

    @property
    def eps(self) -> float:
        """Precision of the least precise leaf."""
        xp = namespace_of(self.position)
        return max(float(float_limits(xp, dtype).eps) for dtype, _ in self.grids)

    def moved(self, offsets: Array) -> Array:
        """Each coordinate's element, moved by real offsets of shape (C,) or (R, C)."""
        xp = namespace_of(self.point)
        here = self.point if self.in_order else xp.take(self.point, self.element)
        return here + (offsets if self.unit is None else offsets * self.unit)

    def select(self, index: Array) -> Coordinates:
        """Keep some coordinates only; `to_tree` needs all of them."""
        xp = namespace_of(self.point)

        def pick(a: Any) -> Any:
            return None if a is None else xp.take(a, index)

        grids = tuple((dtype, pick(mask)) for dtype, mask in self.grids)
        element, position, unit = (pick(a) for a in (self.element, self.position, self.unit))
        return Coordinates(self.layout, self.point, element, position, unit, grids)

    def as_complex(self) -> Coordinates:
        """The same point as complex numbers, whose coordinates take complex offsets."""
        point = _to_complex(namespace_of(self.point), self.point)
        return Coordinates(self.layout, point, self.element, self.position, None, self.grids)

    def read_vector(self, where: str, v: Tree) -> Array:
        """Real numbers of a tree like the point, one for each coordinate: shape (C,)."""
        trees.check_same_structure(f"{where}(v)", self.copy_tree(), v)
        like = self.position
        check_same_device(f"{where}(x, v)", like, *trees.leaves(v))
        xp, parts = namespace_of(like), []
        for leaf, twice in zip(trees.leaves(v), self.layout.complex_leaves, strict=True):
            leaf = read_leaf(where, leaf, like, lambda: "v")
            flat = xp.reshape(leaf, (-1,))
            if is_complex(flat) and not twice:
                message = f"{where}(v): got {describe(leaf)} for a real leaf of x; expected real."
                raise DTypeError(message)
            parts += [xp.real(flat), xp.imag(flat)] if is_complex(flat) else [flat]
            if twice and not is_complex(flat):
                parts.append(xp.zeros_like(flat))
        return xp.astype(_join(xp, parts), like.dtype, copy=False)

    def snap(self, steps: Array) -> Array:
        """Steps near to those wanted that are exact both ways: ``(x + h) - x == x - (x - h) == h``.

        Away from zero numbers are spaced more widely; a step that is exact there is so both ways.
        """
        xp = namespace_of(self.position)
        found = None
        for dtype, mask in self.grids:
            x, h = xp.astype(self.position, dtype, copy=False), xp.astype(steps, dtype, copy=False)
            h = xp.abs((x + xp.where(x < 0.0, -h, h)) - x)
            h = xp.astype(h, self.position.dtype, copy=False)
            found = h if found is None or mask is None else xp.where(mask, h, found)
        return found

    def spacing(self) -> Array:
        """Distance to the next number, shape (C,): a little more than eps times the position."""
        xp, x = namespace_of(self.position), namespace_of(self.position).abs(self.position)
        found = None
        for dtype, mask in self.grids:
            info = float_limits(xp, dtype)
            gap = xp.maximum(float(info.eps) * x, float(info.smallest_normal))
            found = gap if found is None or mask is None else xp.where(mask, gap, found)
        return found

    def to_tree(self, values: Array) -> Tree:
        """One real value per coordinate becomes a tree like the point."""
        return self.layout.split(self.layout.to_elements(values))

    def name(self, k: int) -> str:
        """Write coordinate ``k`` as one would: ``x['w'][1, 2]``, with the part of complex ones."""
        layout = self.layout
        sizes = [prod(shape) for shape in layout.shapes]
        parts = [2 if two_parts else 1 for two_parts in layout.complex_leaves]
        paths = trees.paths(trees.unflatten(layout.treedef, list(range(len(sizes)))))
        for path, shape, size, part in zip(paths, layout.shapes, sizes, parts, strict=True):
            if k < size * part:
                index = ", ".join(str(int(i)) for i in np.unravel_index(k % size, shape))
                shown = trees.show_path("x", path) + (f"[{index}]" if index else "")
                suffix = "" if part == 1 else (" (real part)", " (imaginary part)")[k // size]
                return shown + suffix
            k -= size * part
        return "x"

    def copy_tree(self) -> Tree:
        """Copy the point, with arrays for its numbers."""
        return self.layout.split(copy_of(self.point))

    def make_tree(self, values: list[float]) -> Tree:
        """Put numbers from the host, one per coordinate, into a tree like the point."""
        xp, like = namespace_of(self.position), self.position
        return self.to_tree(xp.asarray(values, dtype=like.dtype, device=device_of(like)))

    @staticmethod
    def of(where: str, x: Tree) -> Coordinates:
        """Read a tree of points; refuse what is not floating."""
        leaves, treedef = trees.flatten(x)
        if not leaves:
            message = (
                f"{where}(x): got a tree without arrays; expected at least one array or number."
            )
            raise ArgumentError(message)
        like = next((leaf for leaf in leaves if backend_of(leaf) is not None), None)
        leaves = [read_leaf(where, leaf, like, _place(x, i)) for i, leaf in enumerate(leaves)]
        check_same_device(f"{where}(x)", *leaves)
        kinds = tuple(is_complex(leaf) for leaf in leaves)
        shapes = tuple(tuple(leaf.shape) for leaf in leaves)
        layout = Layout(treedef, shapes, tuple(leaf.dtype for leaf in leaves), kinds)
        return _lay_out(namespace_of(*leaves), layout, leaves)


def read_leaf(
    where: str, leaf: Any, like: Array | None = None, place: Callable[[], str] = lambda: "x"
) -> Array:
    """Turn Python numbers into arrays (beside ``like``), pass floating arrays, refuse the rest."""
    if backend_of(leaf) is not None and (is_real(leaf) or is_complex(leaf)):
        return leaf
    if isinstance(leaf, (int, float, complex)) and not isinstance(leaf, bool):
        return _read_number(complex(leaf) if isinstance(leaf, complex) else float(leaf), like)
    shown = place()
    if backend_of(leaf) is None:
        message = (
            f"{where}({shown}): got {describe(leaf)}; expected a floating array or a number. "
            "Make an array with ag.asarray."
        )
        raise DTypeError(message)
    message = (
        f"{where}({shown}): got {describe(leaf)}; expected a floating dtype, since a step of "
        f"0.00001 vanishes in integers. Convert it: xp.astype({shown}, xp.float64)."
    )
    raise DTypeError(message)


def _place(tree: Tree, i: int) -> Callable[[], str]:
    """Name leaf ``i`` when asked; names are slow to make and for messages only."""
    return lambda: trees.show_path("x", trees.paths(tree)[i])


def _read_number(value: complex, like: Array | None) -> Array:
    if like is None:
        return asarray(value)
    xp = namespace_of(like)
    if not (is_real(like) or is_complex(like)):
        return xp.asarray(value, device=device_of(like))
    dtype = like.dtype
    if is_complex(like):
        dtype = find_dtype(xp, xp.finfo(dtype).dtype)  # PyTorch gives its name
    if isinstance(value, complex):
        dtype = xp.result_type(dtype, xp.complex64)
    return xp.asarray(value, dtype=dtype, device=device_of(like))


def _lay_out(xp: Namespace, layout: Layout, leaves: list[Array]) -> Coordinates:
    flat = [xp.reshape(leaf, (-1,)) for leaf in leaves]
    point = _join(xp, flat)
    if len(flat) == 1 and not layout.complex_leaves[0]:
        index = xp.arange(point.shape[0], device=device_of(point))
        return Coordinates(layout, point, index, point, None, ((point.dtype, None),))
    elements, positions, units, dtypes, offset = [], [], [], [], 0
    for leaf, two_parts in zip(flat, layout.complex_leaves, strict=True):
        index = xp.arange(offset, offset + leaf.shape[0], device=device_of(leaf))
        parts = [xp.real(leaf), xp.imag(leaf)] if two_parts else [leaf]
        for part, unit in zip(parts, (1.0, 1.0j), strict=False):
            elements.append(index)
            positions.append(part)
            units.append(
                xp.full(
                    part.shape, unit, dtype=_complex_dtype(xp, part.dtype), device=device_of(part)
                )
            )
            dtypes.append((part.dtype, part.shape[0]))
        offset += leaf.shape[0]
    distinct = list(dict.fromkeys(dtype for dtype, _ in dtypes))
    device = device_of(point)
    grids = tuple(
        (
            dtype,
            xp.concat(
                [xp.full(n, own == dtype, dtype=xp.bool, device=device) for own, n in dtypes]
            ),
        )
        for dtype in distinct
    )
    if len(grids) == 1:
        grids = ((distinct[0], None),)
    some_complex = any(layout.complex_leaves)
    unit = _join(xp, units) if some_complex else None
    return Coordinates(layout, point, _join(xp, elements), _join(xp, positions), unit, grids)


def _join(xp: Namespace, parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def _to_complex(xp: Namespace, x: Array) -> Array:
    return xp.astype(x, _complex_dtype(xp, x.dtype))


def _complex_dtype(xp: Namespace, dtype: Any) -> Any:
    return xp.result_type(dtype, xp.complex64)


def _cast(xp: Namespace, x: Array, dtype: Any) -> Array:
    if x.dtype == dtype:
        return x
    if is_complex(x) and not has_kind(xp, dtype, "complex floating"):
        x = xp.real(x)
    return xp.astype(x, dtype)
