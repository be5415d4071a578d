import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers.families.orthogonalizing import (
    PRECONDITIONINGS,
    check_coefficients,
    matrix_shape,
    orthogonalize,
    shape_factor,
)
from tests.support import assert_close, to_host

STANDARD = (3.4445, -4.7750, 2.0315)
DEFAULTS = {
    "coefficients": STANDARD,
    "steps": 5,
    "preconditioning": "frobenius",
    "eps": 1e-7,
    "eps_place": "added",
}


def draw(*shape, kind="real"):
    rng = np.random.default_rng(len(shape))
    x = rng.normal(size=shape)
    return x if kind == "real" else x + 1j * rng.normal(size=shape)


def run(xp, x, **changes):
    return orthogonalize(xp.module, xp.asarray(x), **{**DEFAULTS, **changes})


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 5), (5, 1), (2, 3, 5)])
def test_singular_values_come_near_one_and_vectors_stay(xp, shape, kind):
    x = draw(*shape, kind=kind)
    got = to_host(run(xp, x))
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    made = np.linalg.svd(got, compute_uv=False)
    assert made.min() > 0.6
    assert made.max() < 1.3
    # in the basis of the singular vectors of x the result is diagonal
    inner = np.swapaxes(u.conj(), -2, -1) @ got @ np.swapaxes(vh.conj(), -2, -1)
    assert np.abs(inner * (1 - np.eye(inner.shape[-1]))).max() < 1e-12


def test_cubic_iteration_converges_to_the_polar_factor(xp):
    x = draw(3, 5)
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    got = run(xp, x, coefficients=(1.5, -0.5, 0.0), steps=40)
    assert_close(got, u @ vh)


@pytest.mark.parametrize("preconditioning", PRECONDITIONINGS)
def test_every_preconditioning_leads_to_an_orthogonal_matrix(xp, preconditioning):
    x = draw(5, 3, kind="complex")
    got = run(xp, x, coefficients=(1.5, -0.5, 0.0), steps=40, preconditioning=preconditioning)
    assert_close(to_host(got).conj().T @ to_host(got), np.eye(3).astype(complex))
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if preconditioning != "aol":  # which does not scale all rows alike
        assert_close(got, u @ vh)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_no_square_overflows_or_vanishes(xp, scale):
    got = run(xp, scale * draw(3, 4), eps=0.0)
    assert_close(got, to_host(run(xp, draw(3, 4), eps=0.0)))


@pytest.mark.parametrize("preconditioning", PRECONDITIONINGS)
def test_zero_stays_zero(xp, preconditioning):
    assert_close(run(xp, np.zeros((2, 3)), preconditioning=preconditioning), np.zeros((2, 3)))


def test_stack_is_its_matrices(xp):
    x = draw(3, 4, 2)
    x *= np.asarray([1e-200, 1.0, 1e200])[:, None, None]
    expected = [to_host(run(xp, one, eps=0.0)) for one in x]
    assert_close(run(xp, x, eps=0.0), np.stack(expected))


@pytest.mark.parametrize(
    ("given", "expected"),
    [("dion", "dion"), ([1, 2, 3], (1.0, 2.0, 3.0)), ([(1, 2, 3)], ((1.0, 2.0, 3.0),))],
)
def test_coefficients_become_tuples_of_floats(given, expected):
    assert check_coefficients("muon(ns_coefficients)", given) == expected


@pytest.mark.parametrize("given", ["doin", [1, 2], [], 3.0, [[1, 2, 3], [1, 2]], [1, 2, "x"]])
def test_wrong_coefficients_are_refused(given):
    with pytest.raises(ArgumentError, match=r"muon\(ns_coefficients\): got"):
        check_coefficients("muon(ns_coefficients)", given)


def test_shape_factor_is_that_of_each_convention():
    assert shape_factor(8, 2, "original", None) == 2.0
    assert shape_factor(2, 8, "original", None) == 1.0
    assert shape_factor(2, 8, "transposed", None) == 2.0
    assert shape_factor(8, 2, "transposed", None) == 1.0
    assert shape_factor(25, 4, "match_rms_adamw", None) == 1.0
    assert shape_factor(25, 4, "original", 0.4) == 2.0


@pytest.mark.parametrize(
    ("higher_rank", "shape"),
    [("adamw", ()), ("keep_first", (2, 60)), ("keep_last", (24, 5)), ("stack", (2, 3, 4, 5))],
)
def test_higher_rank_becomes_a_matrix_as_told(higher_rank, shape):
    assert matrix_shape((2, 3, 4, 5), True, higher_rank) == shape
    assert matrix_shape((2, 3), True, higher_rank) == (2, 3)
    assert matrix_shape((2, 0), True, higher_rank) == ()
    assert matrix_shape((6,), True, higher_rank) == ()
    assert matrix_shape((2, 3), False, higher_rank) == ()
