import numpy as np

from anygrad import schedules
from anygrad.optimizers import add_weight_decay, chain, scale, scale_by_learning_rate, sgd
from tests.support import assert_close

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
