"""Ordinary scientific code is differentiated rightly or refused aloud, never wrong in silence."""

import functools

import numpy as np
import pytest

import anygrad as ag
from tests.support import allow_host_copies, to_host

pytest.importorskip("scipy", reason="the patterns use SciPy as their authors do")

from tests.corpus import differences
from tests.corpus.loading import cupy_patterns, patterns

# Patterns that raise an AnygradError, and why; one that starts to work has to leave the table.
REFUSED: dict[str, str] = {
    "bessel_and_legendre_functions": "lpmv has no rule",
    "cubic_spline_of_scipy": "the spline is fitted by compiled code",
    "equilibrium_by_fsolve": "a solver in compiled code; ag.implicit_root differentiates it",
    "gaussian_filter_of_scipy_ndimage": "scipy.ndimage is compiled code",
    "implied_volatility_by_brentq": "a solver in compiled code; ag.implicit_root differentiates it",
    "lu_solve_of_scipy": "factors of LAPACK's LU are not traced; solve is",
    "lyapunov_of_scipy": "no rule; solve of the Kronecker product is the same",
    "map_coordinates_of_scipy_ndimage": "scipy.ndimage is compiled code",
    "masked_arrays": "NumPy's masked arrays would lose mask or gradient",
    "minimize_inside": "a solver; ag.implicit_root differentiates it",
    "odeint_of_scipy": "the integrator is compiled code",
    "polynomial_objects": "operators of classes of a library are not rebound",
    "quad_of_scipy": "quadrature in compiled code",
    "real_and_imaginary_parts": "writing through .real of an array",
    "recursive_filter_of_scipy_signal": "the filter is compiled code",
    "riccati_of_scipy": "no rule",
    "solve_ivp_of_scipy": "the integrator makes arrays of its own",
    "sparse_matrix_from_parameters": "a sparse matrix holds plain numbers",
    "structured_records": "fields of structured arrays are not traced",
}
# Patterns whose gradient is NaN, in sight of everybody, where differences have a number.
NAN = {"item_response_with_nan_answers": "missing data, times a cotangent of 0, is NaN"}
NAN_TWICE = {
    "harmonic_oscillator_eigenvalues": "other eigenvalues coincide: their vectors turn at once"
}
NAMES = list(patterns())
DIFFERENTIATED = [name for name in NAMES if name not in {*REFUSED, *NAN}]
SHARPNESS = 1e-7  # the differences are known at least this well


@functools.cache
def expected(name: str) -> list:
    """For each point the plain value, its gradient by differences, and the error of these."""
    entry = patterns()[name]
    with np.errstate(all="ignore"):
        return [
            (differences.value(entry.function(point)), *differences.gradient(entry.function, point))
            for point in entry.points
        ]


def on_host(tree) -> list[np.ndarray]:
    return [to_host(leaf) for leaf in differences.flatten(tree)]


def size(leaves) -> float:
    return max((float(np.abs(leaf).max(initial=0.0)) for leaf in leaves), default=0.0) or 1.0


def assert_gradient(got, want, point, tolerance):
    assert type(got) is type(point) or not isinstance(point, (dict, list, tuple))
    found, right = on_host(got), on_host(want)
    assert [leaf.shape for leaf in found] == [np.shape(leaf) for leaf in on_host(point)]
    overall = size(right)
    for a, b in zip(found, right, strict=True):
        leaf = float(np.abs(b).max(initial=0.0))
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=max(0.1 * tolerance * leaf, 1e-10 * overall)
        )


