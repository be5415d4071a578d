"""Line searches: the conditions they promise, SciPy's trials, walls, noise and endless slopes."""

import math

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.solvers import backtracking, hager_zhang, strong_wolfe
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.line import Line
from anygrad.solvers.problem.space import Space

SEARCHES = {
    "backtracking": backtracking(),
    "hager-zhang": hager_zhang(),
    "strong-wolfe": strong_wolfe(),
    "strong-wolfe-0.1": strong_wolfe(c1=1e-3, c2=0.1),
}


def line_of(phi, xp=np, start=0.0):
    """The line of a function of one variable that gives value and slope, and the steps tried."""
    tried = []

    def f(x):
        value, slope = phi(x)
        tried.append(float(ag.to_numpy(x)[0]) - start)
        return xp.sum(value), slope

    x = xp.asarray([start])
    space = Space.of("test", x)
    objective = make_objective("test", f, space, (), True, None)
    point = objective.evaluate(space.to_vector(x))
    tried.clear()
    return Line(objective, point, xp.ones_like(x)), tried


# The six functions of Moré and Thuente (1994), section 5, eqs. 5.1-5.4; their eq. 5.4 with the
# three pairs of constants of tables IV-VI. With each the constants of its table.


def rational(t, b=2.0):
    return -t / (t * t + b), (t * t - b) / (t * t + b) ** 2


def quintic(t, b=0.004):
    return (t + b) ** 5 - 2 * (t + b) ** 4, 5 * (t + b) ** 4 - 8 * (t + b) ** 3


def wavy(t, b=0.01, m=39):
    a = m * math.pi / 2
    wave = 2 * (1 - b) / (m * math.pi) * np.sin(a * t)
    near = np.abs(t - 1) <= b
    value = np.where(near, (t - 1) ** 2 / (2 * b) + b / 2, np.abs(1 - t))
    slope = np.where(near, (t - 1) / b, np.sign(t - 1))
    return value + wave, slope + (1 - b) * np.cos(a * t)


def yanai(b1, b2):
    g1, g2 = (math.sqrt(1 + b * b) - b for b in (b1, b2))

    def phi(t):
        left, right = np.sqrt((1 - t) ** 2 + b2**2), np.sqrt(t**2 + b1**2)
        return g1 * left + g2 * right, g1 * (t - 1) / left + g2 * t / right

    return phi


MORE_THUENTE = {
    "5.1": (rational, 1e-3, 0.1),
    "5.2": (quintic, 0.1, 0.1),
    "5.3": (wavy, 0.1, 0.1),
    "5.4-a": (yanai(1e-3, 1e-3), 1e-3, 1e-3),
    "5.4-b": (yanai(1e-2, 1e-3), 1e-3, 1e-3),
    "5.4-c": (yanai(1e-3, 1e-2), 1e-3, 1e-3),
}
FIRST = [1e-3, 1e-1, 1e1, 1e3]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("name", sorted(MORE_THUENTE))
def test_strong_wolfe_makes_the_trials_of_minpack(name, first):
    # SciPy's DCSRCH is a translation of the authors' own program
    module = pytest.importorskip("scipy.optimize._dcsrch", reason="a private module of SciPy")
    phi, c1, c2 = MORE_THUENTE[name]
    theirs = []

    def value(t):
        theirs.append(t)
        return float(phi(np.float64(t))[0])

    search = module.DCSRCH(value, lambda t: float(phi(np.float64(t))[1]), c1, c2, 1e-16, 0.0, 1e10)
    f0, slope0 = (float(v) for v in phi(np.float64(0.0)))
    found = search(first, phi0=f0, derphi0=slope0, maxiter=50)
    line, tried = line_of(phi)
    trial = strong_wolfe(c1=c1, c2=c2).run(line, first)
    np.testing.assert_allclose(tried, theirs, rtol=1e-7)  # cubics are solved by another formula
    assert trial.t == pytest.approx(found[0], rel=1e-7)


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("name", sorted(MORE_THUENTE))
def test_hager_zhang_ends_where_a_pair_of_its_conditions_holds(name, first):
    phi, _, _ = MORE_THUENTE[name]
    line, tried = line_of(phi)
    trial = hager_zhang(delta=0.1, sigma=0.9, epsilon=1e-6).run(line, first)
    f0, s0 = phi(np.float64(0.0))
    f, s = phi(np.float64(trial.t))
    wolfe = f <= f0 + 0.1 * trial.t * s0 and s >= 0.9 * s0
    approximate = f <= f0 + 1e-6 * abs(f0) and 0.9 * s0 <= s <= -0.8 * s0
    assert wolfe or approximate
    assert len(tried) <= 20
    assert len(set(tried)) == len(tried)


