import inspect

import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError
from anygrad.optimizers import OPTIMIZERS, from_formula
from anygrad.optimizers.rules.factories import declaration_of
from anygrad.optimizers.rules.rule import read_signature
from tests.support import assert_close


def average_formula(xp, g, a, t, *, decay):
    a = decay * a + (1 - decay) * g
    return a / (1 - decay**t), a


def test_mean_of_constant_gradients_is_the_gradient(xp):
    average = from_formula(average_formula, slots=["a"], decay=0.9)
    params = xp.asarray([0.0, 0.0])
    state = average.init(params)
    for _ in range(5):
        updates, state = average.update(xp.asarray([1.0, -2.0]), state, params)
        assert_close(updates, np.asarray([1.0, -2.0]))
    assert sorted(state) == ["a", "step"]


def test_name_is_that_of_the_formula_or_given():
    assert from_formula(average_formula, slots=["a"], decay=0.9).name == "average"
    assert from_formula(average_formula, slots=["a"], name="mean", decay=0.9).name == "mean"


def test_formula_without_slots_steps_or_schedules_has_no_state():
    def halve_formula(xp, g):
        return g / 2

    halve = from_formula(halve_formula)
    assert halve.init(np.ones(2)) == {}
    assert_close(halve.update(np.ones(2), {}, np.ones(2)), (np.full(2, 0.5), {}))


def test_slot_starts_as_told():
    def anchored_formula(xp, g, p, z, *, pull):
        return -g - pull * (p - z), z

    start = {"z": lambda xp, p, **hyperparameters: p}
    anchored = from_formula(anchored_formula, slots=start, pull=0.5)
    params = np.asarray([1.0])
    state = anchored.init(params)
    assert_close(state["z"], params)
    assert state["z"] is not params  # a donated step would write into the parameters otherwise


def test_slot_that_is_not_kept_comes_as_none():
    seen = []

    def formula(xp, g, a, b):
        seen.append((a, b))
        return g, a, b

    transform = from_formula(formula, slots={"a": None, "b": lambda xp, p: xp.ones_like(p)})
    params = np.zeros(2)
    state = transform.init(params)
    assert list(state) == ["b"]
    transform.update(params, state, params)
    assert seen[0][0] is None
    assert_close(seen[0][1], np.ones(2))


def test_donated_slots_may_exchange_places():
    def swap_formula(xp, g, a, b):
        return a, b, a + g

    swap = from_formula(swap_formula, slots=["a", "b"])
    results = []
    for donate in (False, True):
        params = np.asarray([0.0])
        state = swap.init(params)
        for step in range(5):
            params, state = swap.step(params, np.asarray([step + 1.0]), state, donate=donate)
        results.append((params, state))
    assert_close(results[1], results[0])


def test_slot_that_is_the_gradient_does_not_share_its_memory():
    def previous_formula(xp, g, previous):
        return g - previous, g

    transform = from_formula(previous_formula, slots=["previous"])
    params, grads = np.asarray([0.0]), np.asarray([1.0])
    params, state = transform.step(params, grads, transform.init(params))
    transform.step(params, np.asarray([5.0]), state, donate=True)
    assert_close(grads, np.asarray([1.0]))


def test_any_hyperparameter_may_follow_a_schedule():
    def pass_on_formula(xp, g, *, size):
        return size * g

    transform = from_formula(pass_on_formula, size=schedules.step(1.0, 0.5, 1))
    params, state = np.zeros(1), {}
    state = transform.init(params)
    sizes = []
    for _ in range(3):
        updates, state = transform.update(np.ones(1), state, params)
        sizes.append(updates.item())
    assert sizes == [1.0, 0.5, 0.25]


def test_formula_gets_python_numbers():
    seen = []

    def formula(xp, g, t, *, size, flag):
        seen.append((type(t), type(size), flag))
        return g

    transform = from_formula(formula, size=np.float32(0.5), flag=True)
    params = np.zeros(1)
    transform.step(params, params, transform.init(params))
    assert seen == [(int, float, True)]


@pytest.mark.parametrize(
    ("keywords", "names"),
    [
        ({"slots": ["a", "b"], "decay": 0.9}, r"from_formula\(slots\): got a, b .*expected a,"),
        ({"decay": 0.9}, r"from_formula\(slots\): got none for average; expected a,"),
        ({"slots": ["a"]}, r"from_formula\(hyperparameters\): got none .*expected decay"),
        ({"slots": ["a"], "decay": 0.9, "rate": 1.0}, r"hyperparameters\): got decay, rate"),
        (
            {"slots": ["a"], "decay": 1.5},
            r"average\(decay\): got 1.5; expected a number in \[0, 1\)",
        ),
        ({"slots": ["a"], "decay": "high"}, r"average\(decay\): got 'high'"),
    ],
)
def test_what_does_not_fit_the_signature_is_named(keywords, names):
    with pytest.raises(ArgumentError, match=names):
        from_formula(average_formula, **keywords)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_factories_offer_what_their_formula_takes(name):
    declared = declaration_of(OPTIMIZERS[name])
    keywords = set(inspect.signature(OPTIMIZERS[name]).parameters) - {"groups", "compat"}
    assert keywords == set(declared.defaults)
    parts = [part for part in (declared.formula, declared.reduction) if part is not None]
    taken = {word for part in parts for word in read_signature(part)[1]}
    assert keywords | set(declared.fixed) == taken
    assert not keywords & set(declared.fixed)
