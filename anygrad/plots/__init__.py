"""Pictures of training runs, optimizers and differences; the only place that imports matplotlib."""

from anygrad.plots.contours import Landscape, race, race_grid
from anygrad.plots.curves import training_curves
from anygrad.plots.errors import error_against_step
from anygrad.plots.images import image_grid
from anygrad.plots.summary import training_summary

__all__ = [
    "Landscape",
    "error_against_step",
    "image_grid",
    "race",
    "race_grid",
    "training_curves",
    "training_summary",
]
