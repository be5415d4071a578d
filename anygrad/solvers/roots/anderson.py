"""Fixed points: plain iteration, and Anderson acceleration, which combines the last iterates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends.types import Array
from anygrad.ranges import Range, check_count, check_number
from anygrad.solvers.problem.objective import Measure, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.roots.stopping import RootStopping, stagnated
from anygrad.solvers.roots.system import System
from anygrad.solvers.searches.search import shorten

__all__ = ["Anderson", "Picard", "anderson", "picard"]

GROWTH = 2.0
"""A combined step after which |f| is more times the last |f| is not taken."""

FAILURES = 5
"""So many restarts in a row without a new lowest |f| are the end."""

EXPLODED = 1e8
"""Growth of |f| since the start from which on the iteration counts as diverging."""


@dataclass(frozen=True)
class Picard:
    """Options of plain iteration; `picard` makes one."""

    beta: float = 1.0
    name: str = "Picard"
    stopping: Any = RootStopping

    def start(self, objective: Any, point: Point) -> PicardSteps:
        """Begin at a point."""
        return PicardSteps(objective, self.beta, point.f)


def picard(*, beta: float = 1.0) -> Picard:
    """Iterate x <- x + beta (g(x) - x); it converges linearly where g contracts.

    Parameters
    ----------
    beta : float
        Share of the step that is taken, not 0; below 1 it damps.

    Returns
    -------
    Picard
        For ``fixed_point(method=...)``.

    Raises
    ------
    ArgumentError
        If ``beta`` is outside its range.

    References
    ----------
    Ortega, Rheinboldt (1970), Iterative Solution of Nonlinear Equations in Several Variables, 12.1.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.picard(beta=0.5)
    >>> ag.solvers.fixed_point(np.cos, np.zeros(1), method=method).x.round(6)
    array([0.739085])
    """
    return Picard(_check_beta("picard", beta))


class PicardSteps:
    """Plain iteration; a step to where g has no value is shortened."""

    def __init__(self, system: System, beta: float, first: float) -> None:
        self.system = system
        self.beta = beta
        self.first = first

    def step(self, point: Point) -> Step:
        """Go on from a point."""
        found = mix(self.system, point, self.beta)
        if found is None:
            return Step(None, 0.0, Status.NONFINITE)
        new, t = found
        if new.f > EXPLODED**2 * max(self.first, 1.0):
            message = (
                "The iteration diverges: g does not contract here. Use method='anderson' or "
                "'newton', or a smaller beta."
            )
            return Step(new, t, Status.STAGNATED, message)
        return Step(new, t)


def mix(
    system: System, point: Point, beta: float, measure: Measure | None = None
) -> tuple[Point, float] | None:
    """Take a plain step, shorter where f has no value there; None where nothing helps."""
    t = beta
    for tries in range(1, 30):
        new = system.evaluate(point.x - t * point.gradient, measure)
        if new.is_finite:
            return new, t
        t = shorten(0.0, t, tries)
    return None


@dataclass(frozen=True)
class Anderson:
    """Options of Anderson acceleration; `anderson` makes one."""

    memory: int = 8
    beta: float = 1.0
    regularization: float = 1e-10
    name: str = "Anderson"
    stopping: Any = RootStopping

    def start(self, objective: Any, point: Point) -> AndersonSteps:
        """Begin at a point."""
        return AndersonSteps(objective, self)


def anderson(*, memory: int = 8, beta: float = 1.0, regularization: float = 1e-10) -> Anderson:
    """Combine the last iterates so that their residuals cancel best.

    Each step solves min |f - F gamma| for the changes F of the last residuals, by QR on the device
    and a small problem on the host. A combination after which the residual is twice as large, or
    not finite, is dropped together with the memory, and a plain step is taken.

    Parameters
    ----------
    memory : int
        Differences kept, >= 1.
    beta : float
        Mixing: share of the combined residual that is added, not 0.
    regularization : float
        Singular values of the window below this, relative to the largest, count as zero; in
        [0, 1). In float32 at least ten units of rounding are used.

    Returns
    -------
    Anderson
        For ``fixed_point(method=...)`` and ``root(method=...)``.

    Raises
    ------
    ArgumentError
        If an option is outside its range.

    References
    ----------
    Walker, Ni (2011), Anderson acceleration for fixed-point iterations, sec. 2 and 4.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.anderson(memory=3)
    >>> ag.solvers.fixed_point(np.cos, np.zeros(1), method=method).x.round(6)
    array([0.739085])
    """
    memory = check_count("anderson(memory)", memory, 1)
    allowed = Range(0, 1, open_high=True)
    regularization = check_number("anderson(regularization)", regularization, allowed)
    return Anderson(memory, _check_beta("anderson", beta), regularization)


def _check_beta(where: str, beta: float) -> float:
    where = f"{where}(beta)"
    found = check_number(where, beta, Range(-1e3, 1e3))
    return found if found != 0.0 else check_number(where, beta, Range(0, 1e3, open_low=True))


class AndersonSteps:
    """Accelerated steps; f(x) is x - g(x)."""

    def __init__(self, system: System, method: Anderson) -> None:
        self.system = system
        self.method = method
        self.memory = min(method.memory, system.space.size)
        self.cut = max(method.regularization, 10.0 * system.space.eps)
        self.xs: list[Array] = []
        self.fs: list[Array] = []
        self.best = math.inf
        self.failures = 0

    def step(self, point: Point) -> Step:
        """Go on from a point."""
        combined = self._combined(point)
        if combined is not None and combined.f <= GROWTH**2 * point.f:
            return self._took(point, combined, 1.0)
        if combined is not None:
            self.xs, self.fs = [], []
            self.failures += 1
        if self.failures > FAILURES:
            return Step(None, 0.0, Status.STAGNATED, stagnated(point))
        found = mix(self.system, point, self.method.beta, self._measure(point))
        if found is None:
            return Step(None, 0.0, Status.NONFINITE)
        return self._took(point, *found)

    def _took(self, old: Point, new: Point, t: float) -> Step:
        self.xs.append(new.x - old.x)
        self.fs.append(new.gradient - old.gradient)
        del self.xs[: -self.memory], self.fs[: -self.memory]
        if new.f < self.best:
            self.best, self.failures = new.f, 0
        return Step(new, t)

    def _combined(self, point: Point) -> Point | None:
        """Evaluate the combination of the window; None where there is none."""
        if not self.xs:
            return None
        space, beta = self.system.space, self.method.beta
        along, *rows = point.extra
        weights = self._weights(np.stack(rows), along)
        if weights is None:
            return None
        gamma = space.from_host(weights)
        x = point.x - gamma @ space.xp.stack(self.xs)
        f = point.gradient - gamma @ space.xp.stack(self.fs)
        return self.system.evaluate(x - beta * f, self._measure(point))

    def _measure(self, old: Point) -> Measure:
        """Ask for the window's triangle with a new residual, in the same read."""

        def measure(residual: Array) -> list[Array]:
            xp = self.system.space.xp
            window = [*self.fs, residual - old.gradient][-self.memory :]
            q, r = xp.linalg.qr(xp.stack(window, axis=1))
            return [residual @ q, *(r[k, :] for k in range(r.shape[0]))]

        return measure

    def _weights(self, r: np.ndarray, along: np.ndarray) -> np.ndarray | None:
        """Solve the small least-squares problem, with columns of equal length."""
        sizes = np.linalg.norm(r, axis=0)
        if not (np.isfinite(r).all() and np.isfinite(along).all() and (sizes > 0.0).all()):
            return None
        gamma = np.linalg.lstsq(r / sizes, along, rcond=self.cut)[0]
        return gamma / sizes
