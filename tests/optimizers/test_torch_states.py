"""States that look like PyTorch's are read; each field goes to its slot."""

import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import backend_of
from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import adagrad, adam, adamw, rmsprop, sgd
from anygrad.optimizers.saving.importing import from_torch
from tests.optimizers.peer_states import PATHS, draw, torch_state, zeros
from tests.support import assert_close


def test_each_field_of_torch_goes_to_its_slot_in_the_order_of_its_parameters(xp):
    like = adam(0.1).init(zeros(xp))
    saved = torch_state("exp_avg", "exp_avg_sq")
    state = from_torch(saved, like, params=zeros(xp), order=PATHS)
    assert_close(state["m"], draw(0))
    assert_close(state["v"], draw(1))
    assert int(state["step"]) == 5
    assert float(state["learning_rate"]) == 0.25
    assert [backend_of(x) for x in trees.leaves(state)] == [
        backend_of(x) for x in trees.leaves(like)
    ]
    assert trees.flatten(state)[1] == trees.flatten(like)[1]


@pytest.mark.parametrize(
    ("optimizer", "fields", "slots"),
    [
        (adamw(0.1), ["exp_avg", "exp_avg_sq"], ["m", "v"]),
        (rmsprop(0.1), ["square_avg"], ["v"]),
        (
            rmsprop(0.1, centered=True, momentum=0.5),
            ["square_avg", "grad_avg", "momentum_buffer"],
            ["v", "a", "b"],
        ),
        (adagrad(0.1), ["sum"], ["s"]),
        (sgd(0.1, momentum=0.9), ["momentum_buffer"], ["b"]),
    ],
    ids=["adamw", "rmsprop", "rmsprop whole", "adagrad", "sgd"],
)
def test_each_optimizer_of_torch_fills_all_slots(optimizer, fields, slots):
    saved = torch_state(*fields)
    state = from_torch(saved, optimizer.init(zeros()), params=zeros(), order=PATHS)
    for number, slot in enumerate(slots):
        assert_close(state[slot], draw(number))
    assert set(state) == {"step", "learning_rate", *slots}


def test_steps_that_torch_does_not_count_are_passed():
    saved = torch_state("momentum_buffer", step=None)
    like = sgd(0.1, momentum=0.9).init(zeros())
    with pytest.raises(ArgumentError, match=r"from_torch\(step\): got nothing.*Pass step="):
        from_torch(saved, like, params=zeros(), order=PATHS)
    state = from_torch(saved, like, params=zeros(), order=PATHS, step=7)
    assert int(state["step"]) == 7


@pytest.mark.parametrize("entry", [{}, {"momentum_buffer": None}])
def test_plain_descent_has_a_step_only(entry):
    saved = {"state": {0: entry} if entry else {}, "param_groups": [{"lr": 0.5, "params": [0]}]}
    state = from_torch(saved, sgd(0.1).init(np.zeros(2)), params=np.zeros(2), step=4)
    assert {name: float(x) for name, x in state.items()} == {"step": 4.0, "learning_rate": 0.5}


def test_a_bare_array_needs_no_order():
    saved = {
        "state": {0: {"step": 3, "exp_avg": np.ones(2), "exp_avg_sq": np.full(2, 2.0)}},
        "param_groups": [{"lr": 0.5, "params": [0]}],
    }
    state = from_torch(saved, adam(0.1).init(np.zeros(2)), params=np.zeros(2))
    assert state["v"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "order",
    [PATHS, ["layer.w", "layer.b", "scale"], iter(PATHS)],
    ids=["paths", "names of torch", "iterator"],
)
def test_the_order_is_told_by_paths_or_by_names_of_torch(order):
    saved = torch_state("exp_avg", "exp_avg_sq")
    state = from_torch(saved, adam(0.1).init(zeros()), params=zeros(), order=order)
    assert_close(state["m"], draw(0))


