"""RAdam: Adam that divides by the root only once its mean square can be trusted."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.families.moments import correct_mean, root
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.once import hosted_once
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import Range

__all__ = ["radam"]


@decayed
def radam_formula(
    xp: Namespace,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    eps_place: str,
    threshold: Any,
    nesterov: bool,
) -> tuple[Array, Array, Array]:
    """Liu et al., algorithm 2."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    m_hat = correct_mean(m, g, b1, t, nesterov)
    r = hosted_once(rectification, t, b2, threshold)
    if r == 0:
        return -learning_rate * m_hat, m, v
    c2 = 1 - b2**t
    return -(learning_rate * r) * m_hat / root(xp, v / c2, c2, eps, eps_root, eps_place), m, v


def rectification(t: int, b2: float, threshold: float) -> float:
    """Compute ``r`` of step ``t``; 0 while ``rho`` is not above the threshold."""
    rho_inf = 2 / (1 - b2) - 1
    rho = rho_inf - 2 * t * b2**t / (1 - b2**t)
    if rho <= threshold:
        return 0.0
    square = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    return square**0.5


@built_on(
    radam_formula,
    {"m": zeros, "v": real_zeros},
    torch={"eps_place": "hat"},
    optax={"learning_rate": None},
    allowed={"eps_place": ("outside", "inside", "hat"), "threshold": Range(4, open_high=True)},
)
def radam(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    eps_place: str = "outside",
    threshold: Hyperparameter = 5.0,
    nesterov: bool = False,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """RAdam: Adam without division in its first steps, then with steps that grow to Adam's.

    ``m`` and ``v`` as in `adam`. With ``rho_inf = 2 / (1 - b2) - 1`` and
    ``rho = rho_inf - 2 * t * b2**t / (1 - b2**t)``: while ``rho <= threshold``,
    ``p -= learning_rate * m_hat``; then ``p -= learning_rate * r * m_hat / (sqrt(v_hat + eps_root)
    + eps)``, where ``r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))``.

    Parameters
    ----------
    eps_place : {"outside", "inside", "hat"}
        As in `adam`: added to the root, under it, or to the root before the bias correction.
    threshold : float or schedule, default 5
        >= 4. With ``b2=0.999`` the first 5 steps do not divide. The paper has 4.
    nesterov : bool, default False
        Look ahead as in `adam`.
    compat : {None, "torch", "optax"}
        torch: ``eps`` is added before the bias correction. optax: no default learning rate.

    References
    ----------
    Liu et al. (2020), On the variance of the adaptive learning rate and beyond, algorithm 2, with
    ``eps`` (which the paper has not) and the threshold of the authors' code.

    Examples
    --------
    >>> optimizer = ag.optimizers.radam(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params
    array([ 0.8, -1.6])
    """
    ...
