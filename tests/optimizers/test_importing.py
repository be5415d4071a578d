"""States of PyTorch and optax go on here as they would there; look-alikes serve without them."""

from collections import namedtuple

import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import backend_of
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.optimizers import (
    adagrad,
    adam,
    adamw,
    amsgrad,
    chain,
    clip_by_global_norm,
    rmsprop,
    scale,
    sgd,
)
from anygrad.optimizers.importing import OPTAX, TORCH, from_optax, from_torch
from anygrad.trees import from_flat, to_flat
from tests.support import assert_close, reason_missing

# as optax has them
AdamState = namedtuple("ScaleByAdamState", "count mu nu")
RmsState = namedtuple("ScaleByRmsState", "nu")
StdDevState = namedtuple("ScaleByRStdDevState", "mu nu")
RssState = namedtuple("ScaleByRssState", "sum_of_squares")
TraceState = namedtuple("TraceState", "trace")
ScheduleState = namedtuple("ScaleByScheduleState", "count")
MuonState = namedtuple("MuonState", "count mu ns_coeffs")
FactoredState = namedtuple("FactoredState", "count v_row v_col v")
EmptyState = namedtuple("EmptyState", "")
MaskedNode = namedtuple("MaskedNode", "")
MaskedState = namedtuple("MaskedState", "inner_state")
PartitionState = namedtuple("PartitionState", "inner_states")
InjectState = namedtuple("InjectStatefulHyperparamsState", "count hyperparams inner_state")

PATHS = ["layer/w", "layer/b", "scale"]  # PyTorch's order, not the sorted one


def zeros(xp=np, dtype=None):
    dtype = dtype or xp.float64
    return {
        "layer": {"w": xp.zeros((2, 3), dtype=dtype), "b": xp.zeros((2,), dtype=dtype)},
        "scale": xp.zeros((), dtype=dtype),
    }


def draw(seed):
    rng = np.random.default_rng(seed)
    return {
        "layer": {"w": rng.standard_normal((2, 3)), "b": rng.standard_normal(2)},
        "scale": np.asarray(rng.standard_normal()),
    }


def by_path(tree):
    return dict(zip(map(str, trees.paths(tree)), trees.leaves(tree), strict=True))


def torch_state(*fields, step=5, lr=0.25, order=PATHS, dtype=np.float64):
    """What state_dict() gives: each field of each parameter filled with numbers of its own."""
    values = {name: by_path(draw(seed)) for seed, name in enumerate(fields)}
    state = {}
    for key, path in enumerate(order):
        state[key] = {name: np.asarray(values[name][path], dtype=dtype) for name in fields}
        if step is not None:
            state[key]["step"] = np.float32(step)
    return {"state": state, "param_groups": [{"lr": lr, "params": list(range(len(order)))}]}


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


def test_every_slot_of_the_tables_has_a_plain_name():
    slots = [*TORCH.values(), *(slot for row in OPTAX.values() for slot in row.values())]
    names = [name for slot in slots if slot is not None for name in slot.split("|")]
    assert all(name.isidentifier() for name in names)


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


def test_the_part_of_a_chain_that_has_the_slots_takes_them_and_all_count():
    optimizer = chain(clip_by_global_norm(1.0), adam(0.1), scale(lambda step: 0.5))
    saved = torch_state("exp_avg", "exp_avg_sq")
    for entry in saved["state"].values():
        entry["exp_avg_sq"] = np.abs(entry["exp_avg"])
    like = optimizer.init(zeros())
    state = from_torch(saved, like, params=zeros(), order=PATHS)
    assert_close(state["adam"]["m"], draw(0))
    assert int(state["adam"]["step"]) == int(state["scale"]["step"]) == 5
    assert state["clip_by_global_norm"] == like["clip_by_global_norm"]
    optimizer.step(zeros(), zeros(), state)


def test_a_chain_with_two_parts_that_fit_or_none_is_refused():
    saved = torch_state("exp_avg", "exp_avg_sq")
    two = chain(adam(0.1), scale(2.0), adamw(0.1)).init(zeros())
    words = r"like\): .*both adam and adamw can take exp_avg of params\['layer'\]\['"
    with pytest.raises(ArgumentError, match=words):
        from_torch(saved, two, params=zeros(), order=PATHS)
    none = chain(clip_by_global_norm(1.0), sgd(0.1)).init(zeros())
    with pytest.raises(ArgumentError, match=r"nothing can take what was found; .* m and v"):
        from_torch(saved, none, params=zeros(), order=PATHS)
    other = chain(clip_by_global_norm(1.0), rmsprop(0.1)).init(zeros())
    with pytest.raises(ArgumentError, match=r"got exp_avg of .*no place; expected the slots v of"):
        from_torch(saved, other, params=zeros(), order=PATHS)
    with pytest.raises(ArgumentError, match=r"from_torch\(like\): got 3; expected a state"):
        from_torch(saved, 3, params=zeros(), order=PATHS)


