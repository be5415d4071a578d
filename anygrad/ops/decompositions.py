"""Cholesky, QR, eigenvalue and singular value decompositions.

Sources: Giles (2008), "An extended collection of matrix derivative results"; Walter and Lehmann
(2010), "Algorithmic differentiation of linear algebra functions" for QR; Wan and Zhang (2019),
"Automatic differentiation for complex valued SVD"; Boeddeker et al. (2017), "On the computation of
complex-valued gradients" for eigenvectors that are not orthogonal.

Where eigenvalues or singular values coincide (up to rounding) their vectors have no derivative:
what is computed from those vectors gets NaN, what is not has its own. Eigenvectors of Hermitian
matrices, and singular vectors, are determined up to a sign or a phase, which the libraries choose;
the derivative is that of vectors which do not turn (Im v^H dv = 0), and right for all functions
that phases do not change.
"""

from __future__ import annotations

from typing import Any

from anygrad.ops.matrices import (
    adjoint,
    couplings,
    diagonal,
    differences,
    hermitian,
    imaginary,
    lower_half,
    matrix_function,
    needs,
    quotients,
    real_part,
    to_lower,
    turned,
)
from anygrad.ops.row import Case, Family, Row, add_row
from anygrad.ops.shaping import is_complex


def _pack(xp: Any, vectors: Any, values: Any, *more: Any) -> Any:
    """Vectors as columns, numbers that belong to them in a row below, and last a row of marks.

    The marks are 0. On the way back they tell whether vectors were used (`vectors`), which is not
    the same as a cotangent of 0: that of v log(w) v^H at the identity is 0 as well.
    """
    row = xp.astype(values, vectors.dtype)[..., None, :]
    return xp.concat((vectors, row, *more, xp.zeros_like(row)), axis=-2)


def _rows(xp: Any, y: Any, start: int, stop: int | None) -> Any:
    return xp.getitem(y, key=(..., slice(start, stop), slice(None)))


def _pull_vectors(row, xp, g, y, args, kw, wanted):
    key = (..., slice(kw["start"], kw["stop"]), slice(None))
    whole = xp.scatter(g, key=key, shape=args[0].shape)
    return [xp.setitem(whole, 1.0, key=(..., -1, slice(None)))]


def _push_vectors(row, xp, tangents, y, args, kw):
    return xp.vectors(tangents[0], **kw)


def _vectors(xp: Any) -> Any:
    def vectors(y: Any, *, start: int, stop: int) -> Any:
        return y[..., start:stop, :]

    return vectors


# The vectors of a decomposition; the rows from `start` to `stop` of it, whose use leaves a mark.
add_row(
    Row(
        "vectors",
        Family("vectors", _pull_vectors, _push_vectors, keeps="shapes"),
        (None,),
        _vectors,
        batch=lambda row, xp, values, mapped, size, kw: xp.vectors(*values, **kw),
    )
)


def _used(xp: Any, g: Any, *cotangents: Any) -> Any:
    """Which values have a part in a result that vectors were used for."""
    size = sum(xp.max(xp.abs(part), axis=-2, keepdims=False) for part in cotangents)
    marked = xp.not_equal(xp.abs(g[..., -1, :]), 0)
    return xp.logical_and(marked, xp.not_equal(size, 0))


# Cholesky: x = y y^H, where only the lower triangle of x is read.


def _pull_cholesky(xp: Any, g: Any, y: Any, _x: Any) -> Any:
    yh = adjoint(xp, y)
    half = lower_half(xp, xp.matmul(yh, g))
    left = xp.solve_triangular(yh, half, lower=False)
    return to_lower(xp, xp.solve_triangular(yh, adjoint(xp, left), lower=False))


def _push_cholesky(xp: Any, t: Any, y: Any, _x: Any) -> Any:
    left = xp.solve_triangular(y, hermitian(xp, t), lower=True)
    inner = xp.solve_triangular(y, adjoint(xp, left), lower=True)
    return xp.matmul(y, lower_half(xp, inner))


def _cholesky(xp: Any) -> Any:
    def cholesky(x: Any) -> Any:
        return xp.linalg.cholesky(hermitian(xp, x))

    return cholesky


matrix_function(
    "cholesky",
    _pull_cholesky,
    _push_cholesky,
    run=_cholesky,
    cases=[Case(((3, 3),), definite=True), Case(((2, 2, 2),), definite=True)],
)


# QR of matrices with at least as many rows as columns; the result is q, and r^T below it. LAPACK
# makes the diagonal of r real.


def _q_and_r(xp: Any, y: Any) -> tuple[Any, Any]:
    rows = y.shape[-2] - y.shape[-1]
    return _rows(xp, y, 0, rows), turned(xp, _rows(xp, y, rows, None))


def _divided(xp: Any, x: Any, r: Any) -> Any:
    """The product x r^-1."""
    return adjoint(xp, xp.solve_triangular(adjoint(xp, r), adjoint(xp, x), lower=True))


