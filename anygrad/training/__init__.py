"""Training: the loop, mini-batches, callbacks, history, progress and a watch on the gradients."""

from anygrad.recording.history import History
from anygrad.training.callbacks import STOP, Callback, EarlyStopping, Stop, early_stopping, every
from anygrad.training.loop import Fit, fit
from anygrad.training.monitor import Finding, GradientHealth, Monitor, gradient_report
from anygrad.training.record import Record
from anygrad.training.sampling import Batches, batches

__all__ = [
    "STOP",
    "Batches",
    "Callback",
    "EarlyStopping",
    "Finding",
    "Fit",
    "GradientHealth",
    "History",
    "Monitor",
    "Record",
    "Stop",
    "batches",
    "early_stopping",
    "every",
    "fit",
    "gradient_report",
]