def test_names_with_dots_are_paths_too():
    params = {"layer.w": np.zeros((2, 3)), "layer.b": np.zeros(2), "scale": np.zeros(())}
    saved = torch_state("exp_avg", "exp_avg_sq")
    saved["param_groups"][0]["param_names"] = ["layer.w", "layer.b", "scale"]
    state = from_torch(saved, adam(0.1).init(params), params=params)
    assert_close(state["m"]["layer.w"], draw(0)["layer"]["w"])


def test_states_by_name_tell_the_order_themselves():
    saved = torch_state("exp_avg", "exp_avg_sq")
    names = ["layer.w", "layer.b", "scale"]
    saved["state"] = dict(zip(names, saved["state"].values(), strict=True))
    saved["param_groups"] = [
        {"lr": 0.1, "params": [names[0]]},
        {"lr": 0.2, "params": names[1:]},
    ]
    state = from_torch(saved, adam(0.1).init(zeros()), params=zeros())
    assert_close(state["m"], draw(0))
    assert float(state["learning_rate"]) == 0.1


def broken(change):
    saved = torch_state("exp_avg", "exp_avg_sq")
    change(saved)
    return saved


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["state"][0].pop("exp_avg"), r"got nothing for like\['m'\]\['layer'\]\['w'\]"),
        (lambda s: s["state"].pop(1), r"got nothing for like\['m'\]\['layer'\]\['b'\]"),
        (
            lambda s: s["state"][0].update(max_exp_avg_sq=np.ones((2, 3))),
            r"got max_exp_avg_sq of params\['layer'\]\['w'\], for which like has no place",
        ),
        (
            lambda s: s["state"][2].update(exp_avgs=np.ones(())),
            r"got exp_avgs of params\['scale'\]; expected .* Did you mean 'exp_avg'",
        ),
        (
            lambda s: s["state"][2].update(step=9),
            r"different step counts, 5 at step of params\['layer'\]\['w'\].* 9 at",
        ),
        (lambda s: s.pop("state"), r"from_torch\(saved\): got .*; expected an optimizer"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(ArgumentError, match=words):
        from_torch(broken(change), adam(0.1).init(zeros()), params=zeros(), order=PATHS)


def test_another_shape_is_named_with_the_layout_of_linear():
    params = {**zeros(), "layer": {"w": np.zeros((3, 2)), "b": np.zeros(2)}}
    saved = torch_state("exp_avg", "exp_avg_sq")
    words = r"shape \(2, 3\) at exp_avg of params\['layer'\]\['w'\]; .*\(3, 2\), .*\(out, in\)"
    with pytest.raises(ShapeError, match=words):
        from_torch(saved, adam(0.1).init(params), params=params, order=PATHS)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (None, r"from_torch\(order\): got nothing for 3 parameters; .*named_parameters"),
        (PATHS[:2], r"got 'layer/w', 'layer/b' for 3 parameters"),
        ([*PATHS[:2], "layer/b"], r"expected each path of params once"),
        ([*PATHS[:2], "scales"], r"got 'scales', which is no path .*Did you mean 'scale'"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(order, words):
    saved = torch_state("exp_avg", "exp_avg_sq")
    with pytest.raises(ArgumentError, match=words):
        from_torch(saved, adam(0.1).init(zeros()), params=zeros(), order=order)


def test_parameters_that_only_torch_has_are_refused():
    saved = torch_state("exp_avg", "exp_avg_sq")
    params = {"layer": zeros()["layer"]}
    with pytest.raises(ArgumentError, match=r"for 3 parameters of PyTorch's; .*'layer/w'"):
        from_torch(saved, adam(0.1).init(params), params=params, order=PATHS[:2])


FIELDS = {"exp_avg": np.ones(2), "exp_avg_sq": np.ones(2)}
GROUP = {"lr": 0.1, "params": [0]}


@pytest.mark.parametrize(
    ("states", "groups", "words"),
    [
        (None, [GROUP], r"\(saved\['state'\]\): got None; expected a dict"),
        ([FIELDS], [GROUP], r"\(saved\['state'\]\)"),
        ({0: [1]}, [GROUP], r"\(saved\['state'\]\)"),
        ({}, None, r"\(saved\['param_groups'\]\): got None; expected a list of dicts"),
        ({}, 3, r"\(saved\['param_groups'\]\)"),
        ({}, [3], r"\(saved\['param_groups'\]\)"),
        ({}, GROUP, r"\(saved\['param_groups'\]\)"),
        ({}, [{"lr": 0.1}], r"\(saved\['param_groups'\]\)"),
        ({}, [{"lr": 0.1, "params": 3}], r"\(saved\['param_groups'\]\)"),
        ({}, [{"lr": 0.1, "params": [[0]]}], r"\(saved\['param_groups'\]\)"),
        ({}, [{**GROUP, "param_names": 3}], r"\(saved\['param_groups'\]\)"),
        ({}, [{**GROUP, "param_names": [3]}], r"from_torch\(order\): got \[3\]"),
        (
            {},
            [{**GROUP, "lr": None}],
            r"lr of param_groups\[0\]: got None; expected a learning rate",
        ),
        ({}, [{**GROUP, "lr": "fast"}], r"lr of .*: got 'fast'"),
        ({}, [{**GROUP, "lr": np.ones(2)}], r"lr of .*: got numpy array of shape \(2,\)"),
    ],
)
def test_what_is_no_state_dict_is_named(states, groups, words):
    params = {"w": np.zeros(2)}
    saved = {"state": states, "param_groups": groups}
    with pytest.raises(ArgumentError, match=words):
        from_torch(saved, adam(0.1).init(params), params=params)


@pytest.mark.parametrize(
    "step", ["7", True, -1, 1.5, np.inf, np.nan, 10**400, 1e30, [7], np.ones(2), np.asarray(1j)]
)
def test_a_step_count_is_an_integer(step):
    params = {"w": np.zeros(2)}
    like, words = adam(0.1).init(params), "expected a step count, an integer >= 0"
    saved = {"state": {0: FIELDS}, "param_groups": [GROUP]}
    with pytest.raises(ArgumentError, match=rf"from_torch\(step\): got .*; {words}"):
        from_torch(saved, like, params=params, step=step)
    saved = {"state": {0: {**FIELDS, "step": step}}, "param_groups": [GROUP]}
    with pytest.raises(ArgumentError, match=rf"step of params\['w'\]: got .*; {words}"):
        from_torch(saved, like, params=params)


@pytest.mark.parametrize("order", ["w", 3, [0], [None], [("w", np.zeros(2))]])
def test_an_order_is_of_text(order):
    params = {"w": np.zeros(2)}
    saved = {"state": {0: {**FIELDS, "step": 7}}, "param_groups": [GROUP]}
    words = r"from_torch\(order\): got .*; expected paths of params, each a str"
    with pytest.raises(ArgumentError, match=words):
        from_torch(saved, adam(0.1).init(params), params=params, order=order)


@pytest.mark.parametrize(("name", "leaf"), [("step", "x"), ("step", None), ("learning_rate", "x")])
def test_a_like_that_is_no_state_is_named(name, leaf):
    params = {"w": np.zeros(2)}
    saved = {"state": {0: {**FIELDS, "step": 7}}, "param_groups": [GROUP]}
    like = {**adam(0.1).init(params), name: leaf}
    with pytest.raises(ArgumentError, match=rf"from_torch\(like\): got .* at like\['{name}'\]"):
        from_torch(saved, like, params=params)


def test_a_class_is_no_optimizer():
    class Adam:
        def state_dict(self):
            return {}

    with pytest.raises(ArgumentError, match=r"from_torch\(saved\): got the class"):
        from_torch(Adam, adam(0.1).init(zeros()), params=zeros())
