import math

import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError
from tests.schedules.table import SCHEDULES

every_schedule = pytest.mark.parametrize("name", SCHEDULES)


@every_schedule
@pytest.mark.parametrize("kind", [np.int64, np.uint8, lambda n: np.asarray(n, dtype=np.int32)])
def test_integers_of_numpy_are_steps_too(name, kind):
    schedule = SCHEDULES[name]
    assert schedule(kind(13)) == schedule(13)
    assert type(schedule(kind(13))) is float


@every_schedule
def test_value_depends_on_the_step_only(name):
    schedule = SCHEDULES[name]
    forward = [schedule(n) for n in range(60)]
    backward = [schedule(n) for n in reversed(range(60))]
    assert forward == backward[::-1]


@every_schedule
@pytest.mark.parametrize("step", [-1, 1.0, True, None, np.asarray([1, 2])])
def test_step_that_is_no_count_is_refused(name, step):
    with pytest.raises(ArgumentError, match=r"\(step\): got .*expected an integer >= 0"):
        SCHEDULES[name](step)


@every_schedule
def test_schedule_prints_as_the_expression_that_made_it(name):
    assert repr(SCHEDULES[name]) == name


@every_schedule
@pytest.mark.parametrize("step", [10**6, 10**9, 2**53 + 1, 10**18])
def test_value_is_finite_however_many_steps(name, step):
    value = SCHEDULES[name](step)
    assert type(value) is float
    assert math.isfinite(value)


@every_schedule
def test_values_lie_between_the_least_and_the_largest_number_given(name):
    assert all(0 <= SCHEDULES[name](step) <= 1.4 for step in range(200))


def test_every_kind_is_in_the_table():
    text = " ".join(SCHEDULES)
    names = set(schedules.__all__) - {"Plateau", "Schedule", "plateau", "plot"}
    assert [name for name in sorted(names) if f"{name}(" not in text] == []


@pytest.mark.parametrize("growing", [schedules.exponential(1.0, 2.0), schedules.step(1.0, 2.0, 1)])
def test_growth_beyond_all_floats_is_an_error_not_infinity(growing):
    assert growing(1000) == 2.0**1000
    with pytest.raises(ArgumentError, match=r"got inf at step 1000000000; expected a finite"):
        growing(10**9)
    assert schedules.exponential(1.0, 2.0, final=8.0)(10**9) == 8.0
    assert schedules.exponential(0.0, 2.0)(10**9) == 0.0


def third(step):
    return step / 3


def test_any_function_of_the_step_can_be_composed():
    product, total = schedules.constant(6.0) * third, third + schedules.constant(1.0)
    assert (product(2), total(2)) == (4.0, pytest.approx(5 / 3, rel=1e-15))
    assert (repr(product), repr(total)) == ("constant(6.0) * third", "third + constant(1.0)")
    assert schedules.join([third, lambda step: np.float32(step)], [2])(5) == 3.0
    assert schedules.constant(1.0).then(third, after=2)(5) == 1.0
    assert schedules.warmup(third, 4, initial=1.0)(2) == 0.5
    assert schedules.Schedule("cube", lambda step: step**3)(2) == 8.0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "got None at step 3; expected a number"),
        (np.ones(2), "got numpy array of shape .* at step 3; expected a number"),
        (math.nan, "got nan at step 3; expected a finite number"),
        (-math.inf, "got -inf at step 3"),
    ],
)
def test_function_that_gives_no_number_is_named(value, words):
    def mine(step):
        return value

    for composed in (2 * schedules.constant(1.0) * mine, schedules.join([mine], [])):
        with pytest.raises(ArgumentError, match=f"mine.*: {words}"):
            composed(3)


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2)])
def test_numbers_multiply_and_add_from_both_sides(number):
    rate = schedules.linear(0.0, 1.0, 4)
    assert [(number * rate)(1), (rate * number)(1)] == [0.5, 0.5]
    assert [(number + rate)(1), (rate + number)(1)] == [2.25, 2.25]
    assert isinstance(number * rate, schedules.Schedule)


@pytest.mark.parametrize("other", ["fast", None, [1.0], 1j, np.ones(3)])
def test_what_is_neither_number_nor_function_cannot_be_an_operand(other):
    with pytest.raises(TypeError):
        schedules.constant(1.0) * other
    with pytest.raises(TypeError):
        other + schedules.constant(1.0)


@pytest.mark.parametrize("other", [math.nan, math.inf, True])
def test_operand_that_is_no_finite_number_is_refused(other):
    with pytest.raises(ArgumentError, match=r"schedule \* other: got .*; expected a finite number"):
        schedules.constant(1.0) * other


WRONG = ["2", b"2", True, np.bool_(True), np.asarray(True), np.asarray("2"), np.ones(1), [2.0], 1j]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_function_that_gives_no_single_real_number_is_refused(value):
    def mine(step):
        return value

    one = schedules.constant(1.0)
    composed = [schedules.join([mine], []), one.then(mine, after=0), one * mine, mine + one]
    for schedule in (*composed, schedules.warmup(mine, 0), schedules.Schedule("mine", mine)):
        with pytest.raises(ArgumentError, match=r"mine.*: got .* at step 3; expected a number"):
            schedule(3)


def test_function_may_give_an_array_of_any_library(xp):
    schedule = schedules.join([lambda step: xp.asarray(2.0)], [])
    assert (schedule(3), type(schedule(3))) == (2.0, float)
    with pytest.raises(ArgumentError, match=r"shape \(1,\).* at step 3; expected a number"):
        schedules.join([lambda step: xp.ones((1,))], [])(3)


@pytest.mark.parametrize("step", [10**400, 10**5000], ids=["400 digits", "5000 digits"])
@every_schedule
def test_step_beyond_all_floats_gives_a_number_or_says_so(name, step):
    if any(part in name for part in ("restarts", "triangular2", "exp_range")):  # has no last value
        with pytest.raises(ArgumentError, match=r"got an integer beyond all floats; .*1\.8e\+308"):
            SCHEDULES[name](step)
    else:
        assert math.isfinite(SCHEDULES[name](step))


def test_what_stays_at_its_last_value_stays_there_for_any_step():
    assert schedules.linear(0.0, 1.0, 10)(10**400) == 1.0
    assert schedules.warmup_stable_decay(1.0, 2, 3, 4, final=0.5)(10**400) == 0.5
    assert schedules.exponential(1.0, 0.5)(10**400) == 0.0
    assert schedules.step(1.0, 0.5, 1)(10**400) == 0.0
    assert schedules.inverse_time(1.0, 0.0)(10**400) == 1.0
    with pytest.raises(ArgumentError, match="got inf at a step beyond all floats"):
        schedules.exponential(1.0, 2.0)(10**5000)
