"""Optimizer states of PyTorch and optax as ours. Neither library is imported.

Which of their fields is which of our slots stands in two tables, and nowhere else. A slot with
alternatives, ``v|u``, is the first that the optimizer has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.backends import to_host
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest
from anygrad.optimizers.flow import State
from anygrad.optimizers.named import (
    Value,
    compare,
    describe_leaf,
    kind_of,
    like_leaf,
    list_some,
    value_of,
)
from anygrad.trees.structure import LEAF

__all__ = ["from_optax", "from_torch"]

STEP = "step"
RATE = "learning_rate"

# field of a parameter's state in torch.optim: our slot; None for what our formula computes from t
TORCH: dict[str, str | None] = {
    "step": STEP,
    "exp_avg": "m",
    "exp_avg_sq": "v",
    "max_exp_avg_sq": "v_max",
    "exp_inf": "u",  # adamax
    "mu_product": "mu_product",  # nadam
    "momentum_buffer": "b",  # sgd, rmsprop, muon
    "sum": "s",  # adagrad
    "square_avg": "v",  # rmsprop, adadelta
    "grad_avg": "a",  # rmsprop
    "acc_delta": "u",  # adadelta
    "ax": "average",  # asgd
    "eta": None,  # asgd
    "mu": None,  # asgd
    "prev": "g_last",  # rprop
    "step_size": "size",  # rprop
    "row_var": "v_row",  # adafactor
    "col_var": "v_col",  # adafactor
    "variance": "v",  # adafactor
}

# class of a state in optax: its fields and our slots
OPTAX: dict[str, dict[str, str | None]] = {
    "ScaleByAdamState": {"count": STEP, "mu": "m", "nu": "v|u"},  # adamax too
    "ScaleByAmsgradState": {"count": STEP, "mu": "m", "nu": "v", "nu_max": "v_max"},
    "ScaleByLionState": {"count": STEP, "mu": "m"},
    "ScaleByRmsState": {"nu": "v"},
    "ScaleByRmsWithCountState": {"count": STEP, "nu": "v"},
    "ScaleByRStdDevState": {"mu": "a", "nu": "v"},
    "ScaleByRStdDevWithCountState": {"count": STEP, "mu": "a", "nu": "v"},
    "ScaleByRssState": {"sum_of_squares": "s"},
    "ScaleByAdaDeltaState": {"e_g": "v", "e_x": "u"},
    "ScaleByRpropState": {"step_sizes": "size", "prev_updates": "g_last"},  # only its sign matters
    "FactoredState": {"count": STEP, "v_row": "v_row", "v_col": "v_col", "v": "v"},
    "MuonState": {"count": STEP, "mu": "b", "ns_coeffs": None},
    "TraceState": {"trace": "b"},
    "ScaleByScheduleState": {"count": STEP},
    "WrappedScheduleState": {"count": STEP},
    "InjectHyperparamsState": {"count": STEP},
    "InjectStatefulHyperparamsState": {"count": STEP},
}

TRACE = "TraceState"
FACTORED = "FactoredState"
INNER = ("inner_state", "inner_states")  # where a state of optax wraps others

KEPT = {STEP, RATE, "master"}  # entries of ours that are no slots of a peer's
BROADCAST = {"v_row", "v_col"}  # peers keep an axis of length 1 in place of the one summed over


class Source(NamedTuple):
    """A value of the peer's, what it is called there, and whether it may be without a use."""

    value: Value
    label: str
    optional: bool = False


@dataclass
class Found:
    """What a state of a peer's holds.

    Attributes
    ----------
    where : str
        The function and argument, for messages.
    sources : dict
        By slot, which may have alternatives, and path of the parameter.
    steps : dict
        Step counts by what they are called.
    rate : float, optional
        Learning rate of the last step.
    """

    where: str
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    rate: float | None = None

    def add(self, slot: str, path: str, source: Source) -> None:
        """Keep one value; a second one for the same place is refused."""
        before = self.sources.setdefault((slot, path), source)
        if before is not source:
            message = (
                f"{self.where}: got {before.label} and {source.label} for the slot {slot!r} of one "
                "parameter; expected one. Pass the part of the state that belongs to one optimizer."
            )
            raise ArgumentError(message)


