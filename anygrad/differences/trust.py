"""Tells whether many points may be evaluated together: by what f gives for two of them alone.

Evaluating a stack is safe for a function that treats each point by itself. That cannot be seen from
its code, so ``evaluate="auto"`` demands three things before it believes values of many points:

1. values of the shape that f gives for a point alone, m times, m being no dimension of the point;
2. at two *probes*, points with every coordinate moved by a different fraction of its step, one put
   first and one last in every batch: the value that f gives to the probe alone, to rounding;
3. the change of f from one probe to the other is what all the slopes together predict.

A function that mixes points, or broadcasts its data along them, fails 2; one that is wrong in the
middle of a batch fails 3. ``vmap`` is held to the same, since a black box may behave in another way
when it is traced (``try: ... except Exception: return 1e10``). What fails or raises is evaluated in
the next way: stacked, by ``vmap``, point by point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, TypeVar

import numpy as np

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.evaluation import PointFunction, read_vectors
from anygrad.differences.kinds import is_complex
from anygrad.differences.moves import Moves
from anygrad.errors import ArgumentError

__all__ = ["Probes", "believe"]

Found = TypeVar("Found")

FEW_POINTS = 4
"""Up to here single evaluations cost no more than the probes."""

GROSS, FINE = 1e-2, 1e-4
"""How far the change between probes may miss the prediction: for a stack, for a complex step."""


@dataclass(frozen=True)
class Probes:
    """Two points beside x, and what f gives there.

    Attributes
    ----------
    call : PointFunction
        The function.
    moves : Moves
        The lines that are differentiated along.
    steps : array, shape (M,)
        Real steps along the lines; the probes go 1/16 to 1/8 of them.
    sides : array, shape (M,), or float
        1 or -1 for lines that are followed to that side only, else 0.
    depth : array, shape (C,), or None
        How far along the imaginary axis both probes lie, for the complex step.
    """

    call: PointFunction
    moves: Moves
    steps: Array
    sides: Any = 0.0
    depth: Array | None = None

    @cached_property
    def shares(self) -> Array:
        """How far each line is followed, signs mixed where both sides are allowed."""
        xp, steps = namespace_of(self.steps), self.steps
        count = xp.arange(1, steps.shape[0] + 1, dtype=steps.dtype, device=device_of(steps))
        # the golden ratio spreads its multiples evenly, and gives the same ones on every backend
        spread = (0.6180339887498949 * count) % 1.0 - 0.5
        moves = xp.where(spread < 0.0, spread - 0.5, spread + 0.5) / 8.0 * steps
        return self._by_side(moves, self.sides * xp.abs(moves))

    def _by_side(self, both: Array, one: Array) -> Array:
        """The first where both sides are allowed, else the second."""
        if isinstance(self.sides, float):
            return both if self.sides == 0.0 else one
        return namespace_of(both).where(self.sides == 0.0, both, one)

    @cached_property
    def points(self) -> list[Array]:
        """Two flat points."""
        return self.at(1.0)

    @np.errstate(all="ignore")
    def at(self, fraction: float) -> list[Array]:
        """Place the probes at a fraction of their distance from x."""
        coordinates = self.call.coordinates
        xp, point = namespace_of(coordinates.point), coordinates.point
        shares = fraction * self.shares
        drift, behind = (
            xp.astype(
                coordinates.layout.to_elements(self.moves.drift(part)), point.dtype, copy=False
            )
            for part in (shares, self._by_side(shares, 0.0 * shares))
        )
        if self.depth is not None:
            wide = xp.result_type(point.dtype, xp.complex64)
            point, drift, behind = (xp.astype(v, wide) for v in (point, drift, behind))
            depth = coordinates.layout.to_elements(self.moves.drift(self.depth))
            point = point + 1j * depth
        return [point - behind, point + drift]

    @cached_property
    def alone(self) -> Array:
        """Values of f at the probes, evaluated singly: shape (2, O)."""
        return self.call.alone(self.points)

    @property
    def rounding(self) -> float:
        """Relative size of rounding errors in f; sums of N terms round sqrt(N) times."""
        coordinates = self.call.coordinates
        return (64.0 + 4.0 * sqrt(coordinates.point.shape[0])) * coordinates.eps

    def agree(self, slopes: Array | None, values: Array, together: Array) -> bool:
        """Apply tests 2 and 3; one small copy to the host.

        ``slopes`` (M, O), all ``values`` (m, O), and those at the probes ``together`` (2 b, O).
        Without slopes, test 2 only.
        """
        tolerance = GROSS if self.depth is None else FINE
        vectors = [] if slopes is None else self._predict(slopes)
        for part in self._parts(values):
            xp = namespace_of(part)
            vectors += [xp.min(part, axis=0), xp.max(part, axis=0)]
        vectors += [*self._parts(together), *self._parts(self.alone)]
        rest = read_vectors(vectors)
        predicted, total = (rest.pop(0), rest.pop(0)) if slopes is not None else (None, None)
        parts = 1 if self.depth is None else 2
        for i in range(parts):
            low, high = rest[2 * i], rest[2 * i + 1]
            if not self._same(low, high, rest[2 * parts + i], rest[3 * parts + i]):
                return False
        if predicted is None:
            return True
        return self._explains(predicted, total, rest[3 * parts], tolerance)

    def explain(self, slopes: Array) -> bool:
        """Whether slopes (M, O) and the values at the probes fit."""
        predicted, total, values = self._compare(slopes)
        return self._explains(predicted, total, values, GROSS)

    def _compare(self, slopes: Array) -> list[Any]:
        """What slopes predict, the sum of its absolute parts, and the real values at the probes."""
        return read_vectors([*self._predict(slopes), self._parts(self.alone)[0]])

    def refuse_unless_analytic(self, slopes: Array, way: str) -> None:
        """Hold the slopes of a complex step against how f changes between the probes."""
        predicted, total, values = self._compare(slopes)
        if self._explains(predicted, total, values, FINE):
            return
        # Near a point of inflection with slope 0 the pair sees the third derivative: ask a closer
        # pair.
        closer = self.at(0.5)
        if way == "stacked":
            axis = self.call.axis_of(way)
            found = self.call.together(namespace_of(*closer).stack(closer, axis=axis), way)
        else:
            found = self.call.alone(closer)
        near = read_vectors([self._parts(found)[0]])[0]
        bend = 2.0 * np.abs(values[1] - values[0] - 2.0 * (near[1] - near[0]))
        if self._explains(predicted, total, values, FINE, bend):
            return
        message = (
            f"{self.call.where}(method): got 'complex', but the slopes it finds do not explain how "
            "f changes between two real points; expected an analytic f. It may cast to real, use "
            "abs or a comparison, or have a kink here. Use method='central'."
        )
        raise ArgumentError(message)

    @np.errstate(all="ignore")
    def refuse_unless_continued(self, slopes: Array) -> None:
        """Refuse a function whose values at complex points are not those at real ones beside them.

        As of ``try: float(x[0]) ... except Exception: return 0.0``, whose slope would be 0.
        """
        xp = namespace_of(*self.points)
        real = self._parts(self.call.alone([xp.real(self.points[1])]))[0]
        _, total, here, there = read_vectors(
            [*self._predict(slopes), real[0, ...], self._parts(self.alone)[0][1, ...]]
        )
        size = np.max(np.maximum(np.abs(here), np.abs(there)), initial=0.0)
        allowed = FINE * size + GROSS * total + self.rounding
        if not np.any(np.abs(here - there) > allowed):
            return
        message = (
            f"{self.call.where}(method): got 'complex', but f at complex points is not what it is "
            "at real ones; expected an analytic f. It may catch errors, or take another branch. "
            "Use method='central'."
        )
        raise ArgumentError(message)

    @np.errstate(all="ignore")
    def _predict(self, slopes: Array) -> list[Array]:
        """The change of f between the probes by the slopes, and the sum of its absolute parts."""
        xp = namespace_of(slopes)
        whole = self._by_side(2.0 * self.shares, self.shares)
        parts = slopes * whole[:, None]
        return [xp.sum(parts, axis=0), xp.sum(xp.abs(parts), axis=0)]

    def _parts(self, values: Array) -> list[Array]:
        """Real and imaginary parts for the complex step, else the values."""
        if self.depth is None:
            return [values]
        xp = namespace_of(values)
        if not is_complex(values):
            return [values, xp.zeros_like(values)]
        return [xp.real(values), xp.imag(values)]

    @np.errstate(all="ignore")
    def _same(self, low: Any, high: Any, together: Any, alone: Any) -> bool:
        """Whether stacked and single values differ by no more than rounding explains.

        A difference is blind to errors of eps |f| and of eps^(2/3) times the spread of f over its
        points anyway, so a few times these are allowed.
        """
        spread = self.call.coordinates.eps ** (-1 / 3) * (high - low)
        allowed = self.rounding * (np.maximum(np.abs(low), np.abs(high)) + spread)
        pairs = np.abs(together.reshape(-1, *alone.shape) - alone)
        return bool(np.all(pairs <= allowed))

    @np.errstate(all="ignore")
    def _explains(
        self, predicted: Any, total: Any, alone: Any, tolerance: float, bend: Any = 0.0
    ) -> bool:
        """Whether slopes and the values at both probes fit; false if anything is nan."""
        change = alone[1] - alone[0]
        allowed = tolerance * (total + np.abs(change)) + bend
        allowed = allowed + self.rounding * np.max(np.abs(alone), axis=0)
        return bool(np.all(np.abs(change - predicted) <= allowed))


def believe(
    probes: Probes, points: int, evaluate: str, run: Callable[[str, Probes | None], Found]
) -> tuple[Found, str]:
    """Carry out ``run(way, probes)`` in the first way that may be believed; the way comes with it.

    ``run`` evaluates the probes in every batch and raises `Distrusted` where they do not agree.
    """
    if evaluate != "auto":
        return run(evaluate, None), evaluate
    if points > FEW_POINTS and probes.call.executor is None:
        probes.alone  # noqa: B018 - before the attempts, so that an error of f itself is seen
        for way in ("stacked", "vmap"):
            try:
                return run(way, probes), way
            except Exception:  # whatever f raises on many points, single ones will do
                continue
    return run("loop", None), "loop"


class Distrusted(Exception):
    """Many points together do not give what single ones give."""
