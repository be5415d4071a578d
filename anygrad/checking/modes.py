"""Forward mode: beside the gradient along one direction, and a gradient made of it alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.autodiff import jvp
from anygrad.backends import to_host
from anygrad.checking.judging import Tolerance
from anygrad.checking.subjects import Subject
from anygrad.errors import MissingRuleError

__all__ = ["ModeCheck", "compare_modes", "push_along", "push_coordinates"]


@dataclass(frozen=True)
class ModeCheck:
    """The derivative along one direction by forward mode and by the gradient.

    Attributes
    ----------
    forward, reverse : float
        By ``jvp``, and the product of the gradient with the direction.
    error : float
        What rounding explains of their difference.
    """

    forward: float
    reverse: float
    error: float

    @property
    def agree(self) -> bool:
        """Whether both modes give the same."""
        return abs(self.forward - self.reverse) <= self.error


def push_along(subject: Subject, direction: Any) -> float:
    """The derivative along a direction by forward mode."""
    x, v = subject.coordinates.copy_tree(), subject.make_tree(direction)
    _, tangent = jvp(subject.differentiated, (x,), (v,))
    return float(np.real(np.asarray(to_host(tangent))))


def push_coordinates(subject: Subject, chosen: Any) -> Any:
    """The gradient at some coordinates by forward mode, one at a time; nan at all others."""
    found = np.full(subject.count, np.nan)
    unit = np.zeros(subject.count)
    for k in chosen.tolist():
        unit[k] = 1.0
        found[k] = push_along(subject, unit)
        unit[k] = 0.0
    return found


def compare_modes(
    subject: Subject, direction: Any, gradient: Any, tolerance: Tolerance
) -> ModeCheck | None:
    """Compare ``jvp(v)`` with ``<gradient, v>``; None where an operation has no forward rule."""
    try:
        forward = push_along(subject, direction)
    except MissingRuleError:
        return None
    parts = gradient * direction
    error = tolerance.rtol * float(np.sum(np.abs(parts)))
    error += 64.0 * tolerance.eps * abs(tolerance.value)
    return ModeCheck(forward, float(np.sum(parts)), error)
