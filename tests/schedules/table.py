"""One schedule of every kind, as expressions; the longest part of each ends before step 60."""

from anygrad import schedules

SCHEDULES = {
    text: eval(text, vars(schedules))
    for text in (
        "constant(0.3)",
        "linear(0.3, 0.01, 50)",
        "polynomial(0.3, 0.01, 50, power=2)",
        "polynomial(0.3, 0.01, 50, power=0.5)",
        "exponential(0.3, 0.9, every=7, staircase=False)",
        "exponential(0.3, 0.9, every=7, staircase=True)",
        "exponential(0.3, 0.9, every=7.5, staircase=False, final=0.1)",
        "exponential(0.3, 1.1, every=7, staircase=False, final=0.5)",
        "inverse_time(0.3, 0.5, every=7, staircase=False)",
        "inverse_time(0.3, 0.5, every=7, staircase=True)",
        "inverse_sqrt(0.3, 10, initial=0.0)",
        "step(0.3, 0.1, every=30)",
        "multi_step(0.3, 0.1, [10, 20])",
        "piecewise([0.3, 0.1, 0.2], [10, 20])",
        "interpolated([0.3, 0.1, 0.2], [10, 20], shape='linear')",
        "interpolated([0.3, 0.1, 0.2], [10, 20], shape='cosine')",
        "cosine(0.3, 50, final=0.01)",
        "rex(0.3, 50, final=0.01)",
        "warmup(step(0.3, 0.1, every=30), 10, initial=0.0)",
        "warmup_cosine(0.3, 10, 50, initial=0.1, final=0.01)",
        "warmup_stable_decay(0.3, 10, 20, 20, initial=0.0, final=0.01, shape='linear')",
        "warmup_stable_decay(0.3, 10, 20, 20, initial=0.0, final=0.01, shape='cosine')",
        "warmup_stable_decay(0.3, 10, 20, 20, initial=0.0, final=0.01, shape='sqrt')",
        "cosine_restarts(0.3, 10, growth=1.5, decay=0.9, final=0.01)",
        "cyclic(0.1, 0.3, 10, fall_steps=5, mode='triangular', gamma=1)",
        "cyclic(0.1, 0.3, 10, fall_steps=5, mode='triangular2', gamma=1)",
        "cyclic(0.1, 0.3, 10, fall_steps=5, mode='exp_range', gamma=0.9)",
        "one_cycle(0.3, 50, rise=0.3, back=None, initial=0.01, final=0.001, shape='cosine', "
        "compat=None)",
        "one_cycle_momentum(0.95, 0.85, 50, rise=0.3, back=0.7, shape='linear', compat='torch')",
        "join([linear(0.1, 0.3, 10), 0.3, cosine(0.3, 20, final=0.0)], [10, 30])",
        "linear(0.1, 0.3, 10).then(constant(0.3), after=10).then(0.2, after=20)",
        "2.0 * cosine(0.3, 50, final=0.01)",
        "(constant(0.1) + cosine(0.3, 50, final=0.01)) * constant(2.0) + 0.5",
        "constant(0.1) * (constant(0.3) * 2.0) + (0.5 + constant(0.1))",
        "(2.0 * constant(0.1)).then(constant(0.3), after=10)",
    )
}
"""Each by the text that it prints, too."""