def directions(point):
    leaves = [np.asarray(leaf) for leaf in differences.flatten(point)]
    made = [np.cos(1.0 + np.arange(leaf.size)).reshape(leaf.shape) for leaf in leaves]
    pairs = zip(leaves, made, strict=True)
    return [(1 + 0.5j) * v if np.iscomplexobj(leaf) else v for leaf, v in pairs]


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_gradient_is_sharp(name):
    tolerance = patterns()[name].tolerance
    for _, gradient, error in expected(name):
        pairs = list(zip(on_host(gradient), on_host(error), strict=True))
        overall = size(leaf for leaf, _ in pairs)
        for leaf, distance in pairs:
            allowed = SHARPNESS * tolerance / 1e-6 * float(np.abs(leaf).max(initial=0.0))
            assert np.all(distance <= max(allowed, 1e-10 * overall))


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_reverse_mode_is_right(name):
    entry = patterns()[name]
    for point, (plain, gradient, _) in zip(entry.points, expected(name), strict=True):
        with np.errstate(all="ignore"):
            value, got = ag.value_and_grad(entry.function)(point)
        np.testing.assert_allclose(to_host(value), plain, rtol=1e-12, atol=1e-14)
        assert_gradient(got, gradient, point, entry.tolerance)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_forward_mode_is_right(name):
    entry = patterns()[name]
    for point, (plain, gradient, _) in zip(entry.points, expected(name), strict=True):
        along = directions(point)
        terms = [
            np.real(np.conj(a) * b) for a, b in zip(on_host(gradient), along, strict=True)
        ]  # the pullback is the adjoint under Re conj(a) b
        with np.errstate(all="ignore"):
            value, got = ag.jvp(entry.function, (point,), (differences.rebuild(point, along),))
        np.testing.assert_allclose(to_host(value), plain, rtol=1e-12, atol=1e-14)
        want = sum(float(np.sum(term)) for term in terms)
        np.testing.assert_allclose(
            to_host(got), want, rtol=entry.tolerance, atol=entry.tolerance * size(terms)
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_second_derivative_is_right(name):
    """Forward over reverse, against differences of gradients that another test has found right."""
    entry = patterns()[name]
    point = entry.points[0]
    leaves = differences.flatten(point)
    if any(np.iscomplexobj(leaf) for leaf in leaves):
        pytest.skip("a complex point: its gradient is no derivative to difference again")
    extent = size(np.asarray(leaf) for leaf in leaves)
    sizes = [np.maximum(np.abs(leaf), 0.01 * extent) for leaf in leaves]
    along = [np.asarray(d * s) for d, s in zip(directions(point), sizes, strict=True)]

    def type_of(leaf):
        return np.asarray if isinstance(leaf, np.ndarray) else float

    def gradient(h):
        moved = [type_of(leaf)(leaf + h * d) for leaf, d in zip(leaves, along, strict=True)]
        return on_host(ag.grad(entry.function)(differences.rebuild(point, moved)))

    def central(h):
        places = zip(*(gradient(k * h) for k in (1, -1, 2, -2)), strict=True)
        return [(8 * (a - b) - (c - d)) / (12 * h) for a, b, c, d in places]

    with np.errstate(all="ignore"):
        tangent = differences.rebuild(point, along)
        got = on_host(ag.jvp(ag.grad(entry.function), (point,), (tangent,))[1])
        tried = [central(2.0**-9), central(2.0**-12)]
        floor = 1e-6 * size(gradient(0.0))  # of a function that is linear along this direction
    if name in NAN_TWICE:
        assert all(np.isnan(leaf).any() for leaf in got)
        return
    distances = [
        max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(got, want, strict=True))
        for want in tried
    ]
    assert min(distances) <= 1e-5 * max(size(tried[-1]), floor)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_nothing_is_remembered(name):
    entry = patterns()[name]
    with np.errstate(all="ignore"):
        for point in entry.points:
            before = differences.value(entry.function(point))
            first = on_host(ag.grad(entry.function)(point))
            between = differences.value(entry.function(point))
            second = on_host(ag.grad(entry.function)(point))
            assert before == between
            for a, b in zip(first, second, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_loud(name):
    entry = patterns()[name]
    with (
        np.errstate(all="ignore"),
        pytest.raises(ag.errors.AnygradError, match=r": .+; .+\. [A-Z]"),
    ):
        [ag.grad(entry.function)(point) for point in entry.points]


@pytest.mark.parametrize("name", NAN)
def test_what_is_not_right_is_nan(name):
    entry = patterns()[name]
    with np.errstate(all="ignore"):
        for point in entry.points:
            assert any(np.isnan(g).any() for g in ag.trees.leaves(ag.grad(entry.function)(point)))


def test_the_corpus_is_large_and_nearly_all_of_it_works():
    assert len(NAMES) >= 150
    assert {*REFUSED, *NAN} <= set(NAMES)
    assert len(DIFFERENTIATED) / len(NAMES) >= 0.95


def test_a_function_runs_once_for_a_gradient():
    from tests.corpus.patterns_programs import CALLS, global_counter_of_calls

    x = np.array([0.7, 0.2])
    for transform in (ag.grad, ag.value_and_grad):
        count = len(CALLS)
        transform(global_counter_of_calls)(x)
        assert len(CALLS) == count + 1
    count = len(CALLS)
    ag.jvp(global_counter_of_calls, (x,), (x,))
    assert len(CALLS) == count + 1


def test_what_is_printed_appears_once(capsys):
    from tests.corpus.patterns_programs import printing_and_formatting

    printing_and_formatting(np.array([0.3, 0.9]))
    plain = capsys.readouterr().out
    ag.grad(printing_and_formatting)(np.array([0.3, 0.9]))
    assert len(capsys.readouterr().out.splitlines()) == len(plain.splitlines())


def copied(x):
    return x.copy() if hasattr(x, "copy") else x


@functools.cache
def under_cupy(name: str) -> tuple[str, str]:
    """What becomes of a pattern under CuPy's names, and why."""
    with allow_host_copies(), np.errstate(all="ignore"):
        entry = cupy_patterns().get(name)
        if entry is None:
            return "left out", "CuPy cannot define it"
        for point, (plain, gradient, _) in zip(entry.points, expected(name), strict=True):
            try:
                # x[0] is a view in CuPy: code that goes on with x[0] -= 1 writes into its argument
                value = float(to_host(entry.function(ag.trees.map(copied, point))))
            except Exception as error:
                return "left out", f"CuPy alone raises {type(error).__name__}"
            if not np.isclose(value, plain, rtol=1e-9):
                return "left out", "CuPy alone computes another value than NumPy"
            try:
                got = ag.grad(entry.function)(point)
            except ag.errors.AnygradError as error:
                return "refused", f"{type(error).__name__}: {error}"
            except Exception as error:
                return "failed", f"{type(error).__name__}: {error}"
            try:
                assert_gradient(got, gradient, point, entry.tolerance)
            except AssertionError as error:
                return "wrong", str(error)
        return "right", ""


@pytest.mark.parametrize("name", NAMES)
def test_under_cupys_names_it_is_right_or_refused(cupy, name):
    status, reason = under_cupy(name)
    if status == "left out":
        pytest.skip(reason)
    allowed = ("right", "refused", *(["wrong"] if name in NAN else []))
    assert status in allowed, reason


def test_under_cupys_names_nearly_all_of_it_works(cupy):
    found: dict[str, list[str]] = {}
    for name in NAMES:
        status, reason = under_cupy(name)
        found.setdefault(status, []).append(f"  {name}: {reason.strip().partition(chr(10))[0]}")
    for status, lines in found.items():
        print(f"{status} under CuPy's names: {len(lines)} of {len(NAMES)}")
        if status != "right":
            print(*lines, sep="\n")
    counted = len(NAMES) - len(found.get("left out", ()))
    assert len(found["right"]) >= 150
    assert len(found["right"]) / counted >= 0.90