def test_parts_that_share_the_parameters_are_all_filled():
    # as muon: a buffer for matrices, adam for the rest
    counts = {"step": np.asarray(0), "learning_rate": np.asarray(0.1)}
    like = {
        "clip": {"norm": np.asarray(2.0)},
        "muon": {
            "matrices": {
                **counts,
                "b": {"layer": {"w": np.zeros((2, 3)), "b": None}, "scale": None},
            },
            "others": {
                **counts,
                "m": {"layer": {"w": None, "b": np.zeros(2)}, "scale": np.zeros(())},
                "v": {"layer": {"w": None, "b": np.zeros(2)}, "scale": np.zeros(())},
            },
        },
    }
    first, second = draw(0), draw(1)
    hidden = {"w": MaskedNode(), "b": first["layer"]["b"]}
    saved = PartitionState(
        {
            "muon": MaskedState(
                MuonState(
                    np.int32(5),
                    {"layer": {"w": first["layer"]["w"], "b": MaskedNode()}, "scale": MaskedNode()},
                    np.ones(3),
                )
            ),
            "adam": MaskedState(
                AdamState(
                    np.int32(5),
                    {"layer": hidden, "scale": first["scale"]},
                    {"layer": {**hidden, "b": second["layer"]["b"]}, "scale": second["scale"]},
                )
            ),
        }
    )
    state = from_optax(saved, like)
    assert_close(state["muon"]["matrices"]["b"]["layer"]["w"], first["layer"]["w"])
    assert_close(state["muon"]["others"]["m"]["layer"]["b"], first["layer"]["b"])
    assert_close(state["muon"]["others"]["v"]["scale"], second["scale"])
    assert int(state["muon"]["matrices"]["step"]) == int(state["muon"]["others"]["step"]) == 5
    assert state["clip"] == like["clip"]


def test_values_are_widened_and_never_cut():
    saved = torch_state("exp_avg", "exp_avg_sq", dtype=np.float32)
    state = from_torch(saved, adam(0.1).init(zeros()), params=zeros(), order=PATHS)
    assert state["m"]["layer"]["w"].dtype == np.float64
    assert_close(state["m"], trees.map(lambda x: x.astype(np.float32).astype(float), draw(0)))
    saved = torch_state("exp_avg", "exp_avg_sq")
    params = zeros(dtype=np.float32)
    with pytest.raises(DTypeError, match=r"got float64 of shape \(2,\) at exp_avg of params.*'b'"):
        from_torch(saved, adam(0.1).init(params), params=params, order=PATHS)


def test_masters_are_those_of_like():
    like = {"step": np.asarray(0), "b": np.zeros(2), "master": np.full(2, 0.5)}
    saved = {
        "state": {0: {"momentum_buffer": np.ones(2)}},
        "param_groups": [{"lr": 0.5, "params": [0]}],
    }
    state = from_torch(saved, like, params=np.zeros(2), step=1)
    assert state["master"].tolist() == [0.5, 0.5]


def test_slots_that_some_parameters_have_not_stay_empty():
    # adafactor: a matrix has sums of rows and columns, a vector a whole one
    params = {"w": np.zeros((2, 3)), "b": np.zeros(4)}
    like = {
        "step": np.asarray(0),
        "v_row": {"w": np.zeros(2), "b": None},
        "v_col": {"w": np.zeros(3), "b": None},
        "v": {"w": None, "b": np.zeros(4)},
    }
    rows, columns, whole = np.asarray([1.0, 2.0]), np.arange(3.0), np.arange(4.0)
    saved = {
        "state": {
            0: {"step": 2, "row_var": rows[:, None], "col_var": columns[None, :]},
            1: {"step": 2, "variance": whole},
        },
        "param_groups": [{"lr": 0.5, "params": [0, 1]}],
    }
    state = from_torch(saved, like, params=params, order=["w", "b"])
    assert_close(state["v_row"], {"w": rows, "b": None})
    assert_close(state["v_col"], {"w": columns, "b": None})
    assert_close(state["v"], {"w": None, "b": whole})

    nothing = np.zeros(1)
    saved = (
        FactoredState(
            np.int32(2),
            {"w": rows, "b": nothing},
            {"w": columns, "b": nothing},
            {"w": nothing, "b": whole},
        ),
    )
    assert_close(from_optax(saved, like)["v_row"], {"w": rows, "b": None})
    assert_close(from_optax(saved, like)["v"], {"w": None, "b": whole})


