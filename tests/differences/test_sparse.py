"""Sparse Jacobians and Hessians: right entries, few evaluations, patterns that are checked."""

import numpy as np
import pytest
import scipy.sparse

import anygrad as ag
from anygrad.differences import hessian, jacobian
from anygrad.errors import ArgumentError, ShapeError
from tests.support import to_host

N = 8
X = np.linspace(0.5, 2.0, N)


def chain(x):
    """Each value depends on three neighbours: a tridiagonal Jacobian."""
    y = 2.0 * x**2
    y[1:] += np.sin(x[:-1])
    y[:-1] -= x[:-1] * x[1:]
    return y


def traced_chain(x):
    xp = ag.namespace(x)
    zero = xp.zeros_like(x[:1])
    below = xp.concat([zero, xp.sin(x[:-1])])
    above = xp.concat([x[:-1] * x[1:], zero])
    return 2.0 * x**2 + below - above


def chain_jacobian(x):
    found = np.diag(4.0 * x)
    for i in range(x.size):
        if i > 0:
            found[i, i - 1] += np.cos(x[i - 1])
        if i < x.size - 1:
            found[i, i] -= x[i + 1]
            found[i, i + 1] -= x[i]
    return found


TRIDIAGONAL = np.eye(N) + np.eye(N, k=1) + np.eye(N, k=-1)


def counted(f):
    def run(x):
        run.calls += 1
        return f(x)

    run.calls = 0
    return run


