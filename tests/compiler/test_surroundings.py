"""What a compiled function reads besides its arguments: a change is seen, a side effect refused."""

import array
import collections
import contextvars
import dataclasses
import functools
import importlib
import itertools
import random
import sys
import types
import warnings
import weakref

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.surroundings import Surroundings
from anygrad.errors import RetraceWarning
from anygrad.ops import ROWS
from anygrad.tracing import TRACED

X = np.array([1.0, 2.0, 3.0])
rate = 0.5
table = np.array([1.0, 2.0, 3.0])
options = {"power": 2, "axes": [0]}
calls = 0


def scaled(x):
    return rate * np.sum(x)


def through_other(x):
    return scaled(x) + 1.0


def weighted(x):
    return np.sum(np.cumsum(table)) + np.sum(x)


class Model:
    scale = 2.0

    def __init__(self):
        self.rate, self.calls, self.history, self.w = 0.5, 0, [], np.array([1.0, 2.0, 3.0])

    def value(self, x):
        return self.rate * self.scale * np.sum(x)

    def sums(self, x):
        return float(np.sum(self.w)) * np.sum(x)

    def counted(self, x):
        self.calls += 1
        return np.sum(x)

    def kept(self, x):
        loss = np.sum(x)
        self.history.append(loss)
        return loss

    def __call__(self, x):
        return self.value(x)


class Slotted:
    __slots__ = ("rate",)

    def __init__(self):
        self.rate = 0.5

    def __call__(self, x):
        return self.rate * np.sum(x)


def paths_of(compiled):
    return sum(len(kind.paths) for kind in compiled._kinds.values())


def follows(compiled, f, change):
    """Whether the compiled function sees a change, and what it recorded is used before and after.

    ``change(k)`` makes the surroundings of number ``k``.
    """
    for k in (0, 0, 1, 1, 0, 1):
        change(k)
        assert compiled(X) == f(X)
    assert paths_of(compiled) == 2


def test_a_global_number_that_changes_is_seen(monkeypatch):
    follows(
        ag.compile(scaled), scaled, lambda k: monkeypatch.setitem(globals(), "rate", [0.5, 3.0][k])
    )


def test_a_global_of_a_function_that_is_called_is_seen(monkeypatch):
    follows(
        ag.compile(through_other),
        through_other,
        lambda k: monkeypatch.setitem(globals(), "rate", [0.5, 3.0][k]),
    )


def test_a_function_that_is_replaced_is_seen(monkeypatch):
    def doubled(x):
        return 2.0 * np.sum(x)

    def change(k):
        monkeypatch.setitem(globals(), "scaled", (original, doubled)[k])

    original = scaled
    follows(ag.compile(through_other), lambda x: globals()["scaled"](x) + 1.0, change)


@pytest.mark.parametrize(
    "made",
    [ag.grad, ag.value_and_grad, ag.vmap, ag.jacobian, lambda f: functools.partial(f)],
    ids=["grad", "value_and_grad", "vmap", "jacobian", "partial"],
)
def test_surroundings_are_seen_through_what_is_put_around(made):
    rate = 0.5

    def f(x):
        return np.sum(x * x) * rate

    compiled, eager = ag.compile(made(f)), made(f)
    for value in (0.5, 2.0, 2.0, 0.5):
        rate = value
        if made is ag.vmap:
            np.testing.assert_array_equal(compiled(np.stack([X])), eager(np.stack([X])))
        else:
            for a, b in zip(ag.trees.leaves(compiled(X)), ag.trees.leaves(eager(X)), strict=True):
                np.testing.assert_array_equal(a, b)
    assert paths_of(compiled) == 2


def test_a_closure_cell_is_seen():
    rate = 0.5

    def f(x):
        return rate * np.sum(x)

    def change(k):
        nonlocal rate
        rate = [0.5, 3.0][k]

    follows(ag.compile(f), f, change)


def test_a_cell_of_an_inner_function_and_of_a_decorated_one_is_seen():
    rate = 0.5

    def twice(f):
        @functools.wraps(f)
        def g(x):
            return f(x) + f(x)

        return g

    @twice
    def f(x):
        def inner(y):
            return rate * y

        return np.sum(inner(x))

    def change(k):
        nonlocal rate
        rate = [0.5, 3.0][k]

    follows(ag.compile(f), f, change)


