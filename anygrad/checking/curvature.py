"""Second derivatives: ``hvp`` beside the ladder's derivative of the automatic gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.autodiff import jvp
from anygrad.backends.types import Tree
from anygrad.checking.elements import ElementCheck, badness
from anygrad.checking.judging import BARS, HIDES
from anygrad.checking.subjects import Subject
from anygrad.differences.directional import directional

__all__ = ["check_curvature"]

KEPT = 1000
"""Elements of one direction that are kept in the report: all, or the worst of them."""


def check_curvature(
    subject: Subject,
    gradient: Callable[[Tree], Tree],
    differentiated: Callable[[Tree], Tree],
    direction: Any,
    rtol: float,
) -> list[ElementCheck]:
    """One verdict for each element of the gradient: its derivative along a direction.

    ``gradient`` is called with plain arrays, ``differentiated`` is what ``hvp`` goes through.
    """
    x, v = subject.coordinates.copy_tree(), subject.make_tree(direction)
    _, tangent = jvp(differentiated, (x,), (v,))
    automatic = subject.flatten(tangent)
    # each point gives the whole gradient, so batches save nothing
    found = directional(
        gradient, subject.coordinates.copy_tree(), v, evaluate="loop", full_output=True
    )
    numerical, bars = subject.flatten(found.value), subject.spread(found.error).astype(np.float64)
    flags = found.flags
    kinks, noisy = subject.spread(flags.kink), subject.spread(flags.noisy)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(automatic), np.abs(numerical))
        size = np.where(np.isfinite(size), size, 0.0)
        largest = float(np.max(size, initial=0.0))
        values = subject.flatten(gradient(subject.coordinates.copy_tree()))
        rounded = 64.0 * subject.eps * np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
        errors = BARS * bars + rtol * size + 1e-3 * rtol * largest + rounded + 1e-290
        inside = np.abs(automatic - numerical) <= errors
        hidden = errors > HIDES * max(largest, 128.0 * rounded)
    found_wrong = ~np.isfinite(automatic) | (~inside & np.isfinite(errors))
    order = np.arange(subject.count)
    if subject.count > KEPT:
        ratios = np.where(errors > 0.0, np.abs(automatic - numerical) / errors, 0.0)
        order = np.sort(np.argsort(-np.where(np.isfinite(ratios), ratios, np.inf))[:KEPT])
    checks = []
    for k in order.tolist():
        cause, explanation = "agrees", ""
        if found_wrong[k]:
            cause = "kink" if kinks[k] else "wrong rule"
        elif not inside[k] or hidden[k]:
            cause = "noise" if noisy[k] else "step"
            explanation = "The error bar of the second derivative is larger than all of them"
        numbers = float(automatic[k]), float(numerical[k]), float(errors[k])
        checks.append(ElementCheck(*subject.name(k), *numbers, cause, explanation, order=2))
    return sorted(checks, key=badness, reverse=True)
