"""Distances between points, under the names of ``scipy.spatial.distance``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.errors import MissingRuleError, ShapeError
from anygrad.tracing.functions.arguments import as_own_arrays, root_at_rest
from anygrad.tracing.operations import TRACED


def _by_metric(where: str, metric: Any) -> Callable[[Any], Any]:
    measure = _METRICS.get(metric)
    if measure is None:
        known = ", ".join(_METRICS)
        message = (
            f"{where}(metric): got {metric!r}; rules exist for {known}. Write the distance with "
            "differences, x[:, None] - y[None]."
        )
        raise MissingRuleError(message)
    return measure


_METRICS: dict[Any, Callable[[Any], Any]] = {
    "euclidean": lambda d: root_at_rest(_summed(d * d), 0.5),
    "sqeuclidean": lambda d: _summed(d * d),
    "cityblock": lambda d: _summed(TRACED.abs(d)),
    "chebyshev": lambda d: TRACED.max(TRACED.abs(d), axis=-1, keepdims=False),
}
"""From differences to distances; at a distance of 0 the derivative is 0, a subgradient."""


def _summed(x: Any) -> Any:
    return TRACED.sum(x, axis=-1, keepdims=False)


def cdist(XA, XB, metric="euclidean", *, out=None, **kw):
    """Distances of every point of one set to every point of another."""
    _refuse("cdist", out, kw)
    a, b = as_own_arrays((XA, XB))
    return _by_metric("cdist", metric)(a[:, None, :] - b[None, :, :])


def pdist(X, metric="euclidean", *, out=None, **kw):
    """Distances of every two points of a set, in one vector."""
    _refuse("pdist", out, kw)
    (x,) = as_own_arrays((X,))
    rows, columns = np.triu_indices(x.shape[0], 1)
    return _by_metric("pdist", metric)(x[rows] - x[columns])


def squareform(X, force="no", checks=True):
    """The matrix of distances that a vector of them stands for, and back."""
    if force not in ("no", "tovector", "tomatrix"):
        message = f"squareform(force): got {force!r}; expected 'no', 'tovector' or 'tomatrix'."
        raise ShapeError(message)
    if len(X.shape) == 2:
        return X[np.triu_indices(X.shape[0], 1)]
    n = (1 + math.isqrt(1 + 8 * X.shape[0])) // 2
    if n * (n - 1) // 2 != X.shape[0]:
        message = f"squareform(X): got {X.shape[0]} distances; expected n (n - 1) / 2 of them."
        raise ShapeError(message)
    places = np.zeros((n, n), dtype=np.int64)
    places[np.triu_indices(n, 1)] = np.arange(1, X.shape[0] + 1)
    nothing = TRACED.zeros_like(X[:1]) if X.shape[0] else X
    return TRACED.concat(nothing, X, axis=0)[places + places.T]


def _refuse(where: str, out: Any, kw: dict[str, Any]) -> None:
    if out is not None or kw:
        name = "out" if out is not None else next(iter(kw))
        message = f"{where}({name}): no rule takes this keyword. Leave it out."
        raise MissingRuleError(message)


DISTANCES = {"cdist": cdist, "pdist": pdist, "squareform": squareform}
"""What ``scipy.spatial.distance`` has a rule for."""
