"""Difference quotients: the source of truth that knows no rule."""

import numpy as np


def difference(f, x, v, h=1e-3):
    """The derivative of f at x along v, by a central difference of fourth order."""

    def at(t):
        return np.asarray(f(x + t * v))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
