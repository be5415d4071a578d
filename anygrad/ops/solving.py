"""Systems of linear equations, inverses, determinants.

Derivatives are those of Giles (2008), "An extended collection of matrix derivative results".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.ops import shaping
from anygrad.ops.batching import lift, move
from anygrad.ops.matrices import adjoint, imaginary, matrix_function, turned
from anygrad.ops.row import Case, Family, Row, add_row


def _solve(xp: Any) -> Any:
    """The system a y = b; ``b`` is a matrix, its columns are right-hand sides."""

    def solve(a: Any, b: Any) -> Any:
        return xp.linalg.solve(*_of_one_rank(xp, a, b))

    return solve


def _of_one_rank(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Both with all leading axes: libraries broadcast less than the standard, or take vectors."""
    if a.shape[:-2] == b.shape[:-2]:
        return a, b
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (xp.broadcast_to(x, (*leading, *x.shape[-2:])) for x in (a, b))
    return a, b


def _solve_triangular(xp: Any) -> Any:
    """The same with one triangle of ``a``; the other is not read."""
    general = _solve(xp)

    def solve_triangular(a: Any, b: Any, *, lower: bool) -> Any:
        backend = backend_of(a)
        if backend is not None and backend.solve_triangular is not None:
            y = backend.solve_triangular(*_of_one_rank(xp, a, b), lower)
            if y is not None:
                return y
        return general(xp.tril(a) if lower else xp.triu(a), b)

    return solve_triangular


def _what_is_read(xp: Any, a: Any, kw: dict[str, Any]) -> Any:
    if not kw:
        return a
    return xp.tril(a, k=0) if kw["lower"] else xp.triu(a, k=0)


def _pull(row, xp, g, y, args, kw, wanted):
    """For y = a^-1 b: the cotangent of b solves the transposed system, that of a is -gb y^H."""
    a, b = args
    transposed = {"lower": not kw["lower"]} if kw else {}
    gb = getattr(xp, row.name)(adjoint(xp, a), g, **transposed)
    ga = None
    if wanted[0]:
        ga = shaping.unbroadcast(xp, -xp.matmul(gb, adjoint(xp, y)), a.shape)
        ga = _what_is_read(xp, ga, kw)
    return [ga, shaping.unbroadcast(xp, gb, b.shape) if wanted[1] else None]


def _push(row, xp, tangents, y, args, kw):
    ta, tb = tangents
    right = tb
    if ta is not None:
        moved = -xp.matmul(_what_is_read(xp, ta, kw), y)
        right = moved if tb is None else tb + moved
    return getattr(xp, row.name)(args[0], right, **kw)


def _batch(row, xp, values, mapped, size, kw):
    a, b = values
    solve = getattr(xp, row.name)
    if not mapped[0] and len(a.shape) == 2 and len(b.shape) == 3:  # all columns with one matrix
        n, columns = b.shape[1:]
        side_by_side = xp.reshape(move(xp, b, 0, 1), shape=(n, size * columns))
        y = xp.reshape(solve(a, side_by_side, **kw), shape=(n, size, columns))
        return move(xp, y, 1, 0)
    rank = max(len(a.shape) - mapped[0], len(b.shape) - mapped[1])
    whole = [lift(xp, x, rank) if m else x for x, m in zip(values, mapped, strict=True)]
    return solve(*whole, **kw)


SOLVING = Family("solving", _pull, _push, keeps="all")
add_row(
    Row(
        "solve",
        SOLVING,
        (None, None),
        _solve,
        cases=(
            Case(((3, 3), (3, 2))),
            Case(((2, 3, 3), (2, 3, 1))),
            Case(((2, 2, 2), (2, 2)), definite=True),
        ),
        batch=_batch,
    )
)
add_row(
    Row(
        "solve_triangular",
        SOLVING,
        (None, None),
        _solve_triangular,
        cases=(
            Case(((3, 3), (3, 2)), {"lower": True}, low=0.5),
            Case(((2, 3, 3), (3, 1)), {"lower": False}, low=0.5),
        ),
        batch=_batch,
    )
)

matrix_function(
    "inv",
    lambda xp, g, y, _x: -xp.matmul(adjoint(xp, y), xp.matmul(g, adjoint(xp, y))),
    lambda xp, t, y, _x: -xp.matmul(y, xp.matmul(t, y)),
    run=lambda xp: xp.linalg.inv,
    cases=[Case(((3, 3),)), Case(((2, 2, 2),))],
)


def _pull_pinv(xp: Any, g: Any, y: Any, x: Any, **_kw: Any) -> Any:
    yh, gh = adjoint(xp, y), adjoint(xp, g)
    left = xp.matmul(gh, xp.matmul(y, yh))
    right = xp.matmul(xp.matmul(yh, y), gh)
    outside = left - xp.matmul(x, xp.matmul(y, left)) + right - xp.matmul(xp.matmul(right, y), x)
    return outside - xp.matmul(yh, xp.matmul(g, yh))


def _push_pinv(xp: Any, t: Any, y: Any, x: Any, **_kw: Any) -> Any:
    """Golub and Pereyra (1973), "The differentiation of pseudo-inverses", for constant rank."""
    yh, th = adjoint(xp, y), adjoint(xp, t)
    left = xp.matmul(xp.matmul(y, yh), th)
    right = xp.matmul(th, xp.matmul(yh, y))
    outside = left - xp.matmul(xp.matmul(left, x), y) + right - xp.matmul(y, xp.matmul(x, right))
    return outside - xp.matmul(y, xp.matmul(t, y))


def _pinv(xp: Any) -> Any:
    def pinv(x: Any, *, rtol: Any) -> Any:
        return xp.linalg.pinv(x) if rtol is None else xp.linalg.pinv(x, rtol=rtol)

    return pinv


matrix_function(
    "pinv",
    _pull_pinv,
    _push_pinv,
    run=_pinv,
    cases=[
        Case(((4, 3),), {"rtol": None}),
        Case(((2, 2, 3),), {"rtol": 1e-10}),
        Case(((2, 2),), {"rtol": None}),
    ],
)


def _pull_slogdet(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """With z = tr(x^-1 t): the logarithm moves by Re z, a complex sign turns by i Im z."""
    factor = g[..., 1]
    if shaping.is_complex(y):
        turn = xp.imag(xp.conj(y[..., 0]) * g[..., 0])
        factor = xp.real(factor) + imaginary(xp, turn, y)
    return factor[..., None, None] * adjoint(xp, xp.inv(x))


def _push_slogdet(xp: Any, t: Any, y: Any, x: Any) -> Any:
    z = xp.sum(turned(xp, xp.inv(x)) * t, axis=(-2, -1), keepdims=False)
    if not shaping.is_complex(y):
        return xp.stack(z * 0.0, z, axis=-1)
    return xp.stack(
        y[..., 0] * imaginary(xp, xp.imag(z), z), xp.astype(xp.real(z), dtype=z.dtype), axis=-1
    )


def _slogdet(xp: Any) -> Any:
    """The sign and the logarithm, as two elements of one array."""

    def slogdet(x: Any) -> Any:
        sign, logarithm = xp.linalg.slogdet(x)
        return xp.stack((sign, xp.astype(logarithm, sign.dtype)), axis=-1)

    return slogdet


matrix_function(
    "slogdet",
    _pull_slogdet,
    _push_slogdet,
    run=_slogdet,
    cases=[Case(((3, 3),)), Case(((2, 2, 2),))],
)
