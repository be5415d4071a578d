"""Adafactor: the mean square of a matrix kept as one number for each row and each column."""

from __future__ import annotations

import math
from typing import Any

from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.allowed import Count, Maybe
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.once import hosted_once
from anygrad.optimizers.rules.pieces import abs2, decayed, norm
from anygrad.optimizers.slots import When, real_full, real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE, POSITIVE, Range

__all__ = ["adafactor"]


@decayed
def adafactor_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    v_row: Array,
    v_col: Array,
    v: Array,
    m: Array,
    t: int,
    *,
    learning_rate: Any,
    relative_step: bool,
    beta2_decay: Any,
    decay_offset: Any,
    eps1: Any,
    eps2: Any,
    eps_place: str,
    d: Any,
    multiply_by_parameter_scale: bool,
    momentum: Any,
    factored: bool,
    min_dim_size_to_factor: int,
    factored_axes: str,
) -> tuple[Array, Array, Array, Array, Array]:
    """Shazeer and Stern, algorithms 4 and 5; in their letters ``w`` is 1 - beta2 hat."""
    w = hosted_once(counted_from, t, decay_offset) ** beta2_decay
    q = abs2(xp, g)
    eps1 = float(float_limits(xp, q.dtype).eps) if eps1 is None else eps1
    q, least = (q + eps1, 0.0) if eps_place == "squares" else (q, eps1)
    axes = axes_to_factor(p.shape, factored, min_dim_size_to_factor, factored_axes)
    if axes is None:
        v = (1 - w) * v + w * q
        u = g / at_least(xp, xp.sqrt(v), least)
    else:
        rows, columns = axes
        v_row = (1 - w) * v_row + w * xp.mean(q, axis=columns)
        v_col = (1 - w) * v_col + w * xp.mean(q, axis=rows)
        row, column = factors(xp, v_row, v_col, rows, columns, least)
        # one by one where nothing bounds the product of two small numbers, which could vanish
        u = g / xp.maximum(row * column, least) if least else g / row / column
    rho = hosted_once(relative, t, learning_rate) if relative_step else learning_rate
    alpha = rho * xp.maximum(rms(xp, p), eps2) if multiply_by_parameter_scale else rho
    u = u if d is None else u / xp.maximum(rms(xp, u) / d, 1.0)
    u = alpha * u
    if m is not None:
        u = m = momentum * m + (1 - momentum) * u
    return -u, v_row, v_col, v, m


def counted_from(t: int, offset: float) -> float:
    """Count the steps after the first ones, at least 1."""
    return max(t - offset, 1.0)


def relative(t: int, most: float) -> float:
    """Compute the rate that falls with the root of the step count."""
    return min(most, 1 / math.sqrt(t))


def factors(
    xp: Namespace, v_row: Array, v_col: Array, rows: int, columns: int, least: float
) -> tuple[Array, Array]:
    """Take the two arrays whose product is the root of the estimate, algorithm 2."""
    kept = rows - 1 if rows > columns else rows
    mean = xp.mean(v_row, axis=kept, keepdims=True)
    # roots before the quotient, which could vanish where a gradient is large and its row is zero
    row = xp.sqrt(v_row) / xp.sqrt(at_least(xp, mean, least))
    return xp.expand_dims(row, axis=columns), xp.expand_dims(xp.sqrt(v_col), axis=rows)


def at_least(xp: Namespace, x: Array, least: float) -> Array:
    """Raise what is less than a positive number."""
    return xp.maximum(x, least) if least else x


def rms(xp: Namespace, x: Array) -> Array:
    """Take the root of the mean square of one array."""
    return norm(xp, x) / math.sqrt(max(math.prod(x.shape), 1))


def axes_to_factor(
    shape: tuple[int, ...], factored: bool, min_dim_size_to_factor: int, factored_axes: str
) -> tuple[int, int] | None:
    """Choose the axes that stand for rows and columns; None for an array kept whole."""
    if not factored or len(shape) < 2:
        return None
    axes = sorted(range(len(shape)), key=shape.__getitem__) if factored_axes == "largest" else None
    rows, columns = axes[-2:] if axes else (len(shape) - 2, len(shape) - 1)
    large = min(shape[rows], shape[columns]) >= min_dim_size_to_factor
    return (rows, columns) if large else None


def _axes_of(p: Array, hyperparameters: dict[str, Any]) -> tuple[int, int] | None:
    names = ("factored", "min_dim_size_to_factor", "factored_axes")
    return axes_to_factor(p.shape, *(hyperparameters[name] for name in names))


def _start_without(xp: Namespace, p: Array, axis: int) -> Array:
    return real_full(xp, p, 0.0, (*p.shape[:axis], *p.shape[axis + 1 :]))


def start_rows(xp: Namespace, p: Array, **hyperparameters: Any) -> Array | None:
    """Start the mean squares of the rows."""
    axes = _axes_of(p, hyperparameters)
    return None if axes is None else _start_without(xp, p, axes[1])


