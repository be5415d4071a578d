"""The real coordinates of a tree: where each one sits, how far it moves, and back to a tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from anygrad import trees
from anygrad.backends import (
    asarray,
    backend_of,
    check_same_device,
    device_of,
    find_dtype,
    namespace_of,
)
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.differences.copies import copy_of
from anygrad.differences.kinds import is_complex, is_real, precision
from anygrad.differences.stencils import COMPLEX, Stencil
from anygrad.differences.steps import choose_complex_steps, choose_steps
from anygrad.errors import ArgumentError, DTypeError, describe

__all__ = ["Coordinates", "Layout", "read_leaf"]


@dataclass(frozen=True)
class Layout:
    """How the leaves of a tree lie behind each other in one flat vector of elements."""

    treedef: Any
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[Any, ...]
    complex_leaves: tuple[bool, ...]

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
            part = xp.astype(values[start : start + size], wide)
            if two_parts:
                part = part + 1j * xp.astype(values[start + size : start + 2 * size], wide)
            parts.append(part)
            start += 2 * size if two_parts else size
        return xp.concat(parts)


@dataclass(frozen=True)
class Coordinates:
    """Every real coordinate of a point and its step; a complex element has two coordinates.

    Attributes
    ----------
    layout : Layout
        The tree behind the flat vectors.
    point : array, shape (N,)
        All elements, in the widest dtype among the leaves.
    element : array of integers, shape (C,)
        The element that a coordinate belongs to.
    steps : array, shape (C,)
        Real steps, > 0, exact in the dtype of the leaf.
    moves : array, shape (C,)
        The steps as they are added to an element: times 1j for an imaginary part or complex step.
    point_dtypes : tuple of dtypes
        What the leaves have when ``f`` is called.
    eps : float
        Precision of the least precise leaf.
    in_order : bool
        Whether coordinate i is element i.
    """

    layout: Layout
    point: Array
    element: Array
    steps: Array
    moves: Array
    point_dtypes: tuple[Any, ...]
    eps: float
    in_order: bool

    @property
    def count(self) -> int:
        """How many coordinates there are."""
        return self.steps.shape[0]

    def neighbours(self, node: int) -> Array:
        """Each coordinate's element, moved ``node`` steps: shape (C,)."""
        xp = namespace_of(self.point)
        here = self.point
        if not self.in_order:
            here = xp.take(here, self.element)
        return here + float(node) * self.moves

    def select(self, chosen: list[int]) -> Coordinates:
        """Keep some coordinates only; `to_tree` needs all of them."""
        xp = namespace_of(self.point)
        index = xp.asarray(chosen, device=device_of(self.point))
        kept = {name: xp.take(getattr(self, name), index) for name in ("element", "steps", "moves")}
        return replace(self, **kept, in_order=False)

    def enlarge(self, factor: float) -> Coordinates:
        """Multiply all steps; a power of two keeps them exact."""
        return replace(self, steps=factor * self.steps, moves=factor * self.moves)

    def to_tree(self, values: Array) -> Tree:
        """One real value per coordinate becomes a tree like the point."""
        return self.layout.split(self.layout.to_elements(values))

    def copy_tree(self) -> Tree:
        """Copy the point, with arrays for its numbers."""
        return self.layout.split(copy_of(self.point))

    def make_tree(self, values: list[float]) -> Tree:
        """Put numbers from the host, one per coordinate, into a tree like the point."""
        xp, steps = namespace_of(self.steps), self.steps
        return self.to_tree(xp.asarray(values, dtype=steps.dtype, device=device_of(steps)))

    @staticmethod
    def of(where: str, x: Tree, method: str, stencil: Stencil, step: float | None) -> Coordinates:
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
        xp = namespace_of(*leaves)
        kinds = tuple(is_complex(leaf) for leaf in leaves)
        if method == COMPLEX and any(kinds):
            place = _place(x, kinds.index(True))()
            message = (
                f"{where}(method): got 'complex' and complex {place}; expected real floating "
                "arrays. Use method='central'."
            )
            raise DTypeError(message)
        shapes = tuple(tuple(leaf.shape) for leaf in leaves)
        layout = Layout(treedef, shapes, tuple(leaf.dtype for leaf in leaves), kinds)
        return _lay_out(xp, layout, leaves, method, stencil, step)


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
    dtype = find_dtype(xp, xp.finfo(like.dtype).dtype)  # PyTorch gives its name
    if isinstance(value, complex):
        dtype = xp.result_type(dtype, xp.complex64)
    return xp.asarray(value, dtype=dtype, device=device_of(like))


def _lay_out(xp, layout, leaves, method, stencil, step) -> Coordinates:
    imaginary = method == COMPLEX
    elements, steps, moves, offset = [], [], [], 0
    for leaf, two_parts in zip(leaves, layout.complex_leaves, strict=True):
        flat = xp.reshape(leaf, (-1,))
        index = xp.arange(offset, offset + flat.shape[0], device=device_of(leaf))
        for factor, part in _real_parts(xp, flat, two_parts, imaginary):
            h = choose_complex_steps(part, step) if imaginary else choose_steps(part, stencil, step)
            elements.append(index)
            steps.append(h)
            moves.append(h if factor is None else factor * _to_complex(xp, h))
        offset += flat.shape[0]
    point = _join(xp, [xp.reshape(leaf, (-1,)) for leaf in leaves])
    if imaginary:
        point = _to_complex(xp, point)
    return Coordinates(
        layout,
        point,
        _join(xp, elements),
        _join(xp, steps),
        _join(xp, moves),
        tuple(_complex_dtype(xp, d) for d in layout.dtypes) if imaginary else layout.dtypes,
        max(precision(leaf) for leaf in leaves),
        in_order=not any(layout.complex_leaves),
    )


def _real_parts(xp, flat: Array, two_parts: bool, imaginary: bool):
    """Pairs (factor that a step gets, real array that it belongs to)."""
    if two_parts:
        return [(1.0, xp.real(flat)), (1j, xp.imag(flat))]
    return [(1j if imaginary else None, flat)]


def _join(xp: Namespace, parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else xp.concat(parts)


def _to_complex(xp: Namespace, x: Array) -> Array:
    return xp.astype(x, _complex_dtype(xp, x.dtype))


def _complex_dtype(xp: Namespace, dtype: Any) -> Any:
    return xp.result_type(dtype, xp.complex64)


def _cast(xp: Namespace, x: Array, dtype: Any) -> Array:
    if x.dtype == dtype:
        return x
    if is_complex(x) and not xp.isdtype(dtype, "complex floating"):
        x = xp.real(x)
    return xp.astype(x, dtype)