def test_hager_zhang_takes_two_secant_steps():
    strict = hager_zhang(delta=0.4999, sigma=0.4999, epsilon=0.0)

    def secant(slope, a, b):
        return (a * slope(b) - b * slope(a)) / (slope(b) - slope(a))

    # S2: slopes are concave, the first secant step becomes b, the second starts from both b
    def concave(t):
        return 2.0 - 3.0 / (1.0 + t)

    line, tried = line_of(lambda t: (2.0 * t - 3.0 * np.log(1.0 + t), concave(t)))
    strict.run(line, 1.0)
    c = secant(concave, 0.0, 1.0)
    assert tried[:3] == pytest.approx([1.0, c, secant(concave, 1.0, c)])

    # S3: convex, the first becomes a; the second, at 16, is outside, so that the middle follows
    line, tried = line_of(lambda t: (0.25 * t**4 - t, t**3 - 1.0))
    strict.run(line, 2.0)
    assert tried[:3] == pytest.approx([2.0, 0.25, 1.125])


@pytest.mark.parametrize(
    ("f", "slope", "accepted"),
    [
        (0.89, 2.0, True),  # T1: lower by 0.1 t
        (0.91, 2.0, False),
        (0.89, -0.6, False),  # the slope has to halve
        (0.91, 0.79, True),  # T2: the slope is at most 0.8
        (0.91, 0.81, False),
        (1.0009, 0.0, True),  # and f not above by 0.001
        (1.0011, 0.0, False),
        (0.91, -0.6, False),
        (math.nan, 0.0, False),
    ],
)
def test_hager_zhang_accepts_by_the_letter(f, slope, accepted):
    # Hager, Zhang (2005), T1 and T2, where f(0) = 1 and f'(0) = -1
    line, _ = line_of(lambda t: (1 - t, -np.ones_like(t)))
    line.slope = -1.0
    trial = line.at(1.0)
    trial.f = trial.point.f = f
    trial.slope = slope
    assert hager_zhang(delta=0.1, sigma=0.5, epsilon=1e-3).accepts(line, trial) is accepted


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_accepted_steps_satisfy_the_conditions_on_every_library(xp, name):
    search = SEARCHES[name]
    # a valley with its minimum at 3: f = (x - 3)^4 / 10 + (x - 3)^2 / 2
    line, _ = line_of(
        lambda x: (0.1 * (x - 3) ** 4 + 0.5 * (x - 3) ** 2, 0.4 * (x - 3) ** 3 + x - 3), xp
    )
    for first in (1e-4, 1.0, 40.0):
        line.trials = 0
        trial = search.run(line, first)
        z = trial.t - 3
        f, slope = 0.1 * z**4 + 0.5 * z * z, 0.4 * z**3 + z
        f0, slope0 = 0.1 * 81 + 4.5, -0.4 * 27 - 3
        assert (trial.f, trial.slope) == pytest.approx((f, slope))
        c1 = getattr(search, "c1", getattr(search, "delta", None))
        assert f <= f0 + c1 * trial.t * slope0
        if name == "hager-zhang":
            assert slope >= 0.9 * slope0
        if hasattr(search, "c2"):
            assert abs(slope) <= search.c2 * abs(slope0)


@pytest.mark.parametrize("name", sorted(SEARCHES))
@pytest.mark.parametrize("first", [0.5, 3.0, 1e8])
def test_a_wall_of_nan_shortens_the_step(name, first):
    def phi(t):  # -log(1 - t) - 2 t: minimum at 0.5, nothing beyond 1
        with np.errstate(invalid="ignore", divide="ignore"):
            return -np.log(1 - t) - 2 * t, np.where(t < 1, 1 / (1 - t) - 2, np.nan)

    line, _ = line_of(phi)
    trial = SEARCHES[name].run(line, first)
    assert 0 < trial.t < 1
    assert trial.f < -1e-4
    assert line.trials <= 15


