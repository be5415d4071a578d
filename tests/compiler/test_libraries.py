"""Compiled functions of every library's arrays: as eager, no copies to the host, same refusals."""

import numpy as np
import pytest

import anygrad as ag
from tests.compiler.agreement import assert_agrees, use_plain_target
from tests.support import allow_host_copies, assert_close, forbid_host_copies

X = np.array([[0.3, -1.2, 0.7], [1.9, 0.4, -0.8], [-0.45, 1.1, 1.7]])
OTHERS = (X, 0.5 * X[::-1], np.abs(X))

FUNCTIONS = {
    "arithmetic": lambda xp, x, c: (2.0 * x + 1 - x / 3.0) ** 2 / (1.0 + x**2) - c * x,
    "functions": lambda xp, x, c: xp.sin(x) * xp.exp(-x) + xp.sqrt(xp.abs(x) + c),
    "reductions": lambda xp, x, c: xp.sum(x, axis=0) * xp.max(x, axis=1) - xp.mean(x) * c,
    "where": lambda xp, x, c: xp.where(x > c, x * x, -x) + xp.maximum(x, 0.5 * x * x),
    "shapes": lambda xp, x, c: xp.reshape(xp.concat([x, c * x], axis=0), (2, 9))[:, ::2],
    "matmul": lambda xp, x, c: x @ xp.permute_dims(x, (1, 0)) @ (x[:, :1] * c),
    "solve": lambda xp, x, c: xp.linalg.solve(x @ x + 0.1, x) * c,
    "index": lambda xp, x, c: x[1:, 0] * x[0, 1:] + x[-1, -1] * c,
    "writes": lambda xp, x, c: written(xp, x, c),
}


def written(xp, x, c):
    y = x * 1.0
    y[0, ...] = x[1, ...] * c
    return y * x


def loss(f):
    return lambda x, c: ag.namespace(x).sum(f(ag.namespace(x), x, c) * 0.5)


@pytest.fixture(autouse=True)
def plain_target(request, monkeypatch):
    if "default" not in request.node.name:
        use_plain_target(monkeypatch)


def possible(name, xp):
    if name == "writes" and xp.name == "jax":
        pytest.skip("arrays of JAX cannot be written")
    return FUNCTIONS[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_agree(name, quick_xp):
    xp = quick_xp
    f = possible(name, xp)
    value = ag.compile(lambda x, c: f(ag.namespace(x), x, c))
    slope = ag.compile(ag.grad(loss(f)))
    for dtype in (xp.float64, xp.float32):
        for k, host in enumerate(OTHERS):
            x, c = xp.asarray(host, dtype=dtype), 0.5 + 0.25 * k
            want = f(ag.namespace(x), x, c)
            got = value(x, c)
            assert type(got) is type(want)
            assert got.dtype == want.dtype
            assert_close(got, want)
            want = ag.grad(loss(f))(x, c)
            got = slope(x, c)
            assert got.dtype == want.dtype == dtype  # a Python number does not promote
            assert_close(got, want)


@pytest.mark.off_host
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "solve"])
def test_a_replay_reads_nothing_on_the_host(name, quick_xp):
    xp = quick_xp
    f = possible(name, xp)
    slope = ag.compile(ag.value_and_grad(loss(f)))
    x, y = xp.asarray(X), xp.asarray(0.5 * X)
    slope(x, 0.5)
    with forbid_host_copies():
        slope(y, 0.75)
        slope(x, 0.5)


def test_a_branch_is_asked_for_in_every_library(quick_xp):
    xp = quick_xp
    compiled = ag.compile(lambda x: x * 2.0 if ag.namespace(x).sum(x) > 0 else -x)
    for host in (X, -X, 0.5 * X, -X):
        x = xp.asarray(host)
        with allow_host_copies():  # as the function itself, which asks for the truth of an array
            got = compiled(x)
        assert_close(got, host * 2.0 if host.sum() > 0 else -host)


def test_mixtures_are_refused_as_ever(quick_xp):
    xp = quick_xp
    if xp.backend == "numpy":
        pytest.skip("NumPy beside NumPy is no mixture")
    with pytest.raises((ag.errors.AnygradError, TypeError)):
        ag.compile(lambda x, y: x * y)(xp.asarray(X), X)


def test_scalars_of_numpy_beside_other_arrays(quick_xp):
    xp = quick_xp
    compiled = ag.compile(lambda x, c: x * c)
    for dtype in (xp.float64, xp.float32):
        for number in (np.float64(0.5), np.float32(0.25), 2.0):
            x = xp.asarray(X, dtype=dtype)
            try:
                want = ag.vjp(lambda x, number=number: x * number, x)[0]
            except (ag.errors.AnygradError, TypeError) as error:
                with pytest.raises(type(error)):
                    compiled(x, number)
                continue
            for _ in range(2):
                got = compiled(x, number)
                assert got.dtype == want.dtype
                assert_close(got, want)


KINDS = {
    "integers": np.arange(6).reshape(2, 3),
    "small integers": np.arange(6, dtype=np.int8),
    "booleans": np.array([True, False, True]),
    "half": np.array([0.1, 0.2, 0.3], np.float16),
    "single": np.array([0.1, 0.2, 0.3], np.float32),
    "complex": np.array([0.1 + 1j, -0.2, 0.3j]),
    "single complex": np.array([0.1 + 1j, -0.2, 0.3j], np.complex64),
    "no axes": np.asarray(0.7),
    "a scalar": np.float64(0.7),
    "a number": 0.7,
    "a complex number": 0.7 - 0.2j,
    "nothing": np.zeros((0, 3)),
    "strided": X[::2, ::-1],
    "transposed": X.T,
    "repeated": np.broadcast_to(X[0], (3, 3)),
}


def everything(x):
    """Operations that all kinds of numbers have."""
    y = x * 2 + 1
    z = y * y - x / 3
    return [y, z, -y, abs(z), z + np.float32(1.5), np.add(x, x), np.sum(z), x == y, np.exp(z * 0.1)]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_numbers_agrees(name):
    x = KINDS[name]
    f = everything if x is not KINDS["booleans"] else lambda x: [x * 2, ~x & x, np.sum(x), x == x]
    assert_agrees(f, (x,), (x * 3 if x is not KINDS["booleans"] else ~x,), (x,))


@pytest.mark.parametrize("name", ["strided", "transposed", "repeated", "no axes", "nothing"])
def test_every_kind_of_numbers_agrees_as_it_is_printed_by_default(name):
    assert_agrees(everything, (KINDS[name],), (KINDS[name] * 1.0,), (KINDS[name],))


def test_warnings_are_those_of_numpy():
    assert_agrees(lambda x: np.log(x) / x, (X,), (np.abs(X),), (0.0 * X,), (X,))
    compiled = ag.compile(np.log)
    with np.errstate(all="raise"):
        compiled(np.abs(X))
        with pytest.raises(FloatingPointError):
            compiled(-np.abs(X))
