"""NumPy programs in kept arrays give the same bits as NumPy without them."""

import threading
import tracemalloc

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import anygrad as ag
from anygrad.compiler.targets.plain import print_plain
from anygrad.ops import ROWS
from tests.compiler.targets.bits import assert_replays, assert_same_bits, source

DTYPES = [np.float32, np.float64, np.complex64, np.complex128, np.int32, np.int64, np.bool_]


def values(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 3
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x).astype(dtype)


def operands_of(name, dtype):
    function = getattr(np, name)
    found = [values((3, 5), dtype, seed) for seed in range(function.nin)]
    return [np.abs(x) for x in found] if name == "pow" and np.dtype(dtype).kind == "i" else found


def has_loop(name, dtype):
    try:
        with np.errstate(all="ignore"):
            getattr(np, name)(*operands_of(name, dtype))
    except TypeError:
        return False
    return True


UFUNCS = [
    (name, dtype)
    for name in sorted(ROWS)
    if isinstance(getattr(np, name, None), np.ufunc) and name != "matmul"
    for dtype in DTYPES
    if has_loop(name, dtype)
]


def of_layout(x, layout):
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if layout == "backwards":
        return x[..., ::-1]
    if layout == "broadcast":
        return np.broadcast_to(x[:1], x.shape)
    if layout == "read-only":
        x.flags.writeable = False
    return x


@pytest.mark.parametrize(("name", "dtype"), UFUNCS, ids=lambda x: getattr(x, "__name__", x))
def test_ufuncs_in_a_chain_give_equal_bits(name, dtype):
    function, operands = getattr(np, name), operands_of(name, dtype)

    def f(*xs):
        kept = [np.where(x == x, x, x) for x in xs]  # values whose arrays can be taken over
        return np.stack([function(*xs), function(*kept)]), function(*xs)

    assert_replays(f, *operands)
    if function.nin == 2 and np.dtype(dtype).kind == "f":
        assert_replays(lambda x: function(function(x, 2.0)[:, 1:], 1.5)[1:] > 0.5, operands[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("exponent", [2, 2.0, 0.5, -1, -1.0, 1, 0, 3, 1.7])
def test_powers_are_those_of_the_operator(dtype, exponent):
    x = values(1001, dtype)
    if np.dtype(dtype).kind == "i":
        x, exponent = np.abs(x) + 1, abs(exponent)
    assert_replays(lambda x: (x + x) ** exponent + 1, x)


@pytest.mark.parametrize("layout", ["fortran", "strided", "backwards", "broadcast", "read-only"])
def test_the_order_of_memory_of_the_arguments_does_not_matter(layout):
    x = of_layout(values((40, 30), np.float32), layout)

    def f(x):
        y = np.sin(x) * x + 0.1
        z = np.exp(-y * y).T
        return np.sum(z), np.sum(z, axis=0), np.mean(y, axis=1), z @ y, np.where(y > 0, y, x)

    assert_replays(f, x)
    assert_replays(ag.grad(lambda x: np.sum(np.sin(x * x) * np.exp(-x))), x)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (1, 1), (3, 0, 2), (1, 5), (5, 1), (2, 3, 4)])
def test_shapes_of_all_kinds(shape):
    def f(x, y):
        z = np.sin(x) * y + 1.0
        w = np.reshape(np.where(z > y, z, 0.0) ** 2, (-1,))
        return np.sum(z), w, np.maximum(z, w[0]) if w.size else z, z[..., None] * 2 + 1

    assert_replays(f, values(shape, np.float64), values(shape, np.float64, 1))
    assert_replays(f, values(shape, np.float64), values((), np.float64, 1)[()])


@st.composite
def graphs(draw):
    """A list of operations on the values before them, and which are returned."""
    count = draw(st.integers(3, 20))
    steps = [
        (draw(st.integers(0, 13)), draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1)))
        for k in range(count)
    ]
    return steps, draw(st.lists(st.integers(2, count + 1), min_size=1, max_size=4))


def run_graph(graph, x, y):
    steps, returned = graph
    found = [x, y]
    for kind, i, j in steps:
        a, b = found[i], found[j]
        operation = [
            lambda a, b: a + b,
            lambda a, b: a * b,
            lambda a, b: np.sin(a),
            lambda a, b: a - 0.5,
            lambda a, b: np.where(a > b, a, b),
            lambda a, b: np.maximum(a, b),
            lambda a, b: a.T,
            lambda a, b: a[::-1],
            lambda a, b: np.sum(a, axis=0) + b,
            lambda a, b: a - np.max(b, axis=1, keepdims=True),
            lambda a, b: np.reshape(a, (-1,)).reshape(b.shape),
            lambda a, b: a @ b,
            lambda a, b: np.astype(a > b, np.float64),
            lambda a, b: a**2,
        ][kind]
        result = operation(a, b)
        found.append(result if kind in (6, 7, 10) else np.tanh(result))  # views stay views
    return [found[k] for k in returned]