def test_what_is_one_number_here_is_the_same_for_all_parameters_there():
    like = {
        "step": np.asarray(0),
        "m": {"a": np.zeros(1), "b": np.zeros(1)},
        "mu_product": np.ones(1),
    }
    entry = {"step": 2, "exp_avg": np.ones(1), "mu_product": np.float32(0.5)}
    saved = {"state": {0: entry, 1: entry}, "param_groups": [{"lr": 0.5, "params": [0, 1]}]}
    params = {"a": np.zeros(1), "b": np.zeros(1)}
    state = from_torch(saved, like, params=params, order=["a", "b"])
    assert state["mu_product"].tolist() == [0.5]
    assert state["mu_product"].dtype == np.float64
    saved["state"][1] = {**entry, "mu_product": np.float32(0.25)}
    with pytest.raises(ArgumentError, match=r"different values at mu_product of params\['a'\]"):
        from_torch(saved, like, params=params, order=["a", "b"])

    bare = {"state": {0: entry}, "param_groups": [{"lr": 0.5, "params": [0]}]}
    like = {"step": np.asarray(0), "m": np.zeros(1), "mu_product": np.ones(3)}
    state = from_torch(bare, like, params=np.zeros(1))
    assert state["mu_product"].tolist() == [0.5, 0.5, 0.5]


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


@pytest.mark.parametrize(
    ("saved", "slots"),
    [
        (lambda a, b: (AdamState(np.int32(5), a, b), EmptyState()), ["m", "v"]),
        (lambda a, b: (AdamState(np.int32(5), a, b), ScheduleState(np.int32(5))), ["m", "v"]),
        (lambda a, b: AdamState(np.int32(5), a, b), ["m", "v"]),
        (lambda a, b: (EmptyState(), ((AdamState(np.int32(5), a, b),), EmptyState())), ["m", "v"]),
        (lambda a, b: {"x": EmptyState(), "y": AdamState(np.int32(5), a, b)}, ["m", "v"]),
        (lambda a, b: MaskedState((AdamState(np.int32(5), a, b), None)), ["m", "v"]),
    ],
    ids=["constant", "schedule", "bare", "chain", "named chain", "masked"],
)
def test_a_state_of_optax_is_found_however_it_is_wrapped(xp, saved, slots):
    like = adam(0.1).init(zeros(xp))
    state = from_optax(saved(draw(0), draw(1)), like)
    assert int(state["step"]) == 5
    for number, slot in enumerate(slots):
        assert_close(state[slot], draw(number))
    assert [backend_of(x) for x in trees.leaves(state)] == [
        backend_of(x) for x in trees.leaves(like)
    ]
    assert float(state["learning_rate"]) == 0.1


@pytest.mark.parametrize(
    ("optimizer", "saved", "slots"),
    [
        (rmsprop(0.1), lambda a, b: (RmsState(a), EmptyState(), EmptyState()), ["v"]),
        (adagrad(0.1), lambda a, b: (RssState(a), EmptyState()), ["s"]),
        (sgd(0.1, momentum=0.9), lambda a, b: (TraceState(a), EmptyState()), ["b"]),
        (rmsprop(0.1, centered=True), lambda a, b: (StdDevState(b, a), EmptyState()), ["v", "a"]),
    ],
    ids=["rmsprop", "adagrad", "sgd", "centered"],
)
def test_each_optimizer_of_optax_fills_all_slots(optimizer, saved, slots):
    like = optimizer.init(zeros())
    with pytest.raises(ArgumentError, match=r"from_optax\(step\): got nothing.*Pass step="):
        from_optax(saved(draw(0), draw(1)), like)
    state = from_optax(saved(draw(0), draw(1)), like, step=5)
    assert int(state["step"]) == 5
    for number, slot in enumerate(slots):
        assert_close(state[slot], draw(number))


def test_a_buffer_behind_the_learning_rate_has_its_sign_there():
    like = rmsprop(0.1, momentum=0.9).init(zeros())
    saved = (RmsState(draw(0)), ScheduleState(np.int32(5)), TraceState(draw(1)))
    assert_close(from_optax(saved, like)["b"], trees.map(lambda x: -x, draw(1)))
    saved = (RmsState(draw(0)), TraceState(draw(1)), ScheduleState(np.int32(5)))
    assert_close(from_optax(saved, like)["b"], draw(1))
    saved = (ScheduleState(np.int32(5)), TraceState(draw(1)))
    with pytest.raises(ArgumentError, match=r"a TraceState at the end of a chain"):
        from_optax(saved, sgd(0.1, momentum=0.9).init(zeros()))