def from_torch(
    saved: Any,
    like: State,
    *,
    params: Tree,
    order: Iterable[str] | None = None,
    step: int | None = None,
) -> State:
    """Make a state of ours from that of an optimizer of ``torch.optim``.

    Go on from there with the same optimizer in the same settings, ``compat="torch"``: names of
    slots and shapes are checked, but hyperparameters are in no state.

    Parameters
    ----------
    saved : torch.optim.Optimizer, or what its ``state_dict()`` returned
        Tensors or NumPy arrays. All parameters must have made the same number of steps.
    like : dict
        ``optimizer.init(params)``; of a chain, one part takes the state.
    params : tree of arrays
        Ours. Shapes must be PyTorch's, so a weight of ``torch.nn.Linear`` is (out, in).
    order : iterable of str, optional
        The paths of ``params`` in the order of PyTorch's parameters; ``layer.weight`` is read as
        ``layer/weight``, so ``[name for name, _ in model.named_parameters()]`` will do where the
        names are the same. Not needed for one parameter, or if ``saved`` has the names.
    step : int, optional
        Steps made, >= 0; only for what keeps no count, which is SGD and Muon.

    Returns
    -------
    dict
        A state with the structure, libraries, dtypes and devices of ``like``. A value may be
        widened (float32 to float64), never cut. ``master``, and parts of a chain that PyTorch has
        not, are those of ``like``.

    Raises
    ------
    ArgumentError
        If parameters, slots or step counts do not fit; names them.
    ShapeError
        If a value has another shape than its slot.
    DTypeError
        If it has a dtype that would lose digits.

    Examples
    --------
    >>> from anygrad.optimizers.importing import from_torch
    >>> saved = {
    ...     "state": {0: {"step": np.float32(7), "exp_avg": np.ones(2), "exp_avg_sq": np.ones(2)}},
    ...     "param_groups": [{"lr": 0.1, "params": [0]}],
    ... }
    >>> params = {"w": np.zeros(2)}
    >>> state = from_torch(saved, ag.optimizers.adam(0.1).init(params), params=params)
    >>> int(state["step"]), state["m"]
    (7, {'w': array([1., 1.])})
    """
    found = Found("from_torch(saved)")
    groups, states = _read_torch(saved)
    keys = [key for group in groups for key in group["params"]]
    paths = _order(keys, groups, params, order)
    for key, path in zip(keys, paths, strict=True):
        for name, value in (states.get(key) or {}).items():
            _take_torch(found, name, path, value)
    if groups:
        found.rate = float(np.asarray(to_host(groups[0]["lr"])))
    return _fill(found, like, step)


def from_optax(saved: Any, like: State, *, step: int | None = None) -> State:
    """Make a state of ours from that of an optimizer of optax.

    Go on from there with the same optimizer in the same settings, ``compat="optax"``: names of
    slots and shapes are checked, but hyperparameters are in no state.

    Parameters
    ----------
    saved : nested tuples
        The state of an optimizer, a chain, ``masked``, ``partition`` or ``inject_hyperparams``. The
        arrays may be JAX's or NumPy's.
    like : dict
        ``optimizer.init(params)``, where ``params`` have the keys and shapes that they have there;
        of a chain, one part takes the state.
    step : int, optional
        Steps made, >= 0; only for what keeps no count: SGD, RMSprop, Adagrad, Adadelta and Rprop
        with a constant learning rate.

    Returns
    -------
    dict
        A state with the structure, libraries, dtypes and devices of ``like``. A value may be
        widened (float32 to float64), never cut. The learning rate is that of ``like`` where the
        state has none.

    Raises
    ------
    ArgumentError
        If a state is unknown, or parameters, slots or step counts do not fit; names them.
    ShapeError
        If a value has another shape than its slot.
    DTypeError
        If it has a dtype that would lose digits.

    Examples
    --------
    >>> from collections import namedtuple
    >>> from anygrad.optimizers.importing import from_optax
    >>> adam_state = namedtuple("ScaleByAdamState", "count mu nu")  # as optax has it
    >>> saved = (adam_state(np.int32(7), {"w": np.ones(2)}, {"w": np.ones(2)}),)
    >>> params = {"w": np.zeros(2)}
    >>> state = from_optax(saved, ag.optimizers.adam(0.1).init(params))
    >>> int(state["step"]), state["m"]
    (7, {'w': array([1., 1.])})
    """
    found = Found("from_optax(saved)")
    for node, last in _walk(found.where, saved):
        _take_optax(found, node, last)
    return _fill(found, like, step)


