"""A step that is replayed gives what the same step gives as it stands, to the last bit."""

import numpy as np
import pytest

import anygrad as ag
from anygrad import optimizers as opt
from anygrad import schedules, trees
from anygrad.optimizers import OPTIMIZERS, chain
from tests.optimizers.compiling.stepping import (
    STEPS,
    check_same,
    copied,
    make_grads,
    make_params,
    paths_of,
    run_both,
)
from tests.optimizers.table import ROWS

every_row = pytest.mark.parametrize("row", ROWS, ids=str)
donation = pytest.mark.parametrize("donate", [False, True], ids=["kept", "donated"])


def rule():
    return opt.adamw(schedules.cosine(0.1, 50))


CHAINS = {
    "clip_by_global_norm": lambda: chain(opt.clip_by_global_norm(1.5), rule()),
    "clip_by_global_norm-1": lambda: chain(opt.clip_by_global_norm(1.5, ord=1), rule()),
    "clip_by_global_norm-zero": lambda: chain(
        opt.clip_by_global_norm(1.5, nonfinite="zero"), rule()
    ),
    "clip_by_global_norm-skip": lambda: chain(
        opt.clip_by_global_norm(1.5, nonfinite="skip"), rule()
    ),
    "clip_by_global_norm-raise": lambda: chain(
        opt.clip_by_global_norm(1.5, nonfinite="raise"), rule()
    ),
    "clip_by_value": lambda: chain(opt.clip_by_value(0.3), rule()),
    "clip_by_norm": lambda: chain(opt.clip_by_norm(0.7), rule()),
    "clip_by_block_rms": lambda: chain(opt.clip_by_block_rms(0.3), rule()),
    "clip_adaptively": lambda: chain(opt.clip_adaptively(0.1), rule()),
    "clip_by_quantile": lambda: chain(opt.clip_by_quantile(0.3, window=5), rule()),
    "clip_by_zscore": lambda: chain(opt.clip_by_zscore(1.0, warmup=2), rule()),
    "normalize": lambda: chain(opt.normalize(), rule()),
    "normalize_leaves": lambda: chain(opt.normalize_leaves(), rule()),
    "accumulate": lambda: opt.accumulate(rule(), 3),
    "averaged": lambda: opt.averaged(rule(), 0.9),
    "averaged-every": lambda: opt.averaged(rule(), 0.9, every=2),
    "stochastic_weight_average": lambda: opt.stochastic_weight_average(rule(), 4, 2),
    "lookahead": lambda: opt.lookahead(rule(), 3),
    "lookahead-reset": lambda: opt.lookahead(rule(), 3, reset_state=True),
    "apply_if_finite": lambda: opt.apply_if_finite(rule(), 2),
    "dynamic_loss_scale": lambda: opt.dynamic_loss_scale(rule(), period=3),
    "monitored": lambda: opt.monitored(rule()),
    "add_noise": lambda: chain(opt.add_noise(0.1, seed=1), rule()),
    "centralize": lambda: chain(opt.centralize(), rule()),
    "scale_by_trust_ratio": lambda: chain(
        opt.scale_by_trust_ratio(), opt.scale_by_learning_rate(0.1)
    ),
    "add_weight_decay": lambda: chain(opt.add_weight_decay(0.1), opt.scale(-0.5)),
    "freeze": lambda: chain(opt.freeze("b"), rule()),
    "masked": lambda: chain(opt.masked(opt.add_weight_decay(0.1), "w"), rule()),
    "groups": lambda: opt.adamw(
        schedules.linear(0.1, 0.0, 30),
        groups=[("w", {"weight_decay": 0.0, "learning_rate": schedules.warmup(0.05, 4)})],
    ),
    "all-around": lambda: opt.averaged(
        opt.lookahead(opt.accumulate(chain(opt.clip_by_global_norm(1.0), rule()), 2), 2), 0.9
    ),
}
every_chain = pytest.mark.parametrize("make", CHAINS.values(), ids=CHAINS)


@donation
@every_row
def test_every_optimizer_replayed_equals_eager_to_the_bit(row, donate):
    optimizer = OPTIMIZERS[row.name](**row.keywords)
    run_both(optimizer, donate=donate, **row.extra)
    assert len(paths_of(optimizer)) <= 2  # of radam: until it divides, and then


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.complex64])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_replayed_equals_eager_in_other_precisions(name, dtype):
    row = next(row for row in ROWS if row.name == name)
    run_both(OPTIMIZERS[name](**row.keywords), make_params(dtype), **row.extra)


@donation
@every_chain
def test_clips_wrappers_and_chains_replayed_equal_eager_to_the_bit(make, donate):
    optimizer = make()
    run_both(optimizer, donate=donate)
    assert len(paths_of(optimizer)) <= 4


