"""Gradient descent without a learning rate to choose: DoG and DoWG, by the distance from the start.

The norms are over the whole tree. Sums of squares are kept as their roots, which do not overflow.
"""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import decayed
from anygrad.optimizers.slots import Shared, copy
from anygrad.optimizers.transform import Transform
from anygrad.ranges import POSITIVE, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["dog", "dowg"]

KINDS = ("heuristic", "distance", "learning_rate")
COUPLED = {"decoupled_weight_decay": False, "fixed_decay": False}


@decayed
def descent_formula(xp: Namespace, g: Array, eta: Array, *, learning_rate: Any) -> Array:
    """Descend by ``eta``."""
    return -(learning_rate * eta) * g


def dog_reduction(
    xp: Namespace,
    g: Tree,
    p: Tree,
    p0: Tree,
    r: Array,
    n: Array,
    *,
    init_step: tuple[str, float],
    eps: Any,
) -> tuple[Array, Array, Array]:
    """Ivgi, Hinder, Carmon, equation DoG; ``n`` is the root of the sum of squared norms."""
    r = xp.maximum(r, distance(p, p0))
    n = trees.norm([n, trees.norm(g)])
    eta = r / trees.norm([n, eps**0.5 + 0.0 * n])
    kind, value = init_step
    if kind == "learning_rate":  # until the first step that moves
        eta = xp.where(r == 0.0, xp.full_like(r, value), eta)
    return r, n, eta


def dowg_reduction(
    xp: Namespace,
    g: Tree,
    p: Tree,
    p0: Tree,
    r: Array,
    n: Array,
    *,
    init_estim_sq_dist: float,
    eps: Any,
) -> tuple[Array, Array, Array]:
    """Khaled, Mishchenko, Jin, algorithm 1; ``n`` is the root of their v."""
    r = xp.maximum(r, distance(p, p0))
    n = trees.norm([n, r * trees.norm(g)])
    return r, n, r * (r / (n + eps))


def distance(a: Tree, b: Tree) -> Array:
    """Take the 2-norm of ``a - b`` over all leaves."""

    def subtract(x: Array, y: Array) -> Array:
        with on_device_of(x):
            return x - y

    return trees.norm(trees.map(subtract, a, b))


def first_distance(params: Tree, *, init_step: tuple[str, float], **_: Any) -> Any:
    """Start the distance."""
    kind, value = init_step
    if kind == "heuristic":
        return value * (1 + trees.norm(params))
    return value if kind == "distance" else 0.0


def check_first_step(place: str, value: Any) -> tuple[str, float]:
    """Check the pair ``init_step``."""
    pair = value if isinstance(value, (tuple, list)) and len(value) == 2 else (None, None)
    if pair[0] in KINDS:
        return pair[0], check_number(place, pair[1], POSITIVE)
    listed = ", ".join(map(repr, KINDS))
    message = f"{place}: got {value!r}; expected a pair of one of {listed}, and {POSITIVE}."
    raise ArgumentError(message)


def nothing(params: Tree, **_: Any) -> float:
    """Start at 0."""
    return 0.0


@built_on(
    descent_formula,
    {"p0": copy, "r": Shared(first_distance), "n": Shared(nothing), "eta": Shared(nothing)},
    optax={},
    reduction=dog_reduction,
    fixed=COUPLED,
    allowed={"init_step": check_first_step},
)
def dog(
    learning_rate: Hyperparameter = 1.0,
    *,
    init_step: tuple[str, float] = ("heuristic", 1e-6),
    eps: Hyperparameter = 1e-8,
    weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """DoG: the step size is the distance from the start over the root of all squared gradients.

    With norms over the whole tree, ``r = max(r, |p - p0|)``, ``n^2 += |g|^2``,
    ``eta = r / sqrt(n^2 + eps)`` and ``p -= learning_rate * eta * g``. The authors recommend to use
    an average of the parameters at the end.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; multiplies ``eta``.
    init_step : (str, float), default ("heuristic", 1e-06)
        How ``r`` starts, with a number > 0: "distance", at the number; "heuristic", at the number
        times ``1 + |p0|`` (1e-4 for networks with batch normalization); or "learning_rate", at 0,
        and the number is ``eta`` until a step has moved. The same for all groups.
    eps : float or schedule, default 1e-08
        >= 0, added under the root; the same for all groups.
    compat : {None, "optax"}
        optax has this formula and these defaults.

    References
    ----------
    Ivgi, Hinder, Carmon (2023), DoG is SGD's best friend: a parameter-free dynamic step size
    schedule, equation DoG.

    Examples
    --------
    >>> optimizer = ag.optimizers.dog(init_step=("distance", 0.5), eps=0.0)
    >>> params = {"a": np.asarray([3.0]), "b": np.asarray([4.0])}
    >>> params, state = optimizer.step(params, params, optimizer.init(params))
    >>> params["b"].round(6), round(float(state["eta"]), 6)  # 0.5 / |g|
    (array([3.6]), 0.1)
    """
    ...


@built_on(
    descent_formula,
    {
        "p0": copy,
        "r": Shared(lambda params, init_estim_sq_dist, **_: init_estim_sq_dist**0.5),
        "n": Shared(nothing),
        "eta": Shared(nothing),
    },
    optax={},
    reduction=dowg_reduction,
    fixed=COUPLED,
    allowed={"init_estim_sq_dist": POSITIVE},
)
def dowg(
    learning_rate: Hyperparameter = 1.0,
    *,
    init_estim_sq_dist: float = 1e-4,
    eps: Hyperparameter = 1e-4,
    weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """DoWG: DoG with each gradient weighed by the distance at its time.

    With norms over the whole tree, ``r = max(r, |p - p0|)``, ``n^2 += r^2 * |g|^2``,
    ``eta = r^2 / (n + eps)`` and ``p -= learning_rate * eta * g``.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; multiplies ``eta``.
    init_estim_sq_dist : float, default 0.0001
        Start of ``r^2``, > 0; the same for all groups.
    eps : float or schedule, default 0.0001
        >= 0, added to the root; the same for all groups.
    compat : {None, "optax"}
        optax has this formula. Its ``r^2`` starts at ``eps`` where nothing is given; pass both if
        you change ``eps``.

    References
    ----------
    Khaled, Mishchenko, Jin (2023), DoWG unleashed: an efficient universal parameter-free gradient
    descent method, algorithm 1, with ``eps`` as in optax.

    Examples
    --------
    >>> optimizer = ag.optimizers.dowg(init_estim_sq_dist=0.25, eps=0.0)
    >>> params = {"a": np.asarray([3.0]), "b": np.asarray([4.0])}
    >>> params, state = optimizer.step(params, params, optimizer.init(params))
    >>> params["b"].round(6), round(float(state["eta"]), 6)
    (array([3.6]), 0.1)
    """
    ...
