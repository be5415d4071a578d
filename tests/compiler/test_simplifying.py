"""The passes leave every bit of every result, and merge only what is the same to the bit."""

import operator

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import BACKENDS
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.simplifying import (
    drop_dead,
    merge_common,
    remove_identities,
    simplify,
    spread_late,
)
from anygrad.compiler.targets.plain import print_plain

NUMPY = BACKENDS["numpy"]
SPECIAL = np.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.0, -2.5])


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def spec_of(x):
    if type(x) in (float, int, complex):
        return Spec("number", (), type(x))
    kind = "scalar" if isinstance(x, np.generic) else "array"
    return Spec(kind, x.shape, x.dtype, x.strides if kind == "array" else None, NUMPY)


class Written:
    """A program, written down as it is carried out on values."""

    def __init__(self, *inputs):
        self.inputs, self.nodes = inputs, []
        self.values = dict(enumerate(inputs))

    def __call__(self, name, *operands, function=None, **keywords):
        number = Ref(len(self.values))
        self.values[number] = self.carried_out(name, operands, keywords, function)
        self.nodes.append(Node(number, name, operands, keywords, function))
        return number

    def carried_out(self, name, operands, keywords, function):
        given = [self.values[x] if type(x) is Ref else x for x in operands]
        if name in ("host", "guard"):
            return function(given[0])
        if name == "call":
            return function(given)
        symbols = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv"}
        if name in symbols:
            return getattr(operator, symbols[name])(*given)
        if name == "pow":
            return given[0] ** given[1]
        if name == "astype":
            return given[0].astype(**keywords)
        if name == "getitem":
            return given[0][keywords["key"]]
        if name == "setitem":
            changed = given[0].copy()
            changed[keywords["key"]] = given[1]
            return changed
        if name == "permute_dims":
            return given[0].transpose(keywords["axes"])
        if name in ("broadcast_to", "reshape"):
            return getattr(np, name)(given[0], keywords["shape"])
        return getattr(np, name)(*given, **keywords)

    def program(self, *outputs):
        specs = {n: spec_of(x) for n, x in self.values.items() if hasattr(x, "dtype")}
        specs |= {n: spec_of(x) for n, x in self.values.items() if type(x) in (float, int, complex)}
        for n in self.values:
            specs.setdefault(n, Spec("number"))
        refs = tuple(map(Ref, range(len(self.inputs))))
        return Program(refs, tuple(self.nodes), outputs, specs)


def names(program):
    return [node.name for node in program.nodes]


