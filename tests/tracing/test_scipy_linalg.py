"""scipy.linalg on traced arrays: values are SciPy's, derivatives the differences'."""

import inspect

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.tracing.functions import LINALG, SCIPY_LINALG
from tests.support import assert_close, difference
from tests.tracing.test_linalg import check, close, weights

sl = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")

RNG = np.random.default_rng(5)
A = RNG.normal(size=(3, 3)) + 2.5 * np.eye(3)
P = RNG.normal(size=(3, 3))
B = RNG.normal(size=(3, 2))
V = np.array([1.0, -2.0, 0.5])


def definite(x):
    return x @ np.conj(x.T) + np.eye(3)


def symmetric(x):
    return x + np.conj(x.T)


FUNCTIONS = {
    "solve": lambda x: sl.solve(x, B),
    "solve vector": lambda x: sl.solve(x, V),
    "solve pos": lambda x: sl.solve(definite(x), x, assume_a="pos"),
    "solve pos lower": lambda x: sl.solve(definite(x), V, lower=True, assume_a="positive definite"),
    "solve sym": lambda x: sl.solve(x + x.T, B, assume_a="sym"),
    "solve her": lambda x: sl.solve(symmetric(x), B, lower=True, assume_a="her"),
    "solve upper": lambda x: sl.solve(x, B, assume_a="upper triangular"),
    "solve lower": lambda x: sl.solve(x, B, assume_a="lower triangular"),
    "solve diagonal": lambda x: sl.solve(x, B, assume_a="diagonal"),
    "solve tridiagonal": lambda x: sl.solve(x, B, assume_a="tridiagonal"),
    "solve_triangular": lambda x: sl.solve_triangular(x, B),
    "solve_triangular lower": lambda x: sl.solve_triangular(x, V, lower=True),
    "solve_triangular transposed": lambda x: sl.solve_triangular(x, B, trans=1),
    "solve_triangular adjoint": lambda x: sl.solve_triangular(x, x, "C", True),
    "solve_triangular unit": lambda x: sl.solve_triangular(x, B, unit_diagonal=True, lower=True),
    "cho_solve": lambda x: sl.cho_solve(sl.cho_factor(definite(x)), B),
    "cho_solve lower": lambda x: sl.cho_solve(sl.cho_factor(definite(x), True), x[0]),
    "cholesky": lambda x: sl.cholesky(definite(x)),
    "cholesky lower": lambda x: sl.cholesky(definite(x), lower=True, check_finite=False),
    "inv": lambda x: sl.inv(x),
    "inv pos": lambda x: sl.inv(definite(x), assume_a="pos"),
    "det": lambda x: sl.det(x),
    "eigh": lambda x: np.abs(sl.eigh(x)[1]) ** 2 * sl.eigh(x, eigvals_only=True),
    "eigh upper": lambda x: np.abs(sl.eigh(x, lower=False)[1]) ** 2,
    "eigh of a pair": lambda x: np.abs(sl.eigh(symmetric(x), definite(x))[1]) ** 2,
    "eigh of a pair upper": lambda x: sl.eigh(x, definite(x), lower=False)[0],
    "eigh subset": lambda x: sl.eigh(x, subset_by_index=[1, 2])[0],
    "eigvalsh": lambda x: sl.eigvalsh(x),
    "eigvalsh of a pair": lambda x: sl.eigvalsh(symmetric(x), definite(x)),
    "eigvalsh subset": lambda x: sl.eigvalsh(x, subset_by_index=(0, 0)),
    "eig": lambda x: np.abs(sl.eig(x)[1]) ** 2 * np.real(sl.eig(x, right=False)),
    "eigvals": lambda x: sl.eigvals(x),
    "eigvals of a pair": lambda x: sl.eigvals(x, definite(x)),
    "svd": lambda x: np.abs(sl.svd(x)[0]) ** 2 * sl.svd(x, compute_uv=False),
    "svd reduced": lambda x: np.abs(sl.svd(x[:, :2], full_matrices=False)[2]) ** 2,
    "svdvals": lambda x: sl.svdvals(x),
    "qr": lambda x: np.abs(sl.qr(x)[0]) + np.abs(sl.qr(x)[1]),
    "qr economic": lambda x: sl.qr(x[:, :2], mode="economic")[0],
    "qr r": lambda x: sl.qr(x[:, :2], mode="r")[0],
    "pinv": lambda x: sl.pinv(x[:, :2]),
    "pinv rank": lambda x: sl.pinv(x, rtol=1e-3, return_rank=True)[0],
    "pinvh": lambda x: sl.pinvh(symmetric(x)),
    "pinvh upper": lambda x: sl.pinvh(x, lower=False),
    "norm": lambda x: sl.norm(x),
    "norm 1": lambda x: sl.norm(x, 1, check_finite=False),
    "norm axis": lambda x: sl.norm(x, axis=1),
    "norm nuc": lambda x: sl.norm(x, "nuc"),
    "lstsq": lambda x: sl.lstsq(x[:, :2], B)[0],
    "lstsq vector": lambda x: np.real(sl.lstsq(x[:, :2], V)[1]),
    "lstsq residuals": lambda x: np.real(sl.lstsq(x[:, :2], x)[1]),  # SciPy 1.18: complex
    "lstsq gelsy": lambda x: sl.lstsq(x, V, lapack_driver="gelsy")[0],
    "expm": lambda x: sl.expm(x),
    "expm of large": lambda x: sl.expm(9.0 * (x - np.eye(3) * 4.0)),
    "expm of zero": lambda x: sl.expm(0.0 * x) @ x,
    "expm_frechet": lambda x: sl.expm_frechet(x, x.T)[1],
    "expm_frechet alone": lambda x: sl.expm_frechet(x, P, compute_expm=False),
    "sqrtm": lambda x: sl.sqrtm(x),
    "logm": lambda x: sl.logm(x),
    "cosm": lambda x: sl.cosm(x),
    "sinm": lambda x: sl.sinm(x),
    "tanm": lambda x: sl.tanm(0.2 * x),
    "coshm": lambda x: sl.coshm(x),
    "sinhm": lambda x: sl.sinhm(x),
    "tanhm": lambda x: sl.tanhm(x),
    "polar": lambda x: sl.polar(x)[0] + sl.polar(x)[1],
    "polar left": lambda x: sl.polar(x[:, :2], side="left")[1],
    "orthogonal_procrustes": lambda x: sl.orthogonal_procrustes(x, P)[0],
    "orthogonal_procrustes scale": lambda x: sl.orthogonal_procrustes(P, x)[1],
    "block_diag": lambda x: sl.block_diag(x, V, x[0, 0], x[:, :1]),
    "toeplitz": lambda x: sl.toeplitz(x[0]),
    "toeplitz row": lambda x: sl.toeplitz(x[0], x[1, :2]),
    "circulant": lambda x: sl.circulant(x[:, 0]),
    "hankel": lambda x: sl.hankel(x[0]),
    "hankel row": lambda x: sl.hankel(x[0], V),
    "companion": lambda x: sl.companion(x[0]),
    "khatri_rao": lambda x: sl.khatri_rao(x, B.T @ P),
    "solve_toeplitz": lambda x: sl.solve_toeplitz(x[0] + 4.0 * np.eye(3)[0], B),
    "matmul_toeplitz": lambda x: sl.matmul_toeplitz((x[0], V), x),
}
# LAPACK gives the eigenvalues of a pair in another order
OTHER_ALGORITHMS = 1e3  # than SciPy's: the scale of rounding
REAL_ONLY = {"solve_toeplitz", "matmul_toeplitz", "solve pos lower", "eigvals of a pair"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_is_scipys_and_derivatives_are_the_differences(name):
    check(FUNCTIONS[name], A, P, OTHER_ALGORITHMS)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in REAL_ONLY])
