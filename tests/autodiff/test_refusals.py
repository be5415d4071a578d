"""What the transformations refuse, and how they say it."""

from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import grad, jvp, stop_gradient, value, vjp
from anygrad.errors import (
    ArgumentError,
    DTypeError,
    MixedBackendError,
    ShapeError,
    TraceError,
    UnusedInputWarning,
)
from tests.support import assert_close

X = np.array([0.5, -1.25, 2.0])
Layer = namedtuple("Layer", "w b")


@dataclass
class Model:
    w: np.ndarray
    name: str = field(default="m", metadata={"static": True})


@pytest.mark.parametrize(
    "bad", [3, True, np.array([1, 2]), [1.0, 2], {"w": np.array([True])}, "text"]
)
def test_integers_and_other_things_are_refused_by_path(bad):
    with pytest.raises(DTypeError, match=r"args\[0\].*floating|astype"):
        grad(lambda x: x)(bad)


def test_a_result_with_dimensions_is_refused():
    for f in (lambda x: x, lambda x: x[:1], lambda x: np.sum(x, keepdims=True)):
        with pytest.raises(ShapeError, match="0-d"):
            grad(f)(X)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match=r"callable|function"):
        grad(3.0)
    with pytest.raises(ArgumentError, match="argnums"):
        grad(np.sin, 1)(1.0)
    with pytest.raises(ArgumentError, match="argnums"):
        grad(np.multiply, (0, 0))(1.0, 2.0)
    with pytest.raises(ArgumentError, match="argnums"):
        grad(np.sin, "x")(1.0)
    with pytest.raises(ArgumentError, match="has_aux"):
        grad(np.sin, has_aux=True)(1.0)
    with pytest.raises(ArgumentError, match="returned"):
        grad(lambda x: None)(1.0)
    with pytest.raises(ShapeError, match="tuples"):
        jvp(np.sin, 1.0, 1.0)
    with pytest.raises(ShapeError, match="shape"):
        jvp(np.sin, (X,), (X[:2],))
    with pytest.raises(ShapeError, match="shape"):
        vjp(np.sin, X)[1](np.ones(2))
    with pytest.raises(ShapeError, match="structure"):
        vjp(lambda x: (x, x), X)[1](np.ones(3))


def test_values_that_leave_their_transformation_are_noticed():
    box = []

    def keep(x):
        box.append(x * 2.0)
        return np.sum(x)

    grad(keep)(X)
    with pytest.raises(TraceError, match="ended"):
        grad(lambda x: np.sum(x * box[0]))(X)
    box.clear()

    def leak(x):
        grad(keep)(X)
        return np.sum(x + box[0])

    with pytest.raises(TraceError, match="ended"):
        grad(leak)(X)
    with pytest.raises(TraceError, match="ended"):
        jvp(leak, (X,), (X,))


def test_an_input_without_influence_gives_zeros_and_one_warning():
    def f(a, b):
        return np.sum(a)

    with pytest.warns(UnusedInputWarning, match=r"args\[1\]|args"):
        g = grad(f, (0, 1))(X, X)
    assert_close(g, (np.ones(3), np.zeros(3)))
    grad(f, (0, 1))(X, X)  # the second time in silence

    def g(x):
        return 3.0

    with ag.use_settings(warn_unused=False):
        assert grad(g)(2.0) == 0.0
    with pytest.warns(UnusedInputWarning):
        grad(g)(2.0)


def test_mixing_libraries_names_both():
    strict = pytest.importorskip("array_api_strict", reason="needs array-api-strict")
    s = strict.asarray([1.0, 2.0, 3.0])
    for f in (lambda x: np.sum(x * s), lambda x: np.sum(x @ s), lambda x: np.hypot(x, s)):
        with pytest.raises(MixedBackendError, match=r"numpy.*strict|strict.*numpy"):
            grad(f)(X)
    with pytest.raises(MixedBackendError, match=r"numpy.*strict|strict.*numpy"):
        vjp(lambda x: np.maximum(x, s), X)


def test_stop_gradient_and_value():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert grad(lambda x: x * float(value(x)))(3.0) == 3.0
    assert grad(grad(lambda x: x * x * stop_gradient(x)))(3.0) == 6.0
    assert_close(stop_gradient({"a": X}), {"a": X})
    _, tangent = jvp(lambda x: x * stop_gradient(x), (3.0,), (1.0,))
    assert tangent == 3.0


def test_mixing_devices_names_both():
    strict = pytest.importorskip("array_api_strict", reason="needs array-api-strict")
    here = strict.asarray([1.0, 2.0, 3.0])
    there = strict.asarray([1.0, 2.0, 3.0], device=strict.Device("device1"))
    for f in (
        lambda x: strict.sum(x * there),
        lambda x: x @ there,
        lambda x: x.__array_namespace__().where(x > 0.0, x, there),
    ):
        with pytest.raises(MixedBackendError, match=r"CPU_DEVICE.*device1|device1.*CPU_DEVICE"):
            vjp(f, here)


def test_a_0d_array_has_a_0d_array_as_gradient(xp):
    x = {"b": xp.asarray(2.0), "unused": xp.asarray(1.0)}
    with ag.use_settings(warn_unused=False):
        g = grad(lambda p: p["b"] * p["b"])(x)
    assert type(g["b"]) is type(x["b"])
    assert type(g["unused"]) is type(x["b"])
    assert_close(g, {"b": np.asarray(4.0), "unused": np.asarray(0.0)})


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (lambda f: ag.grad(f)(X), r"traced value of grad\(.*keeper.*\)"),
        (lambda f: ag.vjp(f, X), r"traced value of vjp\(.*keeper.*\)"),
        (lambda f: ag.jvp(f, (X,), (X,)), r"traced value of jvp\(.*keeper.*\)"),
        (lambda f: ag.vmap(f)(X), r"traced value of vmap\(.*keeper.*\)"),
    ],
)
def test_a_value_that_escaped_tells_where_it_came_from(transform, words):
    kept = []

    def keeper(x):
        kept.append(x * 2.0)
        return np.sum(x)

    transform(keeper)
    with pytest.raises(TraceError, match=words):
        np.sin(kept[0])
