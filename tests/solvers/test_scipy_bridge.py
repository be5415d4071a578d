"""SciPy's optimisers on trees of any library."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.solvers import Status, scipy_functions, scipy_minimize
from tests.solvers.bounded_problems import TABLE, chained

SMOOTH = ["BFGS", "CG", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov"]
PLAIN = ["Nelder-Mead", "Powell", "COBYLA"]


def tree_of(xp):
    return {"a": xp.asarray([[0.5, -0.5]], dtype=xp.float32), "b": xp.asarray([1.0, 2.0])}


def of_tree(tree):
    xp = ag.namespace(tree["b"])
    a = xp.astype(tree["a"], tree["b"].dtype)
    return xp.sum((a - 1.0) ** 2) + xp.sum((tree["b"] + 2.0) ** 2) + xp.sum(tree["b"] ** 4)


@pytest.mark.parametrize("method", [*SMOOTH, *PLAIN])
def test_methods_give_what_scipy_gives(method):
    start = np.asarray([-0.5, 0.4, 1.1])
    smooth = method in SMOOTH
    jac = ag.grad(chained) if smooth else None
    second = method == "Newton-CG" or method.startswith("trust")
    hessp = {"hessp": lambda x, v: ag.hvp(chained, x, v)} if second else {}
    theirs = scipy.optimize.minimize(chained, start, method=method, jac=jac, **hessp)
    ours = scipy_minimize(chained, start, method=method)
    assert np.abs(ours.x - theirs.x).max() <= 1e-12
    assert ours.fun == theirs.fun
    assert (ours.success, ours.message) == (bool(theirs.success), str(theirs.message))
    assert (ours.jac is None) == (not smooth)
    if smooth:
        assert np.abs(ours.jac - ag.grad(chained)(theirs.x)).max() < 1e-10
    assert ours.method == method.lower()


@pytest.mark.parametrize("method", [None, "L-BFGS-B", "Newton-CG", "Nelder-Mead"])
def test_trees_come_back_as_they_were(quick_xp, method):
    start = tree_of(quick_xp)
    options = {"tol": 1e-6} if method != "Nelder-Mead" else {"options": {"maxiter": 3000}}
    result = scipy_minimize(of_tree, start, method=method, **options)
    assert result.success, result.message
    assert type(result.x["a"]) is type(start["a"])
    assert result.x["a"].dtype == quick_xp.float32
    assert result.x["a"].shape == (1, 2)
    assert result.x["b"].device == start["b"].device
    assert np.abs(ag.to_numpy(result.x["a"]) - 1.0).max() < 1e-3
    # 2 (b + 2) + 4 b^3 = 0: the real root, by numpy.roots
    root = np.roots([4.0, 0.0, 2.0, 4.0])
    root = root[np.abs(root.imag) < 1e-12].real[0]
    assert np.abs(ag.to_numpy(result.x["b"]) - root).max() < 1e-3
    assert np.abs(ag.to_numpy(start["b"]) - [1.0, 2.0]).max() == 0.0
    if method != "Nelder-Mead":
        assert result.jac["a"].dtype == quick_xp.float32


def test_one_library_after_the_other(xp):
    start = xp.asarray([-0.5, 0.4])
    result = scipy_minimize(lambda x: ag.namespace(x).sum((x - 1.0) ** 4), start, method="BFGS")
    assert type(result.x) is type(start)
    assert np.abs(ag.to_numpy(result.x) - 1.0).max() < 0.05


def test_functions_for_other_optimisers(xp):
    tree = tree_of(xp)
    flat = scipy_functions(of_tree, tree)
    assert flat.x0.dtype == np.float64
    assert flat.x0.tolist() == [0.5, -0.5, 1.0, 2.0]
    a, b = flat.x0[:2], flat.x0[2:]
    value = ((a - 1.0) ** 2).sum() + ((b + 2.0) ** 2).sum() + (b**4).sum()
    slope = np.concatenate([2.0 * (a - 1.0), 2.0 * (b + 2.0) + 4.0 * b**3])
    assert isinstance(flat.fun(flat.x0), float)
    assert abs(flat.fun(flat.x0) - value) < 1e-12
    assert np.abs(flat.jac(flat.x0) - slope).max() < 1e-12
    both = flat.fun_and_jac(flat.x0)
    assert both[0] == flat.fun(flat.x0)
    assert (both[1] == flat.jac(flat.x0)).all()
    v = np.asarray([1.0, 2.0, -1.0, 0.5])
    curvature = np.concatenate([2.0 * v[:2], (2.0 + 12.0 * b**2) * v[2:]])
    assert np.abs(flat.hessp(flat.x0, v) - curvature).max() < 1e-5  # a is float32
    back = flat.to_tree(flat.x0 + 1.0)
    assert back["a"].dtype == tree["a"].dtype
    assert flat.to_vector(back).tolist() == [1.5, 0.5, 2.0, 3.0]


def test_vectors_of_scipy_may_change_afterwards():
    kept = []

    def f(x):
        kept.append(x)
        return (x**2).sum()

    flat = scipy_functions(f, np.ones(2), gradient=lambda x: 2.0 * x)
    x = np.asarray([1.0, 2.0])
    first = flat.fun_and_jac(x)
    x[:] = 5.0
    assert ag.value(kept[0]).tolist() == [1.0, 2.0]
    assert first[1].tolist() == [2.0, 4.0]
    assert flat.jac(x).tolist() == [10.0, 10.0]
    flat.jac(x)[:] = 0.0
    assert flat.jac(x).tolist() == [10.0, 10.0]


def test_complex_leaves_are_real_and_imaginary_parts():
    result = scipy_minimize(
        lambda z: (np.abs(z - (1.0 + 2.0j)) ** 2).sum(), np.zeros(2, dtype=complex)
    )
    assert np.abs(result.x - (1.0 + 2.0j)).max() < 1e-6
    assert result.x.dtype == np.complex128


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr", "Nelder-Mead"])
def test_bounds_of_any_form(method):
    problem = next(p for p in TABLE if p.name == "hs4")
    result = scipy_minimize(
        problem.f, problem.start, method=method, bounds=[(1.0, None), (0.0, None)]
    )
    assert abs(result.fun - 8.0 / 3.0) < 1e-3
    assert result.success, result.message


def test_constraints_and_callbacks_pass_through():
    seen = []
    result = scipy_minimize(
        lambda x: (x**2).sum(),
        np.ones(2),
        method="SLSQP",
        constraints={"type": "eq", "fun": lambda x: x.sum() - 4.0},
        callback=lambda x: seen.append(x.copy()),
    )
    assert np.abs(result.x - 2.0).max() < 1e-6
    assert seen


def test_the_history_has_the_iterations():
    result = scipy_minimize(chained, np.full(3, -1.2), method="BFGS")
    assert len(result.history["fun"]) == result.nit
    assert abs(result.history["fun"][-1] - result.fun) < 1e-12
    assert (np.diff(result.history["fun"]) <= 0.0).all()


def test_ends_have_a_status():
    start = np.full(5, -1.2)

    def run(method, f=chained, **keywords):
        return scipy_minimize(f, start, method=method, **keywords).status

    for method in ("BFGS", "CG", "L-BFGS-B", "Newton-CG", "trust-ncg", "Nelder-Mead", "SLSQP"):
        assert run(method, options={"maxiter": 3}) is Status.MAX_STEPS, method
    assert run("TNC", options={"maxfun": 5}) is Status.MAX_STEPS
    assert run("trust-constr", options={"maxiter": 3}) is Status.MAX_STEPS

    def stop(intermediate_result):
        raise StopIteration

    assert run("BFGS", callback=stop) is Status.STOPPED
    assert run("L-BFGS-B", callback=stop) is Status.STOPPED
    contradiction = [
        {"type": "eq", "fun": lambda x: x[0] - 1.0},
        {"type": "eq", "fun": lambda x: x[0] + 1.0},
    ]
    assert run("SLSQP", constraints=contradiction) is Status.SINGULAR


def test_arguments_that_are_ours_are_explained():
    with pytest.raises(ArgumentError, match="gradient="):
        scipy_minimize(chained, np.ones(2), jac=True)
    with pytest.raises(ArgumentError, match="gradient"):
        scipy_minimize(chained, np.ones(2), gradient="analytic")


MATRIX = np.array([[4.0, 1.0, -0.5], [1.0, 3.0, 0.25], [-0.5, 0.25, 2.0]])
TARGET = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("method", ["dogleg", "trust-exact"])
def test_methods_that_need_a_matrix_get_it(method):
    f = lambda x: 0.5 * x @ MATRIX @ x - x @ TARGET + 0.1 * (x**4).sum()
    result = scipy_minimize(f, np.ones(3), method=method)
    assert result.success, result.message
    assert result.nit <= 10  # so few only with the right Hessian
    gradient = MATRIX @ result.x - TARGET + 0.4 * result.x**3
    assert np.max(np.abs(gradient)) < 1e-4
    flat = scipy_functions(f, np.ones(3))
    assert np.allclose(flat.hess(flat.x0), MATRIX + 1.2 * np.eye(3), rtol=1e-12)


@pytest.mark.parametrize("method", ["CG", "BFGS", "Newton-CG", "trust-ncg", "trust-exact"])
def test_bounds_are_refused_where_scipy_would_leave_them_aside(method):
    with pytest.raises(ArgumentError, match=r"scipy_minimize\(bounds\)"):
        scipy_minimize(lambda x: x @ x, np.ones(2), method=method, bounds=(1.0, 2.0))


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", "COBYLA", "COBYQA", "BFGS"])
def test_what_has_no_value_anywhere_is_no_success(method):
    result = scipy_minimize(lambda x: x @ x * np.nan, np.ones(2), method=method)
    assert (result.status, result.success) == (Status.NONFINITE, False), result.message


@pytest.mark.parametrize("method", ["COBYQA", "BFGS", "Nelder-Mead"])
def test_a_callback_that_stops_is_no_success(method):
    def stop(*_):
        raise StopIteration

    result = scipy_minimize(
        lambda x: ((x - 1.0) ** 2).sum(), np.zeros(3), method=method, callback=stop
    )
    assert (result.status, result.success) == (Status.STOPPED, False), result.message


def test_a_vector_of_another_length_is_refused():
    flat = scipy_functions(lambda x: (x**2).sum(), np.zeros(3))
    with pytest.raises(ShapeError, match=r"got shape \(1,\); expected \(3,\)"):
        flat.jac(np.zeros(1))


def test_a_method_that_is_no_name_is_refused():
    with pytest.raises(ArgumentError, match=r"scipy_minimize\(method\)"):
        scipy_minimize(lambda x: x @ x, np.ones(2), method=5)
