import numpy as np
import pytest

from anygrad.autodiff import grad
from anygrad.backends import namespace_of
from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import OPTIMIZERS, Transform, apply_updates, chain, clip_by_global_norm, sgd
from tests.support import assert_close, to_host


def half_step():
    """A transform as a user writes it: counts its calls, and moves half way down the gradient."""

    def update(grads, state, params, **extra):
        return -0.5 * grads, {"calls": state["calls"] + 1}

    return Transform(lambda params: {"calls": 0}, update, "half_step")


def test_two_functions_make_a_transform(xp):
    optimizer = half_step()
    params = xp.asarray([1.0, 2.0])
    params, state = optimizer.step(params, xp.asarray([4.0, 0.0]), optimizer.init(params))
    assert_close(params, np.asarray([-1.0, 2.0]))
    assert state == {"calls": 1}


def test_own_transform_after_a_clip_gets_clipped_gradients(xp):
    optimizer = chain(clip_by_global_norm(1.0), half_step())
    params = xp.asarray([0.0, 0.0])
    params, state = optimizer.step(params, xp.asarray([6.0, 8.0]), optimizer.init(params))
    assert_close(params, np.asarray([-0.3, -0.4]))
    assert state["half_step"] == {"calls": 1}


def test_own_transform_is_skipped_too(xp):
    optimizer = chain(clip_by_global_norm(1.0, nonfinite="skip"), half_step())
    params = xp.asarray([0.0, 0.0])
    stepped, _ = optimizer.step(params, xp.asarray([np.inf, 8.0]), optimizer.init(params))
    assert_close(stepped, np.asarray([0.0, 0.0]))


def test_extra_arguments_reach_every_part():
    def update(grads, state, params, *, value, **extra):
        return trees_scaled(grads, value), state

    def trees_scaled(grads, value):
        return value * grads

    optimizer = chain(Transform(lambda params: {}, update), sgd(1.0))
    params = np.asarray([0.0])
    stepped, _ = optimizer.step(params, np.asarray([2.0]), optimizer.init(params), value=3.0)
    assert_close(stepped, np.asarray([-6.0]))


def test_updates_are_added_in_the_dtype_of_the_parameters(xp):
    params = {"w": xp.asarray([1.0, 2.0], dtype=xp.float32), "s": xp.asarray(1.0)}
    updates = {"w": xp.asarray([0.5, 0.5], dtype=xp.float64), "s": xp.asarray(0.5)}
    got = apply_updates(params, updates)
    assert_close(got, {"w": np.asarray([1.5, 2.5], dtype=np.float32), "s": np.asarray(1.5)})


def test_updates_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match=r"apply_updates\(updates\).*updates\['b'\]"):
        apply_updates({"a": np.ones(2)}, {"a": np.ones(2), "b": np.ones(2)})
    with pytest.raises(ShapeError, match=r"updates; expected \(2,\)"):
        apply_updates(np.ones(2), np.ones((2, 1)))


def test_gradients_of_another_dtype_do_not_widen_the_parameters(xp):
    optimizer = sgd(0.5, momentum=0.9)
    params = xp.asarray([1.0, 2.0], dtype=xp.float32)
    state = optimizer.init(params)
    for donate in (False, True):
        stepped, after = optimizer.step(params, xp.asarray([1.0, 1.0]), state, donate=donate)
        assert stepped.dtype == xp.float32
        assert after["b"].dtype == xp.float32


def test_leaves_may_lie_on_several_devices():
    strict = pytest.importorskip("array_api_strict")
    devices = [strict.Device("device1"), strict.Device("device2")]
    # float32, for the second pretended device has no float64
    params = [strict.asarray([1.0], dtype=strict.float32, device=device) for device in devices]
    optimizer = chain(clip_by_global_norm(1.0, nonfinite="skip"), sgd(0.5, momentum=0.9))
    state = optimizer.init(params)
    grads = [3.0 * params[0], 4.0 * params[1]]
    for donate in (False, True):
        stepped, state = optimizer.step(params, grads, state, donate=donate)
        assert [leaf.device for leaf in stepped] == devices
        assert [leaf.device for leaf in state["sgd"]["b"]] == devices
    # both steps start from 1; the buffers hold (0.6, 0.8), then 1.9 times that
    assert_close(stepped, [np.asarray([1 - 0.57], np.float32), np.asarray([1 - 0.76], np.float32)])


def test_prints_as_what_it_is():
    adam = OPTIMIZERS["adam"]
    assert repr(adam(b1=0.8, amsgrad=False)) == "adam(learning_rate=0.001, b1=0.8)"
    assert repr(chain(clip_by_global_norm(1.0), adam(), adam())) == (
        "chain(clip_by_global_norm, adam, adam_2)"
    )
    assert repr(clip_by_global_norm(2.0)) == "clip_by_global_norm(2.0, nonfinite='propagate')"
    assert repr(half_step()) == "Transform(half_step)"

    def rate(step):
        return 0.1

    grouped = repr(sgd(rate, groups=[("*/b", {})]))
    assert grouped == "sgd(learning_rate=rate, groups=['*/b'])"


def test_none_is_an_empty_tree():
    optimizer = sgd(0.5)
    params = {"w": np.asarray([1.0]), "frozen": None}
    stepped, _ = optimizer.step(
        params, {"w": np.asarray([1.0]), "frozen": None}, optimizer.init(params)
    )
    assert_close(stepped, {"w": np.asarray([0.5]), "frozen": None})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_differentiate_and_donation_does_not_stop_them(xp, name):
    if xp.backend == "strict":
        pytest.skip("array-api-strict refuses plain + traced with an error of its own")
    optimizer = chain(clip_by_global_norm(1.0, nonfinite="skip"), OPTIMIZERS[name](0.1))

    def after(p, donate=False):
        # elsewhere than x, for the distance from the start has a kink there
        fresh = xp.asarray([0.5, -0.6])
        state = optimizer.init(xp.module.asarray(fresh, copy=True))
        for _ in range(2):
            grads = 2.0 * p + 0.1
            p, state = optimizer.step(p, grads, state, donate=donate, value=2.0)
        return namespace_of(p).sum(p * p)

    x, h = np.asarray([0.6, -0.8]), 1e-3

    def value(point):
        return float(to_host(after(xp.asarray(point))))

    # central differences of order four: h^4 and eps / h, about 1e-12
    expected = np.asarray(
        [
            (8 * (value(x + e) - value(x - e)) - value(x + 2 * e) + value(x - 2 * e)) / (12 * h)
            for e in h * np.eye(2)
        ]
    )
    assert_close(grad(after)(xp.asarray(x)), expected, scale=1e5)
    assert_close(grad(lambda p: after(p, donate=True))(xp.asarray(x)), expected, scale=1e5)


def test_donated_parameters_are_replaced_where_traced_gradients_reach_them():
    params = np.asarray([1.0, 2.0])
    optimizer = sgd(0.5)

    def moved(g):
        stepped, _ = optimizer.step(params, g, optimizer.init(params), donate=True)
        return np.sum(stepped * stepped)

    # d/dg sum (p - g / 2)^2 = -(p - g / 2)
    assert_close(grad(moved)(np.asarray([2.0, 2.0])), np.asarray([0.0, -1.0]))
    assert_close(params, np.asarray([1.0, 2.0]))
