"""The state of a formula: its entries on the host, and whether a state that is given fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.optimizers.flow import State
from anygrad.optimizers.rules.leaves import is_half
from anygrad.optimizers.rules.work import MASTER

__all__ = ["SlotShapes", "check_entries", "check_sizes", "host_state"]

MANY = 64  # structures whose shapes are remembered


def host_state(entries: Sequence[str], step: int, row: Mapping[str, Any]) -> State:
    """Make the entries for the step count and the learning rate, where there are any."""
    state: State = {}
    if "step" in entries:
        state["step"] = np.asarray(step, dtype=np.int64)
    if "learning_rate" in entries:
        state["learning_rate"] = np.asarray(row["learning_rate"], dtype=np.float64)
    return state


def check_entries(where: str, entries: Sequence[str], state: Any) -> None:
    """Refuse the state of another optimizer."""
    if isinstance(state, Mapping) and state.keys() - {MASTER} == set(entries):
        return
    got, advice = describe(state), "Pass the state that init or the last step returned."
    if isinstance(state, Mapping):
        got = ", ".join(map(str, state)) or "an empty state"
        if where in state:
            advice = f"Of the state of a chain, pass state[{where!r}]."
    wanted = ", ".join(entries) or "an empty state"
    message = f"{where}(state): got {got}; expected {wanted}. {advice}"
    raise ArgumentError(message)


def check_sizes(where: str, state: State, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse numbers for other groups, and shared arrays with a shape."""
    for name, wanted in sizes.items():
        if _shape_of(state[name]) != wanted:
            message = (
                f"{where}.step(state): got {_say(_shape_of(state[name]))} at state[{name!r}]; "
                f"expected {_say(wanted)}. Were there other groups?"
            )
            raise ShapeError(message)


class SlotShapes:
    """The shapes in which slots start, remembered by what the parameters are.

    A slot in another shape would be broadcast, and the parameters with it.

    Attributes
    ----------
    where : str
        Name of the optimizer, for messages.
    """

    def __init__(self, where: str):
        self.where = where
        self._known: dict[Any, dict[str, list[Any]]] = {}

    def check(
        self,
        params: Tree,
        leaves: Sequence[Array],
        structure: Any,
        columns: Mapping[str, Sequence[Any]],
        start: Callable[[], Mapping[str, Sequence[Array | None]]],
        *,
        keeps_masters: bool,
    ) -> None:
        """Refuse slots in other shapes than they start in, before anything is written."""
        shapes = tuple([tuple(p.shape) for p in leaves])
        halves = tuple(map(is_half, leaves))
        expected = self._known.get((structure, shapes, halves))
        if expected is None:
            expected = {slot: list(map(_shape_of, made)) for slot, made in start().items()}
            masters = [shape if half else None for shape, half in zip(shapes, halves, strict=True)]
            if keeps_masters:
                expected[MASTER] = masters
            if len(self._known) >= MANY:
                self._known.clear()
            self._known[structure, shapes, halves] = expected
        none = [None] * len(leaves)
        for slot, wanted in expected.items():
            found = list(map(_shape_of, columns.get(slot, none)))
            if found == wanted:
                continue
            index = next(k for k, shape in enumerate(found) if shape != wanted[k])
            place = trees.show_path(f"state[{slot!r}]", trees.paths(params)[index])
            message = (
                f"{self.where}.step(state): got {_say(found[index])} at {place}; expected "
                f"{_say(wanted[index])}. Pass the state of these parameters; ag.optimizers.restore "
                "takes what fits of another."
            )
            raise ShapeError(message)


def _shape_of(x: Any) -> tuple[int, ...] | None:
    return None if x is None else tuple(getattr(x, "shape", ()))


def _say(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else f"shape {shape}"
