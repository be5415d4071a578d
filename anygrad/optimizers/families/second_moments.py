"""Adam with another measure of size to divide by: Adamax, AdaBelief and Yogi."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.families.adaptive import start_accumulator
from anygrad.optimizers.families.moments import correct_mean
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import real_zeros, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adabelief", "adamax", "yogi"]


@decayed
def adamax_formula(
    xp: Namespace,
    g: Array,
    m: Array,
    u: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_place: str,
) -> tuple[Array, Array, Array]:
    """Kingma and Ba, algorithm 2."""
    m = b1 * m + (1 - b1) * g
    size = xp.abs(g)
    u = xp.maximum(b2 * u, size + eps if eps_place == "maximum" else size)
    return -(learning_rate / (1 - b1**t)) * m / (u + eps if eps_place == "outside" else u), m, u


@decayed
def adabelief_formula(
    xp: Namespace,
    g: Array,
    m: Array,
    s: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    nesterov: bool,
) -> tuple[Array, Array, Array]:
    """Zhuang et al., algorithm 2."""
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * abs2(xp, g - m) + eps_root
    m_hat = correct_mean(m, g, b1, t, nesterov)
    return -learning_rate * m_hat / (xp.sqrt(s / (1 - b2**t)) + eps), m, s


@decayed
def yogi_formula(
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
    bias_correction_mu: bool,
    bias_correction_nu: bool,
    initial_mean: float,
    initial_accumulator: float,
) -> tuple[Array, Array, Array]:
    """Zaheer et al., algorithm 2."""
    m = b1 * m + (1 - b1) * g
    square = abs2(xp, g)
    v = v - (1 - b2) * xp.sign(v - square) * square
    m_hat = correct_mean(m, g, b1, t, nesterov=False, bias_correction=bias_correction_mu)
    v_hat = v / (1 - b2**t) if bias_correction_nu else v
    return -learning_rate * m_hat / (xp.sqrt(v_hat) + eps), m, v


def start_mean(xp: Namespace, p: Array, *, initial_mean: float, **_: Any) -> Array:
    """Start the mean gradient."""
    return xp.full_like(p, initial_mean)


@built_on(
    adamax_formula,
    {"m": zeros, "u": real_zeros},
    torch={},
    optax={"learning_rate": None},
    allowed={"eps_place": ("maximum", "outside")},
)
def adamax(
    learning_rate: Hyperparameter = 2e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_place: str = "maximum",
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adamax: Adam that divides by the largest recent gradient, not by a mean.

    ``m = b1 * m + (1 - b1) * g`` and ``u = max(b2 * u, |g| + eps)``, then
    ``p -= learning_rate / (1 - b1**t) * m / u``. ``u`` needs no bias correction.

    Parameters
    ----------
    b2 : float or schedule, default 0.999
        Decay of the largest gradient, in [0, 1).
    eps : float or schedule, default 1e-8
        >= 0.
    eps_place : {"maximum", "outside"}
        Whether ``eps`` is added to ``|g|`` within the maximum (PyTorch, optax), or to ``u`` when it
        divides (Keras). The paper has none: ``eps=0``.
    compat : {None, "torch", "optax"}
        torch: as ours. optax: no default learning rate; its adamaxw is
        ``decoupled_weight_decay=True, weight_decay=1e-4``.

    References
    ----------
    Kingma, Ba (2015), Adam: a method for stochastic optimization, algorithm 2.

    Examples
    --------
    >>> optimizer = ag.optimizers.adamax(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    ...


@built_on(adabelief_formula, {"m": zeros, "s": real_zeros}, optax={"learning_rate": None})
def adabelief(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-16,
    eps_root: Hyperparameter = 1e-16,
    nesterov: bool = False,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """AdaBelief: Adam that divides by how far gradients are from their mean.

    ``m`` as in `adam`, ``s = b2 * s + (1 - b2) * |g - m|^2 + eps_root``, both corrected for bias;
    ``p -= learning_rate * m_hat / (sqrt(s_hat) + eps)``. Where gradients agree, steps are long.

    Parameters
    ----------
    b2 : float or schedule, default 0.999
        Decay of the mean squared distance, in [0, 1).
    eps_root : float or schedule, default 1e-16
        >= 0. Added to ``s`` in each step, so that it accumulates, to ``eps_root / (1 - b2)``.
    nesterov : bool, default False
        Look ahead as in `adam`.

    References
    ----------
    Zhuang et al. (2020), AdaBelief optimizer: adapting stepsizes by the belief in observed
    gradients, algorithm 2, where ``eps`` and ``eps_root`` are one number.

    Examples
    --------
    >>> optimizer = ag.optimizers.adabelief(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.888889, -1.888889])
    """
    ...


@built_on(
    yogi_formula,
    {"m": start_mean, "v": start_accumulator},
    optax={"learning_rate": None, "initial_mean": 1e-6},
)
def yogi(
    learning_rate: Hyperparameter = 1e-2,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-3,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
    initial_mean: float = 0.0,
    initial_accumulator: float = 1e-6,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Yogi: Adam whose mean square moves by steps that do not depend on its size.

    ``m`` as in `adam`, and ``v -= (1 - b2) * sign(v - |g|^2) * |g|^2``; both are divided by
    ``1 - b**t``, then ``p -= learning_rate * m_hat / (sqrt(v_hat) + eps)``. ``v`` forgets a large
    gradient more slowly than in Adam.

    Parameters
    ----------
    eps : float or schedule, default 0.001
        >= 0, added to the root.
    bias_correction_mu, bias_correction_nu : bool, default True
        Whether ``m``, and ``v``, are corrected, as in optax; the paper corrects neither.
    initial_mean : float, default 0
        Start of ``m``. In optax 1e-6, which moves parameters that have no gradient.
    initial_accumulator : float, default 1e-6
        Start of ``v``, >= 0.

    References
    ----------
    Zaheer, Reddi, Sachan, Kale, Kumar (2018), Adaptive methods for nonconvex optimization,
    algorithm 2, with the bias corrections of optax.

    Examples
    --------
    >>> optimizer = ag.optimizers.yogi(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(3)
    array([ 0.9, -1.9])
    """
    ...
