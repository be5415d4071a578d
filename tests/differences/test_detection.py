"""Detection of patterns: what it finds, and what it misses or finds too much, as documented."""

import numpy as np
import pytest
import scipy.fft

from anygrad.backends import namespace_of
from anygrad.differences.detection import detect_by_nan, detect_by_tracing
from anygrad.errors import ArgumentError, ShapeError

N = 9
TRIDIAGONAL = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) <= 1
ARROW = np.eye(N, dtype=bool) | (np.arange(N) == 0) | (np.arange(N) == 0)[:, None]


def tridiagonal(x):
    """Rosenbrock-like: each value depends on its own coordinate and both neighbours."""
    xp = namespace_of(x)
    zero = xp.zeros_like(x[..., :1])
    left = xp.concat([zero, x[..., :-1]], axis=-1)
    right = xp.concat([x[..., 1:], zero], axis=-1)
    return x**2 - left * x + xp.sin(right)


def arrow(x):
    """The first value depends on all coordinates, and all values on the first."""
    xp = namespace_of(x)
    first = xp.sum(x**2, axis=-1, keepdims=True)
    return xp.concat([first, x[..., 1:] * x[..., :1]], axis=-1)


def point(xp, n=N):
    return xp.asarray(np.linspace(0.5, 2.0, n).tolist())


def show(pattern) -> list:
    return pattern.to_dense().astype(int).tolist()


PROGRAMS = [(tridiagonal, TRIDIAGONAL), (arrow, ARROW)]


@pytest.mark.parametrize("batch", [1, 4, 64])
@pytest.mark.parametrize(("f", "expected"), PROGRAMS)
def test_nan_finds_known_patterns(xp, f, expected, batch):
    counts = []

    def evaluate(points):
        counts.append(points.shape[0])
        return f(points)

    found = detect_by_nan(evaluate, point(xp), batch=batch)
    np.testing.assert_array_equal(found.to_dense(), expected)
    assert max(counts) == min(batch, N) + 1


@pytest.mark.parametrize("batch", [1, 4, 64])
@pytest.mark.parametrize(("f", "expected"), PROGRAMS)
def test_tracing_finds_known_patterns(xp, f, expected, batch):
    found = detect_by_tracing(f, point(xp), batch=batch)
    np.testing.assert_array_equal(found.to_dense(), expected)


@pytest.mark.parametrize("f", [lambda x: x[2:] * x[:-2], lambda x: np.concatenate([x, x[::-1]])])
@pytest.mark.parametrize("batch", [2, 64])
def test_wide_and_tall_jacobians_are_found(f, batch):
    x = point(np, 5)
    unit = np.eye(5)
    expected = [f(x + 0.1 * e) != f(x) for e in unit]
    found = detect_by_tracing(f, x, batch=batch)
    np.testing.assert_array_equal(found.to_dense(), np.transpose(expected))
    assert found.shape == (len(f(x)), 5)
    by_nan = detect_by_nan(lambda points: np.stack([f(p) for p in points]), x, batch=batch)
    assert show(by_nan) == show(found)


def test_single_precision_is_enough(xp):
    x = xp.astype(point(xp), xp.float32)
    np.testing.assert_array_equal(detect_by_tracing(tridiagonal, x).to_dense(), TRIDIAGONAL)
    np.testing.assert_array_equal(detect_by_nan(tridiagonal, x).to_dense(), TRIDIAGONAL)


def test_no_inputs_no_entries():
    x = np.zeros(0)
    assert detect_by_tracing(lambda x: np.ones(3), x).shape == (3, 0)
    assert detect_by_nan(lambda p: np.ones((len(p), 3)), x).shape == (3, 0)


def test_constant_functions_have_no_entries():
    for size in (2, 6):
        found = detect_by_tracing(lambda x, size=size: np.ones(size), point(np, 4))
        assert found.count == 0
        assert found.shape == (size, 4)
    assert detect_by_nan(lambda p: np.ones((len(p), 2)), point(np, 4)).count == 0


