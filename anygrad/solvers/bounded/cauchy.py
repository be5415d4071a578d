"""The generalised Cauchy point: the first minimum of a quadratic model along the projected path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anygrad.backends import device_of
from anygrad.backends.types import Array, Namespace
from anygrad.solvers.problem.bounds import Box
from anygrad.solvers.problem.space import Space

BLOCK = 64
"""Breakpoints that are looked at first on the host."""


@dataclass(frozen=True)
class Cauchy:
    """Where the path has its first minimum.

    Attributes
    ----------
    x : array, shape (n,)
        The point.
    step : array, shape ()
        x is P(start - step g).
    """

    x: Array
    step: Array


def cauchy_point(
    space: Space,
    box: Box,
    x: Array,
    g: Array,
    theta: float,
    rows: Array | None,
    middle: Array | None,
) -> Cauchy:
    """Find the first minimum along P(x - t g) of the model with Hessian theta I - R^T N R.

    The path is straight between breakpoints, the steps at which a variable reaches its bound. Slope
    and curvature of the model at the start of every piece come from running sums over the sorted
    breakpoints: of all at once where the device would have to be read in between, which takes
    memory of about 6 times the rows; on the host in blocks, until the minimum is found.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu (1995), A limited memory algorithm for bound constrained optimization,
    algorithm CP, whose updates of p, c, f' and f'' are the running sums here.
    """
    xp = space.xp
    breaks = _breakpoints(xp, box, x, g)
    if rows is None or middle is None:
        step = space.number(1.0 / theta)
    else:
        model = Pieces(space, theta, middle, xp.sum(g * g))
        step = (_in_blocks if space.is_on_host else _at_once)(model, breaks, g, rows)
    bound = xp.where(g > 0.0, box.lower, box.upper)
    moved = xp.where(breaks <= step, bound, x - step * g)
    return Cauchy(box.project(space, moved), step)


def _breakpoints(xp: Namespace, box: Box, x: Array, g: Array) -> Array:
    """The steps at which x - t g reaches a bound; inf where it does not."""
    still = g == 0.0
    room = xp.where(g > 0.0, x - box.lower, x - box.upper)
    steps = room / xp.where(still, xp.ones_like(g), g)
    return xp.where(still, xp.full_like(g, math.inf), steps)


@dataclass(frozen=True)
class Pieces:
    """The model, for pieces of the path that follow each other.

    Attributes
    ----------
    theta, middle : float, array
        The Hessian theta I - R^T N R.
    whole : array, shape ()
        g g.
    """

    space: Space
    theta: float
    middle: Array
    whole: Array

    def minimum(
        self,
        t: Array,
        g: Array,
        w: Array,
        *,
        start: Array,
        end: Array,
        shift: Array,
        p_end: Array,
        moving_end: Array,
    ) -> Array:
        """Give the first minimum between ``start`` and ``end``; inf where there is none.

        ``t``, ``g`` and ``w`` are breakpoints in order, with elements of g and columns of R;
        ``shift`` is R times the displacement of what was at a bound before, ``p_end`` and
        ``moving_end`` are R d and d d of what moves after the last breakpoint.
        """
        space, theta, xp = self.space, self.theta, self.space.xp
        reached = xp.isfinite(t)
        t_reached = xp.where(reached, t, xp.zeros_like(t))
        # piece j begins at breakpoint j, counted from 0 for the start; on it, what comes later
        # moves: sums from the end lose no digits where little is left
        starts, ends = xp.concat([start, t_reached]), xp.concat([t, end])
        gw = g * w
        moving = moving_end + _from_end(xp, g * g)
        p = p_end - _from_end(xp, gw)
        c = shift + starts * p - _from_start(xp, gw * t_reached)
        n_p = self.middle @ p
        slope = moving * (theta * starts - 1.0) - xp.sum(c * n_p, axis=0)
        curvature = theta * moving - xp.sum(p * n_p, axis=0)
        # B is positive definite; rounding may say otherwise, above all where nothing moves any more
        curvature = xp.maximum(curvature, space.eps * theta * self.whole)
        curvature = xp.where(curvature > 0.0, curvature, xp.ones_like(curvature))
        minimum = starts + xp.where(slope < 0.0, -slope / curvature, xp.zeros_like(slope))
        begins = xp.concat([xp.isfinite(start), reached])
        inside = begins & (ends > starts) & (minimum <= ends)
        # pieces follow each other, so the first minimum has the smallest step
        return xp.min(xp.where(inside, minimum, xp.full_like(minimum, math.inf)))


def _at_once(model: Pieces, breaks: Array, g: Array, rows: Array) -> Array:
    xp = model.space.xp
    order = xp.argsort(breaks)
    none = xp.zeros_like(breaks[:1])
    first = model.minimum(
        xp.take(breaks, order),
        xp.take(g, order),
        xp.take(rows, order, axis=1),
        start=none,
        end=none + math.inf,
        shift=xp.zeros_like(rows[:, :1]),
        p_end=xp.zeros_like(rows[:, :1]),
        moving_end=none,
    )
    return xp.where(xp.isfinite(first), first, xp.zeros_like(first))


def _in_blocks(model: Pieces, breaks: Array, g: Array, rows: Array) -> Array:
    """Look at some breakpoints after the other; most minima come before the first."""
    order = np.flatnonzero((breaks > 0.0) & (breaks < math.inf))
    d = np.where(breaks > 0.0, -g, 0.0)
    start, shift = np.zeros(1, dtype=g.dtype), np.zeros((len(rows), 1), dtype=g.dtype)
    p, moving = rows @ d, d @ d
    along = model.theta * moving
    curvature = max(along - p @ model.middle @ p, model.space.eps * along)
    first = moving / curvature if curvature > 0.0 else moving
    if first <= np.min(breaks[order], initial=math.inf):
        return first
    order = order[np.argsort(breaks[order])]
    done, stop = 0, min(BLOCK, len(order))
    while True:
        block = order[done:stop]
        t, w, of_g = breaks[block], rows[:, block], g[block]
        d[block] = 0.0
        last = stop == len(order)
        end = math.inf if last else breaks[order[stop]]
        first = model.minimum(
            t,
            of_g,
            w,
            start=start,
            end=np.full(1, end, dtype=g.dtype),
            shift=shift,
            p_end=(rows @ d)[:, None],
            moving_end=np.full(1, d @ d, dtype=g.dtype),
        )
        if first < math.inf or last:
            return first if first < math.inf else np.zeros_like(first)
        start, shift = t[-1:], shift - (w @ (of_g * t))[:, None]
        done, stop = stop, min(4 * stop, len(order))


def _from_start(xp: Namespace, values: Array) -> Array:
    """Sums along the last axis of the first 0, 1, ... n values."""
    shape = (*values.shape[:-1], 1)
    zero = xp.zeros(shape, dtype=values.dtype, device=device_of(values))
    return xp.concat([zero, xp.cumulative_sum(values, axis=-1)], axis=-1)


def _from_end(xp: Namespace, values: Array) -> Array:
    """Sums along the last axis of the last n, n - 1, ... 0 values."""
    return xp.flip(_from_start(xp, xp.flip(values, axis=-1)), axis=-1)
