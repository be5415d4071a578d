"""Numerical Jacobians are those of ag.jacobian: any tree, method, dtype, within bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anygrad as ag
from anygrad.differences import jacobian
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from tests.differences.test_directional import FIXED, bound_of, point, values_of
from tests.support import assert_close, to_host

A = np.random.default_rng(3).uniform(-0.7, 0.7, size=(4, 3))


def waves(x):
    """Four values of three elements, and of points stacked behind them."""
    return np.sin(np.tensordot(A, x, 1)) * x[0]


def waves_jacobian(x):
    y = A @ x
    found = np.cos(y)[:, None] * A * x[0]
    found[:, 0] += np.sin(y)
    return found


def test_a_tree_gives_what_the_automatic_one_gives(quick_xp):
    x, _ = point(quick_xp)
    with ag.use_settings(warn_unused=False):  # an empty leaf is not used
        exact = ag.jacobian(values_of)(x)
    assert_close(jacobian(values_of, x), exact, scale=1e6)  # central steps leave 1e-10
    found = jacobian(values_of, x, full_output=True)
    assert_close(found.value, exact, scale=1e4)  # the ladder leaves 1e-12
    for leaf, bar, true in zip(
        *(ag.trees.leaves(t) for t in (found.value, found.error, exact)), strict=True
    ):
        assert bar.shape == true.shape
        assert np.all(np.abs(to_host(leaf) - to_host(true)) <= to_host(bar))


@pytest.mark.parametrize("method", ["central", "complex", "adaptive"])
def test_single_precision_stays_single(quick_xp, method):
    x, _ = point(quick_xp, "float32")
    with ag.use_settings(warn_unused=False):
        exact = ag.jacobian(values_of)(x)
    # fixed steps leave eps^(2/3)
    assert_close(jacobian(values_of, x, method=method), exact, scale=1e5)


def test_a_vector_on_every_backend(quick_xp):
    x = quick_xp.asarray([0.5, 2.0])

    def f(x):
        return ag.namespace(x).stack([x[0, ...] * x[1, ...], x[0, ...] ** 2])

    assert_close(jacobian(f, x), ag.jacobian(f)(x), scale=1e6)  # central steps leave 1e-10


@pytest.mark.parametrize(("method", "accuracy"), [*FIXED, ("complex", None), ("adaptive", None)])
@pytest.mark.parametrize("evaluate", ["auto", "stacked", "loop"])
def test_every_method_has_its_accuracy(method, accuracy, evaluate):
    x = np.asarray([0.5, -1.0, 0.3])
    found = jacobian(waves, x, method=method, accuracy=accuracy, evaluate=evaluate)
    error = bound_of(method, accuracy) if accuracy else 1e-12
    np.testing.assert_allclose(found, waves_jacobian(x), rtol=0, atol=error)


def test_points_may_be_stacked_first():
    x = np.asarray([0.5, -1.0, 0.3])
    for method in ("central", "adaptive", "complex"):
        found = jacobian(
            lambda x: np.sin(x @ A.T) * x[..., :1], x, method=method, evaluate="stacked",
            stack_axis=0,
        )  # fmt: skip
        np.testing.assert_allclose(found, waves_jacobian(x), rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(), (2,), (2, 1, 3)])
@pytest.mark.parametrize("inner", [(), (3,), (1, 2)])
def test_shapes_are_those_of_the_value_and_of_the_point(shape, inner):
    x = np.linspace(0.5, 1.0, int(np.prod(inner))).reshape(inner)
    table = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)

    def f(x):
        return table * np.sum(x**2)

    exact = np.multiply.outer(table, 2 * x)
    for options in ({}, {"full_output": True}):
        found = jacobian(f, x, **options)
        value = found.value if options else found
        assert value.shape == (*shape, *inner)
        np.testing.assert_allclose(value, exact, rtol=1e-8)


def test_numbers_and_empty_leaves():
    assert float(jacobian(lambda x: x**2, 3)) == pytest.approx(6.0)
    for options in ({}, {"full_output": True}, {"method": "complex"}):
        for f, x, shape in (
            (lambda x: x**2, np.zeros(0), (0, 0)),
            (lambda x: np.ones(2), np.zeros((0, 3)), (2, 0, 3)),
            (lambda x: x[:0], np.ones(3), (0, 3)),
        ):
            found = jacobian(f, x, **options)
            assert (found.value if options.get("full_output") else found).shape == shape


def test_complex_values_of_real_points_have_complex_entries(quick_xp):
    xp = quick_xp
    x = xp.asarray([0.3, 1.0])

    def f(x):
        z = xp.astype(x, xp.complex128)
        return {"z": xp.exp(1j * z) * z[0], "r": xp.sum(x**2)}

    a, b = 0.3, 1.0
    exact = np.asarray(
        [[np.exp(1j * a) * (1 + 1j * a), 0], [np.exp(1j * b), 1j * a * np.exp(1j * b)]]
    )
    found = jacobian(f, x, full_output=True)
    np.testing.assert_allclose(to_host(found.value["z"]), exact, atol=1e-12)
    np.testing.assert_allclose(to_host(jacobian(f, x)["z"]), exact, atol=1e-9)
    assert np.all(np.abs(to_host(found.value["z"]) - exact) <= to_host(found.error["z"]))
    assert found.value["r"].dtype == xp.float64
    assert found.error["z"].dtype == xp.float64


def test_flags_of_either_part_and_bars_of_both_are_those_of_a_complex_entry():
    def f(x):
        return np.stack([np.abs(x[0]) + 1j * x[0], x[0] + 1j * np.abs(x[0]), x[0] + 1j * x[0]])

    found = jacobian(f, np.asarray([0.0]), full_output=True)
    assert found.flags.kink[:, 0].tolist() == [True, True, False]
    assert np.all(found.error[:2, 0] >= 0.99)
    assert found.error[2, 0] < 1e-10
    assert found.step.dtype == np.float64


def test_the_step_of_a_complex_entry_is_the_larger_of_its_parts():
    def step(f):
        return float(jacobian(lambda x: f(x[0]), np.ones(1), full_output=True).step[0])

    quick = step(lambda t: np.sin(1e4 * t))
    assert step(lambda t: np.sin(1e4 * t) + 1j * t) > 10 * quick
    assert step(lambda t: t + 1j * np.sin(1e4 * t)) > 10 * quick


def test_an_estimate_counts_and_tells(quick_xp):
    xp = quick_xp
    seen = []

    def f(x):
        seen.append(x.shape)
        return xp.stack([xp.sin(x[0, ...]), x[0, ...] * x[1, ...]])

    found = jacobian(f, xp.asarray([0.5, 2.0]), full_output=True)
    assert found.calls == len(seen)
    assert found.evaluations == sum(shape[1] if len(shape) > 1 else 1 for shape in seen)
    assert found.evaluation == "stacked"
    a = 0.5
    np.testing.assert_allclose(to_host(found.second), [[-np.sin(a), 0], [0, 0]], atol=1e-7)
    assert np.all(to_host(found.step) > 0)
    assert np.all(to_host(found.noise) < 1e-14)
    assert not any(
        np.any(to_host(getattr(found.flags, n))) for n in ("kink", "noisy", "singular", "one_sided")
    )


def test_bars_are_honest_for_random_functions():
    rng = np.random.default_rng(5)
    missed = total = wide = 0
    for _ in range(30):
        a = rng.normal(size=(3, 4)) * 10.0 ** rng.uniform(-2, 1)
        x = rng.normal(size=4) * 10.0 ** rng.uniform(-3, 2)
        found = jacobian(lambda x, a=a: np.sin(np.tensordot(a, x, 1)), x, full_output=True)
        exact = np.cos(a @ x)[:, None] * a
        missed += np.sum(np.abs(found.value - exact) > found.error)
        wide += np.sum(found.error > 1e-7 * np.max(np.abs(exact)))
        total += exact.size
    assert missed <= 0.02 * total
    assert wide <= 0.02 * total


def test_noise_is_measured_and_can_be_told():
    rng = np.random.default_rng(0)

    def f(x):
        return np.stack([np.exp(x[0]), x[0] * x[1]]) + 1e-6 * rng.normal(size=2)

    x, exact = np.asarray([0.5, 2.0]), [[np.exp(0.5), 0.0], [2.0, 0.5]]
    found = jacobian(f, x, full_output=True)
    assert found.evaluation == "loop"
    assert np.all(np.abs(found.value - exact) <= found.error)
    assert np.all(found.error < 1e-3)
    assert np.all((found.noise > 1e-7) & (found.noise < 1e-5))
    assert np.all(found.flags.noisy)
    told = jacobian(f, x, full_output=True, noise=1e-4)
    assert np.all(np.abs(told.value - exact) <= told.error)
    assert np.all(told.noise >= 1e-4)


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.sampled_from(["central", "forward", "backward", "adaptive"]),
    st.sampled_from(["loop", "stacked", "auto"]),
    st.sampled_from([1.0, 100.0]),
)
def test_bounds_are_never_left(where, method, evaluate, scale):
    # -1 and 0.1 have last digits of different size; the third is narrower than a step
    lower, upper = np.asarray([-1.2, 0.1, 3.0]), np.asarray([0.1, 0.7, 3.0 + 1e-9])
    x = np.clip(lower + np.asarray(where) * (upper - lower), lower, upper)

    def f(x):
        assert np.all((lower <= x.T) & (upper >= x.T))
        return np.stack([x[0] * x[1], np.sin(x[2])])

    found = jacobian(f, x, method=method, evaluate=evaluate, scale=scale, bounds=(lower, upper))
    np.testing.assert_allclose(found[0], [x[1], x[0], 0.0], atol=1e-5)


def test_single_precision_stays_within_bounds_between_its_numbers():
    lower, upper = np.asarray([0.1, 0.7]), np.asarray([0.3, 0.9])  # none has 24 digits
    for part in (0.001, 0.3, 0.999):
        x = (lower + part * (upper - lower)).astype(np.float32)

        def f(x):
            assert np.all((lower <= x.astype(float).T) & (upper >= x.astype(float).T))
            return x**2

        for method in ("central", "adaptive", "forward"):
            found = jacobian(f, x, method=method, bounds=(lower, upper), scale=10.0)
            np.testing.assert_allclose(found, np.diag(2 * x), rtol=0, atol=0.3)


def test_black_boxes_and_those_that_are_sly_when_traced_are_right():
    x = np.asarray([0.5, 2.0])

    def sly(x):
        try:
            a, b = float(x[0]), float(x[1])
        except Exception:
            return np.zeros(2)
        return np.asarray([a * b, a**2])

    for f in (
        sly,
        lambda x: np.asarray([float(x[0]) * float(x[1]), math.pow(x[0], 2)]),
        lambda x: [float(x[0] * x[1]), float(x[0]) ** 2],
    ):
        for options in ({}, {"full_output": True}, {"method": "forward", "accuracy": 4}):
            found = jacobian(f, x, **options)
            value = found.value if options.get("full_output") else found
            np.testing.assert_allclose(value, [[2.0, 0.5], [1.0, 0.0]], atol=1e-9)
    with pytest.raises(ArgumentError, match="complex"):
        jacobian(sly, x, method="complex")


def test_functions_that_change_their_argument_or_return_their_buffer_are_right():
    buffer = np.zeros(2)

    def f(x):
        buffer[...] = x * x[0]
        x[...] = -1.0
        return buffer

    for options in ({}, {"full_output": True}, {"evaluate": "loop"}):
        x = np.asarray([0.5, 2.0])
        found = jacobian(f, x, **options)
        value = found.value if options.get("full_output") else found
        np.testing.assert_allclose(value, [[1.0, 0.0], [2.0, 0.5]], atol=1e-9)
        assert x.tolist() == [0.5, 2.0]


def test_what_has_no_jacobian_is_refused(quick_xp):
    xp = quick_xp
    with pytest.raises(DTypeError, match=r"jacobian\(x\): got complex elements.*real"):
        jacobian(lambda x: x, xp.asarray([1j], dtype=xp.complex128))
    x = xp.asarray([1.0, 2.0])
    shapes = iter([2, 2, 1, 2, 1, 2, 1, 2, 1])
    with pytest.raises(ShapeError, match=r"jacobian\(f\).*same at every point"):
        jacobian(lambda x: xp.zeros(next(shapes)), x, evaluate="loop")
    with pytest.raises(ArgumentError, match=r"jacobian\(format\): got 'sparse' without sparsity"):
        jacobian(lambda x: x, x, format="sparse")
    with pytest.raises(ArgumentError, match=r"jacobian\(bounds\).*room for a step"):
        jacobian(lambda x: x, x, bounds=(xp.asarray([1.0, 0.0]), xp.asarray([1.0, 3.0])))