def test_a_derivative_that_is_zero_only_at_the_point_is_found():
    x = np.asarray([0.0, 3.0])
    found = detect_by_tracing(lambda x: np.stack([x[0] ** 2, (x[1] - 3.0) ** 3]), x)
    assert show(found) == [[1, 0], [0, 1]]


def test_tracing_misses_the_side_that_is_not_taken_and_flat_pieces():
    def f(x):
        return np.stack(
            [np.where(x[0] > 0, x[1], x[2]), np.round(x[0]) + x[2], np.exp(-1e4 * x[0])]
        )

    assert show(detect_by_tracing(f, np.ones(3))) == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_a_nan_in_a_derivative_is_an_entry():
    found = detect_by_tracing(lambda x: np.stack([np.sqrt(x[0] - 1.0) * x[1], x[1]]), np.ones(2))
    assert show(found) == [[1, 1], [0, 1]]


def test_nan_misses_what_swallows_it():
    def evaluate(p):
        taken = np.where(p[:, 0] > 0, p[:, 1], p[:, 2])
        same = np.where(p[:, 0] > 0, 1.0, 1.0) * p[:, 1]
        return np.stack([taken, same, np.nansum(p[:, :2], axis=1), np.fmax(p[:, 0], 9.0)], axis=1)

    found = detect_by_nan(evaluate, np.asarray([1.0, 2.0, 3.0]))
    # a NaN in p[:, 0] shows where it changes the value; p[:, 2] stands on the side not taken
    assert show(found) == [[1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_nan_finds_too_much_where_it_meets_zeros():
    matrix = np.eye(3)
    assert detect_by_nan(lambda p: p @ matrix, np.ones(3)).count == 9
    assert detect_by_tracing(lambda x: matrix @ x, np.ones(3)).count == 3
    # the inverse of a transform gives each value back from its own coordinate only
    assert detect_by_nan(lambda p: scipy.fft.idct(scipy.fft.dct(p)), np.ones(3)).count == 9


def test_outputs_that_are_nan_already_depend_on_everything():
    found = detect_by_nan(lambda p: np.stack([np.sqrt(p[:, 0] - 2.0), p[:, 1]], axis=1), np.ones(2))
    assert show(found) == [[1, 1], [0, 1]]


def test_rounding_that_differs_between_the_points_is_no_entry():
    rng = np.random.default_rng(0)
    found = detect_by_nan(lambda p: p * (1 + 1e-15 * rng.random((len(p), 1))), np.ones(4))
    assert show(found) == np.eye(4).astype(int).tolist()


def test_functions_that_raise_on_nan_are_named():
    def evaluate(p):
        if np.isnan(p).any():
            message = "array must not contain infs or NaNs"
            raise ValueError(message)
        return p

    with pytest.raises(ArgumentError, match=r"jacobian\(f\): failed on points with a NaN .ValueE"):
        detect_by_nan(evaluate, np.ones(2), where="jacobian")


def test_what_fails_at_the_point_itself_is_not_put_down_to_nan():
    with pytest.raises(ZeroDivisionError):
        detect_by_nan(lambda p: 1 // 0, np.ones(2))


def test_integers_made_of_nan_do_not_warn():
    found = detect_by_nan(lambda p: p.astype(np.int64), np.ones(2))
    assert show(found) == [[1, 0], [0, 1]]


def test_values_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"detect_by_nan\(f\).*shape \(1, m\)"):
        detect_by_nan(lambda p: p[0], np.ones(2))
    with pytest.raises(ShapeError, match=r"detect_by_tracing\(f\).*expected a vector"):
        detect_by_tracing(np.sum, np.ones(2))
    with pytest.raises(ShapeError, match=r"detect_by_tracing\(f\): got 1.0; expected a vector"):
        detect_by_tracing(lambda x: 1.0, np.ones(2))
