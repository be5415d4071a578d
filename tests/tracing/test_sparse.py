"""Sparse matrices of SciPy that are constant, beside traced arrays."""

import subprocess
import sys

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MissingRuleError, MixedBackendError, ShapeError, TraceError
from anygrad.tracing.sparse import SPARSE_LINALG, SPARSE_METHODS
from tests.support import assert_close

sp = pytest.importorskip("scipy.sparse", reason="the tests of sparse matrices need SciPy")
linalg = pytest.importorskip("scipy.sparse.linalg")

FORMATS = [
    f"{name}_{kind}"
    for name in ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")
    for kind in ("matrix", "array")
]
DENSE = np.array([[1.0, 0.0, -2.0, 0.0], [0.0, 3.0, 0.0, 0.5], [0.0, 0.0, 0.0, -1.0]])
X = np.array([0.5, -1.0, 2.0, 0.25])
MANY = np.linspace(-1.0, 1.0, 8).reshape(4, 2)
U = np.array([1.0, -2.0, 0.5])


def sparse(name, dense=DENSE):
    return getattr(sp, name)(dense)


PRODUCTS = {
    "A @ x": (lambda A, x: A @ x, X),
    "A @ X": (lambda A, x: A @ x, MANY),
    "A @ column": (lambda A, x: A @ x, X[:, None]),
    "A.dot(x)": (lambda A, x: A.dot(x), X),
    "A.T @ u": (lambda A, x: A.T @ x, U),
    "u @ A": (lambda A, x: x @ A, U),
    "U @ A": (lambda A, x: x @ A, np.stack([U, U**2])),
    "np.matmul": (lambda A, x: np.matmul(A, x) if not isinstance(x, np.ndarray) else A @ x, X),
}
products = pytest.mark.parametrize(("f", "x"), PRODUCTS.values(), ids=PRODUCTS)
formats = pytest.mark.parametrize("name", FORMATS)


@formats
@products
def test_products_equal_those_of_dense_matrices(name, f, x):
    A = sparse(name)
    value, pullback = ag.vjp(lambda x: f(A, x), x)
    expected, dense_pullback = ag.vjp(lambda x: f(DENSE, x), x)
    assert_close(value, f(A, x))
    assert_close(value, expected)
    assert type(value) is np.ndarray
    assert_close(pullback(np.cos(value))[0], dense_pullback(np.cos(value))[0])
    _, tangent = ag.jvp(lambda x: f(A, x), (x,), (np.sin(x),))
    assert_close(tangent, f(DENSE, np.sin(x)))


@products
def test_second_derivatives_and_batches(f, x):
    A = sparse("csr_array")

    def energy(x, A=A):
        return np.sum(f(A, np.sin(x)) ** 2)

    def dense(x):
        return energy(x, DENSE)

    assert_close(ag.hvp(energy, x, x + 1.0), ag.hvp(dense, x, x + 1.0))
    assert_close(ag.hessian(energy)(x), ag.hessian(dense)(x))
    whole = np.stack([x, x**2, -x])
    assert_close(ag.vmap(lambda x: f(A, x))(whole), np.stack([f(DENSE, each) for each in whole]))
    assert_close(ag.vmap(ag.grad(energy))(whole), np.stack([ag.grad(dense)(x) for x in whole]))
    assert_close(
        ag.grad(lambda w: np.sum(ag.vmap(energy)(w)))(whole), ag.vmap(ag.grad(dense))(whole)
    )
    assert ag.check_gradients(energy, x).ok


@pytest.mark.parametrize("name", ["csr_matrix", "coo_matrix", "dia_matrix"])
def test_the_star_of_matrices_is_the_product(name):
    A = sparse(name)
    for f, dense, x in (
        (lambda x: A * x, lambda x: DENSE @ x, X),
        (lambda x: A * x, lambda x: DENSE @ x, MANY),
        (lambda x: x * A, lambda x: x @ DENSE, U),
    ):
        value, pullback = ag.vjp(f, x)
        assert_close(value, f(x))
        assert_close(pullback(value)[0], ag.vjp(dense, x)[1](value)[0])


