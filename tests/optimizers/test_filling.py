"""What a peer's state holds is put where it fits, whole, or refused."""

import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError, DTypeError
from anygrad.optimizers import adam, adamw, chain, clip_by_global_norm, rmsprop, scale, sgd
from anygrad.optimizers.saving.importing import from_optax, from_torch
from anygrad.optimizers.saving.optax_states import OPTAX
from anygrad.optimizers.saving.torch_states import TORCH
from tests.optimizers.peer_states import (
    PATHS,
    AdamState,
    FactoredState,
    MaskedNode,
    MaskedState,
    MuonState,
    PartitionState,
    draw,
    torch_state,
    zeros,
)
from tests.support import assert_close


def test_every_slot_of_the_tables_has_a_plain_name():
    slots = [*TORCH.values(), *(slot for row in OPTAX.values() for slot in row.values())]
    names = [name for slot in slots if slot is not None for name in slot.split("|")]
    assert all(name.isidentifier() for name in names)


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
