"""What is made of a slope and its bar, and of the slopes to the left and to the right."""

import numpy as np
import pytest

from anygrad import check_gradients
from anygrad.checking import judging
from anygrad.checking.judging import Tolerance, judge
from anygrad.checking.measuring import Slopes
from anygrad.checking.subjects import Subject

# The ladder's flags, in the order of Slopes.
KINK, SINGULAR, ONE_SIDED, NOISY = range(4)


def judged(automatic, values, bars, *kinds, f=lambda x: 0.0 * np.sum(x)):
    """Verdicts on slopes that are made up; f itself is asked for secants and sides."""
    n = len(values)
    flags = [np.full(n, kind in kinds) for kind in range(4)]
    slopes = Slopes(
        *(np.asarray(part, dtype=float) for part in (values, bars)), np.zeros(n), *flags
    )
    subject = Subject.of("f", f, (np.zeros(n),), 0)
    names = [("x", (i,), "") for i in range(n)]
    tolerance = Tolerance(1e-9, 0.0, 2.2e-16)
    return judge(subject, np.arange(n), slopes, np.asarray(automatic), tolerance, names)


def give_sides(monkeypatch, left, right):
    """Slope and bar to the left and to the right, whatever f is."""
    monkeypatch.setattr(
        judging, "measure_side", lambda subject, k, side: left if side < 0 else right
    )


UNKNOWN = (np.nan, np.inf)


def test_a_slope_of_zero_may_be_rounded_like_the_large_ones_beside_it():
    causes = [
        [one.cause for one in judged([1e6, second], [1e6, 0.0], [0.0, 0.0])]
        for second in (9e-7, 11e-7)  # a thousandth of rtol, 1e-9, of the largest
    ]
    assert causes == [["agrees", "agrees"], ["agrees", "wrong rule"]]


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: np.abs(x[0]) + 1e3 * x[1], (-1.0, 1.0)),
        (lambda x: x[0] + 0.05 * np.abs(x[0]) + 0.0 * x[1], (0.95, 1.05)),
    ],
    ids=["beside a large slope", "a weak one"],
)
def test_a_kink_with_a_small_bar_is_looked_at_too(f, slopes):
    """The ladder's bar is half the jump, tripled; slopes outside the jump itself are wrong."""
    x, other = np.asarray([0.0, 1.0]), f(np.asarray([0.0, 1.0]))
    width = slopes[1] - slopes[0]
    for slope in (slopes[0], slopes[1], sum(slopes) / 2):
        report = check_gradients(f, x, grad=np.asarray([slope, other]))
        assert report.ok
        assert report.kinks == 1
    for slope in (slopes[0] - 0.1 * width, slopes[1] + 0.1 * width):
        report = check_gradients(f, x, grad=np.asarray([slope, other]))
        assert (report.verdict, report.cause, report.worst.index) == ("wrong", "kink", (0,))


def test_many_small_slopes_beside_a_large_one_need_no_further_calls():
    """Their bars are below half of the largest slope; only LOOKS could be seen from both sides."""
    x, calls = np.linspace(0.1, 1.0, judging.LOOKS + 50), []

    def f(x):
        calls.append(1)
        return 1e8 * x[0] + 1e-7 * np.sum(np.sin(x[1:]))

    slope = np.concatenate([[1e8], 1e-7 * np.cos(x[1:])])
    report = check_gradients(f, x, grad=slope, evaluate="loop")
    assert report.ok, str(report)
    assert len(calls) < 15 * x.size


def test_more_kinks_than_a_few_are_all_looked_at():
    x = np.zeros(150)
    report = check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.full(150, 0.5))
    assert report.ok
    assert report.kinks == 150


def test_of_many_wrong_elements_only_some_are_looked_at_from_both_sides():
    x, calls = np.linspace(1.0, 2.0, 100), []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    report = check_gradients(f, x, grad=x, evaluate="loop")
    assert report.wrong == 100
    assert len(calls) < 12 * x.size + judging.CONFIRMED * 150


def test_a_kink_is_named_after_any_number_of_wrong_elements():
    def f(x):
        return np.sum(x[1:] ** 2) + np.abs(x[0])

    x = np.concatenate([[0.0], np.ones(4 * judging.CONFIRMED)])
    slope = np.concatenate([[50.0], 3.0 * x[1:]])
    causes = [one.cause for one in check_gradients(f, x, grad=slope).elements]
    assert causes == ["kink"] + ["wrong rule"] * (x.size - 1)


def test_a_bar_below_half_of_the_slope_tells_it_and_one_above_does_not(monkeypatch):
    give_sides(monkeypatch, UNKNOWN, UNKNOWN)
    assert [one.cause for one in judged([2.0], [2.0], [0.3])] == ["agrees"]
    assert [one.cause for one in judged([2.0], [2.0], [0.4])] == ["step"]


