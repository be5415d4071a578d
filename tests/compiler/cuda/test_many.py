"""Many leaves in one launch: what each gives, tables by value and on the device, homes."""

import threading

import numpy as np
import pytest

from anygrad.compiler.targets import cupy
from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.launching import Resident, launch_of
from anygrad.compiler.targets.cuda.many import LIMIT, Many, table_type, write_many
from anygrad.tracing import TRACED
from tests.compiler.cuda.running import as_cupy, emulated, on_device, recorded, run
from tests.compiler.cuda.values import assert_same, wild
from tests.support.cuda import careful_memory, reason_no_compiler

pytestmark = pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))


def leaves(count, dtype="float32", seed=0, largest=20_000):
    """Arrays of uneven sizes, from 1 to ``largest``, of one or two axes."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.random(count) * np.log(largest)).astype(int)
    sizes[0], sizes[-1] = 1, largest
    made = [np.round(8 * rng.standard_normal(n)).astype(dtype) for n in sizes]
    return [x.reshape(2, -1) if x.size % 2 == 0 else x for x in made]


def step(rate, params, grads, moments):
    """A step with momentum: two results for each leaf, and a number that all share."""
    made = [0.5 * m + g for g, m in zip(grads, moments, strict=True)]
    return [p - rate * m for p, m in zip(params, made, strict=True)], made


def assert_steps(count, dtype="float32", largest=20_000, **how):
    args = [leaves(count, dtype, 0, largest) for _ in range(3)]
    args[1:] = [[x + np.asarray(k, x.dtype) for x in args[0]] for k in (1, 2)]
    program = recorded(lambda p, g, m: step(0.25, p, g, m), *args)
    (many,) = kernels_of(program)
    assert type(many) is Many
    assert len(many.plans) == count
    flat = [x for group in args for x in group]
    wanted = [x for group in step(0.25, *args) for x in group]
    for found, right in zip(run(program, flat, **how), wanted, strict=True):
        assert_same(found, right)
    return many


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "int32"])
@pytest.mark.parametrize("count", [2, 3, 40])
def test_each_leaf_is_stepped(count, dtype):
    if dtype == "int32":
        args = leaves(count, dtype)
        program = recorded(lambda x: [y * 3 - y for y in x], args)
        assert len(kernels_of(program)[0].plans) == count
        for found, x in zip(run(program, args), args, strict=True):
            assert_same(found, x * 3 - x)
        return
    assert_steps(count, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("count", [744, 1023, 5000])
def test_very_many_leaves(count):
    many = assert_steps(count, largest=3000)
    assert (table_type(many, 5).itemsize > LIMIT) == (count > 666)


@pytest.mark.parametrize("order", ["reverse", "shuffled:2"])
def test_the_order_of_blocks_does_not_matter(order):
    assert_steps(5, order=order)


def test_nothing_is_touched_beyond_leaves():
    with careful_memory():
        assert_steps(7, largest=5000)


def launched(many, args, homes=None, limit=None, monkeypatch=None):
    """The arguments of the launches of a kernel of many leaves."""
    seen = []
    with emulated():
        inner = cupy.kernel_of

        def kernel_of(text, options):
            run = inner(text, options)

            def call(grid, block, args):
                seen.append((grid, block, args))
                run(grid, block, args)

            return call

        monkeypatch.setattr(cupy, "kernel_of", kernel_of)
        if limit is not None:
            monkeypatch.setattr("anygrad.compiler.targets.cuda.launching.LIMIT", limit)
        launch = launch_of(many, homes or (), ())
        for given in args:
            launch.call(*map(on_device, given))
    return seen


def three():
    args = [leaves(3, largest=9000, seed=k) for k in (5, 5)]
    program = recorded(lambda p, g: [a * 2 + b for a, b in zip(p, g, strict=True)], *args)
    (many,) = kernels_of(program)
    return many, args


def test_the_table_tells_addresses_sizes_and_blocks(monkeypatch):
    many, (p, g) = three()
    out = [np.empty_like(x) for x in p]
    given = [x for leaf in zip(p, g, out, strict=True) for x in leaf]
    ((grid, block, (table,)),) = launched(many, [given], monkeypatch=monkeypatch)
    addresses = [[x.ctypes.data for x in leaf] for leaf in zip(p, g, out, strict=True)]
    assert table["address"][0].tolist() == addresses
    assert table["size"][0].tolist() == [x.size for x in p]
    blocks = [-(-x.size // many.tile) for x in p]
    assert table["first"][0].tolist() == [0, *np.cumsum(blocks)]
    assert grid == (sum(blocks),)
    assert block == (256,)
    for x, a, b in zip(out, p, g, strict=True):
        assert_same(x, a * 2 + b)


def test_tables_by_value_are_new_in_every_launch(monkeypatch):
    """Another thread may fill one in while it is handed over."""
    many, (p, g) = three()
    given = [x for leaf in zip(p, g, p, strict=True) for x in leaf]
    seen = launched(many, [given, given], monkeypatch=monkeypatch)
    assert not np.shares_memory(seen[0][2][0], seen[1][2][0])


def test_results_take_the_place_of_what_is_read(monkeypatch):
    many, (p, g) = three()
    wanted = [a * 2 + b for a, b in zip(p, g, strict=True)]
    given = [x for leaf in zip(p, g, strict=True) for x in leaf]
    for home in (0, 1):
        kept = [x.copy() for x in given]
        ((_, _, (table,)),) = launched(many, [kept], [home], monkeypatch=monkeypatch)
        assert table["address"].shape == (1, 3, 2)
        for x, right in zip(kept[home::2], wanted, strict=True):
            assert_same(x, right)


def test_resident_tables_are_made_anew_where_an_address_changed(monkeypatch):
    many, (p, g) = three()
    out = [np.empty_like(x) for x in p]
    given = [x for leaf in zip(p, g, out, strict=True) for x in leaf]
    other = [np.empty_like(x) if k == 8 else x for k, x in enumerate(given)]
    seen = launched(many, [given, given, other], limit=0, monkeypatch=monkeypatch)
    tables = [args[0] for _, _, args in seen]
    assert tables[0] is tables[1]
    assert tables[2] is not tables[1]
    assert "const Table* where" in write_many(many, [None], True)
    for x, a, b in zip((*out[:2], other[8]), p, g, strict=True):
        assert_same(x, a * 2 + b)


def test_each_stream_and_device_has_its_table():
    uploads, here = [], [(0, 0)]
    with emulated():
        template = np.zeros(1, np.dtype([("address", np.uint64, (2, 1))]))
        table_for = Resident(template)
        patch = pytest.MonkeyPatch()
        patch.setattr(cupy, "place", lambda: here[0])
        patch.setattr(cupy, "upload", lambda x: uploads.append(x.copy()) or len(uploads))
        try:
            for place, addresses, number in (
                ((0, 0), [1, 2], 1),
                ((0, 7), [1, 2], 2),
                ((1, 0), [3, 4], 3),
                ((0, 0), [1, 2], 1),
                ((0, 7), [1, 5], 4),
                ((0, 0), [1, 2], 1),
            ):
                here[0] = place
                assert table_for(addresses) == number
                told = uploads[number - 1].view(np.uint64).ravel().tolist()
                assert told == addresses
            for stream in range(100):  # streams come and go: not all are kept
                here[0] = (0, stream)
                table_for([1, 2])
            assert len(table_for._known) <= 18
        finally:
            patch.undo()


def test_two_threads_have_tables_of_their_own():
    many, (p, g) = three()
    wrong = []
    with emulated():
        launch = launch_of(many, (), ())

        def work(seed):
            own = [x + np.float32(seed) for x in p]
            out = [np.empty_like(x) for x in p]
            for _ in range(20):
                given = [x for leaf in zip(own, g, out, strict=True) for x in leaf]
                launch.call(*map(on_device, given))
                wrong.extend(
                    seed
                    for x, a, b in zip(out, own, g, strict=True)
                    if not np.array_equal(x, a * 2 + b)
                )

        threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert not wrong


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64"])
@pytest.mark.parametrize("count", [2, 30])
def test_reductions_of_each_leaf(count, dtype):
    sizes = np.geomspace(2, 20 if dtype == "float16" else 20_000, count).astype(int)
    args = [(np.arange(n) % 3).astype(dtype) for n in sizes]

    def f(xs):
        made = [x * x + 1 for x in xs]
        more = [] if dtype == "complex64" else [TRACED.max(y) for y in made]
        truths = [TRACED.all(y) for y in made]
        return [TRACED.sum(y) for y in made], more, truths, [TRACED.mean(y) for y in made], made

    program = recorded(f, args)
    (many,) = kernels_of(program)
    assert len(many.plans) == count
    eps = 1e-6 if dtype in ("float32", "complex64") else 1e-3 if dtype == "float16" else 1e-14
    wanted = [x for part in f(args) for x in part]
    for found, right in zip(run(program, args), wanted, strict=True):
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=eps)


def test_parts_of_leaves_are_joined_as_parts_of_one():
    """A leaf's sum has the bits that it has in a launch of its own, whatever is beside it."""
    args = [wild(n, "float32", n) for n in (8191, 8192, 30_000, 3000)]
    f = lambda xs: [TRACED.sum(-x) for x in xs]
    together = run(recorded(f, args), args)
    shuffled = run(recorded(f, args), args, order="shuffled:9")
    for k, x in enumerate(args):
        assert together[k] == shuffled[k]
        assert abs(float(together[k]) - float((-x).sum(dtype=float))) < 1e-5 * np.abs(x).sum()


