"""Draw values that are known at every step, such as those of schedules."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from anygrad.plots.canvas import COLOURS, FAINT, INK, dress, new_figure, save

LONGEST_TITLE = 80


def values_over_steps(
    steps: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
) -> Any:
    """Draw curves over the steps in one panel, each named in its colour.

    Parameters
    ----------
    steps : sequence of int
        Increasing.
    curves : dict of str to sequence of float
        A value a step, by name; a curve without a name gets no entry in the legend.
    path : path, optional
        Where to write the picture; the suffix says the format. Written whole or not at all.
    title : str
        Written on top; shortened where it is long.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    figure = new_figure(7.2, 3.4)
    axes = figure.subplots()
    for n, (name, values) in enumerate(curves.items()):
        colour = COLOURS[n % len(COLOURS)]
        # from the eighth curve on, colours come again with other dashes
        dashes = ("-", "--", ":", "-.")[n // len(COLOURS) % 4]
        axes.plot(steps, values, color=colour, linestyle=dashes, linewidth=1.8, label=name or None)
    axes.margins(x=0.01)
    short = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 3]}..."
    dress(axes, short, "step")
    axes.axhline(0.0, color=FAINT, linewidth=0.6, zorder=0)
    if any(curves):
        legend = axes.legend(fontsize=8.5, frameon=False, labelcolor=INK)
        legend.set_zorder(3)
    return save(figure, path)
