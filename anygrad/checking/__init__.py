"""Checks a gradient against numerical derivatives, and tells what is wrong with it, and where."""

from anygrad.checking.elements import ElementCheck, LeafCheck
from anygrad.checking.gradients import check_gradients
from anygrad.checking.modes import ModeCheck
from anygrad.checking.operations import OperationCheck
from anygrad.checking.reports import GradientReport

__all__ = [
    "ElementCheck",
    "GradientReport",
    "LeafCheck",
    "ModeCheck",
    "OperationCheck",
    "check_gradients",
]
