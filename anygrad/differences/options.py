"""The options that all numerical derivatives share: checked, and turned into arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from numbers import Integral, Real
from typing import Any, TypedDict

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.evaluation import check_evaluation
from anygrad.differences.questions import is_all
from anygrad.differences.stencils import COMPLEX, METHODS
from anygrad.differences.steps import check_step
from anygrad.errors import ArgumentError, describe, suggest

__all__ = ["ADAPTIVE", "Choices", "Options", "Rooms"]

Rooms = tuple[Array, Array] | None
"""How far f may be evaluated below and above each coordinate; None without bounds."""

ADAPTIVE = "adaptive"
RTOL = 1e-10
"""By default the ladder stops at this relative bar, where rounding does not stop it earlier."""


class Choices(TypedDict, total=False):
    """The keywords that all numerical derivatives take, as `gradient` documents them."""

    method: str | None
    accuracy: int | None
    step: float | None
    scale: Any
    bounds: Any
    noise: float | None
    rtol: float | None
    evaluate: str
    stack_axis: int
    executor: Any
    batch_bytes: int | None
    full_output: bool


@dataclass(frozen=True)
class Options:
    """What the user asked for; the public functions say what each one means."""

    where: str
    method: str | None = None
    accuracy: int | None = None
    step: float | None = None
    scale: Any = 1.0
    bounds: Any = None
    noise: float | None = None
    rtol: float | None = None
    evaluate: str = "auto"
    stack_axis: int = -1
    executor: Any = None
    batch_bytes: int | None = None
    full_output: bool = False

    def __post_init__(self) -> None:
        known = sorted([*METHODS, COMPLEX, ADAPTIVE])
        if self.method is not None and self.method not in known:
            message = (
                f"{self.where}(method): got {self.method!r}; expected one of {', '.join(known)}. "
                f"{suggest(str(self.method), known)}"
            )
            raise ArgumentError(message.rstrip())
        check_step(self.where, self.step)
        check_evaluation(self.where, self.evaluate, self.stack_axis, self.executor)
        for name, least in (("noise", 0.0), ("rtol", 0.0)):
            self._expect_number(name, getattr(self, name), least)
        size = self.batch_bytes
        if size is not None and not (_is_a(Integral, size) and size > 0):
            message = (
                f"{self.where}(batch_bytes): got {size!r}; expected a positive number of bytes. "
                "Leave it out for calls whose points stay in the cache."
            )
            raise ArgumentError(message)
        self._refuse_what_is_not_used()

    @staticmethod
    def of(where: str, choices: Any) -> Options:
        """Read keywords; an unknown one is refused with the nearest."""
        known = [f.name for f in fields(Options) if f.name != "where"]
        unknown = next((name for name in choices if name not in known), None)
        if unknown is not None:
            message = (
                f"{where}({unknown}): got an unknown keyword; expected one of {', '.join(known)}. "
                f"{suggest(unknown, known)}"
            )
            raise ArgumentError(message.rstrip())
        return Options(where, **choices)

    @property
    def adaptive(self) -> bool:
        """Whether the ladder is climbed."""
        wanted = self.full_output or self.rtol is not None or self.noise is not None
        return self.method == ADAPTIVE or (self.method is None and wanted)

    @property
    def fixed(self) -> str:
        """The method of fixed differences."""
        return self.method or "central"

    @property
    def tolerance(self) -> float:
        """The relative bar that is small enough."""
        return RTOL if self.rtol is None else float(self.rtol)

    def _expect_number(self, name: str, value: Any, least: float) -> None:
        if value is None or (_is_a(Real, value) and least <= value < inf):
            return
        what = {
            "noise": "the standard deviation of f, in its units",
            "rtol": "a tolerance relative to the derivative",
        }[name]
        message = f"{self.where}({name}): got {value!r}; expected None or {what}, >= 0 and finite."
        raise ArgumentError(message)

    def _refuse_what_is_not_used(self) -> None:
        if self.adaptive:
            idle = [name for name in ("step", "accuracy") if getattr(self, name) is not None]
            hint = "The ladder chooses its steps; give scale=, or method='central' to step by hand."
        else:
            idle = [name for name in ("noise", "rtol") if getattr(self, name) is not None]
            idle += ["full_output"] if self.full_output else []
            hint = "Fixed steps have no error bar: use method='adaptive'."
        if idle:
            method = ADAPTIVE if self.adaptive else self.fixed
            message = f"{self.where}({idle[0]}): got it with method={method!r}. {hint}"
            raise ArgumentError(message)
        if self.method == COMPLEX and self.bounds is not None:
            message = (
                f"{self.where}(bounds): got them with method='complex', which checks itself on "
                "both sides of x. Use another method."
            )
            raise ArgumentError(message)

    def read_scale(self, coordinates: Coordinates) -> Array | float:
        """The scale of each coordinate, shape (C,), in double precision; 1.0 where not given."""
        if isinstance(self.scale, float) and self.scale == 1.0:
            return 1.0
        scale = self._spread("scale", self.scale, coordinates)
        xp = namespace_of(scale)
        if not is_all((scale > 0.0) & xp.isfinite(scale)):
            message = (
                f"{self.where}(scale): got {describe(self.scale)}; expected finite numbers > 0, "
                "the size of a typical element of x."
            )
            raise ArgumentError(message)
        return scale

    def spread_scale(self, coordinates: Coordinates) -> Array:
        """The scale of each coordinate, shape (C,), in double precision, whether given or not."""
        scale = self.read_scale(coordinates)
        return self._spread("scale", scale, coordinates) if isinstance(scale, float) else scale

    def read_rooms(self, coordinates: Coordinates) -> Rooms:
        """How far each coordinate may be moved down and up, in double precision."""
        if self.bounds is None:
            return None
        low, high = self._pair()
        if coordinates.unit is not None:
            message = f"{self.where}(bounds): got them for complex points; expected real ones."
            raise ArgumentError(message)
        x = coordinates.position
        xp = namespace_of(x)
        x = xp.astype(x, xp.float64)
        lower = self._spread("bounds", -inf if low is None else low, coordinates)
        upper = self._spread("bounds", inf if high is None else high, coordinates)
        below, above = x - lower, upper - x
        inside = (below >= 0.0) & (above >= 0.0)
        # steps, and points behind them, are rounded: what is left still ends within the bounds
        slack = 4.0 * coordinates.eps
        below, above = (
            xp.maximum((1.0 - slack) * room - slack * xp.abs(x), 0.0 * x) for room in (below, above)
        )
        inside = inside & (xp.maximum(below, above) > 0.0)
        if not is_all(inside):
            first = int(to_host(xp.argmin(xp.astype(inside, xp.int64))))
            name = coordinates.name(first)
            message = (
                f"{self.where}(bounds): got {float(to_host(lower[first])):g} and "
                f"{float(to_host(upper[first])):g} for {name} = {float(to_host(x[first])):g}; "
                "expected lower <= x <= upper, and room for a step between them."
            )
            raise ArgumentError(message)
        return below, above

    def _pair(self) -> tuple[Any, Any]:
        if hasattr(self.bounds, "lb") and hasattr(self.bounds, "ub"):
            return self.bounds.lb, self.bounds.ub  # scipy.optimize.Bounds
        if isinstance(self.bounds, (tuple, list)) and len(self.bounds) == 2:
            return tuple(self.bounds)
        message = (
            f"{self.where}(bounds): got {describe(self.bounds)}; expected a pair (lower, upper), "
            "each None, a number, or a tree like x."
        )
        raise ArgumentError(message)

    def _spread(self, name: str, value: Any, coordinates: Coordinates) -> Array:
        """One number for each coordinate, from a number, an array or a tree like x."""
        like = coordinates.position
        xp, device = namespace_of(like), device_of(like)
        if _is_a(Real, value):
            return xp.full(like.shape, float(value), dtype=xp.float64, device=device)
        layout = coordinates.layout
        parts = trees.leaves(value)
        if len(parts) != len(layout.shapes):
            self._refuse_shape(name, value)
        found = []
        for part, shape, twice in zip(parts, layout.shapes, layout.complex_leaves, strict=True):
            try:
                part = part if backend_of(part) is not None else xp.asarray(part, device=device)
                if has_kind(xp, part.dtype, ("bool", "complex floating")):
                    self._refuse_shape(name, value)
                part = xp.astype(part, xp.float64, copy=False)
                flat = xp.reshape(xp.broadcast_to(part, shape), (-1,))
            except (TypeError, ValueError) as error:
                self._refuse_shape(name, value, error)
            found += [flat, flat] if twice else [flat]
        return found[0] if len(found) == 1 else xp.concat(found)

    def _refuse_shape(self, name: str, value: Any, error: Exception | None = None) -> None:
        message = (
            f"{self.where}({name}): got {describe(value)}; expected a real number or a tree like "
            "x, whose real arrays broadcast to those of x."
        )
        raise ArgumentError(message) from error


def _is_a(kind: type, value: Any) -> bool:
    """Whether a value is such a number, of Python or NumPy; truths are none."""
    return isinstance(value, kind) and not isinstance(value, bool)
