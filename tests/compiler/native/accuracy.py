"""How far results are from the exact ones, in units of the last place."""

import math

import mpmath
import numpy as np
import pytest

from .evaluating import evaluate

BOUND = 2.0
"""What every function keeps to."""

WIDE = np.finfo(np.longdouble).nmant > 60
needs_wide = pytest.mark.skipif(not WIDE, reason="np.longdouble is no wider than float64 here")

UNSIGNED = {"float64": np.uint64, "float32": np.uint32}
WIDER = {"float64": np.longdouble, "float32": np.float64}


def unit(exact, dtype):
    """The distance of the numbers of a type at these values, the smallest one near zero."""
    kind = np.finfo(dtype)
    exponents = np.frexp(np.abs(exact))[1] - 1
    return np.ldexp(np.ones_like(exact), np.maximum(exponents, kind.minexp) - kind.nmant)


def errors(found, exact):
    """The distance of numbers from wider ones, in units of the last place of the latter.

    Infinite where one of both is nan or another infinity; too large a number may be infinite.
    """
    dtype, wide = found.dtype, exact
    top = wide.dtype.type(np.finfo(dtype).max)
    with np.errstate(all="ignore"):
        beyond = np.abs(wide) > top
        # the number after the largest one is what rounding takes an overflow for
        after = np.copysign(top + unit(top, dtype), wide)
        given = np.where(np.isinf(found) & beyond, after, found.astype(wide.dtype))
        wide = np.where(beyond, np.where(np.abs(wide) < np.abs(after), wide, after), wide)
        distance = np.abs(given - wide) / unit(np.where(np.isfinite(wide), wide, 0), dtype)
        distance[np.isnan(distance)] = np.inf
        distance[(given == wide) | (np.isnan(found) & np.isnan(exact))] = 0
    return distance


def numbers(dtype, count, seed=0):
    """Numbers of both signs and of all exponents, with zeros, the ends of the range and nan."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, np.iinfo(UNSIGNED[dtype]).max, count, UNSIGNED[dtype]).view(dtype)
    kind = np.finfo(dtype)
    ends = [0, kind.smallest_subnormal, kind.tiny, kind.eps, 1, 2, kind.max, np.inf, np.nan]
    ends = np.array(ends, dtype)
    return np.concatenate([drawn, ends, -ends])


def spread(dtype, low, high, count, seed=0):
    """Numbers between two limits, as many in one part as in another."""
    return np.random.default_rng(seed).uniform(low, high, count).astype(dtype)


def around(values, dtype, reach=20):
    """The numbers next to some values, on both sides."""
    values = np.asarray(values, dtype)
    steps = np.arange(-reach, reach + 1)
    found = (values.view(UNSIGNED[dtype])[:, None] + steps.astype(UNSIGNED[dtype])).view(dtype)
    return found.ravel()


def largest_error(function, reference, *arrays, lanes=16):
    """The largest error against a function of wider numbers, and where it is."""
    arrays = np.broadcast_arrays(*arrays)
    found = evaluate(function, *arrays, lanes=lanes)
    with np.errstate(all="ignore"):
        exact = reference(*[x.astype(WIDER[x.dtype.name]) for x in arrays])
    return _largest(errors(found, exact), found, exact, arrays)


def assert_special(function, dtype, rows, lanes=16):
    """Rows of arguments and their result: the same value and sign, or nan."""
    *arrays, wanted = [np.array(column, dtype) for column in zip(*rows, strict=True)]
    found = evaluate(function, *arrays, lanes=lanes)
    np.testing.assert_array_equal(found, wanted)
    signs = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[signs], np.signbit(wanted)[signs])


def assert_same_in_all_widths(function, *arrays):
    """The same bits however many numbers a vector has, and wherever in it a number stands."""
    whole = evaluate(function, *arrays, lanes=16)
    for lanes in (4, 32):
        np.testing.assert_array_equal(evaluate(function, *arrays, lanes=lanes), whole)
    turned = evaluate(function, *[np.roll(x, 5) for x in arrays], lanes=16)
    np.testing.assert_array_equal(np.roll(turned, -5), whole)


def largest_error_exact(function, reference, *arrays, lanes=16, digits=40):
    """As `largest_error`, against a function of mpmath, where that gives a finite real number."""
    arrays = [x.ravel() for x in np.broadcast_arrays(*arrays)]
    found = evaluate(function, *arrays, lanes=lanes)
    kind = np.finfo(found.dtype)
    worst, where = -1.0, None
    with mpmath.workdps(digits):
        for y, *xs in zip(found.tolist(), *[x.tolist() for x in arrays], strict=True):
            if not math.isfinite(y):
                continue
            exact = reference(*[mpmath.mpf(x) for x in xs])
            power = max(mpmath.frexp(exact)[1] - 1, kind.minexp) - kind.nmant if exact else 0
            error = float(abs(mpmath.ldexp(y - exact, -power)))
            if error > worst:
                worst, where = error, (*xs, y, float(exact))
    return worst, where


def largest_error_everywhere(function, reference, step=7, low=0, high=2**32, lanes=32):
    """The largest error over every so many bit patterns of float32, in pieces."""
    worst, where = 0.5, None
    piece = step * 2**20
    for start in range(low, high, piece):
        x = np.arange(start, min(start + piece, high), step, np.uint32).view(np.float32)
        found = evaluate(function, x, lanes=lanes)
        with np.errstate(all="ignore"):
            exact = reference(x.astype(np.float64))
            # a unit of the last place is at least this part of a number: only where more is
            # missing can there be a larger error
            clear = np.abs(found - exact) <= np.abs(exact) * (worst * 2.0**-24)
        unclear = ~(clear | (found == exact) | (np.isnan(found) & np.isnan(exact)))
        x, found, exact = x[unclear], found[unclear], exact[unclear]
        if x.size:
            error, at = _largest(errors(found, exact), found, exact, (x,))
            if error > worst:
                worst, where = error, at
    return worst, where


def _largest(distances, found, exact, arrays):
    k = int(np.argmax(distances))
    at = tuple([x.ravel()[k].item() for x in arrays])
    return float(distances.ravel()[k]), (*at, found.ravel()[k].item(), float(exact.ravel()[k]))
