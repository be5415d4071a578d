"""The subproblem solved to the end: in the basis of eigenvectors it is one equation."""

from __future__ import annotations

import math

import numpy as np

ITERATIONS = 100
TOLERANCE = 1e-10  # of the length, relative to the radius


def solve_exactly(w: np.ndarray, b: np.ndarray, radius: float) -> tuple[np.ndarray, bool]:
    """Minimise ``b c + c diag(w) c / 2`` over ``|c| <= radius``; ``w`` ascends.

    The solution has ``(w + l) c = -b`` with ``l >= max(0, -w[0])``. With ``m = l + w[0]`` the
    denominators are ``(w - w[0]) + m``, free of cancellation. Where ``b`` has nothing along the
    lowest eigenvector (the hard case), ``m`` is 0 and a multiple of it fills up the length.

    References
    ----------
    Moré, Sorensen (1983), Computing a trust region step, section 3; Conn, Gould, Toint (2000),
    Trust-region methods, 7.3.
    """
    gaps = w - w[0]
    size = float(np.linalg.norm(b))
    most = size / radius  # of m, as |c| <= |b| / m
    smallest = np.finfo(np.float64).eps * max(float(gaps[-1]), abs(float(w[0])), most, 1e-300)
    low = max(float(w[0]), smallest)
    c = -b / (gaps + low)
    if np.linalg.norm(c) <= radius:
        if w[0] >= -smallest:
            return c, False
        rest = float(np.linalg.norm(c[1:]))
        c[0] = math.copysign(math.sqrt(max(radius * radius - rest * rest, 0.0)), -b[0])
        return c, True
    high = max(most, low)
    m = low
    for _ in range(ITERATIONS):
        c = -b / (gaps + m)
        length = float(np.linalg.norm(c))
        if abs(length - radius) <= TOLERANCE * radius:
            break
        low, high = (m, high) if length > radius else (low, m)
        # Newton's method for 1 / radius = 1 / |c|, which is nearly linear in m
        change = length * length / float(c @ (c / (gaps + m))) * (length - radius) / radius
        inside = low < m + change < high
        m = m + change if inside else math.sqrt(low * high)
    return c * (radius / length), True


def solve_by_dogleg(w: np.ndarray, b: np.ndarray, radius: float) -> tuple[np.ndarray, bool]:
    """Go along the steepest descent to its minimum, and on towards the Newton step.

    Where the Hessian is not positive definite, the path is that of ``H + shift``, and its end is
    carried on along the lowest eigenvector to the boundary.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, eq. 4.16; 4.18 for the shift, and the remark
    after it.
    """
    indefinite = bool(w[0] <= 0.0)
    size = float(np.linalg.norm(b))
    lift = np.finfo(np.float64).eps * max(abs(float(w[-1])), size / radius)
    curved = w + (1.5 * abs(float(w[0])) + lift) if indefinite else w
    newton = -b / curved
    if np.linalg.norm(newton) <= radius:
        if not w[0] < 0.0:
            return newton, False
        rest = float(np.linalg.norm(newton[1:]))
        newton[0] = math.copysign(math.sqrt(max(radius * radius - rest * rest, 0.0)), -b[0])
        return newton, True
    cauchy = -(size * size / float((curved * b) @ b)) * b
    length = float(np.linalg.norm(cauchy))
    if length >= radius:
        return cauchy * (radius / length), True
    way = newton - cauchy
    along, square = float(cauchy @ way), float(way @ way)
    room = radius * radius - length * length
    share = room / (along + math.sqrt(along * along + square * room))
    return cauchy + share * way, True
