"""The rule behind a formula: takes it to every leaf, with state, groups and donation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, DTypeError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.hyperparameters import Hyperparameters
from anygrad.optimizers.leaves import conform, is_half, unshare, widen, write
from anygrad.optimizers.slots import Number, Shared, Slot, When
from anygrad.optimizers.work import MASTER, Work, common_place
from anygrad.trees.kinds import widest_real_dtype
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
    arrays : tuple of str
        The formula's positional arguments.
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
        self.arrays, _ = read_signature(formula)
        self.numbers = {name: s for name, s in slots.items() if isinstance(s, Number)}
        self.shared = {name: s for name, s in slots.items() if isinstance(s, Shared)}
        self.returned = tuple(a for a in self.arrays if a in slots and a not in self.shared)
        starts = {name: self._start_of(slot) for name, slot in slots.items()}
        self.slots = {name: start for name, start in starts.items() if start is not None}
        self.unkept = dict.fromkeys(a for a in self.returned if starts[a] is None)
        used = {*self.arrays, *(read_signature(reduction)[0] if reduction else ())}
        self.needs_value = "value" in used
        self.has_rate = "learning_rate" in hyperparameters.rows[0]
        self.counts = "t" in used or self.has_rate or not hyperparameters.is_constant

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
        self.hyperparameters.check_precision(leaves)
        rows = self.hyperparameters.rows
        assigned = self.hyperparameters.assign(structure, lambda: paths)
        wide = [widen(p) if is_half(p) else p for p in leaves]
        state = self._host_state(0, self.hyperparameters.at(0)[0])
        for name, number in self.numbers.items():
            state[name] = np.full(len(rows), number.start)
        for name, shared in self.shared.items():
            state[name] = _start_shared(shared, trees.unflatten(structure, wide), wide, rows[0])
        for slot, start in self.slots.items():
            pairs = zip(wide, assigned, strict=True)
            made = [_start(start, p, rows[row]) for p, row in pairs]
            state[slot] = trees.unflatten(structure, made)
        if self.has_rate and any(map(is_half, leaves)):
            masters = [w if is_half(p) else None for p, w in zip(leaves, wide, strict=True)]
            state[MASTER] = trees.unflatten(structure, masters)
        return state

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Apply the formula to every leaf."""
        step = self._check_state(state)
        leaves, structure = trees.flatten(params)
        kept = [*self.slots, *([MASTER] if MASTER in state else [])]
        columns = {slot: self._column(slot, structure, state) for slot in kept}
        rows = self.hyperparameters.at(step)
        assigned = self.hyperparameters.assign(structure, lambda: trees.paths(params))
        given = {"t": step + 1, "value": self._value(extra)}
        shared: State = {}
        if self.reduction is not None:
            flow = Flow(flow.settle(), None, flow.accept)
            shared = self._reduce(flow, params, state, columns.get(MASTER), given, rows[0])
        grads = trees.leaves(flow.updates)
        xp, context = common_place([leaves, grads, *columns.values()])
        work = Work(
            *(self.formula, self.arrays, self.returned, flow),
            {**self.unkept, **given, **shared},
            tuple(name for name in shared if name in self.arrays),
            f"{self.name}.step(params, grads, state)",
            xp,
        )
        numbers = {name: state[name].tolist() for name in self.numbers}
        after = {name: list(values) for name, values in numbers.items()}
        updates = []
        with context:
            for index, (p, g) in enumerate(zip(leaves, grads, strict=True)):
                row = assigned[index]
                old = {slot: column[index] for slot, column in columns.items()}
                scalars = {name: values[row] for name, values in numbers.items()}
                update, new = work.apply(p, g, old, scalars, rows[row])
                updates.append(update)
                for name in numbers:
                    after[name][row] = new[name]
                for slot, was in old.items():
                    if slot in new and was is not None:
                        columns[slot][index] = write(was, new[slot]) if donate else new[slot]
        state = self._host_state(step + 1, rows[0])
        state.update({name: np.asarray(values) for name, values in after.items()})
        state.update(shared)
        state.update({slot: trees.unflatten(structure, columns[slot]) for slot in kept})
        return Flow(trees.unflatten(structure, updates), None, flow.accept), state

    def _column(self, slot: str, structure: Any, state: State) -> list[Any]:
        """Leaves of one slot, None where there is none."""
        where = f"{self.name}.step(state[{slot!r}])"
        return list(trees.flatten_up_to(structure, state[slot], where=where))

    def _value(self, extra: Mapping[str, Any]) -> Any:
        if not self.needs_value or extra.get("value") is not None:
            return extra.get("value")
        message = (
            f"{self.name}.step(value): got nothing; expected the loss at params, a number or an "
            "array of shape (). Pass step(params, grads, state, value=loss)."
        )
        raise ArgumentError(message)

    def _reduce(
        self,
        flow: Flow,
        params: Tree,
        state: State,
        masters: Sequence[Any] | None,
        given: Mapping[str, Any],
        row: Mapping[str, Any],
    ) -> State:
        """Renew the arrays that all leaves share, from whole trees."""
        assert self.reduction is not None
        grads = trees.map(lambda g: widen(g) if is_half(g) else g, flow.updates)
        if masters is not None:
            leaves, structure = trees.flatten(params)
            pairs = zip(leaves, masters, strict=True)
            params = trees.unflatten(structure, [p if m is None else m for p, m in pairs])
        home = state[next(iter(self.shared))]
        xp = namespace_of(home)
        slots = {name: state[name] for name in (*self.slots, *self.shared)}
        numbers = {name: float(state[name][0]) for name in self.numbers}
        everything = {"xp": xp, "g": grads, "p": params, **given, **slots, **numbers}
        arrays, keywords = read_signature(self.reduction)
        with on_device_of(home):
            result = self.reduction(
                *[everything[name] for name in arrays],
                **{name: value for name, value in row.items() if name in keywords},
            )
            values = result if isinstance(result, tuple) else (result,)
            new = dict(zip(self.shared, values, strict=True))
            made = {n: conform(xp, xp.asarray(v), state[n]) for n, v in new.items()}
            return {n: flow.select(xp, value, state[n]) for n, value in made.items()}

    def _host_state(self, step: int, row: Mapping[str, Any]) -> State:
        """Make the entries for the step count and the learning rate, where there are any."""
        state: State = {}
        if self.counts:
            state["step"] = np.asarray(step, dtype=np.int64)
        if self.has_rate:
            state["learning_rate"] = np.asarray(row["learning_rate"], dtype=np.float64)
        return state

    def _check_state(self, state: State) -> int:
        """Step count of a state that fits this formula."""
        expected = ["step"] if self.counts else []
        expected += ["learning_rate"] if self.has_rate else []
        expected += [*self.numbers, *self.shared, *self.slots]
        got, advice = describe(state), "Pass the state that init or the last step returned."
        if isinstance(state, Mapping):
            if set(state) - {MASTER} == set(expected):
                return int(state["step"]) if self.counts else 0
            got = ", ".join(map(str, state)) or "an empty state"
            if self.name in state:
                advice = f"Of the state of a chain, pass state[{self.name!r}]."
        wanted = ", ".join(expected) or "an empty state"
        message = f"{self.name}(state): got {got}; expected {wanted}. {advice}"
        raise ArgumentError(message)


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


def _start_shared(
    shared: Shared, params: Tree, leaves: Sequence[Array], row: Mapping[str, Any]
) -> Array:
    """A 0-d array on the device of the first leaf, in the widest real dtype among them."""
    home = leaves[0]
    with on_device_of(home):
        made = shared.start(params, **row)
        dtype = widest_real_dtype(leaves)
        if backend_of(made) is not None:
            return namespace_of(home).astype(made, dtype)
        return namespace_of(home).asarray(made, dtype=dtype, device=device_of(home))


def _check_parameter(name: str, path: str, p: Any) -> None:
    """Refuse what cannot be optimised: integers, and what is no array."""
    shown = trees.show_path("params", path)
    if backend_of(p) is None:
        message = f"{name}.init({shown}): got {describe(p)}; expected an array. Use ag.asarray."
        raise ArgumentError(message)
    xp = namespace_of(p)
    if not xp.isdtype(p.dtype, ("real floating", "complex floating")):
        message = (
            f"{name}.init({shown}): got {describe(p)}; expected a floating dtype. "
            "Convert it with xp.astype(x, xp.float64)."
        )
        raise DTypeError(message)