def test_defaults_are_seen():
    def f(x, rate=0.5, *, power=2):
        return rate * np.sum(x**power)

    rates, powers = ((0.5,), (2.0,)), ({"power": 2}, {"power": 3})

    def change(k):
        f.__defaults__, f.__kwdefaults__ = rates[k], powers[k]

    follows(ag.compile(f), f, change)


def test_attributes_of_an_object_are_seen():
    model = Model()
    follows(ag.compile(model.value), model.value, lambda k: setattr(model, "rate", [0.5, 3.0][k]))


def test_attributes_of_a_callable_object_are_seen():
    model = Model()
    follows(ag.compile(model), model, lambda k: setattr(model, "rate", [0.5, 3.0][k]))


def test_attributes_of_a_class_are_seen(monkeypatch):
    model = Model()
    follows(ag.compile(model), model, lambda k: monkeypatch.setattr(Model, "scale", [2.0, 3.0][k]))


def test_attributes_in_slots_are_seen():
    model = Slotted()
    follows(ag.compile(model), model, lambda k: setattr(model, "rate", [0.5, 3.0][k]))


def test_attributes_found_by_a_name_in_a_variable_are_seen():
    model = types.SimpleNamespace(rate=0.5)

    def f(x):
        name = "ra" + "te"
        return getattr(model, name) * np.sum(x)

    follows(ag.compile(f), f, lambda k: setattr(model, "rate", [0.5, 3.0][k]))


def test_attributes_of_an_object_among_the_arguments_are_seen():
    model = types.SimpleNamespace(rate=0.5)

    def f(model, x):
        return model.rate * np.sum(x)

    compiled = ag.compile(f)
    follows_with = ag.compile(functools.partial(f, model))
    for rate in (0.5, 2.0, 0.5):
        model.rate = rate
        assert compiled(model, X) == follows_with(X) == f(model, X)
    assert paths_of(compiled) == paths_of(follows_with) == 2


def test_a_method_that_is_compiled_in_its_class_sees_its_object():
    class Line:
        def __init__(self, slope):
            self.slope = slope

        @ag.compile
        def at(self, x):
            return self.slope * x

    one, two = Line(1.0), Line(2.0)
    np.testing.assert_array_equal(one.at(X), X)
    np.testing.assert_array_equal(two.at(X), 2.0 * X)
    one.slope = 5.0
    np.testing.assert_array_equal(one.at(X), 5.0 * X)
    np.testing.assert_array_equal(two.at(X), 2.0 * X)


def test_containers_are_seen_to_their_leaves(monkeypatch):
    def f(x):
        return np.sum(x ** options["power"], axis=options["axes"][0])

    compiled = ag.compile(f)
    for power, axes in ((2, [0]), (3, [0]), (3, [-1]), (2, [0])):
        options["power"], options["axes"][0] = power, axes[0]
        assert compiled(X) == f(X)
    options["power"], options["axes"][0] = 2, 0


@pytest.mark.parametrize("container", [list, tuple, collections.deque, dict.fromkeys, frozenset])
def test_containers_of_numbers_are_compared(container):
    numbers = container([1.0, 2.0])

    def f(x):
        return sum(numbers) * x

    compiled = ag.compile(f)
    np.testing.assert_array_equal(compiled(X), f(X))
    numbers = container([1.0, 3.0])
    np.testing.assert_array_equal(compiled(X), f(X))
    assert paths_of(compiled) == 2


def test_an_array_that_is_written_into_is_seen():
    compiled = ag.compile(weighted)
    try:
        for value in (1.0, 7.0, 1.0):
            table[1] = value
            assert compiled(X) == weighted(X)
    finally:
        table[1] = 2.0
    assert paths_of(compiled) == 2


def test_an_attribute_that_is_an_array_is_seen():
    model = Model()
    compiled = ag.compile(model.sums)
    assert compiled(X) == model.sums(X)
    model.w[0] = 10.0
    assert compiled(X) == model.sums(X)
    model.w = np.ones(3)
    assert compiled(X) == model.sums(X)


def test_equal_values_in_new_objects_keep_the_program():
    state = {"rate": 0.5, "name": "a"}

    def f(x):
        return state["rate"] * np.sum(x) if state["name"] == "".join(["a"]) else x

    compiled = ag.compile(f)
    for _ in range(5):
        state["rate"], state["name"] = float("0.5"), "".join(["a"])
        assert compiled(X) == f(X)
    assert paths_of(compiled) == 1


