"""Evaluates a function at many points: stacked in few calls where that is safe, else one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.copies import copy_of
from anygrad.differences.kinds import is_complex, is_integer, is_real
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest

__all__ = ["PointFunction", "check_evaluation", "read_vectors"]

EVALUATE = ("auto", "loop", "stacked")


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
            f"{where}(stack_axis): got {stack_axis!r}; expected -1 (points along the last axis) or "
            "0 (along the first)."
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
        """Call once for all points, (N, m) or for axis 0 (m, N); gives values of shape (m,).

        The points are handed over: ``f`` may write into them, so make them for this call.
        """
        values = self._call(self._split(points, self.stack_axis))
        count = points.shape[self.stack_axis]
        if getattr(values, "shape", None) != (count,):
            message = (
                f"{self.where}(f): got {describe(values)} for {count} stacked points; expected "
                f"shape ({count},). Use evaluate='loop', or reduce over the other axes only: "
                "np.sum(x**2, axis=0)."
            )
            raise ShapeError(message)
        return self._as_real(values)

    def alone(self, points: list[Array]) -> Array:
        """Call once for each flat point, with a copy of it."""
        return self._gather([self._value(copy_of(point)) for point in points])

    def one_by_one(self, points: Array) -> Array:
        """Call once for each row of points of shape (m, N), handed over as for `together`."""
        return self._gather([self._value(points[i, :]) for i in range(points.shape[0])])

    def _split(self, points: Array, axis: int | None) -> Any:
        return self.coordinates.layout.split(points, axis, self.coordinates.point_dtypes)

    def _call(self, tree: Any) -> Any:
        if not self.imaginary:
            return self.f(tree)
        try:
            return self.f(tree)
        except (TypeError, ValueError) as error:
            message = (
                f"{self.where}(f): failed on complex points ({type(error).__name__}: {error}); "
                "expected a function that takes complex arrays. Use method='central'."
            )
            raise ArgumentError(message) from error

    def _value(self, point: Array) -> Any:
        value = self._call(self._split(point, None))
        if type(value) in (int, float, complex):
            return self._read_number(value)
        if backend_of(value) is None or tuple(value.shape) != ():
            message = (
                f"{self.where}(f): got {describe(value)}; expected a real number or an array of "
                "shape (). Reduce it with sum or mean, or differentiate one element of it."
            )
            raise ShapeError(message)
        return self._as_real(value)

    def _read_number(self, value: complex) -> Array:
        if isinstance(value, complex) and not self.imaginary:
            self._refuse_kind(value)
        like = self.coordinates.point if self.imaginary else self.coordinates.steps
        return namespace_of(like).asarray(value, dtype=like.dtype, device=device_of(like))

    def _as_real(self, value: Array) -> Array:
        if is_real(value) or (self.imaginary and is_complex(value)):
            return copy_of(value)  # f may return a buffer of its own, and write into it again
        if not is_integer(value):
            self._refuse_kind(value)
        return namespace_of(value).astype(value, self.coordinates.steps.dtype)

    def _refuse_kind(self, value: Any) -> None:
        message = (
            f"{self.where}(f): got {describe(value)}; expected a real value. "
            "For a complex result differentiate its real part and its imaginary part."
        )
        raise DTypeError(message)

    def _gather(self, values: list[Array]) -> Array:
        xp = namespace_of(self.coordinates.point)
        return xp.stack(values)


def read_vectors(vectors: list[Array]) -> list[list[float]]:
    """Copy real vectors to the host in one go; this waits for the device."""
    together = namespace_of(*vectors).concat(vectors)
    numbers = iter(to_host(together).tolist())
    return [list(islice(numbers, x.shape[0])) for x in vectors]
