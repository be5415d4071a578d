"""Stacked points are believed only where the function treats each of them by itself.

Every function here is right at single points; what it does to stacked points differs.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad.differences import gradient
from anygrad.errors import ShapeError

N = 6
RNG = np.random.default_rng(7)
A = RNG.normal(size=(N, N))
ROW = RNG.normal(size=N)
TABLE = RNG.normal(size=(4, N))


def softmax_of_last(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# Functions of one vector of length N that work on stacked points too.
STACKABLE = {
    "sum over axis 0": lambda x: np.sum(x**2, axis=0),
    "components": lambda x: x[0] ** 2 * x[1] + np.sin(x[2]),
    "last component": lambda x: x[-1] * x[0],
    "matrix times vector": lambda x: np.sum((A @ x) ** 2, axis=0),
    "neighbours": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0),
    "solve": lambda x: np.sum(np.linalg.solve(A, x) ** 3, axis=0),
    "roll of axis 0": lambda x: np.sum((x - np.roll(x, 1, axis=0)) ** 3, axis=0),
    "einsum with dots": lambda x: np.sum(np.einsum("ij,j...->i...", TABLE, x) ** 2, axis=0),
}

# Functions of one vector that misread stacked points: by error, by shape, or without a sign.
MISREADING = {
    "sum over everything": lambda x: np.sum(x**2),
    "norm of everything": np.linalg.norm,
    "sum over the last axis": lambda x: np.sum(x**2, axis=-1),
    "dot": lambda x: x @ x,
    "row times vector": lambda x: ROW @ x * np.sum(x),
    "vector times matrix": lambda x: x @ A @ x,
    "periodic neighbours": lambda x: np.sum((x - np.roll(x, 1)) ** 2, axis=0),
    "centred": lambda x: np.sum((x - x.mean(axis=-1, keepdims=True)) ** 2, axis=0),
    "fourier": lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2, axis=0),
    "softmax": lambda x: np.sum(
        softmax_of_last(x) * np.arange(x.shape[0]).reshape(-1, *[1] * (x.ndim - 1)), axis=0
    ),
    "sorted": lambda x: np.sum(
        np.sort(x) ** np.arange(1, x.shape[0] + 1).reshape(-1, *[1] * (x.ndim - 1)), axis=0
    ),
    "running sum": lambda x: np.sum(np.cumsum(x, axis=-1) ** 2, axis=0),
    "differences": lambda x: np.sum(np.diff(x) ** 2, axis=0),
    "python if": lambda x: x[0] ** 2 if x[1] > 0 else 3.0 * x[1],
    "branch on all": lambda x: np.sum(x**3 if np.all(x > x_min(x)) else 2 * x, axis=0),
    "largest of all": lambda x: np.sum(x**2, axis=0) / np.max(np.abs(x)),
    "python float": lambda x: float(x[0]) ** 2,
    "loop over the last axis": lambda x: sum(x[..., i] ** (i + 1) for i in range(x.shape[-1])),
    "flattened": lambda x: np.sum(np.asarray(x).reshape(-1)[:N] ** 2),
    "repeated": lambda x: np.sum(np.ravel(x)[: x.shape[-1]]) ** 2 * np.ones(x.shape[1:]),
    "answers to the first": lambda x: (
        np.ones(x.shape[1:]) * np.sum(np.reshape(x, (N, -1))[:, 0] ** 2)
    ),
    "answers to the middle": lambda x: (
        np.ones(x.shape[1:]) * np.sum(np.reshape(x, (N, -1))[:, x.size // N // 2] ** 2)
    ),
}


def x_min(x):
    return 0.5 * np.min(np.abs(x)) - 0.3


POINTS = {
    "generic": RNG.normal(size=N),
    "zeros": np.zeros(N),
    "ones": np.ones(N),
    "steps": np.arange(1.0, N + 1),
}


def loop(f, x, **options):
    """An independent textbook loop at the library's own step, 2^-17 or the next powers of two."""
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        h = 2.0 ** np.round(np.log2(np.finfo(float).eps ** (1 / 3) * max(1.0, abs(x[i]))))
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        slopes[i] = (f(above) - f(below)) / (2 * h)
    return slopes


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", [*STACKABLE, *MISREADING])
def test_auto_is_right_whatever_the_function_does_to_stacks(name, point):
    f = {**STACKABLE, **MISREADING}[name]
    x = POINTS[point]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(gradient(f, x), loop(f, x), rtol=1e-6, atol=1e-6)


def count_calls(f):
    def counted(x):
        counted.calls += 1
        return f(x)

    counted.calls = 0
    return counted


@pytest.mark.parametrize("name", STACKABLE)
def test_auto_stacks_what_can_be_stacked(name):
    f = count_calls(STACKABLE[name])
    gradient(f, POINTS["generic"])
    assert f.calls == 3  # two probes and one stack


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("seed", range(4))
def test_matrices_read_as_stacks_of_vectors_are_noticed(method, seed):
    # (a, b, m) times (b, c) multiplies other axes than (a, b) times (b, c) does
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(3, 3))
    x = rng.normal(size=(3, 3)) if seed else np.eye(3)
    f = {
        0: lambda w: np.sum((data @ w) ** 2, axis=(0, 1)),
        1: lambda w: np.sum((w @ data) ** 2, axis=(0, 1)),
        2: lambda w: np.sum((data @ w @ data) ** 3, axis=(0, 1)),
        3: lambda w: np.linalg.det(w),
    }[seed]
    error = 1e-6 if method == "central" else 1e-4
    np.testing.assert_allclose(gradient(f, x, method=method), loop(f, x), atol=error)


