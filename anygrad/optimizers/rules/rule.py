"""The rule behind a formula: takes it to every leaf, with state, groups and donation."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.hyperparameters import Hyperparameters
from anygrad.optimizers.rules.leaves import at_least_single, is_half, unshare, write
from anygrad.optimizers.rules.once import asking_once
from anygrad.optimizers.rules.reductions import reduce, see_whole, start_shared
from anygrad.optimizers.rules.states import SlotShapes, check_entries, check_sizes, host_state
from anygrad.optimizers.rules.work import MASTER, Work, common_place
from anygrad.optimizers.slots import Number, Shared, Slot, When
from anygrad.tracing.level import hosted, recorded
from anygrad.trees.placing import check_libraries, on_device_of

__all__ = ["FormulaRule", "read_signature"]

NOT_SLOTS = ("xp", "g", "p", "t", "value")


class FormulaRule:
    """A formula, its slots and its hyperparameters; what a fused kernel is generated from.

    Attributes
    ----------
    name : str
        Of the optimizer.
    formula, reduction : callable
        As `from_formula` takes them; the reduction may be None.
    arrays, keywords : tuple of str
        The formula's arguments: positional, and hyperparameters.
    slots : dict
        Name to the function that starts it, for slots that are kept.
    numbers, shared : dict
        The slots that are a number of the host, and those that are one array for the whole tree.
    hyperparameters : Hyperparameters
        Checked values, by group.
    """

    def __init__(
        self,
        formula: Callable[..., Any],
        slots: Mapping[str, Slot],
        hyperparameters: Hyperparameters,
        reduction: Callable[..., Any] | None = None,
    ):
        self.name = hyperparameters.where
        self.formula = formula
        self.reduction = reduction
        self.hyperparameters = hyperparameters
        self.arrays, self.keywords = read_signature(formula)
        self.numbers = {name: s for name, s in slots.items() if isinstance(s, Number)}
        self.shared = {name: s for name, s in slots.items() if isinstance(s, Shared)}
        self.returned = tuple(a for a in self.arrays if a in slots and a not in self.shared)
        starts = {name: self._start_of(slot) for name, slot in slots.items()}
        self.slots = {name: start for name, start in starts.items() if start is not None}
        self.unkept = dict.fromkeys(a for a in self.returned if starts[a] is None)
        self.reduction_signature = read_signature(reduction) if reduction else ((), ())
        used = {*self.arrays, *self.reduction_signature[0]}
        self.needs_value = "value" in used
        self.has_rate = "learning_rate" in hyperparameters.rows[0]
        self.counts = "t" in used or self.has_rate or not hyperparameters.is_constant
        self._head = (*["step"] * self.counts, *["learning_rate"] * self.has_rate)
        self.entries = (*self._head, *self.numbers, *self.shared, *self.slots)
        self._slot_shapes = SlotShapes(self.name)

    def _start_of(self, slot: Slot) -> Callable[..., Any] | None:
        if isinstance(slot, (Number, Shared)):
            return None
        if isinstance(slot, When):
            return slot.start if self.hyperparameters.uses(slot.hyperparameter) else None
        return slot

    def __repr__(self) -> str:
        return f"{self.name}({self.hyperparameters})"

    def init(self, params: Tree) -> State:
        """Make the state: step 0, and every slot at its start."""
        leaves, structure = trees.flatten(params)
        paths = trees.paths(params)
        for path, p in zip(paths, leaves, strict=True):
            _check_parameter(self.name, path, p)
        check_libraries(f"{self.name}.init(params)", params)
        self.hyperparameters.check_patterns(paths)
        rows = self.hyperparameters.at(0)
        assigned = self.hyperparameters.assign(structure, lambda: paths)
        self.hyperparameters.check_precision(leaves, assigned)
        wide = [at_least_single(p) for p in leaves]
        state = host_state(self.entries, 0, rows[0])
        for name, number in self.numbers.items():
            state[name] = np.asarray([number.begin(**row) for row in rows], dtype=np.float64)
        for name, shared in self.shared.items():
            state[name] = start_shared(shared, trees.unflatten(structure, wide), wide, rows[0])
        for slot, made in self._start_slots(wide, assigned, rows).items():
            state[slot] = trees.unflatten(structure, made)
        if self.has_rate and any(map(is_half, leaves)):
            masters = [w if is_half(p) else None for p, w in zip(leaves, wide, strict=True)]
            state[MASTER] = trees.unflatten(structure, masters)
        return state

    def _start_slots(
        self, wide: Sequence[Array], assigned: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> dict[str, list[Array | None]]:
        """Start every slot of every leaf; none of these in half precision."""
        return {
            slot: [_start(start, p, rows[row]) for p, row in zip(wide, assigned, strict=True)]
            for slot, start in self.slots.items()
        }

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Apply the formula to every leaf."""
        check_entries(self.name, self.entries, state)
        leaves, structure = trees.flatten(params)
        kept = [*self.slots, *([MASTER] if MASTER in state else [])]
        columns = {slot: self._column(slot, structure, state) for slot in kept}
        t, head, rows = self._count(state)
        assigned = self.hyperparameters.assign(structure, lambda: trees.paths(params))
        self._slot_shapes.check(
            *(params, leaves, structure, columns),
            lambda: self._start_slots(
                [at_least_single(p) for p in leaves],
                *(assigned, self.hyperparameters.at(0)),
            ),
            keeps_masters=self.has_rate,
        )
        groups = len(self.hyperparameters.rows)
        sizes = {**dict.fromkeys(self.numbers, (groups,)), **dict.fromkeys(self.shared, ())}
        check_sizes(self.name, state, sizes)
        given = {"t": t, "value": self._value(extra)}
        numbers = {name: hosted(np.ndarray.tolist, state[name]) for name in self.numbers}
        shared: State = {}
        if self.reduction is not None:
            flow = Flow(flow.settle(), None, flow.accept)
            masters, of_leaves = columns.get(MASTER), [rows[row] for row in assigned]
            first = {name: values[0] for name, values in numbers.items()}
            shared = self._renew_shared(
                flow, params, state, masters, {**first, **given}, rows[0], of_leaves
            )
            rows = [{name: row[name] for name in self.keywords} for row in rows]
        grads = trees.leaves(flow.updates)
        xp, context = common_place([leaves, grads, *columns.values(), list(shared.values())])
        work = Work(
            *(self.formula, self.arrays, self.returned, flow),
            {**self.unkept, **given, **shared},
            tuple(name for name in shared if name in self.arrays),
            f"{self.name}.step(params, grads, state)",
            xp,
        )
        after = {name: list(values) for name, values in numbers.items()}
        updates = []
        with context, asking_once():
            for index, (p, g) in enumerate(zip(leaves, grads, strict=True)):
                row = assigned[index]
                old = {slot: column[index] for slot, column in columns.items()}
                scalars = {name: values[row] for name, values in numbers.items()}
                update, new = work.apply(p, g, old, scalars, rows[row])
                updates.append(update)
                for name in numbers.keys() & new.keys():
                    after[name][row] = new[name]
                for slot, was in old.items():
                    if slot in new and was is not None:
                        columns[slot][index] = write(was, new[slot]) if donate else new[slot]
        state = head
        state.update({name: hosted(_as_array, *values) for name, values in after.items()})
        state.update(shared)
        state.update({slot: trees.unflatten(structure, columns[slot]) for slot in kept})
        return Flow(trees.unflatten(structure, updates), None, flow.accept), state

    def _count(self, state: State) -> tuple[int, State, Sequence[Mapping[str, Any]]]:
        """Number of this step, counted from 1; the next entries of the host; and the rows."""
        if not self.counts:
            return 1, {}, self.hyperparameters.rows
        t, *told = hosted(self._tell, state["step"])
        head = dict(zip(self._head, told, strict=False))
        return t, head, self.hyperparameters.fill(told[len(head) :])

    def _tell(self, step: Any) -> tuple[Any, ...]:
        """All that depends on the step count alone, for one call of the host in a program."""
        step = int(step)
        rows = self.hyperparameters.at(step)
        head = host_state(self.entries, step + 1, rows[0])
        return (step + 1, *head.values(), *self.hyperparameters.told(rows))

    def _column(self, slot: str, structure: Any, state: State) -> list[Any]:
        """Leaves of one slot, None where there is none."""
        where = f"{self.name}.step(state[{slot!r}])"
        return list(trees.flatten_up_to(structure, state[slot], where=where))

    def _value(self, extra: Mapping[str, Any]) -> Any:
        value = extra.get("value")
        shape = tuple(getattr(value, "shape", ()))
        if self.needs_value and shape:
            message = (
                f"{self.name}.step(value): got shape {shape}; expected the loss at "
                "params, of shape (). Pass its mean."
            )
            raise ShapeError(message)
        # a number that is recorded has no library
        known = backend_of(value) is not None or recorded(value) is not None
        is_number = known or isinstance(value, numbers.Real)
        if self.needs_value and value is not None and not is_number:
            message = (
                f"{self.name}.step(value): got {describe(value)}; expected the loss at params, a "
                "real number or an array of shape ()."
            )
            raise DTypeError(message)
        if not self.needs_value or value is not None:
            return value
        message = (
            f"{self.name}.step(value): got nothing; expected the loss at params, a number or an "
            "array of shape (). Pass step(params, grads, state, value=loss)."
        )
        raise ArgumentError(message)

    def _renew_shared(
        self,
        flow: Flow,
        params: Tree,
        state: State,
        masters: Sequence[Any] | None,
        given: Mapping[str, Any],
        row: Mapping[str, Any],
        of_leaves: Sequence[Mapping[str, Any]],
    ) -> State:
        """Renew the arrays that all leaves share."""
        assert self.reduction is not None
        everything = {
            **see_whole(self.formula, flow.updates, params, masters, of_leaves),
            **{name: state[name] for name in self.slots},
            **given,
        }
        old = {name: state[name] for name in self.shared}
        return reduce(self.reduction, self.reduction_signature, flow, old, everything, row)


def _as_array(*numbers: float) -> np.ndarray:
    return np.asarray(numbers)


def read_signature(formula: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a formula's arrays, and of its hyperparameters."""
    parameters = inspect.signature(formula).parameters.values()
    arrays = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    return arrays, tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def _start(start: Callable[..., Any], p: Array, row: Mapping[str, Any]) -> Array | None:
    xp = namespace_of(p)
    with on_device_of(p):
        made = start(xp, p, **row)
        return None if made is None else unshare(xp, made, [p])


def _check_parameter(name: str, path: str, p: Any) -> None:
    """Refuse what cannot be optimised: integers, and what is no array."""
    shown = trees.show_path("params", path)
    if backend_of(p) is None:
        message = f"{name}.init({shown}): got {describe(p)}; expected an array. Use ag.asarray."
        raise ArgumentError(message)
    xp = namespace_of(p)
    if not has_kind(xp, p.dtype, ("real floating", "complex floating")):
        message = (
            f"{name}.init({shown}): got {describe(p)}; expected a floating dtype. "
            "Convert it with xp.astype(x, xp.float64)."
        )
        raise DTypeError(message)