@every_chain
def test_chains_replayed_equal_eager_with_parameters_in_half_precision(make):
    run_both(make(), make_params(np.float16), donate=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("nonfinite", ["propagate", "zero", "skip"])
def test_gradients_that_are_not_finite_take_another_way_with_the_same_result(nonfinite, bad):
    def grads(params, step):
        made = make_grads(params, step)
        if step % 3 == 2:
            made["w"][1, 2] = bad
        return made

    clip = opt.clip_by_global_norm(1.0, nonfinite=nonfinite)
    optimizer = chain(clip, opt.sgd(0.1, momentum=0.5))
    with np.errstate(all="ignore"):
        run_both(optimizer, grads=grads)
    assert len(paths_of(optimizer)) == 2


def test_a_norm_beyond_the_dtype_raises_no_warning_in_a_replay_either():
    def grads(params, step):
        return trees.map(lambda p: np.full_like(p, 1.5e308), params)

    run_both(chain(opt.clip_by_global_norm(1.0), opt.sgd(0.1)), grads=grads)


def test_a_clip_that_acts_in_some_steps_only_is_one_program():
    def grads(params, step):
        return trees.map(lambda g: g * (10.0 if step % 2 else 0.01), make_grads(params, step))

    optimizer = chain(opt.clip_by_global_norm(1.0), opt.adam(0.1))
    run_both(optimizer, grads=grads)
    assert len(paths_of(optimizer)) == 1


def test_examples_are_clipped_in_a_replay():
    def grads(params, step):
        return trees.map(lambda p: np.stack([p, -0.5 * p, 3 * p]) * (step + 1.0), params)

    run_both(chain(opt.clip_per_example(1.0), opt.adam(0.1)), grads=grads)


def test_updates_are_replayed_too():
    optimizer = chain(opt.clip_by_global_norm(1.0), opt.adam(0.1))
    params = make_params()
    plain = replayed = optimizer.init(params)
    for step in range(STEPS):
        g = make_grads(params, step)
        with ag.use_settings(fuse=False):
            expected, plain = optimizer.update(g, plain, params)
        got, replayed = optimizer.update(g, replayed, params)
        check_same((got, replayed), (expected, plain), step)
    assert paths_of(optimizer)


def test_a_value_is_an_argument_of_the_program_and_no_constant():
    optimizer, params = opt.polyak_sgd(max_learning_rate=10.0), make_params()
    state = optimizer.init(params)
    for step in range(STEPS):
        g = make_grads(params, step)
        with ag.use_settings(fuse=False):
            expected = optimizer.step(params, g, state, value=0.1 * step)
        check_same(optimizer.step(params, g, state, value=0.1 * step), expected)
    assert len(paths_of(optimizer)) == 1


@donation
def test_a_step_leaves_what_it_was_given_alone_unless_it_is_donated(donate):
    optimizer, params = opt.adan(0.1), make_params()
    state = optimizer.init(params)
    for step in range(STEPS):
        given, g = (params, state), make_grads(params, step)
        before = copied((params, g, state))
        params, state = optimizer.step(params, g, state, donate=donate)
        check_same(g, before[1])
        if not donate:
            check_same((given[0], g, given[1]), before)
            old = {id(x) for x in trees.leaves((given, g))}
            assert old.isdisjoint(map(id, trees.leaves((params, state))))
            continue
        slots = [name for name in state if name not in ("step", "learning_rate")]
        for name in slots:
            for x, y in zip(trees.leaves(state[name]), trees.leaves(given[1][name]), strict=True):
                assert x is y
        for x, y in zip(trees.leaves(params), trees.leaves(given[0]), strict=True):
            assert x is y
        check_same(given[1]["step"], before[2]["step"])  # a host's number is never written into
    assert paths_of(optimizer)


def test_read_only_parameters_are_replaced_when_they_are_donated():
    # large enough for a program to compute in their memory
    optimizer, params = opt.sgd(0.5), {"b": np.ones(3), "w": np.linspace(-1.0, 1.0, 20_000)}
    state = optimizer.init(params)
    for step in range(STEPS):
        params["w"].flags.writeable = False
        old, before = dict(params), params["w"].copy()
        params, state = optimizer.step(params, make_grads(params, step), state, donate=True)
        assert params["b"] is old["b"]
        assert params["w"] is not old["w"]
        np.testing.assert_array_equal(old["w"], before)


def test_gradients_in_the_memory_of_donated_parameters_are_read_before_it_is_written():
    # large enough for a program to compute in that memory
    optimizer, params = opt.adam(0.5), {"w": np.linspace(-1.0, 1.0, 20_000)}
    state = optimizer.init(params)
    for step in range(STEPS):
        params, state = optimizer.step(params, make_grads(params, step), state, donate=True)
    assert paths_of(optimizer)
    expected = copied((params, state))
    with ag.use_settings(fuse=False):
        expected = optimizer.step(expected[0], expected[0], expected[1], donate=True)
    got = optimizer.step(params, params, state, donate=True)
    check_same(got, expected)
    assert got[0]["w"] is params["w"]


def test_the_step_count_stays_an_integer_of_the_host():
    optimizer, params = opt.adam(schedules.exponential(0.1, 0.5)), make_params(np.float32)
    state = optimizer.init(params)
    for step in range(STEPS):
        params, state = optimizer.step(params, make_grads(params, step), state)
        assert type(state["step"]) is np.ndarray
        assert (state["step"].dtype, state["step"].shape) == (np.int64, ())
        assert int(state["step"]) == step + 1
        assert float(state["learning_rate"]) == 0.1 * 0.5**step
        assert list(state) == ["step", "learning_rate", "m", "v"]


def test_programs_are_as_lean_as_code_by_hand():
    counted = {}
    makes = {
        "sgd": lambda: opt.sgd(0.1),
        "momentum": lambda: opt.sgd(0.1, momentum=0.9),
        "adam": lambda: opt.adam(0.1),
        "clip, adamw": lambda: chain(opt.clip_by_global_norm(1.0), opt.adamw(0.1)),
    }
    for name, make in makes.items():
        sizes = []
        for leaves in (1, 2):
            params = {f"p{k}": np.ones(3) for k in range(leaves)}
            optimizer = make()
            run_both(optimizer, params)
            sizes.append(len(paths_of(optimizer)[0].program.nodes))
        counted[name] = sizes[1] - sizes[0]
    # m: 3, v: 4, the two corrections, rate, root, eps, quotient, sum; decay 2; the clip's scale 1
    assert counted == {"sgd": 2, "momentum": 4, "adam": 14, "clip, adamw": 17}
