"""All 35 problems of Moré, Garbow, Hillstrom (1981) with starts and minima: one record each."""

import math

import numpy as np

from tests.solvers.problems import fixed, variable
from tests.solvers.problems.records import Minimum, Problem


def _zero(*at: float) -> Minimum:
    """The least value that a sum of squares can have, at a point that solves all equations."""
    return Minimum(0.0, at=at or None)


def _times(n: int) -> np.ndarray:
    return np.arange(1, n + 1) / (n + 1)


def _below_zero(n: int) -> tuple[float, ...]:
    return tuple((_times(n) * (_times(n) - 1.0)).tolist())


def _spread(n: int) -> tuple[float, ...]:
    return tuple(_times(n).tolist())


# a point far along the way to the minimum of problem 15 at (inf, -14.07, -inf, -inf); the ratios of
# the coordinates solve the problem of three parameters that is left at infinity
FAR_15 = (0.02209593e12, -14.07588383, -1e12, -0.62380133e12)

FIXED = [
    Problem(1, "rosenbrock", 2, 2, fixed.rosenbrock, (-1.2, 1.0), (_zero(1.0, 1.0),)),
    Problem(
        *(2, "freudenstein-roth", 2, 2, fixed.freudenstein_roth, (0.5, -2.0)),
        (_zero(5.0, 4.0), Minimum(48.98425367924, "48.9842", (11.412778986, -0.896805253))),
    ),
    Problem(
        *(3, "powell-badly-scaled", 2, 2, fixed.powell_badly_scaled, (0.0, 1.0)),
        (_zero(1.0981593296997e-5, 9.106146739867),),
    ),
    Problem(
        *(4, "brown-badly-scaled", 2, 3, fixed.brown_badly_scaled, (1.0, 1.0)),
        (_zero(1e6, 2e-6),),
    ),
    Problem(5, "beale", 2, 3, fixed.beale, (1.0, 1.0), (_zero(3.0, 0.5),)),
    Problem(
        *(6, "jennrich-sampson", 2, 10, fixed.jennrich_sampson, (0.3, 0.4)),
        (Minimum(124.3621823556, "124.362", (0.257825213, 0.257825213)),),
    ),
    Problem(
        *(7, "helical-valley", 3, 3, fixed.helical_valley, (-1.0, 0.0, 0.0)),
        (_zero(1.0, 0.0, 0.0),),
    ),
    Problem(
        *(8, "bard", 3, 15, fixed.bard, (1.0, 1.0, 1.0)),
        (
            Minimum(8.214877306579e-3, "8.21487e-3"),
            Minimum(17.42869333333, "17.4286", (0.8406666667, -1e12, -1e12), far=True),
        ),
    ),
    Problem(
        *(9, "gaussian", 3, 15, fixed.gaussian, (0.4, 1.0, 0.0)),
        (Minimum(1.127932769619e-8, "1.12793e-8"),),
    ),
    Problem(
        *(10, "meyer", 3, 16, fixed.meyer, (0.02, 4000.0, 250.0)),
        (Minimum(87.94585517051, "87.9458"),),
    ),
    Problem(11, "gulf", 3, 99, fixed.gulf, (5.0, 2.5, 0.15), (_zero(50.0, 25.0, 1.5),)),
    Problem(
        *(12, "box", 3, 10, fixed.box, (0.0, 10.0, 20.0)),
        (_zero(1.0, 10.0, 1.0), _zero(10.0, 1.0, -1.0), _zero(2.0, 2.0, 0.0)),
    ),
    Problem(
        *(13, "powell-singular", 4, 4, fixed.powell_singular, (3.0, -1.0, 0.0, 1.0)),
        (_zero(0.0, 0.0, 0.0, 0.0),),
    ),
    Problem(14, "wood", 4, 6, fixed.wood, (-3.0, -1.0, -3.0, -1.0), (_zero(1.0, 1.0, 1.0, 1.0),)),
    Problem(
        *(15, "kowalik-osborne", 4, 11, fixed.kowalik_osborne, (0.25, 0.39, 0.415, 0.39)),
        (
            Minimum(3.07505603849e-4, "3.07505e-4"),
            Minimum(1.0273430486955e-3, "1.02734e-3", FAR_15, far=True),
        ),
    ),
    Problem(
        *(16, "brown-dennis", 4, 20, fixed.brown_dennis, (25.0, 5.0, -5.0, -1.0)),
        (Minimum(85822.20162635, "85822.2"),),
    ),
    Problem(
        *(17, "osborne-1", 5, 33, fixed.osborne_1, (0.5, 1.5, -1.0, 0.01, 0.02)),
        (Minimum(5.464894697483e-5, "5.46489e-5"),),
    ),
    Problem(
        *(18, "biggs", 6, 13, fixed.biggs, (1.0, 2.0, 1.0, 1.0, 1.0, 1.0)),
        (
            # the least value is that of the parameters from which the data were made
            Minimum(0.0, "", (1.0, 10.0, 1.0, 5.0, 4.0, 3.0), source="by hand: y_i are its values"),
            Minimum(5.655649925507e-3, "5.65565e-3"),
        ),
    ),
    Problem(
        *(19, "osborne-2", 11, 65, fixed.osborne_2),
        (1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5),
        (Minimum(4.013773629355e-2, "4.01377e-2"),),
    ),
    *(
        Problem(20, "watson", n, 31, fixed.watson, (0.0,) * n, (Minimum(value, digits),))
        for n, value, digits in (
            (6, 2.287670053552e-3, "2.28767e-3"),
            (9, 1.399760138010e-6, "1.39976e-6"),
            (12, 4.72238110e-10, "4.72238e-10"),
        )
    ),
]