@pytest.mark.parametrize("count", range(2, 40))
def test_data_of_any_length_never_slips_along_the_points(count):
    # b has as many entries as some batch may have points; then it is subtracted along them
    b = np.random.default_rng(count).normal(size=count)
    m = np.random.default_rng(1).normal(size=(count, N))
    x = POINTS["generic"]
    for f in (
        lambda x: np.sum((m @ x - b) ** 2, axis=0),
        lambda x: np.sum(x, axis=0) * (b if x.ndim > 1 and x.shape[-1] == count else b[0]),
    ):
        np.testing.assert_allclose(gradient(f, x), loop(f, x), atol=1e-5)


def test_no_batch_has_as_many_points_as_a_dimension():
    seen = []

    def f(t):
        if t["a"].ndim > 1:
            seen.append(t["a"].shape[-1])
        return np.sum(t["a"], axis=0) + np.sum(t["b"], axis=(0, 1))

    gradient(f, {"a": np.ones(10), "b": np.ones((23, 2))}, batch_bytes=4000)
    # 56 elements of 8 bytes, two neighbours each: 4 coordinates fit, 8 points and 2 probes
    assert set(seen) == {11}


SLIGHT = {
    "largest of all": np.max,
    "largest of the last axis": lambda x: np.max(x, axis=-1, keepdims=True)[0],
    "mean of all": lambda x: np.mean(x**2),
    "running mean": lambda x: np.cumsum(x, axis=-1)[0] / np.arange(1, 1 + x.shape[-1]),
}


@pytest.mark.parametrize("name", SLIGHT)
def test_a_slight_mixing_of_points_is_noticed(name):
    # too little to be seen in the sum of all slopes, a thousand times what differences resolve
    def f(x):
        slight = SLIGHT[name](x if x.ndim > 1 else x[:, None])
        slight = slight if x.ndim > 1 else np.reshape(slight, ())
        return np.sum(x**2, axis=0) + 1e-4 * slight

    x = np.linspace(1.0, 2.0, 50)
    np.testing.assert_allclose(gradient(f, x), loop(f, x), rtol=0, atol=1e-7)


def test_a_stack_wrong_in_one_place_only_is_noticed():
    def f(x):
        value = np.sum(x**2, axis=0)
        if x.ndim > 1:
            value = value.copy()
            value[x.shape[-1] // 3] += 1e-3
        return value

    x = np.linspace(1, 2, 20)
    np.testing.assert_allclose(gradient(f, x), 2 * x, rtol=1e-8)


def test_many_batches_give_what_one_gives(quick_xp):
    xp = quick_xp
    from tests.support import to_host

    x = xp.asarray(np.linspace(0.1, 2.0, 23).tolist())
    whole = to_host(gradient(lambda x: xp.sum(xp.exp(x), axis=0), x))
    for evaluate in ("auto", "stacked", "loop"):
        f = count_calls(lambda x: xp.sum(xp.exp(x), axis=0))
        parts = to_host(gradient(f, x, evaluate=evaluate, batch_bytes=8 * 23 * 2 * 5))
        # values near 70, added in another order, over twice a step of 6e-6
        np.testing.assert_allclose(parts, whole, rtol=0, atol=2 * 70 * 2.2e-16 / 1.2e-5)
        assert f.calls == {"auto": 7, "stacked": 5, "loop": 46}[evaluate]


def test_asserted_stacks_are_believed_and_must_have_the_shape():
    x = np.linspace(1.0, 2.0, 5)
    f = count_calls(lambda x: np.sum(x**2, axis=0))
    gradient(f, x, evaluate="stacked")
    assert f.calls == 1
    with pytest.raises(ShapeError, match="evaluate='loop'"):
        gradient(lambda x: np.sum(x**2), x, evaluate="stacked")


def test_errors_of_the_function_itself_are_seen():
    def broken(x):
        raise KeyError("mine")

    for evaluate in ("auto", "stacked", "loop"):
        with pytest.raises(KeyError, match="mine"):
            gradient(broken, np.ones(5), evaluate=evaluate)


@given(
    st.integers(3, 30), st.integers(0, 2**31), st.sampled_from(["central", "forward", "backward"])
)
def test_auto_equals_loop_for_random_polynomials_in_matrices(n, seed, method):
    rng = np.random.default_rng(seed)
    x, m, b = rng.normal(size=n), rng.normal(size=(n, n)), rng.normal(size=n)

    def f(x):
        y = m @ x
        return np.sum((y.T - b).T ** 2, axis=0) + x[0] * x[-1]

    auto, single = (gradient(f, x, method=method, evaluate=e) for e in ("auto", "loop"))
    rounding = 64 * np.finfo(float).eps * f(x) * 2.0 ** (18 if method == "central" else 27)
    np.testing.assert_allclose(auto, single, rtol=0, atol=rounding)
