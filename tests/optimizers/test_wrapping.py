"""What holds for every transform around a transform, and for the clips with a state."""

import copy

import numpy as np
import pytest

from anygrad import optimizers as o
from anygrad import trees
from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import adam, chain, clip_by_global_norm, freeze, info, masked, sgd
from anygrad.trees.placing import on_device_of
from tests.support import assert_close, forbid_host_copies, to_host

AROUND = {
    "accumulate": lambda inner: o.accumulate(inner, 2),
    "apply_if_finite": lambda inner: o.apply_if_finite(inner, 3),
    "averaged": lambda inner: o.averaged(inner, 0.5),
    "averaged, every": lambda inner: o.averaged(inner, 0.5, debias=False, every=2),
    "dynamic_loss_scale": lambda inner: o.dynamic_loss_scale(inner, initial=4.0, period=2),
    "lookahead": lambda inner: o.lookahead(inner, 2),
    "lookahead, reset": lambda inner: o.lookahead(inner, 3, reset_state=True),
    "monitored": o.monitored,
    "sam": lambda inner: o.sam(inner, 0.1),
    "sam, adaptive": lambda inner: o.sam(inner, 0.1, adaptive=True, ascents=2),
    "stochastic_weight_average": lambda inner: o.stochastic_weight_average(inner, 2, 2),
}
IN_FRONT = {
    "add_noise": o.add_noise(0.1, seed=3),
    "clip_adaptively": o.clip_adaptively(0.05),
    "clip_by_block_rms": o.clip_by_block_rms(0.1),
    "clip_by_norm": o.clip_by_norm(0.1, ord=1.0),
    "clip_by_quantile": o.clip_by_quantile(0.5, window=3),
    "clip_by_zscore": o.clip_by_zscore(0.5, 0.5, warmup=2),
    "normalize": o.normalize(),
    "normalize_leaves": o.normalize_leaves(eps=0.1),
}
MADE = {
    **{name: make(adam(0.1)) for name, make in AROUND.items()},
    **{
        f"{name} around a chain": make(chain(clip_by_global_norm(0.5), adam(0.1)))
        for name, make in AROUND.items()
    },
    **{f"{name} in front": chain(part, adam(0.1)) for name, part in IN_FRONT.items()},
    "one in another": o.monitored(
        o.averaged(o.apply_if_finite(o.lookahead(o.accumulate(adam(0.1), 2), 3), 2), 0.9)
    ),
    "with frozen leaves": chain(
        freeze("scalar"), o.averaged(o.monitored(chain(o.clip_by_norm(0.1), adam(0.1))))
    ),
}
every_one = pytest.mark.parametrize("optimizer", MADE.values(), ids=MADE)


def make_params(xp, dtype):
    return {
        "layers": [{"w": xp.asarray([[1.0, -2.0], [0.5, 3.0]], dtype=dtype), "b": None}],
        "scalar": xp.asarray(0.5, dtype=dtype),
        "empty": xp.zeros((0, 2), dtype=dtype),
    }


def gradient(params, step=0):
    def of_leaf(p):
        with on_device_of(p):
            return 0.25 * p - 0.125 * (step + 1)

    return trees.map(of_leaf, params)


def run(optimizer, params, state, steps, first=0, **keywords):
    for step in range(first, first + steps):
        params, state = optimizer.step(
            params, gradient(params, step), state, grad=gradient, **keywords
        )
    return params, state


def copied(tree):
    return trees.map(lambda leaf: np.array(to_host(leaf)), tree)


@every_one
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_dtype_device_and_tree_are_kept(xp, optimizer, dtype):
    if not hasattr(xp.module, dtype):
        pytest.skip(f"{xp.name} has no {dtype}")
    kind = getattr(xp.module, dtype)
    params = make_params(xp, kind)
    state = optimizer.init(params)
    # read before any step writes into it
    kinds = [(type(leaf), leaf.dtype, leaf.shape) for leaf in trees.leaves(state)]
    stepped, after = run(optimizer, params, state, 3)
    stepped, after = run(optimizer, stepped, after, 3, first=3, donate=True)
    assert trees.flatten(after)[1] == trees.flatten(state)[1]
    assert [(type(leaf), leaf.dtype, leaf.shape) for leaf in trees.leaves(after)] == kinds
    assert trees.flatten(stepped)[1] == trees.flatten(params)[1]
    for leaf, given in zip(trees.leaves(stepped), trees.leaves(params), strict=True):
        assert (type(leaf), leaf.dtype, leaf.shape) == (type(given), given.dtype, given.shape)
        assert device_of(leaf) == xp.device
    on_device = [leaf for leaf in trees.leaves(after) if not isinstance(leaf, np.ndarray)]
    assert all(device_of(leaf) == xp.device for leaf in on_device)
    assert all(np.isfinite(to_host(leaf)).all() for leaf in trees.leaves(stepped))


@every_one
def test_donated_steps_compute_the_same(xp, optimizer):
    params = make_params(xp, xp.float64)
    kept, kept_state = run(optimizer, params, optimizer.init(params), 5)
    owned = trees.map(lambda p: xp.module.asarray(p, copy=True), params)
    donated, donated_state = run(optimizer, owned, optimizer.init(owned), 5, donate=True)
    assert_close(donated, copied(kept))
    assert_close(donated_state, copied(kept_state))
    for before, after in zip(trees.leaves(owned), trees.leaves(donated), strict=True):
        assert before is after or not xp.writable


