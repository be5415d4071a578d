"""Draw what a training run recorded: loss, gradient norm, learning rate, metrics."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, suggest
from anygrad.plots.canvas import COLOURS, INK, dress, new_figure, save
from anygrad.trees import to_numpy

LOG_SCALE = ("loss", "gradient_norm")


def training_curves(
    history: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    columns: Sequence[str] | None = None,
    marks: Mapping[str, float] | None = None,
) -> Any:
    """Draw the columns of a history, one panel each, over the steps.

    A column with a value at every step is drawn faintly, with its running mean on top. Losses and
    gradient norms have a logarithmic axis where all their values are positive.

    Parameters
    ----------
    history : History, or dict of str to array
        What ``fit`` recorded; arrays of any backend, shape (n,).
    path : path, optional
        Where to write the picture; the suffix says the format. Written whole or not at all.
    columns : sequence of str, optional
        Which columns, in this order; by default all.
    marks : dict of str to float, optional
        A dashed line across a panel, such as ``{"gradient_norm": 1.0}`` for the clipping norm.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If there is no such column, or none at all.
    MissingPackageError
        If matplotlib is not installed.
    """
    names = list(columns) if columns is not None else _names(history)
    if not names:
        message = "training_curves(history): got no columns; expected at least one."
        raise ArgumentError(message)
    figure = new_figure(3.6 * len(names), 2.7)
    draw_curves(figure, history, names, marks or {})
    return save(figure, path)


def draw_curves(
    figure: Any, history: Any, names: Sequence[str], marks: Mapping[str, float]
) -> None:
    """Draw one panel a column into a figure or part of one."""
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name, colour in zip(panels, names, _cycle(len(names)), strict=True):
        steps, values = _read(history, name)
        _draw(axes, steps, values, colour)
        finite = values[np.isfinite(values)]
        if name in LOG_SCALE and finite.size and finite.min() > 0:
            _use_log_scale(axes)
        elif name == "learning_rate":
            axes.set_ylim(bottom=0)
        dress(axes, name.replace("_", " "), "step")
        if name in marks:
            axes.axhline(marks[name], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))


def _draw(axes: Any, steps: np.ndarray, values: np.ndarray, colour: str) -> None:
    window = max(1, values.size // 40)
    if window == 1:
        marker = "o" if values.size <= 60 else ""
        axes.plot(steps, values, color=colour, linewidth=1.6, marker=marker, markersize=2.6)
    else:
        axes.plot(steps, values, color=colour, linewidth=0.6, alpha=0.3)
        axes.plot(steps, _running_mean(values, window), color=colour, linewidth=1.8)
    if values.size:
        last = float(np.mean(values[-window:]))
        axes.set_title(f"{last:.3g}", loc="right", fontsize=10, fontweight="bold", color=colour)


def _use_log_scale(axes: Any) -> None:
    """Logarithmic axis whose labels are plain numbers (0.01, 0.1, 1) and not too many."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` values, of as many as there are at the start."""
    ends = np.arange(1, values.size + 1)
    starts = np.maximum(ends - window, 0)
    return np.asarray(
        [np.mean(values[a:b]) for a, b in zip(starts, ends, strict=True)], dtype=np.float64
    )


def _names(history: Any) -> list[str]:
    return list(history) if isinstance(history, Mapping) else list(history.names)


def _read(history: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    known = _names(history)
    if name not in known:
        message = (
            f"training_curves(columns): got {name!r}; columns are {', '.join(known) or 'none'}. "
            f"{suggest(name, known)}"
        )
        raise ArgumentError(message.rstrip())
    values = np.asarray(to_numpy(history[name]), dtype=np.float64)
    steps = np.arange(values.size) if isinstance(history, Mapping) else history.steps_of(name)
    return steps, values


def _cycle(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]