@pytest.mark.parametrize(
    ("one", "other"), [(0.0, -0.0), (1, 1.0), (1, True), (np.float32(1), np.float64(1))]
)
def test_equal_values_that_compute_differently_are_told_apart(one, other):
    value = one

    def f(x):
        return x * value

    compiled = ag.compile(f)
    x = np.array([1, 2], dtype=np.float32 if isinstance(one, np.generic) else np.int64)
    for now in (one, other, one):
        value = now
        found, expected = compiled(x), f(x)
        assert found.dtype == expected.dtype
        assert repr(found) == repr(expected)
    assert paths_of(compiled) == 2


def test_nan_is_the_same_as_nan():
    value = float("nan")

    def f(x):
        return x * value

    compiled = ag.compile(f)
    compiled(X)
    value = float("nan")
    compiled(X)
    assert paths_of(compiled) == 1


def test_a_constant_of_a_module_of_the_user_is_seen(monkeypatch):
    settings_module = types.ModuleType("settings_of_a_test")
    settings_module.rate = 0.5

    def f(x):
        return settings_module.rate * np.sum(x)

    follows(ag.compile(f), f, lambda k: monkeypatch.setattr(settings_module, "rate", [0.5, 3.0][k]))


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_a_constant_of_a_module_that_the_function_imports_is_seen(known, tmp_path, monkeypatch):
    name = f"settings_of_a_test_{known}"
    (tmp_path / f"{name}.py").write_text("rate = 0.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    if known:
        importlib.import_module(name)
    space = {"np": np}
    exec(f"def f(x):\n    from {name} import rate\n    return rate * np.sum(x)\n", space)
    compiled = ag.compile(space["f"])
    assert (name in sys.modules) is known
    assert compiled(X) == 3.0
    try:
        for rate in (0.5, 3.0, 0.5):
            monkeypatch.setattr(importlib.import_module(name), "rate", rate)
            for _ in range(3):
                assert compiled(X) == rate * 6.0
    finally:
        del sys.modules[name]


def test_a_global_that_only_an_inner_function_reads_is_seen(monkeypatch):
    def f(x):
        return np.sum((lambda y: y * rate)(x))

    follows(ag.compile(f), f, lambda k: monkeypatch.setitem(globals(), "rate", [0.5, 3.0][k]))


def test_a_rate_that_changes_now_and_then_goes_on_being_recorded():
    rate = 0.0

    def f(x):
        return rate * np.sum(x)

    compiled = ag.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for epoch in range(40):
            rate = float(epoch)
            for _ in range(10):
                assert compiled(X) == f(X)
    assert paths_of(compiled) == 16


def test_a_global_that_changes_in_every_call_ends_in_a_warning_that_names_it():
    step_size = 0.0

    def f(x):
        return step_size * np.sum(x)

    compiled = ag.compile(f)

    def call_all():
        nonlocal step_size
        for k in range(40):
            step_size = float(k)
            assert compiled(X) == f(X)

    with pytest.warns(RetraceWarning, match="step_size changes") as warned:
        call_all()
    assert len(warned) == 1


# Side effects -------------------------------------------------------------------------------------


def warns_once(compiled, named, call):
    def call_all():
        for _ in range(5):
            call(compiled)

    with pytest.warns(RetraceWarning, match=named) as warned:
        call_all()
    assert len(warned) == 1


def test_a_counter_among_the_globals_goes_on():
    global calls

    def f(x):
        global calls
        calls += 1
        return np.sum(x)

    calls = 0
    warns_once(ag.compile(f), "changes calls while it runs", lambda c: c(X))
    assert calls == 5


def test_a_counter_in_the_closure_goes_on():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return np.sum(x)

    warns_once(ag.compile(f), "changes count", lambda c: c(X))
    assert count == 5


def test_a_counter_on_the_object_goes_on():
    model = Model()
    warns_once(ag.compile(model.counted), "calls", lambda c: c(X))
    assert model.calls == 5


def test_a_history_holds_plain_values():
    model = Model()
    warns_once(ag.compile(model.kept), "history", lambda c: c(X))
    assert model.history == [np.float64(6.0)] * 5
    assert {type(x) for x in model.history} == {np.float64}


def test_what_derivatives_leave_behind_holds_plain_values():
    losses = {}

    def f(x):
        loss = np.sum(x * x)
        losses[len(losses)] = ag.value(loss)
        return loss

    warns_once(ag.compile(ag.grad(f)), "losses", lambda c: c(X))
    assert losses == dict.fromkeys(range(5), np.float64(14.0))
    assert {type(x) for x in losses.values()} == {np.float64}


def test_a_new_attribute_is_a_side_effect_and_holds_a_plain_value():
    model = Model()

    def f(x):
        model.last = np.sum(x)
        return model.last

    compiled = ag.compile(f)
    for k in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert compiled(X * k) == 6.0 * k
        assert type(model.last) is np.float64
        assert model.last == 6.0 * k


def test_a_write_into_an_array_of_the_closure_goes_on():
    seen = np.zeros(2)

    def f(x):
        seen[0] += 1.0
        return np.sum(x)

    warns_once(ag.compile(f), "seen", lambda c: c(X))
    assert seen[0] == 5.0


def test_a_cache_that_is_filled_at_the_first_call_is_no_side_effect():
    cache = {}

    def f(x):
        if len(x) not in cache:
            cache[len(x)] = np.arange(len(x)) * 2.0
        return x * cache[len(x)]

    compiled = ag.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            np.testing.assert_array_equal(compiled(X), f(X))
    assert paths_of(compiled) == 1


def test_an_iterator_is_taken_from_in_every_call():
    numbers = itertools.count(1.0)

    def f(x):
        return next(numbers) * np.sum(x)

    compiled = ag.compile(f)
    with pytest.warns(RetraceWarning, match="takes from numbers, an iterator"):
        assert [float(compiled(X)) for _ in range(4)] == [6.0, 12.0, 18.0, 24.0]


def test_an_error_while_recording_leaves_plain_values_and_nothing_half_made():
    kept = []

    def f(x):
        kept.append(np.sum(x))
        if len(kept) == 1:
            raise ValueError("not yet")
        return np.sum(x)

    compiled = ag.compile(f)
    with pytest.raises(ValueError, match="not yet"):
        compiled(X)
    assert type(kept[0]) is np.float64
    assert paths_of(compiled) == 0
    assert compiled(X) == 6.0


# Random numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        lambda shape: np.random.normal(size=shape),  # noqa: NPY002
        lambda shape: np.array([random.random() for _ in range(shape[0])]),
    ],
    ids=["numpy", "python"],
)
def test_random_numbers_are_drawn_in_every_call(draw):
    def f(x):
        return np.sum(x * draw(x.shape))

    state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    expected = [f(X) for _ in range(5)]
    np.random.set_state(state)  # noqa: NPY002
    random.setstate(python_state)
    compiled = ag.compile(f)
    found = []
    warns_once(compiled, "draws random numbers", lambda c: found.append(c(X)))
    assert found == expected


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, random.Random])
def test_a_generator_in_the_closure_is_drawn_from_in_every_call(make):
    def drawn(rng):
        return rng.random() if isinstance(rng, random.Random) else rng.normal()

    rng = make(3)

    def f(x):
        return np.sum(x) * drawn(rng)

    compiled = ag.compile(f)
    found = []
    warns_once(compiled, "rng", lambda c: found.append(c(X)))
    rng = make(3)
    assert found == [f(X) for _ in range(5)]


