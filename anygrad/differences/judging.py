"""The best window of a ladder, by an error bar for each: truncation, noise, and a failed test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from anygrad.backends import device_of
from anygrad.backends.types import Array
from anygrad.differences.readings import Lines, Reading, Series
from anygrad.differences.windows import Table

__all__ = [
    "Finding",
    "Tableau",
    "bound_noise",
    "combine",
    "is_resolved",
    "judge",
    "measure_noise",
    "prefer",
    "tabulate",
]

RESOLVED = 1e-3
"""A bar below this part of the value: other windows may be compared by their absolute bars."""

ROUNDING = 0.4
"""Standard deviation of the rounding of f, in units of eps |f|."""

TRUNCATION, DRIFT, NOISE = 2.0, 3.0, 2.7
"""Safety factors of the parts of a bar."""

SLIGHT_DRIFT = 0.3
"""What the next window has to confirm on the wide ladder."""

CAUTION, MANY = 1.8, 1.6
"""The factor for noise that four samples tell, and for rounding in the elements of a gradient."""

ALIKE = 4.0
"""Levels of noise that differ by less are samples of one noise."""

SLOWEST, FASTEST = 1.0, 1e-3
"""How much an error may be thought to fall from one degree to the next."""


class Finding(NamedTuple):
    """A derivative with its bar; all arrays have shape (m, O).

    Attributes
    ----------
    value, error : array
        The derivative, and the bar.
    step : array
        The largest step of the window that was chosen.
    noise : array
        Standard deviation of f.
    noisy_part : array
        The part of the bar that noise makes.
    other : array
        The derivative that the other part of f gives: for order 1 the second.
    """

    value: Array
    error: Array
    step: Array
    noise: Array
    noisy_part: Array
    other: Array


@dataclass(frozen=True)
class Tableau:
    """All windows of a reading; W windows.

    Attributes
    ----------
    series, reading, table
        What it was made of.
    rows : array, shape (5, W, m, O)
        Value, change, parent, grandparent and drift of every window, for h_0 = 1.
    other : array, shape (2, W, m, O), or None
        Value and change for the series of the other part of f; None for one side.
    origin : array, shape (W, m, O), or None
        The even part at step 0, which ought to vanish; None for one side.
    covered : array of bool, shape (W, m, O), or None
        Windows over rungs that must not be used.
    """

    series: Series
    reading: Reading
    table: Table
    rows: Array
    other: Array | None
    origin: Array | None
    covered: Array | None


def tabulate(
    series: Series,
    reading: Reading,
    ratio: float,
    lowest: int = 2,
    highest: int = 99,
    bad: Array | None = None,
) -> Tableau:
    """Extrapolate over all windows; ``bad`` of shape (K, m, O) marks rungs not to be used."""
    xp = reading.xp
    table = series.table(reading, ratio, lowest, highest)
    windows = table.count

    def fit(weights: Any, terms: Array) -> Array:
        if bad is not None:
            terms = xp.where(bad, 0.0, terms)
        rungs, lines, outputs = terms.shape
        flat = xp.matmul(weights, xp.reshape(terms, (rungs, lines * outputs)))
        return xp.reshape(flat, (weights.shape[0] // windows, windows, lines, outputs))

    rows = fit(table.weights, series.of(reading))
    covered = None
    if bad is not None:
        marks = xp.reshape(xp.astype(bad, xp.float64), (bad.shape[0], -1))
        covered = xp.reshape(xp.matmul(table.covers, marks) > 0.0, rows.shape[1:])
    if series.one_sided:
        return Tableau(series, reading, table, rows, None, None, covered)
    other = fit(table.weights[: 2 * windows, :], series.other.of(reading))
    origin = fit(table.origin, reading.even)[0, ...]
    return Tableau(series, reading, table, rows, other, origin, covered)


def measure_noise(lines: Lines, tableau: Tableau, alike: float = ALIKE) -> Array:
    """Noise of f by the last changes of the tableaus of both parts, shape (m, O).

    Where f is a polynomial of the highest degree, these are pure noise: two of each part, so four
    samples if both levels are alike, by this factor; else the two of the smaller level, since the
    other one is truncation.
    """
    series, reading, table = tableau.series, tableau.reading, tableau.table
    xp = reading.xp
    last = table.count
    pick = slice(max(last - 2, 0), last)
    unit = reading.top**series.falls / (series.gain * table.change_noise[pick, ...])
    level = xp.abs(tableau.rows[1, pick, ...]) * unit
    if tableau.other is not None:
        other = series.other
        unit = reading.top**other.falls / (other.gain * table.other_noise[pick, ...])
        level = xp.hypot(level, xp.abs(tableau.other[1, pick, ...]) * unit) / 2.0**0.5
    first, second = level[0, ...], level[-1, ...]
    least, mean = xp.minimum(first, second), xp.hypot(first, second) / 2.0**0.5
    noise = xp.where(mean < alike * least, mean, least)
    return bound_noise(lines, reading, xp.where(xp.isfinite(noise), noise, 0.0))


def bound_noise(lines: Lines, reading: Reading, noise: Array) -> Array:
    """At least the rounding of f, what the user states, and the median over the lines of one f."""
    xp = reading.xp
    floor = ROUNDING * lines.eps * xp.abs(reading.center) + 5e-324
    noise = xp.maximum(noise, floor if lines.noise == 0.0 else xp.maximum(floor, lines.noise))
    if lines.together and noise.shape[0] > 4:
        noise = xp.maximum(noise, xp.sort(noise, axis=0)[noise.shape[0] // 2, ...])
    return noise


def judge(
    lines: Lines,
    tableau: Tableau,
    noise: Array,
    *,
    caution: float = CAUTION,
    apart: Array | None = None,
    tops: Array | None = None,
) -> Finding:
    """Choose for every column the window with the smallest bar.

    ``apart`` of shape (W, m, 1) marks windows that must not be used; ``tops`` of that shape is the
    h_0 of each, if it is not one for all. With them a resolved window comes before an unresolved
    one.
    """
    series, reading, table = tableau.series, tableau.reading, tableau.table
    xp = reading.xp
    careful = tops is not None
    first: Any = reading.top[None, ...] if tops is None else tops
    values, change, parent, grandparent, drift = (tableau.rows[i, ...] for i in range(5))
    powers = series.power * series.coefficient
    truncation = TRUNCATION * _remainder(xp, xp.abs(change), xp.abs(parent), xp.abs(grandparent))
    if series.one_sided:
        # at the end of a domain slopes may be no polynomial, and higher degrees no better
        truncation = xp.maximum(truncation, DRIFT * xp.abs(drift))
    if careful:
        # narrow features show on small steps only; windows of larger ones agree among themselves
        truncation = xp.maximum(truncation, SLIGHT_DRIFT * xp.abs(drift))
    level = _noise_level(lines, reading, table, noise, caution)
    if tableau.origin is not None:
        level = xp.maximum(level, xp.abs(tableau.origin))
    noisy = (
        NOISE * series.gain * series.factorial * table.value_noise / first**series.order
    ) * level
    if powers or series.order > 1:
        scale = series.factorial / first**powers
        values, truncation = values * scale, truncation * scale
    errors = truncation + noisy
    usable = xp.isfinite(errors) & xp.isfinite(values)
    for forbidden in (tableau.covered, apart):
        if forbidden is not None:
            usable = usable & ~forbidden
    errors = xp.where(usable, errors, xp.inf)
    best = xp.argmin(errors, axis=0)
    if careful:
        best = _prefer_resolved(xp, values, errors, best)
    pick = _Picker(xp, best)
    if careful:
        step = pick(xp.broadcast_to(table.reach[:, None, None] * first, values.shape))
    else:
        step = xp.reshape(xp.take(table.reach, xp.reshape(best, (-1,))), best.shape) * reading.top
    return Finding(
        pick(values), pick(errors), step, noise, pick(noisy), _read_other(tableau, pick, first)
    )


class _Picker:
    """Takes from tables of shape (W, m, O) the chosen window of each column."""

    def __init__(self, xp: Any, best: Array) -> None:
        self.xp, self.shape = xp, best.shape
        size = best.shape[0] * best.shape[1]
        columns = xp.arange(size, dtype=best.dtype, device=device_of(best))
        self.flat = xp.reshape(best, (-1,)) * size + columns

    def __call__(self, table: Array) -> Array:
        xp = self.xp
        return xp.reshape(xp.take(xp.reshape(table, (-1,)), self.flat), self.shape)


def _noise_level(
    lines: Lines, reading: Reading, table: Table, noise: Array, caution: float
) -> Array:
    """What a window reckons with: more where noise was measured, and the rounding farther out."""
    xp = reading.xp
    stands_out = noise > 4.0 * lines.eps * xp.abs(reading.center)
    # of the many bars of one f, all should hold
    measured = xp.where(stands_out, caution * noise, (MANY if lines.together else 1.0) * noise)
    return xp.maximum(measured, ROUNDING * lines.eps * xp.take(reading.size, table.first, axis=0))


def _remainder(xp: Any, change: Array, parent: Array, grandparent: Array) -> Array:
    """The error of a window, from three successive differences of its tableau."""
    first, second = change / parent, parent / grandparent
    first = xp.where(xp.isfinite(first), first, SLOWEST)  # no parent, or 0/0
    second = xp.where(xp.isfinite(second), second, 0.3)
    rate = xp.minimum(xp.maximum(xp.maximum(first, second), FASTEST), SLOWEST)
    return xp.maximum(change * rate, 0.3 * parent * rate * rate)


def _prefer_resolved(xp: Any, values: Array, errors: Array, best: Array) -> Array:
    """Choose a resolved window before an unresolved one that it contradicts.

    At huge steps every difference quotient is tiny, and so is its absolute bar.
    """
    pick = _Picker(xp, best)
    resolved = xp.where(errors <= RESOLVED * xp.abs(values), errors, xp.inf)
    sharp = xp.argmin(resolved, axis=0)
    pick_sharp = _Picker(xp, sharp)
    value, error = pick(values), pick(errors)
    other, bar = pick_sharp(values), pick_sharp(resolved)
    contradicted = xp.abs(other - value) > 3.0 * (bar + error)
    overruled = xp.isfinite(bar) & ~is_resolved(xp, value, error) & contradicted
    return xp.where(overruled, sharp, best)


def is_resolved(xp: Any, value: Array, error: Array) -> Array:
    """Whether the bar is a small part of the value."""
    return error <= RESOLVED * xp.abs(value)


def _read_other(tableau: Tableau, pick: _Picker, tops: Array) -> Array:
    """The derivative that the other part of f has in the same window, nan for one-sided ones."""
    xp = tableau.reading.xp
    if tableau.other is None:
        return xp.full_like(tableau.reading.odd[0, ...], xp.nan)
    other = tableau.series.other
    powers = other.power * other.coefficient
    values = tableau.other[0, ...] * (other.factorial / tops**powers if powers else other.factorial)
    return pick(values)


def prefer(xp: Any, new: Finding, old: Finding) -> Array:
    """Where a second finding replaces the first: by its smaller bar, unless only one is resolved.

    A value whose bar is large beside it never overrules a resolved one that it contradicts.
    """
    sharp, was_sharp = (is_resolved(xp, f.value, f.error) for f in (new, old))
    contradicted = xp.abs(new.value - old.value) > 3.0 * (new.error + old.error)
    smaller = xp.where(contradicted & (sharp != was_sharp), sharp, new.error < old.error)
    return xp.isfinite(new.error) & (~xp.isfinite(old.error) | smaller)


def combine(xp: Any, chosen: Array, new: Finding, old: Finding) -> Finding:
    """Take the new finding where it was chosen."""
    return Finding(*(xp.where(chosen, a, b) for a, b in zip(new, old, strict=True)))
