"""Draw a grid of small images with what was predicted for each."""

import os
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.plots.canvas import FAINT, GRID, WRONG, new_figure, save
from anygrad.ranges import check_count
from anygrad.trees import to_numpy

CELL = (1.5, 1.55)  # of the grid, in widths and heights of an image


def image_grid(
    images: Any,
    predicted: Any = None,
    labels: Any = None,
    path: str | os.PathLike[str] | None = None,
    *,
    columns: int = 12,
) -> Any:
    """Draw images in rows, each with its prediction beneath; wrong ones in red.

    Parameters
    ----------
    images : array, shape (n, height, width) or (n, height, width, 3)
        Grey values on any scale, or colours in [0, 1]; any backend.
    predicted, labels : array, shape (n,), optional
        What was predicted and what is true; a prediction that differs is drawn in red, with the
        truth.
    path : path, optional
        Where to write the picture; the suffix says the format.
    columns : int
        Images in a row, >= 1.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; pyplot knows nothing of it.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    MissingPackageError
        If matplotlib is not installed.
    """
    columns = check_count("image_grid(columns)", columns, low=1)
    count = _check_images(images).shape[0]
    figure = new_figure(0.75 * min(columns, count), 0.95 * -(-count // columns))
    draw_images(figure, images, predicted, labels, columns)
    return save(figure, path)


def draw_images(figure: Any, images: Any, predicted: Any, labels: Any, columns: int) -> None:
    """Draw the grid into a figure or part of one."""
    images = to_numpy(_check_images(images))
    count = len(images)
    predicted = _check_beside("predicted", predicted, count)
    labels = _check_beside("labels", labels, count)
    columns = min(columns, count)
    height, width = images.shape[1:3]
    # One axes for all: an axes an image takes a second to lay out.
    axes = figure.subplots()
    axes.set_axis_off()
    low, high = float(images.min()), float(images.max())
    for i, image in enumerate(images):
        x, y = (i % columns) * CELL[0] * width, (i // columns) * CELL[1] * height
        truth = None if labels is None else labels[i]
        wrong = predicted is not None and truth is not None and predicted[i] != truth
        box = (x, x + width, y + height, y)
        axes.imshow(image, cmap="gray_r", vmin=low, vmax=high, extent=box, interpolation="nearest")
        _frame(axes, x, y, width, height, wrong)
        if predicted is not None:
            text = f"{predicted[i]}, not {truth}" if wrong else f"{predicted[i]}"
            _write(axes, x + width / 2, y + 1.06 * height, text, wrong)
    rows = -(-count // columns)
    axes.set_xlim(-0.2 * width, ((columns - 1) * CELL[0] + 1.2) * width)
    axes.set_ylim(((rows - 1) * CELL[1] + 1.35) * height, -0.1 * height)


def _frame(axes: Any, x: float, y: float, width: float, height: float, wrong: bool) -> None:
    colour, thickness = (WRONG, 1.2) if wrong else (GRID, 0.8)
    corners = ([x, x + width, x + width, x, x], [y, y, y + height, y + height, y])
    axes.plot(*corners, color=colour, linewidth=thickness, clip_on=False)


def _write(axes: Any, x: float, y: float, text: str, wrong: bool) -> None:
    style = {"color": WRONG, "fontweight": "bold"} if wrong else {"color": FAINT}
    axes.text(x, y, text, ha="center", va="top", fontsize=8, **style)


def _check_images(images: Any) -> Any:
    shape = getattr(images, "shape", ())
    if len(shape) == 3 or (len(shape) == 4 and shape[-1] == 3):
        if shape[0]:
            return images
        message = "image_grid(images): got 0 images; expected at least one."
        raise ArgumentError(message)
    message = (
        f"image_grid(images): got {describe(images)}; expected shape (n, height, width) or "
        "(n, height, width, 3)."
    )
    raise ShapeError(message)


def _check_beside(name: str, values: Any, count: int) -> Any:
    if values is None:
        return None
    array = np.asarray(to_numpy(values))
    if array.shape != (count,):
        message = f"image_grid({name}): got shape {array.shape}; expected ({count},), one an image."
        raise ShapeError(message)
    return array
