"""The numbers of the picture of a check: errors of several methods over many steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad import plots, trees
from anygrad.backends import backend_of, namespace_of, to_host
from anygrad.checking.elements import ElementCheck
from anygrad.checking.subjects import Subject
from anygrad.differences.directional import directional

__all__ = ["draw_errors", "measure_errors"]

POWERS, A_POWER = 16, 4
"""Powers of ten of the step, and steps in each."""

Curve = Callable[[complex], complex]


def draw_errors(
    subject: Subject,
    element: ElementCheck,
    direction: Any,
    eps: float,
    path: str | os.PathLike[str] | None,
) -> Any:
    """Draw the errors along a direction: that of the element, or the coordinate of it."""
    curve = _along(subject, direction)
    x, v = subject.coordinates.copy_tree(), subject.make_tree(direction)
    found = directional(subject.evaluate, x, v, evaluate="loop", full_output=True)
    step, value, bar = (_number(part) for part in (found.step, found.value, found.error))
    moved = np.abs(subject.position[direction != 0.0])
    scale = max(1.0, float(moved[0])) if moved.size == 1 else 1.0
    steps, errors = measure_errors(curve, element.automatic, scale)
    return plots.error_against_step(
        steps,
        errors,
        path,
        ladder=(step, abs(value - element.automatic), bar),
        rounding=eps * abs(curve(0.0)),
        title=element.place,
    )


def measure_errors(curve: Curve, slope: float, scale: float) -> tuple[Any, dict[str, Any]]:
    """Errors of four methods against a slope; the complex step only where ``curve`` takes it."""
    steps = scale * np.logspace(-POWERS, 0, POWERS * A_POWER + 1)
    with np.errstate(all="ignore"):
        here = curve(0.0)
        near = np.real([[curve(side * h) for h in steps] for side in (1.0, -1.0)])
        far = np.real([[curve(side * 2.0 * h) for h in steps] for side in (1.0, -1.0)])
        central = (near[0] - near[1]) / (2.0 * steps)
        found = {
            "forward": (near[0] - np.real(here)) / steps,
            "central": central,
            "fourth order": (4.0 * central - (far[0] - far[1]) / (4.0 * steps)) / 3.0,
        }
        try:
            turned = np.asarray([np.imag(curve(1j * h)) / h for h in steps])
            if np.all(np.isfinite(turned)) and np.any(turned != 0.0):
                found["complex step"] = turned
        except Exception:  # whatever f raises for complex numbers: it has no complex step
            pass
        return steps, {name: np.abs(values - slope) for name, values in found.items()}


def _along(subject: Subject, direction: Any) -> Curve:
    """F along the direction, as a function of a number; an imaginary one makes points complex."""
    v = subject.make_tree(direction)

    def curve(t: complex) -> complex:
        y = subject.evaluate(
            trees.map(lambda a, d: _move(a, d, t), subject.coordinates.copy_tree(), v)
        )
        y = np.asarray(to_host(y) if backend_of(y) is not None else y)
        return complex(np.reshape(y, ())[()])

    return curve


def _move(a: Any, d: Any, t: complex) -> Any:
    if not isinstance(t, complex):
        return a + d * t
    xp = namespace_of(a)
    wide = xp.result_type(a.dtype, xp.complex64)
    return xp.astype(a, wide) + xp.astype(d, wide) * t


def _number(x: Any) -> float:
    return float(np.reshape(np.asarray(to_host(x)), ())[()])
