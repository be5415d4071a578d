import math

import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.training import Monitor, gradient_report
from tests.support import assert_close


def sigmoid_chain(depth, rng):
    """Gradients of all layers of a deep chain of sigmoid layers, by the chain rule."""
    weights = [rng.standard_normal((6, 6)) / math.sqrt(6) for _ in range(depth)]
    x, outputs = rng.standard_normal(6), []
    for w in weights:
        outputs.append(x)
        x = 1 / (1 + np.exp(-(w @ x)))
    grads, flow = {}, np.ones(6)
    for layer in reversed(range(depth)):
        y = outputs[layer + 1] if layer + 1 < depth else x
        flow = flow * y * (1 - y)
        grads[f"layer{layer:02d}"] = np.outer(flow, outputs[layer])
        flow = weights[layer].T @ flow
    params = {f"layer{layer:02d}": w for layer, w in enumerate(weights)}
    return grads, params


def recurrent(factor, steps, rng):
    """Gradient of sum(h_T) by the matrix of h <- W h, whose eigenvalues have size ``factor``."""
    w = factor * np.linalg.qr(rng.standard_normal((5, 5)))[0]
    h, states = rng.standard_normal(5), []
    for _ in range(steps):
        states.append(h)
        h = w @ h
    flow, grad = np.ones(5), np.zeros((5, 5))
    for state in reversed(states):
        grad += np.outer(flow, state)
        flow = w.T @ flow
    return {"recurrent": grad, "readout": h / np.linalg.norm(h)}, {
        "recurrent": w,
        "readout": np.ones(5),
    }


def to_device(xp, tree):
    return {name: xp.asarray(array) for name, array in tree.items()}


def test_a_deep_sigmoid_chain_vanishes_at_its_beginning(xp):
    grads, params = sigmoid_chain(20, np.random.default_rng(0))
    report = gradient_report(to_device(xp, grads), to_device(xp, params))
    vanishing = [finding.path for finding in report.findings]
    assert {finding.kind for finding in report.findings} == {"vanishing"}
    assert "layer00" in vanishing
    assert "layer19" not in vanishing
    assert "params['layer00']" in str(report)
    assert "of the largest, params['layer19']" in str(report)


def test_a_recurrence_with_large_weights_explodes(xp):
    grads, params = recurrent(3.0, 30, np.random.default_rng(0))
    report = gradient_report(to_device(xp, grads), to_device(xp, params))
    # the readout, which is small beside the exploding leaf, is not called vanishing
    assert [(finding.kind, finding.path) for finding in report.findings] == [
        ("exploding", "recurrent")
    ]
    assert "params['recurrent']: gradient norm" in str(report)


def test_the_logarithm_of_zero_is_not_finite(xp):
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray([0.0, 0.5, 1.0])
        grad = {"logits": 1 / p * p, "table": 1 / p}  # of log(p) and through a product
    report = gradient_report(to_device(xp, grad))
    assert [finding.kind for finding in report.findings] == ["non-finite", "non-finite"]
    assert report.findings[0].text == (
        "params['logits']: 1 of 3 gradient entries is not finite (1 nan, 0 inf)."
    )
    assert "(0 nan, 1 inf)" in report.findings[1].text
    assert "log(0)" in str(report)


def test_a_healthy_network_says_nothing(xp):
    rng = np.random.default_rng(0)
    grads, params = sigmoid_chain(3, rng)
    report = gradient_report(to_device(xp, grads), to_device(xp, params))
    assert report.ok
    assert str(report) == ""
    grads, params = recurrent(1.0, 30, rng)
    assert gradient_report(to_device(xp, grads), to_device(xp, params)).ok


def test_a_gradient_of_zeros_is_told_apart(xp):
    grads = {"used": xp.asarray([1.0]), "unused": xp.asarray([0.0, 0.0])}
    (finding,) = gradient_report(grads).findings
    assert (finding.kind, finding.path) == ("zero", "unused")


def test_a_single_tiny_leaf_is_below_the_floor(xp):
    (finding,) = gradient_report(xp.asarray([1e-13])).findings
    assert finding.kind == "vanishing"
    assert "params: gradient norm 1e-13" in finding.text
    assert gradient_report(xp.asarray([1e-11])).ok


def test_size_alone_does_not_make_a_leaf_vanish():
    # a bias of one entry beside a large matrix with entries of the same size
    grads = {"bias": np.full(1, 1e-4), "matrix": np.full((2000, 2000), 1.0)}
    assert gradient_report(grads, monitor=Monitor(vanishing=0.5e-4, exploding=1e6)).ok


def test_large_parameters_allow_large_gradients():
    grads = {"w": np.asarray([5e3])}
    assert not gradient_report(grads).ok
    assert not gradient_report(grads, {"w": np.asarray([1.0])}).ok
    assert gradient_report(grads, {"w": np.asarray([10.0])}).ok


@pytest.mark.parametrize(("size", "limit"), [(0.1, 20.0), (1.0, 20.0), (3.0, 60.0)])
def test_the_limit_of_exploding_follows_the_parameters_from_norm_one_on(size, limit):
    params, monitor = {"w": np.asarray([size])}, Monitor(exploding=20.0)
    below, above = ({"w": np.asarray([factor * limit])} for factor in (0.99, 1.01))
    assert gradient_report(below, params, monitor=monitor).ok
    (finding,) = gradient_report(above, params, monitor=monitor).findings
    assert f"limit {limit:.2g}" in finding.text


def test_parameters_that_are_not_finite_set_no_limit():
    for bad in (np.inf, np.nan):
        params = {"w": np.asarray([bad])}
        assert gradient_report({"w": np.asarray([999.0])}, params).ok
        assert not gradient_report({"w": np.asarray([1001.0])}, params).ok


def test_norms_are_safe_and_by_path(xp):
    # float32 squares of these leave the range
    grads = {
        "big": xp.asarray([3e20, 4e20], dtype=xp.float32),
        "small": xp.asarray([3e-30, 4e-30], dtype=xp.float32),
    }
    report = gradient_report(grads)
    assert_close(np.float32(report.norms["big"]), np.float32(5e20))
    assert_close(np.float32(report.norms["small"]), np.float32(5e-30))
    assert_close(np.float32(report.norm), np.float32(5e20))


def test_complex_gradients_are_measured(xp):
    report = gradient_report({"z": xp.asarray([3.0 + 4.0j])})
    assert report.ok
    assert_close(report.norms["z"], 5.0)


def test_limits_can_be_set():
    grads = {"a": np.asarray([1.0]), "b": np.asarray([1e-3])}
    assert gradient_report(grads).ok
    (finding,) = gradient_report(grads, monitor=Monitor(vanishing=1e-2)).findings
    assert finding.path == "b"
    (finding,) = gradient_report(grads, monitor=Monitor(exploding=0.5)).findings
    assert finding.path == "a"
    with pytest.raises(ArgumentError, match="vanishing"):
        Monitor(vanishing=-1.0)


def test_what_is_no_array_is_refused():
    with pytest.raises(ArgumentError, match=r"params\['a'\]"):
        gradient_report({"a": "text"})


def test_an_empty_leaf_says_nothing(xp):
    assert gradient_report({"none": xp.zeros((0, 3)), "one": xp.ones(1)}).ok
