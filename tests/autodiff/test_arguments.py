"""Which arguments are differentiated, in which structures, by which callables."""

import math
from collections import namedtuple
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, value_and_grad, vjp
from tests.support import assert_close

X = np.array([0.5, -1.25, 2.0])
Layer = namedtuple("Layer", "w b")


@dataclass
class Model:
    w: np.ndarray
    name: str = field(default="m", metadata={"static": True})


def test_argnums_choose_and_keywords_pass():
    def f(a, b, *, scale=1.0):
        return np.sum(a * b**2) * scale

    a, b = X, X + 3.0
    assert_close(grad(f)(a, b), b**2)
    assert_close(grad(f, 1)(a, b, scale=2.0), 4 * a * b)
    assert_close(grad(f, -1)(a, b), 2 * a * b)
    assert_close(grad(f, (1, 0))(a, b), (2 * a * b, b**2))
    v, (ga,) = value_and_grad(f, (0,))(a, b)
    assert_close(ga, b**2)
    assert_close(v, f(a, b))


def test_trees_keep_their_structure():
    params = {
        "layers": [Layer(X, 2.0), (X * 2, None)],
        "model": Model(X - 1.0),
    }

    def f(p):
        first, (second, _) = p["layers"]
        return np.sum(first.w * first.b * second) + np.sum(p["model"].w ** 2)

    g = grad(f)(params)
    assert_close(g["layers"][0].w, 4.0 * X)
    assert_close(g["layers"][0].b, np.sum(2 * X * X))
    assert_close(g["layers"][1], (2 * X, None))
    assert isinstance(g["model"], Model)
    assert g["model"].name == "m"
    assert_close(g["model"].w, 2 * (X - 1))


def test_aux_comes_back_untraced():
    def f(x):
        y = x * 2.0
        return np.sum(y), {"doubled": y, "note": "text", "n": 3}

    (v, aux), g = value_and_grad(f, has_aux=True)(X)
    assert_close(aux["doubled"], 2 * X)
    assert (aux["note"], aux["n"]) == ("text", 3)
    assert_close(g, np.full(3, 2.0))
    assert_close(v, np.sum(2 * X))
    g, aux = grad(f, has_aux=True)(X)
    assert type(aux["doubled"]) is np.ndarray
    _, pullback, aux = vjp(f, X, has_aux=True)
    assert type(aux["doubled"]) is np.ndarray
    assert_close(pullback(1.0)[0], np.full(3, 2.0))
    _, tangent, aux = jvp(f, (X,), (X,), has_aux=True)
    assert type(aux["doubled"]) is np.ndarray
    assert_close(tangent, np.sum(2 * X))


def test_vjp_and_jvp_of_trees():
    def f(p, x):
        return {"a": p["w"] * x, "b": (np.sum(x), 3.0)}

    p, x = {"w": X}, X + 1.0
    out, pullback = vjp(f, p, x)
    assert_close(out["a"], X * x)
    u = {"a": np.array([1.0, 2.0, 3.0]), "b": (2.0, 5.0)}
    gp, gx = pullback(u)
    assert_close(gp, {"w": u["a"] * x})
    assert_close(gx, u["a"] * X + 2.0)
    again = pullback(u)
    assert_close(again, (gp, gx))
    _, tangent = jvp(f, (p, x), ({"w": X}, X))
    assert_close(tangent["a"], X * x + X * X)
    assert_close(np.asarray(tangent["b"][0]), np.sum(X))
    assert tangent["b"][1] == 0.0


def test_methods_partials_and_callable_objects_differentiate():
    class Quadratic:
        def __init__(self, a):
            self.a = a

        def __call__(self, x):
            return np.sum(self.a * x * x)

        def method(self, x):
            return self(x) * 2

    q = Quadratic(3.0)
    assert_close(grad(q)(X), 6 * X)
    assert_close(grad(q.method)(X), 12 * X)
    assert_close(grad(partial(lambda k, x: k * np.sum(x), 4.0))(X), np.full(3, 4.0))
    fs = [lambda x, k=k: np.sum(x) * k for k in range(3)]
    assert [grad(f)(2.0) for f in fs[1:]] == [1.0, 2.0]


def test_control_flow_recursion_and_exceptions():
    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    assert grad(lambda x: power(x, 4))(2.0) == 32.0

    def newton_root(a):
        x = a
        while abs(x * x - a) > 1e-14:
            x = 0.5 * (x + a / x)
        return x

    assert grad(newton_root)(2.0) == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-7)

    def failing(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(failing)(1.0)
    assert grad(np.sin)(0.0) == 1.0  # nothing is left behind


def test_a_generator_carries_traced_values():
    def partial_sums(x):
        total = 0.0
        for part in x:
            total = total + part * part
            yield total

    assert_close(grad(lambda x: sum(partial_sums(x)))(X), 2 * X * np.array([3.0, 2.0, 1.0]))
