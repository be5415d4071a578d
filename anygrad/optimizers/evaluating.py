"""The parameters to evaluate with, where they are others than those that are stepped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import State
from anygrad.optimizers.rules.leaves import conform
from anygrad.optimizers.rules.work import MASTER
from anygrad.optimizers.wrappers.wrapping import fits, states_within
from anygrad.trees.placing import on_device_of

__all__ = ["evaluation_params"]


def evaluation_params(params: Tree, state: State) -> Tree:
    """Take from a state the parameters to evaluate with.

    Of `averaged`, `stochastic_weight_average` and averaged descent (``asgd``) the ``average``; of
    `lookahead` the ``slow`` parameters; of schedule-free optimizers ``x = (y - (1 - b1) z) / b1``,
    where ``y`` are the parameters that are stepped. For every other optimizer ``params``.

    Parameters
    ----------
    params : tree of arrays
        As the last step returned them.
    state : dict
        That the last step returned with them; of an optimizer, a chain, or transforms around one.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices; leaves that the averaging part does not see
        (`freeze`, `masked`) are those of ``params``. They may be arrays of the state itself, which
        a later step writes into if it is donated. The device is not waited for.

    Raises
    ------
    ArgumentError
        If ``state`` is no dict, or two of its parts have parameters of their own for evaluation for
        the same leaf.

    Examples
    --------
    >>> optimizer = ag.optimizers.lookahead(ag.optimizers.sgd(1.0), sync_period=2)
    >>> params = np.asarray([8.0])
    >>> params, state = optimizer.step(params, np.asarray([1.0]), optimizer.init(params))
    >>> params, ag.optimizers.evaluation_params(params, state)
    (array([7.]), array([8.]))
    """
    if not isinstance(state, dict):
        message = (
            f"evaluation_params(state): got {describe(state)}; expected a dict. Pass the state of "
            "an optimizer, as init or the last step returned it."
        )
        raise ArgumentError(message)
    found = [
        (name, make, part)
        for part in states_within(state)
        for name, make in KINDS.items()
        if fits(params, part.get(name)) and (name != "z" or "b1" in part)
    ]
    slots = [part[name] for name, _, part in found]
    if len(found) > 1 and _overlap(params, slots):
        # the state as a whole is what was passed
        places = [place for place in _places(state, slots) if place != "state"]
        message = (
            "evaluation_params(state): got a state with "
            f"{' and '.join(repr(name) for name, _, _ in found)}; expected one part with "
            "parameters of its own for evaluation, for each leaf. Pass the state of the one that "
            f"is meant: {' or '.join(places)}."
        )
        raise ArgumentError(message)
    for _, make, part in found:
        params = make(params, part)
    return params


def _take(name: str) -> Callable[[Tree, State], Tree]:
    return lambda params, part: trees.map(_like, params, part[name])


def _recover_x(params: Tree, part: State) -> Tree:
    """Undo ``y = b1 x + (1 - b1) z``."""
    b1 = float(part["b1"][0])

    def recover(p: Array, z: Array | None, master: Array | None) -> Array:
        if z is None:
            return p
        y = p if master is None else master
        with on_device_of(p):
            return _like(p, (y - (1.0 - b1) * z) / b1)

    masters = part.get(MASTER, trees.map(lambda p: None, params))
    return trees.map(recover, params, part["z"], masters)


KINDS: dict[str, Callable[[Tree, State], Tree]] = {
    "average": _take("average"),
    "slow": _take("slow"),
    "z": _recover_x,
}
"""By the slot that an optimizer is known by, how its parameters are found."""


def _like(p: Array, new: Array | None) -> Array:
    """Give the dtype of the parameter; what is not kept is the parameter itself."""
    if new is None:
        return p
    with on_device_of(p):
        return conform(namespace_of(p, new), new, p)


def _overlap(params: Tree, slots: list[Tree]) -> bool:
    """Tell whether two of these trees have the same leaf."""
    structure = trees.flatten(params)[1]
    columns = [trees.flatten_up_to(structure, slot) for slot in slots]
    return any(sum(leaf is not None for leaf in row) > 1 for row in zip(*columns, strict=True))


def _places(state: Any, slots: list[Tree], at: str = "state") -> list[str]:
    """List where the states stand that have these slots, as they are written in Python."""
    if not isinstance(state, dict):
        return []
    own = [at] if any(entry is slot for entry in state.values() for slot in slots) else []
    inner = [p for name in state for p in _places(state[name], slots, f"{at}[{name!r}]")]
    return own + inner
