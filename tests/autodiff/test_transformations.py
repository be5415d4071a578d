"""The transformations as users meet them: arguments, trees, nesting, results, refusals."""

import asyncio
import gc
import math
import threading
import weakref
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import grad, jvp, stop_gradient, value, value_and_grad, vjp
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


# Results ------------------------------------------------------------------------------------------


def test_value_and_gradient_come_together():
    v, g = value_and_grad(lambda x: np.sum(x**3))(X)
    assert_close(v, np.sum(X**3))
    assert_close(g, 3 * X**2)


def test_gradients_follow_library_device_and_dtype(xp):
    for dtype in (xp.float64, xp.float32):
        x = xp.asarray([0.5, -1.25, 2.0], dtype=dtype)
        v, g = value_and_grad(lambda x: x.__array_namespace__().sum(x * x))(x)
        assert type(g) is type(x)
        assert g.dtype == x.dtype
        assert v.dtype == x.dtype
        assert ag.backends.device_of(g) == ag.backends.device_of(x)
        assert_close(g, (2 * X).astype(np.float32 if dtype == xp.float32 else np.float64))


def test_python_numbers_are_primals():
    assert grad(lambda x: x * x)(3.0) == 6.0
    assert grad(np.sin)(0.0) == 1.0
    assert grad(abs)(3.0 + 4.0j) == pytest.approx(0.6 + 0.8j)
    assert jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5)) == (6.0, 4.0)


def test_higher_orders_of_a_power_are_exact():
    f = g = lambda x: x**5
    for expected in (5 * 16.0, 20 * 8.0, 60 * 4.0, 120 * 2.0, 120.0, 0.0):
        g = grad(g)
        with ag.use_settings(warn_unused=False):
            assert g(2.0) == expected
    assert f(2.0) == 32.0


def test_orders_of_sine_alternate_in_both_modes():
    def forward(f):
        return lambda x: jvp(f, (x,), (1.0,))[1]

    for wrap in (grad, forward):
        g = np.sin
        for expected in (math.cos, lambda t: -math.sin(t), lambda t: -math.cos(t), math.sin):
            g = wrap(g)
            assert g(0.7) == pytest.approx(expected(0.7), rel=1e-14)
    assert grad(forward(grad(np.sin)))(0.7) == pytest.approx(-math.cos(0.7), rel=1e-14)
    assert forward(grad(forward(np.sin)))(0.7) == pytest.approx(-math.cos(0.7), rel=1e-14)