def test_a_generator_among_the_arguments_is_drawn_from_in_every_call():
    def f(x, rng):
        return np.sum(x) * rng.normal()

    compiled, rng = ag.compile(f), np.random.default_rng(1)
    found = []
    warns_once(compiled, "draws random numbers from rng", lambda c: found.append(c(X, rng)))
    again = np.random.default_rng(1)
    assert found == [f(X, again) for _ in range(5)]


def test_a_generator_as_attribute_is_drawn_from_in_every_call():
    class Noisy:
        def __init__(self):
            self.rng = np.random.default_rng(1)

        def __call__(self, x):
            return np.sum(x) + self.rng.normal()

    found = []
    warns_once(ag.compile(Noisy()), "rng", lambda c: found.append(c(X)))
    again = Noisy()
    assert found == [again(X) for _ in range(5)]


def test_a_generator_made_without_a_seed_is_made_in_every_call():
    def f(x):
        return x * np.random.default_rng().normal(size=3)

    def seeded(x):
        return x * np.random.default_rng(len(x)).normal(size=3)

    compiled = ag.compile(f)
    with pytest.warns(RetraceWarning, match="without a seed in .*f, which"):
        found = [tuple(compiled(X)) for _ in range(4)]
    assert len(set(found)) == 4
    compiled = ag.compile(seeded)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(X), seeded(X))
    assert paths_of(compiled) == 1


