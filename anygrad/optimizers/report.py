"""What an optimizer's state tells about the last step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from anygrad.backends.types import Array
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import State

__all__ = ["Info", "info"]

FACTS = ("step", "learning_rate", "norm", "scale")


class Info(NamedTuple):
    """Facts about the last step; None where the optimizer has no such thing.

    Attributes
    ----------
    step : array, shape ()
        Steps taken so far; an integer of the host.
    learning_rate : array, shape ()
        Rate of the last step (before the first one: of the first), float64 of the host; that of
        leaves in no group.
    norm : array, shape ()
        Norm of the gradients before clipping, on the device.
    scale : array, shape ()
        What the clip multiplied the gradients by, on the device.
    """

    step: Array | None = None
    learning_rate: Array | None = None
    norm: Array | None = None
    scale: Array | None = None


def info(state: State) -> Info:
    """Tell the step count, learning rate, and gradient norm and scale where the chain clips.

    Nothing is computed or copied: the arrays are those of the state, and ``float(...)`` on one that
    lives on a device is what waits for it.

    Parameters
    ----------
    state : dict
        Of an optimizer or a chain. Where two parts know a fact, that of the first is told.

    Returns
    -------
    Info
        0-d arrays, or None.

    Raises
    ------
    ArgumentError
        If ``state`` is no dict.

    Examples
    --------
    >>> optimizer = ag.optimizers.adam(ag.schedules.exponential(0.1, 0.5))
    >>> params = np.asarray([1.0, 2.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(3):
    ...     params, state = optimizer.step(params, 2 * params, state)
    >>> int(ag.optimizers.info(state).step), float(ag.optimizers.info(state).learning_rate)
    (3, 0.025)
    """
    if not isinstance(state, Mapping):
        message = (
            f"info(state): got {describe(state)}; expected a dict. Pass the state of an optimizer, "
            "as init or the last step returned it."
        )
        raise ArgumentError(message)
    facts: dict[str, Any] = {}
    for part in _parts(state):
        for name in FACTS:
            if name in part:
                facts.setdefault(name, part[name])
    return Info(**facts)


def _parts(state: Any) -> Iterator[Mapping[str, Any]]:
    """States of single transforms: those that hold a fact themselves."""
    if not isinstance(state, Mapping):
        return
    if any(name in state and not isinstance(state[name], Mapping) for name in FACTS):
        yield state
        return
    for part in state.values():
        yield from _parts(part)
