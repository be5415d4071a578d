"""Arguments to try functions with: general ones, and particular ones where those say too little."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from anygrad.ops import ROWS, Row
from anygrad.tracing.protocols import ALIASES

A = np.array([[1.6, 0.3, 0.45], [0.2, 1.9, 0.35], [0.4, 0.25, 1.3]])
S = 0.5 * (A + A.T)
B = np.array([[0.7, 0.55, 0.15], [0.85, 0.6, 0.95], [0.5, 0.75, 0.65]])
V = np.array([0.31, 0.82, 0.47, 0.66, 0.93])
W = np.array([0.52, 0.24, 0.71, 0.38, 0.87])
RISING = np.array([0.1, 0.3, 0.45, 0.7, 0.9])


def general() -> Iterator[tuple[Any, ...]]:
    """From the plainest on; matrices are positive definite, with elements that all differ."""
    yield from ((A,), (S,), (V,), (0.6,), (A, B), (V, W), (B, V[:3]), (0.6, 0.4))
    yield from ((A, 1), (V, 1), ([A, B],), ([V, W],), (A, (1, 0)), (A, B, S), (V, W, 0.3))
    yield from ((A, 0, 1), (V, RISING, W), (A, np.array([0, 2])), (V, [0, 2, 2]))
    yield from ((_WHOLE,), (_WHOLE, _WHOLE[::-1]))


def choices(name: str) -> Iterator[tuple[Any, ...]]:
    """The arguments to try a function of this name with."""
    if name in PARTICULAR:
        yield PARTICULAR[name]
        return
    row = ROWS.get(ALIASES.get(name, name))
    if row is not None and row.cases and row.family.name == "elementwise":
        yield from _in_range(row)
    yield from general()


def _in_range(row: Row) -> Iterator[tuple[Any, ...]]:
    case, count = row.cases[0], len(row.rules)
    width = case.high - case.low
    near = [case.low + width * (0.25 + 0.5 * V[:3] + 0.03 * k * (-1) ** k) for k in range(count)]
    first, last = case.orders
    orders = first + np.arange(3) % (last - first + 1)
    yield tuple(orders if row.refuses(k) else x for k, x in enumerate(near))
    yield tuple(near)
    for whole in range(1, count):
        yield (*(orders,) * whole, *near[whole:])


def scalars() -> Iterator[tuple[Any, ...]]:
    """For functions of numbers."""
    yield from ((0.6,), (1.6,), (0.6, 0.41), ([0.6, 0.4],), ([0.6, 0.4], [0.2, 0.5]), (0.6, 2))


def distributed(method: str) -> Iterator[tuple[Any, ...]]:
    """For a method of a distribution: values, and parameters that most of them take."""
    counts = np.array([0, 1, 1])
    of_counts = {"bernoulli": (counts, 0.3), "binom": (counts, 4, 0.3), "poisson": (counts, 2.5)}
    kind = method.partition(".")[0]
    if kind in of_counts:
        yield of_counts[kind]
    yield from ((V,), (V, 2.3), (V, 2.3, 3.1))


_ROWS = np.array([[0, 2, 1], [1, 1, 0]])
_WHOLE = np.array([3, 5, 6])

PARTICULAR: dict[str, tuple[Any, ...]] = {
    "apply_along_axis": (np.cumsum, 0, A),
    "apply_over_axes": (np.sum, A, [0]),
    "astype": (A, np.float64),
    "bincount": (np.array([0, 1, 1, 2, 0]), V),
    "broadcast_to": (A, (2, 3, 3)),
    "choose": (np.array([0, 1, 0, 1, 1]), [V, W]),
    "cho_solve": (np.tril(A), V[:3]),
    "circulant": (V,),
    "clip": (V, 0.4, 0.7),
    "companion": (V,),
    "compress": (V > 0.5, V),
    "digitize": (V, RISING),
    "divmod": (V, 0.3),
    "dsplit": (np.stack([A, B]), 3),
    "einsum": ("ij,jk->ik", A, B),
    "einsum_path": ("ij,jk->ik", A, B),
    "extract": (V > 0.5, V),
    "fmod": (V, 0.3),
    "frexp": (V,),
    "full_like": (A, 0.5),
    "hankel": (V, W),
    "histogram": (V, 3),
    "insert": (V, 2, 0.7),
    "linspace": (0.2, 0.9, 5),
    "matmul_toeplitz": (V, W),
    "nanpercentile": (V, 30.0),
    "nanquantile": (V, 0.3),
    "percentile": (V, 30.0),
    "piecewise": (V, [V > 0.5], [np.sin, np.cos]),
    "place": (V, V > 0.5, W),
    "polyfit": (RISING, V, 2),
    "polygamma": (np.array([1, 2, 3]), V[:3]),
    "put": (V, [0, 2], W[:2]),
    "put_along_axis": (A, _ROWS, B[:2], 0),
    "putmask": (V, V > 0.5, W),
    "quantile": (V, 0.3),
    "repeat": (V, 2),
    "reshape": (A, (9,)),
    "searchsorted": (RISING, V),
    "select": ([V > 0.7, V > 0.5], [V, W]),
    "solve_toeplitz": (V + np.array([3.0, 0.0, 0.0, 0.0, 0.0]), W),
    "squareform": (V[:3],),
    "take": (V, [0, 2, 2]),
    "take_along_axis": (A, _ROWS, 0),
    "toeplitz": (V, W),
    "where": (V > 0.5, V, W),
}
"""Arguments in the order of the function, by its name."""


def sparse(matrix: np.ndarray) -> Any:
    """A sparse matrix of SciPy's, which its solvers take."""
    return importlib.import_module("scipy.sparse").csc_array(matrix)


FORMS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "cho_factor": lambda f: lambda x: np.triu(f(x)[0]),  # the other half is left as it was
    "cho_solve": lambda f: lambda factor, b: f((factor, True), b),
    "spsolve": lambda f: lambda b: f(sparse(A), b),
    "spsolve_triangular": lambda f: lambda b: f(sparse(np.tril(A)), b),
}
"""Another form of a function, where its arguments or results are not only arrays."""
