"""Derivatives from elsewhere than any contestant: complex steps and circles around the point."""

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 1e-30  # no difference is taken, so it may be this small


def slopes_by_complex_step(
    f: Callable[..., Any], x: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Derivatives of an analytic function along directions, to rounding (Squire, Trapp 1998)."""
    return np.array([np.imag(f(x + 1j * STEP * v)) / STEP for v in directions])


def second_derivative_on_circle(f: Callable[..., Any], x: float) -> np.ndarray:
    """Cauchy's integral by the trapezoidal rule, which converges geometrically."""
    radius, points = 0.1, 32
    turns = np.exp(2j * np.pi * np.arange(points) / points)
    values = np.array([f(x + radius * turn) for turn in turns])
    return np.array([2.0 * np.mean(values * turns**-2).real / radius**2])


def random_directions(size: int, count: int = 8) -> np.ndarray:
    """Dense directions, so that a wrong element of a gradient shows in every slope."""
    return np.random.default_rng(1).normal(size=(count, size))
