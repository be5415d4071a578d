"""Figures without pyplot's global state: made here, dressed alike, saved whole or not at all."""

import os
from pathlib import Path
from typing import Any

from anygrad.backends import import_package
from anygrad.files import written_whole

INK = "#22303c"
FAINT = "#8795a1"
GRID = "#e4e9ee"
WRONG = "#c8372d"
# Okabe and Ito's palette, which colour-blind readers can tell apart, from its darker end.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#a4508b", "#b8860b", "#3a9bd9", "#5f6b76")
DPI = 160


def new_figure(width: float, height: float) -> Any:
    """Make an empty figure of the given size in inches; nothing of pyplot is touched."""
    import_package("matplotlib", where="plots", extra="train")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.05)  # type: ignore[union-attr, call-arg]
    return figure


def dress(axes: Any, title: str, xlabel: str = "") -> None:
    """Give axes a title on the left, two quiet spines and a faint grid."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_xlabel(xlabel, fontsize=8.5, color=FAINT)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelsize=8, labelcolor=INK)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(GRID)


def save(figure: Any, path: str | os.PathLike[str] | None) -> Any:
    """Write the figure if there is a path (the suffix says the format) and give it back."""
    if path is not None:
        with written_whole(path) as file:
            figure.savefig(file, format=Path(path).suffix.lstrip(".") or "png", dpi=DPI)
    return figure
