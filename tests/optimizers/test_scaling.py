import numpy as np
import pytest

from anygrad import schedules
from anygrad.optimizers import (
    adam,
    add_weight_decay,
    centralize,
    chain,
    lamb,
    scale,
    scale_by_learning_rate,
    scale_by_trust_ratio,
    sgd,
)
from tests.support import assert_close, to_host

START, GRADS = np.asarray([1.0, -2.0]), np.asarray([0.5, 4.0])


def step(optimizer, xp):
    params = xp.asarray(START)
    return optimizer.step(params, xp.asarray(GRADS), optimizer.init(params))


def test_scale_multiplies(xp):
    transform = scale(-0.25)
    assert_close(transform.update(xp.asarray(GRADS), {}, xp.asarray(START))[0], -0.25 * GRADS)


def test_scale_follows_its_schedule(xp):
    transform = scale(schedules.exponential(1.0, 0.5))
    params = xp.asarray(START)
    state = transform.init(params)
    for factor in (1.0, 0.5, 0.25):
        updates, state = transform.update(xp.asarray(GRADS), state, params)
        assert_close(updates, factor * GRADS)


def test_sgd_is_its_parts(xp):
    parts = chain(add_weight_decay(0.1), scale_by_learning_rate(0.5))
    whole = sgd(0.5, weight_decay=0.1)
    assert_close(step(parts, xp)[0], START - 0.5 * (GRADS + 0.1 * START))
    assert_close(step(whole, xp)[0], START - 0.5 * (GRADS + 0.1 * START))


def test_groups_scale_apart(xp):
    transform = scale(1.0, groups=[("b", {"factor": 0.0})])
    grads = {"a": xp.asarray(GRADS), "b": xp.asarray(GRADS)}
    updates, _ = transform.update(grads, transform.init(grads), grads)
    assert_close(updates, {"a": GRADS, "b": 0.0 * GRADS})


def test_lamb_is_its_parts(xp):
    parts = chain(adam(1.0, eps=1e-6), scale_by_trust_ratio(), scale(0.1))
    whole = lamb(0.1, weight_decay=0.0)
    assert_close(step(parts, xp)[0], to_host(step(whole, xp)[0]))


def test_trust_ratio_is_that_of_the_norms(xp):
    relative = scale_by_trust_ratio(trust_coefficient=0.5, eps=1.0)
    params, grads = xp.asarray([3.0, 4.0]), xp.asarray([0.0, 4.0])
    assert_close(relative.update(grads, {}, params)[0], np.asarray([0.0, 2.0]))
    floor = scale_by_trust_ratio(min_norm=10.0)
    assert_close(floor.update(grads, {}, params)[0], np.asarray([0.0, 4.0]))


def test_trust_ratio_of_zeros_changes_nothing(xp):
    relative = scale_by_trust_ratio()
    grads, zeros = xp.asarray(GRADS), xp.asarray(0.0 * GRADS)
    assert_close(relative.update(grads, {}, zeros)[0], GRADS)
    assert_close(relative.update(zeros, {}, grads)[0], 0.0 * GRADS)


def test_trust_ratio_is_of_each_array_alone(xp):
    params = {"a": xp.asarray([2.0]), "b": xp.asarray([3.0])}
    grads = {"a": xp.asarray([-0.5]), "b": xp.asarray([10.0])}
    relative = scale_by_trust_ratio(groups=[("b", {"trust_coefficient": 0.5})])
    got, _ = relative.update(grads, relative.init(params), params)
    assert_close(got, {"a": np.asarray([-2.0]), "b": np.asarray([1.5])})


@pytest.mark.parametrize("complex_part", [0.0, 1j])
def test_centralized_gradients_have_no_mean_for_any_output(xp, complex_part):
    rng = np.random.default_rng(0)
    for shape in ((3, 4), (2, 3, 4), (2, 3, 2, 2)):
        g = rng.normal(size=shape) + complex_part * rng.normal(size=shape)
        grads = xp.asarray(g)
        first = centralize().update(grads, {}, grads)[0]
        assert_close(first, g - g.mean(tuple(range(1, len(shape))), keepdims=True))
        last = centralize(outputs_last=True).update(grads, {}, grads)[0]
        assert_close(last, g - g.mean(tuple(range(len(shape) - 1)), keepdims=True))


def test_vectors_numbers_and_empty_arrays_are_not_centralized(xp):
    for shape in ((3,), (), (0, 2), (2, 0)):
        grads = xp.asarray(np.ones(shape))
        for outputs_last in (False, True):
            transform = centralize(outputs_last=outputs_last)
            assert_close(transform.update(grads, {}, grads)[0], np.ones(shape))
