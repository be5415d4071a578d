"""A formula is written once, for NumPy and for mpmath, with the range its points come from."""

import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from scipy import special

FILE = Path(__file__).with_name("references.json")  # points and derivatives
POINTS = 24
NUMERIC = SimpleNamespace(
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "cbrt")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "asin", "atan")},
    **{name: getattr(np, name) for name in ("sinh", "cosh", "tanh", "asinh")},
    **{name: getattr(special, name) for name in ("erf", "erfc", "gamma", "j0", "j1", "ellipk")},
    lgamma=special.gammaln,
    digamma=special.digamma,
    lambertw=lambda x: special.lambertw(x).real,
    ndtr=special.ndtr,
    e1=special.exp1,
)


class Formula(NamedTuple):
    """One function of one variable.

    Attributes
    ----------
    name : str
    apply : callable
        Takes a namespace, `NUMERIC` or mpmath's, and the variable.
    ranges : tuple of Range
        Where its points lie; together they give about `POINTS`.
    """

    name: str
    apply: Callable[[Any, Any], Any]
    ranges: tuple["Range", ...]

    def __call__(self, x: Any) -> Any:
        """Evaluate in NumPy, element by element, in the dtype of ``x``."""
        with np.errstate(all="ignore"):
            return self.apply(NUMERIC, x)


class Range(NamedTuple):
    """Points ``centre + sign * distance``, the logarithms of the distances evenly spread."""

    near: float
    far: float
    sign: int = 1
    centre: float = 0.0

    def pick(self, count: int, rng: np.random.Generator) -> list[float]:
        """One point in each of ``count`` equal parts; six digits, since they are read by people."""
        places = (np.arange(count) + rng.uniform(size=count)) / count
        distances = np.exp(np.log(self.near) * (1.0 - places) + np.log(self.far) * places)
        rounded = [float(f"{distance:.6g}") for distance in distances]
        return [self.centre + self.sign * distance for distance in rounded]


def pick_points(formula: Formula, salt: str, count: int = POINTS) -> list[float]:
    """The same points on every run; another ``salt`` gives fresh ones."""
    rng = np.random.default_rng(zlib.crc32(f"{salt}:{formula.name}".encode()))
    share = -(-count // len(formula.ranges))
    return [x for part in formula.ranges for x in part.pick(share, rng)]


def up(near: float, far: float, centre: float = 0.0) -> tuple[Range, ...]:
    return (Range(near, far, 1, centre),)


def down(near: float, far: float, centre: float = 0.0) -> tuple[Range, ...]:
    return (Range(near, far, -1, centre),)


def both(near: float, far: float, centre: float = 0.0) -> tuple[Range, ...]:
    return up(near, far, centre) + down(near, far, centre)