def assert_same_results(before, after, *inputs):
    for a, b in zip(print_plain(before)(*inputs), print_plain(after)(*inputs), strict=True):
        assert type(a) is type(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_what_nothing_needs_is_left_out():
    w = Written(SPECIAL)
    used = w("sin", Ref(0))
    w("cos", used)
    w("host", used, function=abs)
    w("call", used, function=lambda xs: xs[0] + 1.0)
    kept = drop_dead(w.program(used))
    assert names(kept) == ["sin"]


def test_guards_stay_and_keep_what_they_ask():
    w = Written(SPECIAL)
    y = w("sin", Ref(0))
    z = w("greater", y, 2.0)
    w.nodes.append(Node(Ref(90), "guard", (z, "any", False), {}, np.any))
    assert names(drop_dead(w.program(Ref(0)))) == ["sin", "greater", "guard"]


def test_an_operand_in_a_key_is_needed():
    w = Written(SPECIAL, np.asarray([1, 2]))
    where = w("add", Ref(1), 1)
    taken = w("getitem", Ref(0), key=(where,))
    w.values[taken] = SPECIAL[[2, 3]]
    assert names(drop_dead(w.program(taken))) == ["add", "getitem"]


def test_what_occurs_twice_is_computed_once():
    w = Written(SPECIAL)
    a, b = w("sin", Ref(0)), w("sin", Ref(0))
    c = w("multiply", a, b)
    d = w("multiply", b, a)
    merged = merge_common(w.program(c, d))
    assert names(merged) == ["sin", "multiply"]
    assert merged.outputs == (c, c)
    assert_same_results(w.program(c, d), merged, SPECIAL)


ARRAY = np.arange(8.0)
DIFFERENT = {
    "zeros": ("add", (0.0,), (-0.0,), {}, {}),
    "kinds of one": ("multiply", (1,), (1.0,), {}, {}),
    "one and true": ("multiply", (1,), (True,), {}, {}),
    "precision": ("multiply", (np.float32(1.5),), (np.float64(1.5),), {}, {}),
    "zeros of NumPy": ("add", (np.float64(0.0),), (np.float64(-0.0),), {}, {}),
    "arrays": ("add", (ARRAY,), (ARRAY.copy(),), {}, {}),
    "slices": ("getitem", (), (), {"key": slice(0, 2)}, {"key": slice(0, 3)}),
    "axis": ("sum", (), (), {"axis": 0, "keepdims": True}, {"axis": 0, "keepdims": False}),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_in_a_bit_is_not_merged(name):
    row, first, second, by, other = DIFFERENT[name]
    w = Written(SPECIAL.copy())
    a, b = w(row, Ref(0), *first, **by), w(row, Ref(0), *second, **other)
    assert len(merge_common(w.program(a, b)).nodes) == 2


SAME = {
    "nan": ("add", (float("nan"),), (float("nan"),), {}, {}),
    "numbers": ("add", (0.1,), (0.1,), {}, {}),
    "scalars": ("add", (np.float32(0.1),), (np.float32(0.1),), {}, {}),
    "one array": ("add", (ARRAY,), (ARRAY,), {}, {}),
    "slices": ("getitem", (), (), {"key": (slice(0, 3), ...)}, {"key": (slice(0, 3), ...)}),
    "order of keywords": (
        "sum",
        (),
        (),
        {"axis": 0, "keepdims": True},
        {"keepdims": True, "axis": 0},
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_to_the_bit_is_merged(name):
    row, first, second, by, other = SAME[name]
    w = Written(SPECIAL.copy())
    a, b = w(row, Ref(0), *first, **by), w(row, Ref(0), *second, **other)
    merged = merge_common(w.program(a, b))
    assert len(merged.nodes) == 1
    assert_same_results(w.program(a, b), merged, SPECIAL)


def test_calls_of_functions_are_not_merged():
    w = Written(SPECIAL)
    hosts = [w("host", Ref(0), function=abs) for _ in range(2)]
    calls = [w("call", Ref(0), function=sum) for _ in range(2)]
    assert len(merge_common(w.program(*hosts, *calls)).nodes) == 4


def test_guards_that_ask_different_questions_are_not_merged():
    w = Written(SPECIAL)
    asked = [lambda x: x[0] > 0, lambda x: x[1] > 0]
    for k, question in enumerate([*asked, asked[0]]):
        w.nodes.append(Node(Ref(90 + k), "guard", (Ref(0), "<lambda>", False), {}, question))
    assert [node.function for node in merge_common(w.program()).nodes] == asked


REPEATED = np.broadcast_to(np.asarray(1.0), (8,))
GIVE_BACK = {
    "x * 1": ("multiply", (Ref(0), 1.0)),
    "1 * x": ("multiply", (1.0, Ref(0))),
    "x * [1, 1, ...]": ("multiply", (Ref(0), REPEATED)),
    "x / 1": ("divide", (Ref(0), 1.0)),
    "x ** 1": ("pow", (Ref(0), 1.0)),
    "x - 0": ("subtract", (Ref(0), 0.0)),
    "x + -0": ("add", (Ref(0), -0.0)),
    "-0 + x": ("add", (-0.0, Ref(0))),
    "+x": ("positive", (Ref(0),)),
}
COMPUTE = {
    "x + 0": ("add", (Ref(0), 0.0)),
    "0 + x": ("add", (0.0, Ref(0))),
    "x - -0": ("subtract", (Ref(0), -0.0)),
    "0 - x": ("subtract", (0.0, Ref(0))),
    "1 / x": ("divide", (1.0, Ref(0))),
    "1 ** x": ("pow", (1.0, Ref(0))),
    "x * 0": ("multiply", (Ref(0), 0.0)),
    "x * x": ("multiply", (Ref(0), Ref(0))),
    "x * True": ("multiply", (Ref(0), True)),
    "x * [1, ...] that may change": ("multiply", (Ref(0), np.ones(8))),
}


def applied(row, x, **keywords):
    w = Written(x)
    w.values[1] = None  # numbered before the node, as other values would be
    w.inputs = (x,)
    name, operands = row
    y = w(name, *operands, **keywords)
    return w.program(y)


@pytest.mark.parametrize("name", GIVE_BACK)
def test_identities_are_removed(name):
    before = applied(GIVE_BACK[name], SPECIAL)
    after = remove_identities(before)
    assert (after.nodes, after.outputs) == ((), (Ref(0),))
    assert_same_results(before, after, SPECIAL)


@pytest.mark.parametrize("name", COMPUTE)
def test_what_changes_signed_zeros_or_could_is_no_identity(name):
    assert len(remove_identities(applied(COMPUTE[name], SPECIAL)).nodes) == 1


@pytest.mark.parametrize("name", [name for name in GIVE_BACK if name != "+x"])
def test_complex_numbers_have_no_identities(name):
    row, operands = GIVE_BACK[name]
    x = np.asarray([complex(np.inf, 1.0), complex(-0.0, -0.0), 1j, 2, 3, 4, 5, 6])
    assert len(remove_identities(applied((row, operands), x)).nodes) == 1


def test_identities_that_change_dtype_or_kind_are_kept():
    ints, single = np.arange(8), np.ones(8, np.float32)
    assert len(remove_identities(applied(("multiply", (Ref(0), 1.0)), ints)).nodes) == 1
    assert len(remove_identities(applied(("divide", (Ref(0), 1)), ints)).nodes) == 1
    assert len(remove_identities(applied(("multiply", (Ref(0), 1)), ints)).nodes) == 0
    assert len(remove_identities(applied(("multiply", (Ref(0), 1.0)), single)).nodes) == 0
    double = ("multiply", (Ref(0), np.float64(1.0)))
    assert len(remove_identities(applied(double, single)).nodes) == 1
    zero_d = np.asarray(2.0)  # of which an operation makes a scalar
    assert len(remove_identities(applied(("multiply", (Ref(0), 1.0)), zero_d)).nodes) == 1


def test_rearrangements_that_move_nothing_are_removed():
    x = np.arange(6.0).reshape(2, 3)
    for row, keywords, removed in (
        (("permute_dims", (Ref(0),)), {"axes": (0, 1)}, True),
        (("reshape", (Ref(0),)), {"shape": (2, 3)}, True),
        (("reshape", (Ref(0),)), {"shape": (3, 2)}, False),
        (("broadcast_to", (Ref(0),)), {"shape": (2, 3)}, True),
        (("astype", (Ref(0),)), {"dtype": np.dtype(float)}, True),
        (("astype", (Ref(0),)), {"dtype": np.dtype(np.float32)}, False),
        (("real", (Ref(0),)), {}, True),
        (("conj", (Ref(0),)), {}, True),
    ):
        assert (len(remove_identities(applied(row, x, **keywords)).nodes) == 0) is removed, row
    square = np.arange(4.0).reshape(2, 2)
    swapped = applied(("permute_dims", (Ref(0),)), square, axes=(1, 0))
    assert len(remove_identities(swapped).nodes) == 1
    assert len(remove_identities(applied(("conj", (Ref(0),)), square * 1j)).nodes) == 1


def spread(base, other, name="multiply", swap=False):
    w = Written(base, other)
    wide = w("broadcast_to", Ref(0), shape=np.asarray(other).shape)
    operands = (Ref(1), wide) if swap else (wide, Ref(1))
    return w, w.program(w(name, *operands))


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(
    "base", [np.float64(-0.0), np.asarray(2.0), np.arange(4.0), np.ones((3, 1))]
)
def test_arrays_are_repeated_by_the_operation_itself(base, swap):
    other = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
    _, before = spread(base, other, swap=swap)
    after = drop_dead(spread_late(before))
    assert names(after) == ["multiply"]
    assert_same_results(before, after, base, other)


def test_repeated_arrays_stay_where_the_result_needs_them():
    w = Written(np.arange(3.0))
    wide = w("broadcast_to", Ref(0), shape=(2, 3))
    alone = w("multiply", wide, 2.0)  # of (3,) it would have another shape
    total = w("sum", wide, axis=None, keepdims=False)  # no elementwise operation
    after = spread_late(w.program(alone, total, wide))
    assert [node.operands for node in after.nodes] == [n.operands for n in w.nodes]


def test_numbers_and_powers_are_not_taken_out():
    single = np.ones(4, np.float32)
    w = Written(1.5, single)
    w.values[2] = np.broadcast_to(1.5, (4,))
    w.nodes.append(Node(Ref(2), "broadcast_to", (Ref(0),), {"shape": (4,)}))
    y = w("multiply", Ref(2), Ref(1))
    after = spread_late(w.program(y))
    assert after.nodes[-1].operands == (Ref(2), Ref(1))  # float64, which 1.5 * single is not
    _, before = spread(np.float64(2.0), np.full(4, 1.1), "pow", swap=True)
    assert len(drop_dead(spread_late(before)).nodes) == 2


def test_constants_in_operands_are_no_obstacle():
    w = Written(np.arange(4.0))
    wide = w("broadcast_to", Ref(0), shape=(3, 4))
    y = w("add", wide, np.ones((3, 4)))
    after = drop_dead(spread_late(w.program(y)))
    assert names(after) == ["add"]
    assert_same_results(w.program(y), after, np.arange(4.0))


def test_all_together_leave_every_bit():
    w = Written(SPECIAL)
    a = w("multiply", Ref(0), 1.0)
    b = w("sin", a)
    c = w("sin", w("subtract", Ref(0), 0.0))
    wide = w("broadcast_to", np.float64(3.0), shape=(8,))
    d = w("multiply", w("add", b, c), wide)
    w("cos", d)
    after = simplify(w.program(d, a))
    assert names(after) == ["sin", "add", "multiply"]
    assert_same_results(w.program(d, a), after, SPECIAL)


# Constants ---------------------------------------------------------------------------------------


def test_what_is_made_of_constants_is_computed_once_and_for_all():
    slope = ag.compile(ag.grad(lambda x: np.sum(np.sin(x) * 1.5) / 7.0))
    x = np.linspace(0.0, 1.0, 3)
    assert [node.name for node in slope.ir(x).nodes] == ["cos", "multiply"]
    np.testing.assert_array_equal(slope(x), (np.float64(1.0) / 7.0 * 1.5) * np.cos(x))


def test_a_constant_that_is_not_finite_is_left_to_the_replay_which_warns():
    def f(x):
        return x / np.float64(0.0)

    compiled = ag.compile(ag.grad(lambda x: np.sum(f(x))))
    with np.errstate(all="ignore"):
        expected = ag.grad(lambda x: np.sum(f(x)))(np.ones(2))
        compiled(np.ones(2))
        np.testing.assert_array_equal(compiled(np.ones(2)), expected)
    with np.errstate(divide="warn"), pytest.warns(RuntimeWarning, match="divide"):
        compiled(np.ones(2))


def test_a_constant_keeps_the_precision_of_its_array():
    slope = ag.compile(ag.grad(lambda x: np.sum(x * x) / 3.0))
    x = np.linspace(0.0, 1.0, 3).astype(np.float32)
    slope(x)
    got = slope(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, ag.grad(lambda x: np.sum(x * x) / 3.0)(x))


def test_a_constant_array_that_is_summed_is_summed_as_it_was():
    f = ag.grad(lambda x: np.sum(ag.grad(lambda y: np.sum(y * 0.1) * 0.3)(x) * x))
    x = np.linspace(0.0, 1.0, 100)
    compiled = ag.compile(f)
    compiled(x)
    np.testing.assert_array_equal(compiled(x), f(x))