@products
def test_complex_matrices_and_vectors(f, x):
    for dense, z in ((DENSE * (1 + 2j), x), (DENSE, x * (2 - 1j)), (DENSE * 1j, x * (2 - 1j))):
        A = sparse("csr_array", dense)
        value, pullback = ag.vjp(lambda x, A=A: f(A, x), z)
        expected, dense_pullback = ag.vjp(lambda x, dense=dense: f(dense, x), z)
        assert_close(value, expected)
        cotangent = value * (0.5 + 1j)
        found = pullback(cotangent)[0]
        assert found.dtype == z.dtype
        assert_close(found, dense_pullback(cotangent)[0])


def test_dtypes_are_those_of_scipy():
    x = X.astype(np.float32)
    for dtype in (np.float32, np.float64, np.int64, np.bool_):
        A = sp.csr_array(DENSE.astype(dtype))
        value, pullback = ag.vjp(lambda x, A=A: A @ x, x)
        assert value.dtype == (A @ x).dtype
        gradient = pullback(value)[0]
        assert gradient.dtype == np.float32
        assert_close(gradient, (A.T @ (A @ x)).astype(np.float32))


def test_a_matrix_overwritten_before_the_backward_pass_is_noticed():
    A = sparse("csr_array")

    def f(x):
        y = np.sum(A @ x)
        A.data[:] = 7.0
        return y

    with pytest.raises(TraceError, match="overwritten"):
        ag.grad(f)(X)


def test_arrays_written_in_the_function_may_stand_beside_it():
    A = sparse("csr_array")

    def f(x):
        y = np.zeros(4)
        y[1:] = x[1:] * 2.0
        return np.sum((A @ y) ** 2) + np.sum(U @ (A @ x))

    assert ag.check_gradients(f, X).ok


def test_it_works_while_debugging():
    A = sparse("csr_array")
    with ag.debug_nans():
        assert_close(ag.grad(lambda x: np.sum(A @ x))(X), A.T @ np.ones(3))
    (op,) = ag.trace(lambda x: A @ x)(X)
    assert op.name == "linear_map"
    assert "csr_array of shape (3, 4)" in str(ag.trace(lambda x: A @ x)(X))


def test_plain_products_inside_are_scipys():
    A = sparse("csr_array")
    expected = A @ X

    def f(x):
        inner = A @ X
        assert type(inner) is np.ndarray
        assert_close(inner, expected)
        return x @ inner

    assert_close(ag.grad(f)(U), expected)


# Solves and elements ------------------------------------------------------------------------------


SQUARE = np.array([[4.0, 1.0, 0.0], [0.0, 3.0, -1.0], [2.0, 0.0, 5.0]])
RIGHT = {"vector": U, "column": U[:, None], "matrix": np.stack([U, U**2], axis=1)}


@pytest.mark.parametrize("b", RIGHT.values(), ids=RIGHT)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_spsolve_is_scipys_and_has_derivatives(b, dtype):
    A = sp.csc_array((SQUARE * (1 + 1j) if dtype is np.complex128 else SQUARE).astype(dtype))
    b = b.astype(np.float32 if dtype is np.float32 else np.float64)
    solve = SPARSE_LINALG["spsolve"]
    value, pullback = ag.vjp(lambda b: solve(A, b), b)
    expected = linalg.spsolve(A, b)
    assert value.dtype == expected.dtype
    assert_close(value, expected)
    dense = A.toarray()
    _, dense_pullback = ag.vjp(lambda b: np.linalg.solve(dense, b).reshape(expected.shape), b)
    assert_close(pullback(value)[0], dense_pullback(value)[0])
    assert pullback(value)[0].dtype == b.dtype


def test_spsolve_in_all_modes():
    A, solve = sp.csr_array(SQUARE), SPARSE_LINALG["spsolve"]

    def f(b):
        return np.sum(solve(A, np.sin(b)) ** 2)

    def dense(b):
        return np.sum(np.linalg.solve(SQUARE, np.sin(b)) ** 2)

    assert ag.check_gradients(f, U).ok
    assert_close(ag.hessian(f)(U), ag.hessian(dense)(U))
    whole = np.stack([U, 2.0 * U])
    assert_close(ag.vmap(ag.grad(f))(whole), ag.vmap(ag.grad(dense))(whole))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("b", [U, np.stack([U, U**2], axis=1)], ids=["vector", "matrix"])
