"""Draw the error of differences against their step: the picture of every lecture on the subject."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError
from anygrad.plots.canvas import COLOURS, FAINT, INK, dress, new_figure, save
from anygrad.trees import to_numpy

ORDERS = {"forward": 1, "central": 2, "fourth order": 4}
"""Methods that are known, and the power of the step in their truncation error."""


def error_against_step(
    steps: Any,
    errors: Mapping[str, Any],
    path: str | os.PathLike[str] | None = None,
    *,
    ladder: tuple[float, float, float] | None = None,
    rounding: float | None = None,
    title: str = "",
) -> Any:
    """Draw errors of numerical derivatives over the step, both logarithmic.

    ``report.plot()`` of `anygrad.check_gradients` makes the numbers. From right to left the error
    falls as a power of the step (truncation), until it grows as 1/step (rounding); where all curves
    end on one level, the value that they are compared with is wrong by that much.

    Parameters
    ----------
    steps : array, shape (n,)
        Steps > 0, in any order; any backend.
    errors : dict of str to array, shape (n,)
        Absolute errors by method, >= 0; nan where there is none. For "forward", "central" and
        "fourth order" the slope that theory expects is drawn, too.
    path : path, optional
        Where to write the picture; the suffix says the format. Written whole or not at all.
    ladder : (float, float, float), optional
        Step, error and error bar of the adaptive method: a point, and a line at its bar.
    rounding : float, optional
        Absolute rounding of f, >= 0; the line rounding / step is drawn.
    title : str
        Written on top.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If there is no method, or a step is not positive.
    ShapeError
        If errors and steps differ in length.
    MissingPackageError
        If matplotlib is not installed.
    """
    steps = np.asarray(to_numpy(steps), dtype=np.float64)
    table = {name: np.asarray(to_numpy(e), dtype=np.float64) for name, e in errors.items()}
    if not table or steps.ndim != 1 or not np.all(steps > 0.0):
        message = (
            f"error_against_step(steps): got {len(table)} methods and steps of shape {steps.shape}"
            "; expected at least one method and steps > 0."
        )
        raise ArgumentError(message)
    for name, values in table.items():
        if values.shape != steps.shape:
            message = (
                f"error_against_step(errors[{name!r}]): got shape {values.shape}; expected "
                f"{steps.shape}, one error a step."
            )
            raise ShapeError(message)
    order = np.argsort(steps)
    steps, table = steps[order], {name: values[order] for name, values in table.items()}
    figure = new_figure(7.2, 4.8)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = _limits(table, ladder)
    for (name, values), colour in zip(table.items(), _cycle(len(table)), strict=True):
        shown = np.where(values == 0.0, low, values)
        axes.plot(steps, shown, "o-", color=colour, linewidth=1.4, markersize=2.4, label=name)
        if name in ORDERS:
            _draw_expected(axes, steps, values, ORDERS[name], colour)
    if rounding:
        axes.plot(steps, rounding / steps, ":", color=FAINT, linewidth=1.2, label="rounding / step")
    if ladder is not None:
        _draw_ladder(axes, ladder, low)
    dress(axes, title, "step")
    axes.set_ylabel("|difference - automatic|", fontsize=8.5, color=FAINT)
    axes.set_xlim(steps[0], steps[-1])
    axes.set_ylim(low, high)
    axes.legend(fontsize=8.5, framealpha=0.9, edgecolor="none", labelcolor=INK)
    return save(figure, path)


def _draw_expected(axes: Any, steps: Any, values: Any, order: int, colour: str) -> None:
    """A power of the step through the median of errors over it, where there are any."""
    with np.errstate(all="ignore"):
        factors = values / steps**order
    upper = factors[(steps > 1e-3 * steps[-1]) & np.isfinite(factors) & (factors > 0.0)]
    if upper.size:
        expected = np.median(upper) * steps**order
        axes.plot(steps, expected, "--", color=colour, linewidth=0.8, alpha=0.6)
        exponent = "" if order == 1 else f"$^{order}$"
        at = steps.size - 1 - steps.size // 8
        axes.annotate(f"h{exponent}", (steps[at], expected[at]), color=colour, fontsize=8)


def _draw_ladder(axes: Any, ladder: tuple[float, float, float], low: float) -> None:
    step, error, bar = ladder
    axes.plot([step], [max(error, low)], "*", color=INK, markersize=13, label="ladder", zorder=4)
    if np.isfinite(bar) and bar > 0.0:
        axes.axhline(bar, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label="its error bar")


def _limits(table: Mapping[str, Any], ladder: tuple[float, float, float] | None) -> tuple:
    found = [*table.values(), np.asarray([] if ladder is None else ladder[1:])]
    values = np.concatenate([np.asarray(part, dtype=np.float64) for part in found])
    values = values[np.isfinite(values) & (values > 0.0)]
    if not values.size:
        return 1e-18, 1.0
    return float(max(values.min() * 0.3, values.max() * 1e-30)), float(values.max() * 10.0)


def _cycle(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]
