"""Reductions: near NumPy's, the same in every run, and added up by the tree that is told here."""

import math

import numpy as np
import pytest

from anygrad.compiler.targets.cuda import reducing
from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.plans import Extent
from anygrad.compiler.targets.cuda.reducing import stages_of
from anygrad.tracing import TRACED
from tests.compiler.cuda.running import recorded, run
from tests.compiler.cuda.values import COMPLEX, DTYPES, INTEGERS, assert_same, dtype_of, wild
from tests.support.cuda import careful_memory, reason_no_compiler

pytestmark = pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))

CHUNK = 8192


def reduced(f, *args, kernels=1, **how):
    """What the program gives, in so many kernels, and what NumPy gives."""
    program = recorded(f, *args)
    found = kernels_of(program)
    assert len(found) == kernels, program
    assert [n for n in program.nodes if n.name in reducing._JOINS or n.name == "mean"]
    with np.errstate(all="ignore"):
        wanted = f(*args)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    return list(zip(run(program, args, found, **how), map(np.asarray, wanted), strict=True))


def assert_near(pairs, terms=1):
    for found, right in pairs:
        assert found.dtype == right.dtype
        assert found.shape == right.shape
        if right.dtype.kind not in "fc":
            assert np.array_equal(found, right)
            continue
        eps = float(np.finfo(right.dtype).eps) * 8 * max(math.log2(terms + 1), 1)
        np.testing.assert_allclose(found, right, rtol=eps, atol=0)


def all_of(y, **kw):
    floats = y.dtype.kind in "fc"
    more = () if y.dtype.kind == "c" else (TRACED.max(y, **kw), TRACED.min(y, **kw))
    more += (TRACED.mean(y, **kw),) if floats else ()
    return (TRACED.sum(y, **kw), *more, TRACED.any(y, **kw), TRACED.all(y, **kw))


def positive(shape, name, seed=0):
    x = np.random.default_rng(seed).random(shape) + 0.5
    if name in COMPLEX:
        return (x + 1j * x[::-1]).astype(name)
    return (x * 50).astype(name) if name in INTEGERS else x.astype(dtype_of(name))


LENGTHS = (2, 7, 31, 256, 1025, 2049, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 100)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in ("bool", "bfloat16")])
def test_all_elements(dtype):
    for n in LENGTHS:
        # the sum of float16 overflows, or drowns in NumPy's rounding, beyond a few terms
        if dtype != "float16" or n < 50:
            assert_near(reduced(lambda x: all_of(x + x), positive(n, dtype)), n)


