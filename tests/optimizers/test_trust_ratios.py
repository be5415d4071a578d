import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import adamw, chain, clip_by_global_norm, lamb, lars, novograd, sgd
from anygrad.optimizers.rules.pieces import trust_ratio
from tests.support import assert_close, to_host

RNG = np.random.default_rng(0)
START, GRADS = RNG.normal(size=(3, 2)), RNG.normal(size=(5, 3, 2))


def run(optimizer, params=START, grads=GRADS):
    state = optimizer.init(params)
    for g in grads:
        params, state = optimizer.step(params, g, state)
    return params


@pytest.mark.parametrize(
    ("p_norm", "u_norm", "ratio"), [(6.0, 2.0, 1.5), (0.0, 2.0, 1.0), (6.0, 0.0, 1.0), (0, 0, 1.0)]
)
def test_ratio_is_one_where_a_norm_is_zero(xp, p_norm, u_norm, ratio):
    norms = (xp.asarray(float(norm)) for norm in (p_norm, u_norm))
    assert_close(trust_ratio(xp.module, *norms, 0.5), np.asarray(ratio))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ratio_is_finite_for_the_smallest_numbers(xp, dtype):
    limits = np.finfo(dtype)
    sizes = [float(limits.smallest_subnormal), float(limits.smallest_normal), 1.0]
    for p_norm in (*sizes, float(limits.max)):
        for u_norm in sizes:
            norms = (xp.asarray(x, dtype=getattr(xp, dtype)) for x in (p_norm, u_norm))
            assert np.isfinite(to_host(trust_ratio(xp.module, *norms)))


@pytest.mark.parametrize("make", [lambda: lamb(0.1, weight_decay=0.0), lambda: lars(100.0)])
def test_learning_rate_is_the_relative_change(xp, make):
    for scale in (1e-3, 1.0, 1e3):
        optimizer = make()
        params = xp.asarray(scale * START)
        stepped, _ = optimizer.step(params, xp.asarray(GRADS[0]), optimizer.init(params))
        change = np.linalg.norm(to_host(stepped) - scale * START)
        np.testing.assert_allclose(change, 0.1 * scale * np.linalg.norm(START), rtol=1e-9)


@pytest.mark.parametrize("make", [lamb, lars, novograd])
@pytest.mark.parametrize("which", ["params", "grads", "both"])
def test_zero_parameters_and_updates_give_finite_steps(xp, make, which):
    params = xp.asarray(0.0 * START if which != "grads" else START)
    grads = xp.asarray(0.0 * START if which != "params" else START)
    optimizer = make(0.1)
    state = optimizer.init(params)
    for _ in range(2):
        params, state = optimizer.step(params, grads, state)
    assert np.isfinite(to_host(params)).all()


def test_lamb_without_layers_is_adamw():
    plain = lamb(0.1, layerwise=False, weight_decay=0.2)
    assert_close(run(plain), run(adamw(0.1, eps=1e-6, weight_decay=0.2)))


@pytest.mark.parametrize("nesterov", [False, True])
def test_lars_without_layers_is_sgd(nesterov):
    keywords = {"momentum": 0.8, "weight_decay": 0.2, "nesterov": nesterov}
    for inside in (False, True):
        plain = lars(0.1, layerwise=False, learning_rate_in_buffer=inside, **keywords)
        assert_close(run(plain), run(sgd(0.1, learning_rate_in_buffer=inside, **keywords)))


def test_groups_switch_the_ratio_off():
    params, grads = {"w": START, "bias": START}, {"w": GRADS[0], "bias": GRADS[0]}
    off = {"layerwise": False, "weight_decay": 0.0}
    optimizer = lars(0.1, weight_decay=0.2, groups=[("bias", off)])
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped["bias"], START - 0.1 * GRADS[0])
    assert np.abs(stepped["w"] - START).max() < 1e-3


def test_nesterov_needs_momentum():
    with pytest.raises(ArgumentError, match=r"lars\(nesterov\): got True; expected momentum > 0"):
        lars(0.1, momentum=0.0, nesterov=True)


def test_novograd_does_not_see_the_scale_of_the_gradients():
    assert_close(run(novograd(0.1, eps=0.0), grads=1e6 * GRADS), run(novograd(0.1, eps=0.0)))


@pytest.mark.parametrize("first", [0.0, np.nan], ids=["zero", "skipped"])
def test_novograd_starts_with_the_first_gradient_that_counts(xp, first):
    optimizer = chain(clip_by_global_norm(1e9, nonfinite="skip"), novograd(0.1))
    params = xp.asarray(START)
    state = optimizer.init(params)
    params, state = optimizer.step(params, xp.asarray(np.full((3, 2), first)), state)
    assert_close(params, START)
    params, state = optimizer.step(params, xp.asarray(GRADS[0]), state)
    assert_close(params, START - 0.1 * GRADS[0] / (np.linalg.norm(GRADS[0]) + 1e-8))


@pytest.mark.parametrize("size", [1e-25, 3e20, 1e30])
@pytest.mark.parametrize("eps_root", [0.0, 1e-30])
def test_novograd_with_norms_whose_squares_leave_the_dtype(xp, size, eps_root):
    optimizer = novograd(0.1, eps=0.0, eps_root=eps_root if size > 1 else 0.0)
    ends = []
    for factor in (1.0, size):
        params = xp.asarray(START, dtype=xp.float32)
        state = optimizer.init(params)
        for g in GRADS:
            params, state = optimizer.step(params, xp.asarray(factor * g, dtype=xp.float32), state)
        ends.append(to_host(params))
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-5)  # float32
