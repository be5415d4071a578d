"""Solvers within compiled functions: each run solves anew, or it is refused; never a stale answer.

A front looks at values after every step, and warns, so it stays outside; `implicit_root` is one
operation of the program.
"""

import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad import solvers
from anygrad.errors import TraceError
from tests.compiler.loops import assert_same_bits, plain_scan

R = np.random.default_rng(0)
STARTS = [np.asarray([2.0, -1.5]), np.asarray([-1.2, 0.7]), np.asarray([0.3, 3.0])]


def wells(x):
    return np.sum((x**2 - 1.0) ** 2)


FRONTS = {
    "minimize from": lambda x: solvers.minimize(wells, x).x,
    "minimize with": lambda x: (
        solvers.minimize(lambda v, a: np.sum((v - a) ** 2), np.zeros(2), args=(x,)).x
    ),
    "minimize over": lambda x: solvers.minimize(lambda v: np.sum((v - x) ** 2), np.zeros(2)).x,
    "simplex": lambda x: solvers.minimize(wells, x, method="nelder_mead").x,
    "box": lambda x: solvers.minimize(wells, x, bounds=(-2.0, 2.0)).x,
    "root": lambda x: solvers.root(lambda v: v**2 - 1.0, x).x,
    "fixed point": lambda x: solvers.fixed_point(np.cos, x).x,
    "least squares": lambda x: solvers.least_squares(lambda v: v**2 - 1.0, x).x,
}


@pytest.mark.parametrize("name", FRONTS)
def test_a_front_is_refused_where_a_replay_would_repeat_its_answer(name):
    with pytest.raises(TraceError, match="compiled function"):
        ag.compile(FRONTS[name])(STARTS[0])


@pytest.mark.parametrize("name", FRONTS)
def test_a_front_in_a_step_of_a_loop_runs_in_every_step(name):
    step = lambda c, x: (np.cos(c) + x, FRONTS[name](c + x))
    rows = np.stack(STARTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ag.scan(step, STARTS[0], rows)
        assert_same_bits(found, plain_scan(step, STARTS[0], rows))


def cubic(x, a):
    return x**3 + x - a


def newton(a):
    x, a = np.ones(2), np.asarray(a)
    while np.max(np.abs(cubic(x, a))) > 1e-13:
        x = x - cubic(x, a) / (3.0 * x**2 + 1.0)
    return x


@pytest.mark.parametrize("kind", ["value", "gradient", "batch", "hessian"])
def test_implicit_roots_are_solved_in_every_run(kind):
    root = ag.implicit_root(cubic, newton)
    made = {
        "value": root,
        "gradient": ag.grad(lambda a: np.sum(root(a) ** 2)),
        "batch": lambda a: ag.vmap(root)(np.stack([a, 2.0 * a])),
        "hessian": ag.hessian(lambda a: np.sum(root(a) ** 2)),
    }[kind]
    compiled = ag.compile(made)
    for start in STARTS:
        assert_same_bits(compiled(start), made(start))
    assert compiled.counts() == (1, 1)


def test_an_answer_of_another_shape_is_recorded_anew():
    def solve(a):
        return np.zeros(1 if a[0] > 0.0 else 2)

    root = ag.implicit_root(lambda x, a: x, solve)
    compiled = ag.compile(lambda a: root(a) * 2.0 + 1.0)
    assert [len(compiled(start)) for start in (*STARTS[1:], *STARTS)] == [2, 1, 1, 2, 1]


def test_a_solver_that_closes_over_a_traced_value_never_repeats_it():
    def f(a):
        root = ag.implicit_root(lambda x, b: x - b * a, lambda b: b * a)
        return root(np.ones(2))

    compiled = ag.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start in STARTS:
            try:
                found = compiled(start)
            except TraceError:
                continue
            assert_same_bits(found, f(start))
