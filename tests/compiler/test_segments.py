"""Arrays made of segments: the program that computes them so gives the same bits."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.program import Node, Program, Ref, spec_of
from anygrad.compiler.segments import Join, join_segments
from anygrad.compiler.segments.joins import Number, Op, Slice, computed
from anygrad.compiler.segments.keys import listed, rows_of_key
from anygrad.compiler.targets.plain import print_plain
from tests.compiler.stencils import (
    DERIVATIVES,
    STENCILS,
    curvature,
    fluxes,
    gradient,
    inputs,
    joins,
    kept_ends,
    put_together,
    random_function,
    ring,
    zero_ends,
)
from tests.compiler.targets.bits import assert_same_bits


def assert_agrees(f, *args, others=()):
    """The joined program gives the bits of the recorded one; returns it."""
    with np.errstate(all="ignore"):
        program = ag.compile(f).ir(*args)
        joined = join_segments(program)
        for given in (args, *others):
            assert_same_bits(print_plain(joined)(*given), print_plain(program)(*given))
    return joined


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("f", STENCILS)
def test_the_same_bits(f, derivative):
    for shape in ((40,), (17, 3)):
        x, *others = inputs(shape)
        assert_agrees(derivative(f), x, others=[(y,) for y in others])


@pytest.mark.parametrize("f", STENCILS)
def test_short_and_single(f):
    for n in (5, 6, 16, 17, 18, 19, 20, 21):
        x, *others = inputs(n, np.float32)
        assert_agrees(gradient(f), x, others=[(y,) for y in others])


def test_every_step_is_joined_once():
    x = inputs(100)[0]
    for f in (kept_ends, put_together, zero_ends):
        program = join_segments(ag.compile(gradient(f)).ir(x))
        assert not any(node.name in ("setitem", "scatter", "concat") for node in program.nodes)
        assert len(joins(program)) <= 7  # three steps, twice the last, three steps back
    program = join_segments(ag.compile(gradient(ring)).ir(x))
    assert len(joins(program)) <= 7


def test_a_step_back_reads_shifted_views_of_one_array():
    program = join_segments(ag.compile(gradient(kept_ends)).ir(inputs(100)[0]))
    made = {int(node.number): node for node in program.nodes}
    middle = max(joins(program)[-1].operands, key=lambda x: program.specs[x].size)
    waiting, read = [middle], set()
    while waiting:
        node = made[waiting.pop()]
        if node.name == "getitem":
            read.add((int(node.operands[0]), node.keywords["key"].start))
        else:
            waiting += node.uses()
    assert len({base for base, _ in read}) == 1
    assert sorted(start for _, start in read) == [1, 2, 3]


def test_differences_of_differences_are_not_stored():
    x = inputs(100)[0]
    program = join_segments(ag.compile(fluxes).ir(x))
    assert {program.specs[n.number].size for n in program.nodes if n.name == "subtract"} == {98}


def test_deep_chains_are_not_unrolled():
    def f(x):
        for _ in range(8):
            x = x[1:] * 0.5 + x[:-1]
        return x

    x = inputs(60)[0]
    joined = assert_agrees(f, x)
    assert len(joined.nodes) < 100
    assert len(join_segments(ag.compile(curvature(kept_ends)).ir(x)).nodes) < 1000


def test_what_is_cheap_is_computed_again_and_what_is_not_is_stored():
    def products(f):
        program = join_segments(ag.compile(f).ir(x))
        return sum(node.name == "multiply" for node in program.nodes)

    def long(x):
        for _ in range(12):
            x = x * 1.5
        return x[1:] - x[:-1]

    def often(x):
        y = x * 2.0
        return sum(y[k : k - 10] for k in range(10))

    def seldom(x):
        y = x * 2.0
        return y[1:] - y[:-1]

    x = inputs(60)[0]
    # of a long chain the first nine are stored, and the last three computed twice
    assert [products(f) for f in (long, often, seldom)] == [15, 1, 2]
    for f in (long, often, seldom):
        assert_agrees(f, x)


def test_factors_are_computed_again_on_the_way_back():
    def f(u):
        for _ in range(3):
            v = u.copy()
            v[1:-1] = u[1:-1] - 0.1 * u[1:-1] * (u[2:] - u[:-2])
            u = v
        return u

    x = inputs(100)[0]
    program = assert_agrees(gradient(f), x)
    pieces = {ref for node in joins(program) for ref in node.uses()}
    cut = {node.operands[0] for node in program.nodes if node.name == "getitem"}
    names = {int(node.number): node.name for node in program.nodes}
    stored = [ref for ref in cut - pieces if names.get(ref) in ("multiply", "subtract")]
    assert not stored


def test_what_overwrites_little_is_left_to_numpy():
    def f(x):
        y = np.exp(x)
        y[0] = 0.0
        return y

    x = inputs(100)[0]
    assert not joins(assert_agrees(f, x))


def test_numbers_of_the_program_and_ends_that_are_read_again():
    def f(x, t):
        v = x.copy()
        v[0] = t
        v[1:-1] = x[2:] * t
        v[-1] = x[3] * t
        return v, v[0] + v[-1], v[1:-1] * 2.0

    x = inputs(50)[0]
    joined = assert_agrees(f, x, 0.3)
    assert len(joins(joined)) == 1
    assert_agrees(ag.grad(lambda x, t: sum(np.sum(y) for y in f(x, t)), argnums=(0, 1)), x, 0.3)


def test_zeros_of_sums_keep_their_signs():
    def f(x, w):
        v = x * 1.0
        v[1:-1] = x[1:-1] * w + 0.0
        return v, x[:-1] - x[1:]

    def back(x, w, g, h):
        return ag.vjp(lambda x: f(x, w), x)[1]((g, h))[0]

    rng = np.random.default_rng(3)
    x, w = np.ones(40), np.ones(38)
    for _ in range(5):
        g, h = (rng.choice([0.0, -0.0], n) for n in (40, 39))
        joined = assert_agrees(back, x, w, g, h)
        assert joins(joined)


def parts_of(bounds, added):
    """A program that scatters an argument, as it is, to one place of zeros after the other."""
    x = np.ones(90)
    spec = spec_of(x)
    nodes, specs, total = [], {0: spec_of(x[:60]), 1: spec}, Ref(1)
    for k, start in enumerate(bounds):
        put, number = Ref(2 + 2 * k), Ref(3 + 2 * k)
        kw = {"key": slice(start, start + 60), "shape": (90,)}
        nodes.append(Node(put, "scatter", (Ref(0),), kw))
        nodes.append(Node(number, "add", (total, put) if added else (put, total)))
        specs |= {put: spec, number: spec}
        total = number
    return Program((Ref(0), Ref(1)), tuple(nodes), (total,), specs, ("x", "y"))


@pytest.mark.parametrize("added", [False, True])
def test_nothing_is_added_where_it_would_change_no_bit(added):
    # -0.0 + (0.0 + -0.0) is 0.0, and -0.0 + -0.0 is not
    part, whole = np.full(60, -0.0), np.full(90, -0.0)
    for bounds in ([3], [0, 30], [1, 2, 5]):
        program = parts_of(bounds, added)
        joined = join_segments(program)
        assert len(joins(joined)) == 1
        assert_same_bits(print_plain(joined)(part, whole), print_plain(program)(part, whole))
        assert not any(np.signbit(print_plain(program)(part, whole)[0]))


def value_of(piece, x):
    if type(piece) is Number:
        return np.float64(piece.value)
    if type(piece) is Slice:
        return x[piece.start]
    return getattr(np, piece.name)(*[value_of(one, x) for one in piece.operands])


def test_what_is_left_out_of_sums_changes_no_bit():
    leaves = [Number(0.0), Number(-0.0), Number(2.0), Slice(None, 0, 1), Slice(None, 1, 2)]
    pairs = [(name, a, b) for name in ("add", "multiply") for a in leaves for b in leaves]
    trees = [(Op(n, (a, b)), computed(n, (a, b), np.float64)) for n, a, b in pairs]
    trees += [(leaf, leaf) for leaf in leaves]
    xs = [(a, b) for a in (0.0, -0.0, 1.0, -1.0) for b in (0.0, -0.0, -2.0, np.inf)]
    with np.errstate(all="ignore"):
        for a, short_a in trees:
            for b, short_b in trees:
                short = computed("add", (short_a, short_b), np.float64)
                for x in xs:
                    assert_same_bits(value_of(short, x), value_of(Op("add", (a, b)), x))


def test_values_of_another_dtype_are_rounded_where_they_are_put():
    def f(x, w):
        v = x.copy()
        v[1:-1] = w[1:-1] * 3.0
        return v * np.float32(0.1) - x, v[2:5]

    x = inputs(40, np.float32)[0]
    assert_agrees(f, x, x.astype(np.float64) / 3.0)


def test_numbers_beyond_the_range_of_a_dtype_are_inf():
    def f(x):
        v = x * 0.5
        v[:2] = 3e38
        return v * 10.0 * 0.01

    assert_agrees(f, inputs(40, np.float32)[0])


def test_a_program_with_nothing_to_join_is_left_as_it_is():
    program = ag.compile(lambda x: np.sin(x) * 2.0 + x[0]).ir(np.ones(50))
    assert join_segments(program) is program


def test_a_join_fills_rows_with_numbers_and_single_rows():
    join = Join(((0, 1), (1, 3), (3, 4)), (4, 2), np.float32)
    row = np.ones((1, 2), np.float32)
    found = join([row * 2, 0.5, row[0]])
    np.testing.assert_array_equal(found, [[2, 2], [0.5, 0.5], [0.5, 0.5], [1, 1]])
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (slice(1, -1), (1, 9, False)),
        (slice(None), (0, 10, False)),
        (..., (0, 10, False)),
        ((slice(2, None), ...), (2, 10, False)),
        ((slice(2, 50), slice(None)), (2, 10, False)),
        ((slice(2, 4), slice(0, 3)), (2, 4, False)),
        (-2, (8, 9, True)),
        ((np.int64(3), ...), (3, 4, True)),
        ((slice(2, 4), slice(0, 2)), None),
        ((..., slice(0, 2)), None),
        (slice(None, None, -1), None),
        (slice(0, 4, 2), None),
        (slice(4, 4), None),
        (None, None),
        (True, None),
        ((slice(2, 4), None), None),
        (np.array([1]), None),
    ],
)
def test_rows_of_keys(key, rows):
    found = rows_of_key(key, (10, 3))
    assert (found if found is None else tuple(found)) == rows


def test_lists_of_indices():
    assert listed((np.array([-1, 2]),), (10,)) == [9, 2]
    assert listed(np.array([1, 1]), (10,)) is None
    assert listed(np.array([True] * 3), (3,)) is None
    assert listed(np.arange(9), (10,)) is None


def check_random(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5, 17, 20, 33]))
    f = random_function(seed, n, 12)

    def derivative(u, w):
        weights = np.linspace(-1.0, 1.0, n)
        return ag.grad(lambda u: sum(np.sum(y * weights) for y in (*f(u, w), u)))(u)

    u, *others = inputs(n, np.float32 if seed % 3 == 0 else np.float64, seed)
    w = u[::-1] * 1.0
    given = [(y, w) for y in others]
    one = assert_agrees(f, u, w, others=given)
    two = assert_agrees(derivative, u, w, others=given)
    return len(joins(one)) + len(joins(two))


def test_random_programs():
    assert sum(map(check_random, range(12))) > 20


@pytest.mark.slow
def test_many_random_programs():
    assert sum(map(check_random, range(100, 600))) > 1000
