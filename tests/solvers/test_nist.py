"""NIST StRD: certified parameters and standard deviations, from both starts, without tuning.

The options are the defaults for all problems. 9 digits are asked for, of 11 that are certified.
"""

import decimal

import numpy as np
import pytest

import anygrad as ag
from tests.solvers.nist_problems import FOLDER, MODELS, load, matching_digits

DIGITS = 9.0
LONG = {("Bennett5", 0), ("Bennett5", 1), ("MGH09", 0), ("MGH10", 0), ("MGH17", 0)}
CASES = [
    pytest.param(
        name,
        start,
        id=f"{name}-{start + 1}",
        marks=[pytest.mark.slow] if (name, start) in LONG else [],
    )
    for name in MODELS
    for start in (0, 1)
]
# Its residuals are 1e-13 of the data, so that rounding of the data's size leaves them few digits;
# `test_lanczos1_is_limited_by_the_rounding_of_residuals_alone` proves that nothing else is wrong.
LIMITED = {"Lanczos1"}


def test_all_27_problems_are_there():
    assert len(MODELS) == 27
    problems = [load(name) for name in MODELS]
    assert [p.y.size for p in problems][:5] == [154, 6, 214, 54, 6]
    # the certified parameters give the certified sum of squares: models and data are read rightly
    for p in problems:
        squares = float(np.sum(p.residuals(p.params) ** 2))
        # to the residuals of Lanczos1, 1e-13 of the data, 11 digits of the parameters are too few
        if p.name != "Lanczos1":
            assert np.isclose(squares, p.sum_of_squares, rtol=1e-9, atol=0.0), p.name


@pytest.mark.parametrize(("name", "start"), CASES)
def test_certified_values_are_reached_to_nine_digits(name, start):
    problem = load(name)
    with np.errstate(all="ignore"):  # exponentials overflow at far trials
        result = ag.least_squares(problem.residuals, problem.starts[start])
    assert result.success, result.message
    assert matching_digits(result.x, problem.params) >= DIGITS
    if name in LIMITED:
        return
    assert matching_digits(result.standard_errors(), problem.deviations) >= DIGITS
    squares = np.asarray([2.0 * result.cost])
    assert matching_digits(squares, np.asarray([problem.sum_of_squares])) >= DIGITS


@pytest.mark.parametrize("start", [0, 1])
def test_lanczos1_is_limited_by_the_rounding_of_residuals_alone(start):
    problem = load("Lanczos1")
    result = ag.least_squares(problem.residuals, problem.starts[start])
    size = np.sqrt(problem.sum_of_squares)
    # one unit of rounding of the data is this part of the residuals: no more than 4 digits are left
    assert np.finfo(float).eps * np.linalg.norm(problem.y) / size > 1e-4
    # sums of squares of 50 digits, at the minimum of those, which our Jacobian leads to
    squares = float(exact_minimum(result.x, ag.to_numpy(result.jac)))
    assert abs(squares / problem.sum_of_squares - 1.0) < 1e-9
    unscaled = result.standard_errors(absolute_sigma=True)
    deviations = unscaled * np.sqrt(squares / (problem.y.size - 6))
    assert matching_digits(deviations, problem.deviations) >= DIGITS
    # and the sum of squares in double precision is right to the digits that it has
    assert abs(2.0 * float(result.cost) / squares - 1.0) < 1e-2


def exact_minimum(x, jacobian):
    """The least sum of squares of Lanczos1 in decimal numbers, by steps with a fixed Jacobian."""
    lines = (FOLDER / "Lanczos1.dat").read_text().splitlines()
    first = max(k for k, line in enumerate(lines) if line.startswith("Data:")) + 1
    with decimal.localcontext() as context:
        context.prec = 50
        rows = [[decimal.Decimal(v) for v in line.split()] for line in lines[first:]]
        b = [decimal.Decimal(float(v)) for v in x]
        inverse = np.linalg.pinv(jacobian)
        for _ in range(6):
            r = [
                b[0] * (-b[1] * t).exp() + b[2] * (-b[3] * t).exp() + b[4] * (-b[5] * t).exp() - y
                for y, t in rows
            ]
            small = np.asarray([float(v * 10**13) for v in r])  # in the range of doubles
            step = inverse @ small
            b = [p - decimal.Decimal(float(s)) / 10**13 for p, s in zip(b, step, strict=True)]
        return sum(v * v for v in r)


@pytest.mark.parametrize("name", ["Misra1a", "MGH09", "MGH17", "Kirby2", "Rat43"])
def test_products_alone_reach_the_certified_parameters(name):
    problem = load(name)
    start = problem.starts[1]
    result = ag.least_squares(problem.residuals, start, linear_solver="lsmr", x_scale=np.abs(start))
    assert result.success, result.message
    assert matching_digits(result.x, problem.params) >= DIGITS
