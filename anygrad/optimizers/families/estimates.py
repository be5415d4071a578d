"""Prodigy: Adam with a learning rate from an estimate of the distance to the solution."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.optimizers.rules.allowed import BELOW_ONE, Maybe
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import Shared, copy, real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import POSITIVE
from anygrad.trees.placing import move, on_device_of

__all__ = ["prodigy"]


@decayed
def prodigy_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    m: Array,
    v: Array,
    s: Array,
    d: Array,
    d_next: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    eps: Any,
    estim_lr0: Any,
    safeguard_warmup: bool,
    bias_correction: bool,
    weight_decay: Any,
) -> tuple[Array, Array, Array, Array]:
    """Mishchenko and Defazio, algorithm 4, from ``d`` on."""
    rate = d * relative_rate(t, learning_rate, b1, b2, bias_correction)
    m = b1 * m + (1 - b1) * (d * g)
    v = b2 * v + (1 - b2) * abs2(xp, d * g)
    s = decay_of_sums(b2, b3) * s + ((d if safeguard_warmup else rate) * (d / estim_lr0)) * g
    u = m / (xp.sqrt(v) + d_next * eps)
    return -rate * (u + weight_decay * p if weight_decay else u), m, v, s


def prodigy_reduction(
    xp: Namespace,
    g: Tree,
    p: Tree,
    p0: Tree,
    s: Tree,
    r: Array,
    d_next: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    estim_lr0: Any,
    estim_lr_coef: Any,
    safeguard_warmup: bool,
    bias_correction: bool,
) -> tuple[Array, Array, Array]:
    """Estimate the distance: ``d`` is that of this step, ``d_next`` that of the next."""
    d, b3 = d_next, decay_of_sums(b2, b3)
    rate = d * relative_rate(t, learning_rate, b1, b2, bias_correction)
    weight = (d if safeguard_warmup else rate) * (d / estim_lr0)

    def size(s: Array, g: Array) -> Array:
        with on_device_of(g):
            return xp.abs(b3 * s + move(weight, g) * g)

    def subtract(x: Array, y: Array) -> Array:
        with on_device_of(x):
            return x - y

    r = b3 * r + (d / estim_lr0) * rate * trees.dot(g, trees.map(subtract, p0, p))
    sizes = trees.map(size, s, g)
    total = trees.dot(sizes, trees.map(ones_like, sizes))
    moved = total > 0  # not while all gradients are 0
    found = estim_lr_coef * r / xp.where(moved, total, xp.ones_like(total))
    return d, r, xp.where(moved, xp.maximum(d, found), d)


def relative_rate(t: int, learning_rate: Any, b1: Any, b2: Any, bias_correction: bool) -> Any:
    """Learning rate in units of ``d``."""
    if not bias_correction:
        return learning_rate
    return learning_rate * ((1 - b2**t) ** 0.5 / (1 - b1**t))


def decay_of_sums(b2: Any, b3: Any) -> Any:
    """The decay ``b3``, or what it is by default."""
    return b2**0.5 if b3 is None else b3


def ones_like(x: Array) -> Array:
    """Make ones, to sum with."""
    with on_device_of(x):
        return namespace_of(x).ones_like(x)


def start_estimate(params: Tree, *, estim_lr0: float, **_: Any) -> float:
    """Start ``d``."""
    return estim_lr0


@built_on(
    prodigy_formula,
    {
        "p0": copy,
        "m": zeros,
        "v": real_zeros,
        "s": zeros,
        "d": Shared(start_estimate),
        "r": Shared(lambda params, **_: 0.0),
        "d_next": Shared(start_estimate),
    },
    optax={"bias_correction": True},
    reduction=prodigy_reduction,
    allowed={"b3": Maybe(BELOW_ONE), "estim_lr0": POSITIVE, "estim_lr_coef": POSITIVE},
)
def prodigy(
    learning_rate: Hyperparameter = 1.0,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    b3: Hyperparameter | None = None,
    eps: Hyperparameter = 1e-8,
    estim_lr0: float = 1e-6,
    estim_lr_coef: Hyperparameter = 1.0,
    safeguard_warmup: bool = False,
    bias_correction: bool = False,
    weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Prodigy: Adam whose learning rate grows to an estimate ``d`` of the distance to go.

    With sums over the whole tree, ``rate = learning_rate * d``,
    ``r = b3 * r + d * rate / estim_lr0 * <g, p0 - p>``,
    ``s = b3 * s + d * rate / estim_lr0 * g``, and the next ``d`` is
    ``max(d, estim_lr_coef * r / sum |s|)``. With the means ``m`` and ``v`` of ``d * g`` and
    ``|d * g|^2``, ``p -= rate * (m / (sqrt(v) + d_next * eps) + weight_decay * p)``.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; multiplies ``d``. As all that enters ``d``, the same for all groups.
    b3 : float, schedule or None
        Decay of ``r`` and ``s``, in [0, 1); None for ``sqrt(b2)``.
    eps : float or schedule, default 1e-08
        >= 0, added to the root times ``d``.
    estim_lr0 : float, default 1e-06
        Start of ``d``, > 0, well below the distance to go.
    estim_lr_coef : float or schedule, default 1
        > 0, multiplies the estimate.
    safeguard_warmup : bool, default False
        Leave the learning rate out of ``s``, for long warm-ups.
    bias_correction : bool, default False
        Multiply the rate by ``sqrt(1 - b2**t) / (1 - b1**t)``, as optax does.
    weight_decay : float or schedule, default 0
        >= 0. Decoupled: ``rate * weight_decay * p`` is subtracted from ``p``.
    compat : {None, "optax"}
        optax: with bias correction. (There gradients of 0 in the first step give NaN for ever.)

    References
    ----------
    Mishchenko, Defazio (2023), Prodigy: an expeditiously adaptive parameter-free learner, algorithm
    4, with the learning rate and the weight decay of the authors' code.

    Examples
    --------
    >>> optimizer = ag.optimizers.prodigy(estim_lr0=0.01, eps=0.0)
    >>> params = np.asarray([1.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(3):
    ...     params, state = optimizer.step(params, 2 * params, state)
    >>> params.round(4), round(float(state["d"]), 4)
    (array([0.8492]), 0.0156)
    """
    ...