def _read_torch(saved: Any) -> tuple[list[Mapping], Mapping]:
    """The groups and the states by parameter of a state_dict, or of an optimizer."""
    if not isinstance(saved, Mapping) and hasattr(saved, "state_dict"):
        saved = saved.state_dict()
    if isinstance(saved, Mapping) and {"state", "param_groups"} <= set(saved):
        return list(saved["param_groups"]), saved["state"]
    message = (
        f"from_torch(saved): got {describe(saved)}; expected an optimizer of torch.optim or its "
        "state_dict(), with the keys 'state' and 'param_groups'."
    )
    raise ArgumentError(message)


def _order(
    keys: Sequence[Any], groups: Sequence[Mapping], params: Tree, order: Iterable[str] | None
) -> list[str]:
    """The path of each of PyTorch's parameters."""
    paths = [str(path) for path in trees.paths(params)]
    if order is None:
        named = [name for group in groups for name in group.get("param_names", ())]
        order = named or (keys if all(isinstance(key, str) for key in keys) else None)
    if order is None and len(keys) == len(paths) == 1:
        return paths
    if order is None:
        message = (
            f"from_torch(order): got nothing for {len(keys)} parameters; expected the paths of "
            f"params, {list_some(map(repr, paths))}, in PyTorch's order, which the state does not "
            "tell. Pass order=[name for name, _ in model.named_parameters()]."
        )
        raise ArgumentError(message)
    found = [_path_of(name, paths) for name in order]
    if sorted(found) != sorted(paths) or len(found) != len(keys):
        message = (
            f"from_torch(order): got {list_some(map(repr, found))} for {len(keys)} parameters of "
            f"PyTorch's; expected each path of params once, {list_some(map(repr, paths))}. "
            "Leave parameters that PyTorch does not optimize out of params."
        )
        raise ArgumentError(message)
    return found


def _path_of(name: str, paths: Sequence[str]) -> str:
    slashed = name.replace(".", "/")
    if name in paths or slashed in paths:
        return name if name in paths else slashed
    message = (
        f"from_torch(order): got {name!r}, which is no path of params; expected one of "
        f"{list_some(map(repr, paths))}. {suggest(slashed, paths)}"
    )
    raise ArgumentError(message.rstrip())


def _take_torch(found: Found, name: str, path: str, value: Any) -> None:
    """Keep one field of one parameter's state."""
    if value is None:
        return
    label = f"{name} of {trees.show_path('params', path)}"
    if name not in TORCH:
        message = (
            f"{found.where}: got {label}; expected one of {', '.join(TORCH)}. "
            f"{suggest(name, TORCH)}"
        )
        raise ArgumentError(message.rstrip())
    slot = TORCH[name]
    if slot == STEP:
        found.steps[label] = _integer(value)
    elif slot is not None:
        found.add(slot, path, Source(value_of(found.where, label, value), label))


def _walk(where: str, node: Any, last: bool = False) -> Iterator[tuple[Any, bool]]:
    """The known states in one of optax, each with whether it comes last in a chain of several."""
    fields = getattr(node, "_fields", None)
    name = type(node).__name__
    inner = [field for field in INNER if fields is not None and field in fields]
    if fields is not None and name in OPTAX:
        yield node, last
        if not inner:
            return
    if inner:
        below = getattr(node, inner[0])
        # those of a partition stand side by side, those of a chain one after another
        for child in below.values() if isinstance(below, Mapping) else [below]:
            yield from _walk(where, child, last)
    elif isinstance(node, Mapping) or (fields is None and isinstance(node, (tuple, list))):
        children = list(node.values() if isinstance(node, Mapping) else node)
        for number, child in enumerate(children, 1):
            yield from _walk(where, child, len(children) > 1 and number == len(children))
    elif node is not None and (fields is None or trees.leaves(node)):
        what = f"a state of class {name}" if fields is not None else describe(node)
        message = (
            f"{where}: got {what}; expected states of optax, of which these are known: "
            f"{', '.join(OPTAX)}. {suggest(name, OPTAX)}"
        )
        raise ArgumentError(message.rstrip())


