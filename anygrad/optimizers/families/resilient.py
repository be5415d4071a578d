"""Rprop: a step size for each element, from the signs of its gradients alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.leaves import is_complex
from anygrad.optimizers.rules.pieces import decayed
from anygrad.optimizers.slots import zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import POSITIVE

__all__ = ["rprop"]


@decayed
def rprop_formula(
    xp: Namespace,
    g: Array,
    g_last: Array,
    size: Array,
    *,
    learning_rate: Any,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
) -> tuple[Array, Array, Array]:
    """Rprop- of Igel and Huesken; of complex numbers, both parts by themselves."""
    if not is_complex(g):
        return resilient(xp, g, g_last, size, etas, step_sizes)
    re, im = (
        resilient(xp, part(g), part(g_last), part(size), etas, step_sizes)
        for part in (xp.real, xp.imag)
    )
    u, g_last, size = (x + y * 1j for x, y in zip(re, im, strict=True))
    return u, g_last, size


def resilient(
    xp: Namespace,
    g: Array,
    g_last: Array,
    size: Array,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
) -> tuple[Array, Array, Array]:
    """Grow where the sign stays; where it turns, shrink, stand still, and forget it."""
    turned = xp.sign(g) * xp.sign(g_last)  # the product of the gradients themselves may vanish
    size = xp.where(turned > 0, etas[1] * size, xp.where(turned < 0, etas[0] * size, size))
    size = xp.minimum(xp.maximum(size, step_sizes[0]), step_sizes[1])
    # the array first: of an empty one, JAX forgets the device beside a number
    g = xp.where(~(turned < 0), g, 0.0)
    return -size * xp.sign(g), g, size


def start_size(xp: Namespace, p: Array, *, learning_rate: float, **_: Any) -> Array:
    """Start all step sizes at the learning rate, in both parts where ``p`` is complex."""
    return xp.full_like(p, learning_rate * (1 + 1j) if is_complex(p) else learning_rate)


def check_pairs(where: str, row: Mapping[str, Any]) -> None:
    """Refuse factors and limits in the wrong order."""
    down, up = row["etas"]
    if not down < 1.0 < up:
        message = f"{where}(etas): got {row['etas']}; expected a factor < 1, then one > 1."
        raise ArgumentError(message)
    low, high = row["step_sizes"]
    if not low <= high:
        message = (
            f"{where}(step_sizes): got {row['step_sizes']}; expected the smallest step size, then "
            "the largest."
        )
        raise ArgumentError(message)


@built_on(
    rprop_formula,
    {"g_last": zeros, "size": start_size},
    torch={},
    allowed={"etas": POSITIVE, "step_sizes": POSITIVE},
    check=check_pairs,
)
def rprop(
    learning_rate: Hyperparameter = 1e-2,
    *,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Rprop: a step size for each element that grows while the sign of its gradient stays.

    ``size`` is multiplied by ``etas[1]`` where the gradient has the sign of the last one and by
    ``etas[0]`` where it has turned, and kept within ``step_sizes``; then
    ``p -= size * sign(g)``. Where the sign has turned there is no step, and the next gradient
    counts as the first. For exact gradients: noise turns signs.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        >= 0. The size of the first step, read once: a schedule counts by its first value.
    etas : (float, float), default (0.5, 1.2)
        Factors for the step size, the first in (0, 1), the second > 1.
    step_sizes : (float, float), default (1e-06, 50)
        The smallest and the largest step size, > 0.
    compat : {None, "torch"}
        PyTorch has these defaults. optax.rprop 0.2.8 makes each step one too late, and is no peer.

    References
    ----------
    Riedmiller, Braun (1993), A direct adaptive method for faster backpropagation learning, without
    taking steps back where the sign turns: Rprop- with no step there, as in PyTorch, and iRprop- of
    Igel, Huesken (2000), Improving the Rprop learning algorithm. Complex numbers as in PyTorch:
    real and imaginary parts have step sizes of their own.

    Examples
    --------
    >>> optimizer = ag.optimizers.rprop(0.1)
    >>> params = np.asarray([1.0])
    >>> state = optimizer.init(params)
    >>> for g in (2.0, 3.0, -1.0):  # steps -0.1, -0.12 and none
    ...     params, state = optimizer.step(params, np.asarray([g]), state)
    >>> params.round(6)
    array([0.78])
    """
    ...
