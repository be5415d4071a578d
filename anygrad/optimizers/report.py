"""What an optimizer's state tells about the last step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping import first_bad
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import State
from anygrad.optimizers.wrappers.wrapping import is_number, is_single, states_within
from anygrad.trees.placing import gather, on_device_of

__all__ = ["Info", "info"]

FACTS = {
    "step": ("step",),
    "learning_rate": ("learning_rate",),
    "norm": ("norm", "grad_norm"),
    "scale": ("scale",),
    "update_norm": ("update_norm",),
    "param_norm": ("param_norm",),
    "finite": ("finite",),
    "norms": ("norms",),
    "scales": ("scales",),
}
"""What is told, and the entries of a state that it is taken from."""

TREES = ("finite", "norms", "scales")
"""Of these, what is a tree; the others are arrays of shape ()."""


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
    update_norm, param_norm : array, shape ()
        With `monitored`: norms of what the step added, and of the parameters before it.
    finite : tree of arrays of bool
        For each leaf of the gradients, whether all its elements were finite; 0-d on the device.
    norms, scales : trees of arrays
        Norm and scale of each leaf, 0-d, where the clip looks at each by itself.
    """

    step: Array | None = None
    learning_rate: Array | None = None
    norm: Array | None = None
    scale: Array | None = None
    update_norm: Array | None = None
    param_norm: Array | None = None
    finite: Tree | None = None
    norms: Tree | None = None
    scales: Tree | None = None

    @property
    def clipped(self) -> Array | None:
        """Whether the clip shortened anything, 0-d on the device; None without a clip."""
        scales = trees.leaves(self.scales) if self.scale is None else [self.scale]
        if not scales:
            return None
        with on_device_of(scales[0]):
            xp = namespace_of(*scales)
            smallest = xp.min(xp.stack([xp.asarray(x) for x in gather(scales, scales[0])]))
            return xp.asarray(smallest < 1.0)

    def first_bad(self) -> str | None:
        """Name the first leaf whose gradient was not finite; waits for the device.

        Returns
        -------
        str or None
            Its path, such as ``"decoder/w"``; ``""`` if the parameters are one bare array. None if
            all were finite.

        Raises
        ------
        ArgumentError
            If nothing in the optimizer looks for inf and nan.
        """
        if self.finite is None:
            message = (
                "Info.first_bad(): got a state without finite flags; expected that of a clip or "
                "of a monitored optimizer. Put monitored(...) around the optimizer."
            )
            raise ArgumentError(message)
        return first_bad(self.finite)


def info(state: State) -> Info:
    """Tell step count and learning rate, and what clips and `monitored` measured.

    Nothing is computed or copied: the arrays are those of the state, and ``float(...)`` on one that
    lives on a device is what waits for it.

    Parameters
    ----------
    state : dict
        Of an optimizer or a chain. Where two parts know a fact, that of the first is told.

    Returns
    -------
    Info
        Arrays, or None; ``info(state).clipped`` and ``info(state).first_bad()`` are computed when
        they are asked for.

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
    for part in states_within(state):
        if not is_single(part):
            continue
        for fact, names in FACTS.items():
            for name in names:
                if name in part and (fact in TREES or is_number(part[name])):
                    facts.setdefault(fact, part[name])
    return Info(**facts)
