"""The clips of ``anygrad.clipping`` that look at each leaf by itself, as parts of a chain."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping import Measured, combine_norms
from anygrad.clipping.checking import Policy, check_floating, check_limit, check_order
from anygrad.clipping.measuring import measure_for_unit_norm, measure_leaves
from anygrad.clipping.nonfinite import finite_flags, raise_if_nonfinite
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import finite_of, scalar, start_finite
from anygrad.ranges import NOT_NEGATIVE, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["clip_by_block_rms", "clip_by_norm", "normalize_leaves"]


def clip_by_norm(
    max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> Transform:
    """Shrink the gradient of each leaf by itself to a norm of at most ``max_norm``.

    Parameters
    ----------
    max_norm : float
        Largest norm allowed, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `anygrad.clipping.clip_by_norm`; "skip" makes the leaf 0, and the step counts.

    Returns
    -------
    Transform
        `anygrad.clipping.clip_by_norm` as a part of a chain. State: ``norms`` before clipping,
        ``scales`` and ``finite``, of each leaf a 0-d array on the device, and ``norm``, the joint
        norm before clipping; `info` shows them.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_norm(2.0)
    >>> params = np.zeros(2)
    >>> clip.update(np.asarray([0.0, 8.0]), clip.init(params), params)[0]
    array([0., 2.])
    """
    max_norm = check_limit("clip_by_norm", max_norm, nonfinite)
    ord = check_order("clip_by_norm", ord)

    def measure_leaf(g: Array) -> Measured:
        return measure_leaves([g], max_norm, nonfinite, ord)

    described = f"{max_norm}, ord={ord}"
    return from_rule(
        LeafwiseRule("clip_by_norm", described, measure_leaf, nonfinite, ord), "clip_by_norm"
    )


def clip_by_block_rms(threshold: float, *, nonfinite: Policy = "propagate") -> Transform:
    """Shrink each leaf so that the root mean square of its elements is at most ``threshold``.

    Parameters
    ----------
    threshold : float
        Largest root mean square allowed, > 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_norm`.

    Returns
    -------
    Transform
        `anygrad.clipping.clip_by_block_rms` as a part of a chain. State: as that of `clip_by_norm`,
        with 2-norms.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_block_rms(2.0)
    >>> params = np.zeros(2)
    >>> clip.update(np.asarray([4.0, -4.0]), clip.init(params), params)[0]
    array([ 2., -2.])
    """
    name = "clip_by_block_rms"
    threshold = check_limit(name, threshold, nonfinite, "threshold")

    def measure_leaf(g: Array) -> Measured:
        return measure_leaves([g], threshold * math.sqrt(math.prod(g.shape)), nonfinite)

    rule = LeafwiseRule(name, f"{threshold}", measure_leaf, nonfinite, 2.0)
    return from_rule(rule, name)


def normalize_leaves(
    *, ord: float = 2.0, eps: float = 0.0, nonfinite: Policy = "propagate"
) -> Transform:
    """Divide the gradient of each leaf by its own norm.

    Parameters
    ----------
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    eps : float
        Added to the norm, >= 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_norm`.

    Returns
    -------
    Transform
        `anygrad.clipping.normalize_leaves` as a part of a chain. State: as that of `clip_by_norm`.

    Examples
    --------
    >>> directions = ag.optimizers.normalize_leaves()
    >>> params = [np.zeros(2), np.zeros(1)]
    >>> grads = [np.asarray([3.0, 4.0]), np.asarray([7.0])]
    >>> directions.update(grads, directions.init(params), params)[0]
    [array([0.6, 0.8]), array([1.])]
    """
    name = "normalize_leaves"
    check_limit(name, 1.0, nonfinite)
    ord, eps = check_order(name, ord), check_number(f"{name}(eps)", eps, NOT_NEGATIVE)

    def measure_leaf(g: Array) -> Measured:
        return measure_for_unit_norm([g], eps, nonfinite, ord)

    rule = LeafwiseRule(name, f"ord={ord}, eps={eps}", measure_leaf, nonfinite, ord)
    return from_rule(rule, name)


class LeafwiseRule:
    """Measures and scales each leaf.

    Attributes
    ----------
    measure_leaf : callable
        ``measure_leaf(g)``: the norm of one leaf, and its scale.
    nonfinite : str
        What happens to inf and nan.
    ord : float
        Order of the norms.
    """

    def __init__(
        self,
        name: str,
        described: str,
        measure_leaf: Callable[[Array], Measured],
        nonfinite: Policy,
        ord: float,
    ):
        self.measure_leaf = measure_leaf
        self.nonfinite = nonfinite
        self.ord = ord
        self._name, self._described = name, described

    def __repr__(self) -> str:
        return f"{self._name}({self._described}, nonfinite={self.nonfinite!r})"

    def init(self, params: Tree) -> State:
        """Before the first step: norms 0, scales 1."""
        return {
            "norm": scalar(params, 0.0),
            "norms": trees.map(lambda p: scalar(p, 0.0), params),
            "scales": trees.map(lambda p: scalar(p, 1.0), params),
            "finite": trees.map(start_finite, params),
        }

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure each leaf, and scale it."""
        grads = flow.settle()
        found, treedef = check_floating(f"{self._name}(grads)", grads)
        if self.nonfinite == "raise":
            raise_if_nonfinite(self._name, grads, finite_flags(found))
        measured = [self.measure_leaf(g) for g in found]
        norms = [_norm_of(m) for m in measured]
        state = {
            "norm": combine_norms(norms, ord=self.ord),
            "norms": trees.unflatten(treedef, norms),
            "scales": trees.unflatten(treedef, [m.factor for m in measured]),
            "finite": trees.unflatten(treedef, [finite_of(m)[0] for m in measured]),
        }
        updates = trees.unflatten(treedef, [m.settle()[0] for m in measured])
        return Flow(updates, None, flow.accept), state


def _norm_of(measured: Measured) -> Array:
    with on_device_of(measured.norm):
        return namespace_of(measured.norm).asarray(measured.norm)
