"""One row of figures for each suite and tool, and the table that people read."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy.gradients import Field
from benchmarks.accuracy.suites import Case
from benchmarks.accuracy.tools import Answer, Tool, ask, quiet

WRONG = 1e-6
LARGEST_LOOP = 200  # variables, for tools that loop over them in Python
UNSURE = 0.1  # at a kink, a bar like this says enough
COLUMNS = {  # key of a row: heading, format
    "tool": ("tool", ""),
    "count": ("N", "d"),
    "median": ("median", ".1e"),
    "p95": ("95 %", ".1e"),
    "p99": ("99 %", ".1e"),
    "max": ("max", ".1e"),
    "wrong": (">1e-6", "d"),
    "silent": ("silent", "d"),
    "nan": ("nan", "d"),
    "honest": ("honest", ".2%"),
    "bar_ratio": ("bar/err", ".1f"),
    "far": (">10 bars", "d"),
    "warned": ("warned", ".0%"),
    "alarms": ("alarms", "d"),
    "points": ("points", ".1f"),
    "worst_points": ("worst", ".0f"),
    "calls": ("calls", "d"),
    "seconds": ("time/ms", ".4g"),
}


class Sample(NamedTuple):
    """What one tool said about one function, element by element.

    Attributes
    ----------
    name, x : str, array
        The function and its points.
    errors, bars : arrays
        In the unit of the suite: relative to the slope, or in amplitudes of noise. Bars are nan
        where the tool has none.
    slack : array
        How much of an error the roundings of value and reference may be.
    smooth, warned, alarmed : boolean arrays
        Where there is a slope; where the tool said that there is none, or so little that nobody
        is misled; where it set the flag of a kink or a singularity.
    relative : bool
        Whether errors are relative, so that a millionth means something.
    points, calls, seconds : float, int, float
        Points are for each element.
    """

    name: str
    x: np.ndarray
    errors: np.ndarray
    bars: np.ndarray
    slack: np.ndarray
    smooth: np.ndarray
    warned: np.ndarray
    alarmed: np.ndarray
    relative: bool
    points: float
    calls: int
    seconds: float


def sample_case(tool: Tool, case: Case) -> Sample | None:
    """None where the tool cannot do such a case; a tool that raises has said nan."""
    method, rest = tool.derivative, ()
    if case.bounds is not None:
        method, rest = tool.bounded, case.bounds
    if method is None:
        return None
    start = time.perf_counter()
    answer = try_to(partial(ask, method, case.f, case.x, *rest), case.x)
    seconds = time.perf_counter() - start
    return compare(answer, case, case.slopes, case.unit, seconds)


def sample_field(tool: Tool, field: Field) -> Sample | None:
    """Errors are relative to the largest element of the gradient."""
    if tool.gradient is None or (tool.loops and field.x.size > LARGEST_LOOP):
        return None
    act = partial(ask, tool.gradient, field.f, field.x, columns=True)
    unit = field.unit or np.max(np.abs(field.gradient))
    seconds = time_calls(tool.gradient, field.f, field.x)
    sample = compare(try_to(act, field.x), field, field.gradient, unit, seconds)
    return sample._replace(relative=field.unit is None)


def sample_speed(tool: Tool, case: Case) -> Sample | None:
    if tool.derivative is None or (tool.loops and case.x.size > 10 * LARGEST_LOOP):
        return None
    seconds = time_calls(tool.derivative, case.f, case.x)
    act = partial(ask, tool.derivative, case.f, case.x)
    return compare(try_to(act, case.x), case, case.slopes, None, seconds)


def time_calls(method: Callable[..., tuple], f: Callable[[Any], Any], x: np.ndarray) -> float:
    """The fastest call, with nothing of ours around it; nan where the tool raises."""
    times = []
    with quiet():
        try:
            while len(times) < 4 or (sum(times) < 0.3 and len(times) < 50):
                start = time.perf_counter()
                method(f, x)
                times.append(time.perf_counter() - start)
        except Exception:  # `try_to` keeps the message
            return float("nan")
    return min(times)


FAILURES: dict[str, int] = {}


def try_to(act: Callable[[], Answer], x: np.ndarray) -> Answer:
    try:
        return act()
    except Exception as error:  # a peer may raise anything: that is a finding
        message = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:90]}"
        FAILURES[message] = FAILURES.get(message, 0) + 1
        nothing = np.full(x.shape, np.nan)
        return Answer(nothing, nothing, 0.0, 0, {})


def compare(
    answer: Answer, case: Case | Field, slopes: np.ndarray, unit: float | None, seconds: float
) -> Sample:
    """Errors in ``unit``, by default relative to the slope, and absolute where that is 0."""
    value = np.asarray(answer.value)
    eps = np.finfo(value.dtype).eps / 2 if value.dtype.kind == "f" else 0.0
    value = value.astype(np.float64)
    bars = np.full(value.shape, np.nan) if answer.bar is None else answer.bar.astype(np.float64)
    relative = unit is None
    if relative:
        unit = np.where(np.isfinite(slopes) & (slopes != 0.0), np.abs(slopes), 1.0)
    alarmed = np.zeros(value.shape, bool)
    for name in ("kink", "singular"):
        alarmed |= answer.flags.get(name, False)
    with np.errstate(all="ignore"):
        vague = ~(bars < UNSURE) & (answer.bar is not None) & ~np.isfinite(slopes)
        told = (
            answer.flags.get(getattr(case, "flag", ""), np.zeros(value.shape, bool))
            if answer.flags
            else vague
        )
        return Sample(
            name=case.name,
            x=case.x,
            errors=np.abs(value - slopes) / unit,
            bars=bars / unit,
            slack=(eps + np.finfo(np.float64).eps) * np.abs(slopes) / unit,
            smooth=np.isfinite(slopes),
            warned=told,
            alarmed=alarmed,
            relative=relative,
            points=answer.points,
            calls=answer.calls,
            seconds=seconds,
        )


def summarise(suite: str, tool: str, samples: Iterable[Sample]) -> dict[str, Any]:
    """The figures of a row; what a tool cannot say is None."""
    samples = list(samples)
    relative = all(sample.relative for sample in samples)
    seconds = sum(sample.seconds for sample in samples)
    sizes = np.array([sample.errors.size for sample in samples])
    errors, bars, slack, smooth, warned, alarmed = (
        np.concatenate([getattr(sample, name) for sample in samples])
        for name in ("errors", "bars", "slack", "smooth", "warned", "alarmed")
    )
    errors, bars, slack = errors[smooth], bars[smooth], slack[smooth]
    finite = np.isfinite(errors)
    ranked = np.where(finite, errors, np.inf)
    points = np.array([sample.points for sample in samples])
    row = {
        "suite": suite,
        "tool": tool,
        "count": errors.size,
        **dict(zip(("median", "p95", "p99"), rank(ranked, (50, 95, 99)), strict=True)),
        "max": float(np.max(ranked, initial=0.0)),
        "wrong": int(np.sum(errors[finite] > WRONG)) if relative else None,
        "silent": None,
        "nan": int(np.sum(~finite)),
        "honest": None,
        "bar_ratio": None,
        "far": None,
        "warned": float(np.mean(warned[~smooth])) if not smooth.all() else None,
        "alarms": int(np.sum(alarmed[smooth])),
        "points": None,
        "worst_points": None,
        "calls": None,
        "seconds": float(seconds) if np.isfinite(seconds) else None,
    }
    if np.all(points):  # else the tool has raised
        row["points"] = float(np.sum(points * sizes) / np.sum(sizes))
        row["worst_points"] = float(np.max(points))
        row["calls"] = max(sample.calls for sample in samples)
    if not np.isnan(bars).all():
        errors, bars, slack = errors[finite], bars[finite], slack[finite]
        with np.errstate(all="ignore"):
            if relative:
                row["silent"] = int(np.sum((errors > WRONG) & (bars < WRONG)))
            row["honest"] = float(np.mean(errors <= bars + slack)) if errors.size else None
            row["far"] = int(np.sum(~(errors <= 10 * bars + slack)))
            ratios = bars / np.maximum(errors, slack / 4)
        row["bar_ratio"] = float(rank(ratios[~np.isnan(ratios)], (50,))[0])
    return row


def rank(values: np.ndarray, percents: tuple[int, ...]) -> list[float]:
    """Percentiles that are values, so that inf needs no arithmetic."""
    if not values.size:
        return [float("nan")] * len(percents)
    return [float(v) for v in np.percentile(values, percents, method="higher")]


def print_misses(suite: str, tool: str, samples: Iterable[Sample]) -> None:
    """The points where a bar was too small, or a value or a warning is missing."""
    for sample in samples:
        outside = ~(sample.errors <= sample.bars + sample.slack) & ~np.isnan(sample.bars)
        wrong = sample.relative & (sample.errors > WRONG) & ~(sample.bars >= WRONG)
        bad = np.where(sample.smooth, outside | wrong | np.isnan(sample.errors), ~sample.warned)
        for k in np.flatnonzero(bad):
            print(
                f"{suite}, {tool}: {sample.name} at {float(sample.x[k])!r}: "
                f"error {sample.errors[k]:.2e}, bar {sample.bars[k]:.2e}"
            )


def print_rows(rows: list[dict[str, Any]]) -> None:
    """One table for each suite, in the order of the rows."""
    for suite in dict.fromkeys(row["suite"] for row in rows):
        lines = [[heading for heading, _ in COLUMNS.values()]]
        lines += [lay_out(row) for row in rows if row["suite"] == suite]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        print(suite)
        for line in lines:
            first, *others = (cell.rjust(w) for cell, w in zip(line, widths, strict=True))
            print("  " + "  ".join([first.strip().ljust(widths[0]), *others]))
        print()


def lay_out(row: dict[str, Any]) -> list[str]:
    shown = {**row, "seconds": row["seconds"] and 1e3 * row["seconds"]}
    return [
        "-" if shown[key] is None else format(shown[key], form)
        for key, (_, form) in COLUMNS.items()
    ]
