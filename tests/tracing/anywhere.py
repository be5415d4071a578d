"""The same function on every library: values and gradients of NumPy's arrays are the reference."""

import numpy as np
import pytest

import anygrad as ag
from tests.support import assert_close, open_namespace, reason_missing


def check_library(f, x, xp):
    """Value and pullback of ``f(namespace, x)`` are those of NumPy's arrays."""

    def g(x):
        return f(ag.namespace(x), x)

    expected, expected_pullback = ag.vjp(g, x)
    value, pullback = ag.vjp(g, xp.asarray(x))
    assert_close(value, np.asarray(expected))
    u = np.cos(np.arange(np.size(expected), dtype=float)).reshape(np.shape(expected))
    u = u.astype(np.asarray(expected).dtype)
    assert_close(pullback(xp.asarray(u))[0], np.asarray(expected_pullback(u)[0]))


def not_jax(xp):
    """Leave JAX, which compiles every operation first, to the slow tests."""
    if xp.name == "jax":
        pytest.skip("JAX compiles for seconds; it is among the slow tests")


def jax_namespace():
    """The namespace of JAX, where it is installed."""
    reason = reason_missing("jax")
    if reason:
        pytest.skip(reason)
    return open_namespace("jax")


def library_tests(cases, x):
    """The tests that every library gives the same for each of some functions of a namespace."""
    each = pytest.mark.parametrize("name", cases)

    @each
    def on_every_library(name, xp):
        not_jax(xp)
        check_library(cases[name], x, xp)

    @pytest.mark.slow
    @each
    def on_jax(name):
        check_library(cases[name], x, jax_namespace())

    return on_every_library, on_jax
