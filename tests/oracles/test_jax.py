"""Rows against JAX: value, reverse, forward and second derivatives, one shape per row."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.ops import ROWS
from tests.ops.sampling import DIFFERENTIABLE, directions, floating, function_of, operands
from tests.support import open_namespace

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy
special = pytest.importorskip("jax.scipy.special", reason="JAX is not installed")
pytestmark = pytest.mark.slow


def scattered(g, *, key, shape):
    return jnp.zeros(shape, g.dtype).at[key].add(g)


def untaken(g, *, indices, axis, shape):
    return jnp.zeros(shape, g.dtype).at[(slice(None),) * axis + (indices,)].add(g)


def mirrored(x):
    """The Hermitian matrix with the lower triangle of x."""
    half = 0.5 * (jnp.tril(x, -1) + jnp.tril(x))
    return half + half.mT.conj()


def eigenvectors(x):
    w, v = jnp.linalg.eigh(mirrored(x))
    w = w[..., None, :].astype(v.dtype)
    return jnp.concatenate([v, w, jnp.zeros_like(w)], axis=-2)


def singular_vectors(x):
    u, s, vh = jnp.linalg.svd(x, full_matrices=False)
    s = s[..., None, :].astype(u.dtype)
    return jnp.concatenate([u, s, vh.mT.conj(), jnp.zeros_like(s)], axis=-2)


def orthogonal(x):
    q, r = jnp.linalg.qr(x)
    return jnp.concatenate([q, r.mT], axis=-2)


def by_eigenvalues(f):
    """A function of a matrix with simple eigenvalues: JAX's own have no derivative."""

    def function(x, *, blocks):
        w, v = jax.lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
        return ((v * f(w)) @ jnp.linalg.inv(v)).real

    return function


def triangular(a, b, *, lower):
    return jax.scipy.linalg.solve_triangular(a, b, lower=lower)


# Rows whose arguments stand otherwise in JAX.
OTHERWISE = {
    "adjugate": lambda x: jnp.linalg.det(x) * jnp.linalg.inv(x),
    "astype": None,
    "cholesky": lambda x: jnp.linalg.cholesky(mirrored(x)),
    "det": jnp.linalg.det,
    "eigh": eigenvectors,
    "getitem": lambda x, *, key: x[key],
    "linear_map": lambda x, *, operator: operator.apply(x),
    "scatter": scattered,
    "setitem": lambda x, value, *, key: x.at[key].set(value),
    "untake": untaken,
    "psi": special.digamma,
    "fresnel_s": lambda x: special.fresnel(x)[0],
    "fresnel_c": lambda x: special.fresnel(x)[1],
    "sine_integral": lambda x: special.sici(x)[0],
    "cosine_integral": lambda x: special.sici(x)[1],
    "concat": lambda *xs, axis: jnp.concatenate(xs, axis=axis),
    "correlate_valid": lambda g, b: jnp.convolve(g, jnp.flip(b), mode="valid"),
    "expm": lambda x, *, blocks: jax.scipy.linalg.expm(x),
    "fftn": lambda x, *, axis, norm: jnp.fft.fftn(x, axes=axis, norm=norm),
    "ifftn": lambda x, *, axis, norm: jnp.fft.ifftn(x, axes=axis, norm=norm),
    "irfft": jnp.fft.irfft,
    "rfft": jnp.fft.rfft,
    "inv": jnp.linalg.inv,
    "logm": by_eigenvalues(jnp.log),
    "pinv": lambda x, *, rtol: jnp.linalg.pinv(x, rtol=rtol),
    "qr": orthogonal,
    "slogdet": lambda x: jnp.stack(jnp.linalg.slogdet(x), axis=-1),
    "solve": jnp.linalg.solve,
    "solve_triangular": triangular,
    "svd": singular_vectors,
    "svd_of_sums": singular_vectors,
    "sqrtm": by_eigenvalues(jnp.sqrt),
    "stack": lambda *xs, axis: jnp.stack(xs, axis=axis),
}
LEFT = {
    "astype": "no sample: the law tests take it apart",
    "vectors": "part of decompositions, which are compared",
    "nextafter": "JAX gives it no derivative",
    "exp1": "JAX fails on its second derivative",
    "expn": "JAX fails on its second derivative",
    "spence": "JAX gives NaN at some points",
    "eig": "the derivative of its vectors keeps another phase in JAX",
}
LEFT |= {
    row.name: "JAX has no such function"
    for row in DIFFERENTIABLE
    if row.special and row.name not in OTHERWISE and not hasattr(special, row.name)
}


@pytest.fixture(autouse=True)
def double_precision():
    open_namespace("jax")


def rows():
    return [row for row in DIFFERENTIABLE if row.name not in LEFT and row.cases]


def test_every_differentiable_row_is_compared_or_has_a_reason():
    assert {row.name for row in DIFFERENTIABLE} == {row.name for row in rows()} | set(LEFT)
    assert set(LEFT) <= set(ROWS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_row_agrees_with_jax(row):
    case = row.cases[0]
    args = operands(row, case)
    f, xs = function_of(row, case, args)
    operation = OTHERWISE.get(row.name) or getattr(special if row.special else jnp, row.name)
    places = floating(args, row)

    def theirs(*floating):
        whole = list(args)
        for k, x in zip(places, floating, strict=True):
            whole[k] = x
        return operation(*whole, **case.kw)

    vs = directions(xs)
    expected, expected_tangent = jax.jvp(theirs, tuple(map(jnp.asarray, xs)), tuple(vs))
    value, tangent = ag.jvp(f, tuple(xs), tuple(vs))
    close(value, expected)
    close(tangent, expected_tangent)
    u = np.cos(np.arange(np.size(expected), dtype=float)).reshape(np.shape(expected))
    u = u * (1.0 + 0.5j) if np.iscomplexobj(expected) else u

    def pulled(*xs):
        return ag.vjp(f, *xs)[1](u)

    def pulled_by_jax(*xs):
        """The adjoint: JAX gives the transpose, without conjugates."""
        return [g.conj() for g in jax.vjp(theirs, *xs)[1](jnp.asarray(u.conj()))]

    close_all(pulled(*xs), pulled_by_jax(*xs))

    second = ag.jvp(pulled, tuple(xs), tuple(vs))[1]
    close_all(second, jax.jvp(pulled_by_jax, tuple(map(jnp.asarray, xs)), tuple(vs))[1])


def close_all(mine, theirs):
    for a, b in zip(mine, theirs, strict=True):
        close(a, b)


def close(mine, theirs):
    assert np.shape(mine) == np.shape(theirs)
    scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12 * scale)
