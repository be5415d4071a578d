"""LSMR: least squares with a rectangular matrix that is known by its products."""

from __future__ import annotations

import math
from collections.abc import Callable

from anygrad.backends import namespace
from anygrad.backends.types import Array
from anygrad.linear.outcome import LinearSolution, read

__all__ = ["lsmr"]


def lsmr(
    matvec: Callable[[Array], Array],
    rmatvec: Callable[[Array], Array],
    b: Array,
    *,
    damp: float = 0.0,
    atol: float = 1e-10,
    btol: float = 1e-10,
    max_steps: int | None = None,
) -> LinearSolution:
    """Minimise norm(A x - b)^2 + damp^2 norm(x)^2 by products with A and its transpose.

    Where A has no full rank it finds the shortest solution. Two scalars are read from the device in
    each step, in one transfer; near the end of a system that has a solution, the length of x too.

    Parameters
    ----------
    matvec, rmatvec : callables
        ``matvec(v)`` gives A v of shape (m,), ``rmatvec(u)`` gives A^T u of shape (n,).
    b : array, shape (m,)
        Right side; real floating.
    damp : float
        Square root of the penalty, >= 0.
    atol : float
        Ends when norm(A^T r) <= atol norm(A) norm(r), r the residual of the damped system.
    btol : float
        Ends when norm(r) <= btol norm(b) + atol norm(A) norm(x), for systems that have a solution.
    max_steps : int, optional
        Bound on the steps; 4 max(m, n) without it, as rounding takes more than min(m, n).

    Returns
    -------
    LinearSolution
        With ``residual`` the norm of the residual of the damped system.

    References
    ----------
    Fong, Saunders (2011), LSMR: an iterative algorithm for sparse least-squares problems, algorithm
    LSMR and section 2.8 (stopping) with the damped recurrences of section 5.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.linear import lsmr
    >>> a, b = np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.asarray([1.0, 3.0, 5.0])
    >>> lsmr(lambda v: a @ v, lambda u: u @ a, b).x.round(9)
    array([1., 2.])
    """
    xp = namespace(b)
    beta = _norm(xp, b)
    u = _divided(xp, b, beta)
    v = rmatvec(u)
    alpha = _norm(xp, v)
    v = _divided(xp, v, alpha)
    a, b_norm = read(xp, alpha, beta)
    x, h, h_bar = xp.zeros_like(v), v, xp.zeros_like(v)
    limit = 4 * max(b.shape[0], v.shape[0]) if max_steps is None else max_steps
    if a * b_norm == 0.0:
        return LinearSolution(x, True, 0, b_norm, "x = 0 is a solution: A^T b is zero.")
    run = _Recurrence(a, b_norm, damp)
    for step in range(1, limit + 1):
        u = matvec(v) - alpha * u
        beta = _norm(xp, u)
        u = _divided(xp, u, beta)
        v = rmatvec(u) - beta * v
        alpha = _norm(xp, v)
        v = _divided(xp, v, alpha)
        back, ahead, forward = run.advance(*read(xp, alpha, beta))
        h_bar = h - back * h_bar
        x = x + ahead * h_bar
        h = v - forward * h
        x_norm = read(xp, _norm(xp, x))[0] if run.residual <= _near(run, btol, atol) else 0.0
        why = run.ends(atol, btol, x_norm)
        if why:
            return LinearSolution(x, run.is_finite, step, run.residual, why)
    message = f"{limit} steps were not enough."
    return LinearSolution(x, False, limit, run.residual, message)


def _norm(xp, x: Array) -> Array:
    return xp.sqrt(xp.sum(x * x))


def _divided(xp, x: Array, norm: Array) -> Array:
    """A vector of norm 1, or zeros where there is no direction left."""
    return x / xp.where(norm == 0, xp.ones_like(norm), norm)


def _near(run: _Recurrence, btol: float, atol: float) -> float:
    """Below this the length of x, which costs a transfer, may decide."""
    return 1e3 * (btol + atol) * run.b_norm


