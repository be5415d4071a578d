import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import (
    Transform,
    accumulate,
    adam,
    apply_if_finite,
    averaged,
    chain,
    clip_by_global_norm,
    clip_per_example,
    dynamic_loss_scale,
    freeze,
    info,
    lookahead,
    masked,
    monitored,
    sam,
    scale,
    sgd,
    stochastic_weight_average,
)
from tests.support import assert_close, forbid_host_copies, to_host

# joint norms 5, 0.5 and 13
GRADS = {"w": [[3.0, 0.0], [0.3, 0.4], [0.0, 12.0]], "b": [4.0, 0.0, -5.0]}
# clipped to 1: thirds of (0.6 + 0.3, 0.4 + 12/13) and of 0.8 - 5/13
MEAN = {"w": np.asarray([0.3, (0.4 + 12 / 13) / 3]), "b": np.asarray((0.8 - 5 / 13) / 3)}


def make(xp):
    params = {"w": xp.zeros((2,)), "b": xp.zeros(())}
    return params, trees.map(xp.asarray, {k: xp.asarray(v) for k, v in GRADS.items()})


def test_mean_of_clipped_examples(xp):
    params, grads = make(xp)
    clip = clip_per_example(1.0)
    with forbid_host_copies():
        updates, state = clip.update(grads, clip.init(params), params)
    assert_close(updates, MEAN)
    assert_close(state["norm"], np.asarray(18.5 / 3))
    assert_close(state["clipped_share"], np.asarray(2 / 3))


@pytest.mark.parametrize(
    "optimizer",
    [
        chain(clip_per_example(1.0), sgd(1.0)),
        chain(clip_per_example(1.0), clip_by_global_norm(9.0), sgd(1.0)),
        chain(chain(clip_per_example(1.0), clip_by_global_norm(9.0)), sgd(1.0)),
        averaged(apply_if_finite(chain(clip_per_example(1.0), sgd(1.0)), 2)),
        monitored(chain(clip_per_example(1.0), sgd(1.0))),
    ],
)
def test_first_part_takes_examples(xp, optimizer):
    params, grads = make(xp)
    for donate in (False, True):
        start = trees.map(xp.zeros_like, params)
        stepped, state = optimizer.step(start, grads, optimizer.init(params), donate=donate)
        assert_close(stepped, trees.map(lambda g: -g, MEAN))
        assert int(info(state).step) == 1


def test_behind_a_freeze(xp):
    params, grads = make(xp)
    optimizer = chain(freeze("b"), clip_per_example(1.0), sgd(1.0))
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    expected = {"w": -np.asarray([1.0 + 0.3, 0.4 + 1.0]) / 3, "b": np.asarray(0.0)}
    assert_close(stepped, expected)


def test_half_precision_is_averaged_in_single(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    params = xp.zeros((1,), dtype=xp.module.float16)
    grads = xp.asarray([[2048.0], [1.0], [1.0], [1.0]], dtype=xp.module.float16)
    optimizer = chain(clip_per_example(1e4), sgd(1.0))
    _, state = optimizer.step(params, grads, optimizer.init(params))
    assert_close(state["sgd"]["master"], np.asarray([-512.75], dtype=np.float32))


def test_complex_examples(xp):
    params = xp.zeros((1,), dtype=xp.complex128)
    clip = clip_per_example(1.0)
    grads = xp.asarray([[3.0 + 4.0j], [0.5j]])
    updates, _ = clip.update(grads, clip.init(params), params)
    assert_close(updates, np.asarray([0.3 + 0.65j]))


def test_bad_example_under_skip_counts_as_zero(xp):
    params = xp.zeros((1,))
    clip = clip_per_example(1.0, nonfinite="skip")
    updates, _ = clip.update(xp.asarray([[np.nan], [0.5]]), clip.init(params), params)
    assert_close(updates, np.asarray([0.25]))


def test_shapes_are_checked():
    params = {"w": np.zeros(2)}
    optimizer = chain(clip_per_example(1.0), sgd(1.0))
    state = optimizer.init(params)
    with pytest.raises(ShapeError, match=r"chain.step\(grads\): got shape \(\) at grads\['w'\]"):
        optimizer.step(params, {"w": np.zeros(2)}, state)
    with pytest.raises(ShapeError, match=r"chain.update\(grads\): got shape \(3,\)"):
        optimizer.update({"w": np.zeros((4, 3))}, state, params)
    with pytest.raises(ArgumentError, match=r"chain.step\(grads\): got nothing at grads\['w'\]"):
        optimizer.step(params, {}, state)
    with pytest.raises(ShapeError, match=r"got 0 examples; expected at least one"):
        optimizer.step(params, {"w": np.zeros((0, 2))}, state)


@pytest.mark.parametrize(
    "optimizer",
    [
        chain(clip_by_global_norm(9.0), clip_per_example(1.0), sgd(1.0)),
        adam(0.1),
    ],
)
def test_others_take_gradients_without_examples(optimizer):
    params = np.zeros(2)
    with pytest.raises(ShapeError, match=r"step\(grads\): got shape \(3, 2\)"):
        optimizer.step(params, np.zeros((3, 2)), optimizer.init(params))


def test_transform_of_your_own_takes_examples():
    def update(grads, state, params, **extra):
        return -np.median(grads, axis=0), state

    median = Transform(lambda params: {}, update, "median", per_example=True)
    params = np.zeros(1)
    stepped, _ = median.step(params, np.asarray([[1.0], [2.0], [9.0]]), {})
    assert_close(stepped, np.asarray([-2.0]))
    assert to_host(
        chain(median, sgd(1.0)).step(params, np.ones((3, 1)), {"sgd": sgd(1.0).init(params)})[0]
    ).tolist() == [1.0]


@pytest.mark.parametrize(
    "optimizer",
    [
        masked(clip_per_example(1.0), "w"),
        chain(scale(1.0), clip_per_example(1.0), sgd(1.0)),
        chain(masked(chain(clip_per_example(1.0), sgd(1.0)), "w"), sgd(1.0)),
    ],
)
@pytest.mark.parametrize("shape", [(2,), (2, 2), ()])
def test_axis_of_a_parameter_is_not_taken_for_examples(optimizer, shape):
    params = {"w": np.zeros(shape)}
    with pytest.raises(ShapeError, match=r"clip_per_example\(grads\): got shape .*Put it first"):
        optimizer.update(params, optimizer.init(params), params)


def test_what_needs_the_mean_first_refuses_examples():
    inner = chain(clip_per_example(1.0), sgd(1.0))
    with pytest.raises(ArgumentError, match=r"accumulate\(transform\): .*Put clip_per_example in"):
        accumulate(inner, 2)
    with pytest.raises(ArgumentError, match=r"sam\(transform\): .*Put clip_per_example in front"):
        sam(inner)


@pytest.mark.parametrize("around", [lookahead, dynamic_loss_scale, stochastic_weight_average])
def test_others_take_examples_for_what_is_inside(xp, around):
    keywords = {"start": 1} if around is stochastic_weight_average else {}
    keywords |= {"initial": 1.0} if around is dynamic_loss_scale else {}
    params, grads = make(xp)
    optimizer = around(chain(clip_per_example(1.0), sgd(1.0)), **keywords)
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped, trees.map(lambda g: -g, MEAN))


def test_accumulation_behind_takes_the_means(xp):
    params, grads = make(xp)
    optimizer = chain(clip_per_example(1.0), accumulate(sgd(1.0), 2))
    state = optimizer.init(params)
    for _ in range(2):
        params, state = optimizer.step(params, grads, state)
    assert_close(params, trees.map(lambda g: -g, MEAN))
