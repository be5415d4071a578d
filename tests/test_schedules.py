import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import schedules
from anygrad.errors import ArgumentError

EVERY_SCHEDULE = {
    "constant": schedules.constant(0.3),
    "exponential": schedules.exponential(0.3, 0.9, every=7),
    "staircase": schedules.exponential(0.3, 0.9, every=7, staircase=True),
    "step": schedules.step(0.3, 0.1, 30),
    "cosine": schedules.cosine(0.3, 50, final=0.01),
    "warmup_cosine": schedules.warmup_cosine(0.3, 10, 50, initial=0.1, final=0.01),
}
every_schedule = pytest.mark.parametrize("name", EVERY_SCHEDULE)
numbers = st.floats(-10, 10, allow_subnormal=False)


@every_schedule
@pytest.mark.parametrize("kind", [np.int64, np.uint8, lambda n: np.asarray(n, dtype=np.int32)])
def test_integers_of_numpy_are_steps_too(name, kind):
    schedule = EVERY_SCHEDULE[name]
    assert schedule(kind(13)) == schedule(13)
    assert type(schedule(kind(13))) is float


@every_schedule
def test_value_depends_on_the_step_only(name):
    schedule = EVERY_SCHEDULE[name]
    forward = [schedule(n) for n in range(60)]
    backward = [schedule(n) for n in reversed(range(60))]
    assert forward == backward[::-1]


@every_schedule
@pytest.mark.parametrize("step", [-1, 1.0, True, None, np.asarray([1, 2])])
def test_step_that_is_no_count_is_refused(name, step):
    with pytest.raises(ArgumentError, match=r"\(step\): got .*expected an integer >= 0"):
        EVERY_SCHEDULE[name](step)


def test_constant_never_changes():
    assert {schedules.constant(0.2)(n) for n in (0, 1, 10**9)} == {0.2}


def test_exponential_multiplies_by_rate_each_period():
    smooth = schedules.exponential(2.0, 0.5, every=4)
    stairs = schedules.exponential(2.0, 0.5, every=4, staircase=True)
    assert [smooth(n) for n in (0, 2, 4, 8)] == pytest.approx([2, 2 * math.sqrt(0.5), 1, 0.5])
    assert [stairs(n) for n in (0, 3, 4, 7, 8)] == [2, 2, 1, 1, 0.5]


def test_step_drops_at_multiples_of_every():
    drops = schedules.step(8.0, 0.5, 10)
    assert [drops(n) for n in (0, 9, 10, 19, 20, 30)] == [8, 8, 4, 4, 2, 1]


def test_cosine_follows_the_table_of_the_cosine():
    # cos at 0, 60, 90, 120, 180 degrees: 1, 1/2, 0, -1/2, -1
    fall = schedules.cosine(3.0, 6, final=1.0)
    assert [fall(n) for n in (0, 2, 3, 4, 6)] == pytest.approx([3, 2.5, 2, 1.5, 1], rel=1e-15)


def test_warmup_rises_in_a_straight_line():
    rate = schedules.warmup_cosine(1.0, 4, 12, initial=0.2)
    assert [rate(n) for n in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], rel=1e-15)


def test_after_the_warmup_comes_cosine_over_the_steps_that_are_left():
    rate = schedules.warmup_cosine(0.7, 4, 13, final=0.1)
    fall = schedules.cosine(0.7, 9, final=0.1)
    assert [rate(4 + n) for n in range(12)] == [fall(n) for n in range(12)]


def test_warmup_of_no_steps_is_cosine():
    plain, warm = schedules.cosine(0.7, 9, final=0.1), schedules.warmup_cosine(0.7, 0, 9, final=0.1)
    assert [plain(n) for n in range(12)] == [warm(n) for n in range(12)]


@given(numbers, numbers, st.integers(1, 1000))
def test_cosine_ends_are_exact_and_it_falls_in_between(peak, final, steps):
    fall = schedules.cosine(peak, steps, final=final)
    values = [fall(n) for n in range(steps + 2)]
    assert values[0] == peak
    assert values[-2:] == [final, final]
    slack = 1e-15 * max(abs(peak), abs(final), 1e-290)
    falls = [
        (b - a) * math.copysign(1, peak - final) <= slack for a, b in itertools.pairwise(values)
    ]
    assert all(falls)


@given(numbers, numbers, st.integers(1, 200), st.integers(2, 200))
def test_warmup_cosine_makes_no_jump(peak, initial, warmup_steps, fall_steps):
    rate = schedules.warmup_cosine(peak, warmup_steps, warmup_steps + fall_steps, initial=initial)
    values = [rate(n) for n in range(warmup_steps + fall_steps + 2)]
    # steepest: the straight line, or the cosine's slope pi/2 in its middle
    largest = max(abs(peak - initial) / warmup_steps, abs(peak) * math.pi / 2 / fall_steps)
    jumps = [abs(b - a) for a, b in itertools.pairwise(values)]
    assert max(jumps) <= largest * (1 + 1e-12) + 1e-14


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: schedules.constant("fast"), "constant.value.: got 'fast'"),
        (lambda: schedules.constant(math.nan), "constant.value.*finite"),
        (lambda: schedules.constant(True), "constant.value"),
        (lambda: schedules.exponential(1.0, 0.0), "exponential.rate.: got 0.0; .* > 0"),
        (lambda: schedules.exponential(math.inf, 0.5), "exponential.initial"),
        (lambda: schedules.exponential(1.0, 0.5, every=0), "exponential.every"),
        (lambda: schedules.step(1.0, -0.5, 3), "step.factor"),
        (lambda: schedules.step(1.0, 0.5, 0), "step.every.: got 0; expected an integer >= 1"),
        (lambda: schedules.step(1.0, 0.5, 2.5), "step.every"),
        (lambda: schedules.cosine(1.0, 0), "cosine.steps"),
        (lambda: schedules.cosine(1.0, 10, final=math.inf), "cosine.final"),
        (lambda: schedules.warmup_cosine(1.0, -1, 10), "warmup_cosine.warmup_steps"),
        (lambda: schedules.warmup_cosine(1.0, 10, 10), "warmup_cosine.steps.*>= 11.*warm-up"),
    ],
)
def test_argument_outside_its_range_is_named(make, names):
    with pytest.raises(ArgumentError, match=names):
        make()


def test_schedule_prints_as_the_call_that_made_it():
    text = repr(schedules.warmup_cosine(0.5, 10, 100))
    assert text == "warmup_cosine(0.5, 10, 100, initial=0.0, final=0.0)"
    assert repr(eval(text, vars(schedules))) == text