def _pull_qr(xp: Any, g: Any, y: Any, _x: Any) -> Any:
    q, r = _q_and_r(xp, y)
    gq, gr = _q_and_r(xp, g)
    along = xp.matmul(adjoint(xp, q), gq)
    right = xp.matmul(gr, adjoint(xp, r))
    skew = along - right
    inner = right - along + lower_half(xp, skew - adjoint(xp, skew))
    whole = adjoint(xp, gq + xp.matmul(q, inner))
    return adjoint(xp, xp.solve_triangular(r, whole, lower=False))


def _push_qr(xp: Any, t: Any, y: Any, _x: Any) -> Any:
    q, r = _q_and_r(xp, y)
    moved = _divided(xp, t, r)
    along = xp.matmul(adjoint(xp, q), moved)
    half = lower_half(xp, along)
    skew = half - adjoint(xp, half)
    tq = moved + xp.matmul(q, skew - along)
    tr = xp.matmul(along - skew, r)
    return xp.concat(tq, turned(xp, tr), axis=-2)


def _qr(xp: Any) -> Any:
    def qr(x: Any) -> Any:
        q, r = xp.linalg.qr(x, mode="reduced")
        return xp.concat((q, turned(xp, r)), axis=-2)

    return qr


matrix_function("qr", _pull_qr, _push_qr, run=_qr, cases=[Case(((4, 3),)), Case(((2, 2, 2),))])


# Hermitian matrices, of which the lower triangle is read: x v = v w. The result is v, and w below.


def _pull_eigh(xp: Any, g: Any, y: Any, _x: Any) -> Any:
    n = y.shape[-1]
    v, w = _rows(xp, y, 0, n), real_part(xp, y[..., n, :])
    gv, gw = _rows(xp, g, 0, n), real_part(xp, g[..., n, :])
    vh = adjoint(xp, v)
    used = _used(xp, g, gv, gw[..., None, :])
    inner = couplings(xp, w, used) * xp.matmul(vh, gv)
    return to_lower(xp, xp.matmul(xp.matmul(v, inner) + v * gw[..., None, :], vh))


def _push_eigh(xp: Any, t: Any, y: Any, _x: Any) -> Any:
    n = y.shape[-1]
    v, w = _rows(xp, y, 0, n), real_part(xp, y[..., n, :])
    moved = xp.matmul(adjoint(xp, v), xp.matmul(hermitian(xp, t), v))
    tv = xp.matmul(v, couplings(xp, w) * moved)
    tw = real_part(xp, diagonal(xp, moved))
    tw = xp.astype(tw, dtype=tv.dtype)[..., None, :]
    return xp.concat(tv, tw, xp.zeros_like(tw), axis=-2)


def _eigh(xp: Any) -> Any:
    def eigh(x: Any) -> Any:
        w, v = xp.linalg.eigh(hermitian(xp, x))
        return _pack(xp, v, w)

    return eigh


matrix_function(
    "eigh", _pull_eigh, _push_eigh, run=_eigh, cases=[Case(((3, 3),)), Case(((2, 2, 2),))]
)


# Singular values: x = u s v^H, reduced. The result is u, s in a row, and v below.


def _u_s_v(xp: Any, y: Any, x: Any) -> tuple[Any, Any, Any]:
    m = x.shape[-2]
    return _rows(xp, y, 0, m), real_part(xp, y[..., m, :]), _rows(xp, y, m + 1, -1)


def _pair(xp: Any, s: Any, used: Any = None) -> tuple[Any, Any, Any]:
    """What couples two singular vectors, 1 / (s_j - s_i) and 1 / (s_j + s_i), and 1 / s.

    The first multiplies the Hermitian part of u^H dx v, the second the rest of it.
    """
    apart = couplings(xp, s, used)
    sums = s[..., None, :] + s[..., :, None]
    undefined = xp.where(xp.equal(apart, apart), 0.0, apart)  # NaN only where the first is
    nan = float("nan") if used is None else xp.where(used, float("nan"), 0.0 * s)
    return apart, quotients(xp, sums, s, undefined), quotients(xp, s, s, nan)


def _loose_pair(xp: Any, s: Any, used: Any = None) -> tuple[Any, Any, Any]:
    """The same with 0 for what is not defined: it cancels in u v^H and in the sum of s."""
    pairs, sums = differences(xp, s), s[..., None, :] + s[..., :, None]
    return quotients(xp, pairs, s), quotients(xp, sums, s), quotients(xp, s, s)


def _pull_svd(xp: Any, g: Any, y: Any, x: Any, pair: Any) -> Any:
    (u, s, v), (gu, gs, gv) = _u_s_v(xp, y, x), _u_s_v(xp, g, x)
    uh, vh = adjoint(xp, u), adjoint(xp, v)
    apart, together, over = pair(xp, s, _used(xp, g, gu, gv, gs[..., None, :]))
    left, right = xp.matmul(uh, gu), xp.matmul(vh, gv)
    even, odd = apart * (left + right), together * (left - right)
    inner = 0.5 * (even + adjoint(xp, even) + odd - adjoint(xp, odd))
    whole = xp.matmul(xp.matmul(u, inner) + u * gs[..., None, :], vh)
    over = over[..., None, :]
    m, n = x.shape[-2:]
    if m > n:
        whole = whole + xp.matmul((gu - xp.matmul(u, left)) * over, vh)
    if n > m:
        whole = whole + xp.matmul(u * over, adjoint(xp, gv - xp.matmul(v, right)))
    return whole


