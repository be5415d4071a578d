import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.training import STOP, History, Record, early_stopping, every


def log_point(step, history=None, **summary):
    record = Record(step, 0, np.asarray(0.0), {"w": step}, {}, history)
    record.summary = summary
    return record


def stop_after(callback, values, name="loss"):
    """Number of log points until the callback stops; None if it never does."""
    history = History()
    for number, value in enumerate(values):
        if callback(log_point(number, history, **{name: value})) is not None:
            return number + 1
    return None


def test_every_calls_at_each_nth_step():
    seen = []
    callback = every(3, lambda record: seen.append(record.step))
    for step in range(10):
        callback(log_point(step))
    assert seen == [2, 5, 8]


def test_every_passes_the_stop_on():
    callback = every(2, lambda record: STOP)
    assert callback(log_point(0)) is None
    assert callback(log_point(1)) is STOP


def test_stops_after_patience_log_points_without_improvement():
    # the best is the third value; two more without a better one use up the patience
    assert stop_after(early_stopping(patience=2), [5.0, 4.0, 3.0, 3.0, 3.5, 1.0]) == 5
    assert stop_after(early_stopping(patience=3), [5.0, 4.0, 3.0, 3.0, 3.5, 1.0]) is None


def test_an_improvement_gives_new_patience():
    assert stop_after(early_stopping(patience=2), [5.0, 6.0, 4.0, 6.0, 3.0, 6.0, 6.0]) == 7


def test_small_gains_do_not_count():
    falling = [1.0, 0.95, 0.9, 0.85]
    assert stop_after(early_stopping(patience=2, min_delta=0.2), falling) == 3
    assert stop_after(early_stopping(patience=2), falling) is None


def test_larger_is_better_where_asked():
    rising = [0.1, 0.2, 0.3, 0.3, 0.2]
    stopper = early_stopping("accuracy", patience=2, mode="max")
    assert stop_after(stopper, rising, "accuracy") == 5
    assert (stopper.best, stopper.best_step, stopper.best_params) == (0.3, 2, {"w": 2})


def test_nan_is_never_an_improvement():
    assert stop_after(early_stopping(patience=2), [float("nan")] * 5) == 2
    assert stop_after(early_stopping(patience=2), [1.0, float("nan"), float("nan")]) == 3


def test_the_reason_tells_the_best_value():
    history, stopper = History(), early_stopping(patience=1)
    stopper(log_point(7, history, loss=0.25))
    stop = stopper(log_point(8, history, loss=0.5))
    assert "0.25 at step 7" in stop.why


def test_other_steps_are_passed_over():
    stopper = early_stopping(patience=1)
    record = log_point(0)
    record.summary = None
    assert stopper(record) is None
    assert stopper.best_step is None


def test_a_new_run_starts_afresh():
    stopper = early_stopping(patience=2)
    assert stop_after(stopper, [1.0, 2.0, 2.0]) == 3
    assert stop_after(stopper, [9.0, 8.0, 7.0]) is None
    assert stopper.best == 7.0


def test_the_direction_must_be_known():
    with pytest.raises(ArgumentError, match="accuracy"):
        early_stopping("accuracy")
    assert early_stopping("validation_error").mode == "min"


def test_an_unknown_number_names_the_nearest():
    with pytest.raises(ArgumentError, match="Did you mean 'accuracy'"):
        early_stopping("acuracy", mode="max")(log_point(0, loss=1.0, accuracy=0.5))


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (lambda: every(0, print), r"every\(n\)"),
        (lambda: every(2, "print"), r"every\(callback\)"),
        (lambda: early_stopping(patience=0), "patience"),
        (lambda: early_stopping(patience=1.5), "patience"),
        (lambda: early_stopping(min_delta=-1.0), "min_delta"),
        (lambda: early_stopping(mode="up"), "mode"),
    ],
)
def test_what_cannot_work_is_refused(factory, words):
    with pytest.raises(ArgumentError, match=words):
        factory()
