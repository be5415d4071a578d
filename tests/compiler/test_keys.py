"""For which arguments a program is used: whatever makes the function compute otherwise tells."""

import collections
import dataclasses
import enum
import fractions
import functools
import math
import types
import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.compiled import SUSPICIOUS
from anygrad.errors import ArgumentError, MixedBackendError, RetraceWarning, TraceError

X = np.arange(6.0).reshape(2, 3)
Pair = collections.namedtuple("Pair", "one two")


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray
    name: str = dataclasses.field(default="a", metadata={"static": True})


def counts(compiled):
    return len(compiled._kinds), sum(len(kind.paths) for kind in compiled._kinds.values())


def same(found, expected):
    """Equal to the bit, in type, dtype, shape and order in memory."""
    a, one = ag.trees.flatten(found)
    b, other = ag.trees.flatten(expected)
    assert one == other
    assert list(map(type, a)) == list(map(type, b))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y), strict=True)
        assert repr(x) == repr(y)


def agrees(f, *arguments):
    """Compare with the function itself; every second time the program is replayed."""
    compiled = ag.compile(f)
    for args in (*arguments, *arguments):
        same(compiled(*args), f(*args))
    return compiled


def as_order(x, order):
    return np.asarray(x, order=order)


def test_shapes_strides_and_byte_orders_of_an_array():
    forms = [
        *(X, X.astype(np.float32), X.astype(">f8"), X.astype(int), X > 2, X * 1j),
        *(as_order(X, "F"), X.T, X[:, ::2], X[::-1], X[:0], np.array(3.0), X.reshape(3, 2)),
        *(np.broadcast_to(X[0], (2, 3)), np.lib.stride_tricks.as_strided(X, (2, 3), (0, 8))),
        *(X.astype(np.float16), X.astype(np.uint8), np.empty((0, 3)), np.zeros((1, 1, 1))),
    ]
    compiled = agrees(lambda x: (x + x, np.sum(x), x.T, x * 2), *[(x,) for x in forms])
    kinds = len({(x.shape, x.strides, x.dtype) for x in forms})
    assert counts(compiled) == (kinds, kinds)


def test_a_read_only_array_uses_the_program_of_others():
    x = X.copy()
    x.flags.writeable = False
    compiled = agrees(lambda x: x * 2, (X,), (x,))
    assert counts(compiled) == (1, 1)


def test_numpy_scalars_and_numbers_are_told_apart():
    numbers = [2.0, 2, True, 2 + 0j, np.float64(2), np.float32(2), np.int64(2), np.array(2.0)]
    f32 = X.astype(np.float32)
    agrees(lambda x, k: (x * k, k * k, k + 1), *[(f32, k) for k in numbers])


def test_a_float_keeps_the_dtype_of_the_array_and_is_an_input():
    compiled = ag.compile(lambda x, k: x * k)
    for k in (0.1, 0.2, math.inf, -0.0, 1e300):
        with np.errstate(over="ignore", invalid="ignore"):
            same(compiled(X.astype(np.float32), k), X.astype(np.float32) * k)
    assert counts(compiled) == (1, 1)


def test_trees_by_their_structure():
    one, two = np.ones(2), np.arange(2.0)
    trees = [
        *([one, two], (one, two), Pair(one, two), Pair(two, (one, one)), {"a": one, "b": two}),
        *({"b": one, "a": two}, {"a": {"b": [one, None]}}, collections.OrderedDict(b=one, a=two)),
        *(Layer(one, two), Layer(one, two, "b"), [None, one], [[], one], ({}, one)),
    ]

    def f(tree):
        return ag.trees.map(lambda x: x * 2.0, tree)

    agrees(f, *[(tree,) for tree in trees])