def test_the_parts_of_a_partition_are_put_together():
    first, second = draw(0), draw(1)
    saved = PartitionState(
        {
            label: MaskedState((AdamState(np.int32(5), mu, nu), EmptyState()))
            for label, mu, nu in (
                ("a", {**first, "scale": MaskedNode()}, {**second, "scale": MaskedNode()}),
                (
                    "b",
                    {"layer": MaskedNode(), "scale": first["scale"]},
                    {"layer": MaskedNode(), "scale": second["scale"]},
                ),
            )
        }
    )
    state = from_optax(saved, adam(0.1).init(zeros()))
    assert_close(state["m"], first)
    assert_close(state["v"], second)


def test_injected_hyperparameters_tell_the_learning_rate():
    inner = (AdamState(np.int32(5), draw(0), draw(1)), EmptyState())
    saved = InjectState(np.int32(5), {"learning_rate": np.float32(0.5)}, inner)
    state = from_optax(saved, adam(0.1).init(zeros()))
    assert float(state["learning_rate"]) == 0.5


def test_the_mean_square_is_the_largest_gradient_where_the_optimizer_has_that():
    like = {"step": np.asarray(0), "m": np.zeros(2), "u": np.zeros(2)}  # adamax
    state = from_optax(AdamState(np.int32(5), np.ones(2), np.full(2, 2.0)), like)
    assert state["u"].tolist() == [2.0, 2.0]


def test_what_optax_keeps_and_we_do_not_is_refused():
    other = namedtuple("ScaleByAdanState", "m")
    with pytest.raises(ArgumentError, match=r"a state of class ScaleByAdanState; .*Did you mean"):
        from_optax((other(np.ones(2)),), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"from_optax\(saved\): got numpy array"):
        from_optax(np.ones(2), adam(0.1).init(np.zeros(2)))
    one = AdamState(np.int32(5), np.ones(2), np.ones(2))
    with pytest.raises(ArgumentError, match=r"got ScaleByAdamState\.mu and ScaleByAdamState\.mu"):
        from_optax((one, one), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"different step counts, 5 .*, 6 .*"):
        from_optax((one, ScheduleState(np.int32(6))), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"different step counts, .*step=4"):
        from_optax((one,), adam(0.1).init(np.zeros(2)), step=4)


# The proof: five steps there, five here, and ten there end at the same place.