class _Recurrence:
    """The scalars of algorithm LSMR, in the letters of the paper, on the host."""

    def __init__(self, alpha: float, beta: float, damp: float) -> None:
        self.b_norm = beta
        self.damp = damp
        self.alpha_bar, self.zeta_bar = alpha, alpha * beta
        self.rho, self.rho_bar, self.c_bar, self.s_bar = 1.0, 1.0, 1.0, 0.0
        # the residual by the second QR factorisation of section 5
        self.beta_dd, self.beta_d, self.rho_d, self.tau_tilde = beta, 0.0, 1.0, 0.0
        self.theta_tilde, self.zeta, self.d = 0.0, 0.0, 0.0
        self.a_squared, self.residual = alpha * alpha, beta

    def advance(self, alpha: float, beta: float) -> tuple[float, float, float]:
        """Take in a step of the bidiagonalisation; the factors that update h_bar, x and h."""
        alpha_hat = math.hypot(self.alpha_bar, self.damp)
        c_hat, s_hat = self.alpha_bar / alpha_hat, self.damp / alpha_hat
        rho_old, rho_bar_old, zeta_old = self.rho, self.rho_bar, self.zeta
        self.rho = math.hypot(alpha_hat, beta)
        c, s = alpha_hat / self.rho, beta / self.rho
        theta, self.alpha_bar = s * alpha, c * alpha
        theta_bar, rho_temp = self.s_bar * self.rho, self.c_bar * self.rho
        self.rho_bar = math.hypot(rho_temp, theta)
        self.c_bar, self.s_bar = rho_temp / self.rho_bar, theta / self.rho_bar
        self.zeta = self.c_bar * self.zeta_bar
        self.zeta_bar = -self.s_bar * self.zeta_bar
        self._measure(c_hat, s_hat, c, s, theta_bar, rho_bar_old, zeta_old)
        self.a_squared += beta * beta + alpha * alpha
        back = theta_bar * self.rho / (rho_old * rho_bar_old)
        return back, self.zeta / (self.rho * self.rho_bar), theta / self.rho

    def _measure(
        self,
        c_hat: float,
        s_hat: float,
        c: float,
        s: float,
        theta_bar: float,
        rho_bar_old: float,
        zeta_old: float,
    ) -> None:
        beta_acute, beta_check = c_hat * self.beta_dd, -s_hat * self.beta_dd
        beta_hat, self.beta_dd = c * beta_acute, -s * beta_acute
        theta_tilde_old = self.theta_tilde
        rho_tilde = math.hypot(self.rho_d, theta_bar)
        c_tilde, s_tilde = self.rho_d / rho_tilde, theta_bar / rho_tilde
        self.theta_tilde, self.rho_d = s_tilde * self.rho_bar, c_tilde * self.rho_bar
        self.beta_d = -s_tilde * self.beta_d + c_tilde * beta_hat
        self.tau_tilde = (zeta_old - theta_tilde_old * self.tau_tilde) / rho_tilde
        tau_d = (self.zeta - self.theta_tilde * self.tau_tilde) / self.rho_d
        self.d += beta_check * beta_check
        self.residual = math.sqrt(self.d + (self.beta_d - tau_d) ** 2 + self.beta_dd**2)

    @property
    def is_finite(self) -> bool:
        """Whether the numbers stayed in range."""
        return math.isfinite(self.residual) and math.isfinite(self.zeta_bar)

    def ends(self, atol: float, btol: float, x_norm: float) -> str:
        """Say why the iteration is over; empty where it is not."""
        if not self.is_finite:
            return "A product with the matrix is not finite."
        a_norm = math.hypot(math.sqrt(self.a_squared), self.damp)
        if self.residual <= btol * self.b_norm + atol * a_norm * x_norm:
            return "The residual is small."
        if abs(self.zeta_bar) <= atol * a_norm * self.residual:
            return "The residual is orthogonal to the columns."
        return ""
