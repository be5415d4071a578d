"""Large groups in tiles: no result depends on where they are cut."""

import itertools
import tracemalloc

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.targets import tiles
from tests.compiler.targets.bits import assert_replays, assert_same_bits, source

pytestmark = pytest.mark.usefixtures("numpy_only")  # kernels would take what is tiled here


@pytest.fixture
def small_tiles(monkeypatch):
    """Everything from 64 elements on is cut, into tiles of odd lengths."""
    monkeypatch.setattr(tiles, "TILED_FROM", 64)
    monkeypatch.setattr(tiles, "SMALLEST", 150)
    monkeypatch.setattr(tiles, "BUDGET", 1)


def values(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def wild(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(n) * np.exp(5 * rng.standard_normal(n))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_this_numpy_adds_in_a_tree_of_halves(dtype):
    for n in (1000, 4097, 8192, 12_345, 65_537):
        x = wild(n, dtype)
        for most in (1024, 3000):
            bounds = tuple(tiles.branches(n, most))
            assert bounds[0][0] == 0
            assert bounds[-1][1] == n
            assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))
            total = tiles.join([np.add.reduce(x[i:j]) for i, j in bounds], bounds)
            assert total == np.add.reduce(x)
            assert type(total) is dtype
    assert tiles.sums_follow_halves()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [30_000, 80_001, 99_991])
def test_sums_and_means_are_added_up_tile_by_tile(n, dtype):
    def f(x, y):
        z = x * y + np.sin(x)
        return np.sum(z), np.mean(z * z), z + 1.0

    x, y = wild(n, dtype), values(n, dtype, 1)
    compiled = assert_replays(f, x, y)
    assert ("join" in source(compiled, x, y)) == (n > 30_000)
    assert_replays(ag.value_and_grad(lambda x: np.sum(np.exp(-x * x) * np.sin(x))), y)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.complex64])
@pytest.mark.parametrize(
    ("shape", "others"),
    [
        ((64,), [(64,), (), (1,)]),
        ((65,), [(65,), ()]),
        ((1001,), [(1001,), (1,)]),
        ((30, 7), [(30, 7), (7,), (30, 1), (1, 7), (1, 1)]),
        ((3, 5, 11), [(3, 5, 11), (5, 11), (3, 1, 11), (1, 5, 1)]),
    ],
)
def test_operands_that_are_broadcast(shape, others, dtype):
    x = values(shape, dtype) if dtype != np.complex64 else values(shape, dtype) * (1 + 2j)
    for other in others:
        y = np.asarray(values(other, dtype, 1))

        def f(x, y):
            z = x * y + x
            w = np.where(np.real(z) > 0, z, y)
            return np.sum(w), w - 1, np.sum(z, axis=0), np.astype(np.real(z) > 1, np.float32) + 1

        assert_replays(f, x, y)
        assert_replays(lambda x, y: np.abs(x * y) ** 2 + x, np.asfortranarray(x), y)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("shape", [(300,), (20, 30), (2, 300)])
def test_arrays_that_are_no_row_of_memory(shape):
    x = np.repeat(values(shape), 2, axis=-1)[..., ::2]

    def f(x, y):
        z = np.sin(x) * y.T if x.ndim > 1 and x.shape[0] == x.shape[1] else np.sin(x) * y
        return np.exp(z) + z, np.sum(z * z)

    assert_replays(f, x, values(shape, seed=1))
    assert_replays(f, x[..., ::-1], np.asfortranarray(values(shape, seed=1)))
    assert_replays(f, np.asfortranarray(x), np.asfortranarray(values(shape, seed=1)))


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_round_alike_in_tiles(dtype):
    x = np.abs(values(1003, dtype)) + dtype(0.1)
    names = "sin cos tan exp log tanh sinh log1p expm1 sqrt cbrt asinh atan log2 exp2 log10"
    for name in names.split():
        function = getattr(np, name)
        compiled = assert_replays(lambda x, g=function: g(x * 0.7) * g(x), x)
        assert "for i, j in" in source(compiled, x)
    for power in (2, 3, 0.5, -1, 1.7):
        assert_replays(lambda x, p=power: (x * 0.7) ** p + x**p, x)