def test_the_order_of_the_keys_of_a_dict():
    def f(values):
        total = 0.0
        for x in values.values():
            total = total + x
        return total, {name: x + 1 for name, x in values.items()}

    big, small = np.array([1e16]), np.array([1.0])
    one = {"a": big, "b": small, "c": -big}
    other = {"a": big, "c": -big, "b": small}
    compiled = ag.compile(f)
    for values in (one, other, one, other):
        found, expected = compiled(values), f(values)
        same(found, expected)
        assert list(found[1]) == list(expected[1])
    nested = ag.compile(lambda tree: f(tree["inner"]))
    for values in (one, other):
        same(nested({"inner": values}), f(values))


def test_the_order_of_keyword_arguments():
    def f(**values):
        total = 0.0
        for x in values.values():
            total = total + x
        return list(values), total

    compiled = ag.compile(f)
    for kw in ({"a": 1e16, "b": 1.0, "c": -1e16}, {"a": 1e16, "c": -1e16, "b": 1.0}):
        assert compiled(**kw) == f(**kw)


def test_arguments_by_position_by_name_and_by_default():
    def f(x, scale=2.0, *rest, shift=0.0, **more):
        return x * scale + shift + sum(rest) + sum(more.values())

    compiled = ag.compile(f)
    for args, kw in (
        *(((X,), {}), ((X, 3.0), {}), ((X,), {"scale": 3.0}), ((), {"x": X})),
        *(((X, 1.0, 2.0, X), {"shift": 1.0}), ((X,), {"a": 1.0, "b": X})),
    ):
        for _ in range(2):
            same(compiled(*args, **kw), f(*args, **kw))


def test_a_wrong_call_raises_what_the_function_raises():
    compiled = ag.compile(lambda x, y: x + y)
    for args, kw in (((X,), {}), ((X, X, X), {}), ((X,), {"z": X})):
        with pytest.raises(TypeError, match="argument"):
            compiled(*args, **kw)
    assert compiled(X, X) is not None


class Kind(enum.Enum):
    SUM = 1
    MEAN = 2


STATIC = [
    *("sum", "mean", None, np.sum, np.mean, Kind.SUM, Kind.MEAN, fractions.Fraction(1, 2)),
    *(int, np.dtype("f4"), np.sin, (1, "a"), b"x", frozenset((1,)), len),
]


@pytest.mark.parametrize("k", range(len(STATIC)))
def test_other_arguments_are_choices(k):
    value = STATIC[k]

    def f(x, how):
        if how in ("sum", Kind.SUM):
            return np.sum(x)
        if isinstance(how, types.FunctionType | np.ufunc | type(np.sum)):
            return how(x)
        return x * len(str(type(how)))

    compiled = agrees(f, (X, "sum"), (X, value), (X, "mean"))
    assert counts(compiled)[0] == len({"sum", "mean", value})


def test_functions_of_the_user_as_arguments_are_looked_into():
    rate = 0.5

    def scale(x):
        return x * rate

    def f(g, x):
        return g(x) + 1.0

    compiled = ag.compile(f)
    for value in (0.5, 2.0, 0.5):
        rate = value
        same(compiled(scale, X), f(scale, X))
        same(compiled(np.sin, X), f(np.sin, X))


def test_a_set_among_the_arguments_is_compared_by_what_it_holds():
    def f(x, names):
        return x * len(names)

    names = {"a"}
    compiled = ag.compile(f)
    same(compiled(X, names), X)
    names.add("b")
    same(compiled(X, names), X * 2)


def test_an_object_that_cannot_be_hashed_is_looked_into():
    state = types.SimpleNamespace(rate=2.0)
    compiled = ag.compile(lambda x, s: x * s.rate)
    same(compiled(X, state), X * 2)
    state.rate = 3.0
    same(compiled(X, state), X * 3)


def test_masked_arrays_and_matrices_run_uncompiled():
    for value in (np.ma.masked_array(X, mask=X > 2), X.copy().view(np.matrix)):
        compiled = ag.compile(lambda x: x * 2)
        with pytest.warns(RetraceWarning, match="x is a .*, whose elements are not compared"):
            found = compiled(value)
        assert type(found) is type(value)
        value[0, 0] = 100.0
        assert compiled(value)[0, 0] == 200.0


