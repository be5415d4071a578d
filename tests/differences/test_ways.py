"""All ways of evaluating give the same; what is chosen, how large calls are, and executors."""

import contextlib
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import anygrad as ag
from anygrad.differences import derivative, directional, gradient, hessian, jacobian
from anygrad.errors import ArgumentError, EvaluationError, ShapeError
from tests.support import forbid_host_copies, to_host

N = 6
X = np.linspace(0.5, 2.0, N)
WAYS = ("auto", "vmap", "stacked", "loop")
METHODS = ("central", "forward", "complex", "adaptive")


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as executor:
        yield executor


def same(values, method):
    """The ways round alike but for sums in another order, divided by a step."""
    error = {"forward": 1e-6, "central": 1e-8}.get(method, 1e-11)
    for value in values[1:]:
        np.testing.assert_allclose(value, values[0], rtol=0, atol=error)


# The same in every way


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_the_same_in_every_way(method):
    def f(x):
        return np.sum(np.exp(x) * x, axis=0)

    found = [gradient(f, X, method=method, evaluate=way) for way in WAYS]
    same(found, method)
    same([found[0], np.exp(X) * (X + 1)], method)


@pytest.mark.parametrize("method", METHODS)
def test_jacobians_are_the_same_in_every_way(method):
    def f(x):
        return np.stack([np.sum(x**3, axis=0), x[0] * np.sin(x[1])])

    found = [jacobian(f, X, method=method, evaluate=way) for way in WAYS]
    same(found, method)
    exact = np.zeros((2, N))
    exact[0] = 3 * X**2
    exact[1, :2] = np.sin(X[1]), X[0] * np.cos(X[1])
    same([found[0], exact], method)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_derivatives_are_the_same_in_every_way(method, order):
    if method == "complex" and order > 1:
        with pytest.raises(ArgumentError, match="order"):
            derivative(np.sin, X, method=method, order=order)
        return
    found = [derivative(np.sin, X, method=method, evaluate=way, order=order) for way in WAYS]
    exact = [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][order - 1](X)
    error = 1e-9 if method in ("adaptive", "complex") else 1e-7 if order == 1 else 1e-2
    for value in found:
        np.testing.assert_allclose(value, exact, rtol=0, atol=error)


@pytest.mark.parametrize("axis", [0, -1])
def test_every_way_works_on_every_backend(quick_xp, axis):
    xp = quick_xp
    x = xp.asarray(X.tolist())

    def f(x):
        return ag.namespace(x).sum(x**3, axis=0 if axis == -1 or len(x.shape) == 1 else 1)

    for way in WAYS:
        for options in ({}, {"full_output": True}):
            found = gradient(f, x, evaluate=way, stack_axis=axis, **options)
            value = found.value if options else found
            np.testing.assert_allclose(to_host(value), 3 * X**2, rtol=1e-8)
            if options and way != "auto":
                assert found.evaluation == way
            slopes = derivative(lambda x: x**3, x, evaluate=way, stack_axis=axis, **options)
            value = slopes.value if options else slopes
            np.testing.assert_allclose(to_host(value), 3 * X**2, rtol=1e-8)


# What is chosen


CHOSEN = {
    "stacked": [
        lambda x: np.sum(x**2, axis=0),
        lambda x: x[0] * x[1] ** 2 + np.sin(x[5]),
        lambda x: np.sum(np.roll(x, 1, axis=0) * x, axis=0),
    ],
    "vmap": [
        lambda x: np.sum(x**2),
        lambda x: np.sum((x - np.roll(x, 1)) ** 3),
        lambda x: x @ np.diag(X) @ x,
    ],
    "loop": [
        lambda x: float(x[0]) ** 2 + math.sin(x[1]),
        lambda x: np.asarray([float(v) for v in x]).sum(),
        lambda x: np.sort(np.asarray(x.tolist()))[0] ** 2,
    ],
}


