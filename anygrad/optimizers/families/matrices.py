"""Muon: steps of matrices with all singular values alike; what is no matrix goes to AdamW."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.families.moments import correct_mean
from anygrad.optimizers.families.orthogonalizing import (
    PRECONDITIONINGS,
    check_coefficients,
    matrix_shape,
    orthogonalize,
    polynomials,
    shape_factor,
)
from anygrad.optimizers.rules.allowed import BELOW_ONE, Count, Maybe
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.leaves import is_complex
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE, POSITIVE

__all__ = ["muon"]


@decayed
def muon_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    b: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    learning_rate: Any,
    momentum: Any,
    nesterov: bool,
    bias_correction: bool,
    ns_coefficients: Any,
    ns_steps: int,
    eps: Any,
    eps_place: str,
    preconditioning: str,
    adaptive: bool,
    adjust_learning_rate: str,
    consistent_rms: Any,
    weight_decay: Any,
    orthogonal: bool,
    higher_rank: str,
    adam_learning_rate: Any,
    adam_b1: Any,
    adam_b2: Any,
    adam_eps: Any,
    adam_eps_root: Any,
    adam_nesterov: bool,
    adam_weight_decay: Any,
) -> tuple[Array, Array, Array, Array]:
    """Jordan et al.; where there is no buffer ``b``, Loshchilov and Hutter, algorithm 2."""
    if b is None:
        m = adam_b1 * m + (1 - adam_b1) * g
        v = adam_b2 * v + (1 - adam_b2) * abs2(xp, g)
        m_hat = correct_mean(m, g, adam_b1, t, nesterov and adam_nesterov)
        root = xp.sqrt(v / (1 - adam_b2**t) + adam_eps_root)
        u = m_hat / (root + (eps if adam_eps is None else adam_eps))
        rate = learning_rate if adam_learning_rate is None else adam_learning_rate
        return -rate * (u + adam_weight_decay * p), b, m, v
    b = momentum * b + (1 - momentum) * g
    shape = matrix_shape(p.shape, orthogonal, higher_rank)
    u = xp.reshape(correct_mean(b, g, momentum, t, nesterov, bias_correction), shape)
    o = orthogonalize(xp, u, ns_coefficients, ns_steps, preconditioning, eps, eps_place)
    if adaptive:
        product = xp.real(xp.conj(u) * o) if is_complex(u) else u * o
        o = xp.sum(product, axis=(-2, -1), keepdims=True) * o
    k = shape_factor(shape[-2], shape[-1], adjust_learning_rate, consistent_rms)
    return -learning_rate * (k * xp.reshape(o, p.shape) + weight_decay * p), b, m, v


def start_where(start: Callable[..., Array], matrix: bool) -> Callable[..., Array | None]:
    """Start a slot of matrices only, or of what is none."""

    def begin(
        xp: Namespace, p: Array, *, orthogonal: bool, higher_rank: str, **hyperparameters: Any
    ) -> Array | None:
        fits = bool(matrix_shape(p.shape, orthogonal, higher_rank)) == matrix
        return start(xp, p) if fits else None

    return begin


def check_polynomials(where: str, row: Mapping[str, Any]) -> None:
    """Refuse another number of iterations than there are polynomials."""
    listed = polynomials(row["ns_coefficients"])
    if listed is None or len(listed) == row["ns_steps"]:
        return
    message = (
        f"{where}(ns_steps): got {row['ns_steps']} with {len(listed)} triples of ns_coefficients; "
        f"expected one triple for each step. Pass ns_steps={len(listed)}."
    )
    raise ArgumentError(message)


@built_on(
    muon_formula,
    {
        "b": start_where(zeros, matrix=True),
        "m": start_where(zeros, matrix=False),
        "v": start_where(real_zeros, matrix=False),
    },
    torch={"eps_place": "least", "adjust_learning_rate": "original"},
    optax={
        "learning_rate": None,
        "bias_correction": True,
        "eps": 1e-8,
        "adjust_learning_rate": "transposed",
        "weight_decay": 0.0,
        "adam_eps": None,
        "adam_nesterov": True,
    },
    allowed={
        "momentum": BELOW_ONE,
        "ns_coefficients": check_coefficients,
        "ns_steps": Count(1),
        "eps_place": ("added", "least"),
        "preconditioning": PRECONDITIONINGS,
        "adjust_learning_rate": ("match_rms_adamw", "original", "transposed"),
        "consistent_rms": Maybe(POSITIVE),
        "higher_rank": ("adamw", "keep_first", "keep_last", "stack"),
        "adam_learning_rate": Maybe(NOT_NEGATIVE),
        "adam_b1": BELOW_ONE,
        "adam_b2": BELOW_ONE,
        "adam_eps": Maybe(NOT_NEGATIVE),
        "adam_eps_root": NOT_NEGATIVE,
        "adam_weight_decay": NOT_NEGATIVE,
    },
    check=check_polynomials,
)
def muon(
    learning_rate: Hyperparameter = 1e-3,
    *,
    momentum: Hyperparameter = 0.95,
    nesterov: bool = True,
    bias_correction: bool = False,
    ns_coefficients: Any = (3.4445, -4.7750, 2.0315),
    ns_steps: int = 5,
    eps: Hyperparameter = 1e-7,
    eps_place: str = "added",
    preconditioning: str = "frobenius",
    adaptive: bool = False,
    adjust_learning_rate: str = "match_rms_adamw",
    consistent_rms: Hyperparameter | None = None,
    weight_decay: Hyperparameter = 0.1,
    orthogonal: bool = True,
    higher_rank: str = "adamw",
    adam_learning_rate: Hyperparameter | None = None,
    adam_b1: Hyperparameter = 0.9,
    adam_b2: Hyperparameter = 0.999,
    adam_eps: Hyperparameter | None = 1e-8,
    adam_eps_root: Hyperparameter = 0.0,
    adam_nesterov: bool = False,
    adam_weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Muon: matrices move by their mean gradient with all singular values made alike.

    For matrices ``b = momentum * b + (1 - momentum) * g``, then ``u = momentum * b +
    (1 - momentum) * g`` with ``nesterov``, else ``b``; ``o`` is near the orthogonal matrix closest
    to ``u`` (its singular values lie between about 0.7 and 1.2), and
    ``p -= learning_rate * (k * o + weight_decay * p)``, where ``k`` depends on the shape alone. All
    other leaves, vectors and single numbers, are left to `adamw`.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        >= 0. With the default ``k`` a step is as large as one of AdamW, so that one learning rate
        fits all leaves.
    momentum : float or schedule, default 0.95
        In [0, 1).
    nesterov : bool, default True
        Whether to look ahead.
    bias_correction : bool, default False
        Correct the mean gradient, as in optax.
    ns_coefficients : three floats, a list of them, or "dion"
        The odd polynomial of the Newton-Schulz iteration; or one for each iteration.
    ns_steps : int, default 5
        Iterations, >= 1. They are computed in the dtype of the parameter, or float32 if that is
        half.
    eps : float or schedule, default 1e-07
        >= 0, for the divisor of ``u``.
    eps_place : {"added", "least"}
        Whether ``eps`` is added to that divisor or the least it can be, as in PyTorch.
    preconditioning : {"frobenius", "spectral", "aol", "schatten"}
        What ``u`` is divided by: the norm of its elements, its largest singular value, or, without
        ``eps``, the root of the norm of ``u u'`` ("schatten") or of its row sums ("aol", which
        does not scale all rows alike, so that ``o`` is not quite the closest).
    adaptive : bool, default False
        Multiply ``o`` by its inner product with ``u``, so that steps shrink with the gradient.
    adjust_learning_rate : {"match_rms_adamw", "original", "transposed"}
        ``k``: ``0.2 * sqrt(max(rows, columns))``, ``sqrt(max(1, rows / columns))``, which is meant
        for weights of (outputs, inputs), or ``sqrt(max(1, columns / rows))``, for (inputs,
        outputs).
    consistent_rms : float, schedule or None, default None
        > 0. If given, ``k`` is ``consistent_rms * sqrt(max(rows, columns))``.
    weight_decay : float or schedule, default 0.1
        >= 0. Decoupled; for matrices.
    orthogonal : bool, default True
        False in a group leaves its matrices to AdamW, as is usual for embeddings and last layers:
        ``groups=[("embedding/*", dict(orthogonal=False))]``.
    higher_rank : {"adamw", "keep_first", "keep_last", "stack"}
        What is done with arrays of more than two axes: AdamW, one matrix whose rows are the first
        axis (convolutions in PyTorch) or whose columns are the last (in JAX), or a stack of
        matrices in the last two axes.
    adam_learning_rate : float, schedule or None, default None
        >= 0. Learning rate of AdamW; None for the same.
    adam_b1, adam_b2 : float or schedule, default 0.9 and 0.999
        Decays of AdamW, in [0, 1).
    adam_eps : float, schedule or None, default 1e-08
        >= 0, added to the root; None for ``eps``.
    adam_eps_root : float or schedule, default 0
        >= 0, added under the root.
    adam_nesterov : bool, default False
        Whether ``nesterov`` holds for AdamW, too.
    adam_weight_decay : float or schedule, default 0
        >= 0. Decay of AdamW.

    References
    ----------
    Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks. Liu et al.
    (2025), Muon is scalable for LLM training, for the default ``k`` and weight decay. "dion" is the
    table of Ahn et al. (2025); "aol" and "schatten" are optax's.

    Examples
    --------
    >>> optimizer = ag.optimizers.muon(0.1, ns_steps=10, weight_decay=0.0)
    >>> params = {"w": np.zeros((2, 2)), "b": np.zeros(2)}
    >>> grads = {"w": np.asarray([[3.0, 0.0], [0.0, -0.1]]), "b": np.asarray([1.0, -2.0])}
    >>> params, state = optimizer.step(params, grads, optimizer.init(params))
    >>> params["b"].round(3), np.sign(params["w"])
    (array([-0.1,  0.1]), array([[-1.,  0.],
           [ 0.,  1.]]))
    """
    ...
