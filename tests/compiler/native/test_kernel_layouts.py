"""Kernels read arrays of any length, strides and place in memory."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.tracing import TRACED
from tests.compiler.native.running import assert_runs, quietly, wild
from tests.compiler.targets.bits import assert_same_bits


def mix(x, y):
    """Two results, of all operands."""
    z = x * 3 - y
    return z, TRACED.maximum(z, x)


LENGTHS = {
    "float64": [*range(1, 66), *range(67, 201, 7), 511, 512, 513, 1025, 40_001],
    "float32": [*range(61, 131, 3), 192, 199, 513],
    "int16": [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 129, 511, 1025],
    "float16": [1, 2, 15, 16, 17, 31, 63, 64, 65, 127, 129, 511, 1025],
}


@pytest.mark.parametrize("dtype", LENGTHS)
def test_every_length(dtype):
    for n in LENGTHS[dtype]:
        assert_runs(mix, wild(n, dtype), wild(n, dtype, 1))


def test_no_element():
    assert_runs(mix, np.ones(0), np.ones(0), kernels=0)
    assert_runs(mix, np.ones((3, 0)), np.ones((3, 1)), kernels=0)


def views(n, m):
    """Arrays of n rows and m columns, each in another way in memory."""
    yield "flat", wild((n, m))
    yield "fortran", np.asfortranarray(wild((n, m)))
    yield "transposed", wild((m, n)).T
    yield "every second", wild((2 * n, 2 * m))[::2, ::2]
    yield "columns", wild((n, 3 * m))[:, 1 : 1 + m]
    yield "backwards", wild((n, m))[::-1, ::-1]
    yield "one axis backwards", wild((n, m))[:, ::-1]
    yield "one row", np.broadcast_to(wild((1, m)), (n, m))
    yield "one column", np.broadcast_to(wild((n, 1)), (n, m))
    yield "one element", np.broadcast_to(wild((1, 1)), (n, m))
    yield "offset by one", wild(n * m + 1)[1:].reshape(n, m)
    yield "sliding", np.lib.stride_tricks.sliding_window_view(wild(n + m - 1), m)


VIEWS = [name for name, _ in views(2, 3)]


@pytest.mark.parametrize("name", VIEWS)
def test_every_layout(name):
    for n, m in ((1, 9), (9, 1), (3, 5), (7, 600)):
        x, flat = dict(views(n, m))[name], wild((n, m), seed=1)
        assert_runs(mix, flat, x)
        assert_runs(mix, x, x, kernels=_alike(x, x))
        for other in ("transposed", "one row"):
            y = dict(views(n, m))[other]
            assert_runs(mix, x, y, kernels=_alike(x, y))


def _alike(x, y):
    """Whether NumPy gives both results the same order of axes, which a kernel needs."""
    z = x * 3 - y
    both = [a.strides for a in (x * 3, z, np.maximum(z, x))]
    alike = [tuple(s for s, n in zip(one, x.shape, strict=True) if n > 1) for one in both]
    return int(len(set(alike)) == 1 and 0 not in x.shape)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((4, 5, 6), (6,)),
        ((4, 5, 6), (5, 1)),
        ((4, 5, 6), (4, 1, 1)),
        ((4, 5, 6), (4, 1, 6)),
        ((4, 5, 6), (1, 1, 1)),
        ((4, 5, 6), ()),
        ((1, 5, 1), (4, 1, 6)),
        ((4, 1), (1, 600)),
        ((1,), ()),
        ((1, 1), (1,)),
        ((2, 3, 1, 2, 3), (3, 4, 1, 1)),
    ],
)
def test_broadcasting_along_every_axis(a, b):
    x, y = wild(a), wild(b, seed=1)
    for args in ((x, y), (y, x), (x[::-1] if x.ndim else x, y[..., ::-1] if y.ndim else y)):
        assert_runs(lambda x, y: ((z := x - y), TRACED.maximum(z, x), y < z), *args)


@pytest.mark.parametrize("size", ["bool", "int8", "uint16", "float16", "int32", "float64"])
def test_spreading_out_elements_of_every_size(size):
    for x in (wild((600, 7), size).T, wild((7, 1200), size)[:, ::-2], wild((7, 1), size)):
        y = wild((7, 600), size, 1)
        assert_runs(lambda x, y: (x | y, x == y) if size == "bool" else mix(x, y), y, x)


def test_views_of_one_array():
    x = wild(1000)
    assert_runs(lambda x: mix(x[1:], x[:-1]), x)
    assert_runs(lambda x: mix(x[2:] - x[:-2], x[1:-1]), x)
    assert_runs(mix, x[1:], x[:-1])
    assert_runs(mix, x, x)
    assert_runs(mix, x, x[::-1])
    square = wild((31, 31))
    assert_runs(lambda x: mix(x, x.T), square)


def test_what_was_recorded_of_other_arrays_is_left_to_numpy():
    x, y = wild(50), wild(50, seed=1)
    with ag.use_settings(kernels="always"), np.errstate(all="ignore"):
        compiled = ag.compile(mix)
        quietly(compiled, x, y)
        assert "kernel_" in compiled.source(x, y)
        misaligned = np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(np.float64)
        assert not misaligned.flags.aligned
        frozen = x.copy()
        frozen.flags.writeable = False
        for other in (misaligned, frozen, wild(100)[::2], wild(100)[::-2], x.astype(">f8"), x[:1]):
            for args in ((other, y), (y, other), (other, other)):
                args = [np.broadcast_to(a, (50,)) if a.size == 1 else a for a in args]
                assert_same_bits(quietly(compiled, *args), mix(*args))


def test_subclasses_are_left_to_numpy():
    class Other(np.ndarray):
        pass

    x = wild(50)
    with ag.use_settings(kernels="always"), np.errstate(all="ignore"):
        compiled = ag.compile(mix)
        quietly(compiled, x, x)
        for other in (x.view(Other), np.ma.masked_less(x, 0.0)):
            try:
                wanted = mix(other, x)
                found = compiled(other, x)
            except (TypeError, ag.errors.AnygradError):
                continue
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_constants_of_the_program():
    first, column, one = wild(60), wild((4, 1)), np.array([2.5])
    assert_runs(lambda x: (first * x, first - x), wild(60, seed=1))
    assert_runs(lambda x: (column * x, x / column), wild((4, 60), seed=1))
    assert_runs(lambda x: (one * x, first[::-1] * x, np.float64(0.1) + x), wild(60, seed=1))


def test_an_operand_that_is_read_in_two_ways():
    assert_runs(lambda x, y: mix(x[:, None] * y, x[None, :] - y), wild(40), wild((40, 40), seed=1))
