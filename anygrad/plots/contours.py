"""Draw the paths of several optimizers over the contour lines of a function of two variables."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError
from anygrad.plots.canvas import COLOURS, INK, dress, new_figure, save
from anygrad.trees import to_numpy

MARGIN = 0.12  # of the extent of the paths, left free around them
POINTS = 400  # of the function along each axis


def race(
    paths: Mapping[str, Any],
    function: Callable[[Any, Any], Any],
    path: str | os.PathLike[str] | None = None,
    *,
    minimum: tuple[float, float] | None = None,
    title: str = "",
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
) -> Any:
    """Draw optimizers' paths over the contour lines of ``function(x, y)``.

    Parameters
    ----------
    paths : dict of str to array, shape (n, 2)
        The points each optimizer visited, in order; any backend. The legend shows how many steps
        they took where the numbers differ.
    function : callable
        Takes two NumPy arrays of one shape and gives their values, shape kept.
    path : path, optional
        Where to write the picture; the suffix says the format.
    minimum : (float, float), optional
        Marked with a star.
    title : str
        Written on top.
    limits : ((float, float), (float, float)), optional
        Range of x and of y; by default what holds all finite points.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If there is no path, or no finite point.
    ShapeError
        If a path is no array of shape (n, 2).
    MissingPackageError
        If matplotlib is not installed.
    """
    points = {name: _check_path(name, visited) for name, visited in paths.items()}
    everything = [p[np.all(np.isfinite(p), axis=1)] for p in points.values()]
    everything += [np.asarray([minimum], dtype=np.float64)] if minimum is not None else []
    if not points or not sum(map(len, everything)):
        message = "race(paths): got no finite point; expected at least one path."
        raise ArgumentError(message)
    (left, right), (low, high) = limits or _limits(np.concatenate(everything))
    figure = new_figure(7.2, 5.6)
    axes = figure.subplots()
    _draw_contours(axes, function, (left, right), (low, high))
    lengths = {len(visited) for visited in points.values()}
    for i, (name, visited) in enumerate(points.items()):
        x, y, colour = visited[:, 0], visited[:, 1], COLOURS[i % len(COLOURS)]
        label = name if len(lengths) == 1 else f"{name} ({len(x) - 1} steps)"
        # Thinner from path to path, so that where they run together all can be seen.
        width = 1.2 + 0.5 * (len(points) - 1 - i)
        axes.plot(x, y, color=colour, linewidth=width, label=label, zorder=3)
        axes.plot(x[-1], y[-1], "o", color=colour, markersize=8, markeredgecolor="white", zorder=4)
    first = next(iter(points.values()))
    axes.plot(*first[0], "s", color=INK, markersize=7, markeredgecolor="white", zorder=5)
    if minimum is not None:
        axes.plot(*minimum, "*", color=INK, markersize=22, markeredgecolor="white", zorder=3.5)
    dress(axes, title)
    axes.grid(False)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    legend = axes.legend(fontsize=9, framealpha=0.9, edgecolor="none", labelcolor=INK)
    for line in legend.get_lines():
        line.set_linewidth(3)
    return save(figure, path)


def _draw_contours(
    axes: Any, function: Any, x: tuple[float, float], y: tuple[float, float]
) -> None:
    grid = np.meshgrid(np.linspace(*x, POINTS), np.linspace(*y, POINTS))
    values = np.asarray(to_numpy(function(*grid)), dtype=np.float64)
    # Valleys show only on a logarithmic scale; the offset keeps the minimum finite.
    above = values - np.nanmin(values)
    span = float(np.nanmax(above)) or 1.0
    heights = np.log10(above + 3e-4 * span)
    levels = np.linspace(float(np.nanmin(heights)), float(np.nanmax(heights)), 18)
    if levels[0] == levels[-1]:
        return
    axes.contourf(*grid, heights, levels=levels, cmap="Blues_r", alpha=0.35)
    axes.contour(*grid, heights, levels=levels, colors="white", linewidths=0.6, linestyles="solid")


def _check_path(name: str, visited: Any) -> np.ndarray:
    array = np.asarray(to_numpy(visited), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        message = f"race(paths[{name!r}]): got shape {array.shape}; expected (n, 2) with n >= 1."
        raise ShapeError(message)
    return array


def _limits(points: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    low, high = points.min(axis=0), points.max(axis=0)
    pad = MARGIN * np.maximum(high - low, 1e-3 * max(1.0, float(np.abs(points).max())))
    (a, c), (b, d) = low - pad, high + pad
    return (float(a), float(b)), (float(c), float(d))
