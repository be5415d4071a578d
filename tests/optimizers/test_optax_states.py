"""States that look like optax's are read, however they are wrapped."""

from collections import namedtuple

import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import backend_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import adagrad, adam, dog, nadam, rmsprop, schedule_free_sgd, sgd
from anygrad.optimizers.saving.importing import from_optax
from tests.optimizers.peer_states import (
    AdamState,
    DogState,
    EmptyState,
    InjectState,
    MaskedNode,
    MaskedState,
    PartitionState,
    RmsState,
    RssState,
    ScheduleFreeState,
    ScheduleState,
    StdDevState,
    TraceState,
    draw,
    zeros,
)
from tests.support import assert_close


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
    like = sgd(0.1, momentum=0.9, learning_rate_in_buffer=True).init(zeros())
    assert_close(from_optax(saved, like)["b"], trees.map(lambda x: -x, draw(1)))


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
    other = namedtuple("ScaleBySM3State", "mu nu")
    with pytest.raises(ArgumentError, match=r"a state of class ScaleBySM3State; .*Did you mean"):
        from_optax((other(np.ones(2), np.ones(2)),), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"from_optax\(saved\): got numpy array"):
        from_optax(np.ones(2), adam(0.1).init(np.zeros(2)))
    one = AdamState(np.int32(5), np.ones(2), np.ones(2))
    with pytest.raises(ArgumentError, match=r"got ScaleByAdamState\.mu and ScaleByAdamState\.mu"):
        from_optax((one, one), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"different step counts, 5 .*, 6 .*"):
        from_optax((one, ScheduleState(np.int32(6))), adam(0.1).init(np.zeros(2)))
    with pytest.raises(ArgumentError, match=r"different step counts, .*step=4"):
        from_optax((one,), adam(0.1).init(np.zeros(2)), step=4)


def test_what_wraps_an_optimizer_and_has_numbers_of_its_own_is_not_taken_for_it():
    mechanic = namedtuple("MechanicState", "base_optimizer_state r")
    inner = AdamState(np.int32(5), np.ones(2), np.ones(2))
    with pytest.raises(ArgumentError, match=r"a state of class MechanicState"):
        from_optax(mechanic(inner, np.ones(6)), adam(0.1).init(np.zeros(2)))


def test_a_count_of_the_step_to_come_is_one_more():
    params, number = np.zeros(2), np.float64(0.5)
    saved = ScheduleFreeState(number, number, np.int32(6), number, EmptyState(), np.ones(2))
    state = from_optax(saved, schedule_free_sgd(0.1, b1=0.8).init(params))
    assert int(state["step"]) == 5
    assert state["z"].tolist() == [1.0, 1.0]
    assert state["max_learning_rate"].tolist() == state["weight_sum"].tolist() == [0.5]
    assert state["b1"].tolist() == [0.8]  # a hyperparameter: ours


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_sums_of_squares_are_kept_as_their_roots(dtype):
    params, total = np.zeros(2, dtype), dtype(2.0)
    saved = DogState(np.asarray(False), np.ones(2, dtype), dtype(0.5), total)
    like = dog(1.0).init(params)
    state = from_optax(saved, like, step=5)
    assert state["n"].dtype == like["n"].dtype
    assert_close(state["n"], np.sqrt(total.astype(like["n"].dtype)))
    assert float(state["r"]) == 0.5
    assert state["eta"] == like["eta"]  # which the next step computes anew


def test_nadam_of_optax_goes_on_as_adam():
    saved = AdamState(np.int32(5), np.ones(2), np.ones(2))
    with pytest.raises(ArgumentError, match=r"got nothing for like\['mu_product'\]"):
        from_optax(saved, nadam(0.1, compat="optax").init(np.zeros(2)))


@pytest.mark.parametrize("count", ["7", None, -1, 1.5, np.nan, True, [7], {}, np.ones(2)])
def test_a_count_is_an_integer(count):
    saved = AdamState(count, zeros(), zeros())
    with pytest.raises(ArgumentError, match=r"AdamState\.count: got .*; expected a step count"):
        from_optax(saved, adam(0.1).init(zeros()))


@pytest.mark.parametrize("rate", ["fast", None, np.ones(2), True])
def test_an_injected_rate_is_a_number(rate):
    inner = (AdamState(np.int32(5), zeros(), zeros()),)
    saved = InjectState(np.int32(5), {"learning_rate": rate}, inner)
    with pytest.raises(ArgumentError, match=r"hyperparams\['learning_rate'\]: got .*; expected a"):
        from_optax(saved, adam(0.1).init(zeros()))


def test_a_state_that_lacks_a_field_is_named():
    saved = namedtuple("ScaleByAdamState", "count mu")(np.int32(5), zeros())
    with pytest.raises(
        ArgumentError, match="got a ScaleByAdamState without nu; expected the field"
    ):
        from_optax(saved, adam(0.1).init(zeros()))


def test_squares_are_not_negative():
    saved = DogState(False, zeros(), np.float64(1), np.float64(-1))
    with pytest.raises(ArgumentError, match=r"sum_sq_norm_grads: got a negative number"):
        from_optax(saved, dog().init(zeros()), step=5)
