"""Derivatives along lines by a ladder of steps, in at most four calls of f.

1. A short ladder at the natural scale of the point. Nearly every smooth function ends here.
2. *Shift*: where that converges without reaching the rounding of f, one more at a smaller scale.
3. *Wide*: where it does not, rungs from the size of the point down to its last digits.
4. *Refine*: a short ladder around the best window of the wide one.

Every stage gives a value and a bar; the better one is kept. The ratio of the rungs is never 2:
there the phase of a periodic disturbance doubles from rung to rung, and may stay the same on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.judging import (
    ROUNDING,
    Finding,
    combine,
    judge,
    measure_noise,
    prefer,
    select,
    spread,
    tabulate,
)
from anygrad.differences.questions import find_true, is_all, is_any
from anygrad.differences.readings import Lines, Reading, Series, read
from anygrad.differences.wide import CAUTION, search

__all__ = ["START", "Climb", "change_arrays", "climb"]

RATIO = 1.9
RUNGS, START = 5, 0.1
"""Rungs of the first ladder, and its first step in units of the scale."""
ONE_SIDED_RUNGS = 10
BLOCK = 4096
"""So many lines at once."""
REFINING_RUNGS, FEWER_RUNGS = 7, 3
LEAST_ROOM = 2.0**-7
"""Bounds nearer than this part of the first step leave one side only."""
NOISY = 30.0
"""So many roundings of f are noise."""
ROUNDINGS = 300.0
"""A bar of so many roundings of f over the first step is as good as it gets there."""


@dataclass(frozen=True)
class Climb:
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
        top, side = _fit_into_bounds(lines, top)
        both = side == 0.0
        inner, edge = find_true(both), find_true(~both)
        if edge.shape[0] == 0:
            return _ascend(lines, Series(order), rtol, every, top, None)
        one = Series(order, one_sided=True)
        at_edge = _ascend(lines, one, rtol, edge, xp.take(top, edge), xp.take(side, edge))
        if inner.shape[0] == 0:
            return at_edge
        inside = _ascend(lines, Series(order), rtol, inner, xp.take(top, inner), None)
        return _arrange(xp, xp.argsort(xp.concat([inner, edge])), _join([inside, at_edge]))


def _join(parts: list[Climb]) -> Climb:
    """The findings of some lines behind those of others."""
    if len(parts) == 1:
        return parts[0]
    xp = namespace_of(parts[0].rounding)
    return change_arrays(lambda *arrays: xp.concat(list(arrays), axis=0), *parts)


def _arrange(xp: Any, order: Array, climb: Climb) -> Climb:
    return change_arrays(lambda a: xp.take(a, order, axis=0), climb)


def change_arrays(act: Callable[..., Array], *climbs: Climb) -> Climb:
    """Apply a function to the arrays of findings that belong together."""
    finding = Finding(
        *(act(*(getattr(c.finding, n) for c in climbs)) for n in Finding.__annotations__)
    )
    names = [n for n in Climb.__annotations__ if n != "finding"]
    return Climb(finding, *(act(*(getattr(c, n) for c in climbs)) for n in names))


def _fit_into_bounds(lines: Lines, top: Array) -> tuple[Array, Array]:
    """First steps within the bounds, and the side of those that have room on one only."""
    xp = namespace_of(top)
    least, most = xp.minimum(lines.below, lines.above), xp.maximum(lines.below, lines.above)
    both = least >= LEAST_ROOM * top
    toward = xp.where(lines.above >= lines.below, xp.ones_like(top), -xp.ones_like(top))
    top = xp.where(both, xp.minimum(top, least), xp.minimum(2.0 * top, most))
    return top, xp.where(both, 0.0, toward)


def _ascend(
    lines: Lines, series: Series, rtol: float, index: Array, top: Array, side: Array | None
) -> Climb:
    """All stages for some lines, on both sides or on one.

    By blocks, whose tables stay in cache; what the first stage leaves of all blocks goes on
    together, since every stage has a fixed cost.
    """
    xp = namespace_of(top)
    starts = [_start(lines, series, rtol, *part) for part in _blocks(index, top, side)]
    begun = _join([climb for climb, _ in starts])
    done = starts[0][1] if len(starts) == 1 else xp.concat([good for _, good in starts])
    if is_all(done):
        return begun
    todo = ~xp.all(done, axis=1)
    rows = find_true(todo)
    left = [None if a is None else xp.take(a, rows, axis=0) for a in (index, top, side, done)]
    parts = [
        _go_on(lines, series, rtol, *part[:4], _arrange(xp, part[4], begun))
        for part in _blocks(*left, rows)
    ]
    return _put(xp, todo, _join(parts), begun)


def _blocks(*arrays: Array | None) -> Iterator[tuple]:
    """Cut arrays along their first axis, all at the same places."""
    count = arrays[0].shape[0] if arrays[0] is not None else 0
    for start in range(0, max(count, 1), BLOCK):
        stop = min(start + BLOCK, count)
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
    """Where a ladder converges, the factor at which its bar should meet the rounding of f; else 1."""
    xp, finding = namespace_of(top), found.finding
    shifting = ~done & (finding.error <= 0.1 * xp.abs(finding.value))
    target = xp.maximum(2e-15 * xp.abs(finding.value), 4.0 * found.rounding / top[:, None])
    power = 1.0 / (series.power * (_rungs_of(series) - 1))
    factor = (target / xp.maximum(finding.error, 1e-300)) ** power
    factor = xp.minimum(xp.maximum(factor, 0.02), 0.6)
    return xp.min(xp.where(shifting, factor, 1.0), axis=1)


def _rungs_of(series: Series) -> int:
    return ONE_SIDED_RUNGS if series.one_sided else max(RUNGS, (series.order + 1) // 2 + 4)


def _go_on(
    lines: Lines,
    series: Series,
    rtol: float,
    index: Array,
    top: Array,
    side: Array | None,
    done: Array,
    found: Climb,
) -> Climb:
    """The later stages for lines that need them."""
    xp = namespace_of(top)
    wanted = _wanted(series, top, found, done)
    shifting = wanted < 1.0
    todo = xp.ones_like(shifting)
    rows = find_true(shifting)
    if rows.shape[0]:
        lower = xp.take(top * wanted, rows)
        sides = None if side is None else xp.take(side, rows)
        some = xp.take(index, rows)
        reading, new = _short_ladder(lines, series, some, lower, sides, _rungs_of(series))
        found = _keep_better(xp, found, shifting, rows, new)
        kept = _arrange(xp, rows, found)
        good = _is_good(xp, kept.rounding, reading.top, kept.finding, rtol)
        todo = ~spread(xp, shifting, xp.all(good, axis=1), xp.zeros_like(shifting))
    if not is_any(todo):
        return found
    return _search(lines, series, index, side, found, todo, shifting)


def _short_ladder(
    lines: Lines,
    series: Series,
    index: Array,
    top: Array,
    side: Array | None,
    rungs: int,
    lowest: int = 2,
    known: Array | None = None,
) -> tuple[Reading, Finding]:
    xp = namespace_of(top)
    factors = RATIO ** -xp.arange(rungs, dtype=top.dtype, device=device_of(top))[:, None]
    reading = read(lines, index, factors, top, side)
    lowest = min(lowest, max(1, rungs - 1 - series.coefficient))
    tableau = tabulate(series, reading, RATIO, lowest)
    noise = measure_noise(lines, tableau)
    if known is None:
        return reading, judge(lines, tableau, noise)
    alike = (noise < 4.0 * known) & (known < 4.0 * noise)
    pooled = xp.sqrt((noise**2 + 4.0 * known**2) / 5.0)
    noise = xp.where(alike, pooled, xp.maximum(noise, known))
    return reading, judge(lines, tableau, noise, caution=CAUTION)


def _is_good(xp: Any, rounding: Array, top: Array, found: Finding, rtol: float) -> Array:
    """Accurate enough, or as accurate as the rounding of f allows at this step."""
    limit = ROUNDINGS * rounding / top + 1e-290
    return xp.isfinite(found.error) & (
        (found.error <= rtol * xp.abs(found.value)) | (found.error <= limit)
    )


def _is_rounding_limited(xp: Any, lines: Lines, reading: Reading, found: Finding) -> Array:
    """Resolved, with a bar of mostly rounding, at the largest sensible step."""
    rounding = ROUNDING * lines.eps * xp.maximum(reading.size[-1, ...], 1e-300)
    mostly = (found.noisy_part >= 0.5 * found.error) & (found.noise <= 30.0 * rounding)
    return xp.isfinite(found.error) & mostly & (found.error <= 1e-3 * xp.abs(found.value))


def _keep_better(xp: Any, result: Climb, mask: Array, rows: Array, new: Finding) -> Climb:
    old = select(xp, result.finding, rows)
    better = combine(xp, prefer(xp, new, old), new, old)
    return replace(result, finding=_put_findings(xp, mask, better, result.finding))


def _put_findings(xp: Any, mask: Array, part: Finding, whole: Finding) -> Finding:
    names = Finding.__annotations__
    return Finding(*(spread(xp, mask, getattr(part, n), getattr(whole, n)) for n in names))


def _put(xp: Any, mask: Array, part: Climb, whole: Climb) -> Climb:
    return change_arrays(lambda new, old: spread(xp, mask, new, old), part, whole)


def _search(
    lines: Lines,
    series: Series,
    index: Array,
    side: Array | None,
    result: Climb,
    todo: Array,
    shifted: Array,
) -> Climb:
    """The wide ladder for the lines that are left, then a short one around its best window."""
    xp = namespace_of(index)
    rows = find_true(todo)
    lines_left = xp.take(index, rows)
    sides = None if side is None else xp.take(side, rows)
    sight = search(lines, lines_left, series, sides)
    edge = sight.side != 0.0
    result = _keep_better(xp, result, todo, rows, sight.finding)
    if sides is None:  # what was found across the edge of a domain means nothing
        kept = select(xp, result.finding, rows)
        kept = combine(xp, edge[:, None] & xp.ones_like(sight.kink), sight.finding, kept)
        result = replace(result, finding=_put_findings(xp, todo, kept, result.finding))
    unsettled = xp.isfinite(sight.finding.error) & (
        sight.finding.error > 1e-13 * xp.abs(sight.finding.value)
    )
    refining = xp.any(unsettled, axis=1) & ~edge
    again = xp.take(shifted, rows)
    stages = (
        (refining & ~again, partial(_refine, REFINING_RUNGS)),
        (refining & again, partial(_refine, FEWER_RUNGS)),
        (edge, _step_to_one_side),
    )
    for mask, stage in stages:
        some = find_true(mask)
        if some.shape[0]:
            part = select(xp, result.finding, xp.take(rows, some))
            seen = select(xp, sight.finding, some)
            given = None if sides is None else xp.take(sides, some)
            one = xp.take(sight.side, some) if stage is _step_to_one_side else given
            better = stage(lines, series, xp.take(lines_left, some), one, seen, part)
            whole = spread(xp, todo, mask, xp.zeros_like(todo))
            result = replace(result, finding=_put_findings(xp, whole, better, result.finding))
    finding = result.finding
    error = xp.maximum(finding.error, spread(xp, todo, sight.jump, xp.zeros_like(finding.error)))
    singular = spread(xp, todo, sight.singular, result.singular)
    error = xp.where(singular, xp.inf, error)
    noisy = sight.finding.noise > NOISY * xp.take(result.rounding, rows, axis=0)
    sided = spread(
        xp, todo, edge[:, None] | xp.take(result.one_sided, rows, axis=0), result.one_sided
    )
    return Climb(
        replace(finding, error=error),
        sided,
        spread(xp, todo, sight.kink, result.kink),
        singular,
        spread(xp, todo, noisy, result.noisy),
        result.rounding,
    )


def _refine(
    rungs: int, lines: Lines, series: Series, index: Array, side: Any, seen: Finding, old: Finding
) -> Finding:
    xp = namespace_of(index)
    noisy = seen.noisy_part > 0.5 * seen.error
    steps = xp.where(noisy, 2.0 * seen.step, seen.step)
    worst = xp.argmax(xp.where(xp.isfinite(seen.error), seen.error, 0.0), axis=1)[:, None]
    top = xp.take_along_axis(steps, worst, axis=1)[:, 0]
    room = lines.room(index, side)
    top = top if room is None else xp.minimum(top, room)
    top = xp.maximum(top, 8.0 * xp.take(lines.floor, index))
    _, new = _short_ladder(
        lines, series, index, top, side, rungs + series.coefficient, 1, seen.noise
    )
    # two ladders of like quality that disagree: their distance is the bar
    distance = xp.abs(new.value - old.value)
    doubtful = (distance > new.error + old.error) & (old.error < 8.0 * new.error)
    doubtful = doubtful & (new.error < old.error)
    new = replace(new, error=xp.where(doubtful, distance, new.error))
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
