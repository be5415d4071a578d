"""Adam, the mean gradient over the root of its mean square, and its two next of kin."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import When, real_zeros, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adam", "adamw", "amsgrad"]

WORDS: dict[str, Any] = {
    "eps_place": ("outside", "inside", "hat"),
    "amsgrad_of": ("raw", "corrected"),
}
SLOTS = {"m": zeros, "v": real_zeros, "v_max": When("amsgrad", real_zeros)}


@decayed
def adam_formula(
    xp: Namespace,
    g: Array,
    m: Array,
    v: Array,
    v_max: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    eps_place: str,
    bias_correction_mu: bool,
    bias_correction_nu: bool,
    nesterov: bool,
    amsgrad: bool,
    amsgrad_of: str,
) -> tuple[Array, Array, Array, Array]:
    """Kingma and Ba, algorithm 1; ``v_max`` of Reddi, Kale and Kumar, algorithm 2."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    m_hat = correct_mean(m, g, b1, t, nesterov, bias_correction_mu)
    c2 = 1 - b2**t if bias_correction_nu else 1.0
    if not amsgrad:
        v_hat = v / c2
    elif amsgrad_of == "raw":
        v_max = xp.maximum(v_max, v)
        v_hat = v_max / c2
    else:
        v_hat = v_max = xp.maximum(v_max, v / c2)
    return -learning_rate * m_hat / root(xp, v_hat, c2, eps, eps_root, eps_place), m, v, v_max


def correct_mean(
    m: Array, g: Array, b1: Any, t: int, nesterov: bool, bias_correction: bool = True
) -> Array:
    """Correct the bias of a mean; Nesterov's is the next step's, with ``g`` again in its place."""
    c1 = 1 - b1**t if bias_correction else 1.0
    if not nesterov:
        return m / c1
    return b1 * m / (1 - b1 ** (t + 1) if bias_correction else 1.0) + (1 - b1) * g / c1


def root(xp: Namespace, v_hat: Array, c2: float, eps: Any, eps_root: Any, eps_place: str) -> Array:
    """Take the root to divide by, with ``eps`` where each library has it."""
    if eps_place == "inside":
        return xp.sqrt(v_hat + (eps_root + eps))
    r = xp.sqrt(v_hat + eps_root) if eps_root else xp.sqrt(v_hat)
    return r + (eps / c2**0.5 if eps_place == "hat" else eps)


@built_on(adam_formula, SLOTS, torch={}, optax={"learning_rate": None}, allowed=WORDS)
def adam(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    eps_place: str = "outside",
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
    nesterov: bool = False,
    amsgrad: bool = False,
    amsgrad_of: str = "raw",
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adam: step by the mean gradient over the root of its mean square.

    ``m = b1 * m + (1 - b1) * g`` and ``v = b2 * v + (1 - b2) * |g|^2``, both divided by ``1 -
    b**t`` (in double precision, whatever the dtype), then
    ``p -= learning_rate * m_hat / (sqrt(v_hat + eps_root) + eps)``: ``eps`` stands outside the root
    and after the bias correction, as in the paper, PyTorch and optax (Keras differs).

    Parameters
    ----------
    eps_place : {"outside", "inside", "hat"}
        Whether ``eps`` is added to the root, under it, or to the root before the bias correction:
        the paper's epsilon hat, as in Keras.
    bias_correction_mu, bias_correction_nu : bool, default True
        Whether the mean gradient, and the mean square, are corrected.
    nesterov : bool, default False
        Look ahead as in optax: the mean of the next step with this gradient in its place.
    amsgrad : bool, default False
        Divide by the largest mean square so far, `amsgrad`.
    amsgrad_of : {"raw", "corrected"}
        Take the largest of the mean squares before the bias correction (PyTorch, Keras) or after it
        (optax).
    weight_decay : float or schedule, default 0
        Coupled: ``weight_decay * p`` is added to the gradient and so passes through both means.
        `adamw` has the decoupled form, which most users want.
    compat : {None, "torch", "optax"}
        Take the defaults of this peer; both have this formula. (PyTorch treats the real and
        imaginary parts of complex parameters as two numbers; here they share one ``|g|^2``.)

    References
    ----------
    Kingma, Ba (2015), Adam: a method for stochastic optimization, algorithm 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.adam(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    ...


@built_on(
    adam_formula,
    SLOTS,
    torch={},
    optax={"learning_rate": None, "weight_decay": 1e-4, "amsgrad_of": "corrected"},
    fixed={"decoupled_weight_decay": True},
    allowed=WORDS,
)
def adamw(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    eps_place: str = "outside",
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
    nesterov: bool = False,
    amsgrad: bool = False,
    amsgrad_of: str = "raw",
    weight_decay: Hyperparameter = 1e-2,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adam with decoupled weight decay.

    The step of `adam`, and beside it ``p -= learning_rate * weight_decay * p``: the decay is
    multiplied by the learning rate (and follows its schedule), but does not pass through the means.

    Parameters
    ----------
    eps_place, bias_correction_mu, bias_correction_nu, nesterov, amsgrad, amsgrad_of : switches
        As in `adam`.
    weight_decay : float or schedule, default 0.01
        >= 0. PyTorch's default is the same, optax's is 1e-4.

    References
    ----------
    Loshchilov, Hutter (2019), Decoupled weight decay regularization, algorithm 2; the learning rate
    stands for both its step size and its schedule multiplier, as in PyTorch.

    Examples
    --------
    >>> optimizer = ag.optimizers.adamw(0.1, weight_decay=0.5)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 0 * params, optimizer.init(params))
    >>> params
    array([ 0.95, -1.9 ])
    """
    ...


@built_on(
    adam_formula,
    SLOTS,
    torch={},
    optax={"learning_rate": None, "amsgrad_of": "corrected"},
    fixed={"amsgrad": True},
    allowed=WORDS,
)
def amsgrad(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    eps_place: str = "outside",
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
    nesterov: bool = False,
    amsgrad_of: str = "raw",
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """AMSGrad: Adam that divides by the largest mean square so far.

    As `adam`, with ``v_max = max(v_max, v)`` in the place of ``v``, so that the step size of a
    parameter never grows.

    Parameters
    ----------
    eps_place, bias_correction_mu, bias_correction_nu, nesterov, amsgrad_of : switches
        As in `adam`; the paper has no bias corrections.

    References
    ----------
    Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, algorithm 2, with the bias
    corrections of PyTorch.

    Examples
    --------
    >>> optimizer = ag.optimizers.amsgrad(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    ...
