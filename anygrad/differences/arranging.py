"""A matrix of derivatives, coordinates by outputs, becomes trees as the automatic ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.differences.coordinates import Layout

__all__ = ["Arrangement"]

Join = Callable[[Namespace, Array, Array], Array]


@dataclass(frozen=True)
class Arrangement:
    """How matrices of shape (C, O) become trees.

    Attributes
    ----------
    inputs : Layout
        Of the point.
    outputs : Layout or None
        Of the value; None for one number, which adds no level to the tree.
    """

    inputs: Layout
    outputs: Layout | None

    def values(self, matrix: Array) -> Tree:
        """Derivatives: complex where an input or an output is."""
        return self._arrange(matrix, lambda xp, a, b: a + 1j * b, _to_value)

    def sizes(self, matrix: Array) -> Tree:
        """Bars, which both parts of a complex number share."""
        return self._arrange(matrix, lambda xp, a, b: xp.hypot(a, b), _to_real)

    def levels(self, matrix: Array) -> Tree:
        """Noise, a property of the values whatever is moved."""
        return self.sizes(matrix)

    def curvatures(self, matrix: Array) -> Tree:
        """Second derivatives along the lines."""
        return self.values(matrix)

    def largest(self, matrix: Array) -> Tree:
        """Steps and the like: the larger of the two parts."""
        return self._arrange(matrix, lambda xp, a, b: xp.maximum(a, b), _to_real)

    def marks(self, matrix: Array) -> Tree:
        """Flags: those of either part."""
        return self._arrange(matrix, lambda xp, a, b: a | b, lambda xp, x, dtype: x)

    def _arrange(self, matrix: Array, join: Join, cast: Callable[..., Array]) -> Tree:
        xp = namespace_of(matrix)
        if self.outputs is None:
            rows = _fold(xp, self.inputs, matrix, join)
            leaves = [
                cast(xp, xp.reshape(part[:, 0], shape), dtype)
                for part, shape, dtype in zip(
                    rows, self.inputs.shapes, self.inputs.dtypes, strict=True
                )
            ]
            return trees.unflatten(self.inputs.treedef, leaves)
        transposed = xp.matrix_transpose(matrix)
        blocks = []
        for rows, shape, dtype in zip(
            _fold(xp, self.outputs, transposed, join),
            self.outputs.shapes,
            self.outputs.dtypes,
            strict=True,
        ):
            start, columns = 0, []
            for inner in self.inputs.shapes:
                stop = start + prod(inner)
                block = xp.reshape(rows[:, start:stop], (*shape, *inner))
                columns.append(cast(xp, block, dtype))
                start = stop
            blocks.append(trees.unflatten(self.inputs.treedef, columns))
        return trees.unflatten(self.outputs.treedef, blocks)


def _fold(xp: Namespace, layout: Layout, rows: Array, join: Join) -> list[Array]:
    """Cut rows (one for each real number) into leaves, the two parts of complex ones joined."""
    start, found = 0, []
    for shape, two_parts in zip(layout.shapes, layout.complex_leaves, strict=True):
        stop = start + prod(shape)
        part = rows[start:stop, ...]
        if two_parts:
            part = join(xp, part, rows[stop : stop + prod(shape), ...])
            stop += prod(shape)
        found.append(part)
        start = stop
    return found


def _to_value(xp: Namespace, x: Array, dtype: Any) -> Array:
    """In the dtype of the leaf, made complex where the derivative is."""
    if has_kind(xp, x.dtype, "complex floating") and not has_kind(xp, dtype, "complex floating"):
        dtype = xp.result_type(dtype, xp.complex64)
    return xp.astype(x, dtype, copy=False)


def _to_real(xp: Namespace, x: Array, dtype: Any) -> Array:
    if has_kind(xp, dtype, "complex floating"):
        dtype = xp.float64 if float(float_limits(xp, dtype).eps) < 1e-12 else xp.float32
    return xp.astype(x, dtype, copy=False)
