import inspect
import math

import numpy as np
import pytest

from anygrad import schedules as s
from anygrad.errors import ArgumentError

LOW = r"expected an integer >= 1"
SHAPES = r"expected 'linear' or 'cosine'"

BAD = [
    ("constant('fast')", r"constant\(value\): got 'fast'; expected a finite number"),
    ("constant(nan)", r"constant\(value\): got nan; expected a finite number"),
    ("constant(True)", r"constant\(value\): got True"),
    ("linear(inf, 0.1, 10)", r"linear\(initial\): got inf"),
    ("linear(0.1, None, 10)", r"linear\(final\): got None"),
    ("linear(0.1, 0.0, 0)", r"linear\(steps\): got 0; " + LOW),
    ("polynomial(nan, 0.0, 5)", r"polynomial\(initial\): got nan"),
    ("polynomial(1.0, nan, 5)", r"polynomial\(final\): got nan"),
    ("polynomial(1.0, 0.0, 2.5)", r"polynomial\(steps\): got 2.5; " + LOW),
    ("polynomial(1.0, 0.0, 5, power=0)", r"polynomial\(power\): got 0; expected a number > 0"),
    ("exponential(1.0, 0.0)", r"exponential\(rate\): got 0.0; expected a number > 0"),
    ("exponential(inf, 0.5)", r"exponential\(initial\): got inf"),
    ("exponential(1.0, 0.5, every=0)", r"exponential\(every\): got 0"),
    ("exponential(1.0, 0.5, final=nan)", r"exponential\(final\): got nan"),
    ("exponential(1.0, 0.5, final=2)", r"exponential\(final\): got 2.0; expected a number <= 1.0"),
    ("exponential(1.0, 2.0, final=0)", r"exponential\(final\): got 0.0; expected a number >= 1.0"),
    ("inverse_time(nan, 0.5)", r"inverse_time\(initial\)"),
    ("inverse_time(1.0, -0.5)", r"inverse_time\(rate\): got -0.5; expected a number >= 0"),
    ("inverse_time(1.0, 0.5, every=-1)", r"inverse_time\(every\)"),
    ("inverse_sqrt(nan, 10)", r"inverse_sqrt\(peak\)"),
    ("inverse_sqrt(1.0, 0)", r"inverse_sqrt\(warmup_steps\): got 0; " + LOW),
    ("inverse_sqrt(1.0, 5, initial=nan)", r"inverse_sqrt\(initial\)"),
    ("step(nan, 0.5, 3)", r"step\(initial\)"),
    ("step(1.0, -0.5, 3)", r"step\(factor\): got -0.5; expected a number > 0"),
    ("step(1.0, 0.5, 0)", r"step\(every\): got 0; " + LOW),
    ("step(1.0, 0.5, 2.5)", r"step\(every\): got 2.5"),
    ("multi_step(nan, 0.5, [3])", r"multi_step\(initial\)"),
    ("multi_step(1.0, 0.0, [3])", r"multi_step\(factor\)"),
    ("multi_step(1.0, 0.5, 3)", r"multi_step\(milestones\): got 3; expected a list of increasing"),
    ("multi_step(1.0, 0.5, [5, 5])", r"milestones\)\[1\]: got 5; .* >= 6. Each .* after the one"),
    ("piecewise([1.0, 0.5], [0])", r"piecewise\(boundaries\)\[0\]: got 0; " + LOW),
    ("piecewise([1.0], [5])", r"piecewise\(values\): got 1 values and 1 boundaries; .* one more"),
    ("piecewise([1.0, nan], [5])", r"piecewise\(values\)\[1\]: got nan"),
    ("piecewise('ab', [5])", r"piecewise\(values\): got 'ab'; expected a list of numbers"),
    ("piecewise({1: 2}, [])", r"piecewise\(values\): got {1: 2}; expected a list"),
    ("interpolated([1.0, 0.5], [7, 6])", r"interpolated\(boundaries\)\[1\]: got 6; .* >= 8"),
    ("interpolated([1.0, 0.5], [])", r"interpolated\(values\): got 2 values and 0 boundaries"),
    ("interpolated([1, 2], [3], shape='cos')", r"interpolated\(shape\): got 'cos'; " + SHAPES),
    ("interpolated([1, 2], [3], shape='sqrt')", r"interpolated\(shape\): got 'sqrt'; " + SHAPES),
    ("cosine(nan, 10)", r"cosine\(peak\)"),
    ("cosine(1.0, 0)", r"cosine\(steps\): got 0; " + LOW),
    ("cosine(1.0, 10, final=inf)", r"cosine\(final\): got inf"),
    ("rex(nan, 10)", r"rex\(peak\)"),
    ("rex(1.0, 0)", r"rex\(steps\): got 0; " + LOW),
    ("rex(1.0, 10, final=nan)", r"rex\(final\)"),
    ("warmup('fast', 3)", r"warmup\(schedule\): got 'fast'; .* A schedule or any other function"),
    ("warmup(1.0, -1)", r"warmup\(steps\): got -1; expected an integer >= 0"),
    ("warmup(1.0, 3, initial=nan)", r"warmup\(initial\)"),
    ("warmup_cosine(nan, 1, 10)", r"warmup_cosine\(peak\)"),
    ("warmup_cosine(1.0, -1, 10)", r"warmup_cosine\(warmup_steps\): got -1"),
    ("warmup_cosine(1.0, 10, 10)", r"warmup_cosine\(steps\): got 10; .* >= 11.*warm-up"),
    ("warmup_cosine(1.0, 1, 10, initial=nan)", r"warmup_cosine\(initial\)"),
    ("warmup_cosine(1.0, 1, 10, final=nan)", r"warmup_cosine\(final\)"),
    ("warmup_stable_decay(nan, 1, 2, 3)", r"warmup_stable_decay\(peak\)"),
    ("warmup_stable_decay(1.0, -1, 2, 3)", r"warmup_stable_decay\(warmup_steps\)"),
    ("warmup_stable_decay(1.0, 1, -2, 3)", r"warmup_stable_decay\(stable_steps\)"),
    ("warmup_stable_decay(1.0, 1, 2, 0)", r"warmup_stable_decay\(decay_steps\): got 0; " + LOW),
    ("warmup_stable_decay(1.0, 1, 2, 3, initial=nan)", r"warmup_stable_decay\(initial\)"),
    ("warmup_stable_decay(1.0, 1, 2, 3, final=nan)", r"warmup_stable_decay\(final\)"),
    ("warmup_stable_decay(1, 1, 2, 3, shape='root')", r"warmup_stable_decay\(shape\): got 'root'"),
    ("cosine_restarts(nan, 10)", r"cosine_restarts\(peak\)"),
    ("cosine_restarts(1.0, 0)", r"cosine_restarts\(period\): got 0; " + LOW),
    ("cosine_restarts(1.0, 5, growth=0.5)", r"cosine_restarts\(growth\): got 0.5; .* >= 1"),
    ("cosine_restarts(1.0, 5, decay=0)", r"cosine_restarts\(decay\): got 0; .*\(0, 1\]"),
    ("cosine_restarts(1.0, 5, final=nan)", r"cosine_restarts\(final\)"),
    ("cyclic(nan, 1.0, 5)", r"cyclic\(initial\)"),
    ("cyclic(0.0, nan, 5)", r"cyclic\(peak\)"),
    ("cyclic(0.0, 1.0, 0)", r"cyclic\(rise_steps\): got 0; " + LOW),
    ("cyclic(0.0, 1.0, 5, fall_steps=0)", r"cyclic\(fall_steps\): got 0; " + LOW),
    (
        "cyclic(0.0, 1.0, 5, mode='triangle')",
        r"cyclic\(mode\): got 'triangle'; expected .* or 'exp",
    ),
    ("cyclic(0.0, 1.0, 5, gamma=0.9)", r"cyclic\(gamma\): got 0.9 with mode 'triangular'"),
    ("cyclic(0, 1, 5, mode='exp_range', gamma=2)", r"cyclic\(gamma\): got 2; .*\(0, 1\]"),
    ("one_cycle(nan, 100)", r"one_cycle\(peak\)"),
    ("one_cycle(1.0, 1)", r"one_cycle\(steps\): got 1; expected an integer >= 2"),
    ("one_cycle(1.0, 2)", r"one_cycle\(steps\): got 2, .* at the steps \[0, 2\].*more steps"),
    ("one_cycle(1.0, 3, compat='torch')", r"one_cycle\(steps\): got 3"),
    ("one_cycle(1.0, 100, rise=1.0)", r"one_cycle\(rise\): got 1.0; .*\(0, 1\)"),
    ("one_cycle(1.0, 100, back=0.2)", r"one_cycle\(back\): got 0.2; .*\(0.3, 1\)"),
    ("one_cycle(1.0, 100, initial=nan)", r"one_cycle\(initial\)"),
    ("one_cycle(1.0, 100, final=nan)", r"one_cycle\(final\)"),
    ("one_cycle(1.0, 100, shape='cos')", r"one_cycle\(shape\): got 'cos'.*mean 'cosine'"),
    ("one_cycle(1.0, 100, compat='optax')", r"one_cycle\(compat\): got 'optax'; expected 'torch'"),
    ("one_cycle_momentum(nan, 0.8, 100)", r"one_cycle_momentum\(high\)"),
    ("one_cycle_momentum(0.9, nan, 100)", r"one_cycle_momentum\(low\)"),
    ("one_cycle_momentum(0.9, 0.8, 100, shape=1)", r"one_cycle_momentum\(shape\): got 1"),
    ("join(constant(1.0), [])", r"join\(schedules\): got constant\(1.0\); expected a list"),
    ("join([], [])", r"join\(schedules\): got 0 schedules and 0 boundaries; .* one more"),
    ("join([1.0, 'b'], [3])", r"join\(schedules\)\[1\]: got 'b'"),
    ("join([1.0, 2.0], [-1])", r"join\(boundaries\)\[0\]: got -1; expected an integer >= 0"),
    ("join([1, 2, 3], [4, 2])", r"join\(boundaries\)\[1\]: got 2; .* >= 5"),
    ("constant(1.0).then('b', after=3)", r"then\(schedule\): got 'b'"),
    ("constant(1.0).then(2.0, after=-3)", r"then\(after\): got -3; expected an integer >= 0"),
    ("plateau(1.0)", r"plateau\(factor\): got 1.0; expected a number in \(0, 1\)"),
    ("plateau(0.5, -1)", r"plateau\(patience\): got -1; expected an integer >= 0"),
    ("plateau(mode='minimum')", r"plateau\(mode\): got 'minimum'; expected 'min' or 'max'"),
    ("plateau(threshold=1.0)", r"plateau\(threshold\): got 1.0; expected a number in \[0, 1\)"),
    ("plateau(threshold=-1, threshold_mode='abs')", r"plateau\(threshold\): got -1; .* >= 0"),
    ("plateau(threshold_mode='absolute')", r"plateau\(threshold_mode\): got 'absolute'"),
    ("plateau(cooldown=1.5)", r"plateau\(cooldown\): got 1.5"),
    ("plateau(min_factor=2)", r"plateau\(min_factor\): got 2; expected a number in \[0, 1\]"),
    ("plateau().update({}, 1.0)", r"update\(state\): got .*dict.*best, bad, cooldown, factor"),
    ("plateau().update(None, 1.0)", r"update\(state\): got None; .* Begin with init"),
    ("plateau().update(plateau().init(), 'low')", r"update\(metric\): got 'low'"),
    ("plateau().update(plateau().init(), 1j)", r"update\(metric\): got 1j; expected a real"),
    ("plateau().update(plateau().init(), zeros(3))", r"update\(metric\): got numpy array of shape"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[call for call, _ in BAD])
def test_argument_outside_its_range_is_named(call, words):
    known = {**vars(s), "nan": math.nan, "inf": math.inf, "zeros": np.zeros}
    with pytest.raises(ArgumentError, match=words):
        eval(call, known)


def test_every_argument_of_every_schedule_is_refused_once():
    """Switches need no check: anything is true or false."""
    text = " ".join(words for _, words in BAD).replace("\\", "")
    # those of the momentum are checked where those of the rate are
    shared = {f"one_cycle_momentum({name})" for name in ("steps", "rise", "back", "compat")}
    named = {
        f"{name}({argument})"
        for name in set(s.__all__) - {"Plateau", "Schedule", "plot"}
        for argument in inspect.signature(getattr(s, name)).parameters
    }
    switches = {"exponential(staircase)", "inverse_time(staircase)"}
    assert {one for one in named if one not in text} == shared | switches
