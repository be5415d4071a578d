"""The wide search: rungs from the size of a point down to its last digits, and what they show.

Points have two natural sizes, their own and the unit of x. One ladder serves where both are near to
each other, else half of the rungs lie below each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import Any

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.judging import (
    NOISE,
    ROUNDING,
    Finding,
    Tableau,
    bound_noise,
    combine,
    judge,
    prefer,
    tabulate,
)
from anygrad.differences.questions import is_any
from anygrad.differences.readings import Lines, Reading, Series, read

__all__ = ["Sight", "search"]

RATIO = 1.9**3
"""With more than about 8, functions of narrow features fall between the rungs."""
RUNGS, HALF = 16, 8
"""Rungs in all, and below the larger of the two sizes."""
HIGHEST = 5
"""Largest degree of a window; more would reach over six orders of magnitude."""
OUTSTANDING = 3.5
"""A change that exceeds the mean of many by this factor is no noise."""
CAUTION = 1.0
"""The noise is a mean of many samples."""
TINY = 1e-300
SPURIOUS = 30.0
"""Differences of so many standard deviations of the noise are none."""


@dataclass(frozen=True)
class Sight:
    """What the rungs show; arrays of shape (m, O), one side of shape (m,).

    Attributes
    ----------
    finding : Finding
        Of the best window.
    kink : array of bool
        Whether the slopes to the left and right differ down to the smallest step.
    jump : array
        Half that difference, where there is a kink.
    singular : array of bool
        Whether slopes grow without bound as the step falls.
    side : array
        1 or -1 where f is finite on that side only, else 0.
    """

    finding: Finding
    kink: Array
    jump: Array
    singular: Array
    side: Array


def search(lines: Lines, index: Array, series: Series, side: Array | None) -> Sight:
    """Evaluate the wide ladder on some lines and judge it."""
    xp = namespace_of(index)
    size, scale, floor = (xp.take(a, index) for a in (lines.size, lines.scale, lines.floor))
    large = 0.5 * xp.maximum(size, scale)
    small = 0.5 * xp.where(size == 0.0, scale, xp.minimum(size, scale))
    room = lines.room(index, side)
    if room is not None:
        large, small = xp.minimum(large, room), xp.minimum(small, room)
    near = xp.log(large / small) < HALF * log(RATIO)
    # the second half begins where the first one ends, unless the sizes lie farther apart
    second = xp.where(near, large, small * RATIO**HALF)
    rungs = xp.arange(RUNGS, dtype=size.dtype, device=device_of(size))[:, None]
    ladder = xp.where(rungs < HALF, large, second) * RATIO**-rungs
    steps = xp.maximum(ladder, floor)
    steps = steps if room is None else xp.minimum(steps, room)
    reading = read(lines, index, steps, xp.ones_like(large), side, series.order)
    reading = replace(reading, top=large[:, None])
    return _look(lines, series, reading, (ladder < floor)[:, :, None], near, second)


def _look(
    lines: Lines,
    series: Series,
    reading: Reading,
    ladder_floor: Array,
    near: Array,
    second: Array,
) -> Sight:
    xp = reading.xp
    bad = ladder_floor | ~xp.isfinite(reading.odd) | ~xp.isfinite(reading.even)
    tableau = tabulate(series, reading, RATIO, 1, HIGHEST, bad)
    apart, tops = _layout(tableau, near, second)
    noise = bound_noise(lines, reading, _noise_of_rungs(series, reading, bad))
    finding = judge(lines, tableau, noise, apart=apart, tops=tops, caution=CAUTION)
    finding = _without_plateau(lines, tableau, bad, apart, tops, finding)
    kink, jump = _find_kink(lines, reading, bad)
    if series.one_sided:  # nothing is known of the other side
        kink, jump = xp.zeros_like(kink), 0.0 * jump
    singular = _is_singular(lines, reading, bad)
    side = xp.zeros_like(reading.top[:, 0]) if series.one_sided else _finite_side(reading)
    edge = (side != 0.0)[:, None]
    if series.one_sided or is_any(edge):
        sided = reading if series.one_sided else _see_one_side(reading, side, series.order)
        one = Series(series.order, one_sided=True)
        bad = (ladder_floor | ~xp.isfinite(sided.odd)) if not series.one_sided else bad
        edge = edge | series.one_sided
        noise = bound_noise(lines, sided, _noise_of_rungs(one, sided, bad))
        if not series.one_sided:
            tableau = tabulate(one, sided, RATIO, 1, HIGHEST, bad)
            apart, tops = _layout(tableau, near, second)
            new = judge(lines, tableau, noise, apart=apart, tops=tops, caution=CAUTION)
            finding = combine(xp, edge, new, finding)
            singular = xp.where(edge, _is_singular(lines, sided, bad), singular)
        if series.order == 1:
            power = _follow_power(sided, one, bad, noise, near)
            finding = combine(xp, edge & prefer(xp, power, finding), power, finding)
    unresolved = finding.error > 1e-3 * xp.abs(finding.value)
    return Sight(finding, kink & unresolved, jump, singular & unresolved, side)


def _layout(tableau: Tableau, near: Array, second: Array) -> tuple[Array, Array]:
    """Which windows would reach to a half far away, and the first step of the half of each."""
    xp, table = tableau.reading.xp, tableau.table
    crossing = (table.covers[:, HALF - 1] * table.covers[:, HALF]) > 0.0
    apart = crossing[:, None, None] & ~near[None, :, None]
    beyond = table.reach <= RATIO ** (0.5 - HALF)
    tops = xp.where(beyond[:, None, None], second[None, :, None], tableau.reading.top[None, ...])
    return apart, tops


def _see_one_side(reading: Reading, side: Array, order: int) -> Reading:
    """The same rungs, of which one side only is looked at."""
    xp = reading.xp
    up = xp.where(side[:, None] > 0.0, reading.up, reading.down)
    change = (up - reading.center) * side[:, None] ** order
    size = xp.maximum(xp.abs(up), xp.abs(reading.center))
    return replace(reading, odd=change, even=change, size=size, up=up, down=up)


def _follow_power(
    reading: Reading, series: Series, bad: Array, noise: Array, near: Array
) -> Finding:
    """Extrapolate slopes that approach their limit as any power of the step (Aitken 1926).

    As at the end of a domain, x^1.5 at 0, where no polynomial in the step fits.
    """
    xp = reading.xp
    slopes = xp.where(bad, xp.nan, series.of(reading))
    first, second = slopes[1:-1, ...] - slopes[:-2, ...], slopes[2:, ...] - slopes[1:-1, ...]
    limits = slopes[2:, ...] - second**2 / (second - first)
    limits = xp.where((first == 0.0) & (second == 0.0), slopes[2:, ...], limits)
    powers = xp.log(xp.abs(first / second)) / log(RATIO)
    steady = (powers[1:, ...] > 0.05) & (xp.abs(powers[1:, ...] - powers[:-1, ...]) < 0.05)
    steady = steady & (near[None, :, None] | (_rungs_of(xp, steady) != HALF - 2))
    noisy = 3.0 * NOISE * series.gain * noise / reading.steps[3:, ...]
    bars = 3.0 * xp.abs(limits[1:, ...] - limits[:-1, ...]) + noisy
    bars = xp.where(steady & xp.isfinite(bars), bars, xp.inf)
    best = xp.argmin(bars, axis=0)[None, ...]

    def pick(a: Array) -> Array:
        return xp.take_along_axis(a, best, axis=0)[0, ...]

    steps = xp.broadcast_to(reading.steps[:-3, ...], bars.shape)
    value = pick(limits[1:, ...])
    value = xp.where(xp.isfinite(value), value, 0.0)
    return Finding(value, pick(bars), pick(steps), noise, pick(noisy), xp.full_like(value, xp.nan))


def _rungs_of(xp: Any, table: Array) -> Array:
    return xp.arange(table.shape[0], device=device_of(table))[:, None, None]


def _noise_of_rungs(series: Series, reading: Reading, bad: Array) -> Array:
    """Noise of f by what changes from rung to rung beyond a parabola, on the smallest rungs.

    There truncation is below the noise. From one rung to the next larger one it grows 300 times, so
    the first change that stands out of three and more below it ends the noise: one or two may be 0
    by chance, since rounding makes few different values.
    """
    xp = reading.xp
    steps, slopes = reading.steps, reading.odd / reading.steps
    samples = (slopes[1:, ...] - slopes[:-1, ...]) * steps[1:, ...]
    unit = reading.size[-1, ...] + TINY  # their squares could overflow, or vanish
    if series.one_sided:
        squares = 0.5 * (samples / unit) ** 2
    else:
        curves = (
            reading.even[1:, ...] - reading.even[:-1, ...] * (steps[1:, ...] / steps[:-1, ...]) ** 2
        )
        squares = (samples / unit) ** 2 + (curves / unit) ** 2 / 3.0
    usable = ~(bad[1:, ...] | bad[:-1, ...])
    squares = xp.flip(xp.where(usable, squares, 0.0), axis=0)  # from the smallest step up
    count = xp.cumulative_sum(xp.astype(xp.flip(usable, axis=0), squares.dtype), axis=0)
    mean = xp.cumulative_sum(squares, axis=0) / xp.maximum(count, 1.0)
    known = xp.maximum(count[:-1, ...], 1.0)
    limit = (OUTSTANDING * (1.0 + 2.0 / known**2)) ** 2  # few samples tell less
    stands_out = (squares[1:, ...] > limit * mean[:-1, ...]) & (count[:-1, ...] > 2.0)
    pairs = xp.arange(1, squares.shape[0], device=device_of(squares))[:, None, None]
    end = xp.min(xp.where(stands_out, pairs, squares.shape[0]), axis=0) - 1
    return unit * xp.sqrt(xp.take_along_axis(mean, end[None, ...], axis=0)[0, ...])


def _without_plateau(
    lines: Lines, tableau: Tableau, bad: Array, apart: Array, tops: Array, finding: Finding
) -> Finding:
    """Judge the small rungs on which f does not change at all and the others apart.

    A quantised f (single precision, rounded output) is flat at small steps. Where the larger rungs
    agree on a slope they are right; where they do not, f is flat indeed. What mixes both seems to
    converge, to the jump between them times a tiny weight.
    """
    series, reading = tableau.series, tableau.reading
    xp = reading.xp
    flat = (reading.up == reading.down) & (reading.up == reading.center) & ~bad
    alive = ~flat & ~bad
    some = xp.any(flat, axis=0) & xp.any(alive, axis=0)
    if not is_any(some):
        return finding

    def without(some: Array) -> Finding:
        noise = bound_noise(lines, reading, _noise_of_rungs(series, reading, bad | some))
        part = tabulate(series, reading, RATIO, 1, HIGHEST, bad | some)
        return judge(lines, part, noise, apart=apart, tops=tops, caution=CAUTION)

    steep, level = without(flat), without(alive)
    agreed = (steep.error < 0.05 * xp.abs(steep.value)) | (steep.error < level.error)
    better = combine(xp, agreed, steep, level)
    return combine(xp, some & xp.isfinite(better.error), better, finding)


def _find_kink(lines: Lines, reading: Reading, bad: Array) -> tuple[Array, Array]:
    """Second difference over the step: half the jump of the slope; at a kink it does not fall."""
    xp = reading.xp
    jumps = xp.abs(reading.even) / reading.steps
    seen = _stands_out(lines, reading, reading.even) & ~bad
    count = xp.sum(xp.astype(seen, xp.int64), axis=0)
    last = xp.max(xp.where(seen, _rungs_of(xp, jumps), 0), axis=0)[None, ...]
    smallest = xp.take_along_axis(jumps, last, axis=0)[0, ...]
    steps = xp.broadcast_to(reading.steps, jumps.shape)
    span = xp.max(xp.where(seen, steps, 0.0), axis=0)
    span = span / xp.take_along_axis(steps, last, axis=0)[0, ...]
    # near a kink the jump is steady, noise makes it grow, and smooth functions let it vanish
    steady = xp.where(seen, (jumps > 0.3 * smallest) & (jumps < 3.0 * smallest), False)
    kink = (xp.sum(xp.astype(steady, xp.int64), axis=0) >= 5) & (count >= 5) & (span > 1e3)
    return kink, xp.where(kink, smallest, 0.0)


def _is_singular(lines: Lines, reading: Reading, bad: Array) -> Array:
    """Slopes that grow by one power of the step on eight rungs and more, or by a logarithm.

    Those at a jump grow with power 1 exactly, those of noise nearly so.
    """
    xp = reading.xp
    slopes = xp.abs(reading.odd) / reading.steps
    seen = _stands_out(lines, reading, reading.odd) & ~bad
    both = seen[1:, ...] & seen[:-1, ...]
    both = both & (_rungs_of(xp, both) >= 2)  # the largest steps may reach other features
    ratio = reading.steps[:-1, ...] / reading.steps[1:, ...]
    growth = xp.log(slopes[1:, ...] / slopes[:-1, ...]) / xp.log(ratio)
    high = xp.max(xp.where(both, growth, -xp.inf), axis=0)
    low = xp.min(xp.where(both, growth, xp.inf), axis=0)
    enough = xp.sum(xp.astype(both, xp.int64), axis=0) >= 7
    power = (low > 0.05) & (high < 0.95) & (high - low < 0.2)
    jump = (low > 0.99) & (high < 1.01)
    return enough & (power | jump | _is_logarithmic(xp, reading.odd / reading.steps, both))


def _is_logarithmic(xp: Any, slopes: Array, both: Array) -> Array:
    """Slopes that grow by the same amount from rung to rung, as those of x log x at 0."""
    growth = slopes[1:, ...] - slopes[:-1, ...]
    pairs = both[1:, ...] & both[:-1, ...]
    ratio = growth[1:, ...] / growth[:-1, ...]
    alike = (ratio > 0.95) & (ratio < 1.05)
    late = pairs & (_rungs_of(xp, pairs) >= HALF - 2)
    return xp.all(alike | ~late, axis=0) & (xp.sum(xp.astype(late, xp.int64), axis=0) >= 5)


def _stands_out(lines: Lines, reading: Reading, part: Array) -> Array:
    """Whether a difference is more than rounding, and what noise the user states."""
    xp = reading.xp
    return xp.abs(part) > SPURIOUS * (ROUNDING * lines.eps * reading.size + lines.noise)


def _finite_side(reading: Reading) -> Array:
    """The side on which all outputs are finite, where they are on few rungs of the other."""
    xp = reading.xp
    ups, downs = (
        xp.sum(xp.astype(xp.all(xp.isfinite(v), axis=2), xp.int64), axis=0)
        for v in (reading.up, reading.down)
    )
    one = xp.ones_like(reading.top[:, 0])
    up, down = (ups > downs) & (downs <= 2), (downs > ups) & (ups <= 2)
    return xp.where(up, one, xp.where(down, -one, 0.0 * one))
