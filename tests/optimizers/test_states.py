"""States, gradients and values that do not fit are refused before anything is written."""

import numpy as np
import pytest

from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.optimizers import (
    accumulate,
    adagrad,
    adam,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    dog,
    from_formula,
    nadam,
    polyak_sgd,
    scale,
    sgd,
)
from tests.support import assert_close


@pytest.mark.parametrize("donate", [False, True])
def test_state_of_parameters_in_another_shape(xp, donate):
    optimizer = adam(0.1)
    state = optimizer.init({"w": xp.ones(3)})
    params = {"w": xp.ones((3, 1))}
    with pytest.raises(ShapeError, match=r"got shape \(3,\) at state\['m'\]\['w'\].*\(3, 1\)"):
        optimizer.step(params, params, state, donate=donate)


def test_one_accumulator_for_many_elements_is_refused(xp):
    optimizer = adagrad(0.1)
    with pytest.raises(
        ShapeError, match=r"adagrad.step\(state\): got shape \(1,\) at state\['s'\]"
    ):
        optimizer.step(xp.ones(4), xp.ones(4), optimizer.init(xp.ones(1)))


def test_nothing_is_written_before_the_whole_state_is_looked_at():
    optimizer = adam(0.1)
    params = {"a": np.ones(2), "b": np.ones(2)}
    state = optimizer.init(params)
    state["v"]["b"] = np.zeros(3)
    with pytest.raises(ShapeError, match=r"state\['v'\]\['b'\]"):
        optimizer.step(params, params, state, donate=True)
    assert_close(params["a"], np.ones(2))
    assert_close(state["m"]["a"], np.zeros(2))


def test_shared_array_with_a_shape():
    optimizer = dog()
    state = optimizer.init(np.ones(3))
    with pytest.raises(ShapeError, match=r"got shape \(3,\) at state\['r'\]; expected shape \(\)"):
        optimizer.step(np.ones(3), np.ones(3), {**state, "r": np.ones(3)})


def test_numbers_of_other_groups():
    params = {"a": np.ones(1), "b": np.ones(1)}
    two = nadam(0.1, groups=[("a", {"b1": 0.5}), ("b", {"b1": 0.6})])
    one = nadam(0.1, groups=[("a", {"b1": 0.5})])
    for made, used in ((two, one), (one, two)):
        with pytest.raises(ShapeError, match=r"at state\['mu_product'\].*Were there other groups"):
            used.step(params, params, made.init(params))


def test_half_precision_without_its_master_copy():
    optimizer = sgd(1e-4)
    state = optimizer.init(np.ones(1, np.float32))
    params = np.ones(1, np.float16)
    with pytest.raises(ShapeError, match=r"got nothing at state\['master'\]; expected shape"):
        optimizer.step(params, params, state)


def test_complex_gradient_of_a_real_parameter(xp):
    optimizer = sgd(1.0)
    params = xp.ones(2)
    with pytest.raises(DTypeError, match="complex gradient for a real parameter"):
        optimizer.step(params, params * (1 + 2j), optimizer.init(params))


def test_number_as_a_gradient():
    optimizer = sgd(1.0)
    with pytest.raises(DTypeError, match=r"sgd.step\(grads\): got 0.5 at grads\['s'\]"):
        optimizer.step({"s": np.asarray(1.0)}, {"s": 0.5}, optimizer.init({"s": np.asarray(1.0)}))


def test_tied_arrays_cannot_be_donated():
    w = np.ones(2)
    params, optimizer = {"a": w, "b": w}, sgd(0.1)
    state = optimizer.init(params)
    with pytest.raises(ArgumentError, match=r"one array at params\['a'\] and params\['b'\]"):
        optimizer.step(params, {"a": w, "b": w}, state, donate=True)
    stepped, _ = optimizer.step(params, {"a": w, "b": w}, state)
    assert_close(stepped, {"a": np.full(2, 0.9), "b": np.full(2, 0.9)})


@pytest.mark.parametrize("value", ["25", 25 + 0j, [25.0]])
def test_value_that_is_no_number(value):
    optimizer = polyak_sgd()
    with pytest.raises(DTypeError, match=r"polyak_sgd.step\(value\): got .*a real number"):
        optimizer.step(np.ones(2), np.ones(2), optimizer.init(np.ones(2)), value=value)


def test_view_of_the_gradient_is_copied_into_the_state():
    def keep_formula(xp, g, last):
        return -g, xp.reshape(g, g.shape)

    keep = from_formula(keep_formula, slots=["last"])
    g = np.ones(2)
    _, state = keep.step(np.ones(2), g, keep.init(np.ones(2)))
    g[...] = 7.0
    assert_close(state["last"], np.ones(2))


def test_group_with_momentum_leaves_other_leaves_alone():
    params = {"a": np.ones(1), "b": np.ones(1)}

    def run(**keywords):
        optimizer = sgd(0.1, dampening=0.5, **keywords)
        stepped, state = params, optimizer.init(params)
        for _ in range(3):
            stepped, state = optimizer.step(stepped, params, state)
        return stepped["b"]

    assert_close(run(groups=[("a", {"momentum": 0.9})]), run())


@pytest.mark.parametrize(
    "part",
    [
        lambda: apply_if_finite(sgd(1.0), 3),
        lambda: accumulate(sgd(1.0), 1),
        lambda: chain(clip_by_global_norm(10.0), sgd(1.0)),
        lambda: sgd(1.0),
    ],
)
def test_small_gradients_in_half_precision_survive_a_clip(part):
    params = {"a": np.zeros(2, np.float16), "b": np.zeros(2, np.float16)}
    grads = {"a": np.full(2, 1e-3, np.float16), "b": np.full(2, 3e4, np.float16)}
    optimizer = chain(clip_by_global_norm(1.0), part())
    state = optimizer.init(params)
    for _ in range(200):
        params, state = optimizer.step(params, grads, state)
    expected = -200 * 1e-3 / (3e4 * 2**0.5)  # 4.7e-6, where float16 has steps of 6e-8
    np.testing.assert_allclose(params["a"], expected, rtol=0.02)


def test_name_of_a_numbered_part_is_not_taken_twice():
    double = from_formula(lambda xp, g, *, factor: factor * g, name="scale_2", factor=2.0)
    for parts in (
        (scale(10.0), double, scale(3.0)),
        (scale(10.0), scale(3.0), double),
        (double, scale(10.0), scale(3.0)),
    ):
        every = chain(*parts)
        assert_close(every.update(np.ones(1), every.init(np.ones(1)), np.ones(1))[0], [60.0])


def test_skipped_step_keeps_the_sign_of_zero():
    optimizer = apply_if_finite(adam(0.1), 5)
    params = np.asarray([-0.0, 0.0])
    stepped, _ = optimizer.step(params, np.asarray([np.nan, 1.0]), optimizer.init(params))
    assert stepped.tobytes() == params.tobytes()


def test_no_groups():
    assert repr(sgd(0.1, groups=None)) == repr(sgd(0.1))