def test_complex_matrices(name):
    check(FUNCTIONS[name], A + 0.5j * P.T, P + 0.5j * A, OTHER_ALGORITHMS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_pullback_differentiates_again(name):
    f = FUNCTIONS[name]
    u = weights(np.asarray(f(A)))

    def pulled(x):
        return ag.vjp(f, x)[1](u)[0]

    close(ag.jvp(pulled, (A,), (P,))[1], difference(pulled, A, P), 1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vmap_of_gradients_is_the_loop(name):
    x = np.stack([A, A.T + 0.3 * np.eye(3)])
    f = FUNCTIONS[name]

    def total(x):
        y = f(x)
        return np.sum(np.real(y) * np.real(y))

    loop = np.stack([ag.grad(total)(part) for part in x])
    assert_close(ag.vmap(ag.grad(total))(x), loop, scale=1e4)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_stays(name):
    if name == "logm":
        pytest.skip("SciPy warns of its own accuracy in single precision")
    x = A.astype(np.float32)
    _, pullback = ag.vjp(FUNCTIONS[name], x)
    value = np.asarray(FUNCTIONS[name](x))
    assert pullback(value)[0].dtype == np.float32


@pytest.mark.parametrize("name", sorted(set(SCIPY_LINALG) & set(sl.__all__)))
def test_signatures_are_scipys(name):
    ours = inspect.signature(SCIPY_LINALG[name]).parameters
    theirs = inspect.signature(getattr(sl, name)).parameters
    # SciPy 1.18 has dropped some arguments that it had deprecated, and moved others
    assert set(theirs) <= set(ours)
    kept = [key for key in ours if key in theirs and not key.startswith(("check_", "overwrite_"))]
    assert kept == [key for key in theirs if not key.startswith(("check_", "overwrite_"))]


def test_no_function_of_numpys_stands_for_one_of_scipys():
    same = set(LINALG) & set(sl.__all__)
    assert not [name for name in same if SCIPY_LINALG[name] is LINALG[name]]


def test_both_ways_to_solve_from_a_factor():
    """Solving by the factor of a covariance, as in Gaussian processes."""

    def likelihood(x):
        c, low = sl.cho_factor(definite(x), lower=True)
        return V @ sl.cho_solve((c, low), V) + 2.0 * np.sum(np.log(np.diagonal(c)))

    def plainly(x):
        return V @ np.linalg.solve(definite(x), V) + np.linalg.slogdet(definite(x))[1]

    assert_close(ag.grad(likelihood)(A), ag.grad(plainly)(A), scale=100.0)


def test_the_factor_of_a_polar_decomposition_is_smooth_where_singular_values_are_equal():
    check(lambda x: sl.polar(x)[1], np.eye(3), P)
    check(lambda x: sl.sqrtm(definite(x)), np.eye(3), P)


def test_exponentials_of_defective_and_zero_matrices():
    nilpotent = np.diag([1.0, 2.0], 1)
    for x in (np.zeros((3, 3)), nilpotent, 3.0 * np.eye(3) + nilpotent):
        check(lambda x: sl.expm(x), x, P)
        again = ag.jvp(lambda x: ag.jvp(lambda y: sl.expm(y), (x,), (P,))[1], (x,), (A,))[1]
        close(again, difference(lambda x: sl.expm_frechet(x, P)[1], x, A), 1e-7)


def test_large_directions_do_not_spoil_the_exponential():
    """Steps are chosen by the matrix; a cotangent of 1e10 scales the result, and no more."""
    f = ag.vjp(lambda x: sl.expm(x), A)[1]
    assert_close(f(1e10 * P)[0], 1e10 * f(P)[0], scale=10.0)


def test_stacks_of_matrices():
    x = np.stack([A, 2.0 * A.T])
    v = 0.2 * np.stack([P, P.T])
    check(lambda x: sl.expm(x), x, v)
    check(lambda x: sl.sqrtm(x), x, v)
    check(lambda x: sl.inv(x), x, v)
    check(lambda x: sl.det(x), x, v)


ROWS = {
    "expm": lambda x: SCIPY_LINALG["expm"](x),
    "sqrtm": lambda x: SCIPY_LINALG["sqrtm"](x),
    "cosm": lambda x: SCIPY_LINALG["cosm"](x),
    "solve_triangular": lambda x: SCIPY_LINALG["solve_triangular"](x, x[:, 0] * 2.0, 1),
    "cho_solve": lambda x: SCIPY_LINALG["cho_solve"](
        SCIPY_LINALG["cho_factor"](x @ x.mT), x[:, :2] * 1.0
    ),
    "eigvalsh": lambda x: SCIPY_LINALG["eigvalsh"](x @ x.mT, x.mT @ x),
    "toeplitz": lambda x: SCIPY_LINALG["toeplitz"](x[0, :], x[1, :]),
    "block_diag": lambda x: SCIPY_LINALG["block_diag"](x, x[0, :]),
    "companion": lambda x: SCIPY_LINALG["companion"](x[0, :]),
    "unit": lambda x: SCIPY_LINALG["solve_triangular"](x, x * 2.0, unit_diagonal=True),
}


@pytest.mark.parametrize("name", ROWS)
def test_every_library_gives_the_same(name, xp):
    f = ROWS[name]
    value, pullback = ag.vjp(f, A)
    there, pullback_there = ag.vjp(f, xp.asarray(A))
    assert_close(there, value, scale=1e3)
    u = weights(value)
    assert_close(pullback_there(xp.asarray(u))[0], pullback(u)[0], scale=1e4)


def test_a_device_squares_no_more_than_it_can(xp):
    if xp.backend == "numpy":
        pytest.skip("NumPy counts its squarings")
    f = SCIPY_LINALG["expm"]
    seen = []
    x = xp.asarray([[-1e5, 1.0], [0.0, -2e5]])
    ag.vjp(lambda x: seen.append(f(x)) or seen.append(f(x * 10.0)) or f(x), x)
    assert_close(ag.value(seen[0]), np.zeros((2, 2)))
    assert_close(ag.value(seen[1]), np.full((2, 2), np.nan))


REFUSED = {
    "assume_a": (lambda x: sl.solve(x, V, assume_a="odd"), ArgumentError, "assume_a"),
    "transposed": (
        lambda x: sl.solve(x * 1j, V, transposed=True),
        MissingRuleError,
        "transposed",
    ),
    "trans": (lambda x: sl.solve_triangular(x, V, trans=7), ArgumentError, "trans"),
    "eigh range": (lambda x: sl.eigh(x, subset_by_value=(0, 1)), MissingRuleError, "subset"),
    "eigh type": (lambda x: sl.eigh(x, definite(x), type=2), MissingRuleError, "type"),
    "eig left": (lambda x: sl.eig(x, left=True), MissingRuleError, "left"),
    "eig pair": (lambda x: sl.eig(x, A), MissingRuleError, "second matrix"),
    "eigvals": (
        lambda x: sl.eigvals(x, homogeneous_eigvals=True),
        MissingRuleError,
        "homogeneous",
    ),
    "svd full": (lambda x: sl.svd(x[:, :2]), MissingRuleError, "full_matrices"),
    "qr full": (lambda x: sl.qr(x[:, :2]), MissingRuleError, "economic"),
    "qr pivoting": (lambda x: sl.qr(x, pivoting=True), MissingRuleError, "pivoting"),
    "qr raw": (lambda x: sl.qr(x, mode="raw"), MissingRuleError, "raw"),
    "qr mode": (lambda x: sl.qr(x, mode="thin"), ArgumentError, "mode"),
    "pinv atol": (lambda x: sl.pinv(x, atol=0.1), MissingRuleError, "atol"),
    "polar": (lambda x: sl.polar(x, side="up"), ArgumentError, "side"),
    "sqrtm disp": (lambda x: SCIPY_LINALG["sqrtm"](x, disp=False), MissingRuleError, "disp"),
    "sqrtm": (lambda x: sl.sqrtm(x - 20.0 * np.eye(3)), ArgumentError, "negative real axis"),
    "logm": (lambda x: sl.logm(x * 0.0 - np.eye(3)), ArgumentError, "negative real axis"),
    "toeplitz": (lambda x: sl.toeplitz(x), Exception, "vectors"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name):
    f, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        ag.vjp(f, A)
