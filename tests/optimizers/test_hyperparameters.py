import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError
from anygrad.optimizers import adagrad, adam, adamw, from_formula, muon, rmsprop, sgd
from anygrad.optimizers.rules.factories import built_on
from tests.support import assert_close


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: adam(b2=1.5),
            r"^adam\(b2\): got 1.5; .* in \[0, 1\)\. The default is 0.999\.$",
        ),
        (lambda: adamw(0.1, compat="optax", weight_decay=-1), r"The default is 0\.0001\.$"),
        (lambda: adam(groups=[("*", {"b1": 1.0})]), r"adam\(b1\): got 1.0; .*default is 0\.9\.$"),
        (lambda: adam(b1=-0.1), r"adam\(b1\)"),
        (lambda: adam(eps=-1e-8), r"adam\(eps\): got -1e-08; expected a number >= 0"),
        (lambda: adam(eps_root=float("inf")), r"adam\(eps_root\)"),
        (lambda: adamw("fast"), r"adamw\(learning_rate\): got 'fast'"),
        (lambda: adamw(np.ones(2)), r"adamw\(learning_rate\): got numpy array of shape \(2,\)"),
        (lambda: adamw(weight_decay=True), r"adamw\(weight_decay\): got True"),
        (lambda: sgd(), r"sgd\(learning_rate\): got nothing; .*there is no default"),
        (
            lambda: sgd(0.1, momentum=1.1),
            r"sgd\(momentum\): got 1.1; expected a number in \[0, 1\]",
        ),
        (lambda: sgd(0.1, dampening=-1), r"sgd\(dampening\)"),
        (lambda: sgd(0.1, nesterov=True), r"sgd\(nesterov\): got True; expected momentum > 0"),
        (
            lambda: sgd(0.1, nesterov=True, momentum=0.9, dampening=0.1),
            r"sgd\(nesterov\): .*dampening = 0",
        ),
        (lambda: rmsprop(decay=1.0), r"rmsprop\(decay\): got 1.0"),
        (
            lambda: rmsprop(centered="yes"),
            r"rmsprop\(centered\): got 'yes'; expected True or False",
        ),
        (lambda: adagrad(lr_decay=-1.0), r"adagrad\(lr_decay\)"),
        (lambda: adagrad(initial_accumulator=-1.0), r"adagrad\(initial_accumulator\)"),
        (
            lambda: adagrad(initial_accumulator=schedules.constant(0.1)),
            r"adagrad\(initial_accumulator\): got a schedule; expected a number",
        ),
        (lambda: adam(groups=["*"]), r"adam\(groups\): got '\*'; expected a pair"),
        (lambda: adam(groups=[("*", 0.1)]), r"adam\(groups\): got .*expected a pair"),
        (
            lambda: adam(compat="jax"),
            r"adam\(compat\): got 'jax'; expected None, 'optax' or 'torch'",
        ),
    ],
)
def test_value_outside_its_range_is_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("value", [np.float32("nan"), None, "x", 1j, np.ones(2)])
def test_what_a_schedule_returns_is_checked(value):
    optimizer = adam(lambda step: 0.1 if step == 0 else value)
    params, state = optimizer.step(np.ones(1), np.ones(1), optimizer.init(np.ones(1)))
    with pytest.raises(ArgumentError, match=r"adam\(learning_rate\): got .*schedule at step 1"):
        optimizer.step(params, params, state)


def test_schedule_is_asked_for_steps_from_zero():
    asked = []

    def rate(step):
        asked.append(step)
        return 0.1

    optimizer = sgd(rate)
    params = np.ones(1)
    state = optimizer.init(params)
    for _ in range(3):
        params, state = optimizer.step(params, params, state)
    assert sorted(set(asked)) == [0, 1, 2]
    assert {type(step) for step in asked} == {int}


def test_first_matching_pattern_wins():
    optimizer = sgd(
        1.0,
        groups=[
            ("decoder/b", {"learning_rate": 0.1}),
            ("*/b", {"learning_rate": 0.2}),
            ("decoder/*", {"learning_rate": 0.3}),
        ],
    )
    one = np.ones(1)
    params = {"decoder": {"b": one, "w": one}, "encoder": {"b": one, "w": one}}
    stepped, _ = optimizer.step(params, params, optimizer.init(params))
    moved = {
        k: {n: round(1 - v.item(), 12) for n, v in layer.items()} for k, layer in stepped.items()
    }
    assert moved == {"decoder": {"b": 0.1, "w": 0.3}, "encoder": {"b": 0.2, "w": 1.0}}


def test_group_may_turn_on_what_the_others_do_without():
    optimizer = sgd(0.1, groups=[("w", {"momentum": 0.9})])
    plain, heavy = sgd(0.1), sgd(0.1, momentum=0.9)
    params = {"w": np.ones(2), "b": np.ones(2)}
    results = {}
    for name, one in (("both", optimizer), ("plain", plain), ("heavy", heavy)):
        got, state = params, one.init(params)
        for _ in range(3):
            got, state = one.step(got, got, state)
        results[name] = got
    assert_close(results["both"]["w"], results["heavy"]["w"])
    assert_close(results["both"]["b"], results["plain"]["b"])