@pytest.mark.parametrize(("way", "f"), [(way, f) for way, fs in CHOSEN.items() for f in fs])
def test_auto_takes_the_quickest_way_that_is_right(way, f):
    found = gradient(f, X, full_output=True)
    # what tracing a float gives is right as well
    assert found.evaluation == way or (way == "loop" and found.evaluation == "vmap")
    alone = gradient(f, X, evaluate="loop", full_output=True)
    np.testing.assert_allclose(found.value, alone.value, rtol=0, atol=1e-10)
    full = jacobian(lambda x: f(x), X, full_output=True)
    assert full.evaluation == found.evaluation


def test_what_cannot_be_traced_goes_one_by_one():
    class Solver:
        """Holds numbers of the host and refuses anything else."""

        def __call__(self, x):
            if x.__class__ is not np.ndarray or x.shape != (N,):
                message = "a vector of six numbers, please"
                raise TypeError(message)
            return float(np.dot(x, x))

    found = gradient(Solver(), X, full_output=True)
    assert found.evaluation == "loop"
    np.testing.assert_allclose(found.value, 2 * X, rtol=1e-12)


def refuses_more_axes(t):
    if t.shape != (N,):
        message = "one vector, please"
        raise ValueError(message)
    return t * np.arange(1.0, N + 1)


ELEMENTWISE = {
    "elements": (np.sin, np.cos(X)),
    "loop": (refuses_more_axes, np.arange(1.0, N + 1)),
    "numbers": (math.sin, np.cos(X)),
}


@pytest.mark.parametrize("way", ELEMENTWISE)
def test_elementwise_functions_are_evaluated_as_they_allow(way):
    f, exact = ELEMENTWISE[way]
    found = derivative(f, X, full_output=True)
    assert found.evaluation == way
    np.testing.assert_allclose(found.value, exact, rtol=1e-8)
    for method in ("central", "forward"):
        value = derivative(f, X, method=method)
        np.testing.assert_allclose(value, exact, rtol=1e-6)


def test_data_of_the_shape_of_x_are_held_beside_some_elements():
    # kinks at two elements need more rungs, for those elements only
    data = np.linspace(1.0, 2.0, N)
    corner = np.where(np.arange(N) % 3 == 0, X, 100.0)

    moved = []

    def f(t):
        if t.ndim == 2:
            moved.append(np.any(t != X, axis=0))
        return data * (np.abs(t - corner) + t**2)

    found = derivative(f, X, full_output=True)
    assert found.evaluation == "stacked"
    assert moved[-1].tolist() == (np.arange(N) % 3 == 0).tolist()  # the others stay at x
    assert found.flags.kink.tolist() == (np.arange(N) % 3 == 0).tolist()
    smooth = ~found.flags.kink
    np.testing.assert_allclose(found.value[smooth], (data * (2 * X - 1))[smooth], rtol=1e-9)


def test_vmap_of_a_function_that_is_another_when_traced_is_refused():
    def sly(t):
        return t**2 if t.__class__ is np.ndarray else 0.0 * t

    with pytest.raises(ArgumentError, match=r"derivative\(evaluate\): got 'vmap'"):
        derivative(sly, X, evaluate="vmap")


# How large calls are


@pytest.mark.parametrize("way", ["auto", "stacked", "vmap"])
@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("what", ["gradient", "directional", "sparse"])
def test_calls_have_no_more_points_than_bytes_allow(what, way, method):
    n, points = 12, 30
    x = np.linspace(0.5, 1.0, n)
    sizes = []

    def f(x):
        traced = not isinstance(x, np.ndarray)
        sizes.append(0 if traced else x.shape[1] if len(x.shape) > 1 else 1)
        return x**2 if what == "sparse" else np.sum(x**2, axis=0)

    run = {
        "gradient": gradient,
        "directional": lambda f, x, **options: directional(f, x, x, **options),
        "sparse": lambda f, x, **options: jacobian(f, x, sparsity=np.ones((n, n)), **options),
    }[what]
    value = run(f, x, method=method, evaluate=way, batch_bytes=8 * n * points)
    exact = {"gradient": 2 * x, "directional": np.sum(2 * x * x), "sparse": np.diag(2 * x)}[what]
    np.testing.assert_allclose(value, exact, atol=1e-8)
    # of two probes, one may be repeated
    assert max(sizes) <= points + (4 if way == "auto" else 0)
    if what == "gradient" and way == "stacked":
        many = [size for size in sizes if size > 1]
        assert max(many) > points // 2
        assert len(many) == (1 if method == "central" else math.ceil(n * 10 / 30))


