"""Kernels write into arrays that were given away, and lose nothing that is needed again."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad import optimizers as opt
from anygrad.compiler import liveness
from anygrad.compiler.targets import writers
from anygrad.compiler.targets.native.making import may_fail
from anygrad.ops import ROWS
from anygrad.tracing import TRACED
from tests.compiler.native.running import assert_runs, copies, kernels, quietly, wild
from tests.compiler.targets.bits import assert_same_bits


def address(x):
    return x.__array_interface__["data"][0]


def assert_written(f, *args, donate, into):
    """The results with the given numbers are in the memory of arguments; no other array changes."""
    assert_runs(f, *args, donate=donate, kernels=None)
    with ag.use_settings(kernels="always"), np.errstate(all="ignore"):
        compiled = ag.compile(f, donate=donate)
        quietly(compiled, *copies(args))
        given, kept = copies(args), copies(args)
        found = quietly(compiled, *given)
        for k, number in into.items():
            assert address(found[k]) == address(given[number]), (k, number)
        for number, (x, y) in enumerate(zip(given, kept, strict=True)):
            if number not in np.atleast_1d(donate):
                assert_same_bits(x, y)
        return compiled.source(*args)


def test_results_in_the_memory_of_operands():
    for n in (1, 5, 64, 100, 5000):
        x, y, z = wild(n), wild(n, seed=1), wild(n, seed=2)
        step = lambda x, y, z: (x * 2 - y, y * 3 + z)
        source = assert_written(step, x, y, z, donate=(0, 1), into={0: 0, 1: 1})
        assert "if kernel_1(v0, v1, v2, v0, v1)" in source
        assert_written(lambda x, y: (y * 2 - x, x * 3 + y), x, y, donate=(0, 1), into={0: 0, 1: 1})


def test_memory_that_is_read_at_other_places_too():
    x, y = wild(500), wild(500, seed=1)
    for f in (
        lambda x, y: (x * 2 - x[::-1], y + x),
        lambda x, y: (x * 2 - TRACED.flip(x, axis=0), y + x),
        lambda x, y: (x * 2 + x[3], y * x),
        lambda x, y: (x + 1.0, y + x * 3),
        lambda x, y: (TRACED.sum(x * y) * x - 1.0, y - x),
        lambda x, y: (x * 2 - y, TRACED.sum(x * 3 + y)),
    ):
        for donate in (0, 1, (0, 1)):
            assert_written(f, x, y, donate=donate, into={})
    square = wild((40, 40))
    assert_written(lambda x: (x * 2 + x.T, x * x), square, donate=0, into={})
    assert_written(lambda x: (x[1:] - x[:-1], x * 2), wild(99), donate=0, into={})


@pytest.mark.parametrize("known", [True, False])
def test_views_of_memory_that_was_given_away(known, monkeypatch):
    """Also where a function gives one of which nobody knows."""
    if not known:
        monkeypatch.setattr(writers, "_VIEWS", writers._VIEWS - {"flip"})

    def f(x):
        y, z = TRACED.flip(x, axis=0), x * 2
        return z, z - y, y + 1

    for setting in ("off", "always"):
        with ag.use_settings(kernels=setting):
            compiled, x = ag.compile(f, donate=0), wild(100)
            for _ in range(3):
                assert_same_bits(quietly(compiled, x.copy()), f(x))


def test_rows_that_give_views_are_known():
    names = {name for name, row in ROWS.items() if row.view}
    assert names <= liveness.VIEWS
    assert names <= writers._VIEWS | {"broadcast_to"}


@pytest.mark.parametrize("value", [1e300, np.inf, -np.inf, np.nan, 1e22, 1.0])
def test_operands_are_there_when_a_kernel_has_to_be_redone(value):
    def f(x, y):
        return TRACED.sin(x) * y + x, TRACED.cos(x) - y

    for n in (1, 17, 1000):
        x, y = np.linspace(-2.0, 2.0, n), wild(n, seed=1)
        x[n // 2] = value
        (kernel,) = kernels(f, x, y)
        assert may_fail(kernel)
        with ag.use_settings(kernels="always"), np.errstate(all="ignore"):
            compiled, wanted = ag.compile(f, donate=(0, 1)), f(x, y)
            for _ in range(3):
                given = copies((x, y))
                found = quietly(compiled, *given)
                for a, b, here in zip(found, wanted, given, strict=True):
                    assert address(a) == address(here)
                    np.testing.assert_allclose(a, b, rtol=1e-15, atol=1e-15)
            assert "kernel_" in compiled.source(x, y)


def test_refused_arrays_are_redone_in_place():
    def f(x, y):
        return x * 2 - y, y * 3 + x

    x, y = wild(50), wild(50, seed=1)
    with ag.use_settings(kernels="always"), np.errstate(all="ignore"):
        compiled = ag.compile(f, donate=(0, 1))
        quietly(compiled, *copies((x, y)))
        assert "kernel_" in compiled.source(x, y)
        room = np.frombuffer(bytearray(b"." + x.tobytes()), np.uint8)[1:].view(np.float64)
        assert not room.flags.aligned
        found = quietly(compiled, room, y.copy())
        assert_same_bits(found, f(x, y))


OPTIMIZERS = {
    "sgd": lambda: opt.sgd(0.1, momentum=0.9),
    "adam": lambda: opt.adam(0.1),
    "rmsprop": lambda: opt.rmsprop(0.1),
    "lion": lambda: opt.lion(0.1),
    "clipped": lambda: opt.chain(opt.clip_by_global_norm(1.0), opt.adam(0.1)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_of_optimizers(name, dtype):
    shapes = {"a": (3, 4), "b": (7,), "c": (), "d": (130, 5), "e": (7,)}

    def after(setting, donate):
        optimizer = OPTIMIZERS[name]()
        params = {k: wild(shape, dtype, len(k)) + dtype(0) for k, shape in shapes.items()}
        params = {k: np.asarray(x, dtype) for k, x in params.items()}
        state = optimizer.init(params)
        with ag.use_settings(kernels=setting):
            for step in range(6):
                grads = {k: np.asarray(wild(s, dtype, step), dtype) for k, s in shapes.items()}
                params, state = quietly(
                    lambda *args: optimizer.step(*args, donate=donate), params, grads, state
                )
        return params, state

    for donate in (False, True):
        assert_same_bits(after("always", donate), after("off", donate))