PATTERNS = {
    "matrix": TRIDIAGONAL != 0,
    "sparse matrix": scipy.sparse.csr_array(TRIDIAGONAL),
    "pair": np.nonzero(TRIDIAGONAL),
    "nan": "nan",
    "trace": "trace",
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("method", ["central", "forward", "backward", "complex", "adaptive"])
def test_every_pattern_and_method_gives_the_jacobian(pattern, method):
    exact = chain_jacobian(X)
    error = {"central": 1e-8, "complex": 1e-14, "adaptive": 1e-11}.get(method, 1e-6)
    f = traced_chain if pattern == "trace" or method == "complex" else chain
    sparsity = PATTERNS[pattern]
    dense = jacobian(f, X, sparsity=sparsity, method=method)
    np.testing.assert_allclose(dense, exact, rtol=0, atol=error)
    matrix = jacobian(f, X, sparsity=sparsity, method=method, format="sparse")
    assert scipy.sparse.issparse(matrix)
    assert matrix.nnz == 3 * N - 2
    np.testing.assert_allclose(matrix.toarray(), exact, rtol=0, atol=error)


@pytest.mark.parametrize("method", ["central", "forward", "complex"])
def test_three_colours_cost_as_much_at_any_size(method):
    costs = []
    for n in (12, 30):
        pattern = np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
        f = counted(traced_chain)
        jacobian(f, np.linspace(0.5, 2.0, n), sparsity=pattern, method=method, evaluate="loop")
        costs.append(f.calls)
    # of each colour; the shapes, f(x), four points that test the pattern, and a complex step
    assert costs[0] == costs[1]
    per_colour = {"central": 2, "forward": 1, "complex": 1}[method]
    assert 3 * per_colour + 4 <= costs[0] <= 3 * per_colour + 4 + 7


def test_the_ladder_costs_colours_times_its_points():
    f = counted(traced_chain)
    found = jacobian(f, X, sparsity=TRIDIAGONAL, full_output=True, evaluate="loop")
    # five rungs on both sides of each of three colours, f(x), its shapes and the pattern's test
    assert 30 + 5 <= found.evaluations <= 30 + 7
    assert f.calls == found.evaluations == found.calls


def test_an_estimate_is_in_the_units_of_each_element():
    x = np.asarray([1e-3, 40.0, 900.0])

    def f(x):
        return np.stack([np.sin(x[0]), x[1] ** 2, np.sqrt(x[2])])

    for bounds in (None, (0.0, np.asarray([1.0, 40.0, 900.0]))):
        found = jacobian(f, x, sparsity=np.eye(3), full_output=True, bounds=bounds)
        full = jacobian(f, x, full_output=True, bounds=bounds)
        slopes = np.asarray([np.cos(x[0]), 2 * x[1], 0.5 / np.sqrt(x[2])])
        seconds = np.asarray([-np.sin(x[0]), 2.0, -0.25 * x[2] ** -1.5])
        value, bar = np.diagonal(found.value), np.diagonal(found.error)
        assert np.all(np.abs(value - slopes) <= bar)
        assert np.all(bar < 1e-9 * np.abs(slopes))
        assert np.all(found.error >= 0.0)
        step = np.diagonal(found.step)
        ratio = step / np.diagonal(full.step)
        assert np.all((ratio > 0.1) & (ratio < 10.0))
        # the ladder of all lines together knows one noise of each value
        noise = np.diagonal(found.noise)
        assert np.all((noise < 1e-11 * np.abs(f(x)) + 1e-16) & (noise > 0.0))
        if bounds is None:
            np.testing.assert_allclose(np.diagonal(found.second), seconds, rtol=1e-4, atol=1e-6)
        flags = np.diagonal(found.flags.one_sided)
        assert flags.tolist() == [bounds is not None] * 3  # they move together
        assert not np.any(found.flags.kink)


def test_sparse_estimates_are_matrices():
    found = jacobian(chain, X, sparsity=TRIDIAGONAL, format="sparse", full_output=True)
    for matrix in (found.value, found.error, found.step, found.noise, found.second):
        assert scipy.sparse.issparse(matrix)
        assert matrix.shape == (N, N)
    assert np.all(np.abs(found.value.toarray() - chain_jacobian(X)) <= found.error.toarray())


def test_patterns_on_every_backend(quick_xp):
    xp = quick_xp
    x = xp.asarray(X.tolist())
    for sparsity in (TRIDIAGONAL, "trace", "nan"):
        found = jacobian(traced_chain, x, sparsity=sparsity)
        assert type(found) is type(x)
        assert found.dtype == x.dtype
        np.testing.assert_allclose(to_host(found), chain_jacobian(X), rtol=0, atol=1e-8)


def test_trees_are_read_in_flat_order(quick_xp):
    xp = quick_xp
    x = {"a": xp.asarray([1.0, 2.0]), "b": xp.asarray([[3.0]])}
    pattern = np.asarray([[1, 0, 1], [0, 1, 0], [0, 0, 1]])

    def f(t):
        a, b = t["a"], t["b"]
        return (ag.namespace(a).stack([a[0] * b[0, 0], a[1] ** 2]), b[0, 0] ** 3)

    exact = ag.jacobian(f)(x)
    found = jacobian(f, x, sparsity=pattern, full_output=True)
    for got, want, bar in zip(
        *(ag.trees.leaves(t) for t in (found.value, exact, found.error)), strict=True
    ):
        assert got.shape == want.shape == bar.shape
        assert np.all(np.abs(to_host(got) - to_host(want)) <= to_host(bar) + 1e-15)


@pytest.mark.parametrize("sparsity", ["given", "trace", "nan"])
def test_complex_values_have_a_row_for_each_element(sparsity):
    def f(x):
        return ag.namespace(x).stack([x[0] * (1 + 2j), x[1] * x[2] * 1j])

    x = np.asarray([0.3, 1.2, 3.0])
    pattern = np.asarray([[1, 0, 0], [0, 1, 1]]) if sparsity == "given" else sparsity
    exact = [[1 + 2j, 0, 0], [0, 3.0j, 1.2j]]
    np.testing.assert_allclose(jacobian(f, x, sparsity=pattern), exact, rtol=0, atol=1e-9)
    with pytest.raises(ArgumentError, match=r"jacobian\(format\): got 'sparse' and complex"):
        jacobian(f, x, sparsity=pattern, format="sparse")


@pytest.mark.parametrize("method", ["central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("place", [(0, 0), (3, 4), (7, 6)])
def test_a_pattern_that_misses_an_entry_is_refused(method, place):
    pattern = TRIDIAGONAL.copy()
    pattern[place] = 0
    row = place[0]
    with pytest.raises(ArgumentError, match=rf"jacobian\(sparsity\).*1 of 8 rows \({row}\)"):
        jacobian(traced_chain, X, sparsity=pattern, method=method)


@pytest.mark.parametrize("full_output", [False, True])
def test_a_pattern_without_entries_is_refused_unless_it_is_right(full_output):
    with pytest.raises(ArgumentError, match=r"jacobian\(sparsity\).*8 of 8 rows"):
        jacobian(chain, X, sparsity=np.zeros((N, N)), full_output=full_output)

    def sly(x):  # depends on nothing when it is traced
        try:
            return np.asarray([float(v) ** 2 for v in x])
        except Exception:
            return 0.0 * x

    with pytest.raises(ArgumentError, match=r"jacobian\(sparsity\).*8 of 8 rows"):
        jacobian(sly, X, sparsity="trace", full_output=full_output)


def test_constants_have_an_empty_jacobian():
    found = jacobian(lambda x: np.ones(3), X, sparsity=np.zeros((3, N)))
    assert found.shape == (3, N)
    assert not np.any(found)
    matrix = jacobian(lambda x: np.ones(3), X, sparsity="nan", format="sparse")
    assert matrix.nnz == 0


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
@pytest.mark.parametrize("evaluate", ["loop", "auto"])
def test_groups_never_leave_the_bounds(method, evaluate):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        lower = X - rng.choice([0.0, 1e-9, 1e-3, 0.3], N)
        upper = X + rng.choice([1e-9, 1e-3, 0.3], N)

        def f(x, lower=lower, upper=upper):
            assert np.all((lower <= x.T) & (upper >= x.T))
            return x**2

        found = jacobian(
            f, X, sparsity=np.eye(N), method=method, bounds=(lower, upper), evaluate=evaluate
        )
        # a group steps as far as its narrowest element
        np.testing.assert_allclose(np.diagonal(found), 2 * X, rtol=0, atol=1e-2)


def test_wrong_patterns_are_refused():
    with pytest.raises(ShapeError, match=r"jacobian\(sparsity\): got shape \(2, 8\)"):
        jacobian(chain, X, sparsity=np.ones((2, N)))
    with pytest.raises(ArgumentError, match=r"jacobian\(sparsity\): got 'tracing'; expected 'tra"):
        jacobian(chain, X, sparsity="tracing")
    with pytest.raises(ArgumentError, match=r"jacobian\(format\): got 'csr'"):
        jacobian(chain, X, sparsity=TRIDIAGONAL, format="csr")
    with pytest.raises(ArgumentError, match=r"hessian\(format\): got 'sparse' without sparsity"):
        hessian(lambda x: np.sum(x**2), X, format="sparse")


# Hessians


def arrow(x):
    """The first element meets all others, which meet none but themselves."""
    xp = ag.namespace(x)
    return x[0] * xp.sum(x[1:] ** 2) + xp.sum(x**3)


def arrow_gradient(x):
    found = 3 * x**2
    found[1:] += 2 * x[0] * x[1:]
    found[0] += np.sum(x[1:] ** 2, axis=0)
    return found


def arrow_hessian(x):
    found = np.diag(6 * x + 2 * x[0])
    found[0, 0] = 6 * x[0]
    found[0, 1:] = found[1:, 0] = 2 * x[1:]
    return found


ARROW = np.eye(N)
ARROW[0, :] = ARROW[:, 0] = 1


@pytest.mark.parametrize("sparsity", ["trace", "given", "nan", "one half"])
@pytest.mark.parametrize("method", [None, "central", "complex", "adaptive"])
def test_sparse_hessians_have_every_entry(sparsity, method):
    pattern = {"given": ARROW, "one half": np.triu(ARROW)}.get(sparsity, sparsity)
    error = {"central": 1e-8, "adaptive": 1e-11}.get(method, 1e-13)
    dense = hessian(arrow, X, sparsity=pattern, method=method)
    np.testing.assert_allclose(dense, arrow_hessian(X), rtol=0, atol=error)
    assert np.array_equal(dense, dense.T)
    matrix = hessian(arrow, X, sparsity=pattern, method=method, format="sparse")
    assert matrix.nnz == 3 * N - 2
    np.testing.assert_allclose(matrix.toarray(), arrow_hessian(X), rtol=0, atol=error)


def test_an_arrow_has_two_colours():
    for n in (8, 30):
        pattern = np.eye(n)
        pattern[0, :] = pattern[:, 0] = 1
        x = np.linspace(0.5, 2.0, n)
        slopes = counted(arrow_gradient)
        hessian(arrow, x, gradient=slopes, sparsity=pattern, method="central", evaluate="loop")
        assert 2 * 2 + 4 <= slopes.calls <= 2 * 2 + 4 + 2
        slopes = counted(arrow_gradient)
        found = hessian(
            arrow, x, gradient=slopes, sparsity=pattern, evaluate="loop", full_output=True
        )
        np.testing.assert_allclose(found.value, arrow_hessian(x), rtol=0, atol=1e-10)
        assert 2 * 10 + 5 <= slopes.calls <= 2 * 10 + 7


def test_elements_of_different_sizes_keep_their_units():
    x = np.asarray([1e3, 1e-2, 1.0, 30.0, 2.0, 0.5, 7.0, 100.0])
    for bounds in (None, (0.0, x * np.asarray([1, 2, 1, 2, 1, 2, 1, 2]))):
        found = hessian(
            arrow, x, gradient=arrow_gradient, sparsity=ARROW, bounds=bounds, full_output=True
        )
        exact = arrow_hessian(x)
        assert np.all(np.abs(found.value - exact) <= found.error)
        np.testing.assert_allclose(found.value, exact, rtol=1e-7, atol=1e-7)


def test_sparse_hessians_on_every_backend(quick_xp):
    x = quick_xp.asarray(X.tolist())
    found = hessian(arrow, x, sparsity=ARROW)
    assert type(found) is type(x)
    np.testing.assert_allclose(to_host(found), arrow_hessian(X), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", [None, "central", "complex", "adaptive"])
@pytest.mark.parametrize("place", [(0, 3), (2, 5)])
def test_a_hessian_pattern_that_misses_an_entry_is_refused(method, place):
    def f(x):
        return arrow(x) + x[2] * x[5] ** 2

    pattern = ARROW.copy()
    pattern[2, 5] = pattern[5, 2] = 1
    right = hessian(f, X, sparsity=pattern, method=method)
    np.testing.assert_allclose(right, ag.hessian(f)(X), rtol=0, atol=1e-8)
    pattern[place] = pattern[place[::-1]] = 0
    with pytest.raises(ArgumentError, match=r"hessian\(sparsity\).*do not explain"):
        hessian(f, X, sparsity=pattern, method=method)
