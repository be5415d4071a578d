"""Derivatives along lines by a ladder of steps, in at most four calls of f.

1. A short ladder at the natural scale of the point. Nearly every smooth function ends here.
2. *Shift*: where that converges without reaching the rounding of f, one more at a smaller scale.
3. *Wide*: where it does not, rungs from the size of the point down to its last digits.
4. *Refine*: a short ladder around the best window of the wide one.

Every stage gives a value and a bar; the better one is kept. The ratio of the rungs is never 2:
there the phase of a periodic disturbance doubles from rung to rung, and may stay the same on all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.judging import (
    ALIKE,
    ROUNDING,
    Finding,
    combine,
    judge,
    measure_noise,
    prefer,
    tabulate,
)
from anygrad.differences.questions import find_true, is_all
from anygrad.differences.readings import Lines, Reading, Series, read
from anygrad.differences.subsets import Subset, change_arrays, join
from anygrad.differences.wide import CAUTION, search

__all__ = ["START", "Climb", "climb"]

RATIO = 1.9
RUNGS, START = 5, 0.1
"""Rungs of the first ladder, and its first step in units of the scale."""
ONE_SIDED_RUNGS = 10
RATHER_ALIKE = 20.0
"""As `ALIKE`, for the second ladder."""
BLOCK = 4096
"""So many lines at once, fewer where f has many outputs."""
REFINING_RUNGS, FEWER_RUNGS = 7, 3
LEAST_ROOM = 2.0**-7
"""Bounds nearer than this part of the first step leave one side only."""
SMALL = 0.1
"""Outputs whose slope is smaller than this part of the largest one of the line are small."""
NOISY = 30.0
"""So many roundings of f are noise."""
ROUNDINGS = 300.0
"""A bar of so many roundings of f over the first step is as good as it gets there."""


class Climb(NamedTuple):
    """What was found on all lines: arrays of shape (M, O).

    Attributes
    ----------
    finding : Finding
        Values, bars, steps, noise and the other derivative.
    one_sided, kink, singular, noisy : arrays of bool
        Flags. Noise is seen by the wide search only; what the short ladders measure of it may be
        truncation, an upper limit.
    rounding : array
        The rounding of f at the point, ``eps |f|``.
    """

    finding: Finding
    one_sided: Array
    kink: Array
    singular: Array
    noisy: Array
    rounding: Array


def climb(lines: Lines, order: int = 1, rtol: float = 1e-10) -> Climb:
    """Differentiate along all lines; ``rtol`` says when a bar is small enough to stop."""
    with np.errstate(all="ignore"):
        xp = namespace_of(lines.size)
        top = START * order * xp.maximum(lines.size, lines.scale)
        every = xp.arange(lines.count, device=device_of(top))
        if lines.below is None or lines.above is None:
            return _ascend(lines, Series(order), rtol, every, top, None)
        top, side = _fit_into_bounds(lines.below, lines.above, top)
        both = side == 0.0
        inner, edge = find_true(both), find_true(~both)
        if edge.shape[0] == 0:
            return _ascend(lines, Series(order), rtol, every, top, None)
        one = Series(order, one_sided=True)
        at_edge = _ascend(lines, one, rtol, edge, xp.take(top, edge), xp.take(side, edge))
        if inner.shape[0] == 0:
            return at_edge
        inside = _ascend(lines, Series(order), rtol, inner, xp.take(top, inner), None)
        return _at(join([inside, at_edge]), xp.argsort(xp.concat([inner, edge])))


def _fit_into_bounds(below: Array, above: Array, top: Array) -> tuple[Array, Array]:
    """First steps within the bounds, and the side of those that have room on one only."""
    xp = namespace_of(top)
    least, most = xp.minimum(below, above), xp.maximum(below, above)
    both = least >= LEAST_ROOM * top
    toward = xp.where(above >= below, xp.ones_like(top), -xp.ones_like(top))
    top = xp.where(both, xp.minimum(top, least), xp.minimum(2.0 * top, most))
    return top, xp.where(both, 0.0, toward)


def _ascend(
    lines: Lines, series: Series, rtol: float, index: Array, top: Array, side: Array | None
) -> Climb:
    """All stages for some lines, on both sides or on one.

    By blocks, whose tables stay in cache; what the first stage leaves of all blocks goes on
    together, since every stage has a fixed cost.
    """
    xp, outputs = namespace_of(top), lines.center.shape[1]
    starts = [_start(lines, series, rtol, *part) for part in _blocks(outputs, index, top, side)]
    begun, done = join([climb for climb, _ in starts]), join([good for _, good in starts])
    if is_all(done):
        return begun
    left = Subset(~xp.all(done, axis=1))
    blocks = _blocks(outputs, *left.take(Left(index, top, side, done)), left.rows)
    parts = [_go_on(lines, series, rtol, Left(*part[:4]), _at(begun, part[4])) for part in blocks]
    return left.put(join(parts), begun)


class Left(NamedTuple):
    """Lines that need more, with their first step, their side, and which outputs are good."""

    index: Array
    top: Array
    side: Array | None
    done: Array


def _at(climb: Climb, rows: Array) -> Climb:
    return change_arrays(lambda a: namespace_of(a).take(a, rows, axis=0), climb)


def _blocks(outputs: int, *arrays: Array | None) -> Iterator[tuple]:
    """Cut arrays along their first axis, all at the same places."""
    count = arrays[0].shape[0] if arrays[0] is not None else 0
    size = max(1, BLOCK // max(1, outputs))
    for start in range(0, max(count, 1), size):
        stop = min(start + size, count)
        yield tuple(None if a is None else a[start:stop, ...] for a in arrays)


def _start(
    lines: Lines, series: Series, rtol: float, index: Array, top: Array, side: Array | None
) -> tuple[Climb, Array]:
    """The first ladder, and which of its findings will do."""
    xp = namespace_of(top)
    reading, found = _short_ladder(lines, series, index, top, side, _rungs_of(series))
    none = xp.zeros_like(found.value, dtype=xp.bool)
    sided = ~none if series.one_sided else none
    rounding = lines.eps * xp.abs(reading.center) + xp.zeros_like(found.value)
    done = _is_good(xp, rounding, reading.top, found, rtol)
    done = done | _is_rounding_limited(xp, lines, reading, found)
    return Climb(found, sided, none, none, none, rounding), done


def _wanted(series: Series, top: Array, found: Climb, done: Array) -> Array:
    """By what factor a converging ladder should be smaller to meet the rounding of f; else 1."""
    xp, finding = namespace_of(top), found.finding
    shifting = ~done & (finding.error <= 0.1 * xp.abs(finding.value))
    target = xp.maximum(2e-15 * xp.abs(finding.value), 4.0 * found.rounding / top[:, None])
    power = 1.0 / (series.power * (_rungs_of(series) - 1))
    factor = (target / xp.maximum(finding.error, 1e-300)) ** power
    factor = xp.minimum(xp.maximum(factor, 0.02), 0.6)
    return xp.min(xp.where(shifting, factor, 1.0), axis=1)


def _rungs_of(series: Series) -> int:
    return ONE_SIDED_RUNGS if series.one_sided else max(RUNGS, (series.order + 1) // 2 + 4)


def _go_on(lines: Lines, series: Series, rtol: float, left: Left, found: Climb) -> Climb:
    """The later stages for lines that need them."""
    xp = namespace_of(left.top)
    wanted = _wanted(series, left.top, found, left.done)
    shifting = Subset(wanted < 1.0)
    todo = xp.ones_like(wanted, dtype=xp.bool)
    if len(shifting):
        index, top, side, _ = shifting.take(left)
        lower = top * shifting.take(wanted)
        # here truncation should be below the noise
        rungs = _rungs_of(series)
        _, new = _short_ladder(lines, series, index, lower, side, rungs, alike=RATHER_ALIKE)
        old = shifting.take(found)
        better = combine(xp, prefer(xp, new, old.finding), new, old.finding)
        good = _is_good(xp, old.rounding, lower[:, None], better, rtol)
        found = found._replace(finding=shifting.put(better, found.finding))
        todo = shifting.put(~xp.all(good, axis=1), todo)
    last = Subset(todo)
    if not len(last):
        return found
    index, _, side, _ = last.take(left)
    shifted = last.take(wanted) < 1.0
    return last.put(_search(lines, series, index, side, last.take(found), shifted), found)


def _short_ladder(
    lines: Lines,
    series: Series,
    index: Array,
    top: Array,
    side: Array | None,
    rungs: int,
    lowest: int = 2,
    known: Array | None = None,
    alike: float = ALIKE,
) -> tuple[Reading, Finding]:
    xp = namespace_of(top)
    factors = RATIO ** -xp.arange(rungs, dtype=top.dtype, device=device_of(top))[:, None]
    reading = read(lines, index, factors, top, side, series.order)
    lowest = min(lowest, max(1, rungs - 1 - series.coefficient))
    tableau = tabulate(series, reading, RATIO, lowest)
    noise = measure_noise(lines, tableau, alike)
    if known is None:
        return reading, judge(lines, tableau, noise)
    agree = (noise < 4.0 * known) & (known < 4.0 * noise)
    pooled = xp.sqrt((noise**2 + 4.0 * known**2) / 5.0)
    noise = xp.where(agree, pooled, xp.maximum(noise, known))
    return reading, judge(lines, tableau, noise, caution=CAUTION)


def _is_good(xp: Any, rounding: Array, top: Array, found: Finding, rtol: float) -> Array:
    """Accurate enough, or as accurate as the rounding of f allows at this step."""
    limit = ROUNDINGS * rounding / top + 1e-290
    slopes = xp.abs(found.value)
    if slopes.shape[1] > 1:
        # what is small beside the other outputs of a line need not be as good as they are
        slopes = xp.maximum(slopes, SMALL * xp.max(slopes, axis=1, keepdims=True))
    return xp.isfinite(found.error) & ((found.error <= rtol * slopes) | (found.error <= limit))


def _is_rounding_limited(xp: Any, lines: Lines, reading: Reading, found: Finding) -> Array:
    """Resolved, with a bar of mostly rounding, at the largest sensible step."""
    rounding = ROUNDING * lines.eps * xp.maximum(reading.size[-1, ...], 1e-300)
    mostly = (found.noisy_part >= 0.5 * found.error) & (found.noise <= 30.0 * rounding)
    return xp.isfinite(found.error) & mostly & (found.error <= 1e-3 * xp.abs(found.value))


def _search(
    lines: Lines, series: Series, index: Array, side: Array | None, found: Climb, shifted: Array
) -> Climb:
    """The wide ladder, then a short one around its best window."""
    xp = namespace_of(index)
    sight = search(lines, index, series, side)
    seen, old = sight.finding, found.finding
    edge = sight.side != 0.0
    # what was found across the edge of a domain means nothing
    finding = combine(xp, prefer(xp, seen, old) | edge[:, None], seen, old)
    unsettled = xp.isfinite(seen.error) & (seen.error > 1e-13 * xp.abs(seen.value))
    refining = xp.any(unsettled, axis=1) & ~edge
    stages = (
        (refining & ~shifted, side, partial(_refine, REFINING_RUNGS)),
        (refining & shifted, side, partial(_refine, FEWER_RUNGS)),
        (edge, sight.side, _step_to_one_side),
    )
    for mask, sides, refine in stages:
        some = Subset(mask)
        if len(some):
            own = some.take((index, sides, seen, finding))
            finding = some.put(refine(lines, series, *own), finding)
    error = xp.maximum(finding.error, sight.jump)
    return Climb(
        finding._replace(error=xp.where(sight.singular, xp.inf, error)),
        found.one_sided | edge[:, None],
        sight.kink,
        sight.singular,
        (seen.noise > NOISY * found.rounding) & ~sight.kink & ~sight.singular,
        found.rounding,
    )


def _refine(
    rungs: int, lines: Lines, series: Series, index: Array, side: Any, seen: Finding, old: Finding
) -> Finding:
    xp = namespace_of(index)
    noisy = seen.noisy_part > 0.5 * seen.error
    steps = xp.where(noisy, 2.0 * seen.step, seen.step)
    worst = xp.argmax(xp.where(xp.isfinite(seen.error), seen.error, 0.0), axis=1)[:, None]
    top = xp.take_along_axis(steps, worst, axis=1)[:, 0]
    top = xp.maximum(top, 8.0 * xp.take(lines.floor, index))
    room = lines.room(index, side)
    top = top if room is None else xp.minimum(top, room)
    _, new = _short_ladder(
        lines, series, index, top, side, rungs + series.coefficient, 1, seen.noise
    )
    # two ladders of like quality that disagree: their distance is the bar
    distance = xp.abs(new.value - old.value)
    doubtful = (distance > new.error + old.error) & (old.error < 8.0 * new.error)
    doubtful = doubtful & (new.error < old.error)
    new = new._replace(error=xp.where(doubtful, distance, new.error))
    return combine(xp, prefer(xp, new, old), new, old)


def _step_to_one_side(
    lines: Lines, series: Series, index: Array, side: Array, seen: Finding, old: Finding
) -> Finding:
    xp = namespace_of(index)
    size, scale = xp.take(lines.size, index), xp.take(lines.scale, index)
    top = xp.where(size > 0.0, xp.minimum(scale, xp.maximum(size, 1e-3 * scale)), 0.5 * scale)
    sided = Series(series.order, one_sided=True)
    _, new = _short_ladder(lines, sided, index, top, side, ONE_SIDED_RUNGS + 2)
    return combine(xp, prefer(xp, new, old), new, old)
