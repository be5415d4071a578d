import numpy as np
import pytest

from anygrad import schedules
from anygrad.errors import ArgumentError
from anygrad.optimizers import adamw, chain, clip_by_global_norm, muon
from tests.support import assert_close, forbid_host_copies, to_host

SHAPES = {"w": (4, 3), "b": (3,), "embedding": (5, 2), "kernel": (2, 3, 2), "empty": (0, 2)}
MATRICES = {"w", "embedding"}


def draw(xp, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {k: xp.asarray(rng.normal(size=s).astype(dtype)) for k, s in SHAPES.items()}


def test_each_leaf_keeps_what_its_part_needs(xp):
    state = muon().init(draw(xp))
    assert {name for name, leaf in state["b"].items() if leaf is not None} == MATRICES
    for slot in ("m", "v"):
        kept = {name for name, leaf in state[slot].items() if leaf is not None}
        assert kept == SHAPES.keys() - MATRICES


def test_what_is_no_matrix_steps_as_adamw(xp):
    ours, reference = muon(0.1, adam_weight_decay=0.2), adamw(0.1, weight_decay=0.2)
    params = other = draw(xp)
    state, other_state = ours.init(params), reference.init(other)
    for step in range(3):
        params, state = ours.step(params, draw(xp, step + 1), state)
        other, other_state = reference.step(other, draw(xp, step + 1), other_state)
    for name in SHAPES.keys() - MATRICES:
        assert_close(params[name], to_host(other[name]))


def test_group_leaves_matrices_to_adamw():
    params = draw(np)
    ours = muon(0.1, groups=[("embedding", {"orthogonal": False, "adam_weight_decay": 0.2})])
    state = ours.init(params)
    assert state["b"]["embedding"] is None
    stepped, _ = ours.step(params, draw(np, 1), state)
    reference = adamw(0.1, weight_decay=0.2)
    expected, _ = reference.step(params, draw(np, 1), reference.init(params))
    assert_close(stepped["embedding"], expected["embedding"])
    assert np.abs(stepped["w"] - expected["w"]).max() > 0.01


def test_rates_of_both_parts_are_as_told():
    params, grads = draw(np), draw(np, 1)
    same, apart = muon(0.1), muon(0.1, adam_learning_rate=0.05)
    first, _ = same.step(params, grads, same.init(params))
    second, _ = apart.step(params, grads, apart.init(params))
    assert_close(second["w"], first["w"])
    assert_close(second["b"] - params["b"], (first["b"] - params["b"]) / 2)


def test_default_step_is_as_large_as_that_of_adamw():
    rng = np.random.default_rng(0)
    params, grads = np.zeros((40, 60)), rng.normal(size=(40, 60))
    stepped, _ = muon(1.0).step(params, grads, muon().init(params))
    assert 0.15 < np.sqrt((stepped**2).mean()) < 0.25


def test_zero_gradients_leave_decay_alone(xp):
    params = draw(xp)
    optimizer = muon(0.1, weight_decay=0.5)
    grads = {name: 0.0 * p for name, p in params.items()}
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped["w"], 0.95 * to_host(params["w"]))
    assert_close(stepped["b"], to_host(params["b"]))


def test_matrix_quadratic_is_minimised():
    rng = np.random.default_rng(0)
    a, target = rng.normal(size=(6, 6)), rng.normal(size=(6, 4))
    curvature = a @ a.T / 6 + 0.5 * np.eye(6)
    optimizer = muon(schedules.cosine(0.3, 300), weight_decay=0.0)
    params = np.zeros((6, 4))
    state = optimizer.init(params)
    for _ in range(300):
        params, state = optimizer.step(params, curvature @ (params - target), state)
    assert np.abs(params - target).max() < 0.005


def test_float32_matrices_follow_float64():
    results = []
    for dtype in (np.float32, np.float64):
        params, optimizer = draw(np, dtype=dtype), muon(0.01)
        state = optimizer.init(params)
        for step in range(10):
            params, state = optimizer.step(params, draw(np, step + 1, dtype), state)
        assert params["w"].dtype == dtype
        results.append(params["w"])
    # a small singular value is multiplied by up to 3.4**5, its rounding error too
    assert_close(results[0], results[1].astype(np.float32), scale=10.0)


def test_half_precision_is_computed_in_float32():
    params = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float16)
    grads = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float16)
    optimizer = muon(0.1)
    _, state = optimizer.step(params, grads, optimizer.init(params))
    wide = params.astype(np.float32)
    expected, _ = optimizer.step(wide, grads.astype(np.float32), optimizer.init(wide))
    assert state["b"].dtype == np.float32
    assert_close(state["master"], expected)


def test_nothing_is_copied_to_the_host(xp):
    optimizer = chain(clip_by_global_norm(1.0, nonfinite="skip"), muon(higher_rank="stack"))
    params = draw(xp)
    with forbid_host_copies():
        optimizer.step(params, draw(xp, 1), optimizer.init(params))


def test_number_of_polynomials_is_that_of_steps():
    with pytest.raises(ArgumentError, match=r"muon\(ns_steps\): got 5 with 2.*Pass ns_steps=2"):
        muon(ns_coefficients=[(1, 2, 3), (4, 5, 6)])
    with pytest.raises(ArgumentError, match=r"muon\(ns_steps\): got 7 with 5"):
        muon(ns_coefficients="dion", ns_steps=7)
    assert "ns_coefficients=((1.5, -0.5, 0.0)" in repr(
        muon(ns_coefficients=[(1.5, -0.5, 0)] * 2, ns_steps=2)
    )


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"ns_coefficients": (1, 2)}, r"muon\(ns_coefficients\): got"),
        ({"ns_coefficients": lambda step: 1.0}, r"muon\(ns_coefficients\): got"),
        ({"preconditioning": "frobenus"}, r"muon\(preconditioning\).*Did you mean 'frobenius'"),
        ({"momentum": 1.0}, r"muon\(momentum\): got 1.0"),
        ({"adam_learning_rate": -1.0}, r"muon\(adam_learning_rate\): got -1.0"),
        ({"ns_steps": 0}, r"muon\(ns_steps\): got 0"),
    ],
)
def test_wrong_values_are_refused(keywords, words):
    with pytest.raises(ArgumentError, match=words):
        muon(**keywords)
