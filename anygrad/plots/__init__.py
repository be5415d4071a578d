"""Pictures of training runs and optimizers; the only place that imports matplotlib."""

from anygrad.plots.contours import race
from anygrad.plots.curves import training_curves
from anygrad.plots.images import image_grid
from anygrad.plots.summary import training_summary

__all__ = ["image_grid", "race", "training_curves", "training_summary"]
