"""The ladder on every backend, for trees, values of any kind, bounds, and what it flags."""

import numpy as np
import pytest

from anygrad.differences import derivative, directional, gradient, jacobian
from anygrad.errors import ArgumentError
from tests.support import to_host


def test_the_ladder_is_as_good_as_rounding_on_every_backend(xp):
    x = xp.asarray([0.3, -1.0, 0.8])

    def f(t):
        return xp.sum(xp.exp(t) * xp.sin(t), axis=0)

    found = gradient(f, x, full_output=True)
    points = np.asarray([0.3, -1.0, 0.8])
    exact = np.exp(points) * (np.sin(points) + np.cos(points))
    error = np.abs(to_host(found.value) - exact)
    assert np.all(error <= to_host(found.error))
    assert np.all(to_host(found.error) < 1e-9)
    second = 2 * np.exp(points) * np.cos(points)
    np.testing.assert_allclose(to_host(found.second), second, atol=1e-5)
    assert type(found.value) is type(x)
    assert found.value.dtype == x.dtype
    assert not np.any(to_host(found.flags.kink) | to_host(found.flags.noisy))
    assert found.evaluation == "stacked"


def test_elementwise_ladders_follow_scale_kinks_and_edges_on_every_backend(quick_xp):
    xp = quick_xp
    x = xp.asarray([1e-3, 0.0, 2.0, 1e6])

    def f(t):
        return xp.where(t == 0.0, xp.abs(t), xp.sin(t) + xp.abs(t))

    found = derivative(f, x, full_output=True)
    points = np.asarray([1e-3, 0.0, 2.0, 1e6])
    exact = np.cos(points) + 1
    error, bar = np.abs(to_host(found.value) - exact), to_host(found.error)
    assert np.all((error <= bar)[[0, 2, 3]])
    assert np.all(bar[[0, 2, 3]] < 1e-7)
    assert to_host(found.flags.kink).tolist() == [False, True, False, False]
    assert bar[1] >= 0.9


def test_single_precision_keeps_its_dtype_and_says_how_good_it_is(quick_xp):
    xp = quick_xp
    x = xp.asarray([0.3, -1.0, 0.8], dtype=xp.float32)
    found = gradient(lambda t: xp.sum(xp.sin(t), axis=0), x, full_output=True)
    assert found.value.dtype == xp.float32
    assert found.error.dtype == xp.float32
    exact = np.cos(to_host(x).astype(float))
    error = np.abs(to_host(found.value) - exact)
    assert np.all(error <= to_host(found.error) + 1e-7)
    assert np.all(to_host(found.error) < 1e-4)


def test_directional_derivatives_of_trees_on_every_backend(quick_xp):
    xp = quick_xp
    x = {"a": xp.asarray([1.0, 2.0]), "b": xp.asarray(0.5)}
    v = {"a": xp.asarray([1.0, -1.0]), "b": xp.asarray(2.0)}

    def f(t):
        return {"y": xp.exp(t["a"]) * t["b"]}

    exact = np.exp([1.0, 2.0]) * (0.5 * np.asarray([1.0, -1.0]) + 2.0)
    for options in ({}, {"full_output": True}, {"method": "forward", "accuracy": 4}):
        found = directional(f, x, v, **options)
        value = found.value if options.get("full_output") else found
        np.testing.assert_allclose(to_host(value["y"]), exact, rtol=1e-8)


def test_jacobians_on_every_backend(quick_xp):
    xp = quick_xp
    x = xp.asarray([1.0, 2.0, 0.5])

    def f(t):
        return xp.stack([t[0, ...] * t[1, ...], xp.exp(t[2, ...])])

    exact = [[2.0, 1.0, 0.0], [0.0, 0.0, np.exp(0.5)]]
    for options in ({}, {"full_output": True}, {"sparsity": np.asarray(exact) != 0}):
        found = jacobian(f, x, **options)
        value = found.value if options.get("full_output") else found
        np.testing.assert_allclose(to_host(value), exact, rtol=0, atol=1e-9)


def test_bounds_are_never_left(quick_xp):
    xp = quick_xp
    x = xp.asarray([0.0, 0.5, 1.0, 0.999])
    points = np.asarray([0.0, 0.5, 1.0, 0.999])
    for method in (None, "central", "forward", "backward", "adaptive"):

        def f(t):
            values = to_host(t)
            assert np.all((values >= 0.0) & (values <= 1.0))
            return xp.exp(t)

        for accuracy in (None, 4) if method not in (None, "adaptive") else (None,):
            options = {} if accuracy is None else {"accuracy": accuracy}
            slopes = derivative(f, x, method=method, bounds=(0.0, 1.0), **options)
            tolerance = 1e-6 if method in ("forward", "backward") else 1e-8
            np.testing.assert_allclose(to_host(slopes), np.exp(points), rtol=tolerance)
    with pytest.raises(ArgumentError, match=r"derivative\(bounds\): got 0 and 0.5 for x\[2\] = 1"):
        derivative(f, x, bounds=(0.0, 0.5))
