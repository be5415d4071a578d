"""Parameters of any size on a device, of which a short vector on the host knows the result.

A hundred million numbers in long double would take a minute. So all leaves are parts of one short
vector, or repeat it; a step of it is a step of all of them, and a sample is compared.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.lab import Lab, to_vector

STRIDE = 99_991  # a prime: the places that are looked at fall on all residues
LAST = 3


@dataclass(frozen=True)
class Leaves:
    """Leaf k is the part of ``params`` and ``grads`` that ``parts[k]`` cuts, ``repeats`` times."""

    params: np.ndarray
    grads: np.ndarray
    parts: tuple[slice, ...]
    repeats: int = 1

    @property
    def count(self) -> int:
        return sum(part.stop - part.start for part in self.parts) * self.repeats

    @property
    def nbytes(self) -> int:
        """Of all parameters."""
        return self.count * self.params.itemsize

    def on(self, lab: Lab) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and gradients on the backend."""
        return self._cut(lab, self.params), self._cut(lab, self.grads)

    def _cut(self, lab: Lab, whole: np.ndarray) -> dict[str, Any]:
        made = lab.array(whole)
        return {
            f"{k:04d}": lab.library.tile(made[part], self.repeats)
            for k, part in enumerate(self.parts)
        }

    def on_host(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The same for a library that takes its arrays from NumPy."""
        both = [
            {f"{k:04d}": np.tile(whole[part], self.repeats) for k, part in enumerate(self.parts)}
            for whole in (self.params, self.grads)
        ]
        return both[0], both[1]

    def norm_of_grads(self) -> np.longdouble:
        """The 2-norm of the gradients of all leaves."""
        squares = np.concatenate([[0.0], np.cumsum(self.grads.astype(np.longdouble) ** 2)])
        return np.sqrt(self.repeats * sum(squares[p.stop] - squares[p.start] for p in self.parts))

    def sample(self, result: Any) -> np.ndarray:
        """Some elements of every leaf of a result, the first and the last ones among them."""
        leaves = [result[n] for n in sorted(result)] if isinstance(result, dict) else result
        return np.concatenate([to_vector(_look_at(leaf)) for leaf in leaves])

    def expected(self, stepped: np.ndarray) -> np.ndarray:
        """The same elements where a step makes ``stepped`` of ``params``."""
        found = []
        for part in self.parts:
            size = part.stop - part.start
            found.append(stepped[part][places(size * self.repeats) % size])
        return np.concatenate(found).astype(np.float64)


def places(size: int) -> np.ndarray:
    """Which elements of a leaf are looked at."""
    return np.concatenate([np.arange(0, size, STRIDE), np.arange(max(0, size - LAST), size)])


def _look_at(leaf: Any) -> list[Any]:
    if hasattr(leaf, "block_until_ready"):
        leaf = np.asarray(leaf)  # JAX would compile a part of every shape
    return [leaf[::STRIDE], leaf[-LAST:]]


def one_vector(size: int, dtype: str) -> Leaves:
    """One leaf that repeats a million numbers, or fewer."""
    short = min(size, 1_000_000)
    params, grads = _draw(short, dtype)
    return Leaves(params, grads, (slice(0, short),), size // short)


def many_leaves(sizes: np.ndarray, dtype: str) -> Leaves:
    """Leaves of these sizes, each from another place."""
    starts = 17 * np.arange(len(sizes))
    params, grads = _draw(int(np.max(starts + sizes)), dtype)
    parts = [slice(int(a), int(a + n)) for a, n in zip(starts, sizes, strict=True)]
    return Leaves(params, grads, tuple(parts))


def spread_sizes(low: float, high: float, count: int) -> np.ndarray:
    """Sizes of leaves, evenly distributed on a logarithmic scale."""
    return np.exp(np.random.default_rng(1).uniform(np.log(low), np.log(high), count)).astype(int)


def _draw(size: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=size).astype(dtype), rng.normal(size=size).astype(dtype)
