"""Numerical slopes of single elements, and what is known of each: the numbers that are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends import to_host
from anygrad.backends.types import Tree
from anygrad.checking.subjects import Subject
from anygrad.differences.gradients import gradient

__all__ = ["Slopes", "find_secants", "measure_all", "measure_side", "measure_some"]

BESIDE = 0.35
"""How far from the point secants look, in units of max(abs(x), 1): the first step of the ladder."""


@dataclass(frozen=True)
class Slopes:
    """Slopes by the ladder; arrays of float64 on the host, one entry a coordinate.

    Attributes
    ----------
    values, bars : array
        The slope and its bar; inf where there is none.
    bends : array
        How much the slope changes over the largest step that was used, 0 where unknown.
    kinks, singular, one_sided, noisy : array of bool
        The flags of the ladder.
    """

    values: Any
    bars: Any
    bends: Any
    kinks: Any
    singular: Any
    one_sided: Any
    noisy: Any


def measure_all(subject: Subject, evaluate: str) -> Slopes:
    """Slopes along every coordinate."""
    found = gradient(
        subject.evaluate, subject.coordinates.copy_tree(), evaluate=evaluate, full_output=True
    )
    second = None if found.second is None else subject.flatten(found.second)
    return _gather(
        subject.flatten(found.value),
        subject.spread(found.error),
        second,
        subject.spread(found.step),
        [subject.spread(flag) for flag in _flags(found)],
    )


def measure_some(subject: Subject, chosen: Any, evaluate: str, **options: Any) -> Slopes:
    """Slopes along some coordinates, in rising order."""
    restricted, here = subject.pick(chosen)
    # the point is one array for each part of a leaf: stacks are not what the user's f takes
    evaluate = "loop" if evaluate == "stacked" else evaluate
    found = gradient(restricted, here, evaluate=evaluate, full_output=True, **options)
    second = None if found.second is None else _join(found.second)
    flags = [_join(flag) for flag in _flags(found)]
    return _gather(_join(found.value), _join(found.error), second, _join(found.step), flags)


def measure_side(subject: Subject, k: int, side: int) -> tuple[float, float]:
    """The slope to the right (1) or to the left (-1) of one coordinate, and its bar."""
    restricted, here = subject.pick(np.asarray([k]))
    bounds = (here, None) if side > 0 else (None, here)
    found = gradient(restricted, here, evaluate="loop", full_output=True, bounds=bounds)
    value, bar = float(_join(found.value)[0]), float(_join(found.error)[0])
    return value, bar if np.isfinite(value) else np.inf


def find_secants(subject: Subject, k: int, value: float) -> float:
    """The larger absolute slope of the secants to both sides of one coordinate; 0 if not finite."""
    restricted, here = subject.pick(np.asarray([k]))
    step = BESIDE * max(abs(float(subject.position[k])), 1.0)
    found = [0.0]
    for side in (-step, step):
        moved = restricted([part + side for part in here])
        slope = (float(np.real(to_host(moved))) - value) / step
        found.append(abs(slope) if np.isfinite(slope) else 0.0)
    return max(found)


def _flags(found: Any) -> tuple[Tree, ...]:
    flags = found.flags
    return flags.kink, flags.singular, flags.one_sided, flags.noisy


def _gather(values: Any, bars: Any, second: Any, steps: Any, flags: list[Any]) -> Slopes:
    with np.errstate(all="ignore"):
        bars = np.where(np.isfinite(values), np.asarray(bars, np.float64), np.inf)
        bends = np.zeros_like(bars) if second is None else np.abs(second) * steps
        bends = np.where(np.isfinite(bends), bends, 0.0)
    kinks, singular, one_sided, noisy = flags
    return Slopes(values, bars, bends, kinks, singular, one_sided, noisy)


def _join(parts: list[Any]) -> Any:
    return np.concatenate([np.reshape(np.asarray(to_host(part)), -1) for part in parts])
