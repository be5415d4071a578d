"""Every row of the table, compiled: value, pullback, tangent and batch, recorded and replayed."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.tracing import TRACED
from tests.compiler.agreement import assert_agrees, use_plain_target
from tests.ops.sampling import CASES, directions, floating, function_of, operands

ROWS = {row.name: [case for other, case in CASES if other is row] for row, _ in CASES}
OF_NAME = {row.name: row for row, _ in CASES}
DTYPES = (np.float64, np.float32, np.complex128)


def possible(row, case, dtype):
    """The operands of two calls; None where the row does not take the dtype."""
    if dtype is np.complex128 and row.special and row.complex_rules is None:
        return None
    calls = [operands(row, case, seed, dtype) for seed in (0, 1)]
    try:
        getattr(TRACED, row.name)(*calls[0], **case.kw)
    except (TypeError, ValueError, ag.errors.AnygradError):
        return None
    return calls


def pulled(f):
    def pull(*xs):
        y, back = ag.vjp(f, *xs)
        return y, back(ag.trees.map(np.ones_like, y))

    return pull


@pytest.mark.parametrize("name", ROWS)
def test_rows_agree(name, monkeypatch):
    use_plain_target(monkeypatch)
    row = OF_NAME[name]
    for case in ROWS[name]:
        for dtype in DTYPES:
            calls = possible(row, case, dtype)
            if calls is None:
                continue
            assert_agrees(lambda *xs, case=case: getattr(TRACED, name)(*xs, **case.kw), *calls)
            if dtype is np.float32:
                continue
            f, first = function_of(row, case, calls[0])
            second = [calls[1][k] for k in floating(calls[1], row)]
            assert_agrees(pulled(f), first, second)
            if dtype is np.complex128:
                continue
            assert_agrees(lambda *xs, f=f: ag.jvp(f, xs, tuple(directions(xs))), first, second)
            pairs = list(zip(first, second, strict=True))
            stacks = [np.stack([a, 0.5 * a, b]) for a, b in pairs]
            others = [np.stack([b, b, a]) for a, b in pairs]
            assert_agrees(ag.vmap(f), stacks, others)


@pytest.mark.parametrize("name", ["sin", "multiply", "sum", "matmul", "getitem", "where", "svd"])
def test_rows_agree_as_they_are_printed_by_default(name):
    row, case = OF_NAME[name], ROWS[name][0]
    calls = [operands(row, case, seed) for seed in (0, 1)]
    f, first = function_of(row, case, calls[0])
    assert_agrees(pulled(f), first, [calls[1][k] for k in floating(calls[1], row)])
