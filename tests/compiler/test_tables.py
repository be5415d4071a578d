"""Tables: many small arrays to which the same is done are computed at once."""

import threading

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.targets.chunks import LARGEST
from tests.compiler.targets.bits import assert_same_bits

SHAPES = [(3,), (1,), (17, 5), (64,), (2, 3, 4), (1000,), (1, 7), (255,), (33,), (12, 12)] * 3


def f(tree, rate):
    """Several operations on each leaf, with several results that are read on."""

    def one(p):
        m = 0.9 * p + 0.1 * p * p
        v = np.sqrt(np.abs(m) + 1e-3)
        return p - rate * m / (v + 1e-8), np.maximum(m, 0.0), np.where(p > 0, v, -v)

    return [one(p) for p in tree]


def trees_like(shapes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def gathered(compiled, *args):
    """The numbers of leaves in the tables of a compiled function."""
    return [len(one.rows) for one in compiled.explain(*args).tables]


def check(g, shapes, dtype=np.float64, **options):
    """A function gives what it gives, in several calls with other arguments; returns it."""
    compiled = ag.compile(g, **options)
    for seed in range(4):
        tree, rate = trees_like(shapes, dtype, seed), 0.1 * (seed + 1)
        wanted = g([x.copy() for x in tree], rate)
        assert_same_bits(compiled(tree, rate), wanted)
    return compiled


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16], ids=lambda d: d.__name__)
def test_leaves_of_many_shapes_have_the_bits_of_the_function(dtype):
    compiled = check(f, SHAPES, dtype)
    assert gathered(compiled, trees_like(SHAPES, dtype), 0.1) == [len(SHAPES)]


def test_leaves_of_two_dtypes_are_two_tables():
    tree = trees_like(SHAPES, np.float64) + trees_like(SHAPES, np.float32)
    compiled = ag.compile(f)
    for _ in range(3):
        assert_same_bits(compiled(tree, 0.3), f(tree, 0.3))
    assert gathered(compiled, tree, 0.3) == [len(SHAPES)] * 2


def test_arrays_of_two_dtypes_whose_results_have_one_are_two_tables():
    def g(tree, rate):
        return [(x > 0.25) & (x < 0.5) & (x != 0.3) for x in tree]

    tree = trees_like(SHAPES[:5], np.float64) + trees_like(SHAPES[:5], np.float32)
    compiled = ag.compile(g)
    for _ in range(3):
        assert_same_bits(compiled(tree, 0.3), g(tree, 0.3))


def test_large_leaves_stay_out_of_the_table():
    shapes = [*SHAPES, (LARGEST * 8,), (300, 400)]
    compiled = check(f, shapes)
    assert gathered(compiled, trees_like(shapes, np.float64), 0.1) == [len(SHAPES)]


def test_more_elements_than_a_chunk_are_cut_between_leaves():
    shapes = [(1000 + k,) for k in range(60)]
    compiled = check(f, shapes, np.float32)
    assert gathered(compiled, trees_like(shapes, np.float32), 0.1) == [60]


def test_empty_and_0_d_leaves_are_computed_beside_the_table():
    check(f, [*SHAPES, (), (0,), (3, 0), ()])


def test_leaves_in_another_order_of_memory_keep_it():
    tree = [np.asfortranarray(x) for x in trees_like([(4, 5)] * 20 + [(6,)] * 20, np.float64)]
    compiled = ag.compile(f)
    for _ in range(3):
        found = compiled(tree, 0.2)
        for x, y in zip(ag.trees.leaves(found), ag.trees.leaves(f(tree, 0.2)), strict=True):
            assert x.strides == y.strides
            assert_same_bits(x, y)
    assert gathered(compiled, tree, 0.2) == [20]


def test_leaves_to_which_other_things_are_done_are_other_tables():
    def g(tree, rate):
        half = len(tree) // 2
        return f(tree[:half], rate), f(tree[half:], rate * 2), [x * 2.0 for x in tree]

    compiled = check(g, SHAPES + SHAPES)
    found = compiled.explain(trees_like(SHAPES + SHAPES, np.float64), 0.1).tables
    assert sum(len(one.rows) for one in found) == 2 * len(SHAPES)


def test_constants_that_differ_by_the_sign_of_zero_are_told_apart():
    def g(tree, rate):
        zeros = [0.0, -0.0] * len(tree)
        return [np.abs(p) * rate * z for p, z in zip(tree, zeros, strict=False)]

    compiled = check(g, [(5,)] * 30)
    assert gathered(compiled, trees_like([(5,)] * 30, np.float64), 0.1) == [15, 15]


def test_what_a_table_gives_is_read_by_a_later_one():
    def g(tree, rate):
        first = [(p * p + rate) * p - 1.0 for p in tree]
        total = sum(np.sum(x) for x in first)
        return [x / total * rate + x for x in first]

    shapes = [(k, 3) for k in range(1, 30)]
    compiled = check(g, shapes)
    assert gathered(compiled, trees_like(shapes, np.float64), 0.1) == [29, 29]


def test_few_leaves_are_not_gathered():
    tree = trees_like([(8,), (9,)], np.float64)
    compiled = ag.compile(lambda tree: [p - 0.1 * p for p in tree])
    assert gathered(compiled, tree) == []