@every_one
def test_nothing_is_changed_unless_donated(optimizer):
    params, state = run(*start(optimizer), 3)
    grads = gradient(params)
    before = copy.deepcopy((params, grads, state))
    optimizer.step(params, grads, state, grad=gradient)
    optimizer.update(grads, state, params, grad=gradient)
    assert_close((params, grads, state), before)


def start(optimizer):
    params = make_params(np, np.float64)
    return optimizer, params, optimizer.init(params)


@every_one
def test_saved_and_resumed_equals_uninterrupted(xp, optimizer, tmp_path):
    params = make_params(xp, xp.float64)
    at_five, state = run(optimizer, params, optimizer.init(params), 5)
    np.savez(tmp_path / "state.npz", **trees.to_flat(state))
    with np.load(tmp_path / "state.npz") as flat:
        resumed = trees.from_flat(flat, like=optimizer.init(params))
    straight = run(optimizer, params, optimizer.init(params), 10)
    continued = run(optimizer, at_five, resumed, 5, first=5)
    for got, expected in zip(continued, straight, strict=True):
        for name, array in trees.to_flat(expected).items():
            assert trees.to_flat(got)[name].tobytes() == array.tobytes(), name


@every_one
def test_steps_copy_nothing_to_the_host(xp, optimizer):
    params = make_params(xp, xp.float64)
    with forbid_host_copies():
        _, state = run(optimizer, params, optimizer.init(params), 4)
        info(state)


@every_one
def test_steps_are_those_of_numpy(xp, optimizer):
    expected, _ = run(*start(optimizer), 12)
    params = make_params(xp, xp.float64)
    assert_close(run(optimizer, params, optimizer.init(params), 12)[0], expected)


@every_one
def test_info_tells_the_step_of_the_optimizer_itself(optimizer):
    _, state = run(*start(optimizer), 2)
    assert float(info(state).learning_rate) == 0.1
    assert 1 <= int(info(state).step) <= 2


@pytest.mark.parametrize("name", AROUND)
def test_neutral_chain_around_it_changes_nothing(name):
    inside = AROUND[name](adam(0.1))
    around = chain(o.scale(1.0), inside)
    got, state = run(*start(around), 5)
    expected, alone = run(*start(inside), 5)
    assert_close(got, expected)
    assert_close(state[inside.name], alone)


@pytest.mark.parametrize("name", AROUND)
def test_leaves_that_it_does_not_see_pass(name):
    optimizer = masked(AROUND[name](sgd(0.5)), "layers/*")
    params = make_params(np, np.float64)
    if name.startswith("sam"):
        pytest.skip("it would have to differentiate by the leaves it sees")
    grads = gradient(params)
    updates, _ = optimizer.update(grads, optimizer.init(params), params)
    assert_close(updates["scalar"], grads["scalar"])


@pytest.mark.parametrize("name", AROUND)
def test_what_is_no_transform_is_refused(name):
    with pytest.raises(ArgumentError, match=r"\(transform\): got .*; expected a Transform. Call"):
        AROUND[name](adam)


@pytest.mark.parametrize("name", [n for n in AROUND if not n.startswith("sam")])
def test_state_of_another_is_refused(name):
    optimizer = AROUND[name](adam(0.1))
    params = np.ones(2)
    for state in (adam(0.1).init(params), {}, None):
        with pytest.raises(
            ArgumentError, match=rf"{optimizer.name}\(state\): got .*Pass the state"
        ):
            optimizer.step(params, params, state)


@pytest.mark.parametrize("name", [name for name in AROUND if name != "accumulate"])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_skipped_step_reaches_what_is_inside(xp, name, bad):
    optimizer = chain(clip_by_global_norm(0.5, nonfinite="skip"), AROUND[name](adam(0.1)))
    params = {"a": xp.asarray([1.0, 2.0]), "b": xp.asarray(3.0)}
    params, state = run(optimizer, params, optimizer.init(params), 1)
    grads = {"a": xp.asarray([1.0, bad]), "b": xp.asarray(3.0)}
    stepped, after = optimizer.step(params, grads, state, grad=gradient)
    assert_close(stepped, copied(params))
    continued, _ = run(optimizer, stepped, after, 3)
    assert all(np.isfinite(to_host(leaf)).all() for leaf in trees.leaves(continued))


@pytest.mark.parametrize("make", [lambda: sgd(0.125), lambda: adam(0.1), lambda: o.dog(1.0)])
def test_half_parameters_that_something_else_has_changed_are_seen(make):
    ends = []
    for dtype in (np.float32, np.float16):
        params, optimizer = np.asarray([8.0, 1.0], dtype=dtype), make()
        state = optimizer.init(params)
        params, state = optimizer.step(params, params, state)
        params, state = optimizer.step(dtype(2.0) * params, params, state)
        ends.append(params.astype(np.float64))
    np.testing.assert_allclose(*ends, rtol=2e-3)  # float16 against float32


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_leaves_lie_on_their_own_devices(lookalike, dtype):
    with lookalike.cuda.Device(1):
        there = lookalike.asarray([3.0, -4.0], dtype=dtype)
    params = [there, lookalike.asarray([0.5], dtype=dtype)]
    for name, optimizer in MADE.items():
        if "frozen" in name:
            continue
        stepped, _ = run(optimizer, params, optimizer.init(params), 4)
        assert [leaf.device.id for leaf in stepped] == [1, 0], name
