import math

import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError


def factors(reduce, metrics, state=None):
    state = reduce.init() if state is None else state
    found = []
    for metric in metrics:
        state, factor = reduce.update(state, metric)
        found.append(factor)
    return found, state


def test_drops_come_after_more_than_patience_bad_metrics():
    # worked by hand: 2 is best; the third metric in a row that is no better brings the drop
    reduce = schedules.plateau(0.5, patience=2)
    assert factors(reduce, [3, 2, 2, 2, 2, 2, 2, 2])[0] == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_cooldown_does_not_count_what_follows_a_drop():
    reduce = schedules.plateau(0.5, patience=0, cooldown=2)
    assert factors(reduce, [2] * 8)[0] == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_factor_stops_at_its_least():
    assert factors(schedules.plateau(0.5, 0, min_factor=0.3), [2] * 5)[0] == [1, 0.5, 0.3, 0.3, 0.3]


@pytest.mark.parametrize(("mode", "sign"), [("min", 1), ("max", -1)])
@pytest.mark.parametrize("level", [10.0, -10.0])
def test_relative_threshold_is_relative_to_the_size_of_the_best(mode, sign, level):
    """PyTorch takes a constant negative loss for one that always becomes better."""
    reduce = schedules.plateau(0.5, 0, mode=mode, threshold=0.1)
    better, same = level - sign * 1.01, level - sign * 0.99
    assert factors(reduce, [level, level])[0] == [1, 0.5]
    assert factors(reduce, [level, same])[0] == [1, 0.5]
    assert factors(reduce, [level, better])[0] == [1, 1]


@pytest.mark.parametrize("metric", [math.nan, math.inf])
def test_loss_that_is_not_finite_is_bad_from_the_first_on(metric):
    reduce = schedules.plateau(0.5, 0)
    found, state = factors(reduce, [metric, 3.0, metric])
    assert found == [0.5, 0.5, 0.25]
    assert state["best"] == 3.0


def test_update_leaves_the_state_as_it_is():
    reduce = schedules.plateau(0.5, 0)
    state = reduce.update(reduce.init(), 1.0)[0]
    before = {name: slot.copy() for name, slot in state.items()}
    again = [reduce.update(state, 2.0) for _ in range(2)]
    assert state == before
    assert again[0] == again[1]
    assert again[0][1] == 0.5


def test_metric_may_be_an_array_of_any_library(xp):
    reduce = schedules.plateau(0.5, 0)
    metrics = [xp.asarray(value) for value in (2.0, 1.0, 1.0)]
    assert factors(reduce, metrics)[0] == [1, 1, 0.5]
    assert factors(reduce, [np.float32(2), 2, np.int64(2)])[0] == [1, 0.5, 0.25]


def test_state_is_numpy_arrays_on_the_host():
    state = schedules.plateau().init()
    assert {name: (type(slot), slot.shape) for name, slot in state.items()} == {
        name: (np.ndarray, ()) for name in ("best", "bad", "cooldown", "factor")
    }


@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_resumed_from_a_file_it_goes_on_as_if_uninterrupted(cut, tmp_path):
    reduce = schedules.plateau(0.7, 2, cooldown=2, min_factor=0.1)
    metrics = np.random.default_rng(3).exponential(size=30)
    whole, last = factors(reduce, metrics)
    first, state = factors(reduce, metrics[:cut])
    again = schedules.plateau(0.7, 2, cooldown=2, min_factor=0.1)
    np.savez(tmp_path / "state.npz", **state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        second, end = factors(again, metrics[cut:], dict(saved))
    assert first + second == whole
    assert end == last


def test_it_prints_as_the_call_that_made_it():
    text = repr(schedules.plateau(0.5, 3, mode="max", cooldown=2))
    assert repr(eval(text, vars(schedules))) == text
    assert text.startswith("plateau(0.5, 3, mode='max', ")


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_metric_may_be_half_precision(library, dtype):
    namespace = pytest.importorskip(library, reason="has bfloat16")
    metrics = [
        namespace.asarray(value, dtype=getattr(namespace, dtype)) for value in (2.0, 1.0, 1.5)
    ]
    assert factors(schedules.plateau(0.5, 0), metrics)[0] == [1, 1, 0.5]


@pytest.mark.parametrize("metric", ["2", True, None, 1j, np.ones(1), np.asarray(True)])
def test_metric_is_one_real_number(metric):
    reduce = schedules.plateau()
    with pytest.raises(ArgumentError, match=r"update\(metric\): got .*; expected a real number"):
        reduce.update(reduce.init(), metric)
