"""Functions that several tests minimise, for arrays of any library."""

import numpy as np

import anygrad as ag

CURVATURES = np.asarray([1.0, 40.0, 900.0, 0.5, 2.5])
TARGET = np.asarray([1.0, -2.0, 0.25, 3.0, -1.0])


def rosenbrock(x):
    """The valley of Rosenbrock, chained; 0 where all elements are 1."""
    xp = ag.namespace(x)
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2) + xp.sum((1.0 - x[:-1]) ** 2)


def quadratic(xp, dtype=None):
    """A quadratic of condition 1,800 with its minimum, 0, at ``TARGET``."""
    d, c = (xp.asarray(v.tolist(), dtype=dtype or xp.float64) for v in (CURVATURES, TARGET))
    return lambda x: 0.5 * ag.namespace(x).sum((x - c) ** 2 * d)