def _take_optax(found: Found, node: Any, last: bool) -> None:
    """Keep the fields of one state."""
    name = type(node).__name__
    rates = getattr(node, "hyperparams", {})
    if RATE in rates:
        found.rate = float(np.asarray(to_host(rates[RATE])))
    for attribute, slot in OPTAX[name].items():
        tree, label = getattr(node, attribute), f"{name}.{attribute}"
        if slot == STEP:
            found.steps[f"{label}, state {len(found.steps)}"] = _integer(tree)
            continue
        pairs = zip(trees.paths(tree), trees.leaves(tree), strict=True) if slot else ()
        for path, leaf in pairs:
            place = trees.show_path(label, path)
            value = value_of(found.where, place, leaf)
            # optax fills the places of slots that a parameter has not with one number
            optional = name == FACTORED and value.array.shape == (1,)
            if name == TRACE and last:
                # what comes last has the learning rate in it, which has a minus sign there
                value = value.negate()
            found.add(slot or "", str(path), Source(value, place, optional))
    if name == TRACE and last and not any(slot.startswith("v") for slot, _ in found.sources):
        message = (
            f"{found.where}: got a TraceState at the end of a chain, so its buffer has the "
            "learning rate in it; expected it before the learning rate, as in optax.sgd. Divide it "
            "by minus the learning rate, and put it first."
        )
        raise ArgumentError(message)


def _integer(count: Any) -> int:
    return int(np.asarray(to_host(count)))


def _fill(found: Found, like: State, step: int | None) -> State:
    """Put what was found into a state like ``like``; everything found must have one place."""
    if not isinstance(like, Mapping):
        message = (
            f"{_function(found)}(like): got {describe(like)}; expected a state. "
            "Pass optimizer.init(params)."
        )
        raise ArgumentError(message)
    wanted = sorted({slot for slot, _ in found.sources})
    singles = list(_singles(like, wanted))
    takers = [(trail, part) for trail, part in singles if not wanted or _takes(found, part)]
    _check_takers(found, wanted, takers, like)
    count = _count(found, step) if any(STEP in part for _, part in singles) else None
    state, used = like, {}
    for trail, part in takers:
        state = _put(state, trail, _fill_part(found, part, "/".join(trail), used))
    for key, source in found.sources.items():
        if key not in used and not source.optional:
            slots = sorted({slot for _, part in takers for slot in set(part) - KEPT})
            message = (
                f"{found.where}: got {source.label}, for which like has no place; expected the "
                f"slots {list_some(slots) or 'none'} of the same parameters. Make the optimizer "
                f"with the switches of the peer's, so that it keeps {key[0]!r}."
            )
            raise ArgumentError(message)
    for trail, part in singles:  # all parts of a chain count together
        if STEP in part:
            leaf = like_leaf(Value(np.asarray(count), "int64"), part[STEP])
            state = _put(state, (*trail, STEP), leaf)
    return dict(state)


def _singles(
    state: Any, wanted: Sequence[str], trail: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], State]]:
    """The states of single optimizers within one, each with the names that lead there."""
    if not isinstance(state, Mapping):
        return
    facts = any(name in state and _is_leaf(state[name]) for name in (STEP, RATE))
    if facts or any(_choose(slot, state) in state for slot in wanted):
        yield trail, dict(state)
        return
    for name, part in state.items():
        yield from _singles(part, wanted, (*trail, name))


def _takes(found: Found, part: State) -> bool:
    """Whether a part has a slot for something that was found."""
    places = {
        (slot, str(path))
        for slot, tree in part.items()
        if slot not in KEPT
        for path in trees.paths(tree)
    }
    return any((_choose(slot, part), path) in places for slot, path in found.sources)


def _check_takers(
    found: Found, wanted: Sequence[str], takers: Sequence[tuple[Any, State]], like: State
) -> None:
    if takers:
        return
    slots = " and ".join(wanted) or "a step count"
    message = (
        f"{_function(found)}(like): got a state with {list_some(map(str, like)) or 'nothing'}, in "
        f"which nothing can take what was found; expected one with {slots} for the same "
        "parameters. Make the optimizer that the state is of, with the switches of the peer's."
    )
    raise ArgumentError(message)


def _put(state: State, trail: Sequence[str], new: Any) -> State:
    """Replace what stands at the end of a trail of names."""
    if not trail:
        return new
    name, *rest = trail
    return {**state, name: _put(state[name], rest, new)}


def _function(found: Found) -> str:
    return found.where.partition("(")[0]


