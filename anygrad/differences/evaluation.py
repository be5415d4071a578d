"""Evaluates a function at many points: stacked in few calls where that is safe, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest

__all__ = ["BATCH_BYTES", "EVALUATE", "PointFunction", "batch_size", "batches", "check_evaluation", "read_flag"]

EVALUATE = ("auto", "loop", "stacked")

BATCH_BYTES = 1 << 20
"""Points per call of ``f``: more than this and the temporaries of ``f`` leave the cache."""


def check_evaluation(where: str, evaluate: str, stack_axis: int) -> None:
    """Refuse unknown modes and axes."""
    if evaluate not in EVALUATE:
        message = (
            f"{where}(evaluate): got {evaluate!r}; expected one of {', '.join(EVALUATE)}. "
            f"{suggest(evaluate, EVALUATE)}"
        )
        raise ArgumentError(message.rstrip())
    if stack_axis not in (0, -1) or isinstance(stack_axis, bool):
        message = (
            f"{where}(stack_axis): got {stack_axis!r}; expected -1 (points along the last axis) or 0 "
            "(along the first)."
        )
        raise ArgumentError(message)


@dataclass(frozen=True)
class PointFunction:
    """The user's function of a tree, seen as a function of flat points.

    Attributes
    ----------
    where : str
        The public function, for messages.
    f : callable
        Takes a tree, returns a number or an array of shape ().
    coordinates : Coordinates
        Tells how a flat point becomes a tree.
    stack_axis : {-1, 0}
        Where stacked points go.
    imaginary : bool
        Whether points and values are complex, for the complex step.
    """

    where: str
    f: Callable[..., Any]
    coordinates: Coordinates
    stack_axis: int
    imaginary: bool

    def stack(self, points: list[Array]) -> Array:
        """Put flat points side by side, along the axis that `together` wants."""
        return namespace_of(*points).stack(points, axis=self.stack_axis)

    def together(self, points: Array) -> Array:
        """One call for all: points of shape (N, m), or (m, N) for axis 0, give values of shape (m,)."""
        values = self._call(self._split(points, self.stack_axis))
        count = points.shape[self.stack_axis]
        if getattr(values, "shape", None) != (count,):
            message = (
                f"{self.where}(f): got {describe(values)} for {count} stacked points; expected shape "
                f"({count},). Use evaluate='loop', or reduce over the other axes only: "
                "np.sum(x**2, axis=0)."
            )
            raise ShapeError(message)
        return self._as_real(values)

    def alone(self, points: list[Array]) -> Array:
        """One call for each flat point."""
        return self._gather([self._value(self._split(point, None)) for point in points])

    def one_by_one(self, points: Array) -> Array:
        """One call for each row of points of shape (m, N)."""
        return self.alone([points[i, :] for i in range(points.shape[0])])

    def _split(self, points: Array, axis: int | None) -> Any:
        return self.coordinates.layout.split(points, axis, self.coordinates.point_dtypes)

    def _call(self, tree: Any) -> Any:
        if not self.imaginary:
            return self.f(tree)
        try:
            return self.f(tree)
        except (TypeError, ValueError) as error:
            message = (
                f"{self.where}(f): failed on complex points ({type(error).__name__}: {error}); expected a "
                "function that takes complex arrays. Use method='central'."
            )
            raise ArgumentError(message) from error

    def _value(self, tree: Any) -> Any:
        value = self._call(tree)
        if isinstance(value, (int, float, complex)) and not hasattr(value, "dtype"):
            xp = namespace_of(self.coordinates.point)
            dtype = (self.coordinates.point if self.imaginary else self.coordinates.steps).dtype
            if isinstance(value, complex) and not self.imaginary:
                self._refuse_kind(value)
            return xp.asarray(value, dtype=dtype, device=device_of(self.coordinates.point))
        if backend_of(value) is None or tuple(value.shape) != ():
            message = (
                f"{self.where}(f): got {describe(value)}; expected a real number or an array of shape (). "
                "Reduce it with sum or mean, or differentiate one element of it."
            )
            raise ShapeError(message)
        return self._as_real(value)

    def _as_real(self, value: Array) -> Array:
        xp = namespace_of(value)
        if xp.isdtype(value.dtype, "real floating"):
            return value
        if xp.isdtype(value.dtype, "integral"):
            return xp.astype(value, self.coordinates.steps.dtype)
        if not self.imaginary or xp.isdtype(value.dtype, "bool"):
            self._refuse_kind(value)
        return value

    def _refuse_kind(self, value: Any) -> None:
        message = (
            f"{self.where}(f): got {describe(value)}; expected a real value. "
            "For a complex result differentiate its real part and its imaginary part."
        )
        raise DTypeError(message)

    def _gather(self, values: list[Array]) -> Array:
        xp = namespace_of(self.coordinates.point)
        return xp.stack([xp.asarray(value) for value in values])


def batches(coordinates: Coordinates, neighbours: list[Array], axis: int) -> Iterator[Array]:
    """Yield flat points, each the point with one coordinate moved: (N, m), or (m, N) for axis 0.

    A batch holds its coordinates' first neighbours, then their second, and so on.
    """
    xp = namespace_of(coordinates.point)
    point = coordinates.point
    index = xp.arange(point.shape[0], device=device_of(point))
    size = batch_size(coordinates, len(neighbours))
    for start in range(0, coordinates.count, size):
        element = coordinates.element[start : start + size]
        moved = [neighbour[start : start + size] for neighbour in neighbours]
        if len(moved) > 1:
            element, moved = xp.concat([element] * len(moved)), [xp.concat(moved)]
        if axis == 0:
            yield xp.where(index[None, :] == element[:, None], moved[0][:, None], point[None, :])
        else:
            yield xp.where(index[:, None] == element[None, :], moved[0][None, :], point[:, None])


def batch_size(coordinates: Coordinates, neighbours: int) -> int:
    """How many coordinates fit a call of `BATCH_BYTES`."""
    bits = namespace_of(coordinates.point).finfo(coordinates.point.dtype).bits
    one = coordinates.point.shape[0] * neighbours * bits // 8
    return max(1, BATCH_BYTES // max(1, one))


def read_flag(flag: Array) -> bool:
    """Copy one truth value to the host; this waits for the device."""
    backend = backend_of(flag)
    return bool(flag if backend is None else backend.to_host(flag))
