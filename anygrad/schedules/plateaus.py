"""A factor that shrinks when a metric stops getting better: two pure functions and their state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, describe
from anygrad.ranges import NOT_NEGATIVE, Range, check_count, check_number
from anygrad.schedules.checks import check_choice, real_number
from anygrad.trees import to_numpy

__all__ = ["Plateau", "plateau"]

SLOTS = ("best", "bad", "cooldown", "factor")


@dataclass(frozen=True, repr=False)
class Plateau:
    """What `plateau` makes: ``init() -> state`` and ``update(state, metric) -> state, factor``.

    Attributes
    ----------
    factor, patience, mode, threshold, threshold_mode, cooldown, min_factor
        As given to `plateau`.

    Examples
    --------
    >>> ag.schedules.plateau(0.5, 2)
    plateau(0.5, 2, mode='min', threshold=0.0001, threshold_mode='rel', cooldown=0, min_factor=0.0)
    """

    factor: float
    patience: int
    mode: str
    threshold: float
    threshold_mode: str
    cooldown: int
    min_factor: float

    def init(self) -> dict[str, np.ndarray]:
        """State before the first metric.

        Returns
        -------
        dict of str to array, shape ()
            "best" metric so far, count of "bad" ones since, "cooldown" left, "factor" now. NumPy
            arrays, which save like those of an optimizer.
        """
        return _state(math.inf if self.mode == "min" else -math.inf, 0, 0, 1.0)

    def update(self, state: Mapping[str, Any], metric: Any) -> tuple[dict[str, np.ndarray], float]:
        """Take one more metric; the state given is left as it is.

        Parameters
        ----------
        state : dict of str to array, shape ()
            From `init`, from here, or from a file.
        metric : float or array, shape ()
            Real; an array on a device is copied to the host. A nan is no improvement.

        Returns
        -------
        state : dict of str to array, shape ()
            The next state.
        factor : float
            What to multiply with, in [``min_factor``, 1].

        Raises
        ------
        ArgumentError
            If the state is not one of these, or the metric no real number.
        """
        best, bad, cooldown, factor = _read(state)
        value = _host_number(metric)
        best, bad = (value, 0) if self._is_better(value, best) else (best, bad + 1)
        if cooldown > 0:
            cooldown, bad = cooldown - 1, 0
        if bad > self.patience:
            # a floor above the factor, from another plateau's state, lets it be
            factor = min(factor, max(factor * self.factor, self.min_factor))
            cooldown, bad = self.cooldown, 0
        return _state(best, bad, cooldown, factor), factor

    def _is_better(self, value: float, best: float) -> bool:
        if math.isinf(best):
            return value < best if self.mode == "min" else value > best
        margin = self.threshold * (abs(best) if self.threshold_mode == "rel" else 1.0)
        return value < best - margin if self.mode == "min" else value > best + margin

    def __repr__(self) -> str:
        return (
            f"plateau({self.factor}, {self.patience}, mode={self.mode!r}, "
            f"threshold={self.threshold}, threshold_mode={self.threshold_mode!r}, "
            f"cooldown={self.cooldown}, min_factor={self.min_factor})"
        )


def plateau(
    factor: float = 0.1,
    patience: int = 10,
    *,
    mode: str = "min",
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_factor: float = 0.0,
) -> Plateau:
    """Shrink a factor each time that a metric has not become better for long enough.

    More than ``patience`` metrics in a row that are no better than the best so far multiply the
    factor, 1 at first, by ``factor``. Better is less than ``best - threshold * abs(best)`` ("min",
    "rel"), less than ``best - threshold`` ("min", "abs"), or more than that with ``+`` ("max").

    Parameters
    ----------
    factor : float
        What the factor is multiplied by, in (0, 1).
    patience : int
        How many metrics in a row may be no better, >= 0.
    mode : {"min", "max"}
        Whether a metric is better when it is smaller or larger.
    threshold : float
        Smallest change that counts, >= 0; below 1 if relative.
    threshold_mode : {"rel", "abs"}
        Whether ``threshold`` is relative to the best metric.
    cooldown : int
        Metrics after a drop that do not count as bad, >= 0.
    min_factor : float
        Where the factor stops, in [0, 1].

    Returns
    -------
    Plateau
        ``init() -> state`` and ``update(state, metric) -> state, factor``, both pure.

    Raises
    ------
    ArgumentError
        If an argument is outside its range.

    References
    ----------
    PyTorch's ReduceLROnPlateau, with two differences: ``threshold`` is relative to the size of the
    best metric, so that negative ones work too, and no drop is too small to be made (its eps).

    Examples
    --------
    >>> halve = ag.schedules.plateau(0.5, patience=1)
    >>> state = halve.init()
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     state, factor = halve.update(state, loss)
    >>> factor
    0.5
    """
    mode = check_choice("plateau(mode)", mode, ("min", "max"))
    threshold_mode = check_choice("plateau(threshold_mode)", threshold_mode, ("rel", "abs"))
    small = Range(0, 1, open_high=True) if threshold_mode == "rel" else NOT_NEGATIVE
    return Plateau(
        factor=check_number("plateau(factor)", factor, Range(0, 1, True, True)),
        patience=check_count("plateau(patience)", patience),
        mode=mode,
        threshold=check_number("plateau(threshold)", threshold, small),
        threshold_mode=threshold_mode,
        cooldown=check_count("plateau(cooldown)", cooldown),
        min_factor=check_number("plateau(min_factor)", min_factor, Range(0, 1)),
    )


def _state(best: float, bad: int, cooldown: int, factor: float) -> dict[str, np.ndarray]:
    return {
        "best": np.asarray(best, dtype=np.float64),
        "bad": np.asarray(bad, dtype=np.int64),
        "cooldown": np.asarray(cooldown, dtype=np.int64),
        "factor": np.asarray(factor, dtype=np.float64),
    }


def _read(state: Mapping[str, Any]) -> tuple[float, int, int, float]:
    if isinstance(state, Mapping) and set(state) == set(SLOTS):
        best, bad, cooldown, factor = (np.asarray(to_numpy(state[name])) for name in SLOTS)
        if all(slot.shape == () for slot in (best, bad, cooldown, factor)):
            return float(best), int(bad), int(cooldown), float(factor)
    message = (
        f"update(state): got {describe(state)}; expected a dict with the 0-d arrays "
        f"{', '.join(SLOTS)}. Begin with init()."
    )
    raise ArgumentError(message)


def _host_number(metric: Any) -> float:
    value = real_number(metric)
    if value is not None:
        return value
    message = f"update(metric): got {describe(metric)}; expected a real number or a 0-d array."
    raise ArgumentError(message)