def start_columns(xp: Namespace, p: Array, **hyperparameters: Any) -> Array | None:
    """Start the mean squares of the columns."""
    axes = _axes_of(p, hyperparameters)
    return None if axes is None else _start_without(xp, p, axes[0])


def start_whole(xp: Namespace, p: Array, **hyperparameters: Any) -> Array | None:
    """Start the mean squares of an array that is not factored."""
    return real_zeros(xp, p) if _axes_of(p, hyperparameters) is None else None


@built_on(
    adafactor_formula,
    {
        "v_row": start_rows,
        "v_col": start_columns,
        "v": start_whole,
        "m": When("momentum", zeros),
    },
    torch={
        "eps1": None,
        "eps_place": "estimate",
        "min_dim_size_to_factor": 1,
        "factored_axes": "last",
    },
    optax={"learning_rate": 1.0, "relative_step": False, "fixed_decay": True},
    fixed={"decoupled_weight_decay": True},
    allowed={
        "beta2_decay": Range(high=0, open_low=True),
        "eps1": Maybe(POSITIVE),
        "eps2": NOT_NEGATIVE,
        "eps_place": ("squares", "estimate"),
        "d": Maybe(POSITIVE),
        "min_dim_size_to_factor": Count(1),
        "factored_axes": ("largest", "last"),
    },
)
def adafactor(
    learning_rate: Hyperparameter = 1e-2,
    *,
    relative_step: bool = True,
    beta2_decay: Hyperparameter = -0.8,
    decay_offset: Hyperparameter = 0.0,
    eps1: Hyperparameter | None = 1e-30,
    eps2: Hyperparameter = 1e-3,
    eps_place: str = "squares",
    d: Hyperparameter | None = 1.0,
    multiply_by_parameter_scale: bool = True,
    momentum: Hyperparameter = 0.0,
    factored: bool = True,
    min_dim_size_to_factor: int = 128,
    factored_axes: str = "largest",
    weight_decay: Hyperparameter = 0.0,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adafactor: Adam with little memory, and steps in proportion to the parameters.

    The mean square ``v = (1 - w) * v + w * (|g|^2 + eps1)``, ``w = t**beta2_decay``, of a matrix is
    kept as the means of its rows and columns, ``v_row * v_col / mean(v_row)``, for other arrays
    whole; then ``u = g / sqrt(v)``, ``u /= max(1, rms(u) / d)``, and
    ``p -= min(learning_rate, 1 / sqrt(t)) * max(eps2, rms(p)) * u``.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        >= 0. With ``relative_step`` the largest rate. optax has no default, and then a rate of 1.
    relative_step : bool, default True
        Whether the rate falls like ``1 / sqrt(t)``; without, it is ``learning_rate``, as in optax.
    beta2_decay : float or schedule, default -0.8
        <= 0. How fast the mean gets long.
    decay_offset : float or schedule, default 0
        Steps that ``t`` is less in ``w``; up to there ``w`` is 1.
    eps1 : float, schedule or None, default 1e-30
        > 0, in units of squared gradients; None is the relative rounding error of the dtype.
    eps2 : float or schedule, default 0.001
        >= 0. Least size of a parameter array, as its root mean square.
    eps_place : {"squares", "estimate"}
        Add ``eps1`` to the squares, as in the paper and optax, or divide by no less than ``eps1``:
        the mean of the rows, and the root of the estimate, as in PyTorch.
    d : float, schedule or None, default 1
        > 0. Largest root mean square of a step before it is scaled; None for no limit.
    multiply_by_parameter_scale : bool, default True
        Whether steps are in proportion to the parameters.
    momentum : float or schedule, default 0
        In [0, 1]. Steps are averaged, ``momentum * m + (1 - momentum) * step``; 0 keeps no mean.
    factored : bool, default True
        Without, all arrays are kept whole.
    min_dim_size_to_factor : int, default 128
        >= 1. What has less than this in either axis is kept whole. PyTorch has 1.
    factored_axes : {"largest", "last"}
        Which two axes of an array with more are rows and columns: the two largest, as in optax, or
        the last two, as in PyTorch.

    References
    ----------
    Shazeer, Stern (2018), Adafactor: adaptive learning rates with sublinear memory cost, algorithms
    4 and 5 with the values of section 9; weight decay as in PyTorch.

    Examples
    --------
    >>> optimizer = ag.optimizers.adafactor(min_dim_size_to_factor=2)
    >>> params = {"w": np.ones((2, 3)), "b": np.ones(3)}
    >>> state = optimizer.init(params)
    >>> state["v_row"], state["v"]
    ({'w': array([0., 0.]), 'b': None}, {'w': None, 'b': array([0., 0., 0.])})
    >>> params, state = optimizer.step(params, params, state)
    >>> params["b"]
    array([0.99, 0.99, 0.99])
    """
    ...
