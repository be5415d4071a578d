"""The linear model of residuals at a point, on the host: a triangular factor of the Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SHARP = 0.1
"""A step of the trust region may miss its radius by this part."""


@dataclass(frozen=True)
class Model:
    """min norm(R p + q) stands for min norm(J p + f): J = Q R, q = Q^T f, all in float64.

    Attributes
    ----------
    r : ndarray, shape (k, n)
        k = min(m, n).
    q : ndarray, shape (k,)
        The part of the residuals in the range of J.
    x : ndarray, shape (n,)
        The point.
    size : float
        norm(f).
    m : int
        Number of residuals.
    eps : float
        Rounding of the device's dtype, in which R was made.
    sides : pair of ndarrays or None
        Bounds of x.
    """

    r: np.ndarray
    q: np.ndarray
    x: np.ndarray
    size: float
    m: int
    eps: float
    sides: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, r, q, x, size, m, eps, sides) -> Model:
        """Put together what was read from the device."""
        q = np.asarray(q, dtype=np.float64)
        r = np.asarray(r, dtype=np.float64).reshape(q.size, -1)
        return cls(r, q, np.asarray(x, dtype=np.float64), float(size), m, eps, sides)

    @property
    def norms(self) -> np.ndarray:
        """Norms of the columns of J."""
        return np.sqrt(np.sum(self.r * self.r, axis=0))

    @property
    def gradient(self) -> np.ndarray:
        """J^T f."""
        return self.q @ self.r

    @property
    def wiggle(self) -> float:
        """What rounding of x and of the residuals does to the residuals."""
        return self.eps * (self.size + float(np.linalg.norm(self.norms * self.x)))

    @property
    def noise(self) -> float:
        """How much the cost changes where the residuals do by rounding of x and of themselves."""
        wiggle = self.wiggle
        return wiggle * (self.size + 0.5 * wiggle)

    def optimality(self) -> float:
        """The largest cosine between the residuals and a column of J, shortened by bounds."""
        norms, g = self.norms, self.gradient
        if not (np.all(np.isfinite(norms)) and np.all(np.isfinite(g))):
            return math.nan
        if self.size == 0.0 or not norms.size:
            return 0.0
        safe = np.where(norms > 0.0, norms, 1.0)
        # a step along one coordinate, in units in which its column has norm 1
        move = -g / safe**2
        if self.sides is not None:
            move = np.clip(self.x + move, *self.sides) - self.x
        return float(np.max(np.abs(move) * safe) / self.size)

    def free(self) -> np.ndarray:
        """Which variables may move: not those that the gradient presses against a bound."""
        g = self.gradient
        if self.sides is None:
            return np.ones(g.shape, dtype=bool)
        low, high = self.sides
        return ~(((self.x <= low) & (g > 0.0)) | ((self.x >= high) & (g < 0.0)))

    def predicted(self, p: np.ndarray) -> float:
        """How much the model says that a step lowers the cost."""
        ahead = self.r @ p
        return float(-(self.q @ ahead + 0.5 * ahead @ ahead))


@dataclass(frozen=True)
class Move:
    """A step that a model proposes.

    Attributes
    ----------
    p : ndarray, shape (n,)
        The step.
    length : float
        Its length in scaled variables.
    predicted : float
        How much the model lowers the cost.
    full : bool
        Whether the radius did not shorten it.
    """

    p: np.ndarray
    length: float
    predicted: float
    full: bool


Proposal = Callable[[Model, np.ndarray, float], Move]
"""From a model, the scale of each variable and a radius to a step."""


class Scaled:
    """R D^-1 on some of the columns, by its singular values."""

    def __init__(self, model: Model, scale: np.ndarray, free: np.ndarray, q: np.ndarray) -> None:
        self.scale, self.free = scale, free
        self.matrix = model.r[:, free] / scale[free]
        u, s, self.vt = np.linalg.svd(self.matrix, full_matrices=False)
        self.s, self.b = s, q @ u
        floor = model.eps * max(model.m, scale.size) * (s[0] if s.size else 0.0)
        self.kept = s > floor
        self.has_full_rank = bool(self.kept.sum() == free.sum())

    def solve(self, damping: float) -> np.ndarray:
        """Minimise norm(A p + q)^2 + damping norm(p)^2; the shortest p without damping."""
        s, kept = self.s, self.kept if damping == 0.0 else self.s > 0.0
        factor = np.where(kept, s, 0.0) / np.where(kept, s * s + damping, 1.0)
        return -(factor * self.b) @ self.vt

    def slope(self, damping: float, length: float) -> float:
        """Derivative of norm(p) by the damping."""
        kept = self.s > 0.0 if damping > 0.0 else self.kept
        s = np.where(kept, self.s, 1.0)
        stiff = s * s + damping
        terms = np.where(kept, (s * self.b / stiff) ** 2 / stiff, 0.0)  # in this order, in range
        return -float(np.sum(terms)) / length

    def damping_for(self, radius: float) -> float:
        """Find the damping that makes the step as long as the radius; 0 where it is short enough.

        References
        ----------
        Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory, algorithm 5.5.
        """
        length = float(np.linalg.norm(self.solve(0.0)))
        if length <= (1.0 + SHARP) * radius:
            return 0.0
        steepest = float(np.linalg.norm(self.s * self.b))
        high = steepest / radius
        low = 0.0
        if self.has_full_rank:
            low = (length - radius) / -self.slope(0.0, length)
        damping = max(low, 1e-3 * high)
        for _ in range(30):
            length = float(np.linalg.norm(self.solve(damping)))
            if abs(length - radius) <= SHARP * radius:
                break
            high = min(high, damping) if length < radius else high
            low = max(low, damping) if length > radius else low
            slope = self.slope(damping, length)
            if slope < 0.0:
                damping -= (length / radius) * (length - radius) / slope
            if not low < damping < high:
                damping = max(1e-3 * high, math.sqrt(low * high))
        return damping


def levenberg(model: Model, scale: np.ndarray, radius: float) -> Move:
    """The minimum of the model within a radius: the step of Levenberg and Marquardt.

    Where a step would leave the bounds, those variables go to their bound and the others are solved
    for again, with the same damping.
    """
    free = model.free()
    if not free.any():
        return Move(np.zeros(free.shape), 0.0, 0.0, True)
    inner = Scaled(model, scale, free, model.q)
    damping = inner.damping_for(radius)
    p = np.zeros(free.shape)
    p[free] = inner.solve(damping) / scale[free]
    if model.sides is not None:
        p = _inside(model, scale, free, p, damping)
    return Move(p, float(np.linalg.norm(scale * p)), model.predicted(p), damping == 0.0)


def _inside(
    model: Model, scale: np.ndarray, free: np.ndarray, p: np.ndarray, damping: float
) -> np.ndarray:
    assert model.sides is not None
    low, high = model.sides[0] - model.x, model.sides[1] - model.x
    free = free.copy()
    while True:
        out = free & ((p < low) | (p > high))
        if not out.any():
            return p
        p[out] = np.clip(p, low, high)[out]
        free &= ~out
        if not free.any():
            return p
        rest = model.q + model.r[:, ~free] @ p[~free]
        p[free] = Scaled(model, scale, free, rest).solve(damping) / scale[free]


def dogleg(model: Model, scale: np.ndarray, radius: float) -> Move:
    """The path from the steepest descent to the Gauss-Newton step, cut at the radius.

    References
    ----------
    Powell (1970), A hybrid method for nonlinear equations; Nocedal, Wright (2006), eq. 4.16.
    """
    inner = Scaled(model, scale, model.free(), model.q)
    newton = inner.solve(0.0)
    full = float(np.linalg.norm(newton)) <= radius
    step = newton if full else _bent(inner, model.q, newton, radius)
    p = step / scale
    return Move(p, float(np.linalg.norm(step)), model.predicted(p), full)


def _bent(inner: Scaled, q: np.ndarray, newton: np.ndarray, radius: float) -> np.ndarray:
    g = q @ inner.matrix
    ahead = inner.matrix @ g
    steep = float(np.linalg.norm(g))
    cauchy = -g * (steep / float(np.linalg.norm(ahead))) ** 2
    if float(np.linalg.norm(cauchy)) >= radius:
        return -g * (radius / steep)
    leg, near = (newton - cauchy) / radius, cauchy / radius  # products of these stay in range
    a, b = float(leg @ leg), float(near @ leg)
    c = float(near @ near) - 1.0
    root = math.sqrt(b * b - a * c)
    t = -c / (b + root) if b > 0.0 else (root - b) / a  # without cancellation
    return radius * (near + t * leg)
