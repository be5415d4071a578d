"""One kernel for many leaves: tables of any length, of leaves of any size, in any order."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from tests.compiler.native.running import assert_runs, tables, wild


def step(params, grads, rate):
    """What an optimizer does: results of all leaves, and what all leaves share."""
    moved = [p - rate * g for p, g in zip(params, grads, strict=True)]
    kept = [0.9 * g + p * p for p, g in zip(params, grads, strict=True)]
    return moved, kept


def leaves(shapes, dtype=np.float64, seed=0):
    return [np.asarray(wild(shape, dtype, seed + k)) for k, shape in enumerate(shapes)]


def both(shapes, dtype=np.float64):
    return leaves(shapes, dtype), leaves(shapes, dtype, 1000)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_leaves_of_all_sizes(dtype):
    sizes = [(n,) for n in range(1, 41)]
    for shapes in (sizes, sizes[::-1], [*sizes[::2], (3000,), *sizes[1::2]], [(129,), (700,)]):
        args = (*both(shapes, dtype), 0.1)
        assert tables(step, *args) == [len(shapes)]
        assert_runs(step, *args)
        assert_runs(step, *args, donate=(0, 1))
        assert_runs(step, *args, donate=1)


def test_any_number_of_leaves():
    for count in (1, 2, 3, 17, 400):
        args = (*both([(1 + 7 * k % 90,) for k in range(count)]), 0.1)
        assert tables(step, *args) == ([count] if count > 1 else [])
        assert_runs(step, *args)


def test_leaves_of_several_shapes_and_orders():
    params, grads = both([(3, 4), (4, 3), (1, 5), (2, 3, 4), (1, 1), (12,), (30, 40)])
    turned = [np.asfortranarray(p) for p in params]
    assert_runs(step, params, grads, 0.1)
    assert_runs(step, turned, [np.asfortranarray(g) for g in grads], 0.1)
    assert_runs(step, turned, grads, 0.1, kernels=None)
    assert_runs(
        step, [p[..., ::2] for p in params], [g[..., ::2] for g in grads], 0.1, kernels=None
    )
    every_second = [wild(2 * n)[::2] for n in (5, 9, 70)]
    assert_runs(step, every_second, leaves([5, 9, 70]), 0.1, kernels=None)


def test_leaves_of_several_types_have_tables_of_their_own():
    params = [*leaves([5, 6, 7]), *leaves([5, 6, 7], "float32")]
    grads = [*leaves([5, 6, 7], seed=9), *leaves([5, 6, 7], "float32", seed=9)]
    assert sorted(tables(step, params, grads, 0.1)) == [3, 3]
    assert_runs(step, params, grads, 0.1, kernels=2)


def test_what_all_leaves_share():
    params, grads = both([5, 100, 3, 70])
    for rate in (0.1, 1, np.float64(0.3), np.float32(0.3), np.array(0.2), np.array([0.2])):
        assert_runs(step, params, grads, rate, kernels=None)

    def scaled(params, grads, a, b):
        return [a * p - g / b + 2 for p, g in zip(params, grads, strict=True)]

    assert_runs(scaled, params, grads, 0.1, np.array(3.0))
    assert_runs(scaled, params, grads, np.array(3.0), 2)
    assert tables(scaled, params, grads, np.array(3.0), 2) == [4]


def test_leaves_with_numbers_of_their_own_share_no_table():
    params, grads = both([5, 6, 7])

    def different(params, grads):
        return [k * p - g for k, (p, g) in enumerate(zip(params, grads, strict=True), 2)]

    assert_runs(different, params, grads, kernels=3)


@pytest.mark.parametrize("donate", [None, 0, 1, (0, 1)])
def test_tied_leaves(donate):
    params, grads = both([5, 64, 7, 64])
    options = {} if donate is None else {"donate": donate}
    tied = [*params[:3], params[1]]
    for args in ((tied, grads), (params, [*grads[:3], grads[1]]), (tied, tied), (params, params)):
        wanted, given = step(*args, 0.1), ag.compile(step, **options)
        with ag.use_settings(kernels="always"):
            for _ in range(3):
                fresh = {id(x): x.copy() for leaves in args for x in leaves}
                found = given(*[[fresh[id(x)] for x in leaves] for leaves in args], 0.1)
                for a, b in zip(ag.trees.leaves(found), ag.trees.leaves(wanted), strict=True):
                    assert a.tobytes() == b.tobytes()


def test_a_leaf_that_others_read():
    def mixed(params, grads):
        first = params[0]
        return [p - g * 0.5 + first for p, g in zip(params, grads, strict=True)], first * 2

    params, grads = both([64, 64, 64])
    for donate in (0, 1, (0, 1)):
        assert_runs(mixed, params, grads, donate=donate, kernels=None)

    def chained(params, grads):
        found, last = [], params[-1]
        for p, g in zip(params, grads, strict=True):
            last = p * 2 - g * last
            found.append(last)
        return found

    for donate in (0, 1, (0, 1)):
        assert_runs(chained, params, grads, donate=donate, kernels=None)


def test_exchanged_leaves():
    def exchanged(params, grads):
        return [g - 0.1 * p for p, g in zip(params, grads, strict=True)][::-1], params[::-1]

    params, grads = both([64, 64, 5, 64])
    for donate in (0, 1, (0, 1)):
        assert_runs(exchanged, params, grads, donate=donate, kernels=None)


def test_leaves_next_to_each_other_in_memory():
    memory = wild(1000)
    params = [memory[a:b] for a, b in ((0, 64), (64, 65), (65, 300), (300, 1000))]
    grads = leaves([p.shape for p in params], seed=5)
    assert_runs(step, params, grads, 0.1)
    assert_runs(step, params, grads, 0.1, donate=(0, 1), kernels=None)
    overlapping = [memory[a:b] for a, b in ((0, 64), (32, 300), (0, 1000))]
    assert_runs(step, overlapping, leaves([64, 268, 1000], seed=5), 0.1)


def test_memory_that_leaves_read_in_other_shapes():
    """Leaves may be computed in any order, by several threads: what others read is kept."""

    def f(x, g, h):
        square = x.reshape(8, 8)
        return square * 2 - h, x * 2 - g

    args = (wild(64), wild(64, seed=1), wild((8, 8), seed=2))
    assert tables(f, *args) == [2]
    assert_runs(f, *args, donate=(0, 1, 2))
    compiled = assert_runs(f, *args, donate=0)
    with ag.use_settings(kernels="always"):
        assert "write_" in compiled.source(*args)