def test_results_are_arrays_of_their_own_in_every_call():
    tree, compiled = trees_like(SHAPES, np.float64), ag.compile(f)
    compiled(tree, 0.1)
    first, second = (ag.trees.leaves(compiled(tree, 0.1)) for _ in range(2))
    assert all(x.flags.owndata or x.base.size == x.size for x in first)
    kept = [x.copy() for x in second]
    for x in first:
        x[...] = np.nan
    assert_same_bits(second, kept)
    assert_same_bits(compiled(tree, 0.1), kept)


def step(params, grads):
    return [p - 0.1 * g / (np.sqrt(g * g) + 1e-3) * 0.5 for p, g in zip(params, grads, strict=True)]


def test_donated_leaves_take_their_results():
    compiled = ag.compile(step, donate=0)
    grads = trees_like(SHAPES, np.float64, 1)
    for seed in range(3):
        params = trees_like(SHAPES, np.float64, seed)
        wanted = step(params, grads)
        found = compiled(params, grads)
        assert_same_bits(found, wanted)
    assert all(x is y for x, y in zip(found, params, strict=True))


def test_donated_leaves_that_are_read_only_or_shared_are_left_alone():
    compiled = ag.compile(step, donate=0)
    grads = trees_like(SHAPES, np.float64, 1)
    compiled(trees_like(SHAPES, np.float64), grads)
    params = trees_like(SHAPES, np.float64, 2)
    params[0].flags.writeable = False
    grads[3] = params[3]
    params[5] = grads[5][:]
    kept = [x.copy() for x in (*params, *grads)]
    wanted = step(params, grads)
    assert_same_bits(compiled(params, grads), wanted)
    assert_same_bits([params[0], grads[5]], [kept[0], kept[len(params) + 5]])


def test_donated_leaves_that_other_rows_read_in_another_shape_are_written_last():
    def one(p):
        return (np.sqrt(p * p + 1.0) * 0.5 - p * 0.3) / 1.5

    def g(params):
        return [one(p) for p in params], [one(p.reshape(-1)) for p in params]

    compiled = ag.compile(g, donate=0)
    shapes = [(20, 30)] * 40
    for seed in range(3):
        params = trees_like(shapes, np.float32, seed)
        wanted = g(params)
        assert_same_bits(compiled(params), wanted)
    assert gathered(compiled, params) == [80]


def test_nothing_is_written_before_a_guard_fails():
    def g(params):
        new = [p - 0.1 * p / (np.sqrt(p * p) + 1e-3) for p in params]
        return new if np.sum(new[0]) > 0 else [-x for x in new]

    compiled = ag.compile(g, donate=0)
    params = [np.abs(x) + 1.0 for x in trees_like(SHAPES, np.float64)]
    for sign in (1.0, 1.0, -1.0, -1.0, 1.0):
        given = [sign * p for p in params]
        wanted = g([p.copy() for p in given])
        assert_same_bits(compiled(given), wanted)


def test_threads_do_not_meet_in_the_workspace():
    compiled = ag.compile(f)
    shapes = SHAPES[:10]
    given = [trees_like(shapes, np.float64, seed) for seed in range(4)]
    wanted = [f(tree, 0.1) for tree in given]
    compiled(given[0], 0.1)
    found = [[] for _ in given]

    def work(k):
        found[k] += [compiled(given[k], 0.1) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, results in enumerate(found):
        assert len(results) == 20
        for result in results:
            assert_same_bits(result, wanted[k])


@pytest.mark.parametrize("donate", [False, True], ids=["kept", "donated"])
@pytest.mark.parametrize("name", ["adam", "adamw", "lion", "rmsprop", "lamb", "sgd"])
def test_steps_of_optimizers_are_those_that_nothing_recorded(name, donate):
    optimizer = getattr(ag.optimizers, name)(0.01)
    shapes = [*SHAPES, (50_000,), (0,), ()]
    params = trees_like(shapes, np.float32)
    grads = trees_like(shapes, np.float32, 1)
    other = [x.copy() for x in params]
    state, plain = optimizer.init(params), optimizer.init(other)
    for k in range(8):
        scaled = [g * np.float32(k - 3) for g in grads]
        params, state = optimizer.step(params, scaled, state, donate=donate)
        with ag.use_settings(fuse=False):
            other, plain = optimizer.step(other, scaled, plain)
        assert_same_bits((params, state), (other, plain))


def test_a_table_is_explained_in_as_many_lines_as_one_leaf():
    tree = trees_like(SHAPES, np.float64)
    text = str(ag.compile(f).explain(tree, 0.1))
    assert f"table of {len(SHAPES)} leaves with 1 to 1000 elements" in text
    assert text.count("sqrt(") < 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
def test_numpy_rounds_alike_at_every_place_of_an_array(dtype):
    names = "add divide multiply sqrt square maximum minimum sign abs exp log tanh sin cos power"
    rng = np.random.default_rng(0)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1e-310, 1e300])
    for name in names.split():
        function = getattr(np, name)
        x = rng.standard_normal((function.nin, 200)) * np.exp(rng.standard_normal(200) * 2)
        x[rng.random(x.shape) < 0.3] = rng.choice(special)
        with np.errstate(all="ignore"):
            x = x.astype(dtype)
            whole = function(*x)
            for start in (0, 1, 3, 8, 17):
                for n in (1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33, 65):
                    part = function(*[row[start : start + n].copy() for row in x])
                    assert_same_bits(part, whole[start : start + n].copy())
