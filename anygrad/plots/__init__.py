"""Pictures of training runs, optimizers and differences; the only place that imports matplotlib."""

from anygrad.plots.contours import race
from anygrad.plots.curves import training_curves
from anygrad.plots.errors import error_against_step
from anygrad.plots.images import image_grid
from anygrad.plots.summary import training_summary

__all__ = ["error_against_step", "image_grid", "race", "training_curves", "training_summary"]
