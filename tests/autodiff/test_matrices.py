"""Jacobians, Hessians and their products, against JAX's values written as formulas."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from tests.support import assert_close, forbid_host_copies

W = np.random.default_rng(0).normal(size=(4, 3))
X = np.random.default_rng(1).normal(size=3)
MODES = ("auto", "forward", "reverse")


def f(x):
    xp = ag.namespace(x)
    w = xp.asarray(W.tolist(), dtype=x.dtype, device=x.device)
    return xp.tanh(xp.matmul(w, x)) * x[0]


def by_hand(x):
    t = np.tanh(W @ x)
    slopes = (1 - t * t)[:, None] * W * x[0]
    slopes[:, 0] += t
    return slopes


@pytest.mark.parametrize("mode", MODES)
def test_jacobian_on_every_backend(xp, mode):
    with forbid_host_copies():
        found = ag.jacobian(f, mode=mode)(xp.asarray(X))
    assert_close(found, by_hand(X))


@pytest.mark.parametrize("mode", MODES)
def test_one_pass_and_no_loop(mode):
    calls = []

    def counted(x):
        calls.append(1)
        return np.sin(x)

    np.testing.assert_array_equal(ag.jacobian(counted, mode=mode)(X), np.diag(np.cos(X)))
    assert len(calls) <= 2  # auto looks at the shape of the result first


@pytest.mark.parametrize("mode", MODES)
def test_trees_and_several_arguments(mode):
    def g(t, s):
        return {"y": np.sin(t["b"] @ t["a"]) * s, "z": np.sum(t["a"]) * s}

    t, s = {"a": X, "b": W}, np.asarray(2.0)
    both = ag.jacobian(g, (0, 1), mode)(t, s)
    c = np.cos(W @ X) * 2.0
    np.testing.assert_allclose(both["y"][0]["a"], c[:, None] * W, rtol=1e-14)
    np.testing.assert_allclose(
        both["y"][0]["b"], c[:, None, None] * np.eye(4)[:, :, None] * X, rtol=1e-14
    )
    np.testing.assert_allclose(both["y"][1], np.sin(W @ X), rtol=1e-14)
    assert both["z"][0]["b"].shape == (4, 3)
    np.testing.assert_array_equal(both["z"][0]["b"], 0.0)
    np.testing.assert_array_equal(both["z"][0]["a"], 2.0)
    assert ag.jacobian(g, 1, mode)(t, s)["y"].shape == (4,)


def test_numbers_shapes_aux_and_keywords():
    np.testing.assert_array_equal(ag.jacobian(lambda x: np.stack([x, x * x]))(3.0), [1.0, 6.0])
    assert ag.jacobian(lambda x: x.T)(np.ones((2, 3))).shape == (3, 2, 2, 3)
    found, aux = ag.jacobian(lambda x, k=1: (x * k, {"n": k}), has_aux=True)(X, k=4)
    np.testing.assert_array_equal(found, 4.0 * np.eye(3))
    assert aux == {"n": 4}
    assert ag.jacobian(lambda x: x[:0])(X).shape == (0, 3)
    single = ag.jacobian(np.sin)(X.astype(np.float32))
    assert single.dtype == np.float32


def test_hessian_is_the_jacobian_of_the_gradient_and_symmetric(xp):
    def energy(x):
        return ag.namespace(x).sum(f(x) ** 2) + x[0] * x[1] * x[2]

    with forbid_host_copies():
        found = ag.hessian(energy)(xp.asarray(X))
    expected = ag.jacobian(ag.grad(energy), mode="reverse")(X)
    assert_close(found, expected, scale=10)  # two orders of summation of second derivatives
    np.testing.assert_allclose(expected, expected.T, rtol=1e-12, atol=1e-12)
    v = np.asarray([1.0, -2.0, 0.5])
    product = ag.hvp(energy, xp.asarray(X), xp.asarray(v))
    assert_close(product, expected @ v, scale=10)


def test_hessian_of_a_tree():
    found = ag.hessian(lambda t: np.sum(t["a"] ** 2 * t["b"]))({"a": X, "b": X + 1.0})
    np.testing.assert_allclose(found["a"]["a"], np.diag(2 * (X + 1.0)), rtol=1e-15)
    np.testing.assert_allclose(found["a"]["b"], np.diag(2 * X), rtol=1e-15)
    np.testing.assert_array_equal(found["b"]["b"], np.zeros((3, 3)))


def test_third_derivatives_and_batches():
    third = ag.jacobian(ag.hessian(lambda x: np.sum(x**4)))(X)
    np.testing.assert_allclose(third[1, 1, 1], 24 * X[1], rtol=1e-14)
    points = np.stack([X, 2 * X])
    hessians = ag.vmap(ag.hessian(lambda x: np.sum(x**3)))(points)
    np.testing.assert_allclose(hessians, [np.diag(6 * p) for p in points], rtol=1e-14)


def test_linearize_runs_once_and_is_linear():
    calls = []

    def counted(x):
        calls.append(1)
        return f(x)

    value, push = ag.linearize(counted, X)
    np.testing.assert_allclose(value, f(X), rtol=1e-15)
    for v in np.eye(3):
        np.testing.assert_allclose(push(v), by_hand(X) @ v, rtol=1e-13)
    assert len(calls) == 1
    z = np.asarray([1.0 + 2.0j])
    _, push = ag.linearize(lambda z: z * z, z)
    np.testing.assert_allclose(push(np.asarray([1j])), 2 * z * 1j, rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ag.jacobian(f, mode="revers"), ArgumentError, "Did you mean 'reverse'"),
        (lambda: ag.jacobian(f, 3)(X), ArgumentError, "argnums"),
        (lambda: ag.jacobian(np.sin)(X * 1j), DTypeError, "expected real numbers"),
        (lambda: ag.jacobian(lambda x: x * 1j)(X), DTypeError, "the result is"),
        (lambda: ag.jacobian(np.sin)(np.arange(3)), DTypeError, "floating dtype"),
        (lambda: ag.hessian(np.sin)(X), ShapeError, "real 0-d"),
        (lambda: ag.linearize(f, X)[1](X, X), ShapeError, "got 2; expected 1"),
        (lambda: ag.hvp(lambda x: np.sum(x), X, X[:2]), ShapeError, "tangents"),
    ],
)
def test_what_has_no_matrix_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
