"""trace: the operations of a function, numbered, with the user's lines."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, NonFiniteError, TraceError

X = np.array([1.0, 2.0, 3.0])


def loss(params, x, power=2):
    residual = x @ params["w"] + params["b"]
    return np.sum(residual**power)  # the sum


PARAMS = {"b": 0.5, "w": np.ones(2)}
DATA = np.ones((3, 2))


def test_operations_are_numbered_and_refer_to_earlier_ones():
    listing = ag.trace(loss)(PARAMS, DATA)
    assert [(x.number, x.name, x.shape) for x in listing.inputs] == [
        (0, "args[0]['b']", ()),
        (1, "args[0]['w']", (2,)),
        (2, "args[1]", (3, 2)),
    ]
    assert [(op.number, op.name, op.operands, op.shape) for op in listing] == [
        (3, "matmul", (2, 1), (3,)),
        (4, "add", (3, 0), (3,)),
        (5, "pow", (4, "2"), (3,)),
        (6, "sum", (5,), ()),
    ]
    assert listing[-1].keywords == {"axis": None, "keepdims": False}
    assert listing[-1].dtype == np.float64
    assert listing.results == (("result", 6),)
    assert len(listing) == 4


def test_lines_are_the_users():
    last = ag.trace(loss)(PARAMS, DATA)[-1]
    assert last.line.file == __file__
    assert last.line.function == "loss"
    assert last.line.source == "return np.sum(residual**power)  # the sum"


def test_it_prints_a_table():
    lines = str(ag.trace(loss)(PARAMS, DATA, power=3)).splitlines()
    number = ag.trace(loss)(PARAMS, DATA)[0].line.number
    assert lines[0] == "trace of loss"
    assert lines[1].split() == ["%0", "=", "args[0]['b']", "float64[]"]
    assert lines[6].split() == [
        *("%5", "=", "pow(%4,", "3)", "float64[3]"),
        f"test_trace.py:{number + 1}",
    ]
    assert lines[-2] == "  result = %6"
    # x, the base of the power twice in one, and nothing for sum
    assert lines[-1] == f"4 operations; {48 + 16 + 24} bytes kept for the backward pass"


def test_kept_arrays_are_counted_once_and_by_what_the_rules_read():
    assert ag.trace(lambda x: np.sum(x + x))(X).kept_bytes == 0
    assert ag.trace(lambda x: np.sum(x * x))(X).kept_bytes == 24
    assert ag.trace(lambda x: np.sum(np.exp(x) * np.sin(x)))(X).kept_bytes == 24 * 3


def test_constants_are_shown_shortly():
    listing = ag.trace(lambda x: np.where(X > 1.5, x, 0.0) * np.float32(2.0) + DATA.T)(X)
    assert listing[0].operands == ("bool[3]", 0, "0.0")
    assert listing[2].operands == (2, "float64[2, 3]")


def test_compositions_are_told_with_each_of_their_operations():
    listing = ag.trace(lambda x: np.var(x))(X)
    assert {op.line.inside for op in listing} == {"var"}
    assert " in var" in str(listing)


def test_inner_transformations_appear_as_their_operations():
    listing = ag.trace(lambda x: np.sum(ag.grad(lambda t: np.sum(np.sin(t)))(x)))(X)
    assert [op.name for op in listing].count("cos") == 1
    mapped = ag.trace(lambda x: ag.vmap(np.sin)(x))(X)
    assert [(op.name, op.shape) for op in mapped] == [("sin", (3,))]
    assert "cos" in [op.name for op in ag.trace(lambda x: ag.jvp(np.sin, (x,), (x,))[1])(X)]


def test_writes_are_operations():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[1:]
        return y

    assert "setitem" in [op.name for op in ag.trace(f)(X)]


def test_functions_with_a_rule_are_one_operation_a_result():
    @ag.custom_vjp
    def two(x):
        return x * 2.0, x * 3.0

    two.defvjp(lambda x: (two(x), None), lambda kept, g: (g[0] * 2.0 + g[1] * 3.0,))
    listing = ag.trace(lambda x: two(x))(X)
    assert [op.name.split(".")[-1] for op in listing] == ["two)[0]", "two)[1]"]
    assert listing.results == (("result[0]", 1), ("result[1]", 2))
    once = ag.trace(ag.checkpoint(lambda x: np.sin(np.sin(x))))(X)
    assert len(once) == 1


def test_any_tree_may_go_in_and_come_out():
    listing = ag.trace(lambda x, n, name: {"y": x * n, "c": (3.0, None, name)})(X, 2, "n")
    assert [x.name for x in listing.inputs] == ["args[0]"]
    assert dict(listing.results) == {"result['y']": 1, "result['c'][0]": "3.0"} | {
        "result['c'][2]": "'n'"
    }


def test_every_library_is_traced(xp):
    x = xp.asarray([1.0, 2.0, 3.0], dtype=xp.float32)
    listing = ag.trace(lambda x: ag.namespace(x).sum(x * x))(x)
    assert [op.name for op in listing] == ["multiply", "sum"]
    assert "float32[3]" in str(listing)
    assert listing.kept_bytes == 12


def test_it_works_inside_other_transformations_and_blocks():
    found = []

    def f(x):
        found.append(ag.trace(np.sin)(x))
        return np.sum(x)

    ag.grad(f)(X)
    assert [op.name for op in found[0]] == ["sin"]
    with ag.debug_nans():
        assert len(ag.trace(np.sin)(X)) == 1
        with pytest.raises(NonFiniteError, match="log"):
            ag.trace(np.log)(np.zeros(2))


def test_what_cannot_be_traced_is_refused():
    with pytest.raises(ArgumentError, match=r"trace\(f\): got 3"):
        ag.trace(3)
    kept = []
    ag.trace(lambda x: kept.append(x))(X)
    with pytest.raises(TraceError, match=r"of trace\(.*was used after its transformation"):
        kept[0] + 1.0