@pytest.mark.parametrize("name", ["hager-zhang", "strong-wolfe"])
def test_a_fall_without_end_leaves_the_range_of_numbers_within_one_search(name):
    line, _ = line_of(lambda t: (-t, -np.ones_like(t)))
    trial = SEARCHES[name].run(line, 1.0)
    assert trial.f < -1e30
    assert line.trials <= 30


@pytest.mark.parametrize("name", ["hager-zhang", "strong-wolfe"])
def test_where_values_are_rounding_slopes_decide(name):
    # the gain of 1e-17 vanishes beside 1; the slope says that the minimum is near 1
    def phi(t):
        return 1.0 + 1e-17 * (t - 1) ** 2, 2e-17 * (t - 1)

    line, _ = line_of(phi)
    trial = SEARCHES[name].run(line, 0.3)
    assert trial is not None
    assert abs(trial.slope) <= 0.9 * 2e-17


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_limit_is_kept_and_taken(name):
    line, tried = line_of(lambda t: (-t, -np.ones_like(t)))
    line.limit = 7.0
    trial = SEARCHES[name].run(line, 100.0)
    assert trial.t == 7.0
    assert max(tried) <= 7.0


def test_a_limit_behind_the_minimum_is_not_taken():
    line, tried = line_of(lambda t: (0.5 * (t - 1) ** 2, t - 1))
    line.limit = 1.5
    assert SEARCHES["strong-wolfe-0.1"].run(line, 9.0).t == pytest.approx(1.0)
    assert tried[0] == 1.5


def test_strong_wolfe_believes_the_first_secant():
    # later trials go at least 1.1 times as far as the last; the first one may be nearly right
    line, tried = line_of(lambda t: (0.5 * (t - 1.3) ** 2, t - 1.3))
    SEARCHES["strong-wolfe-0.1"].run(line, 1.0)
    assert tried == pytest.approx([1.0, 1.3])


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_an_ascent_is_refused(name):
    line, _ = line_of(lambda t: (t, np.ones_like(t)))
    assert SEARCHES[name].run(line, 1.0) is None


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_slope_of_the_wrong_sign_ends_without_a_step(name):
    line, tried = line_of(lambda t: (t, -np.ones_like(t)))
    assert SEARCHES[name].run(line, 1.0) is None
    assert len(tried) <= 50


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_the_lowest_trial_is_taken_where_the_trials_are_used_up(name):
    search = type(SEARCHES[name])(**{**vars(SEARCHES[name]), "max_trials": 3})
    line, tried = line_of(
        lambda t: (np.where(t > 1e-9, t, -t), np.where(t > 1e-9, 1.0, -1.0) + 0 * t)
    )
    assert search.run(line, 1.0) is None
    assert len(tried) == 3


def test_backtracking_goes_to_the_minimum_of_the_parabola():
    line, tried = line_of(lambda t: (0.5 * t * t - t, t - 1))
    trial = backtracking().run(line, 5.0)
    # phi(5) = 7.5: the parabola is phi itself, its minimum 1
    assert tried == pytest.approx([5.0, 1.0])
    assert trial.t == pytest.approx(1.0)


def test_backtracking_shortens_by_no_more_than_it_is_told():
    line, tried = line_of(lambda t: (0.5 * t * t - t, t - 1))
    backtracking(shrink=0.25).run(line, 1000.0)
    ratios = np.asarray(tried[1:]) / np.asarray(tried[:-1])
    assert ((ratios >= 0.25) & (ratios <= 0.5)).all()


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (hager_zhang, {"delta": 0.5}, "delta"),
        (hager_zhang, {"delta": 0.3, "sigma": 0.2}, "sigma"),
        (hager_zhang, {"epsilon": -1.0}, "epsilon"),
        (hager_zhang, {"max_trials": 0}, "max_trials"),
        (strong_wolfe, {"c1": 0.5}, "c1"),
        (strong_wolfe, {"c1": 0.2, "c2": 0.1}, "c2"),
        (strong_wolfe, {"max_trials": 0}, "max_trials"),
        (backtracking, {"c1": 1.0}, "c1"),
        (backtracking, {"shrink": 0.6}, "shrink"),
        (backtracking, {"max_trials": 0}, "max_trials"),
    ],
)
def test_constants_outside_their_ranges_are_named(make, options, named):
    with pytest.raises(ArgumentError, match=named):
        make(**options)