def test_elementwise_calls_have_no_more_points_than_bytes_allow():
    sizes = []

    def f(t):
        sizes.append(t.size)
        return np.exp(t)

    for way in ("auto", "stacked"):
        sizes.clear()
        value = derivative(f, X, method="central", accuracy=8, evaluate=way, batch_bytes=8 * N * 3)
        np.testing.assert_allclose(value, np.exp(X), rtol=1e-11)
        assert max(sizes) == 3 * N


def test_calls_have_300_kilobytes_by_default():
    sizes = []

    def f(x):
        sizes.append(x.nbytes)
        return np.sum(x**2, axis=0)

    n = 500
    gradient(f, np.linspace(0.5, 1.0, n), evaluate="stacked")
    assert 200_000 < max(sizes) <= 300 << 10


# Executors


def total(x):
    return np.sum(np.exp(x))


@pytest.mark.parametrize("options", [{}, {"method": "forward"}, {"full_output": True}])
def test_executors_give_the_same_values(threads, options):
    calls = {
        "gradient": lambda **o: gradient(total, X, **o),
        "jacobian": lambda **o: jacobian(lambda x: x[:2] * np.sum(x), X, **o),
        "sparse": lambda **o: jacobian(lambda x: x**2, X, sparsity=np.eye(N), **o),
        "derivative": lambda **o: derivative(np.exp, X, **o),
        "second": lambda **o: derivative(np.exp, X, order=2, **o),
        "directional": lambda **o: directional(np.exp, X, X, **o),
        "hessian": lambda **o: hessian(total, X, gradient="numerical", **o),
        "hessian of a gradient": lambda **o: hessian(total, X, gradient=np.exp, **o),
    }
    for name, run in calls.items():
        if name == "hessian" and "method" in options:
            continue
        one, many = run(evaluate="loop", **options), run(executor=threads, **options)
        if options.get("full_output"):
            assert many.evaluation == "loop", name
            assert many.evaluations == one.evaluations, name
            np.testing.assert_array_equal(many.error, one.error, err_msg=name)
            one, many = one.value, many.value
        np.testing.assert_array_equal(many, one, err_msg=name)


def test_an_executor_evaluates_the_values_of_a_hessian_that_has_none_said(threads):
    import threading

    seen = set()

    def f(x):
        seen.add(threading.current_thread().name)
        return np.sum(x**3)

    found = hessian(f, X, executor=threads)
    np.testing.assert_allclose(found, np.diag(6 * X), rtol=0, atol=1e-8)
    assert any(name.startswith("ThreadPool") for name in seen)
    automatic = hessian(f, X, executor=threads, gradient="automatic")
    np.testing.assert_allclose(automatic, np.diag(6 * X), rtol=0, atol=1e-13)


def stop_above(limit):
    def f(x):
        if np.any(np.asarray(x) > limit):
            message = "the solver has left its table"
            raise LookupError(message)
        return np.sum(np.asarray(x) ** 2)

    return f


@pytest.mark.parametrize("options", [{}, {"full_output": True}])
def test_a_function_that_fails_at_a_point_is_told_with_its_number(threads, options):
    f = stop_above(2.0)
    for where, run in {
        "gradient": lambda: gradient(f, X, executor=threads, **options),
        "jacobian": lambda: jacobian(f, X, executor=threads, **options),
        "directional": lambda: directional(f, X, X, executor=threads, **options),
        "hessian": lambda: hessian(f, X, gradient="numerical", executor=threads, **options),
        "derivative": lambda: derivative(
            lambda t: stop_above(2.0)(t) * t, X, executor=threads, **options
        ),
    }.items():
        with pytest.raises(EvaluationError, match=rf"{where}\(f\).*left its table.*at point \d+"):
            run()
    with pytest.raises(EvaluationError) as caught:
        gradient(f, X, executor=threads)
    # six elements above, the last of which fails, then six below
    places = {i for i in range(2 * N)} - set(caught.value.values)
    assert len(places) == 1
    assert set(caught.value.missing) == places


