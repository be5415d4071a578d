"""Kernels find their elements: any strides, broadcasting, sizes around tiles, misaligned memory."""

import numpy as np
import pytest

from anygrad.compiler.targets.cuda import plans
from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.elementwise import tile_of, write_elementwise
from anygrad.compiler.targets.cuda.plans import Plan
from anygrad.tracing import TRACED
from tests.compiler.cuda.running import recorded, run
from tests.compiler.cuda.values import assert_same, wild
from tests.support.cuda import careful_memory, reason_no_compiler

pytestmark = pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))


def assert_runs(f, *args, kernels=1, **how):
    """As NumPy does, in so many kernels; none writes beyond its arrays."""
    program = recorded(f, *args)
    found = kernels_of(program)
    assert len(found) == kernels, program
    wanted = f(*args)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for x, right in zip(run(program, args, found, guard=True, **how), wanted, strict=True):
        assert_same(x, np.asarray(right))
    return found


def two(x, y):
    return x * y + x, x - y


def shifted(shape, dtype, offset):
    """An array whose address is so many elements away from one that 16 divides."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -(memory.ctypes.data // memory.itemsize) % (16 // min(memory.itemsize, 16)) + offset
    view = memory[start : start + size].reshape(shape)
    view[...] = np.random.default_rng(offset).random(shape)
    return view


SIZES = (2, 3, 255, 256, 257, 1023, 1024, 1025)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "bool", "complex128"])
def test_sizes_around_tiles(dtype):
    f = (lambda x, y: (x & y, x ^ y)) if dtype == "bool" else (lambda x, y: (x + y, x - y))
    (one,) = kernels_of(recorded(f, wild(9, dtype), wild(9, dtype)))
    tile = tile_of(one)
    for n in (*SIZES, tile - 1, tile, tile + 1, 2 * tile, 3 * tile + 5):
        x, y = wild(n, dtype, 1), wild(n, dtype, 2)
        assert_runs(f, x, y)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_memory_that_16_bytes_do_not_divide(dtype):
    for offset in range(16 // np.dtype(dtype).itemsize):
        for first, second in ((offset, 0), (0, offset), (offset, offset)):
            x, y = shifted((5000,), dtype, first), shifted((5000,), dtype, second)
            assert_runs(lambda x, y: (x + y, x - y, x > y), x, y)


def test_types_of_several_sizes():
    x, y, t = wild(3000, "float64"), wild(3000, "float32"), wild(3000, "bool")
    f = lambda x, y, t: (TRACED.where(t, x, y), y * y + y, TRACED.astype(x, dtype=np.float16))
    assert_runs(f, x, y, t)


def views(x):
    """Views of a matrix, each of 6 columns and 7 rows or of what broadcasts to it."""
    return {
        "flat": x[:7, :6].copy(),
        "rows": x[:14:2, :6],
        "columns": x[:7, :12:2],
        "backwards": x[6::-1, 5::-1],
        "transposed": np.ascontiguousarray(x[:6, :7]).T,
        "fortran": np.asfortranarray(x[:7, :6]),
        "offset": x[3:10, 1:7],
        "row": x[0, :6],
        "row backwards": x[0, 5::-1],
        "column": x[:7, 3:4],
        "one": x[2:3, 2:3],
        "scalar": x[3, 3:4].reshape(()),
        "spread": np.broadcast_to(x[0, :6], (7, 6)),
    }


NAMES = list(views(np.zeros((16, 16))))


@pytest.mark.parametrize("name", NAMES)
def test_views(name):
    """Each against all; one kernel a pair, for the layouts are written into it."""
    x, y = wild((16, 16), "float32", 1), wild((16, 16), "float32", 2)
    first = views(x)[name]
    for second in views(y).values():
        if first.ndim or second.ndim:
            assert_runs(two, first, second, kernels=(1 + (first.size == second.size == 0)))


def test_results_of_other_orders():
    x, y = wild((7, 6), "float32"), np.asfortranarray(wild((7, 6), "float32", 1))
    assert_runs(lambda x, y: (x * 2 + 1, y * 2 - x, x + y), x, y)
    z = wild((4, 5, 6), "float64").transpose(2, 0, 1)
    assert_runs(lambda z, w: (z * 2 + w, w - z, z + z), z, wild((6, 4, 5), "float64"))


def test_axes_of_length_one_and_none():
    for shape in ((1,), (1, 1), (3, 1, 4), (1, 5), (5, 1), ()):
        x, y = wild(shape, "float64"), wild(shape[1:], "float64", 1)
        assert_runs(lambda x, y: (x * 3 + 1, x - y), np.asarray(x), np.asarray(y))


def test_many_axes():
    x = wild((3, 4, 5, 6, 2), "float32")
    y = wild((4, 1, 6, 1), "float32", 1)
    assert_runs(two, x[:, ::2], y[::2])
    assert_runs(two, x.transpose(4, 2, 0, 3, 1), wild((3, 6, 1), "float32", 1))


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled:7"])
def test_the_order_of_threads_does_not_matter(order):
    x, y = wild((60, 70), "float32"), wild((70, 60), "float32", 1).T
    assert_runs(two, x, y, order=order)
    assert_runs(two, x, x[::-1].copy(), order=order)


def test_places_of_64_bits(monkeypatch):
    """The same texts with long places, as for arrays beyond 2 GiB."""
    x, y = wild((60, 70), "float32"), wild((70, 60), "float32", 1).T
    assert "const int i" in write_elementwise(kernels_of(recorded(two, x, y))[0])
    monkeypatch.setattr(plans, "SMALL", -1)
    assert "const long long i" in write_elementwise(kernels_of(recorded(two, x, y))[0])
    assert_runs(two, x, y)
    assert_runs(two, x, x + 1)
    whole = np.round(x)  # whose sums are exact
    assert_runs(lambda x: (TRACED.sum(x * 2), TRACED.max(x * 2)), whole)
    assert_runs(lambda x: TRACED.sum(x * 2, axis=0), whole)


def test_what_is_counted_by_32_bits():
    """Up to 2 GiB from the first element to the last, by the strides; a tile beyond must fit."""
    (one,) = kernels_of(recorded(two, wild((60, 70), "float32"), wild((60, 70), "float32", 1)))
    assert one.is_small
    wide = one.reads[0]._replace(strides=(2**31 // 4 // one.size + 1,))
    assert not one._replace(reads=(wide, *one.reads[1:])).is_small
    back = one.reads[0]._replace(strides=(-(2**31) // 4 // one.size - 1,))
    assert not one._replace(reads=(back, *one.reads[1:])).is_small
    far = Plan(one.group, (2**29 + 1,), one.reads, one.writes)
    assert not far.is_small
    assert plans.SMALL + 256 * 16 * 8 < 2**31


def test_results_take_the_places_of_what_is_read():
    """Elementwise in place: every pack is read before it is written."""
    x, y = wild(9000, "float32"), wild(9000, "float32", 1)
    program = recorded(lambda x, y: x * y + x, x, y)
    (one,) = kernels_of(program)
    from tests.compiler.cuda.running import emulated, launch_of, on_device

    for order in ("forward", "reverse", "shuffled:3"):
        a = x.copy()
        with emulated(order=order, guard=True):
            launch_of(one, (), ()).call(on_device(a), on_device(y), on_device(a))
        assert_same(a, x * y + x)


def test_nothing_is_read_beyond_an_array():
    with careful_memory():
        x, y = wild(4097, "float32"), wild((17, 241), "float32", 1)
        assert_runs(lambda x: (x * 3 + 1, x - 2), x)
        assert_runs(lambda y: (y[::2, ::3] * 3 + 1, y[::2, ::3] - 2), y)


def test_real_parts_are_views_outside_of_kernels():
    z = wild((20,), "complex64")
    program = recorded(lambda z: (TRACED.real(z * 2), TRACED.imag(z * 2), z + z), z)
    assert [n.name for one in kernels_of(program) for n in one.nodes] == ["multiply", "add"]
    for found, right in zip(run(program, (z,)), ((z * 2).real, (z * 2).imag, z + z), strict=True):
        assert_same(found, right)
    inside = recorded(lambda z: TRACED.real(z + z) * 2, z)
    assert len(kernels_of(inside)[0].nodes) == 3
    assert_same(run(inside, (z,))[0], (z + z).real * 2)
