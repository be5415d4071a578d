"""What a test problem is: residuals, a start, and the minima that are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import anygrad as ag

PAPER = (
    "Moré, Garbow, Hillstrom (1981), Testing unconstrained optimization software, "
    "ACM Transactions on Mathematical Software 7, 17-41"
)


@dataclass(frozen=True)
class Minimum:
    """A value that f takes at a minimum.

    ``value`` has more digits than the paper prints where those would not tell a relative error of
    1e-6; ``published`` are the paper's digits, cut off rather than rounded in most, and
    "" where the minimum is not in the paper. ``at`` is a minimiser, where one is
    printed or follows by hand. ``far`` says that the minimum lies at
    infinity, so ``at`` is only a point on the way.
    """

    value: float
    published: str = "0"
    at: tuple[float, ...] | None = None
    far: bool = False
    source: str = PAPER


@dataclass(frozen=True)
class Problem:
    """A sum of squares; ``number`` is that of the paper, the first minimum the least one."""

    number: int
    name: str
    n: int
    m: int
    residuals: Callable[[Any], Any]
    start: tuple[float, ...]
    minima: tuple[Minimum, ...]

    @property
    def x0(self) -> np.ndarray:
        return np.array(self.start, dtype=np.float64)

    @property
    def label(self) -> str:
        return f"{self.number}-{self.name}-{self.n}"

    def f(self, x: Any) -> Any:
        """The sum of the squares of the residuals."""
        r = self.residuals(x)
        return ag.namespace(r).sum(r * r)

    def is_solved(self, value: float, rtol: float = 1e-6) -> bool:
        """Whether a value is that of one of the minima, or lower."""
        return any(value - m.value <= rtol * max(1.0, abs(m.value)) for m in self.minima)


def beside(x: Any, values: Any) -> Any:
    """Numbers as an array of the library, dtype and device of ``x``."""
    return ag.namespace(x).asarray(np.asarray(values).tolist(), dtype=x.dtype, device=x.device)


def count(x: Any, first: int, last: int) -> Any:
    """first, first + 1, ..., last, beside ``x``."""
    return beside(x, np.arange(first, last + 1, dtype=float))