def _push_svd(xp: Any, t: Any, y: Any, x: Any, pair: Any) -> Any:
    u, s, v = _u_s_v(xp, y, x)
    apart, together, over = pair(xp, s)
    tv, thu = xp.matmul(t, v), xp.matmul(adjoint(xp, t), u)
    moved = xp.matmul(adjoint(xp, u), tv)
    back = adjoint(xp, moved)
    even, odd = apart * (0.5 * (moved + back)), together * (0.5 * (moved - back))
    du, dv = xp.matmul(u, even + odd), xp.matmul(v, even - odd)
    over = over[..., None, :]
    m, n = x.shape[-2:]
    if m > n:
        du = du + (tv - xp.matmul(u, moved)) * over
    if n > m:
        dv = dv + (thu - xp.matmul(v, back)) * over
    ds = real_part(xp, diagonal(xp, moved))
    ds = xp.astype(ds, dtype=du.dtype)[..., None, :]
    return xp.concat(du, ds, dv, xp.zeros_like(ds), axis=-2)


def _svd(xp: Any) -> Any:
    def svd(x: Any) -> Any:
        u, s, vh = xp.linalg.svd(x, full_matrices=False)
        return _pack(xp, u, s, adjoint(xp, vh))

    return svd


matrix_function(
    "svd",
    lambda xp, g, y, x: _pull_svd(xp, g, y, x, _pair),
    lambda xp, t, y, x: _push_svd(xp, t, y, x, _pair),
    run=_svd,
    cases=[Case(((3, 3),)), Case(((4, 2),)), Case(((2, 2, 3),))],
)
matrix_function(
    "svd_of_sums",
    lambda xp, g, y, x: _pull_svd(xp, g, y, x, _loose_pair),
    lambda xp, t, y, x: _push_svd(xp, t, y, x, _loose_pair),
    run=_svd,
    cases=[Case(((3, 3),))],
)


# Any square matrix: x v = v w, columns of length 1. The result is v, and w below. LAPACK turns each
# column so that its largest element is real, and the derivative keeps that.


def _largest(xp: Any, v: Any) -> Any:
    """A one for the largest element of each column; equal ones share it."""
    size = xp.abs(v)
    largest = xp.astype(xp.equal(size, xp.max(size, axis=-2, keepdims=True)), dtype=size.dtype)
    return largest / xp.sum(largest, axis=-2, keepdims=True)


def _pull_eig(xp: Any, g: Any, y: Any, _x: Any) -> Any:
    n = y.shape[-1]
    v, w, gv, gw = _rows(xp, y, 0, n), y[..., n, :], _rows(xp, g, 0, n), g[..., n, :]
    vh = adjoint(xp, v)
    stretch = (
        xp.sum(xp.conj(gv) * v, axis=-2, keepdims=True)
        if is_complex(v)
        else xp.sum(gv * v, axis=-2, keepdims=True)
    )
    gv = gv - real_part(xp, stretch) * v
    if is_complex(v):
        reached = _largest(xp, v)
        held = xp.where(xp.equal(reached, 0), 1.0, xp.conj(v))
        gv = gv + imaginary(xp, xp.imag(stretch), v) * (reached / held)
    coupled = couplings(xp, w, _used(xp, g, gv, gw[..., None, :]))
    coupled = xp.conj(coupled) if is_complex(w) else coupled
    inner = xp.matmul(coupled * xp.matmul(vh, gv), vh) + gw[..., :, None] * vh
    return xp.solve(vh, inner)


def _push_eig(xp: Any, t: Any, y: Any, _x: Any) -> Any:
    n = y.shape[-1]
    v, w = _rows(xp, y, 0, n), y[..., n, :]
    if t.dtype != v.dtype:
        t = xp.astype(t, dtype=v.dtype)
    moved = xp.solve(v, xp.matmul(t, v))
    tv = xp.matmul(v, couplings(xp, w) * moved)
    vc = xp.conj(v) if is_complex(v) else v
    along = real_part(xp, xp.sum(vc * tv, axis=-2, keepdims=True))
    if is_complex(v):
        reached = _largest(xp, v)
        held = xp.where(xp.equal(reached, 0), 1.0, v)
        turn = xp.imag(xp.sum(reached * tv / held, axis=-2, keepdims=True))
        along = along + imaginary(xp, turn, v)
    tw = diagonal(xp, moved)[..., None, :]
    return xp.concat(tv - along * v, tw, xp.zeros_like(tw), axis=-2)


def _eig(xp: Any) -> Any:
    eig = needs(xp, "eig")

    def call(x: Any) -> Any:
        w, v = eig(x)
        return _pack(xp, v, w)

    return call


matrix_function("eig", _pull_eig, _push_eig, run=_eig, cases=[Case(((3, 3),)), Case(((2, 2, 2),))])
