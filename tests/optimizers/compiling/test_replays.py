"""Which steps are replayed and which are not, and what is kept for them."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import anygrad as ag
from anygrad import optimizers as opt
from anygrad import trees
from anygrad.errors import ArgumentError, DTypeError, NonFiniteError, ShapeError
from anygrad.optimizers import Transform, chain
from anygrad.optimizers.replaying import KINDS, RECORDED_AT, Replays, is_ours
from tests.optimizers.compiling.stepping import (
    STEPS,
    check_same,
    copied,
    make_grads,
    make_params,
    paths_of,
    run_both,
)
from tests.support import assert_close, to_host


def step_often(optimizer, params, state, steps=STEPS, **keywords):
    for step in range(steps):
        params, state = optimizer.step(params, make_grads(params, step), state, **keywords)
    return params, state


def test_a_program_is_recorded_once_and_not_for_the_first_steps():
    optimizer, params = opt.adam(0.1), make_params()
    state = optimizer.init(params)
    step_often(optimizer, params, state, RECORDED_AT - 1)
    assert not optimizer._replays.kinds[0].paths
    step_often(optimizer, params, state, STEPS)
    assert len(optimizer._replays.kinds) == 1
    assert len(paths_of(optimizer)) == 1


def test_the_setting_fuse_turns_it_off():
    optimizer, params = opt.adam(0.1), make_params()
    with ag.use_settings(fuse=False):
        step_often(optimizer, params, optimizer.init(params))
    assert not optimizer._replays.kinds


def test_transforms_of_users_run_as_they_stand_in_every_step():
    calls = []

    def update(grads, state, params, **extra):
        calls.append(len(calls))
        return trees.map(lambda g: -0.1 * len(calls) * g, grads), state

    mine = Transform(lambda params: {}, update)
    optimizer, params = chain(opt.clip_by_global_norm(1.0), mine), make_params()
    step_often(optimizer, params, optimizer.init(params))
    assert len(calls) == STEPS
    assert not is_ours(optimizer)


def test_formulas_of_users_run_as_they_stand_in_every_step():
    calls = []

    def counting_formula(xp, g, *, learning_rate):
        calls.append(1)
        return -learning_rate * len(calls) * g

    optimizer = opt.from_formula(counting_formula, learning_rate=0.1)
    params = {"w": np.ones(2)}
    step_often(optimizer, params, optimizer.init(params))
    assert len(calls) == STEPS


def test_schedules_of_users_are_called_in_every_step():
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.1 / (1 + step)

    optimizer, params = opt.sgd(schedule), make_params()
    state = optimizer.init(params)
    asked.clear()
    step_often(optimizer, params, state)
    assert asked[-STEPS:] == list(range(STEPS))
    assert paths_of(optimizer)


def test_functions_that_take_gradients_are_called_in_every_step():
    calls = []

    def gradient(params):
        calls.append(1)
        return trees.map(lambda p: 2 * p, params)

    optimizer, params = opt.sam(opt.sgd(0.1), 0.05), make_params()
    step_often(optimizer, params, optimizer.init(params), grad=gradient)
    assert len(calls) == STEPS


def after_replays(optimizer, **keywords):
    params = make_params()
    params, state = step_often(optimizer, params, optimizer.init(params), **keywords)
    assert paths_of(optimizer)
    return params, state


@pytest.mark.parametrize("donate", [False, True])
def test_errors_are_the_same_after_replays_and_nothing_is_written(donate):
    optimizer = opt.adam(0.1)
    params, state = after_replays(optimizer, donate=donate)
    grads = make_grads(params, 0)
    before = copied((params, state))
    cases = [
        (ShapeError, (params, {**grads, "w": np.ones(5)}, state)),
        (ArgumentError, (params, {"w": grads["w"]}, state)),
        (DTypeError, (params, {**grads, "b": grads["b"] * 1j}, state)),
        (DTypeError, (params, {**grads, "w": [1.0]}, state)),
        (ArgumentError, (params, grads, {})),
        (ShapeError, (params, grads, {**state, "m": trees.map(lambda m: m[..., None], params)})),
    ]
    for _ in range(RECORDED_AT + 1):  # also in the call that would be recorded
        for error, args in cases:
            with ag.use_settings(fuse=False), pytest.raises(error) as expected:
                optimizer.step(*args, donate=donate)
            with pytest.raises(error) as got:
                optimizer.step(*args, donate=donate)
            assert str(got.value) == str(expected.value)
    check_same((params, state), before)


def test_a_schedule_that_leaves_its_range_is_refused_in_a_replay_and_nothing_is_written():
    late = STEPS + 1
    optimizer = opt.adam(lambda step: 0.1 if step < late else -1.0)
    params, state = after_replays(optimizer, donate=True)
    params, state = optimizer.step(params, make_grads(params, 0), state, donate=True)
    before = copied((params, state))
    with pytest.raises(ArgumentError, match=rf"from the schedule at step {late}|expected"):
        optimizer.step(params, make_grads(params, 0), state, donate=True)
    check_same((params, state), before)


def test_a_clip_that_raises_does_so_after_replays():
    optimizer = chain(opt.clip_by_global_norm(1.0, nonfinite="raise"), opt.sgd(0.1))
    params, state = after_replays(optimizer)
    grads = make_grads(params, 0)
    grads["w"][0, 0] = np.nan
    for _ in range(2):
        with pytest.raises(NonFiniteError, match=r"got nan in grads\['w'\]"):
            optimizer.step(params, grads, state)


def test_one_array_at_two_places_is_refused_after_replays():
    optimizer, params = opt.sgd(0.1), {"a": np.ones(2), "b": np.ones(2)}
    state = optimizer.init(params)
    params, state = step_often(optimizer, params, state, donate=True)
    tied = {"a": params["a"], "b": params["a"]}
    with pytest.raises(ArgumentError, match="got one array at"):
        optimizer.step(tied, params, state, donate=True)


def test_the_number_of_kinds_is_bounded():
    optimizer = opt.sgd(0.1, momentum=0.9)
    for size in range(1, 2 * KINDS):
        params = {"w": np.ones(size)}
        step_often(optimizer, params, optimizer.init(params), RECORDED_AT + 1)
        assert len(optimizer._replays.kinds) <= KINDS
    assert paths_of(optimizer)


def test_programs_are_freed_with_the_transform():
    optimizer, params = opt.adam(0.1), make_params()
    step_often(optimizer, params, optimizer.init(params))
    gone = weakref.ref(paths_of(optimizer)[0].run)
    del optimizer
    gc.collect()
    assert gone() is None


def test_copies_of_a_transform_start_without_programs():
    optimizer = opt.adam(0.1)
    after_replays(optimizer)
    twin = copy.deepcopy(optimizer)
    assert not twin._replays.kinds
    assert isinstance(pickle.loads(pickle.dumps(optimizer._replays)), Replays)
    run_both(twin)


@pytest.mark.parametrize("kernels", ["off", "always"])  # that they come later takes memory, once
def test_memory_stays_the_same_over_many_replays(kernels):
    optimizer = chain(opt.clip_by_global_norm(1.0), opt.adam(0.1))
    with ag.use_settings(kernels=kernels):
        params, state = after_replays(optimizer, donate=True)
        grads = make_grads(params, 0)
        for _ in range(20):
            params, state = optimizer.step(params, grads, state, donate=True)
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(300):
            params, state = optimizer.step(params, grads, state, donate=True)
        gc.collect()
        assert len(gc.get_objects()) < before + 50


def test_threads_share_a_transform():
    optimizer, params = opt.adam(0.1), make_params()
    state = optimizer.init(params)
    with ag.use_settings(fuse=False):
        expected = step_often(optimizer, params, state, 40)
    results = [None] * 4

    def work(number):
        results[number] = step_often(optimizer, params, state, 40)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        check_same(result, expected)


def test_a_step_within_a_transformation_is_differentiated():
    optimizer, params = opt.sgd(0.25), {"w": np.asarray([1.0, 2.0])}
    state = optimizer.init(params)
    step_often(optimizer, params, state)

    def after(g):
        return np.sum(optimizer.step(params, {"w": g}, state)[0]["w"] ** 2)

    g = np.asarray([1.0, -1.0])
    assert_close(ag.grad(after)(g), -0.5 * (params["w"] - 0.25 * g))
    batch = np.stack([g, 2 * g])
    stepped = ag.vmap(lambda g: optimizer.step(params, {"w": g}, state)[0]["w"])(batch)
    assert_close(stepped, params["w"] - 0.25 * batch)


TRAINED = {
    "adam": lambda: opt.adam(0.05),
    "clip": lambda: chain(opt.clip_by_global_norm(0.5), opt.adamw(0.05)),
    "lamb": lambda: opt.lamb(0.05),
    "accumulate": lambda: opt.accumulate(opt.sgd(0.1, momentum=0.9), 2),
}


def mean_square(params, batch):
    return ((params["w"] * batch + params["b"]) ** 2).sum()


@pytest.mark.parametrize("make", TRAINED.values(), ids=TRAINED)
def test_a_whole_training_step_compiles_as_one_function(quick_xp, make):
    xp, optimizer = quick_xp, make()
    params = {
        "b": xp.asarray([0.5, -0.5], dtype=xp.float64),
        "w": xp.asarray([[1.0, -2.0], [0.5, 3.0], [0.25, 1.0]], dtype=xp.float64),
    }

    def train(params, batch, state):
        value, grads = ag.value_and_grad(mean_square)(params, batch)
        return (value, *optimizer.step(params, grads, state))

    compiled = ag.compile(train)
    plain = replayed = params, optimizer.init(params)
    for step in range(12):
        batch = xp.asarray(np.cos(np.arange(6.0).reshape(3, 2) + step), dtype=xp.float64)
        with ag.use_settings(fuse=False):
            expected = train(plain[0], batch, plain[1])
        got = compiled(replayed[0], batch, replayed[1])
        plain, replayed = expected[1:], got[1:]
        for a, b in zip(trees.leaves(got), trees.leaves(expected), strict=True):
            if xp.name == "numpy":
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
            assert_close(to_host(a), to_host(b))
    assert compiled.counts()[1] <= 2