@pytest.mark.parametrize(
    "x",
    [
        np.array([1.0, None], dtype=object),
        np.array(["a", "b"]),
        np.zeros(2, dtype=[("a", float)]),
        np.array(["2020-01-01"], dtype="M8[D]"),
    ],
    ids=["object", "string", "record", "date"],
)
def test_arrays_of_other_things_than_numbers_run_as_they_do(x):
    compiled = ag.compile(lambda x: (x[:1], len(x)))
    for _ in range(2):
        found, n = compiled(x)
        assert found.dtype == x.dtype
        assert n == len(x)
        assert repr(found) == repr(x[:1])
    assert counts(compiled) == (1, 0)


def test_subclasses_of_arrays_have_programs_of_their_own(tmp_path):
    class Marked(np.ndarray):
        pass

    memmap = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=(2, 3))
    memmap[...] = X
    compiled = ag.compile(lambda x: x * 2.0)
    for x in (X, X.view(Marked), memmap, X, X.view(Marked), memmap):
        found, expected = compiled(x), x * 2.0
        assert type(found) is type(expected)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert counts(compiled) == (3, 3)


def test_two_libraries_are_refused_as_without_compiling():
    torch = pytest.importorskip("torch")

    def f(x, y):
        return ag.value(x) * 1.0, y + 1

    compiled = ag.compile(f)
    x, y = np.ones(2), torch.ones(2)
    for _ in range(2):
        a, b = compiled(x, y)
        assert type(a) is np.ndarray
        assert type(b) is torch.Tensor
    with pytest.raises((MixedBackendError, TypeError)):
        ag.compile(lambda x, y: np.sin(x) + y)(x, y)


def test_torch_tensors_that_record_derivatives_are_left_to_torch():
    torch = pytest.importorskip("torch")
    compiled = ag.compile(lambda x: (x * x).sum())
    x = torch.tensor([1.0, 2.0])
    assert not compiled(x).requires_grad
    y = torch.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(2):
        y.grad = None
        compiled(y).backward()
        assert y.grad.tolist() == [2.0, 4.0]
    assert not compiled(x).requires_grad
    assert counts(compiled) == (2, 1)


@pytest.mark.slow
def test_jax_traces_through_a_compiled_function():
    jax = pytest.importorskip("jax")
    compiled = ag.compile(lambda x: x * 2.0)
    jitted = jax.jit(lambda x: compiled(x))
    for k in (1.0, 2.0):
        assert float(jitted(jax.numpy.asarray(k))) == 2.0 * k


def test_arrays_of_every_library(quick_xp):
    x = quick_xp.asarray([1.0, 2.0, 3.0])
    compiled = ag.compile(lambda x, k: (x * k + 1.0, x[0]))
    for k in (1.0, 2.0):
        found = compiled(x, k)
        for a, b in zip(found, (x * k + 1.0, x[0]), strict=True):
            assert type(a) is type(b)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(ag.to_numpy(a), ag.to_numpy(b))
    assert counts(compiled) == (1, 1)


# Static arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize("static", ["n", 1, ("n",), [1]])
def test_static_arguments_however_they_are_passed(static):
    def f(x, n=1, *, shift=0.0):
        return x * sum(range(n)) + shift

    compiled = ag.compile(f, static=static)
    for args, kw in (((X, 3), {}), ((X,), {"n": 3}), ((X,), {}), ((X, 4), {"shift": 1.0})):
        for _ in range(2):
            same(compiled(*args, **kw), f(*args, **kw))
    for n in range(5, 15):
        same(compiled(X, n), f(X, n))
    assert all(len(kind.paths) == 1 for kind in compiled._kinds.values())


def test_static_values_that_are_equal_but_not_the_same():
    values = [1, 1.0, True, 0.0, -0.0, (1, 2.0), (1.0, 2), (True, (0.0,)), (True, (-0.0,))]
    compiled = ag.compile(lambda x, v: (x, repr(v)), static=1)
    for v in (*values, *values):
        assert compiled(X, v)[1] == repr(v)
    assert counts(compiled)[0] == len(values)


