"""Which functions a rebound function reaches: methods, partials, arguments, containers, modules."""

import asyncio
import functools
import sys

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError
from anygrad.tracing.rebinding import rebind
from anygrad.tracing.rebinding.rewriting import is_rewritten
from tests.support import assert_close
from tests.tracing.rebinding import helpers

X = np.array([0.3, 0.7, 1.1])


def test_generators_and_coroutines_are_rebound():
    def parts(x):
        for t in x:
            yield np.array([t, float(t) ** 2])

    async def square(x):
        await asyncio.sleep(0)
        return np.sum(np.array([x[0], x[1]]) ** 2)

    def f(x):
        return sum(np.sum(part) for part in parts(x)) + asyncio.run(square(x))

    assert_close(ag.grad(f)(X), 1.0 + 2.0 * X + 2.0 * X * np.array([1.0, 1.0, 0.0]))


def test_partials_methods_instances_and_decorated_functions():
    def twice(f):
        @functools.wraps(f)
        def inside(*args):
            return 2.0 * f(*args)

        return inside

    @twice
    def decorated(x):
        return np.sum(np.array([x[0], x[2]]))

    @functools.lru_cache
    def cached(n):
        return np.ones(n)

    class Loss:
        weight = 3.0

        def value(self, x):
            return np.sum(np.array([x[0], x[1]])) * self.weight * np.sum(cached(2))

        def __call__(self, x):
            return self.value(x)

    def scaled(c, x, power):
        return c * float(x[1]) ** power

    assert_close(ag.grad(decorated)(X), [2.0, 0.0, 2.0])
    assert_close(ag.grad(Loss().value)(X), [6.0, 6.0, 0.0])
    assert_close(ag.grad(Loss())(X), [6.0, 6.0, 0.0])
    part = functools.partial(scaled, 2.0, power=2)
    assert_close(ag.grad(part)(X), [0.0, 4.0 * X[1], 0.0])
    assert_close(ag.grad(lambda x: part(x))(X), [0.0, 4.0 * X[1], 0.0])


def test_a_cache_that_would_remember_traced_values_is_refused():
    @functools.lru_cache
    def remembered(t):
        return t * 2.0

    with pytest.raises(TypeError, match="unhashable"):
        ag.grad(lambda x: remembered(x[0]))(X)


def test_the_users_classes_are_reached():
    def f(x):
        model = helpers.Derived(x)
        square = helpers.Model.of_square(x)
        return model.value() + square(np.array([1.0, x[2]]))

    def norm(a, b):
        return np.sqrt(a * a + b * b)

    def by_hand(x):
        p, q = x[0], 2 * x[1]
        first = norm(1 + p, q + 2) * x[2]
        return first + norm(1 + x[0] ** 2 * x[2], 2 * x[1] + 2 * x[2])

    assert_close(ag.grad(f)(X), ag.grad(by_hand)(X))


def test_other_modules_of_the_user_are_reached_in_every_spelling():
    from tests.tracing.rebinding import helpers as other
    from tests.tracing.rebinding.helpers import area, fill

    def f(x):
        from tests.tracing.rebinding.helpers import inner

        return area(x) + np.sum(fill(x)) + other.area(x) + helpers.inner(x[2]) + inner(x[2])

    def by_hand(x):
        return 4.0 * x[0] * np.exp(x[1]) + 2.0 * np.sum(np.sin(x)) + 4.0 * np.sin(x[2])

    assert_close(ag.grad(f)(X), ag.grad(by_hand)(X))


def test_functions_given_as_arguments_are_rebound():
    def euler(right, y, h):
        return y + h * right(y)

    def right(y):
        z = np.zeros(3)
        z[0] = y[1] * y[2]
        return z

    def f(x, method, right):
        return np.sum(method(right, x, 0.5) ** 2)

    def by_hand(x):
        return np.sum((x + 0.5 * np.stack([x[1] * x[2], 0 * x[0], 0 * x[0]])) ** 2)

    assert_close(ag.grad(f)(X, euler, right), ag.grad(by_hand)(X))
    assert_close(ag.grad(lambda x: f(x, euler, right))(X), ag.grad(by_hand)(X))


def test_callables_in_variables_and_containers_are_reached():
    class Layer:
        def __init__(self, weight):
            self.weight = weight

        def __call__(self, x):
            return np.array([t * self.weight for t in x])

    layers = [Layer(2.0), Layer(3.0)]

    def f(x, layers, last, norm):
        for layer in layers:
            x = layer(x)
        return last(x) + norm(x, weight=float(x[0]), more=[t for t in x])

    def last(x):
        return float(x[2])

    def norm(x, weight, more):
        return np.array([weight, 1.0]).sum() * more[1]

    def by_hand(x):
        y = 6.0 * x
        return y[2] + (y[0] + 1.0) * y[1]

    assert_close(ag.grad(f)(X, layers, last, norm), ag.grad(by_hand)(X))


def test_elements_that_are_called_are_reached_where_the_interpreter_has_room():
    kinds = {"square": lambda t: float(t) ** 2}

    def f(x):
        return kinds["square"](x[0]) + max(*[x[1], x[2]]) + sum(*([x[1]],))

    if sys.version_info >= (3, 13):
        with pytest.raises(TraceError, match="float"):
            ag.grad(f)(X)
        return
    assert_close(ag.grad(f)(X), [2 * X[0], 1.0, 1.0])


def test_functions_of_libraries_are_left_alone():
    from statistics import geometric_mean

    from scipy.optimize import rosen

    assert rebind(rosen) is rosen
    assert rebind(np.cov) is not np.cov  # its twin, of our own
    assert not is_rewritten(np.cov.__wrapped__.__code__)

    def f(x):
        return float(x[0]) * geometric_mean([1.0, 4.0])

    assert_close(ag.grad(f)(X), [2.0, 0.0, 0.0])
    assert rebind(np.sin) is np.sin
    assert rebind(len) is len
    with pytest.raises(TraceError):
        ag.grad(rosen)(X)


def test_what_we_put_around_a_function_is_left():
    g = ag.grad(lambda x: float(x[0]) * x[1])
    assert rebind(g) is g  # it has the user's module by name
    assert_close(ag.grad(lambda x: np.sum(g(x)))(X), [1.0, 1.0, 0.0])
