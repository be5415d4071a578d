"""Draw schedules, with what `anygrad.plots` has for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.ranges import check_count
from anygrad.schedules.base import as_schedule

__all__ = ["plot"]

MOST_POINTS = 2000


def plot(
    schedule: Callable[[int], Any] | float | Mapping[str, Callable[[int], Any] | float],
    steps: int,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw one schedule, or several in one panel, over the steps of a run.

    Parameters
    ----------
    schedule : callable or float, or dict of str to these
        A schedule, any function of the step, or a number; a dict draws each under its name.
    steps : int
        Steps 0 to ``steps`` are drawn, of a long run some 2000 of them; >= 1.
    path : path, optional
        Where to write the picture; the suffix says the format. Written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If an argument is none of these, or a function gives no number.
    MissingPackageError
        If matplotlib is not installed.

    Examples
    --------
    >>> rate = ag.schedules.warmup_cosine(0.1, 10, 100)
    >>> figure = ag.schedules.plot({"rate": rate, "half of it": 0.5 * rate}, 100)
    """
    from anygrad.plots.values import values_over_steps  # matplotlib is for those who draw

    steps = check_count("plot(steps)", steps, low=1)
    several = schedule if isinstance(schedule, Mapping) else {"": schedule}
    if not several:
        raise ArgumentError("plot(schedule): got an empty dict; expected at least one schedule.")
    table = {
        str(name): as_schedule(f"plot(schedule)[{name!r}]" if name else "plot(schedule)", one)
        for name, one in several.items()
    }
    title = "" if isinstance(schedule, Mapping) else repr(table[""])
    stride = max(1, steps // MOST_POINTS)
    at = [*range(0, steps, stride), steps]
    curves = {name: [one(step) for step in at] for name, one in table.items()}
    return values_over_steps(at, curves, path, title=title)
