"""Draw the paths of several optimizers over the contour lines of functions of two variables."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from anygrad.errors import ArgumentError, ShapeError
from anygrad.plots.canvas import COLOURS, INK, dress, new_figure, save
from anygrad.trees import to_numpy

MARGIN = 0.12  # of the extent of the paths, left free around them
POINTS = 400  # of the function along each axis
PANEL = (4.6, 3.9)  # inches

Limits: TypeAlias = tuple[tuple[float, float], tuple[float, float]]


class Landscape(NamedTuple):
    """A function of two variables, and the paths that optimizers took over it.

    Attributes
    ----------
    function : callable
        Takes two NumPy arrays of one shape and gives their values, shape kept.
    paths : dict of str to array, shape (n, 2)
        The points each optimizer visited, in order; any backend.
    minima : sequence of (float, float)
        Each marked with a star.
    limits : ((float, float), (float, float)), optional
        Range of x and of y; by default what holds all finite points.
    """

    function: Callable[[Any, Any], Any]
    paths: Mapping[str, Any]
    minima: Sequence[tuple[float, float]] = ()
    limits: Limits | None = None


def race(
    paths: Mapping[str, Any],
    function: Callable[[Any, Any], Any],
    path: str | os.PathLike[str] | None = None,
    *,
    minimum: tuple[float, float] | None = None,
    title: str = "",
    limits: Limits | None = None,
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
    minima = () if minimum is None else (minimum,)
    landscape = _check("race(paths", Landscape(function, paths, minima, limits))
    lengths = {name: len(visited) - 1 for name, visited in landscape.paths.items()}
    figure = new_figure(7.2, 5.6)
    axes = figure.subplots()
    _draw(axes, landscape, title, list(paths), size=1.0)
    labels = {name: f"{name} ({steps} steps)" for name, steps in lengths.items()}
    same = len(set(lengths.values())) == 1
    _add_legend(axes, list(paths) if same else list(labels.values()), fontsize=9)
    return save(figure, path)


def race_grid(
    landscapes: Mapping[str, Landscape],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    columns: int = 2,
) -> Any:
    """Draw optimizers' paths over several landscapes, a panel each, with one legend for all.

    Parameters
    ----------
    landscapes : dict of str to Landscape
        By the title of its panel. An optimizer has the same colour in every panel.
    path : path, optional
        Where to write the picture; the suffix says the format.
    title : str
        Written on top.
    columns : int
        Panels side by side, >= 1.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ArgumentError
        If there is no landscape, or one has no path or no finite point.
    ShapeError
        If a path is no array of shape (n, 2).
    MissingPackageError
        If matplotlib is not installed.
    """
    if not landscapes or columns < 1:
        message = (
            f"race_grid(landscapes): got {len(landscapes)} of them in {columns} columns; "
            "expected at least one of each."
        )
        raise ArgumentError(message)
    checked = {
        name: _check(f"race_grid(landscapes[{name!r}].paths", landscape)
        for name, landscape in landscapes.items()
    }
    racers = list(dict.fromkeys(name for land in checked.values() for name in land.paths))
    columns = min(columns, len(checked))
    rows = math.ceil(len(checked) / columns)
    figure = new_figure(PANEL[0] * columns, PANEL[1] * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, landscape) in zip(panels, checked.items(), strict=False):
        _draw(axes, landscape, name, racers, size=0.6)
    for axes in panels[len(checked) :]:
        axes.set_visible(False)
    if title:
        figure.suptitle(title, fontsize=12, color=INK, fontweight="bold")
    width = min(len(racers), 4 * columns)
    _add_legend(figure, racers, fontsize=9, loc="outside lower center", ncols=width)
    return save(figure, path)


def _check(where: str, landscape: Landscape) -> Landscape:
    """Bring the paths to the host and choose limits; ``where`` lacks its closing bracket."""
    points = {
        name: _check_path(f"{where}[{name!r}])", visited)
        for name, visited in landscape.paths.items()
    }
    everything = [p[np.all(np.isfinite(p), axis=1)] for p in points.values()]
    everything += [np.asarray([minimum], dtype=np.float64) for minimum in landscape.minima]
    if not points or not sum(map(len, everything)):
        message = f"{where}): got no finite point; expected at least one path."
        raise ArgumentError(message)
    limits = landscape.limits or _limits(np.concatenate(everything))
    return landscape._replace(paths=points, limits=limits)


def _draw(axes: Any, landscape: Landscape, title: str, racers: Sequence[str], size: float) -> None:
    """Draw one panel; the place of a racer in the list says its colour."""
    limits = landscape.limits
    assert limits is not None
    _draw_contours(axes, landscape.function, *limits)
    for i, name in enumerate(racers):
        if name not in landscape.paths:
            continue
        visited = landscape.paths[name]
        x, y, style = visited[:, 0], visited[:, 1], _style(i)
        # Thinner from path to path, so that where they run together all can be seen.
        width = size * (1.2 + 0.5 * (len(racers) - 1 - i))
        axes.plot(x, y, **style, linewidth=width, label=name, zorder=3)
        _mark(axes, (x[-1], y[-1]), "o", style["color"], 8 * size, 4)
    first = next(iter(landscape.paths.values()))
    _mark(axes, first[0], "s", INK, 7 * size, 5)
    for minimum in landscape.minima:
        _mark(axes, minimum, "*", INK, 22 * size, 3.5)
    dress(axes, title)
    axes.grid(False)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])


def _mark(axes: Any, point: Any, shape: str, colour: str, size: float, zorder: float) -> None:
    edge = {"markeredgecolor": "white", "markersize": size, "zorder": zorder}
    axes.plot(*point, shape, color=colour, **edge)


def _style(number: int) -> dict[str, Any]:
    """Colour and dashes, which differ when the colours begin again."""
    again, colour = divmod(number, len(COLOURS))
    return {"color": COLOURS[colour], "linestyle": ("-", "--", ":")[again % 3]}


def _add_legend(place: Any, labels: Iterable[str], **options: Any) -> None:
    """Name the racers, with lines that are thick enough to tell the colours."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], **_style(i), linewidth=3, label=n) for i, n in enumerate(labels)]
    place.legend(handles=lines, framealpha=0.9, edgecolor="none", labelcolor=INK, **options)


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


def _check_path(where: str, visited: Any) -> np.ndarray:
    array = np.asarray(to_numpy(visited), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        message = f"{where}: got shape {array.shape}; expected (n, 2) with n >= 1."
        raise ShapeError(message)
    return array


def _limits(points: np.ndarray) -> Limits:
    low, high = points.min(axis=0), points.max(axis=0)
    pad = MARGIN * np.maximum(high - low, 1e-3 * max(1.0, float(np.abs(points).max())))
    (a, c), (b, d) = low - pad, high + pad
    return (float(a), float(b)), (float(c), float(d))
