"""Pairs of one of our schedules, as an expression, and a function that makes the peer's."""

# Given torch.optim.lr_scheduler and an optimizer with a rate of 0.3. A third entry says how many
# steps to compare, where PyTorch's goes on in another way.
TORCH = [
    ("piecewise([0.15, 0.3], [7])", lambda t, o: t.ConstantLR(o, factor=0.5, total_iters=7)),
    ("linear(0.075, 0.3, 10)", lambda t, o: t.LinearLR(o, 0.25, 1.0, total_iters=10)),
    ("polynomial(0.3, 0.0, 40, power=2)", lambda t, o: t.PolynomialLR(o, 40, power=2.0)),
    ("polynomial(0.3, 0.0, 40, power=0.5)", lambda t, o: t.PolynomialLR(o, 40, power=0.5)),
    ("exponential(0.3, 0.9)", lambda t, o: t.ExponentialLR(o, gamma=0.9)),
    ("step(0.3, 0.5, 7)", lambda t, o: t.StepLR(o, 7, gamma=0.5)),
    ("multi_step(0.3, 0.2, [5, 20, 21])", lambda t, o: t.MultiStepLR(o, [5, 20, 21], gamma=0.2)),
    ("cosine(0.3, 40, final=0.01)", lambda t, o: t.CosineAnnealingLR(o, 40, eta_min=0.01), 41),
    (
        "cosine_restarts(0.3, 10, final=0.01)",
        lambda t, o: t.CosineAnnealingWarmRestarts(o, 10, eta_min=0.01),
    ),
    (
        "cosine_restarts(0.3, 4, growth=2, final=0.01)",
        lambda t, o: t.CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.01),
    ),
    (
        "linear(0.03, 0.3, 5).then(cosine(0.3, 35, final=0.003), after=5)",
        lambda t, o: t.SequentialLR(
            o,
            [t.LinearLR(o, 0.1, total_iters=5), t.CosineAnnealingLR(o, 35, eta_min=0.003)],
            [5],
        ),
        41,
    ),
    (
        "piecewise([0.1, 1.0], [20]) * exponential(0.3, 0.9)",
        lambda t, o: t.ChainedScheduler([t.ConstantLR(o, 0.1, 20), t.ExponentialLR(o, 0.9)]),
    ),
]
# These move the momentum as well: the rate of PyTorch's, then the momentum.
TORCH_PAIRS = [
    (
        "one_cycle(0.3, 60, compat='torch')",
        "one_cycle_momentum(0.95, 0.85, 60, compat='torch')",
        lambda t, o: t.OneCycleLR(o, 0.3, total_steps=60),
    ),
    (
        "one_cycle(0.3, 60, rise=0.21, initial=0.03, final=0.0003, shape='linear', compat='torch')",
        "one_cycle_momentum(0.9, 0.7, 60, rise=0.21, shape='linear', compat='torch')",
        lambda t, o: t.OneCycleLR(
            o,
            0.3,
            total_steps=60,
            pct_start=0.21,
            div_factor=10,
            final_div_factor=100,
            anneal_strategy="linear",
            max_momentum=0.9,
            base_momentum=0.7,
        ),
    ),
    (
        "one_cycle(0.3, 60, rise=0.4, back=0.8, compat='torch')",
        "one_cycle_momentum(0.95, 0.85, 60, rise=0.4, back=0.8, compat='torch')",
        lambda t, o: t.OneCycleLR(o, 0.3, total_steps=60, pct_start=0.4, three_phase=True),
    ),
    (
        "one_cycle(0.3, 60, rise=0.33, back=0.66, shape='linear', compat='torch')",
        "one_cycle_momentum(0.95, 0.85, 60, rise=0.33, back=0.66, shape='linear', compat='torch')",
        lambda t, o: t.OneCycleLR(
            o, 0.3, total_steps=60, pct_start=0.33, three_phase=True, anneal_strategy="linear"
        ),
    ),
    (
        "cyclic(0.01, 0.3, 8)",
        "cyclic(0.9, 0.8, 8)",
        lambda t, o: t.CyclicLR(o, 0.01, 0.3, 8),
    ),
    (
        "cyclic(0.01, 0.3, 5, fall_steps=11, mode='triangular2')",
        "cyclic(0.9, 0.8, 5, fall_steps=11, mode='triangular2')",
        lambda t, o: t.CyclicLR(o, 0.01, 0.3, 5, 11, mode="triangular2"),
    ),
    (
        "cyclic(0.01, 0.3, 8, mode='exp_range', gamma=0.95)",
        "cyclic(0.9, 0.8, 8, mode='exp_range', gamma=0.95)",
        lambda t, o: t.CyclicLR(o, 0.01, 0.3, 8, mode="exp_range", gamma=0.95),
    ),
]
# Given the module optax.
OPTAX = [
    ("constant(0.3)", lambda o: o.constant_schedule(0.3)),
    ("linear(0.3, 0.02, 40)", lambda o: o.linear_schedule(0.3, 0.02, 40)),
    (
        "constant(0.3).then(linear(0.3, 0.02, 40), after=9)",
        lambda o: o.linear_schedule(0.3, 0.02, 40, transition_begin=9),
    ),
    ("polynomial(0.3, 0.02, 40, power=2.5)", lambda o: o.polynomial_schedule(0.3, 0.02, 2.5, 40)),
    ("exponential(0.3, 0.5, every=7)", lambda o: o.exponential_decay(0.3, 7, 0.5)),
    (
        "exponential(0.3, 0.5, every=7, staircase=True)",
        lambda o: o.exponential_decay(0.3, 7, 0.5, staircase=True),
    ),
    (
        "exponential(0.3, 0.5, every=7, final=0.02)",
        lambda o: o.exponential_decay(0.3, 7, 0.5, end_value=0.02),
    ),
    (
        "exponential(0.3, 1.5, every=7, final=2.0)",
        lambda o: o.exponential_decay(0.3, 7, 1.5, end_value=2.0),
    ),
    (
        "piecewise([0.3, 0.06, 0.12], [10, 25])",
        lambda o: o.piecewise_constant_schedule(0.3, {10: 0.2, 25: 2.0}),
    ),
    (
        "interpolated([0.3, 0.06, 0.12], [10, 25])",
        lambda o: o.piecewise_interpolate_schedule("linear", 0.3, {10: 0.2, 25: 2.0}),
    ),
    (
        "interpolated([0.3, 0.06, 0.12], [10, 25], shape='cosine')",
        lambda o: o.piecewise_interpolate_schedule("cosine", 0.3, {10: 0.2, 25: 2.0}),
    ),
    ("cosine(0.3, 40, final=0.003)", lambda o: o.cosine_decay_schedule(0.3, 40, alpha=0.01)),
    (
        "warmup_cosine(0.3, 10, 50, initial=0.1, final=0.01)",
        lambda o: o.warmup_cosine_decay_schedule(0.1, 0.3, 10, 50, end_value=0.01),
    ),
    ("warmup(0.3, 10, initial=0.05)", lambda o: o.warmup_constant_schedule(0.05, 0.3, 10)),
    (
        "warmup(exponential(0.3, 0.9, every=5, final=0.1), 10, initial=0.05)",
        lambda o: o.warmup_exponential_decay_schedule(0.05, 0.3, 10, 5, 0.9, end_value=0.1),
    ),
    (
        "join([warmup_cosine(0.3, 3, 20, final=0.01), warmup_cosine(0.2, 5, 35, initial=0.01)], "
        "[20])",
        lambda o: o.sgdr_schedule(
            [
                dict(
                    init_value=0.0, peak_value=0.3, decay_steps=20, warmup_steps=3, end_value=0.01
                ),
                dict(init_value=0.01, peak_value=0.2, decay_steps=35, warmup_steps=5),
            ]
        ),
    ),
    ("one_cycle(0.3, 50)", lambda o: o.cosine_onecycle_schedule(50, 0.3)),
    (
        "one_cycle(0.3, 47, rise=0.41, initial=0.03, final=0.0003)",
        lambda o: o.cosine_onecycle_schedule(47, 0.3, 0.41, 10.0, 100.0),
    ),
    (
        "one_cycle(0.3, 50, back=0.85, shape='linear')",
        lambda o: o.linear_onecycle_schedule(50, 0.3),
    ),
    (
        "join([linear(0.0, 0.3, 10), 0.3, exponential(0.3, 0.9)], [10, 30])",
        lambda o: o.join_schedules(
            [
                o.linear_schedule(0.0, 0.3, 10),
                o.constant_schedule(0.3),
                o.exponential_decay(0.3, 1, 0.9),
            ],
            [10, 30],
        ),
    ),
]
# Given the module keras.optimizers.schedules and a function that makes a tensor in float64,
# without which it would take float32.
KERAS = [
    (
        "polynomial(0.3, 0.02, 40, power=2)",
        lambda k, f: k.PolynomialDecay(f(0.3), 40, 0.02, power=2.0),
    ),
    ("exponential(0.3, 0.5, every=7)", lambda k, f: k.ExponentialDecay(f(0.3), 7, 0.5)),
    (
        "inverse_time(0.3, 0.5, every=7)",
        lambda k, f: k.InverseTimeDecay(f(0.3), 7, 0.5),
    ),
    (
        "inverse_time(0.3, 0.5, every=7, staircase=True)",
        lambda k, f: k.InverseTimeDecay(f(0.3), 7, 0.5, staircase=True),
    ),
    # a boundary is the last step of the old value there
    (
        "piecewise([0.3, 0.1, 0.2], [11, 26])",
        lambda k, f: k.PiecewiseConstantDecay([10, 25], [f(0.3), f(0.1), f(0.2)]),
    ),
    ("cosine(0.3, 40, final=0.003)", lambda k, f: k.CosineDecay(f(0.3), 40, alpha=0.01)),
    (
        "warmup_cosine(0.3, 10, 50, initial=0.1, final=0.003)",
        lambda k, f: k.CosineDecay(f(0.1), 40, alpha=0.01, warmup_target=0.3, warmup_steps=10),
    ),
    (
        "cosine_restarts(0.3, 7, growth=1.5, decay=0.8, final=0.003)",
        lambda k, f: k.CosineDecayRestarts(f(0.3), 7, t_mul=1.5, m_mul=0.8, alpha=0.01),
    ),
]
# Given the module pytorch_optimizer and an optimizer with a rate of 0.3.
WSD = [
    (
        "warmup_stable_decay(0.3, 10, 20, 25)",
        lambda p, o: p.get_wsd_schedule(o, 10, 20, 25, cooldown_type="linear"),
    ),
    (
        "warmup_stable_decay(0.3, 10, 20, 25, final=0.03, shape='cosine')",
        lambda p, o: p.get_wsd_schedule(o, 10, 20, 25, min_lr_ratio=0.1, cooldown_type="cosine"),
    ),
    (
        "warmup_stable_decay(0.3, 0, 20, 25, shape='sqrt')",
        lambda p, o: p.get_wsd_schedule(o, 0, 20, 25),
    ),
]
# Arguments of plateau; torch's have the same names but for min_factor.
PLATEAUS = [
    {},
    {"factor": 0.5, "patience": 2},
    {"factor": 0.5, "patience": 0},
    {"factor": 0.3, "patience": 1, "cooldown": 3, "min_factor": 0.05},
    {"factor": 0.5, "patience": 1, "threshold": 0.2, "threshold_mode": "rel"},
    {"factor": 0.5, "patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"factor": 0.5, "patience": 2, "mode": "max", "threshold": 0.02},
    {"factor": 0.5, "patience": 2, "mode": "max", "threshold": 0.3, "threshold_mode": "abs"},
    {"factor": 0.5, "patience": 1, "mode": "max", "cooldown": 2, "min_factor": 0.1},
]
