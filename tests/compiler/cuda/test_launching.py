"""Replays of CuPy arrays as they launch: when, where, with what, and what happens otherwise."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.targets.cuda import launching, warming
from anygrad.compiler.targets.cupy import kernel_of
from tests.support import assert_close, to_host
from tests.support.cuda import reason_no_compiler

pytestmark = pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))
X, Y = np.random.default_rng(5).normal(size=(2, 6, 7))


@pytest.fixture
def launches(cupy):
    """What is launched in a test, on the look-alike of CuPy."""
    if not hasattr(cupy, "__lookalike__"):
        pytest.skip("launches are recorded by the look-alike of CuPy")
    from tests.support.lookalike_cupy import kernels

    with kernels.recording() as found:
        yield found


def wave(x, y):
    xp = ag.namespace(x, y)
    return xp.sqrt(x * x + 1.0) * y - 0.5 * x


def expected(x, y):
    return np.sqrt(x * x + 1.0) * y - 0.5 * x


@pytest.mark.parametrize(("kernels", "calls"), [("auto", 3), ("always", 1), ("off", None)])
def test_kernels_come_with_the_third_replay_or_at_once_or_never(cupy, launches, kernels, calls):
    x, y = cupy.asarray(X), cupy.asarray(Y)
    with ag.use_settings(kernels=kernels):
        compiled = ag.compile(wave)
        compiled(x, y)  # recorded
        for call in range(1, 5):
            before = len(launches)
            assert_close(compiled(x, y), expected(X, Y))
            assert len(launches) - before == int(calls is not None and call >= calls)
        assert bool(compiled.kernels(x, y)) is (calls is not None)
        told = str(compiled.explain(x, y))
    assert ("by kernels, and by CuPy what is in none" in told) is (calls is not None)


def test_arrays_are_handed_over_in_the_order_of_the_parameters(cupy, launches):
    x, y = cupy.asarray(X), cupy.asarray(Y)
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(lambda x, y, s: (x - y * s, x * 2.0 + s))
        for s in (3.0, 5.0):
            first, second = compiled(x, y, s)
            assert_close((first, second), (X - Y * s, X * 2.0 + s))
    args, code = launches[-1].args, launches[-1].code
    names = code[code.index("kernel(") :].partition(")")[0].partition("(")[2].split(", ")
    by_name = dict(zip([name.split()[-1] for name in names], args, strict=True))
    assert [by_name[name] for name in ("r0", "count")] == [5.0, X.size]
    addresses = {name: a.data.ptr for name, a in by_name.items() if hasattr(a, "data")}
    assert addresses == {
        "r1": y.data.ptr,  # the first one that is used
        "r2": x.data.ptr,
        "w0": first.data.ptr,
        "w1": second.data.ptr,
    }


def test_launches_are_on_the_current_stream(cupy, launches):
    x, y = cupy.asarray(X), cupy.asarray(Y)
    stream = cupy.cuda.Stream(non_blocking=True)
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(wave)
        compiled(x, y)
        with stream:
            compiled(x, y)
        compiled(x, y)
    assert [each.stream.ptr for each in launches] == [stream.ptr, 0]


def test_launches_are_on_the_device_of_the_arrays(cupy, launches):
    optimizer = ag.optimizers.adam(0.1)
    with ag.use_settings(kernels="always"):
        stepped = {}
        for number in (1, 0):
            with cupy.cuda.Device(number):
                params = {"a": cupy.asarray(X), "b": cupy.asarray(Y[0])}
                state = optimizer.init(params)
            for _ in range(8):  # whatever device is the current one
                params, state = optimizer.step(params, params, state)
            assert {leaf.device.id for leaf in params.values()} == {number}
            stepped[number] = {name: to_host(leaf) for name, leaf in params.items()}
    assert {each.device for each in launches} == {0, 1}
    assert_close(stepped[1], stepped[0])


@pytest.mark.parametrize("contract", [True, False])
def test_the_setting_contract_becomes_an_option_of_the_compiler(cupy, launches, contract):
    with ag.use_settings(kernels="always", contract=contract):
        compiled = ag.compile(wave)
        for _ in range(2):
            compiled(cupy.asarray(X), cupy.asarray(Y))
    assert ("--fmad=false" in launches[-1].options) is not contract


def test_a_compiler_that_fails_is_told_once_and_cupy_goes_on(cupy, launches, monkeypatch):
    monkeypatch.setattr(warming, "_warned", set())
    monkeypatch.setattr(launching, "write_elementwise", lambda plan: "no C++")
    x, y = cupy.asarray(X), cupy.asarray(Y)
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(wave)
        compiled(x, y)
        with pytest.warns(RuntimeWarning, match=r"kernels: got CompileException.*kernels='off'"):
            found = compiled(x, y)
        assert_close(found, expected(X, Y))
        again = ag.compile(lambda x, y: wave(x, y) + 1.0)
        for _ in range(3):
            assert_close(again(x, y), expected(X, Y) + 1.0)
    assert not launches
    assert compiled.kernels(x, y) == ()


def test_results_that_cupy_lays_out_in_another_way_are_laid_out_again(cupy, launches, monkeypatch):
    kind, plain = type(cupy.asarray(X)), cupy.matmul
    a, b = cupy.asarray(X), cupy.asarray(Y.T.copy())
    right = np.tanh(X @ Y.T) * 2.0 + X @ Y.T
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(lambda a, b: (lambda c: ag.namespace(a).tanh(c) * 2.0 + c)(a @ b))
        for _ in range(2):
            assert_close(compiled(a, b), right)
        monkeypatch.setattr(kind, "__matmul__", lambda a, b: plain(a, b).T.copy().T)
        assert_close(compiled(a, b), right)
    assert len(launches) == 2


def test_what_is_donated_is_written_unless_somebody_else_sees_it(cupy, launches):
    from tests.support.lookalike_cupy import counting

    with ag.use_settings(kernels="always"):
        compiled = ag.compile(lambda p, g: p - 0.5 * g * g, donate=0)
        for _ in range(3):
            p, g = cupy.asarray(X), cupy.asarray(Y)
            address = p.data.ptr
            q = compiled(p, g)
            assert_close(q, X - 0.5 * Y * Y)
        assert q.data.ptr == address
        whole = cupy.asarray(X.ravel())
        with counting.counting() as found:
            compiled(q, g)
        assert (found["launch"], found["copy"], found["allocation"]) == (1, 0, 0)
        q = compiled(whole[:-1], whole[1:])  # the one begins in the middle of the other
        q = compiled(whole[:-1], whole[1:])
        assert_close(q, X.ravel()[:-1] - 0.5 * X.ravel()[1:] ** 2)
        assert_close(whole, X.ravel())


@pytest.mark.parametrize(
    "f",
    [lambda p: p * 2.0 - np.flip(p), lambda p: p * 2.0 - p[:1], lambda p: p * 2.0 - p.T],
    ids=["flipped", "a row for all", "transposed"],
)
def test_what_is_donated_is_not_written_while_it_is_read_elsewhere(cupy, launches, f):
    square = np.random.default_rng(1).normal(size=(40, 40))
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f, donate=0)
        for _ in range(3):
            assert_close(compiled(cupy.asarray(square)), f(square))
    assert launches


def test_a_condition_on_numbers_is_asked_before_anything_is_written(cupy, launches):
    from tests.support.lookalike_cupy import counting

    optimizer = ag.optimizers.radam(0.1)  # its way depends on the step
    params, grads = [{"a": cupy.asarray(X), "b": cupy.asarray(Y)} for _ in range(2)]
    state = optimizer.init(params)
    with ag.use_settings(kernels="always"):
        for _ in range(20):
            params, state = optimizer.step(params, grads, state, donate=True)
        with counting.counting() as found:
            optimizer.step(params, grads, state, donate=True)
    assert (found["launch"], found["copy"], found["allocation"]) == (1, 0, 0)


def test_what_is_spread_out_is_so_where_no_kernel_reads_it(cupy, launches):
    def f(x):
        xp = ag.namespace(x)
        wide = xp.broadcast_to(x[0, :], (3, 7))
        return wide // 0.5, xp.exp(-wide) * 2.0, xp.broadcast_to(x[0, 0], (4,)) // 0.25

    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        for _ in range(3):
            assert_close(compiled(cupy.asarray(X)), f(X))
    assert launches


def test_leaves_that_wait_for_another_leaf_come_later(cupy, launches):
    def f(x, y):
        first, second = (2.0 * z + 1.0 for z in (x, y))
        third = 2.0 * ag.namespace(x).cumulative_sum(second) + 1.0
        return first, second, third

    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        for _ in range(3):
            before = len(launches)
            assert_close(compiled(cupy.asarray(X[0]), cupy.asarray(Y[0])), f(X[0], Y[0]))
    assert len(launches) - before == 2


def test_texts_are_compiled_once_for_all_programs(cupy, launches):
    kernel_of.cache_clear()
    with ag.use_settings(kernels="always"):
        for n in (4, 5, 6):
            compiled = ag.compile(lambda x: x * x + 0.25)
            for _ in range(2):
                compiled(cupy.asarray(np.ones(1000 * n)))
    assert kernel_of.cache_info().misses == 1
    assert len({each.code for each in launches}) == 1
