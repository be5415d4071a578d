"""The user's function of a tree, seen as a function of flat points with flat values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import vmap
from anygrad.backends import backend_of, device_of, is_traced, namespace_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates, Layout
from anygrad.differences.copies import copy_of
from anygrad.differences.failures import Forgiving, Nowhere
from anygrad.differences.kinds import is_complex, is_integer, is_real
from anygrad.differences.spreading import check_executor, evaluate_points
from anygrad.differences.stencils import COMPLEX
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest

__all__ = ["PointFunction", "check_evaluation", "read_vectors"]

EVALUATE = ("auto", "loop", "stacked", "vmap")


def check_evaluation(where: str, evaluate: str, stack_axis: int, executor: Any = None) -> None:
    """Refuse unknown modes and axes, and executors that are none or have nothing to do."""
    if evaluate not in EVALUATE:
        message = (
            f"{where}(evaluate): got {evaluate!r}; expected one of {', '.join(EVALUATE)}. "
            f"{suggest(evaluate, EVALUATE)}"
        )
        raise ArgumentError(message.rstrip())
    if stack_axis not in (0, -1) or isinstance(stack_axis, bool):
        message = (
            f"{where}(stack_axis): got {stack_axis!r}; expected -1 (points along the last axis) or "
            "0 (along the first)."
        )
        raise ArgumentError(message)
    check_executor(where, executor)
    if executor is not None and evaluate in ("stacked", "vmap"):
        message = (
            f"{where}(executor): got one and evaluate={evaluate!r}; expected 'auto' or 'loop', "
            "since an executor is given one point at a time."
        )
        raise ArgumentError(message)


@dataclass
class PointFunction:
    """Evaluates ``f`` in one of several ways, and counts.

    Attributes
    ----------
    where : str
        The public function, for messages.
    f : callable
        Takes a tree, returns a number, an array or a tree of arrays.
    coordinates : Coordinates
        Tells how a flat point becomes a tree.
    scalar : bool
        Whether ``f`` has to return one real number.
    stack_axis : {-1, 0}
        Where stacked points go.
    imaginary : bool
        Whether points and values are complex, for the complex step.
    executor : executor of concurrent.futures, optional
        What evaluates single points.
    batch_bytes : int, optional
        How many bytes of points go into one call.
    forgiving : bool
        Whether single points at which ``f`` raises ArithmeticError or ValueError have values of
        NaN: a ladder goes far from the point, maybe out of the domain of ``f``.
    outputs : Layout or None
        How the values of ``f`` lie in flat vectors; known after the first single evaluation.
    blank : array or None
        Such a vector of NaN.
    evaluations, calls : int
        How many points and calls there were.
    """

    where: str
    f: Callable[..., Any]
    coordinates: Coordinates
    scalar: bool = True
    stack_axis: int = -1
    imaginary: bool = False
    executor: Any = None
    batch_bytes: int | None = None
    forgiving: bool = field(default=False, init=False)
    outputs: Layout | None = field(default=None, init=False)
    blank: Array | None = field(default=None, init=False)
    evaluations: int = field(default=0, init=False)
    calls: int = field(default=0, init=False)

    @staticmethod
    def under(options: Any, f: Callable[..., Any], coordinates: Coordinates, scalar: bool) -> Any:
        """The function as the user's options say."""
        return PointFunction(
            options.where,
            f,
            coordinates,
            scalar,
            options.stack_axis,
            options.method == COMPLEX,
            options.executor,
            options.batch_bytes,
        )

    def alone(self, points: list[Array]) -> Array:
        """Call once for each flat point, with a copy of it; values of shape (k, O)."""
        return namespace_of(self.coordinates.point).stack([self._value(copy_of(p)) for p in points])

    def together(self, points: Array, way: str) -> Array:
        """Values at many points, by one way; shape (m, O).

        ``points`` has shape (m, N), and for stacks along the last axis (N, m). They are handed
        over: ``f`` may write into them, so make them for this call.
        """
        if way == "loop":
            return self._one_by_one(points)
        axis = self.axis_of(way)
        count = points.shape[axis]
        self.evaluations, self.calls = self.evaluations + count, self.calls + 1
        if way == "vmap":
            run = vmap(self.f)
            return self._read(self._call(self._split(points, 0), run), count, 0)
        return self._read(self._call(self._split(points, axis), self.f), count, axis)

    def axis_of(self, way: str) -> int:
        """Along which axis a way wants the points."""
        return self.stack_axis if way == "stacked" else 0

    def _one_by_one(self, points: Array) -> Array:
        rows = [points[i, :] for i in range(points.shape[0])]
        if self.executor is None:
            return namespace_of(points).stack([self._value(row) for row in rows])
        split = [self._split(copy_of(row), None) for row in rows]
        self.evaluations, self.calls = self.evaluations + len(rows), self.calls + len(rows)
        values = evaluate_points(
            self.where, self._single, split, self.executor, describe=lambda k: self._name(rows[k])
        )
        return namespace_of(points).stack([self._read(value) for value in values])

    def _name(self, row: Array) -> str:
        """Say which point it is, beside x: ``x[3] + 1e-06``."""
        moved = np.asarray(to_host(row)) - np.asarray(to_host(self.coordinates.point))
        places = np.flatnonzero(moved)
        if places.size != 1 or self.coordinates.unit is not None:
            return f"x with {places.size} elements moved"
        step = float(np.real(moved[places[0]]))
        sign = "-" if step < 0.0 else "+"
        return f"{self.coordinates.name(int(places[0]))} {sign} {abs(step):.3g}"

    def _value(self, point: Array) -> Array:
        self.evaluations, self.calls = self.evaluations + 1, self.calls + 1
        return self._read(self._call(self._split(point, None), self._single))

    @property
    def _single(self) -> Callable[[Any], Any]:
        return Forgiving(self.f) if self.forgiving else self.f

    def _split(self, points: Array, axis: int | None) -> Any:
        layout = self.coordinates.layout
        if not self.imaginary:
            return layout.split(points, axis)
        return layout.split(points, axis, (points.dtype,) * len(layout.dtypes))

    def _call(self, tree: Any, run: Callable[..., Any]) -> Any:
        if not self.imaginary:
            return run(tree)
        try:
            return run(tree)
        except (TypeError, ValueError) as error:
            message = (
                f"{self.where}(f): failed on complex points ({type(error).__name__}: {error}); "
                "expected a function that takes complex arrays. Use method='central'."
            )
            raise ArgumentError(message) from error

    # What comes back

    def _read(self, value: Any, count: int | None = None, axis: int | None = None) -> Array:
        """Lay the values of one point, or of ``count`` along an axis, in flat real vectors."""
        if value is Nowhere:
            return self.blank
        leaves, treedef = trees.flatten(value)
        leaves = [self._leaf(leaf) for leaf in leaves]
        if self.scalar:
            self._expect_scalar(value, leaves, count)
        elif not leaves:
            message = (
                f"{self.where}(f): got {describe(value)}; expected a number, an array or a tree of "
                "arrays. Does it return its result?"
            )
            raise ShapeError(message)
        if count is None and self.outputs is None:
            self.outputs = Layout(
                treedef,
                tuple(tuple(leaf.shape) for leaf in leaves),
                tuple(self._dtype_of(leaf) for leaf in leaves),
                tuple(is_complex(leaf) and not self.imaginary for leaf in leaves),
            )
        self._expect_same(value, leaves, treedef, count, axis)
        parts = [self._flatten(leaf, count, axis) for leaf in leaves]
        # f may return a buffer of its own, and write into it again
        xp = namespace_of(*parts)
        flat = copy_of(parts[0]) if len(parts) == 1 else xp.concat(parts, axis=-1)
        if self.blank is None and count is None:
            self.blank = xp.full_like(flat, xp.nan)
        return flat

    def _leaf(self, leaf: Any) -> Array:
        if type(leaf) in (int, float, complex):
            return self._read_number(leaf)
        if backend_of(leaf) is None or is_traced(leaf):
            message = (
                f"{self.where}(f): got {describe(leaf)}; expected a real number or an array of "
                "shape (). Reduce it with sum or mean, or differentiate one element of it."
                if self.scalar
                else f"{self.where}(f): got {describe(leaf)}; expected a number, an array or a "
                "tree of arrays."
            )
            raise ShapeError(message)
        if is_real(leaf) or (is_complex(leaf) and (self.imaginary or not self.scalar)):
            return leaf
        if not is_integer(leaf):
            self._refuse_kind(leaf)
        return namespace_of(leaf).astype(leaf, self.coordinates.position.dtype)

    def _dtype_of(self, leaf: Array) -> Any:
        """What derivatives of this value are; those by a complex step are real."""
        return (
            namespace_of(leaf).real(leaf).dtype
            if self.imaginary and is_complex(leaf)
            else leaf.dtype
        )

    def _read_number(self, value: complex) -> Array:
        if isinstance(value, complex) and self.scalar and not self.imaginary:
            self._refuse_kind(value)
        like = self.coordinates.position
        xp = namespace_of(like)
        dtype = like.dtype
        if isinstance(value, complex) or self.imaginary:
            dtype = xp.result_type(dtype, xp.complex64)
        return xp.asarray(value, dtype=dtype, device=device_of(like))

    def _refuse_kind(self, value: Any) -> None:
        if isinstance(value, complex) or is_complex(value):
            hint = "For a complex result differentiate its real part and its imaginary part."
        else:
            hint = (
                "A truth or an object has no derivative: convert it, xp.astype(value, xp.float64)."
            )
        expected = "a real value" if self.scalar else "a number"
        message = f"{self.where}(f): got {describe(value)}; expected {expected}. {hint}"
        raise DTypeError(message)

    def _expect_scalar(self, value: Any, leaves: list[Array], count: int | None) -> None:
        if len(leaves) == 1 and (count is not None or tuple(leaves[0].shape) == ()):
            return
        message = (
            f"{self.where}(f): got {describe(value)}; expected a real number or an array of "
            "shape (). Reduce it with sum or mean, or differentiate one element of it."
        )
        raise ShapeError(message)

    def _expect_same(
        self, value: Any, leaves: list[Array], treedef: Any, count: int | None, axis: int | None
    ) -> None:
        known = self.outputs
        shapes = [()] if known is None and self.scalar else None if known is None else known.shapes
        if shapes is None:
            return
        if count is None:
            wanted = [tuple(shape) for shape in shapes]
        else:
            wanted = [(count, *shape) if axis == 0 else (*shape, count) for shape in shapes]
        if [tuple(leaf.shape) for leaf in leaves] == wanted:
            return
        if count is None:
            message = (
                f"{self.where}(f): got {describe(value)}, and at the point itself shapes "
                f"{', '.join(map(str, wanted))}; expected the same at every point."
            )
        else:
            message = (
                f"{self.where}(f): got {describe(value)} for {count} stacked points; expected "
                f"shape {', '.join(map(str, wanted))}. Use evaluate='loop', or reduce over the "
                "other axes only: np.sum(x**2, axis=0)."
            )
        raise ShapeError(message)

    def _flatten(self, leaf: Array, count: int | None, axis: int | None) -> Array:
        xp = namespace_of(leaf)
        if count is None:
            flat = xp.reshape(leaf, (-1,))
        elif axis == 0:
            flat = xp.reshape(leaf, (count, prod(leaf.shape[1:])))
        else:
            flat = xp.matrix_transpose(xp.reshape(leaf, (prod(leaf.shape[:-1]), count)))
        if is_complex(flat) and not self.imaginary:
            return xp.concat([xp.real(flat), xp.imag(flat)], axis=-1)
        return flat


def read_vectors(vectors: list[Array]) -> list[Any]:
    """Copy real arrays to the host in one go, as NumPy arrays; this waits for the device."""
    xp = namespace_of(*vectors)
    together = to_host(xp.concat([xp.reshape(x, (-1,)) for x in vectors]))
    found, start = [], 0
    for x in vectors:
        stop = start + prod(x.shape)
        found.append(together[start:stop].reshape(tuple(x.shape)))
        start = stop
    return found
