"""`explain` tells what becomes of a compiled function, and leaves everything as it is."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.explaining import Explanation, explain
from tests.support import forbid_host_copies

scale = np.asarray([1.0, 2.0, 3.0])


def loss(params, x, rate):
    xp = ag.namespace(x)
    y = xp.tanh(params["w"] * x) * rate
    if xp.sum(y) > 0:
        y = y * 2.0
    return xp.sum(y * y)


def line_of(text):
    with open(__file__) as file:
        return next(n for n, line in enumerate(file, 1) if text in line)


PARAMS, X = {"w": np.ones(3)}, np.asarray([1.0, 2.0, 3.0])


def test_inputs_guards_operations_and_source():
    compiled = ag.compile(ag.value_and_grad(loss))
    told = compiled.explain(PARAMS, X, 0.5)
    assert [(x.name, x.shape, str(x)) for x in told.inputs[:2]] == [
        ("args[0]['w']", (3,), "args[0]['w']: float64[3]"),
        ("args[1]", (3,), "args[1]: float64[3]"),
    ]
    assert str(told.inputs[2]) == "args[2]: a Python float"
    assert told.inputs[1].dtype == np.float64
    assert len(told.guards) == 1
    assert f"test_explaining.py:{line_of('if xp.sum(y) > 0')}: bool" in told.guards[0]
    names, numbers = zip(*told.operations, strict=True)
    assert names[0] == "recorded"
    assert names[-1] == "as printed"
    assert numbers[0] > numbers[-1] == len(told.program.nodes)
    assert list(numbers) == sorted(numbers, reverse=True)
    assert told.source == compiled.source(PARAMS, X, 0.5)
    assert told.uncompiled == ""
    assert len(told.program.nodes) <= len(compiled.ir(PARAMS, X, 0.5).nodes)


def test_printing_it_shows_every_part():
    compiled = ag.compile(lambda x: np.sum(np.exp(x * scale) * x) * ag.compile(np.sum)(x))
    text = str(compiled.explain(X))
    for part in (
        *("compile(", "1 way through it, 1 kind of arguments known", "x: float64[3]"),
        *("recorded", "drop_dead", "group, one operation after the other", "exp("),
        *("is not elementwise", "watched", "scale"),
        *("bytes moved; at least", "workspace", "def replay("),
    ):
        assert part in text, part


def test_every_operation_is_in_a_group_or_has_a_reason():
    told = ag.compile(ag.value_and_grad(loss)).explain(PARAMS, X, 0.5)
    inside = sum(len(one.nodes) for one in told.groups)
    guards = len(told.guards)
    assert inside > 5
    assert inside + len(told.apart) + guards == len(told.program.nodes)
    assert all(why for _, why in told.apart)


def test_bytes_of_a_chain():
    n = 1000
    told = ag.compile(lambda x, y: (np.sin(x), np.cumsum(y))).explain(np.ones(n), np.ones(n))
    assert told.bytes_moved == told.bytes_least == 4 * 8 * n
    assert told.workspace == 0
    told = ag.compile(lambda x: np.cumsum(np.cumsum(np.cumsum(np.cumsum(x))))).explain(np.ones(n))
    assert told.bytes_least == 2 * 8 * n
    assert told.bytes_moved == 8 * 8 * n
    assert told.workspace == 2 * 8 * n  # the third is made when the first is gone
    told = ag.compile(lambda x, unused: x).explain(np.ones(n), np.ones(n))
    assert told.bytes_least == told.bytes_moved == 2 * 8 * n


def test_a_group_in_tiles_moves_what_goes_in_and_out():
    x = np.ones(1 << 18)
    told = ag.compile(lambda x: np.sin(x) * x + np.cos(x)).explain(x)
    assert len(told.groups) == 1
    assert told.tiles[0] > 1
    assert told.bytes_moved == told.bytes_least == 2 * x.nbytes
    assert 0 < told.workspace < x.nbytes
    assert f"group, in {told.tiles[0]} tiles" in str(told)
    told = ag.compile(lambda x: np.sin(x) * x + np.cos(x)).explain(x[:100])
    assert told.tiles == (0,)
    assert told.bytes_moved > 3 * told.bytes_least


def test_donated_arguments_are_left_as_they_are():
    compiled = ag.compile(lambda x, y: x * 2.0 + y, donate=0)
    x = np.ones(4)
    told = compiled.explain(x, np.ones(4))
    assert [i.role for i in told.inputs] == ["donated", ""]
    told = compiled.explain(x, np.ones(4))
    np.testing.assert_array_equal(x, np.ones(4))
    assert compiled(x, np.ones(4)) is x


def test_what_is_known_is_not_recorded_again(monkeypatch):
    compiled = ag.compile(loss)
    compiled(PARAMS, X, 0.5)

    def refuse(*args, **kw):
        raise AssertionError("recorded again")

    monkeypatch.setattr("anygrad.compiler.paths.record", refuse)
    assert compiled.explain(PARAMS, X, 0.5).paths == 1


def test_it_counts_paths_and_kinds():
    compiled = ag.compile(loss)
    assert repr(compiled) == "<compile(loss): 0 programs for 0 kinds of arguments>"
    compiled(PARAMS, X, 0.5)
    assert repr(compiled) == "<compile(loss): 1 program for 1 kind of arguments>"
    told = compiled.explain(PARAMS, -X, 0.5)
    assert (told.paths, told.kinds) == (2, 1)
    assert "is False" in told.guards[0]
    compiled(PARAMS, np.float32(1.0), 0.5)
    assert repr(compiled) == "<compile(loss): 3 programs for 2 kinds of arguments>"


def test_why_a_function_runs_uncompiled():
    compiled = ag.compile(loss)
    with ag.use_settings(fuse=False):
        told = compiled.explain(PARAMS, X, 0.5)
    assert "switched off by the settings" in str(told)
    assert told.program is None
    generator = np.random.default_rng(0)
    random = ag.compile(lambda x: x * generator.normal())
    with pytest.warns(ag.errors.RetraceWarning):
        told = [random.explain(X) for _ in range(3)][-1]
    assert "random" in told.uncompiled
    assert "runs uncompiled: it draws random" in str(told)


def test_host_functions_and_static_arguments():
    def f(x, n, which):
        assert which == "sum"
        return np.sum(x) * ag.schedules.cosine(1.0, 10)(n) if n is not None else x

    told = ag.compile(f).explain(X, 3, "sum")
    assert [x.name for x in told.inputs] == ["x"]


def test_it_reads_no_device(quick_xp):
    args = {"w": quick_xp.asarray(np.ones(3))}, quick_xp.asarray(X)
    compiled = ag.compile(lambda p, x: ag.namespace(x).sum(ag.namespace(x).tanh(p["w"] * x) * 2.0))
    with forbid_host_copies():
        compiled(*args)
        told = explain(compiled, args, {})
        text = str(told)
    assert isinstance(told, Explanation)
    assert "tanh" in text
    assert told.bytes_least - 2 * 3 * 8 in (0, 8)  # a scalar of NumPy has no memory


@ag.use_settings(kernels="auto")
def test_kernels_are_told_before_and_after_they_are_made():
    compiled = ag.compile(lambda x: np.sum(np.sqrt(x) * x))
    x = np.linspace(0.0, 1.0, 100_000)
    told = compiled.explain(x)
    assert told.replays_until_kernels > 0
    assert told.target.endswith(f"by kernels after {told.replays_until_kernels} replays more")
    (kernel,) = told.kernels
    assert [node.name for node in kernel.nodes] == ["sqrt", "multiply", "sum"]
    assert "reduce_" in told.source
    for _ in range(told.replays_until_kernels + 1):
        compiled(x)
    told = compiled.explain(x)
    assert told.replays_until_kernels == 0
    assert told.target == "by kernels, and by NumPy what is in none"
    assert "kernel_" in told.source
    assert "reduce_" not in told.source
    assert "\nkernel\n" in str(told)


def test_the_text_of_kernels_is_that_of_the_machine_code():
    x = np.ones(1000)
    compiled = ag.compile(lambda x: np.sqrt(x) * x)
    (text,) = compiled.kernels(x)
    assert "define i64 @kernel(ptr %table, i64 %start, i64 %stop)" in text
    assert "x double> @llvm.sqrt.v" in text
    with ag.use_settings(kernels="off"):
        assert compiled.kernels(x) == ()
        assert compiled.explain(x).kernels == ()