def test_groups_of_an_accumulator_start_apart():
    optimizer = adagrad(0.1, groups=[("w", {"initial_accumulator": 4.0})])
    state = optimizer.init({"w": np.ones(2), "b": np.ones(2)})
    assert_close(state["s"], {"w": np.full(2, 4.0), "b": np.zeros(2)})


def test_groups_follow_the_tree_they_are_given():
    optimizer = sgd(1.0, groups=[("*b", {"learning_rate": 0.0})])
    for params in ({"a": np.ones(1), "b": np.ones(1)}, {"b": np.ones(1), "c": np.ones(1)}):
        stepped, _ = optimizer.step(params, params, optimizer.init(params))
        assert {name: leaf.item() for name, leaf in stepped.items()} == dict.fromkeys(
            params, 0.0
        ) | {"b": 1.0}


def test_advice_is_that_of_the_formula_at_hand():
    def no_default_formula(xp, g, *, b2, learning_rate):
        return -learning_rate * b2 * g

    for rate, b2, words in (
        (0.1, 1.5, r"\(b2\): .* in \[0, 1\)\.$"),
        (-1.0, 0.9, r"rate\): .* >= 0\.$"),
    ):
        with pytest.raises(ArgumentError, match=words):
            from_formula(no_default_formula, learning_rate=rate, b2=b2)


def test_optimizer_without_peer_refuses_all():
    def own_formula(xp, g, *, b1):
        return -b1 * g

    @built_on(own_formula)
    def own(b1=0.9, *, groups=(), compat=None): ...

    words = r"own\(compat\): got 'torch'; expected None, for it has no peer\."
    with pytest.raises(ArgumentError, match=words):
        own(compat="torch")


@pytest.mark.parametrize(
    ("factory", "keyword", "words"),
    [
        (adam, "betas", r"Write b1 and b2\.$"),
        (rmsprop, "alpha", r"Write decay\.$"),
        (sgd, "momentun", "Did you mean 'momentum'"),
        (sgd, "betas", r"expected one of learning_rate, momentum, .*compat\.$"),
    ],
)
def test_unknown_keyword_is_answered_with_the_name_that_was_meant(factory, keyword, words):
    with pytest.raises(TypeError, match=rf"{factory.__name__}\({keyword}\): .*{words}"):
        factory(**{keyword: 0.5})


def test_compat_gives_way_to_what_is_passed():
    rows = rmsprop(0.5, decay=0.7, compat="torch").rule.hyperparameters.rows[0]
    assert (rows["learning_rate"], rows["decay"], rows["eps_in_sqrt"]) == (0.5, 0.7, False)
    rows = rmsprop(0.5, eps_in_sqrt=False, compat="optax").rule.hyperparameters.rows[0]
    assert (rows["eps_in_sqrt"], rows["learning_rate_in_buffer"]) == (False, True)


def test_fixed_decay_needs_decoupled_decay():
    with pytest.raises(ArgumentError, match=r"adam\(fixed_decay\): got True; expected it with"):
        adam(weight_decay=0.5, fixed_decay=True)
    adam(weight_decay=0.5, fixed_decay=True, decoupled_weight_decay=True)
    adamw(fixed_decay=True)


@pytest.mark.parametrize("value", ["0.1", True, np.asarray([0.1])])
def test_schedule_of_what_is_no_number(value):
    optimizer = sgd(lambda step: value)
    with pytest.raises(ArgumentError, match=r"sgd\(learning_rate\): got .* from the schedule at"):
        optimizer.init(np.ones(2))


def test_eps_is_looked_at_for_the_leaves_that_use_it():
    params = {"a": np.ones(1, np.float32), "b": np.ones(1)}
    adam(groups=[("b", {"eps": 1e-50})]).init(params)
    with pytest.raises(ArgumentError, match="lost in float32"):
        adam(groups=[("a", {"eps": 1e-50})]).init(params)
    with pytest.raises(ArgumentError, match=r"muon\(adam_eps\): got 1e-50, which is lost"):
        muon(0.1, adam_eps=1e-50).init(params)
    with pytest.raises(ArgumentError, match="lost in float32"):
        adam(eps=lambda step: 1e-50).init(params)


def test_patterns_know_the_star_only():
    params = {"conv[1]": np.ones(1), "conv1": np.ones(1), "conv?": np.ones(1)}
    optimizer = sgd(1.0, groups=[("conv[1]", {"learning_rate": 0.0})])
    stepped, _ = optimizer.step(params, params, optimizer.init(params))
    assert {name: float(p[0]) for name, p in stepped.items()} == {
        "conv[1]": 1.0,
        "conv1": 0.0,
        "conv?": 0.0,
    }
