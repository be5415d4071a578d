"""Constrained problems with published minima.

Hock, Schittkowski (1981), Test examples for nonlinear programming codes, Lecture Notes in Economics
and Mathematical Systems 187, by their numbers there, with the minima printed there.
"""

import numpy as np

import anygrad as ag


def hs6(x):
    return (1.0 - x[0]) ** 2


def hs7(x):
    return ag.namespace(x).log(1.0 + x[0] ** 2) - x[1]


def hs26(x):
    return (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4


def hs28(x):
    return (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2


def hs35(x):
    squares = 2.0 * x[0] ** 2 + 2.0 * x[1] ** 2 + x[2] ** 2 + 2.0 * x[0] * x[1] + 2.0 * x[0] * x[2]
    return 9.0 - 8.0 * x[0] - 6.0 * x[1] - 4.0 * x[2] + squares


def hs43(x):
    squares = x[0] ** 2 + x[1] ** 2 + 2.0 * x[2] ** 2 + x[3] ** 2
    return squares - 5.0 * x[0] - 5.0 * x[1] - 21.0 * x[2] + 7.0 * x[3]


def hs43_rules(x):
    return [
        8.0 - x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - x[3] ** 2 - x[0] + x[1] - x[2] + x[3],
        10.0 - x[0] ** 2 - 2.0 * x[1] ** 2 - x[2] ** 2 - 2.0 * x[3] ** 2 + x[0] + x[3],
        5.0 - 2.0 * x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - 2.0 * x[0] + x[1] + x[3],
    ]


def hs48(x):
    return (x[0] - 1.0) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2


def hs71(x):
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def hs76(x):
    squares = x[0] ** 2 + 0.5 * x[1] ** 2 + x[2] ** 2 + 0.5 * x[3] ** 2
    return squares - x[0] * x[2] + x[2] * x[3] - x[0] - 3.0 * x[1] + x[2] - x[3]


def hs76_rules(x):
    return [
        5.0 - x[0] - 2.0 * x[1] - x[2] - x[3],
        4.0 - 3.0 * x[0] - x[1] - 2.0 * x[2] + x[3],
        x[1] + 4.0 * x[2] - 1.5,
    ]


def hs100(x):
    first = (x[0] - 10.0) ** 2 + 5.0 * (x[1] - 12.0) ** 2 + x[2] ** 4 + 3.0 * (x[3] - 11.0) ** 2
    second = 10.0 * x[4] ** 6 + 7.0 * x[5] ** 2 + x[6] ** 4
    return first + second - 4.0 * x[5] * x[6] - 10.0 * x[5] - 8.0 * x[6]


def hs100_rules(x):
    return [
        127.0 - 2.0 * x[0] ** 2 - 3.0 * x[1] ** 4 - x[2] - 4.0 * x[3] ** 2 - 5.0 * x[4],
        282.0 - 7.0 * x[0] - 3.0 * x[1] - 10.0 * x[2] ** 2 - x[3] + x[4],
        196.0 - 23.0 * x[0] - x[1] ** 2 - 6.0 * x[5] ** 2 + 8.0 * x[6],
        -4.0 * x[0] ** 2
        - x[1] ** 2
        + 3.0 * x[0] * x[1]
        - 2.0 * x[2] ** 2
        - 5.0 * x[5]
        + 11.0 * x[6],
    ]


def total(x):
    return sum(x[k] ** 2 for k in range(x.shape[0]))


# number: f, {"eq": functions, "ineq": functions >= 0}, bounds, start, minimum
PROBLEMS = {
    6: (hs6, {"eq": [lambda x: 10.0 * (x[1] - x[0] ** 2)]}, None, [-1.2, 1.0], 0.0),
    7: (
        hs7,
        {"eq": [lambda x: (1.0 + x[0] ** 2) ** 2 + x[1] ** 2 - 4.0]},
        None,
        [2.0, 2.0],
        -np.sqrt(3.0),
    ),
    26: (
        hs26,
        {"eq": [lambda x: (1.0 + x[1] ** 2) * x[0] + x[2] ** 4 - 3.0]},
        None,
        [-2.6, 2.0, 2.0],
        0.0,
    ),
    28: (
        hs28,
        {"eq": [lambda x: x[0] + 2.0 * x[1] + 3.0 * x[2] - 1.0]},
        None,
        [-4.0, 1.0, 1.0],
        0.0,
    ),
    35: (
        hs35,
        {"ineq": [lambda x: 3.0 - x[0] - x[1] - 2.0 * x[2]]},
        (0.0, None),
        [0.5, 0.5, 0.5],
        1.0 / 9.0,
    ),
    39: (
        lambda x: -x[0],
        {
            "eq": [
                lambda x: x[1] - x[0] ** 3 - x[2] ** 2,
                lambda x: x[0] ** 2 - x[1] - x[3] ** 2,
            ]
        },
        None,
        [2.0] * 4,
        -1.0,
    ),
    40: (
        lambda x: -x[0] * x[1] * x[2] * x[3],
        {
            "eq": [
                lambda x: x[0] ** 3 + x[1] ** 2 - 1.0,
                lambda x: x[0] ** 2 * x[3] - x[2],
                lambda x: x[3] ** 2 - x[1],
            ]
        },
        None,
        [0.8] * 4,
        -0.25,
    ),
    43: (hs43, {"ineq": [hs43_rules]}, None, [0.0] * 4, -44.0),
    48: (
        hs48,
        {
            "eq": [
                lambda x: [
                    x[0] + x[1] + x[2] + x[3] + x[4] - 5.0,
                    x[2] - 2.0 * (x[3] + x[4]) + 3.0,
                ]
            ]
        },
        None,
        [3.0, 5.0, -3.0, 2.0, -2.0],
        0.0,
    ),
    71: (
        hs71,
        {
            "ineq": [lambda x: x[0] * x[1] * x[2] * x[3] - 25.0],
            "eq": [lambda x: total(x) - 40.0],
        },
        (1.0, 5.0),
        [1.0, 5.0, 5.0, 1.0],
        17.0140173,
    ),
    76: (hs76, {"ineq": [hs76_rules]}, (0.0, None), [0.5] * 4, -4.681818181),
    100: (
        hs100,
        {"ineq": [hs100_rules]},
        None,
        [1.0, 2.0, 0.0, 4.0, 0.0, 1.0, 1.0],
        680.6300573,
    ),
}
