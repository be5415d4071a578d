"""Parameters in half precision: float32 state, and a float32 master copy that steps add up in."""

import numpy as np
import pytest

from anygrad import trees, use_settings
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    OPTIMIZERS,
    adam,
    apply_updates,
    chain,
    clip_by_global_norm,
    load,
    save,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, open_namespace, to_host
from tests.support.halves import HALVES, half


def make(xp, dtype):
    return {
        "w": xp.asarray([1.0, -2.0], dtype=half(xp, dtype)),
        "b": xp.asarray([0.5], dtype=xp.float32),
    }


def halved(xp, params):
    """Half of each parameter, in its dtype: NumPy and CuPy make float32 of ``0.5 * bfloat16``."""
    return trees.map(lambda p: xp.astype(0.5 * p, p.dtype), params)


@pytest.mark.parametrize("dtype", HALVES)
def test_steps_below_the_resolution_add_up(xp, dtype):
    optimizer = sgd(1.0)
    params = make(xp, dtype)
    state = optimizer.init(params)
    grads = trees.map(lambda p: xp.full_like(p, 2.0**-14), params)
    for _ in range(512):
        params, state = optimizer.step(params, grads, state)
    # each step is less than half a unit in the last place of 1.0, of which there are 2^10 or 2^7
    assert_close(xp.astype(params["w"], xp.float32), np.asarray([0.96875, -2.03125], np.float32))
    assert_close(params["b"], np.asarray([0.46875], np.float32))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_is_float32_and_only_half_leaves_have_a_master(xp, dtype, name):
    optimizer = OPTIMIZERS[name](0.1)
    params = make(xp, dtype)
    state = optimizer.init(params)
    for donate in (False, True):
        with forbid_host_copies():
            grads = halved(xp, params)
            params, state = optimizer.step(params, grads, state, donate=donate, value=1.0)
    masters = [path for path in trees.to_flat(state) if "master" in path]
    assert [path.rpartition("/")[2] for path in masters] == ["w"]
    assert params["w"].dtype == half(xp, dtype)
    assert params["b"].dtype == xp.float32
    kinds = {str(leaf.dtype) for leaf in trees.leaves(state) if leaf.shape == (2,)}
    assert all("float32" in kind for kind in kinds)


@pytest.mark.parametrize("dtype", HALVES)
def test_update_added_by_hand_is_step(xp, dtype):
    optimizer = chain(clip_by_global_norm(1.0), adam(0.1))
    params = make(xp, dtype)
    state = optimizer.init(params)
    stepped, after = params, state
    for _ in range(3):
        grads = halved(xp, params)
        updates, state = optimizer.update(grads, state, params)
        params = apply_updates(params, updates)
        stepped, after = optimizer.step(stepped, grads, after)
    for got, expected in ((params, stepped), (state, after)):
        assert_close(trees.map(as_float, got), trees.map(lambda x: to_host(as_float(x)), expected))


def as_float(x):
    from anygrad.optimizers.rules.leaves import is_half, widen

    return widen(x) if is_half(x) else x


@pytest.mark.parametrize("dtype", HALVES)
def test_trajectory_is_that_of_float32_rounded(xp, dtype):
    """With gradients that do not depend on the rounded parameters, nothing else differs."""
    optimizer = adam(0.01)
    low = xp.asarray([1.0, -2.0, 3.0], dtype=half(xp, dtype))
    wide = xp.astype(low, xp.float32)
    state, other = optimizer.init(low), optimizer.init(wide)
    for step in range(20):
        g = xp.asarray([0.5, -0.25, 2.0**-step], dtype=low.dtype)
        low, state = optimizer.step(low, g, state)
        wide, other = optimizer.step(wide, xp.astype(g, xp.float32), other)
    assert_close(state["master"], to_host(wide))
    got = to_host(xp.astype(low, xp.float32))
    assert_close(got, to_host(xp.astype(xp.astype(wide, low.dtype), xp.float32)))


@pytest.mark.parametrize("dtype", HALVES)
def test_saved_and_loaded_state_steps_on_to_the_same_bits(xp, dtype, tmp_path):
    pytest.importorskip("safetensors", reason="states are saved with it")
    optimizer = adam(0.01)
    start, zero = make(xp, dtype), xp.zeros((), dtype=half(xp, dtype))
    like = {"params": start, "state": optimizer.init(start), "least": zero}
    params, state = optimizer.step(start, halved(xp, start), like["state"])
    save(tmp_path / "run.safetensors", {"params": params, "state": state, "least": -zero})
    loaded = load(tmp_path / "run.safetensors", like=like)
    assert loaded["least"].dtype == half(xp, dtype)
    assert np.signbit(to_host(as_float(loaded["least"])))
    straight = optimizer.step(params, halved(xp, params), state)
    resumed = optimizer.step(loaded["params"], halved(xp, params), loaded["state"])
    for mine, other in zip(trees.leaves(resumed), trees.leaves(straight), strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(to_host(as_float(mine)), to_host(as_float(other)))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["adam", "lion", "sgd"])
def test_kernels_step_halves_as_single_operations_do(lookalike, dtype, name):
    from tests.support.lookalike_cupy.kernels import recording

    xp = open_namespace("cupy-lookalike")
    optimizer = chain(clip_by_global_norm(1.0), OPTIMIZERS[name](0.01))
    start = {"w": xp.linspace(-2.0, 2.0, 1000), "b": xp.asarray([0.5, 0.25])}
    start = trees.map(lambda p: xp.astype(p, half(xp, dtype)), start)
    ways, texts = {}, {}
    for kernels in ("off", "always"):
        params, state = start, optimizer.init(start)
        with use_settings(kernels=kernels, contract=False), recording() as launched:
            for _ in range(8):
                params, state = optimizer.step(params, halved(xp, params), state)
        ways[kernels] = trees.leaves(trees.map(as_float, (params, state)))
        texts[kernels] = {launch.code for launch in launched}
    header = {"float16": "<cuda_fp16.h>", "bfloat16": "<cuda_bf16.h>"}[dtype]
    assert not texts["off"]
    assert any(header in text for text in texts["always"])
    for got, expected in zip(ways["always"], ways["off"], strict=True):
        assert_close(got, to_host(expected))


def test_eps_is_checked_in_the_dtype_of_the_arithmetic():
    adam(eps=1e-8).init(np.ones(2, np.float16))  # computed in float32, where 1e-8 is a number
    adam(eps=0.0).init(np.ones(2, np.float32))
    adam(eps=1e-50).init(np.ones(2))
    for dtype in (np.float16, np.float32, np.complex64):
        with pytest.raises(
            ArgumentError, match=r"adam\(eps\): got 1e-50, which is lost in .*(32|64);"
        ):
            adam(eps=1e-50).init(np.ones(2, dtype))