@hypothesis.settings(max_examples=30)
@hypothesis.given(graphs())
def test_no_value_is_overwritten_while_it_is_needed(graph):
    x, y = values((4, 4), np.float64), values((4, 4), np.float64, 1)
    kept = x.copy(), y.copy()
    compiled = assert_replays(lambda x, y: run_graph(graph, x, y), x, y)
    first = compiled(x, y)
    wanted = [r.copy() for r in first]
    compiled(y, x)
    assert_same_bits(first, wanted)  # a later call writes into memory of its own
    for r in first:
        r[...] = np.nan
    assert_same_bits(compiled(x, y), wanted)
    assert_same_bits([x, y], kept)


def test_an_array_is_kept_as_long_as_views_of_it():
    def f(x):
        y = np.sin(x)
        part = y[1:].T
        z = np.exp(np.cos(x) * 2.0) - np.cos(x)  # could take the place of y, were it not for part
        return part * z[1:].T, np.sum(np.reshape(np.sqrt(z), (-1,)) + 1.0)

    assert_replays(f, values((5, 4), np.float64))


def test_the_text_that_is_replayed_allocates_results_only():
    compiled = ag.compile(ag.grad(lambda x: np.sum(np.sin(np.sin(x) * x) * 1.01)))
    x = values(50_000, np.float64)[:20_000]
    compiled(x)
    compiled(x)
    tracemalloc.start()
    result = compiled(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.nbytes <= peak < 1.3 * result.nbytes


@pytest.mark.parametrize("kernels", ["off", "always"])
def test_memory_is_steady_over_many_calls(kernels):
    with ag.use_settings(kernels=kernels):  # a compiler that is imported takes memory, too
        check_memory()


def check_memory():
    compiled = ag.compile(ag.value_and_grad(lambda x: np.sum(np.sin(x) * x)))
    x = values(1000, np.float64)
    for _ in range(5):
        compiled(x)
    tracemalloc.start()
    for _ in range(300):
        compiled(x)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 5000


def test_threads_do_not_share_arrays():
    f = ag.grad(lambda x: np.sum(np.sin(np.exp(np.sin(x) * x)) * x))
    compiled = ag.compile(f)
    xs = [values(3000, np.float64, seed) for seed in range(4)]
    wanted = [f(x) for x in xs]
    compiled(xs[0])
    wrong = []

    def hammer(k):
        for _ in range(60):
            if not np.array_equal(compiled(xs[k]), wanted[k]):
                wrong.append(k)

    threads = [threading.Thread(target=hammer, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_an_error_in_the_middle_leaves_the_program_usable():
    compiled = ag.compile(lambda x: np.log(np.sin(x) + 2.0 * x) * 2)
    x = values(10, np.float64)
    good = np.abs(x) + 1
    wanted = compiled(good)
    with np.errstate(all="raise"):
        assert_same_bits(compiled(good), wanted)
        with pytest.raises(FloatingPointError):
            compiled(-good)
        assert_same_bits(compiled(good), wanted)


def test_warnings_are_those_of_the_function():
    f = ag.compile(lambda x: np.log(x) * (1.0 + x))
    f(np.ones(4))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(np.zeros(4))


def test_a_written_part_is_copied_only_where_the_whole_is_needed():
    def f(x):
        y = np.asarray(x * 2.0, copy=True)
        y[1:3] = x[:2]
        z = np.sin(y)
        y[0] = 7.0
        return y + z, z

    assert_replays(f, values(5, np.float64))


def test_donated_memory_is_written_by_the_last_operation():
    def f(p, g):
        return p - 0.1 * (g + 0.5 * p), g

    compiled = ag.compile(f, donate=0)
    p, g = values(8000, np.float32), values(8000, np.float32, 1)
    wanted = f(p, g)
    compiled(p.copy(), g)
    mine = p.copy()
    found = compiled(mine, g)
    assert found[0] is mine
    assert_same_bits(found, wanted)
    frozen = p.copy()
    frozen.flags.writeable = False
    found = compiled(frozen, g)
    assert found[0] is not frozen
    assert_same_bits(found, wanted)
    assert_same_bits(frozen, p)


@pytest.mark.parametrize(
    "f",
    [
        lambda p, q: (q * 2.0 + 1.0, p * q),  # the first result takes the memory of p
        lambda p, q: (np.where(q > 0, p, q), q),
        lambda p, q: (np.where(p > 0, q, 1.0), q),
        lambda p, q: (np.sin(q), np.flip(p, axis=0) + np.sin(q)),
        lambda p, q: (p + 1.0, p[::-1] * 2.0),
    ],
    ids=["product", "chosen", "condition", "flipped", "view"],
)
def test_donated_memory_is_not_written_while_it_is_needed(f):
    p, q = values(8000, np.float64), values(8000, np.float64, 1)
    compiled, wanted = ag.compile(f, donate=0), f(p, q)
    for _ in range(3):
        assert_same_bits(compiled(p.copy(), q), wanted)


def test_an_error_with_donated_arguments_is_not_tried_again():
    def f(p):
        total = np.sum(p)
        return -p, np.log(total)  # with the first result in the place of p there is no error

    compiled = ag.compile(f, donate=0)
    x = np.ones(9000)
    with np.errstate(all="raise"):
        for _ in range(2):
            assert_same_bits(compiled(x.copy()), f(x))
        with pytest.raises(FloatingPointError):
            compiled(-x)


def test_ties_share_a_derivative():
    x, y = np.array([1.0, 2.0, np.nan, -0.0, 3.0]), np.array([1.0, 0.0, 1.0, 0.0, 3.0])
    for dtype in (np.float32, np.float64):
        f = ag.grad(lambda x, y: np.sum(np.sin(np.maximum(x, y) * np.minimum(y, x) * x)))
        compiled = assert_replays(f, x.astype(dtype), y.astype(dtype))
        assert "where" in [
            node.name for node in compiled.ir(x.astype(dtype), y.astype(dtype)).nodes
        ]


def test_only_shares_of_the_same_comparison_become_a_choice():
    c, d = np.array([1.0, 3.0]), np.array([1.0, 2.0])

    def f(x):
        wins, ties = np.astype(x > c, np.float64), np.astype(x == d, np.float64)
        others = np.astype(x == c, np.float64)
        return wins + 0.5 * ties, wins + 0.5 * others, wins + 0.25 * others

    compiled = assert_replays(f, np.array([1.0, 2.0]))
    assert [node.name for node in compiled.ir(c).nodes].count("where") == 1


def test_a_donated_array_that_overlaps_another_argument_is_left_alone_until_the_end():
    def f(p, q):
        y = p + 1.0
        return y, y * q

    compiled = ag.compile(f, donate=0)
    x = values(8001, np.float64)
    compiled(x[:-1].copy(), x[1:].copy())
    wanted = f(x[:-1].copy(), x[1:].copy())
    assert_same_bits(compiled(x[:-1], x[1:]), wanted)


def test_a_guard_that_fails_finds_donated_arguments_as_they_were():
    def f(p, s):
        y = p * 2.0
        return y if np.sum(y * s) > 0 else y - 1.0

    compiled = ag.compile(f, donate=0)
    p = values(9000, np.float64)
    p = p * np.sign(np.sum(p))
    compiled(p.copy(), 1.0)
    assert_same_bits(compiled(p.copy(), -1.0), p * 2.0 - 1.0)
    assert_same_bits(compiled(p.copy(), 1.0), p * 2.0)


def test_results_of_scalars_are_numpys_scalars():
    def f(x):
        return np.sum(x) * 2.0, np.sin(x[0]), np.mean(x), np.max(x) ** 2

    compiled = assert_replays(f, values(6, np.float32))
    assert all(type(r) is np.float32 for r in compiled(values(6, np.float32)))


def test_the_plain_target_gives_the_same():
    def f(x, w):
        y = np.maximum(x @ w, 0.0)
        return np.sum(np.log(np.sum(np.exp(y - np.max(y, axis=1, keepdims=True)), axis=1)))

    x, w = values((6, 4), np.float32), values((4, 5), np.float32, 1)
    compiled = ag.compile(ag.value_and_grad(f, argnums=(0, 1)))
    program = compiled.ir(x, w)
    assert "matmul" in source(compiled, x, w)
    assert_same_bits(list(ag.trees.leaves(compiled(x, w))), list(print_plain(program)(x, w)))
