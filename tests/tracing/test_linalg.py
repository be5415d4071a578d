"""numpy.linalg and xp.linalg on traced arrays: values are NumPy's, derivatives the differences'."""

import math

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError, ShapeError
from tests.support import assert_close, difference

RNG = np.random.default_rng(7)
A = RNG.normal(size=(3, 3)) + 2.0 * np.eye(3)
B = RNG.normal(size=(3, 2))
T = RNG.normal(size=(2, 3, 3))
P = RNG.normal(size=(3, 3))
OTHER = np.diag([1.0, -2.5, 4.0]) + 0.4 * P
RISE = np.arange(1.0, 4.0)


def definite(x):
    """A positive definite matrix that depends on x."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1])


def symmetric(x):
    return x + np.conj(np.swapaxes(x, -1, -2))


def joined(parts):
    return np.concatenate([np.ravel(p) for p in parts])


# Each takes 3 x 3 matrices, or stacks of them where NumPy does.
STACKED = {
    "solve": lambda x: np.linalg.solve(x, B),
    "solve vector": lambda x: np.linalg.solve(x, RISE),
    "solve by plain": lambda x: np.linalg.solve(A, x),
    "solve both": lambda x: np.linalg.solve(x, x @ x + B[:, :1]),
    "inv": lambda x: np.linalg.inv(x),
    "det": lambda x: np.linalg.det(x),
    "slogdet": lambda x: np.linalg.slogdet(x).logabsdet * np.linalg.slogdet(x)[0],
    "cholesky": lambda x: np.linalg.cholesky(definite(x)),
    "cholesky upper": lambda x: np.linalg.cholesky(definite(x), upper=True),
    "qr": lambda x: np.linalg.qr(x).Q @ x + np.linalg.qr(x).R,
    "qr tall": lambda x: np.linalg.qr(x[..., :2])[0],
    "qr wide": lambda x: np.linalg.qr(x[..., :2, :])[1],
    "qr complete": lambda x: np.linalg.qr(x[..., :2, :], mode="complete").R,
    "qr r": lambda x: np.linalg.qr(x, "r"),
    "svd": lambda x: np.linalg.svd(x).S[..., None, :] * np.abs(np.linalg.svd(x).U),
    "svd reduced": lambda x: np.abs(np.linalg.svd(x[..., :2, :], full_matrices=False)[2]),
    "svd of hermitian": lambda x: np.abs(np.linalg.svd(symmetric(x), hermitian=True).Vh) ** 2,
    "svd values": lambda x: np.linalg.svd(x, compute_uv=False),
    "svd values of hermitian": lambda x: np.linalg.svd(symmetric(x), True, False, True),
    "svdvals": lambda x: np.linalg.svdvals(x[..., :2]),
    "eigh": lambda x: np.linalg.eigh(x).eigenvalues[..., None, :] * np.abs(np.linalg.eigh(x)[1]),
    "eigh upper": lambda x: np.abs(np.linalg.eigh(x, "U")[1]),
    "eigvalsh": lambda x: np.linalg.eigvalsh(x),
    "eigvalsh upper": lambda x: np.linalg.eigvalsh(x, UPLO="u"),
    "eig": lambda x: (
        np.abs(np.linalg.eig(x).eigenvectors) * np.real(np.linalg.eig(x)[0])[..., None]
    ),
    "eigvals": lambda x: np.linalg.eigvals(x),
    "pinv": lambda x: np.linalg.pinv(x[..., :2]),
    "pinv rcond": lambda x: np.linalg.pinv(x, 1e-10),
    "pinv rtol": lambda x: np.linalg.pinv(x, rtol=None),
    "pinv of hermitian": lambda x: np.linalg.pinv(symmetric(x), hermitian=True),
    "matrix_power": lambda x: np.linalg.matrix_power(x, 5),
    "matrix_power 3": lambda x: np.linalg.matrix_power(x, 3),
    "matrix_power 0": lambda x: x * np.linalg.matrix_power(x, 0),
    "matrix_power 1": lambda x: np.linalg.matrix_power(x, 1),
    "matrix_power -2": lambda x: np.linalg.matrix_power(x, -2),
    "matrix_rank": lambda x: x * np.linalg.matrix_rank(x)[..., None, None],
    "matrix_rank tol": lambda x: x * np.linalg.matrix_rank(x, 2.0)[..., None, None],
    "cond": lambda x: np.linalg.cond(x),
    "cond -2": lambda x: np.linalg.cond(x, -2),
    "cond fro": lambda x: np.linalg.cond(x, "fro"),
    "cond 1": lambda x: np.linalg.cond(x, 1),
    "norm of matrices": lambda x: np.linalg.norm(x, axis=(-2, -1)),
    "norm fro": lambda x: np.linalg.norm(x, "fro", (-2, -1), keepdims=True),
    "norm nuc": lambda x: np.linalg.norm(x, "nuc", axis=(-1, -2)),
    "norm of two axes": lambda x: np.linalg.norm(x, 1, axis=(-1, -2), keepdims=True),
    "vector_norm": lambda x: np.linalg.vector_norm(x, axis=-1, ord=3),
    "matrix_norm": lambda x: np.linalg.matrix_norm(x),
    "matrix_norm nuc": lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True),
    **{
        f"norm {order}": lambda x, order=order: np.linalg.norm(x, order, axis=(-2, -1))
        for order in (1, -1, 2, -2, np.inf, -np.inf)
    },
    **{
        f"norm of vectors {order}": lambda x, order=order: np.linalg.norm(x, order, axis=-2)
        for order in (None, 1, 2, -1, -2, 0.5, 3, np.inf, -np.inf)
    },
    "cross": lambda x: np.linalg.cross(x, RISE),
    "cross axis": lambda x: np.linalg.cross(x, x @ x, axis=-2),
    "diagonal": lambda x: np.linalg.diagonal(x, offset=1),
    "trace": lambda x: np.linalg.trace(x, offset=-1),
    "outer": lambda x: np.linalg.outer(x[..., 0, :].ravel()[:3], RISE),
    "vecdot": lambda x: np.linalg.vecdot(x, x * 2.0, axis=-2),
    "matmul": lambda x: np.linalg.matmul(x, B),
    "matrix_transpose": lambda x: np.linalg.matrix_transpose(x),
}
SINGLE = {
    "tensordot": lambda x: np.linalg.tensordot(x, x, axes=1),
    "tensorsolve": lambda x: np.linalg.tensorsolve(np.kron(x, x).reshape(3, 3, 9), x),
    "tensorsolve axes": lambda x: np.linalg.tensorsolve(
        np.kron(x, x).reshape(3, 9, 3), x, axes=(1,)
    ),
    "tensorinv": lambda x: np.linalg.tensorinv(np.kron(x, x).reshape(3, 3, 9)),
    "tensorinv ind": lambda x: np.linalg.tensorinv(np.kron(x, x).reshape(9, 3, 3), ind=1),
    "multi_dot": lambda x: np.linalg.multi_dot([RISE, x, x, B]),
    "multi_dot vectors": lambda x: np.linalg.multi_dot([x[0], x, RISE]),
    "multi_dot two": lambda x: np.linalg.multi_dot((x, x)),
    "multi_dot five": lambda x: np.linalg.multi_dot([B.T, x, x[:, :1], x[:1], x]),
    "lstsq": lambda x: np.linalg.lstsq(x[:, :2], RISE)[0],
    "lstsq residuals": lambda x: np.linalg.lstsq(x[:, :2], x)[1],
    "lstsq values": lambda x: np.linalg.lstsq(x[:, :2], B)[3],
    "lstsq rank": lambda x: x * np.linalg.lstsq(x, B)[2] + np.sum(np.linalg.lstsq(x, B)[1]),
    "lstsq wide": lambda x: np.linalg.lstsq(x[:2], x[:2, :2])[0],
    "lstsq rank deficient": lambda x: np.linalg.lstsq(np.outer(x[0], x[1]), x[2], rcond=1e-6)[0],
    "norm of all": lambda x: np.linalg.norm(x),
    "norm kept": lambda x: np.linalg.norm(x, keepdims=True),
    "norm of a vector": lambda x: np.linalg.norm(x[0], 2),
    "norm nuc of all": lambda x: np.linalg.norm(x, "nuc"),
    "matrix_rank of a vector": lambda x: x * np.linalg.matrix_rank(x[0]),
    "solve stack by matrix": lambda x: np.linalg.solve(np.stack([x, x @ x, x + 1.0]), x),
    "np.cross": lambda x: np.cross(x, x[0], axisa=0, axisc=0),
    "np.diagonal": lambda x: np.diagonal(x, 1, 1, 0),
}
ALL = {**STACKED, **SINGLE}
# Complex matrices: what the phases of singular vectors and eigenvectors do not change.
REAL_ONLY = {"outer", "cross axis", "norm of vectors 0.5"}
COMPLEX = [name for name in ALL if name not in REAL_ONLY]


def close(actual, expected, rtol=1e-8):
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)


def weights(value):
    u = np.cos(np.arange(1.0, np.size(value) + 1)).reshape(np.shape(value))
    return (u * (1.0 + 0.5j) if np.iscomplexobj(value) else u).astype(value.dtype)


def check(f, x, v, scale=100.0):
    """Value, tangent and pullback of a function; sums may be in another order."""
    expected = np.asarray(f(x))
    value, tangent = ag.jvp(f, (x,), (v,))
    assert_close(np.asarray(value), expected, scale=scale)
    close(tangent, difference(f, x, v))
    value, pullback = ag.vjp(f, x)
    u = weights(expected)
    (g,) = pullback(u)
    assert g.dtype == x.dtype
    left, right = np.real(np.sum(np.conj(g) * v)), np.real(np.sum(np.conj(u) * tangent))
    close(left, right, 1e-11)


@pytest.mark.parametrize("name", ALL)
def test_value_is_numpys_and_derivatives_are_the_differences(name):
    check(ALL[name], A, P)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_matrices(name):
    check(ALL[name], A + 1j * T[0], P + 1j * T[1])


@pytest.mark.parametrize("name", ALL)
def test_the_pullback_differentiates_again(name):
    f = ALL[name]
    u = weights(np.asarray(f(A)))

    def pulled(x):
        return ag.vjp(f, x)[1](u)[0]

    close(ag.jvp(pulled, (A,), (P,))[1], difference(pulled, A, P), 1e-7)
    w = np.cos(np.arange(9.0)).reshape(3, 3)
    (again,) = ag.vjp(pulled, A)[1](w)
    close(np.sum(again * P), np.sum(w * ag.jvp(pulled, (A,), (P,))[1]), 1e-10)


@pytest.mark.parametrize("name", ALL)
def test_float32_stays(name):
    x = A.astype(np.float32)
    value, pullback = ag.vjp(ALL[name], x)
    expected = np.asarray(ALL[name](x))
    if name not in ("lstsq rank",):  # NumPy's integers make the product double
        assert np.asarray(value).dtype == expected.dtype
    assert pullback(np.asarray(value))[0].dtype == np.float32


@pytest.mark.parametrize("name", STACKED)
def test_stacks_of_matrices(name):
    x = np.stack([A, OTHER])
    f = STACKED[name]
    if name == "outer":
        pytest.skip("vectors only")
    check(f, x, 0.2 * T)


@pytest.mark.parametrize("name", ALL)
def test_vmap_is_the_loop(name):
    x = np.stack([A, OTHER])
    f = ALL[name]
    loop = np.stack([np.asarray(f(part)) for part in x])
    assert_close(np.asarray(ag.vmap(f)(x)), loop, scale=100.0)

    def total(x):
        y = f(x)
        return np.sum(np.real(y) * np.real(y))

    assert_close(
        ag.vmap(ag.grad(total))(x), np.stack([ag.grad(total)(part) for part in x]), scale=1e3
    )


# The standard's spellings, in what no phase or sign of a vector changes.
STANDARD = {
    "solve": lambda xp, x: xp.linalg.solve(x, x * x) * xp.linalg.solve(x, x[:, 0] ** 2),
    "inv": lambda xp, x: xp.linalg.inv(x),
    "det": lambda xp, x: xp.linalg.det(x),
    "slogdet": lambda xp, x: xp.linalg.slogdet(x).logabsdet * xp.linalg.slogdet(x).sign,
    "cholesky": lambda xp, x: (
        xp.linalg.cholesky(x @ x.mT) + xp.linalg.cholesky(x @ x.mT, upper=True)
    ),
    "qr": lambda xp, x: xp.linalg.qr(x).Q @ xp.linalg.qr(x[:, :2])[0],
    "qr complete": lambda xp, x: xp.linalg.qr(x[:2, :], mode="complete").R,
    "svd": lambda xp, x: xp.abs(xp.linalg.svd(x[:2, :], full_matrices=False).Vh),
    "svdvals": lambda xp, x: xp.linalg.svdvals(x),
    "eigh": lambda xp, x: xp.abs(xp.linalg.eigh(x + x.mT).eigenvectors),
    "eigvalsh": lambda xp, x: xp.linalg.eigvalsh(x + x.mT),
    "pinv": lambda xp, x: xp.linalg.pinv(x[:, :2]) @ xp.linalg.pinv(x, rtol=1e-10),
    "matrix_power": lambda xp, x: xp.linalg.matrix_power(x, -3) + xp.linalg.matrix_power(x, 0) @ x,
    "matrix_norm": lambda xp, x: xp.stack(
        [xp.linalg.matrix_norm(x, ord=o) for o in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)]
    ),
    "vector_norm": lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 1), ord=2) * x,
    "cross": lambda xp, x: xp.linalg.cross(x, x @ x, axis=0),
    "diagonal": lambda xp, x: xp.linalg.diagonal(x, offset=-1),
    "trace": lambda xp, x: xp.linalg.trace(x),
    "outer": lambda xp, x: xp.linalg.outer(x[0, :], x[:, 1]),
    "tensordot": lambda xp, x: xp.linalg.tensordot(x, x, axes=1),
    "vecdot": lambda xp, x: xp.linalg.vecdot(x, x @ x),
    "matmul": lambda xp, x: xp.linalg.matmul(x, xp.linalg.matrix_transpose(x)),
}


def on_traced(f):
    return lambda x: f(ag.namespace(x), x)


@pytest.mark.parametrize("name", STANDARD)
def test_the_standards_spellings_agree_on_every_library(name, xp):
    f = on_traced(STANDARD[name])
    value, pullback = ag.vjp(f, A)
    there, pullback_there = ag.vjp(f, xp.asarray(A))
    assert_close(there, value, scale=100.0)
    u = weights(value)
    assert_close(pullback_there(xp.asarray(u))[0], pullback(u)[0], scale=1e3)
    close(pullback(u)[0].ravel() @ P.ravel(), np.sum(u * ag.jvp(f, (A,), (P,))[1]), 1e-11)


def test_matrix_rank_is_a_constant_on_every_library(xp):
    ranks = []

    def f(x):
        namespace = ag.namespace(x)
        ranks.append(namespace.linalg.matrix_rank(x[:, :1] * x[:1, :]))
        return namespace.sum(x)

    ag.grad(f)(xp.asarray(A))
    assert_close(ranks[0], np.asarray(1))


def test_the_standards_namespace_is_complete():
    strict = pytest.importorskip("array_api_strict")
    offered = set(strict.linalg.__all__)

    def f(x):
        linalg = ag.namespace(x).linalg
        missing = {name for name in offered if name not in vars(linalg)}
        assert missing == set()
        return np.sum(x)

    ag.grad(f)(A)


def test_numpys_namespace_is_complete():
    from anygrad.tracing.functions import LINALG

    assert set(LINALG) >= {name for name in np.linalg.__all__ if name != "LinAlgError"}


def test_results_have_numpys_names():
    def f(x):
        for name, fields in {
            "eig": ("eigenvalues", "eigenvectors"),
            "eigh": ("eigenvalues", "eigenvectors"),
            "qr": ("Q", "R"),
            "svd": ("U", "S", "Vh"),
            "slogdet": ("sign", "logabsdet"),
        }.items():
            result = getattr(np.linalg, name)(x)
            assert result._fields == fields
            for part, plain in zip(result, getattr(np.linalg, name)(A), strict=True):
                assert_close(ag.value(part), np.asarray(plain), scale=100.0)
        return np.sum(x)

    ag.grad(f)(A)


def test_eigenvalues_are_real_where_numpys_are():
    values = []

    def f(x):
        values.extend([np.linalg.eigvals(symmetric(x)), np.linalg.eigvals(P - P.T + x)])
        return np.sum(x)

    ag.grad(f)(0.1 * A)
    real = np.linalg.eigvals(np.eye(2)).dtype  # complex since NumPy 2.5
    assert [v.dtype for v in values] == [real, np.complex128]


def test_only_one_triangle_is_read():
    lower = ag.grad(lambda x: np.linalg.eigvalsh(x)[0])(symmetric(A))
    upper = ag.grad(lambda x: np.linalg.eigvalsh(x, "U")[0])(symmetric(A))
    v = np.linalg.eigh(symmetric(A))[1][:, 0]
    both = np.outer(v, v)
    assert_close(lower, np.tril(2 * both, -1) + np.diag(v * v), scale=10.0)
    assert_close(upper, lower.T)


def polar(factors):
    return factors[0] @ factors[2]


LOPSIDED = {
    "cholesky": lambda x: np.linalg.cholesky(x),
    "cholesky upper": lambda x: np.linalg.cholesky(x, upper=True),
    "eigh upper": lambda x: np.abs(np.linalg.eigh(x, "U")[1]),
    "pinv": lambda x: np.linalg.pinv(x, hermitian=True),
}


@pytest.mark.parametrize("name", LOPSIDED)
@pytest.mark.parametrize("imaginary", [0.0, 1.0])
def test_the_other_triangle_does_not_matter(name, imaginary):
    x = 9.0 * np.eye(3) + A + 1j * imaginary * P if imaginary else 9.0 * np.eye(3) + A
    check(LOPSIDED[name], x, P + 1j * imaginary * A if imaginary else P)


# PyTorch's gradients, of functions that do not change with phases.
GAUGE_FREE = {
    "eigh": lambda lib, x: abs(lib.eigh(x @ x.mT.conj())[1]) ** 2,
    "svd": lambda lib, x: abs(lib.svd(x)[0]) ** 2 * abs(lib.svd(x)[2]),
    "svd product": lambda lib, x: polar(lib.svd(x)),
    "eig": lambda lib, x: abs(lib.eig(x)[1]) ** 2 * lib.eig(x)[0].real,
    "eigvals": lambda lib, x: lib.eigvals(x),
    "cholesky": lambda lib, x: lib.cholesky(x @ x.mT.conj()),
    "qr": lambda lib, x: lib.qr(x)[0],
    "pinv": lambda lib, x: lib.pinv(x[:, :2]),
    "det": lambda lib, x: lib.det(x),
    "slogdet": lambda lib, x: lib.slogdet(x)[0] * lib.slogdet(x)[1],
    "inv": lambda lib, x: lib.inv(x),
    "nuc": lambda lib, x: lib.matrix_norm(x, ord="nuc"),
}


@pytest.mark.parametrize("name", GAUGE_FREE)
def test_pytorch_gives_the_same_gradients_of_complex_matrices(name):
    torch = pytest.importorskip("torch")
    f = GAUGE_FREE[name]
    x = A + 1j * T[0]
    value, pullback = ag.vjp(lambda x: f(np.linalg, x), x)
    u = weights(np.asarray(value))
    theirs = torch.tensor(x, requires_grad=True)
    result = f(torch.linalg, theirs)
    assert_close(np.asarray(value), result.detach().numpy(), scale=100.0)
    result.backward(torch.tensor(u))
    assert_close(pullback(u)[0], theirs.grad.resolve_conj().numpy(), scale=1e3)


OUT = np.eye(3)
REFUSED = {
    "svd full": (lambda x: np.linalg.svd(x[:, :2]), MissingRuleError, "full_matrices"),
    "qr complete": (lambda x: np.linalg.qr(x[:, :2], "complete"), MissingRuleError, "complete"),
    "qr raw": (lambda x: np.linalg.qr(x, mode="raw"), MissingRuleError, "raw"),
    "qr mode": (lambda x: np.linalg.qr(x, mode="full-ish"), ArgumentError, r"qr\(mode\)"),
    "uplo": (lambda x: np.linalg.eigvalsh(x, "M"), ArgumentError, "UPLO"),
    "norm": (lambda x: np.linalg.norm(x, 3), ArgumentError, r"norm\(ord\)"),
    "norm nuc of vectors": (lambda x: np.linalg.norm(x[0], "nuc"), ArgumentError, "axis"),
    "norm of three axes": (lambda x: np.linalg.norm(x[None], 2), ArgumentError, "axis"),
    "norm 0": (lambda x: np.linalg.norm(x[0], 0), MissingRuleError, "count"),
    "pinv": (lambda x: np.linalg.pinv(x, 0.1, rtol=0.1), ArgumentError, "one of them"),
    "matrix_rank": (lambda x: np.linalg.matrix_rank(x, 0.1, rtol=0.1), ArgumentError, "rtol"),
    "matrix_power": (lambda x: np.linalg.matrix_power(x[:2], 2), ShapeError, "square"),
    "multi_dot one": (lambda x: np.linalg.multi_dot([x]), ArgumentError, "two"),
    "multi_dot out": (lambda x: np.linalg.multi_dot([x, x], out=OUT), TypeError, "out"),
    "tensorinv": (lambda x: np.linalg.tensorinv(x, ind=0), ArgumentError, "ind"),
    "tensorsolve": (lambda x: np.linalg.tensorsolve(x, x[0, :2]), ShapeError, "tensorsolve"),
    "cross": (lambda x: np.linalg.cross(x[:, :2], x), ShapeError, "3"),
    "lstsq": (lambda x: np.linalg.lstsq(x, x[:2]), ShapeError, "rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name):
    f, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        ag.vjp(f, A)


def test_singular_matrices_raise_as_numpys():
    for f in (np.linalg.inv, lambda x: np.linalg.solve(x, B)):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            ag.vjp(f, np.zeros((3, 3)))
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        ag.vjp(np.linalg.cholesky, -np.eye(3))


def test_a_stack_of_matrices_by_one_matrix_is_no_stack_of_vectors(xp):
    """NumPy 2's rule: only what has one axis is a vector."""
    x = np.stack([A[:2, :2], OTHER[:2, :2]])
    value, pullback = ag.vjp(lambda x: ag.namespace(x).linalg.solve(x, x[0, :, :]), xp.asarray(x))
    expected = np.linalg.solve(x, x[0])
    assert_close(value, expected, scale=100.0)
    assert_close(
        pullback(xp.asarray(expected))[0],
        ag.vjp(lambda x: np.linalg.solve(x, x[0]), x)[1](expected)[0],
        scale=100.0,
    )


@pytest.mark.parametrize("ord", [1, np.inf, 2, "fro", "nuc"])
@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (2, 0, 3)])
def test_the_norm_of_an_empty_matrix_is_0(shape, ord):
    axis = (-2, -1) if len(shape) == 3 else None
    value, pullback = ag.vjp(lambda x: np.linalg.norm(x, ord, axis), np.ones(shape))
    assert_close(np.asarray(value), np.zeros(shape[:-2]))
    assert pullback(value)[0].shape == shape