GIVEN = {
    "adam": (adam, {"learning_rate": 0.1, "weight_decay": 0.1}),
    "adamw": (adamw, {"learning_rate": 0.1}),
    "amsgrad": (adam, {"learning_rate": 0.1, "amsgrad": True}),
    "sgd": (sgd, {"learning_rate": 0.1}),
    "momentum": (sgd, {"learning_rate": 0.1, "momentum": 0.9}),
    "dampened": (sgd, {"learning_rate": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "rmsprop": (rmsprop, {"learning_rate": 0.01}),
    "rmsprop whole": (rmsprop, {"learning_rate": 0.01, "centered": True, "momentum": 0.5}),
    "adagrad": (adagrad, {"learning_rate": 0.1}),
}
KINDS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
COUNTED_BY_US = {"sgd", "momentum", "dampened"}
GRADS = [draw(100 + step) for step in range(10)]


def run_ours(optimizer, params, state):
    for grads in GRADS[5:]:
        grads = from_flat(to_flat(grads), like=params)
        params, state = optimizer.step(params, grads, state)
    return to_flat(params)


def assert_same_place(mine, expected):
    assert set(mine) == set(expected)
    for path, value in expected.items():
        # the same formula, which may take its operations in another order
        np.testing.assert_allclose(mine[path], value, rtol=1e-12, atol=1e-12)


def values_of(tensors):
    return [tensor.detach().numpy().copy() for tensor in tensors]


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("as_numpy", [False, True], ids=["optimizer", "arrays"])
def test_five_steps_of_torch_and_five_of_ours_are_ten_of_torch(name, as_numpy):
    torch = pytest.importorskip("torch", reason="five steps are PyTorch's own")
    factory, given = GIVEN[name]
    keywords = {"lr" if k == "learning_rate" else k: v for k, v in given.items()}
    theirs = [
        torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in (by_path(draw(7))[path] for path in PATHS)
    ]
    peer = getattr(torch.optim, KINDS[factory.__name__])(theirs, foreach=False, **keywords)
    mine = None
    for step, grads in enumerate(GRADS):
        if step == 5:
            w, b, factor = values_of(theirs)
            params = {"layer": {"w": w, "b": b}, "scale": factor}
            optimizer = factory(**given, compat="torch")
            saved = numpy_of(peer.state_dict()) if as_numpy else peer
            counted = 5 if name in COUNTED_BY_US else None
            like = optimizer.init(params)
            state = from_torch(saved, like, params=params, order=PATHS, step=counted)
            mine = run_ours(optimizer, params, state)
        for p, path in zip(theirs, PATHS, strict=True):
            p.grad = torch.tensor(by_path(grads)[path])
        peer.step()
    assert_same_place(mine, dict(zip(PATHS, values_of(theirs), strict=True)))


def numpy_of(saved):
    state = {
        key: {
            name: value if value is None else value.numpy().copy() for name, value in fields.items()
        }
        for key, fields in saved["state"].items()
    }
    return {**saved, "state": state}


def test_a_model_of_torch_tells_the_order_itself():
    torch = pytest.importorskip("torch", reason="the optimizer of a model of PyTorch's")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)).double()
    peer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(4, 3, dtype=torch.float64)).sum().backward()
    peer.step()
    names = [name for name, _ in model.named_parameters()]
    params = {
        layer: {"weight": part.weight.detach().numpy(), "bias": part.bias.detach().numpy()}
        for layer, part in zip("01", model, strict=True)
    }
    state = from_torch(peer, adam(0.1).init(params), params=params, order=names)
    weight = peer.state_dict()["state"][0]["exp_avg"]
    assert np.array_equal(state["m"]["0"]["weight"], weight.numpy())


OPTAX_GIVEN = {
    "adam": (adam, {"learning_rate": 0.1, "b1": 0.8}),
    "adamw": (adamw, {"learning_rate": 0.1, "weight_decay": 0.1}),
    "amsgrad": (amsgrad, {"learning_rate": 0.1}),
    "sgd": (sgd, {"learning_rate": 0.1}),
    "momentum": (sgd, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "rmsprop": (rmsprop, {"learning_rate": 0.01}),
    "rmsprop whole": (rmsprop, {"learning_rate": 0.01, "centered": True, "momentum": 0.5}),
    "adagrad": (adagrad, {"learning_rate": 0.1}),
    "falling": (adam, {"learning_rate": lambda step: 0.1 / (1 + step)}),
    "falling momentum": (sgd, {"learning_rate": lambda step: 0.1 / (1 + step), "momentum": 0.9}),
    "falling rmsprop": (
        rmsprop,
        {"learning_rate": lambda step: 0.1 / (1 + step), "momentum": 0.9},
    ),
}
COUNTED = {"adam", "adamw", "amsgrad"}


@pytest.mark.parametrize("name", OPTAX_GIVEN)
def test_five_steps_of_optax_and_five_of_ours_are_ten_of_optax(name):
    if reason_missing("jax"):
        pytest.skip(f"five steps are optax's own: {reason_missing('jax')}")
    optax = pytest.importorskip("optax", reason="five steps are optax's own")
    from tests.support import open_namespace

    xp = open_namespace("jax")
    factory, given = OPTAX_GIVEN[name]
    peer = optax.chain(optax.identity(), getattr(optax, factory.__name__)(**given))
    params = trees.map(xp.asarray, draw(7))
    saved = peer.init(params)
    mine = None
    for step, grads in enumerate(GRADS):
        if step == 5:
            optimizer = factory(**given, compat="optax")
            has_count = name in COUNTED or callable(given["learning_rate"])
            state = from_optax(saved, optimizer.init(params), step=None if has_count else 5)
            assert int(state["step"]) == 5
            mine = run_ours(optimizer, params, state)
        updates, saved = peer.update(trees.map(xp.asarray, grads), saved, params)
        params = optax.apply_updates(params, updates)
    assert_same_place(mine, to_flat(params))


def test_the_classes_of_the_table_are_those_of_optax():
    optax = pytest.importorskip("optax", reason="its classes are compared with the table")
    missing = {}
    for name, row in OPTAX.items():
        kind = getattr(optax, name, None) or getattr(optax.contrib, name, None)
        if kind is not None and not set(row) <= set(kind._fields):
            missing[name] = kind._fields
    assert missing == {}
