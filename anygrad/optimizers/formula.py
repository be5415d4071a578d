"""Make a transform from a formula: the arithmetic of one step for one array, as in the paper.

A formula is a pure function of arrays and numbers::

    def adam_formula(xp, g, p, m, v, t, *, learning_rate, b1, b2, eps):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        return -learning_rate * m_hat / (xp.sqrt(v_hat) + eps), m, v

Its signature is its declaration. Positional: ``xp`` the namespace, ``g`` the gradient, ``p`` the
parameter, ``t`` the step counted from 1 (a Python int), and any other name is a slot, an array kept
from step to step. Keyword-only: the hyperparameters, under the names that users write. It returns
the update and the new slots, in the order of the signature. A slot that is not kept comes as None.

It knows no tree, no library and no state, and never branches on the value of an array, so that it
can be run on symbols and printed as one kernel. Numbers are Python floats: they never widen
float32, and what is computed from numbers alone, such as ``1 - b1**t``, is computed once a step in
double precision. It may branch on switches (bools), and on whether a number is 0 to leave a term
out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, DTypeError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.hyperparameters import Groups, Hyperparameters
from anygrad.optimizers.leaves import check_devices, conform, unshare, write
from anygrad.optimizers.pieces import zeros
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.trees.placing import check_libraries, on_device_of

__all__ = ["FormulaRule", "from_formula", "make"]

NOT_SLOTS = ("xp", "g", "p", "t")


def from_formula(
    formula: Callable[..., Any],
    *,
    slots: Iterable[str] | Mapping[str, Callable[..., Array] | None] = (),
    name: str | None = None,
    groups: Groups = (),
    **hyperparameters: Any,
) -> Transform:
    """Make a transform from the formula of one array.

    The module ``anygrad.optimizers.formula`` says what a formula looks like.

    Parameters
    ----------
    formula : callable
        ``formula(xp, g, ..., *, hyperparameter, ...) -> update, *slots``.
    slots : iterable of str, or mapping
        What is kept between steps; starts at zeros like the parameter. As a mapping, each name has
        a function ``(xp, p, **hyperparameters) -> array`` that starts it, or None if it is not
        kept.
    name : str, optional
        Name of the transform; else that of the formula without ``_formula``.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path, such as ``"decoder/bias"``, matches a
        pattern (``*`` stands for any text, also across ``/``); the first match wins.
    **hyperparameters
        A value for each keyword-only argument of the formula: a number, a switch (bool), or a
        schedule ``step -> number``.

    Returns
    -------
    Transform
        Its state is ``{"step": ..., "learning_rate": ..., slot: tree like params, ...}``; ``step``
        only where something counts steps, ``learning_rate`` (that of the last step) where there is
        one.

    Raises
    ------
    ArgumentError
        If arguments and signature do not fit, or a value is outside its range.

    Examples
    --------
    >>> def heavy_ball_formula(xp, g, b, *, learning_rate, momentum):
    ...     b = momentum * b - learning_rate * g
    ...     return b, b
    >>> heavy_ball = ag.optimizers.from_formula(
    ...     heavy_ball_formula, slots=["b"], learning_rate=0.1, momentum=0.9
    ... )
    >>> params = np.asarray([1.0])
    >>> params, state = heavy_ball.step(params, np.asarray([2.0]), heavy_ball.init(params))
    >>> params, state["b"]
    (array([0.8]), array([-0.2]))
    """
    name = name or formula.__name__.removesuffix("_formula")
    starts = dict(slots) if isinstance(slots, Mapping) else {slot: zeros for slot in slots}
    _check_signature(name, formula, starts, hyperparameters)
    return make(formula, starts, Hyperparameters.check(name, hyperparameters, groups))


def make(
    formula: Callable[..., Any],
    starts: Mapping[str, Callable[..., Array] | None],
    hyperparameters: Hyperparameters,
) -> Transform:
    """Make a transform from a formula, the starts of its slots, and checked hyperparameters."""
    rule = FormulaRule(formula, starts, hyperparameters)
    return from_rule(rule, hyperparameters.where)


class FormulaRule:
    """A formula, its slots and its hyperparameters; what a fused kernel is generated from.

    Attributes
    ----------
    name : str
        Of the optimizer.
    formula : callable
        As `from_formula` takes it.
    arrays : tuple of str
        The formula's positional arguments.
    slots : dict
        Name to the function that starts it, or None if not kept; in the formula's order.
    hyperparameters : Hyperparameters
        Checked values, by group.
    """

    def __init__(
        self,
        formula: Callable[..., Any],
        starts: Mapping[str, Callable[..., Array] | None],
        hyperparameters: Hyperparameters,
    ):
        arrays, _ = read_signature(formula)
        self.name = hyperparameters.where
        self.formula = formula
        self.arrays = arrays
        self.slots = {slot: starts[slot] for slot in arrays if slot not in NOT_SLOTS}
        self.hyperparameters = hyperparameters
        self.has_rate = "learning_rate" in hyperparameters.rows[0]
        self.counts = "t" in arrays or self.has_rate or not hyperparameters.is_constant

    def __repr__(self) -> str:
        row, *others = self.hyperparameters.rows
        given = [f"{name}={_show(value)}" for name, value in row.items()]
        given += [f"groups={list(self.hyperparameters.patterns)}"] if others else []
        return f"{self.name}({', '.join(given)})"

    def init(self, params: Tree) -> State:
        """Make the state: step 0, and every slot at its start."""
        leaves, structure = trees.flatten(params)
        paths = trees.paths(params)
        for path, p in zip(paths, leaves, strict=True):
            _check_parameter(self.name, path, p)
        check_libraries(f"{self.name}.init(params)", params)
        self.hyperparameters.check_patterns(paths)
        rows = self.hyperparameters.rows
        assigned = self.hyperparameters.assign(structure, lambda: paths)
        state = self._host_state(0, self.hyperparameters.at(0)[0])
        for slot, start in self.slots.items():
            if start is not None:
                pairs = zip(leaves, assigned, strict=True)
                made = [_start(start, p, rows[row]) for p, row in pairs]
                state[slot] = trees.unflatten(structure, made)
        return state

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Apply the formula to every leaf."""
        step = self._check_state(state)
        leaves, structure = trees.flatten(params)
        kept = [slot for slot, start in self.slots.items() if start is not None]
        columns = {slot: trees.leaves(state[slot]) for slot in kept}
        rows = self.hyperparameters.at(step)
        assigned = self.hyperparameters.assign(structure, lambda: trees.paths(params))
        updates = []
        for number, (p, g) in enumerate(zip(leaves, trees.leaves(flow.updates), strict=True)):
            old = {slot: columns[slot][number] for slot in kept}
            update, new = self._apply(flow, p, g, old, step + 1, rows[assigned[number]])
            updates.append(update)
            for slot in kept:
                columns[slot][number] = write(old[slot], new[slot]) if donate else new[slot]
        state = self._host_state(step + 1, rows[0])
        state.update({slot: trees.unflatten(structure, columns[slot]) for slot in kept})
        return Flow(trees.unflatten(structure, updates), None, flow.accept), state

    def _apply(
        self,
        flow: Flow,
        p: Array,
        g: Array,
        old: Mapping[str, Array],
        t: int,
        row: Mapping[str, Any],
    ) -> tuple[Array, dict[str, Array]]:
        """Compute the update and the new slots of one leaf."""
        xp = namespace_of(p, g, *old.values())
        check_devices(f"{self.name}.step(params, grads, state)", p, g, *old.values())
        with on_device_of(p):
            seen = [p, g, *old.values()]
            g = flow.settle_leaf(conform(xp, g, p) if g.dtype != p.dtype else g)
            given = {**dict.fromkeys(self.slots), **old, "xp": xp, "g": g, "p": p, "t": t}
            result = self.formula(*[given[name] for name in self.arrays], **row)
            update, *slots = result if isinstance(result, tuple) else (result,)
            named = dict(zip(self.slots, slots, strict=True))
            update = unshare(xp, conform(xp, update, p), seen)
            new = {s: unshare(xp, conform(xp, named[s], was), seen) for s, was in old.items()}
            if flow.accept is not None:
                update = flow.select(xp, update, xp.zeros_like(p))
                new = {s: flow.select(xp, new[s], was) for s, was in old.items()}
        return update, new

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
        expected += [slot for slot, start in self.slots.items() if start is not None]
        got, advice = describe(state), "Pass the state that init or the last step returned."
        if isinstance(state, Mapping):
            if set(state) == set(expected):
                return int(state["step"]) if self.counts else 0
            got = ", ".join(map(str, state)) or "an empty state"
            if self.name in state:
                advice = f"Of the state of a chain, pass state[{self.name!r}]."
        wanted = ", ".join(expected) or "an empty state"
        message = f"{self.name}(state): got {got}; expected {wanted}. {advice}"
        raise ArgumentError(message)


def _show(value: Any) -> str:
    """Show a number or a schedule; a function by its name, without its address."""
    return value.__name__ if inspect.isfunction(value) else repr(value)


def _start(start: Callable[..., Array], p: Array, row: Mapping[str, Any]) -> Array:
    xp = namespace_of(p)
    with on_device_of(p):
        return unshare(xp, start(xp, p, **row), [p])


def read_signature(formula: Callable[..., Any]) -> tuple[tuple[str, ...], set[str]]:
    """Names of a formula's arrays, and of its hyperparameters."""
    parameters = inspect.signature(formula).parameters.values()
    arrays = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    return arrays, {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


def _check_signature(
    name: str, formula: Callable[..., Any], starts: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Refuse slots and hyperparameters other than those the formula declares."""
    arrays, keywords = read_signature(formula)
    slots = {array for array in arrays if array not in NOT_SLOTS}
    for what, declared, got in (
        ("slots", slots, set(starts)),
        ("hyperparameters", keywords, set(given)),
    ):
        if declared != got:
            message = (
                f"from_formula({what}): got {', '.join(sorted(got)) or 'none'} for {name}; "
                f"expected {', '.join(sorted(declared)) or 'none'}, as in the formula's signature."
            )
            raise ArgumentError(message)


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
