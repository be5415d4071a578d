"""One picture of a trained classifier: its curves above, its predictions below."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from anygrad.plots.canvas import FAINT, INK, new_figure, save
from anygrad.plots.curves import draw_curves
from anygrad.plots.images import draw_images


def training_summary(
    history: Any,
    images: Any,
    predicted: Any,
    labels: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    subtitle: str = "",
    columns: Sequence[str] = ("loss", "gradient_norm"),
    marks: Mapping[str, float] | None = None,
    images_a_row: int = 16,
) -> Any:
    """Draw training curves above a grid of images with their predictions.

    Parameters
    ----------
    history, columns, marks
        As in ``training_curves``.
    images, predicted, labels
        As in ``image_grid``.
    path : path, optional
        Where to write the picture; the suffix says the format.
    title, subtitle : str
        Written on top.
    images_a_row : int
        Images in a row of the grid.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.
    """
    rows = -(-images.shape[0] // images_a_row)
    heights = (0.55, 2.75, 0.62 * rows + 0.1)
    figure = new_figure(10.0, sum(heights))
    head, above, below = figure.subfigures(3, 1, height_ratios=heights)
    head.text(0.012, 0.62, title, fontsize=13, fontweight="bold", color=INK, va="center")
    head.text(0.012, 0.12, subtitle, fontsize=9, color=FAINT, va="center")
    draw_curves(above, history, columns, marks or {})
    draw_images(below, images, predicted, labels, images_a_row)
    return save(figure, path)
