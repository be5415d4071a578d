import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError

pytest.importorskip("matplotlib")


def curves(figure):
    (axes,) = figure.axes
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 2]


def test_curve_is_the_schedule_step_by_step():
    rate = schedules.warmup_cosine(0.1, 10, 50)
    figure = schedules.plot(rate, 50)
    (curve,) = curves(figure)
    np.testing.assert_array_equal(curve.get_xdata(), range(51))
    np.testing.assert_array_equal(curve.get_ydata(), [rate(step) for step in range(51)])
    assert figure.axes[0].get_title(loc="left") == repr(rate)
    assert figure.axes[0].get_legend() is None


def test_dict_draws_each_under_its_name(tmp_path):
    several = {"a": schedules.rex(1.0, 9), "mine": lambda step: step / 9, "number": 0.5}
    figure = schedules.plot(several, 9, tmp_path / "rates.svg")
    assert [line.get_label() for line in curves(figure)] == ["a", "mine", "number"]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(several)
    assert curves(figure)[1].get_ydata()[-1] == 1.0
    assert b"<svg" in (tmp_path / "rates.svg").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["rates.svg"]


def test_long_run_is_drawn_at_some_of_its_steps_and_the_last():
    (curve,) = curves(schedules.plot(schedules.linear(1.0, 0.0, 10**9), 10**9))
    assert 2000 <= len(curve.get_xdata()) <= 4001
    assert (curve.get_xdata()[-1], curve.get_ydata()[-1]) == (10**9, 0.0)


@pytest.mark.parametrize(
    ("given", "steps", "words"),
    [
        ("fast", 10, r"plot\(schedule\): got 'fast'"),
        ({"a": 1.0, "b": None}, 10, r"plot\(schedule\)\['b'\]: got None"),
        ({}, 10, r"plot\(schedule\): got an empty dict"),
        (1.0, 0, r"plot\(steps\): got 0"),
        ({"mine": lambda step: None}, 10, "got None at step 0"),
    ],
)
def test_what_cannot_be_drawn_is_named(given, steps, words):
    with pytest.raises(ArgumentError, match=words):
        schedules.plot(given, steps)