def test_shared_arrays_and_numbers():
    xs, scale = leaves(4), np.asarray(3.0, np.float32)
    f = lambda xs, scale, t: [x * scale + t for x in xs]
    program = recorded(f, xs, scale, 0.5)
    many = [one for one in kernels_of(program) if type(one) is Many]
    assert len(many) == 1
    assert len(many[0].shared) == 2
    for found, right in zip(run(program, [*xs, scale, 0.5]), f(xs, scale, 0.5), strict=True):
        assert_same(found, right)


def test_what_is_not_read_from_end_to_end_is_apart():
    xs = [wild((40, 60), "float32", k)[:, ::2] for k in range(3)]
    program = recorded(lambda xs: [x * 2 + 1 for x in xs], xs)
    assert not [one for one in kernels_of(program) if type(one) is Many]
    for found, x in zip(run(program, xs), xs, strict=True):
        assert_same(found, x * 2 + 1)


def test_other_types_are_other_kernels():
    xs = [*leaves(3, "float32"), *leaves(3, "float64")]
    program = as_cupy(recorded(lambda xs: [x * 2 + 1 for x in xs], xs))
    assert [len(one.plans) for one in kernels_of(program)] == [3, 3]
    for found, x in zip(run(program, xs), xs, strict=True):
        assert_same(found, x * 2 + 1)
