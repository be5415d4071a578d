"""For every row: vmap gives what a loop gives, also of derivatives, nested, and of parts mapped."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import jvp, vjp, vmap
from anygrad.ops import ROWS
from anygrad.tracing import TRACED
from tests.ops.sampling import (
    CASES,
    case_name,
    direction,
    floating,
    lacks,
    operands,
    roughness,
    without_phase,
)
from tests.ops.test_laws import reverses
from tests.support import assert_close, forbid_host_copies

SIZE = 3
all_cases = pytest.mark.parametrize("pair", CASES, ids=case_name)


def batches(row, case, which, seed=0):
    """Operands with SIZE examples along axis 0 for those in ``which``."""
    single = operands(row, case)
    several = [operands(row, case, seed=seed + k) for k in range(SIZE)]
    return [np.stack([s[k] for s in several]) if k in which else a for k, a in enumerate(single)]


def choices(args):
    """Which operands are mapped: all, and each alone."""
    places = list(range(len(args)))
    return [places] if len(places) == 1 else [places, *([k] for k in places)]


def example(args, which, n):
    return [a[n] if k in which else a for k, a in enumerate(args)]


def stacked(results):
    return np.stack([np.asarray(r) for r in results])


@all_cases
def test_vmap_is_the_loop(pair):
    row, case = pair

    def f(*xs):
        return getattr(TRACED, row.name)(*xs, **case.kw)

    for which in choices(case.shapes):
        args = batches(row, case, which)
        axes = tuple(0 if k in which else None for k in range(len(args)))
        loop = stacked([f(*example(args, which, n)) for n in range(SIZE)])
        assert_close(vmap(f, axes)(*args), loop)


@all_cases
def test_vmap_of_pullback_and_of_tangent_is_the_loop(pair):
    row, case = pair
    which = list(range(len(case.shapes)))
    args = batches(row, case, which)
    places = floating(operands(row, case), row)

    def derivatives(*xs):
        whole = list(xs)

        def f(*inner):
            for k, x in zip(places, inner, strict=True):
                whole[k] = x
            return getattr(TRACED, row.name)(*whole, **case.kw)

        primals = tuple(xs[k] for k in places)
        value, pullback = vjp(f, *primals)
        return pullback(value * 0.5 + 1.0), jvp(f, primals, primals)[1]

    found = vmap(derivatives)(*args)
    loop = [derivatives(*example(args, which, n)) for n in range(SIZE)]
    for k in range(len(places)):
        assert_close(found[0][k], stacked([pulled[k] for pulled, _ in loop]))
    assert_close(found[1], stacked([tangent for _, tangent in loop]))


@all_cases
def test_derivative_of_vmap_is_the_derivative_of_the_loop(pair):
    row, case = pair
    which = list(range(len(case.shapes)))
    args = batches(row, case, which)
    places = floating(operands(row, case), row)

    def run(operation):
        def f(*inner):
            whole = list(args)
            for k, x in zip(places, inner, strict=True):
                whole[k] = x
            return operation(*whole)

        value, pullback = vjp(f, *(args[k] for k in places))
        u = direction(np.random.default_rng(2), np.asarray(value))
        return value, pullback(u)

    def single(*xs):
        return getattr(TRACED, row.name)(*xs, **case.kw)

    def loop(*xs):
        return TRACED.stack(*(single(*(x[n] for x in xs)) for n in range(SIZE)), axis=0)

    assert_close(run(vmap(single)), run(loop))


@all_cases
def test_vmap_on_every_backend(pair, xp):
    row, case = pair
    if lacks(row, xp):
        pytest.skip(lacks(row, xp))
    if xp.name == "torch" and reverses(case.kw.get("key")):
        pytest.skip("PyTorch has no slices with a negative step")
    if xp.name == "jax" and case is not row.cases[0]:
        pytest.skip("JAX compiles every new shape; the first case of each row stands for all")
    complex_only = row.name == "imag"  # the standard has it for complex arrays only
    args = batches(row, case, list(range(len(case.shapes))))
    args = [a + 1j * a if complex_only else a for a in args]
    there = [xp.asarray(a) for a in args]
    kw = {k: xp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in case.kw.items()}

    def mapped(kw):
        return vmap(without_phase(row, lambda *xs: getattr(TRACED, row.name)(*xs, **kw)))

    with forbid_host_copies():
        found = mapped(kw)(*there)
    assert_close(found, np.asarray(mapped(case.kw)(*args)), scale=roughness(row, xp))


@all_cases
def test_vmap_nests(pair):
    row, case = pair
    which = list(range(len(case.shapes)))
    several = [batches(row, case, which, seed) for seed in (0, SIZE)]
    args = [np.stack(pair) for pair in zip(*several, strict=True)]

    def f(*xs):
        return getattr(TRACED, row.name)(*xs, **case.kw)

    loop = np.stack([stacked([f(*(a[m][n] for a in args)) for n in range(SIZE)]) for m in range(2)])
    assert_close(vmap(vmap(f))(*args), loop)


CONSTANT = {
    **{name: 1 for name in ("floor", "ceil", "trunc", "round", "sign", "signbit", "isnan")},
    **{name: 1 for name in ("isinf", "isfinite", "zeros_like")},
    **{name: 2 for name in ("equal", "not_equal", "less", "less_equal", "greater")},
    **{name: 2 for name in ("greater_equal", "floor_divide")},
}


@pytest.mark.parametrize("name", CONSTANT)
def test_constants_are_batched(name):
    x = np.random.default_rng(0).normal(size=(SIZE, 2, 4))
    y = np.random.default_rng(1).normal(size=(SIZE, 4))
    args = (x, y)[: CONSTANT[name]]
    f = getattr(TRACED, name)
    loop = stacked([f(*(a[n] for a in args)) for n in range(SIZE)])
    np.testing.assert_array_equal(vmap(f)(*args), loop)


@pytest.mark.parametrize("name", ["all", "any", "argmax", "argmin", "count_nonzero"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_constant_reductions_are_batched(name, axis):
    x = np.random.default_rng(0).normal(size=(SIZE, 2, 4))

    def f(x):
        return getattr(TRACED, name)(x, axis=axis)

    np.testing.assert_array_equal(vmap(f)(x), stacked([f(part) for part in x]))


KEYS = {
    "index": lambda i: (i,),
    "index of the last": lambda i: (..., i),
    "two": lambda i: (i, i),
    "beside a slice": lambda i: (slice(None), i, slice(0, 2)),
    "apart": lambda i: (i, slice(None), i),
    "beside an array": lambda i: (i, np.asarray([[0, 1], [1, 0]])),
    "beside None": lambda i: (None, i),
    "with a number": lambda i: (1, slice(None), i),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("mapped", [True, False])
def test_index_arrays_may_differ_between_examples(name, rank, mapped):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SIZE, 2, 2, 2) if mapped else (2, 2, 2))
    index = rng.integers(0, 2, size=(SIZE, *(2, 2)[:rank]))

    def f(x, i):
        return ag.namespace(x, i).sum(x * 0.0) + TRACED.positive(x)[KEYS[name](i)] ** 2

    def by_hand(x, i):
        return x[KEYS[name](i)] ** 2

    axes = (0 if mapped else None, 0)
    loop = [by_hand(x[n] if mapped else x, index[n]) for n in range(SIZE)]
    wrapped = vmap(lambda x, i: f(x, i), axes)
    if not mapped:  # a plain array would ask the index for a number

        def wrapped(x, index):
            return ag.vjp(lambda x: vmap(lambda i: x[KEYS[name](i)] ** 2)(index), x)[0]

    assert_close(wrapped(x, index), stacked(loop))

    def total(x):
        return np.sum(np.sin(vmap(lambda x, i: x[KEYS[name](i)], axes)(x, index)))

    def total_by_loop(x):
        parts = [x[n] if mapped else x for n in range(SIZE)]
        return sum(
            ag.namespace(p).sum(ag.namespace(p).sin(p[KEYS[name](i)]))
            for p, i in zip(parts, index, strict=True)
        )

    assert_close(ag.grad(total)(x), ag.grad(total_by_loop)(x))


def test_every_differentiable_row_is_batched():
    assert {row.name for row, _ in CASES} | {"astype", "vectors"} == {
        row.name for row in ROWS.values() if not row.constant
    }