def test_torch_random_numbers_are_drawn_in_every_call():
    torch = pytest.importorskip("torch")

    def f(x):
        return x * torch.rand(3)

    compiled = ag.compile(f)
    with pytest.warns(RetraceWarning, match="draws random numbers from torch"):
        found = [compiled(torch.ones(3)) for _ in range(4)]
    assert len({tuple(x.tolist()) for x in found}) == 4


def test_random_numbers_made_before_are_arguments():
    def f(x, noise):
        return x + noise

    compiled, rng = ag.compile(f), np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            noise = rng.normal(size=3)
            np.testing.assert_array_equal(compiled(X, noise), f(X, noise))
    assert paths_of(compiled) == 1


# What is found ------------------------------------------------------------------------------------


def test_libraries_are_not_looked_into():
    found = Surroundings(lambda x: np.linalg.norm(np.sum(x)))
    assert not found._grouped
    assert not found._single
    assert not found._containers
    assert not found._arrays


def test_a_dataclass_among_the_globals_is_compared_field_by_field():
    @dataclasses.dataclass
    class Config:
        rate: float = 0.5

    config = Config()

    def f(x):
        return config.rate * np.sum(x)

    follows(ag.compile(f), f, lambda k: setattr(config, "rate", [0.5, 3.0][k]))


def test_objects_that_know_each_other_end_the_search():
    a, b = Model(), Model()
    a.other, b.other, a.rate = b, a, 2.0

    def f(x):
        return a.other.other.rate * np.sum(x)

    assert ag.compile(f)(X) == 12.0


class Named(dict):
    """A dict with attributes."""


@functools.singledispatch
def rate_of(_):
    return RATES[0]


rate_of.register(str)(lambda _: RATES[0] * 2.0)
RATES = [1.0]
PLACES = {
    "a view of a dict": (data := {"k": 1.0}, types.MappingProxyType(data), "k"),
    "UserDict": (users := collections.UserDict(k=1.0), users, "k"),
    "ChainMap": (chain := collections.ChainMap({"k": 1.0}), chain, "k"),
    "bytearray": (some := bytearray(b"\x01"), some, 0),
    "memoryview": (some, memoryview(some), 0),
    "array": (numbers := array.array("d", [1.0]), numbers, 0),
}


@pytest.mark.parametrize("name", PLACES)
def test_containers_of_every_kind_are_compared(name):
    written, read, key = PLACES[name]

    def f(x):
        return read[key] * np.sum(x)

    follows(ag.compile(f), f, lambda k: written.__setitem__(key, k + 3))


def test_attributes_of_containers_are_compared():
    held = Named(k=1.0)

    def f(x):
        return held.rate * held["k"] * np.sum(x)

    held.rate = 1.0
    follows(ag.compile(f), f, lambda k: setattr(held, "rate", k + 2.0))


def test_what_is_called_or_found_in_a_roundabout_way_is_compared():
    current = contextvars.ContextVar("rate", default=1.0)
    spread = np.vectorize(lambda v: v * RATES[0])
    model = Model()
    known = weakref.ref(model)

    def f(x):
        return current.get() * np.sum(spread(x)) * rate_of("a") * known().rate

    def change(k):
        current.set(k + 2.0)

    follows(ag.compile(f), f, change)
    follows(ag.compile(f), f, lambda k: RATES.__setitem__(0, k + 2.0))
    follows(ag.compile(f), f, lambda k: setattr(model, "rate", k + 2.0))


def test_names_that_the_code_does_not_show_are_not_compiled():
    def f(x):
        return globals()["RATES"][0] * np.sum(x)

    def ask():
        for k in range(3):
            RATES[0] = k + 2.0
            assert compiled(X) == f(X)

    compiled = ag.compile(f)
    with pytest.warns(RetraceWarning, match=r"through globals\(\)"):
        ask()


def test_objects_of_this_library_are_not_looked_into():
    def f(x):
        return x if TRACED is None or ROWS is None else x + 1.0

    found = Surroundings(f)
    assert len(found._containers) < 5
    assert len(found._functions) == 1