def test_static_values_that_cannot_be_hashed_are_refused():
    compiled = ag.compile(lambda x, v: x, static="v")
    for v in ([1], X, {"a": 1}):
        with pytest.raises(ArgumentError, match="expected something that can be hashed"):
            compiled(X, v)


@pytest.mark.parametrize("place", ["m", 5, -1, True, 1.5])
def test_places_that_are_no_arguments_are_refused(place):
    for option in ("static", "donate"):
        with pytest.raises(ArgumentError, match=option):
            ag.compile(lambda x, n: x, **{option: place})


def test_a_static_object_is_looked_into():
    class Config:
        def __init__(self):
            self.rate = 0.5

    config = Config()
    compiled = ag.compile(lambda x, c: x * c.rate, static="c")
    for rate in (0.5, 2.0, 0.5):
        config.rate = rate
        same(compiled(X, config), X * rate)


# Many kinds ---------------------------------------------------------------------------------------


def test_many_shapes_are_bounded_and_a_warning_names_what_changes(monkeypatch):
    monkeypatch.setattr("anygrad.compiler.compiled.KINDS", 80)
    compiled = ag.compile(lambda image, k: image * k)

    def call_all():
        for n in range(1, 301):
            assert compiled(np.zeros(n), 2.0).shape == (n,)

    with pytest.warns(RetraceWarning) as warned:
        call_all()
    assert len(compiled._kinds) <= 80
    texts = [str(w.message) for w in warned]
    assert len(texts) == 2
    first = f"image was shape ({SUSPICIOUS},), dtype float64, strides (8,), and is shape"
    assert first in texts[0]
    assert f"({SUSPICIOUS + 1},)" in texts[0]


def test_a_kind_in_use_outlives_many_others(monkeypatch):
    monkeypatch.setattr("anygrad.compiler.compiled.KINDS", 10)
    compiled = ag.compile(lambda x: x * 2.0)
    compiled(X)
    kept = next(iter(compiled._kinds.values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(1, 30):
            compiled(X)
            compiled(np.zeros(n))
    assert any(kind is kept for kind in compiled._kinds.values())


def test_the_settings_belong_to_the_key():
    compiled = ag.compile(lambda x: x * 2.0)
    compiled(X)
    with ag.use_settings(fuse=False):
        same(compiled(X), X * 2.0)
    assert counts(compiled) == (1, 1)
    with ag.use_settings(dtype="float32"):
        compiled(X)
    assert counts(compiled) == (2, 2)


# Results ------------------------------------------------------------------------------------------


def test_results_of_all_kinds():
    def f(x):
        return {
            "array": x * 2,
            "scalar": np.sum(x),
            "number": 1.5,
            "name": "a",
            "none": None,
            "nothing": (),
            "kind": float,
            "pair": Pair(x + 1, [x - 1]),
        }

    agrees(f, (X,), (X,))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: lambda: x,
        lambda x: ag.vjp(np.sum, x),
        lambda x: types.SimpleNamespace(y=x),
        lambda x: (row for row in x),
        lambda x: {"a", "b"},
        lambda x: functools.partial(np.add, x),
    ],
    ids=["function", "pullback", "object", "generator", "set", "partial"],
)
def test_results_that_could_hide_a_value_are_refused(f):
    with pytest.raises(TraceError, match="a replay could not make anew"):
        ag.compile(f)(X)


@pytest.mark.parametrize("change", ["dict", "list", "nested", "object"])
def test_changing_a_container_among_the_arguments_is_refused(change):
    def f(tree, layer, x):
        if change == "dict":
            tree["n"] = x
        elif change == "list":
            tree["rest"].append(x)
        elif change == "nested":
            tree["rest"][0] = x
        else:
            layer.w = x
        return x * 2

    with pytest.raises(TraceError, match="changes a dict, list or object among its arguments"):
        ag.compile(f)({"rest": [X]}, Layer(X, X), X)
