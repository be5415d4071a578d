"""``fixed_point``: Anderson, plain iteration and Newton, against known fixed points."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.solvers import Status, anderson, fixed_point, picard

DOTTIE = 0.7390851332151607  # the root of cos x = x, OEIS A003957


@pytest.mark.parametrize("method", ["anderson", "picard", "newton", "broyden"])
def test_the_cosine_on_all_libraries(xp, method):
    start = {"x": xp.zeros(2)}
    result = fixed_point(lambda t: {"x": ag.namespace(t["x"]).cos(t["x"])}, start, method=method)
    assert result.success, result.message
    np.testing.assert_allclose(ag.to_numpy(result.x["x"]), DOTTIE, rtol=1e-10)
    assert type(result.x["x"]) is type(start["x"])
    assert np.abs(ag.to_numpy(result.fun["x"])).max() <= 4e-11
    assert not ag.to_numpy(start["x"]).any()


def contraction(n, radius):
    a = np.random.default_rng(0).normal(size=(n, n))
    return radius * a / np.abs(np.linalg.eigvals(a)).max()


def test_anderson_ends_after_as_many_steps_as_unknowns_on_linear_maps():
    # Walker, Ni (2011), theorem 2.2: as GMRES, it is exact after n steps, and one evaluation more
    a, b = contraction(5, 0.95), np.arange(1.0, 6.0)
    result = fixed_point(lambda x: a @ x + b, np.zeros(5), method=anderson(memory=5))
    assert result.success, result.message
    assert result.nfev <= 8
    np.testing.assert_allclose(result.x, np.linalg.solve(np.eye(5) - a, b), rtol=1e-9)
    plain = fixed_point(lambda x: a @ x + b, np.zeros(5), method="picard")
    assert plain.success
    assert plain.nfev > 20 * result.nfev


def test_anderson_with_a_short_memory_and_mixing():
    a, b = contraction(30, 0.97), np.ones(30)
    exact = np.linalg.solve(np.eye(30) - a, b)
    for method in (anderson(memory=3), anderson(beta=0.5), anderson(memory=30)):
        result = fixed_point(lambda x: a @ x + b, np.zeros(30), method=method)
        assert result.success, result.message
        np.testing.assert_allclose(result.x, exact, rtol=1e-7)


def test_plain_iteration_converges_at_the_rate_of_the_slope():
    # |g'| at the fixed point of the cosine is sin(0.739...)
    result = fixed_point(np.cos, np.zeros(1), method="picard")
    errors = result.history["optimality"]
    np.testing.assert_allclose(errors[20] / errors[19], np.sin(DOTTIE), rtol=1e-3)
    damped = fixed_point(np.cos, np.zeros(1), method=picard(beta=0.6))
    assert damped.nit < result.nit / 2


def test_divergence_is_told_and_other_methods_find_the_point():
    g = lambda x: 3.0 * x - 4.0 + 0.1 * np.sin(x)
    failed = fixed_point(g, np.asarray([1.0]), method="picard")
    assert (failed.success, failed.status) == (False, Status.STAGNATED)
    assert "diverges" in failed.message
    for method in ("newton", "anderson", "broyden"):
        result = fixed_point(g, np.asarray([1.0]), method=method)
        assert result.success, (method, result.message)
        np.testing.assert_allclose(g(result.x), result.x, atol=1e-9)


def test_no_fixed_point_is_no_success():
    result = fixed_point(lambda x: x + 1.0, np.zeros(1), method="picard")
    assert (result.success, result.status, result.nit) == (False, Status.STAGNATED, 5)
    for method in ("anderson", "newton"):
        result = fixed_point(lambda x: x + 1.0 + x * x, np.asarray([0.7]), method=method)
        assert not result.success, method


@pytest.mark.parametrize("method", ["anderson", "picard"])
def test_a_step_out_of_the_domain_is_shortened(quick_xp, method):
    xp = quick_xp

    # x <- x - 6 log(x) / x leaves x > 0 from x = 2
    def g(x):
        names = ag.namespace(x)
        inside = x > 0.0
        safe = names.where(inside, x, names.ones_like(x))
        moved = safe - 6.0 * names.log(safe) / safe
        return names.where(inside, moved, names.zeros_like(x) + float("nan"))

    method = anderson() if method == "anderson" else picard(beta=0.25)
    result = fixed_point(g, xp.asarray([2.0]), method=method)
    assert result.success, result.message
    np.testing.assert_allclose(ag.to_numpy(result.x), 1.0, rtol=1e-8)


def test_float32_stays_float32(quick_xp):
    xp = quick_xp
    result = fixed_point(lambda x: ag.namespace(x).cos(x), xp.zeros(3, dtype=xp.float32))
    assert result.success, result.message
    assert result.x.dtype == xp.float32
    np.testing.assert_allclose(ag.to_numpy(result.x), DOTTIE, rtol=1e-4)


def test_a_softmax_of_itself():
    w = np.random.default_rng(1).normal(size=(4, 4))

    def g(x, w):
        z = np.exp(w @ x)
        return z / np.sum(z)

    result = fixed_point(g, np.full(4, 0.25), args=(w,))
    assert result.success, result.message
    x = np.full(4, 0.25)
    for _ in range(500):
        x = g(x, w)
    np.testing.assert_allclose(result.x, x, atol=1e-10)


def test_wrong_arguments_are_refused():
    with pytest.raises(ArgumentError, match=r"method.*Did you mean 'picard'"):
        fixed_point(np.cos, np.zeros(1), method="piccard")
    with pytest.raises(ArgumentError, match=r"anderson\(memory\)"):
        anderson(memory=0)
    with pytest.raises(ArgumentError, match=r"picard\(beta\)"):
        picard(beta=0.0)
    with pytest.raises(ArgumentError, match=r"anderson\(regularization\)"):
        anderson(regularization=1.0)