def test_executors_get_single_points_only(threads):
    with pytest.raises(ArgumentError, match=r"gradient\(executor\).*one point at a time"):
        gradient(total, X, executor=threads, evaluate="stacked")
    with pytest.raises(ArgumentError, match=r"derivative\(executor\)"):
        derivative(np.sin, X, executor=object())


# On a device


def test_fixed_steps_never_read_the_device(quick_xp):
    xp = quick_xp
    n = 300
    x = xp.asarray(np.linspace(0.1, 2.0, n).tolist())
    v = xp.asarray(np.linspace(1.0, 2.0, n).tolist())
    with forbid_host_copies() if xp.name != "numpy" else contextlib.nullcontext():
        for method in ("central", "forward", "backward"):
            options = {"method": method, "evaluate": "stacked"}
            slopes = gradient(lambda x: xp.sum(x**2, axis=0), x, **options)
            rows = jacobian(lambda x: xp.stack([xp.sum(x**2, axis=0), x[0, ...]]), x, **options)
            along = directional(lambda x: xp.sum(x**2, axis=0), x, v, **options)
            each = derivative(lambda x: x**2, x, **options)
    exact = 2 * np.linspace(0.1, 2.0, n)
    for found in (slopes, rows[0, :], each):
        assert type(found) is type(x)
        assert found.device == x.device
        np.testing.assert_allclose(to_host(found), exact, rtol=0, atol=1e-4)
    np.testing.assert_allclose(to_host(along), exact @ np.linspace(1.0, 2.0, n), rtol=1e-5)


@pytest.mark.parametrize("routine", [gradient, jacobian])
def test_ten_thousand_elements_go_in_batches_without_a_host_copy(quick_xp, routine):
    xp, n = quick_xp, 10_000
    x = xp.asarray(np.linspace(0.1, 2.0, n).tolist())
    sizes = []

    def f(x):
        sizes.append(x.shape)
        return x[0, ...] ** 2 + x[5, ...] * x[n - 1, ...]

    # 100 MB a call, 1310 points
    options = {"method": "forward", "evaluate": "stacked", "batch_bytes": 100 << 20}
    with forbid_host_copies():
        slopes = routine(f, x, **options)
    assert sizes.count((n, 1310)) == 7
    assert type(slopes) is type(x)
    exact = np.zeros(n)
    exact[[0, 5, n - 1]] = 0.2, 2.0, to_host(x)[5]
    np.testing.assert_allclose(to_host(slopes), exact, rtol=0, atol=1e-6)


def test_estimates_live_on_the_device(quick_xp):
    xp = quick_xp
    x = xp.asarray(X.tolist())
    for found in (
        gradient(lambda x: xp.sum(x**2, axis=0), x, full_output=True),
        jacobian(lambda x: x**2, x, full_output=True),
        hessian(lambda x: xp.sum(x**2, axis=0), x, gradient="numerical", full_output=True),
        derivative(lambda x: x**2, x, full_output=True),
        directional(lambda x: x**2, x, x, full_output=True),
    ):
        flags = [getattr(found.flags, name) for name in ("kink", "singular", "noisy", "one_sided")]
        second = [] if found.second is None else [found.second]
        for array in (found.value, found.error, found.step, found.noise, *second, *flags):
            assert type(array) is type(x)
            assert array.device == x.device
        assert found.value.dtype == x.dtype
        assert flags[0].dtype == xp.bool


def test_stacked_values_must_have_the_points_where_they_were_put():
    with pytest.raises(ShapeError, match=r"jacobian\(f\).*stacked points"):
        jacobian(lambda x: np.sum(x), X, evaluate="stacked")
    with pytest.raises(ShapeError, match=r"derivative\(f\).*same shape"):
        derivative(lambda t: np.sum(t, axis=0), X, evaluate="stacked")