def test_only_slopes_that_are_known_themselves_make_bars_of_others_small(monkeypatch):
    give_sides(monkeypatch, UNKNOWN, UNKNOWN)
    causes = [one.cause for one in judged([1e6, 1.0], [1e6, 1.0], [1e3, 1.0])]
    assert causes == ["agrees", "agrees"]
    causes = [one.cause for one in judged([1e6, 1.0], [1e6, 1.0], [1e6, 1.0])]
    assert causes == ["step", "step"]


def test_one_sharp_side_does_not_make_a_gradient_wrong_that_the_other_may_support(monkeypatch):
    give_sides(monkeypatch, (1.0, 1e-3), (2.0, 9.0))
    assert judged([2.0], [2.0], [5.0])[0].cause == "step"  # inside the bar of both sides together
    assert judged([1.0], [2.0], [5.0])[0].cause == "agrees"
    assert judged([4.0], [2.0], [0.5])[0].cause == "wrong rule"  # outside


def test_two_sharp_sides_decide_where_the_bar_of_both_together_is_large(monkeypatch):
    give_sides(monkeypatch, (2.0, 1e-3), (2.0, 1e-3))
    (right,) = judged([2.001], [2.5], [5.0])
    assert (right.cause, right.numerical) == ("agrees", 2.0)
    (wrong,) = judged([3.0], [2.5], [5.0])
    assert (wrong.cause, wrong.numerical) == ("wrong rule", 2.0)
    give_sides(monkeypatch, (2.0, 1e-3), (2.1, 1e-3))
    assert judged([2.05], [2.5], [5.0])[0].explanation.startswith("f has a kink here")
    give_sides(monkeypatch, (2.0, 1e-3), (2.005, 1e-3))  # apart by less than their bars
    assert judged([2.0], [2.5], [5.0])[0].explanation == ""


def test_a_side_without_a_bar_is_none(monkeypatch):
    give_sides(monkeypatch, (1e9, np.inf), (0.1, 1.0))
    assert judged([0.0], [0.0], [1.0], KINK)[0].cause == "step"


def test_a_slope_far_outside_both_sides_is_wrong_though_they_are_not_sharp(monkeypatch):
    give_sides(monkeypatch, (0.0, 0.5), (0.0, 0.5))
    assert judged([5.0], [np.nan], [np.inf])[0].cause == "wrong rule"
    assert judged([1.0], [np.nan], [np.inf])[0].cause == "step"


def test_the_worst_are_looked_at_first(monkeypatch):
    monkeypatch.setattr(judging, "LOOKS", 1)
    give_sides(monkeypatch, (2.0, 1e-9), (2.0, 1e-9))
    found = judged([2.0, 2.0], [2.0, 40.0], [9.0, 9.0])
    assert [one.cause for one in found] == ["step", "agrees"]


def test_rtol_is_allowed_where_only_the_sides_tell_the_slope(monkeypatch):
    give_sides(monkeypatch, (5.0, 0.0), (5.0, 0.0))
    assert judged([5.0 + 4e-9], [np.nan], [np.inf])[0].cause == "agrees"  # rtol is 1e-9
    assert judged([5.0 + 6e-9], [np.nan], [np.inf])[0].cause == "wrong rule"


def test_sides_are_known_where_their_bars_are_small_beside_the_largest_slope(monkeypatch):
    give_sides(monkeypatch, (-0.1, 1.0), (0.1, 1.0))
    assert [one.cause for one in judged([1e6, 0.0], [1e6, 0.0], [0.0, 1.0], KINK)][1] == "agrees"
    assert judged([0.0], [0.0], [1.0], KINK)[0].cause == "step"


@pytest.mark.parametrize(
    ("flags", "cause", "words"),
    [
        ([], "step", "rounding"),
        ([NOISY], "noise", "noisy"),
        ([SINGULAR], "noise", "jumps"),
        ([ONE_SIDED], "step", "rounding"),
    ],
)
def test_a_bar_that_hides_the_slope_is_explained_by_the_flags(monkeypatch, flags, cause, words):
    give_sides(monkeypatch, UNKNOWN, UNKNOWN)
    (one,) = judged([2.0], [2.0], [9.0], *flags)
    assert (one.verdict, one.cause) == ("inconclusive", cause)
    assert words in one.explanation


def test_a_jump_is_not_looked_at_from_the_side_on_which_f_is_smooth(monkeypatch):
    give_sides(monkeypatch, (2.0, 1e-9), (2.0, 1e-9))
    assert judged([2.0], [2.0], [9.0], SINGULAR)[0].cause == "noise"
    assert judged([2.0], [2.0], [9.0], SINGULAR, KINK)[0].cause == "agrees"
    assert judged([2.0], [2.0], [9.0])[0].cause == "agrees"