def test_all_elements_of_truths():
    for n in LENGTHS:
        x = np.zeros(n, bool)
        for place in (0, n // 2, n - 1):
            x[:], x[place] = False, True
            f = lambda x: (*(g(x ^ x) for g in (TRACED.sum,)), *all_of(x | x), *all_of(~x))
            assert_near(reduced(f, x))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_gathered_in_single_precision(dtype):
    """As CuPy gathers them; the results are rounded once. Several stages, and extremes."""
    x = positive(3 * CHUNK + 100, dtype)
    x[20_000] = -3
    from tests.compiler.cuda.running import applied

    calls = [("negative", (x,), {}), ("add", (x, x), {})]
    program, (_, y) = applied(calls, (x,))
    from anygrad.compiler.program import Node, Ref

    specs, nodes = dict(program.specs), list(program.nodes)
    for name in ("max", "min", "mean"):
        number = Ref(len(specs))
        specs[int(number)] = specs[0]._replace(shape=(), strides=())
        nodes.append(Node(number, name, (nodes[1].number,), {"axis": None, "keepdims": False}))
    numbers = tuple([n.number for n in nodes])
    program = program.__class__(program.inputs, tuple(nodes), numbers, specs)
    (one,) = kernels_of(program)
    assert len(one.reductions) == 3
    with careful_memory():
        _, _, largest, least, mean = run(program, (x,))
    assert largest == y.max()
    assert least == -6
    exact = y.astype(np.float64).mean()
    assert mean.dtype == x.dtype
    assert abs(float(mean) - exact) <= abs(exact) * {"float16": 2**-10, "bfloat16": 2**-7}[dtype]


AXES = (None, 0, 1, 2, (0, 1), (1, 2), (0, 2), -1)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(axis, keepdims):
    for shape in ((5, 6, 7), (3, 700, 2), (2, 3, 1300), (40, 1, 5), (1, 300, 3)):
        x = positive(shape, "float32")
        f = lambda x: all_of(x + x, axis=axis, keepdims=keepdims)
        together = axis != (0, 2) or shape[1] == 1  # axes that are no neighbours are left to CuPy
        size = np.prod([shape[a] for a in np.atleast_1d(range(3) if axis is None else axis)])
        if together and size > 1:
            assert_near(reduced(f, x), 1000)


def test_axes_apart_are_left_to_cupy():
    program = recorded(lambda x: TRACED.sum(x * 2 + 1, axis=(0, 2)), positive((5, 6, 7), "float32"))
    assert [n.name for one in kernels_of(program) for n in one.nodes] == ["multiply", "add"]


def test_results_beside_and_other_orders():
    x, y = positive((50, 300), "float64"), positive((300,), "float64", 1)
    f = lambda x, y: (z := x * y, z - y, *all_of(z), TRACED.max(z - y))
    for given in (x, np.asfortranarray(x), x[::-1], positive((100, 300), "float64")[::2]):
        assert_near(reduced(f, given, y), x.size)
    g = lambda x, y: (z := x * y, TRACED.sum(z, axis=0), TRACED.max(z, axis=0))
    assert_near(reduced(g, x, y), 50)
    h = lambda x, y: (z := x * y, TRACED.sum(z, axis=1), TRACED.any(z > 2, axis=1))
    assert_near(reduced(h, x, y), 300)


def test_reductions_over_other_axes_are_left_out():
    x = positive((50, 30), "float64")
    f = lambda x: (TRACED.sum(y := x * 2, axis=0), TRACED.max(y, axis=0), TRACED.sum(y, axis=1))
    program = recorded(f, x)
    (one,) = kernels_of(program)
    assert len(one.reductions) == 2
    assert_near(zip(run(program, (x,)), map(np.asarray, f(x)), strict=True), 50)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_special_values_anywhere(dtype, value):
    f = lambda x: (TRACED.sum(y := -x), TRACED.max(y), TRACED.min(y), TRACED.any(y), TRACED.all(y))
    for n in (3, 700, CHUNK + 1):
        for place in (0, n // 2, n - 1):
            x = np.full(n, 2.0**-9, dtype)
            x[place] = value
            for found, right in reduced(f, x):
                assert_same(found, right)


def test_zeros_and_what_is_all_infinite():
    for x in (np.zeros(700), -np.zeros(700), np.full(700, -np.inf), np.full(700, np.inf)):
        f = lambda x: (TRACED.sum(y := x * 2), TRACED.max(y), TRACED.min(y))
        for found, right in reduced(f, x):
            assert_same(found, right, zeros=True)


def test_nothing_is_left_to_cupy():
    for shape in ((0,), (3, 0), (0, 3)):
        program = recorded(lambda x: (TRACED.sum(x * 3), TRACED.any(x > 0)), np.ones(shape))
        assert not kernels_of(program)


# ---- the order in which terms are added


def tree(terms, length, dtype):
    """The sum as a GPU adds it: chunks of 8,192, of 256 threads (fewer for short rows), each of
    which takes packs of ``length`` neighbours in turn; then halves of threads, then the chunks.
    """
    terms = np.asarray(terms, dtype)
    while True:
        threads = 1
        while threads < 256 and threads * 8 < len(terms):
            threads *= 2
        parts = []
        for start in range(0, len(terms), CHUNK):
            chunk = terms[start : start + CHUNK]
            own = np.zeros(threads, dtype)
            step = threads * length
            for first in range(0, len(chunk), step):
                pack = np.full(step, -0.0, dtype)  # which changes nothing
                given = chunk[first : first + step]
                pack[: len(given)] = given
                for v in range(length):
                    own = own + pack.reshape(threads, length)[:, v]
            while len(own) > 1:
                half = len(own) // 2
                own = own[:half] + own[half:]
            parts.append(own[0])
        if len(parts) == 1:
            return parts[0]
        terms, length = np.array(parts), 1


@pytest.mark.parametrize(("dtype", "length"), [("float32", 4), ("float64", 2)])
@pytest.mark.parametrize("n", [5, 300, 2100, CHUNK, 2 * CHUNK + 77])
def test_terms_are_added_by_the_tree(dtype, length, n):
    x = wild(n, dtype)
    f = lambda x: TRACED.sum(-x)
    wanted = tree(-x, length, dtype)
    for order in ("forward", "reverse", "shuffled:5"):
        ((found, _),) = reduced(f, x, order=order)
        assert found == wanted
    memory = np.empty(n + 1, dtype)
    memory[1:] = x
    for view in (memory[1:], memory[:-1]):
        view[...] = x
        ((found, _),) = reduced(f, view, order="reverse")
        assert found == wanted


def test_three_stages(monkeypatch):
    """With small chunks; CHUNK ** 2 terms would take too long here."""
    monkeypatch.setattr(reducing, "CHUNK", 64)
    monkeypatch.setattr(reducing, "TERMS", 64 // 256)
    x = positive(64 * 64 * 3 + 5, "float64")
    stages = stages_of(Extent(1, x.size, 1))
    assert [s.is_last for s in stages] == [False, False, True]
    f = lambda x: (TRACED.sum(y := x[::2] * 2), TRACED.max(y), TRACED.mean(y))
    x = positive(64 * 64 * 6 + 5, "float64")
    assert_near(reduced(f, x), x.size)


@pytest.mark.parametrize("n", [600, 5000])
def test_stages_along_columns(n):
    x = positive((n, 5), "float32")
    assert len(stages_of(Extent(1, n, 5))) > 1
    assert_near(reduced(lambda x: all_of(x * 2, axis=0), x), n)
    y = positive((3, n, 5), "float64")
    assert_near(reduced(lambda x: all_of(x * 2, axis=1), y), n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_are_as_accurate_as_pairwise_ones(dtype):
    """The model of the tree, which kernels keep to the bit, for a million terms."""
    rng = np.random.default_rng(0)
    for terms in (rng.random(10**6), rng.standard_normal(10**6)):
        x = terms.astype(dtype)
        exact = math.fsum(map(float, x))
        ours, numpys = tree(x, 16 // x.itemsize, dtype), x.sum()
        floor = float(np.finfo(dtype).eps) * float(np.abs(x).sum(dtype=float)) ** 0.5
        assert abs(float(ours) - exact) <= 2 * abs(float(numpys) - exact) + floor


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_ten_million_terms(dtype):
    x = np.random.default_rng(1).standard_normal(10**7).astype(dtype)
    ((found, right),) = reduced(lambda x: TRACED.sum(-x), x)
    exact = math.fsum(map(float, -x))
    assert found == tree(-x, 16 // x.itemsize, dtype)
    floor = float(np.finfo(dtype).eps) * 10**3.5
    assert abs(float(found) - exact) <= 2 * abs(float(right) - exact) + floor