def test_triangular_solves(lower, b):
    dense = np.tril(SQUARE) if lower else np.triu(SQUARE)
    A, solve = sp.csr_array(dense), SPARSE_LINALG["spsolve_triangular"]
    value, pullback = ag.vjp(lambda b: solve(A, b, lower=lower), b)
    assert_close(value, linalg.spsolve_triangular(A, b, lower=lower))
    assert_close(pullback(value)[0], np.linalg.solve(dense.T, value))


def test_elementwise_products_of_arrays_are_dense():
    A, by = sparse("csr_array"), SPARSE_METHODS["multiply"]
    coo = sparse("coo_array")
    assert_close(ag.grad(lambda x: np.sum(SPARSE_METHODS["dot"](coo, x)))(X), DENSE.sum(axis=0))
    value, pullback = ag.vjp(lambda x: by(A, x), X)
    assert_close(value, A.multiply(X).toarray())
    assert_close(pullback(value)[0], np.sum(value * DENSE, axis=0))
    # in rebound code, as a user writes it
    assert_close(ag.grad(lambda x: np.sum(A.multiply(x) ** 2))(X), pullback(2.0 * value)[0])
    with pytest.raises(MissingRuleError, match=r"multiply\(sparse\)"):
        ag.grad(lambda x: np.sum(by(sparse("csr_matrix"), x)))(X)


# Refusals -----------------------------------------------------------------------------------------


A = sparse("csr_array")
M = sparse("csr_matrix")
WIDE = np.ones((3, 4))
REFUSED = {
    "A + x": (lambda x: A + x, WIDE),
    "x + A": (lambda x: x + A, WIDE),
    "x - A": (lambda x: x - A, WIDE),
    "A - x": (lambda x: A - x, WIDE),
    "A * x": (lambda x: A * x, WIDE),
    "x * A": (lambda x: x * A, WIDE),
    "A / x": (lambda x: A / x, WIDE),
    "x / A": (lambda x: x / A, WIDE),
    "M * number": (lambda x: M * x, 2.0),
    "number * M": (lambda x: x * M, 2.0),
    "x ** A": (lambda x: x**A, WIDE),
    "np.maximum": (lambda x: np.maximum(x, A), WIDE),
    "A.maximum": (lambda x: A.maximum(x), WIDE),
}


@pytest.mark.parametrize(("f", "x"), REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused_with_what_works(f, x):
    with pytest.raises(MissingRuleError, match=r"expected one of A @ x, A\.dot\(x\)") as info:
        ag.grad(lambda x: np.sum(f(x)))(x)
    assert f'File "{__file__}"' in str(info.value)


def test_shapes_and_libraries_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"got shape \(3,\) beside a sparse matrix of shape"):
        ag.grad(lambda x: np.sum(A @ x))(U)
    with pytest.raises(ShapeError, match="vector or matrix"):
        ag.grad(lambda x: np.sum(x @ A))(np.ones((2, 2, 3)))
    with pytest.raises(ShapeError, match="square"):
        ag.grad(lambda b: np.sum(SPARSE_LINALG["spsolve"](A, b)))(U)
    with pytest.raises(MissingRuleError, match="expected a sparse matrix"):
        ag.grad(lambda b: np.sum(SPARSE_LINALG["spsolve"](SQUARE, b)))(U)


def test_another_librarys_arrays_are_refused():
    torch = pytest.importorskip("torch", reason="another library than NumPy is needed")
    x = torch.ones(4, dtype=torch.float64)
    with pytest.raises(MixedBackendError, match="csr_array beside torch array"):
        ag.grad(lambda x: (x @ A.T).sum())(x)


def test_the_ways_out_still_raise():
    with pytest.raises(TraceError, match=r"np.asarray\(x\)"), ag.use_settings(rebind=False):
        ag.grad(lambda x: np.asarray(x))(X)
    with pytest.raises(TraceError, match=r"csr_array\(sparse\): got a sparse matrix"):
        ag.grad(lambda x: np.sum(A @ sp.csr_array(x)))(X)


def test_scipy_is_not_imported():
    script = """
import sys, numpy as np, anygrad as ag
assert ag.grad(lambda x: np.sum(np.eye(2) @ x))(np.ones(2)).tolist() == [1.0, 1.0]
print("scipy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