VARIABLE = [
    Problem(
        *(21, "extended-rosenbrock", 10, 10, variable.extended_rosenbrock, (-1.2, 1.0) * 5),
        (_zero(*(1.0,) * 10),),
    ),
    Problem(
        *(22, "extended-powell-singular", 12, 12, variable.extended_powell_singular),
        *((3.0, -1.0, 0.0, 1.0) * 3, (_zero(*(0.0,) * 12),)),
    ),
    *(
        Problem(
            *(23, "penalty-1", n, n + 1, variable.penalty_1, tuple(range(1, n + 1))),
            (Minimum(value, digits),),
        )
        for n, value, digits in (
            (4, 2.249977500800e-5, "2.24997e-5"),
            (10, 7.087651467090e-5, "7.08765e-5"),
        )
    ),
    *(
        Problem(
            *(24, "penalty-2", n, 2 * n, variable.penalty_2, (0.5,) * n),
            (Minimum(value, digits),),
        )
        for n, value, digits in (
            (4, 9.376293007355e-6, "9.37629e-6"),
            (10, 2.936605374567e-4, "2.93660e-4"),
        )
    ),
    Problem(
        *(25, "variably-dimensioned", 10, 12, variable.variably_dimensioned),
        *(tuple((1.0 - np.arange(1, 11) / 10).tolist()), (_zero(*(1.0,) * 10),)),
    ),
    Problem(
        *(26, "trigonometric", 10, 10, variable.trigonometric, (0.1,) * 10),
        (
            _zero(*(0.0,) * 10),
            Minimum(2.795056121878e-5, "", source="where most methods end from the standard start"),
        ),
    ),
    Problem(
        *(27, "brown-almost-linear", 10, 10, variable.brown_almost_linear, (0.5,) * 10),
        (_zero(*(1.0,) * 10), Minimum(1.0, "1", (*(0.0,) * 9, 11.0))),
    ),
    Problem(
        *(28, "discrete-boundary-value", 10, 10, variable.discrete_boundary_value),
        *(_below_zero(10), (_zero(),)),
    ),
    Problem(
        *(29, "discrete-integral-equation", 10, 10, variable.discrete_integral_equation),
        *(_below_zero(10), (_zero(),)),
    ),
    Problem(
        *(30, "broyden-tridiagonal", 10, 10, variable.broyden_tridiagonal, (-1.0,) * 10),
        (_zero(),),
    ),
    Problem(
        *(31, "broyden-banded", 10, 10, variable.broyden_banded, (-1.0,) * 10),
        (_zero(),),
    ),
    Problem(
        *(32, "linear-full-rank", 5, 10, variable.linear_full_rank(10), (1.0,) * 5),
        (Minimum(5.0, "5", (-1.0,) * 5),),  # m - n
    ),
    Problem(
        *(33, "linear-rank-1", 5, 10, variable.linear_rank_1(10), (1.0,) * 5),
        # m (m - 1) / (2 (2 m + 1)), wherever sum j x_j = 3 / (2 m + 1)
        (Minimum(45 / 21, "2.14285", (3 / 21, 0.0, 0.0, 0.0, 0.0)),),
    ),
    Problem(
        *(34, "linear-rank-1-with-zeros", 5, 10, variable.linear_rank_1_with_zeros(10)),
        (1.0,) * 5,
        # (m^2 + 3 m - 6) / (2 (2 m - 3)), wherever sum j x_j = 3 / (2 m - 3)
        (Minimum(124 / 34, "3.64705", (0.0, 3 / 34, 0.0, 0.0, 0.0)),),
    ),
    *(
        Problem(35, "chebyquad", n, n, variable.chebyquad, _spread(n), minima)
        for n, minima in (
            (7, (_zero(),)),
            (8, (Minimum(3.516873725677e-3, "3.51687e-3"),)),
            (9, (_zero(),)),
            (
                10,
                (
                    Minimum(4.7727136964e-3, "", source="lower than the published one"),
                    Minimum(6.503954800e-3, "6.50395e-3"),
                ),
            ),
        )
    ),
]

PROBLEMS: list[Problem] = FIXED + VARIABLE
"""Sorted by number; several sizes of a problem where the paper prints their minima."""

assert all(math.isfinite(m.value) for p in PROBLEMS for m in p.minima)