@pytest.mark.usefixtures("small_tiles")
def test_values_that_leave_a_group_and_come_back():
    def f(x):
        y = np.sin(x) * x
        z = y - np.sum(y)  # not of the first group: it needs all of it
        w = z / np.sqrt(np.mean(z * z)) + y
        return w, np.flip(w, axis=0) * y + x, np.max(w)

    compiled = assert_replays(f, values(500))
    assert source(compiled, values(500)).count("for i, j in") >= 3
    assert_replays(ag.grad(lambda x: np.sum(f(x)[1])), values(500))


@pytest.mark.usefixtures("small_tiles")
def test_choices_between_values_that_are_not_needed_any_more():
    def f(x, y):
        return np.where(x * y > 0.1, x * 2.0, y * 3.0) + 1.0, np.where(x > y, x - y, 0.0) * y

    assert_replays(f, values(501), values(501, seed=1))
    assert_replays(f, values((20, 25)), values(25, seed=1))


def adam(p, g, m, v, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * (g * g)
    return p - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v


@pytest.mark.parametrize("n", [5000, 40_001])
def test_a_step_in_donated_memory(n):
    state = [values(n, np.float32, k) for k in range(4)]
    state[3] = np.abs(state[3])
    wanted = adam(*state, 3.0)
    compiled = ag.compile(adam, donate=(0, 2, 3))
    for _ in range(3):
        p, g, m, v = [x.copy() for x in state]
        found = compiled(p, g, m, v, 3.0)
        assert_same_bits(found, wanted)
        assert_same_bits(g, state[1])
    assert found[0] is p
    assert found[1] is m
    assert found[2] is v


@pytest.mark.usefixtures("small_tiles")
def test_donated_memory_is_not_written_before_its_last_use():
    def f(p, q):
        y = q * 2.0 + 1.0  # takes the memory of p, which is read after it
        z = p - y
        return y, z * p, np.flip(q, axis=0) + 1.0

    compiled = ag.compile(f, donate=(0, 1))
    p, q = values(301), values(301, seed=1)
    wanted = f(p, q)
    for _ in range(3):
        assert_same_bits(compiled(p.copy(), q.copy()), wanted)
    both = np.concatenate([p, q])
    assert_same_bits(compiled(both[:301], both[301:]), wanted)


@pytest.mark.usefixtures("small_tiles")
def test_donated_memory_that_other_tiles_read_is_not_written():
    def f(p, q):
        return (q + p.T) * 2.0, np.sum(q)

    compiled = ag.compile(f, donate=0)
    p, q = values((30, 30)), values((30, 30), seed=1)
    for _ in range(3):
        assert_same_bits(compiled(p.copy(), q), f(p, q))


def test_a_long_chain_takes_memory_for_its_result_only():
    def f(x):
        y = x
        for _ in range(5):
            y = (y * 1.01 + x) * 0.5
            y = np.tanh(y) * x
        return np.sum(y * y)

    compiled, x = ag.compile(ag.grad(f)), values(200_000)
    compiled(x)
    compiled(x)
    tracemalloc.start()
    compiled(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * x.nbytes


def test_errors_and_warnings_come_from_tiles_too():
    f = ag.compile(lambda x: np.log(x) * 2.0 + x)
    x = np.ones(70_000)
    f(x)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        f(-x)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(0.0 * x)
    assert_same_bits(f(x), x)


def test_a_choice_is_not_written_over_a_donated_array_that_it_reads():
    f = ag.compile(lambda x, y: np.where(y > 0.0, x, y), donate=0)
    y = np.sin(np.arange(100_000.0))
    for k in range(3):
        x = np.arange(100_000.0) + k
        expected = np.where(y > 0.0, x, y)
        assert_same_bits((f(x, y),), (expected,))
