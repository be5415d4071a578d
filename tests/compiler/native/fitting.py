"""Polynomials of smallest error, with coefficients that are numbers of the working precision.

By Remez's exchange, in the arithmetic of mpmath: the same numbers on every machine.
"""

from itertools import pairwise

import mpmath

DIGITS = 50
precisely = mpmath.workdps(DIGITS)
"""Decorates functions that compute with constants of their own."""

TRIALS = 40


def fit(function, interval, count, *, step=1, weight=None, bits=53, given=()):
    """Coefficients c of ``sum(c[k] * x**(step * k))``, the constant one first, as floats.

    The largest of ``|weight(x) * (function(x) - polynomial)|`` is as small as possible as they are
    rounded one after the other, lowest first, and those above are fitted anew after each.

    Parameters
    ----------
    function, weight : callable
        Of a positive or negative mpf, never of zero.
    interval : pair
        Where; with ``step=2`` its ends should have one sign.
    count : int
        The number of coefficients, with those that are given.
    bits : int or sequence of int
        The precision of the coefficients: 53 or 24; one for all or one for each.
    given : sequence of float
        The first coefficients, if they are known.
    """
    sizes = [bits] * count if isinstance(bits, int) else list(bits)
    with mpmath.workdps(DIGITS):
        weight = weight or (lambda x: mpmath.mpf(1))
        grid = _grid(interval, 24 * count)
        values = [(x, function(x), weight(x)) for x in grid]
        found = [mpmath.mpf(c) for c in given]
        while len(found) < count:
            free = [step * k for k in range(len(found), count)]
            # errors alternate in sign once x to the lowest power is taken out of them
            rest = [
                (x, f - _sum(found, x, step), w * mpmath.sign(x) ** free[0]) for x, f, w in values
            ]
            found.append(rounded(_exchange(rest, free)[0], sizes[len(found)]))
        return [float(c) for c in found]


def error_of(coefficients, function, interval, *, step=1, weight=None):
    """The largest weighted error of a polynomial in an interval."""
    with mpmath.workdps(DIGITS):
        weight = weight or (lambda x: mpmath.mpf(1))
        terms = [mpmath.mpf(c) for c in coefficients]
        errors = [
            abs(weight(x) * (function(x) - _sum(terms, x, step)))
            for x in _grid(interval, 60 * len(terms))
        ]
        return float(max(errors))


def rounded(x, bits):
    """A number with so many binary digits, half-way cases to even."""
    if x == 0:
        return mpmath.mpf(0)
    fraction, exponent = mpmath.frexp(x)
    return mpmath.ldexp(mpmath.nint(mpmath.ldexp(fraction, bits)), exponent - bits)


def parts(x, *bits):
    """A number as a sum of floats of so many binary digits each, the largest first."""
    found = []
    for size in bits:
        found.append(rounded(x, size))
        x = x - found[-1]
    return [float(y) for y in found]


def _grid(interval, count):
    """Points that lie closer to each other at the ends; zero is not one of them."""
    low, high = map(mpmath.mpf, interval)
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle - half * mpmath.cos(mpmath.pi * k / count) for k in range(count + 1)]
    return [x or half / mpmath.mpf(2) ** 60 for x in points]


def _sum(coefficients, x, step):
    return mpmath.fsum([c * x ** (step * k) for k, c in enumerate(coefficients)])


def _exchange(values, powers):
    """The coefficients of these powers whose largest error is smallest, over points with values."""
    size = len(powers) + 1
    chosen = [round((len(values) - 1) * k / (size - 1)) for k in range(size)]
    best, smallest = None, mpmath.inf
    rows = [[x**p for p in powers] for x, _, _ in values]
    for _ in range(TRIALS):
        matrix, right = mpmath.zeros(size), mpmath.zeros(size, 1)
        for i, k in enumerate(chosen):
            _, f, w = values[k]
            for j, term in enumerate(rows[k]):
                matrix[i, j] = w * term
            matrix[i, size - 1] = (-1) ** i
            right[i] = w * f
        solved = mpmath.lu_solve(matrix, right)
        found, level = list(solved)[:-1], abs(solved[size - 1])
        errors = [
            w * (f - mpmath.fdot(found, row)) for (_, f, w), row in zip(values, rows, strict=True)
        ]
        largest = max(map(abs, errors))
        if largest < smallest:
            best, smallest = found, largest
        if largest <= level * (1 + mpmath.mpf(10) ** -6):
            break
        chosen = _alternating(errors, size) or chosen
    return best


def _alternating(errors, size):
    """Where the errors are largest with signs that alternate; nothing if there are too few."""
    peaks = []
    for k, error in enumerate(errors):
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = k
        else:
            peaks.append(k)
    heights = [abs(errors[k]) for k in peaks]
    while len(peaks) > size:
        if len(peaks) == size + 1:  # one of the ends, where nothing has to alternate beyond
            first = 0 if heights[0] < heights[-1] else len(peaks) - 1
            gone = slice(first, first + 1)
        else:
            pairs = [max(pair) for pair in pairwise(heights)]
            first = pairs.index(min(pairs))
            gone = slice(first, first + 2)
        del peaks[gone], heights[gone]
    return peaks if len(peaks) == size else None