def _count(found: Found, step: int | None) -> int:
    """The number of steps made, on which all that count must agree."""
    counts = set(found.steps.values())
    if step is not None:
        counts.add(_integer(step))
    if len(counts) == 1:
        return counts.pop()
    if counts:
        shown = [f"{count} at {label}" for label, count in found.steps.items()]
        shown += [] if step is None else [f"step={step}"]
        message = (
            f"{found.where}: got different step counts, {list_some(shown)}; expected one for all "
            "parameters. Leave those out of params that were not trained."
        )
    else:
        message = (
            f"{_function(found)}(step): got nothing, and the state has no step count; expected the "
            "number of steps made. Pass step=..., which schedules and dampening go by; of an "
            "optimizer that made none, take optimizer.init(params)."
        )
    raise ArgumentError(message)


def _choose(slot: str, part: Mapping[str, Any]) -> str:
    names = slot.split("|")
    return next((name for name in names if name in part), names[0])


def _fill_part(found: Found, part: State, name: str, used: dict[tuple[str, str], str]) -> State:
    """Fill the slots of one optimizer, each leaf of them; note in ``used`` what went where."""
    keys_of = {(_choose(slot, part), path): (slot, path) for slot, path in found.sources}
    filled = dict(part)
    if found.rate is not None and RATE in part:
        filled[RATE] = like_leaf(Value(np.asarray(found.rate), "float64"), part[RATE])
    for slot, tree in part.items():
        if slot in KEPT:
            continue
        leaves, structure = trees.flatten(tree)
        made = []
        for path, leaf in zip(trees.paths(tree), leaves, strict=True):
            keys = [keys_of[place] for place in [(slot, str(path))] if place in keys_of]
            if not keys and _is_leaf(tree):  # one number, for all parameters
                keys = [key for place, key in keys_of.items() if place[0] == slot]
            sources = [found.sources[key] for key in keys]
            for key in keys:
                _use(found, key, name, used)
            place = trees.show_path(f"like[{slot!r}]", path)
            made.append(_place(found, sources, leaf, place, slot in BROADCAST))
        filled[slot] = trees.unflatten(structure, made)
    return filled


def _use(found: Found, key: tuple[str, str], name: str, used: dict[tuple[str, str], str]) -> None:
    before = used.setdefault(key, name)
    if before != name:
        message = (
            f"{_function(found)}(like): got a state in which both {before} and {name} can take "
            f"{found.sources[key].label}; expected one. Pass the state of the right part, "
            "and put the result in its place."
        )
        raise ArgumentError(message)


def _is_leaf(tree: Tree) -> bool:
    return trees.flatten(tree)[1] is LEAF


def _place(found: Found, sources: Sequence[Source], leaf: Any, place: str, broadcast: bool) -> Any:
    """Make a leaf of ours from a value of the peer's, or from many that are one number."""
    if not sources:
        message = (
            f"{found.where}: got nothing for {place}; expected {describe_leaf(leaf)}. Make the "
            "optimizer with the switches of the peer's, let the peer make a step, and leave "
            "parameters out of params that it did not train."
        )
        raise ArgumentError(message)
    source, *others = sources
    for other in others:
        if not np.array_equal(source.value.array, other.value.array):
            message = (
                f"{found.where}: got different values at {source.label} and {other.label}; "
                f"expected the same for all parameters, for {place} is one number."
            )
            raise ArgumentError(message)
    value, shape = source.value, kind_of(leaf)[1]
    if broadcast:
        value = _squeeze(value, shape)
    if not value.array.shape and len(shape) == 1:  # a number, which we keep for each group
        value = value._replace(array=np.full(shape, value.array))
    problem = compare(value, leaf)
    if problem == "shape":
        message = (
            f"{found.where}: got {value} at {source.label}; expected {describe_leaf(leaf)}, as at "
            f"{place}. Is the order right? A weight of torch.nn.Linear is (out, in)."
        )
        raise ShapeError(message)
    if problem == "dtype":
        message = (
            f"{found.where}: got {value} at {source.label}; expected {describe_leaf(leaf)}, as at "
            f"{place}. Convert the parameters before optimizer.init, or the state of the peer's."
        )
        raise DTypeError(message)
    return like_leaf(value, leaf)


def _squeeze(value: Value, shape: tuple[int, ...]) -> Value:
    """Drop or add axes of length 1, where nothing else differs."""
    longer = [length for length in value.array.shape if length != 1]
    if longer != [length for length in shape if length != 1]:
        return value
    return value._replace(array=value.array.reshape(shape))