def test_inner_and_outer_variables_are_not_confused():
    # d/dx [ x d/dy (x y) ] = 2 x; a shared tag would give x or 3 x (Siskind and Pearlmutter 2005).
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert jvp(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 6.0
    assert grad(lambda x: x * jvp(lambda y: x * y * y, (2.0,), (1.0,))[1])(3.0) == 24.0
    assert jvp(lambda x: x * grad(lambda y: x * y * y)(2.0), (3.0,), (1.0,))[1] == 24.0
    # a function that returns the outer variable
    with ag.use_settings(warn_unused=False):
        assert grad(lambda x: grad(lambda y: x)(1.0) + x)(3.0) == 1.0


def test_three_captured_levels():
    def f(x):
        return grad(lambda y: grad(lambda z: np.sin(x * y * z))(1.5) * x)(0.5)

    # d/dz sin(xyz) = xy cos(xyz); d/dy [x^2 y cos(xyz)] = x^2 cos(xyz) - x^3 y z sin(xyz), z = 1.5
    def by_hand(x, y=0.5, z=1.5):
        a = x * y * z
        return x**2 * np.cos(a) - x**3 * y * z * np.sin(a)

    assert f(0.8) == pytest.approx(by_hand(0.8), rel=1e-13)
    h = 1e-5
    assert grad(f)(0.8) == pytest.approx(
        (by_hand(0.8 + h) - by_hand(0.8 - h)) / (2 * h), abs=1e-9
    )  # truncation of the difference


def test_hessian_vector_product_of_rosenbrock():
    def f(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, y, z = X
    hessian = np.array(  # by hand
        [
            [1200 * x**2 - 400 * y + 2, -400 * x, 0],
            [-400 * x, 200 + 1200 * y**2 - 400 * z + 2, -400 * y],
            [0, -400 * y, 200],
        ]
    )
    v = np.array([1.0, -2.0, 0.5])
    assert_close(jvp(grad(f), (X,), (v,))[1], hessian @ v)
    assert_close(grad(lambda x: np.sum(grad(f)(x) * v))(X), hessian @ v)


# Arguments and trees ------------------------------------------------------------------------------


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


# What is kept, freed, shared ----------------------------------------------------------------------


def test_results_are_arrays_of_their_own():
    a, b = X.copy(), X.copy()
    ga, gb = grad(lambda a, b: np.sum(a + b), (0, 1))(a, b)
    ga += 1.0
    assert_close(gb, np.ones(3))
    _, pullback = vjp(lambda x: x, X)
    u = np.ones(3)
    (g,) = pullback(u)
    g += 1.0
    assert_close(u, np.ones(3))
    g = grad(lambda x: np.sum(x.reshape(3, 1)))(X)
    g *= 2.0
    assert_close(g, np.full(3, 2.0))


def test_inputs_and_read_only_inputs_are_left_alone():
    x = X.copy()
    x.flags.writeable = False
    assert_close(grad(lambda x: np.sum(x * x[::-1]))(x), 2 * X[::-1])


def test_the_tape_frees_what_it_recorded():
    class Marked(np.ndarray):
        pass

    seen = []

    def f(x):
        y = np.exp(x)
        seen.append(weakref.ref(ag.value(y)))
        return np.sum(y * y)

    grad(f)(X)
    gc.collect()
    assert seen[0]() is None


def test_a_constant_factor_does_not_keep_the_other_operand():
    from anygrad.tracing import Tape

    tape = Tape()
    x = tape.variable(X)
    2.0 * x + X
    kept = [part for entry in tape.entries[1:] for part in (entry[4] or ()) if part is X]
    assert kept == []


# Threads and tasks --------------------------------------------------------------------------------


def test_threads_do_not_meet():
    def third(k):
        return grad(grad(lambda t: np.sin(t) * t**3))(1.0 + k)

    ks = [k / 100 for k in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(third, ks)) == [third(k) for k in ks]


def test_a_worker_thread_inside_a_traced_function():
    def f(x):
        box = []
        worker = threading.Thread(target=lambda: box.append(grad(lambda y: y * y * x)(2.0)))
        worker.start()
        worker.join()
        return box[0] * x

    assert grad(f)(3.0) == 24.0  # f = 4 x^2


def test_tasks_do_not_meet():
    async def one(k):
        def f(x):
            return x**k

        await asyncio.sleep(0)
        return grad(f)(2.0)

    async def all_of_them():
        return await asyncio.gather(*(one(float(k)) for k in range(1, 6)))

    assert asyncio.run(all_of_them()) == [k * 2.0 ** (k - 1) for k in range(1, 6)]


# Complex ------------------------------------------------------------------------------------------


def test_complex_gradient_is_steepest_ascent():
    z = np.array([1.0 + 2.0j, -0.5j])
    assert_close(grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * z)
    assert_close(grad(lambda z: np.sum((z * np.conj(z)).real))(z), 2 * z)
    c = 0.3 - 0.7j
    # d/dRe + i d/dIm of Re(c z) is conj(c)
    assert_close(grad(lambda z: np.sum((c * z).real))(z), np.full(2, np.conj(c)))
    assert_close(grad(lambda z: np.sum(np.imag(c * z)))(z), np.full(2, np.conj(-1j * c)))


def test_a_real_variable_in_complex_code_gets_a_real_gradient():
    w = np.array([0.4 + 0.1j, -1.0j, 2.0])
    g = grad(lambda x: np.sum(np.abs(np.exp(1j * x) + w) ** 2))(X)
    assert g.dtype == np.float64
    # |e^ix + w|^2 = 1 + |w|^2 + 2 Re(conj(w) e^ix); derivative -2 Im(conj(w) e^ix)
    assert_close(g, -2 * np.imag(np.conj(w) * np.exp(1j * X)))


def test_holomorphic_derivative():
    z = 0.3 + 0.4j
    assert grad(np.exp, holomorphic=True)(z) == pytest.approx(np.exp(z))
    assert grad(lambda z: z**3, holomorphic=True)(z) == pytest.approx(3 * z**2)
    with pytest.raises(DTypeError, match="holomorphic"):
        grad(np.exp)(z)


# Ties and kinks: documented choices ---------------------------------------------------------------


def test_choices_at_ties_are_the_same_on_every_backend(xp):
    def of(f, numbers):
        return grad(lambda x: f(x.__array_namespace__(), x))(xp.asarray(numbers))

    assert_close(of(lambda ns, x: ns.max(x), [1.0, 3.0, 3.0]), [0.0, 0.5, 0.5])
    assert_close(of(lambda ns, x: ns.min(x), [1.0, 1.0, 3.0]), [0.5, 0.5, 0.0])
    assert_close(of(lambda ns, x: ns.sum(ns.maximum(x, 0.0)), [0.0, 1.0, -1.0]), [0.5, 1.0, 0.0])
    assert_close(of(lambda ns, x: ns.sum(ns.clip(x, 0.0, 1.0)), [0.0, 0.5, 1.0]), [0.5, 1.0, 0.5])
    assert_close(of(lambda ns, x: ns.sum(ns.abs(x)), [0.0, -2.0]), [0.0, -1.0])
    assert_close(of(lambda ns, x: ns.prod(x), [2.0, 0.0, 3.0]), [0.0, 6.0, 0.0])
    assert_close(of(lambda ns, x: ns.prod(x), [2.0, 0.0, 0.0]), [0.0, 0.0, 0.0])


def test_powers_at_zero():
    for n, expected in ((0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0), (2.0, 0.0), (1.0, 1.0)):
        with ag.use_settings(warn_unused=False):
            assert grad(lambda x, n=n: x**n)(0.0) == expected
    e = np.array([0.0, 1.0, 2.0, 3.0])
    assert_close(grad(lambda x: np.sum(x**e))(np.zeros(4)), [0.0, 1.0, 0.0, 0.0])
    assert_close(grad(lambda b: np.sum(np.zeros(2) ** b))(np.array([1.0, 2.0])), [0.0, 0.0])


# Refusals -----------------------------------------------------------------------------------------


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
