"""What a state of a peer's holds, put into a state of ours."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, namespace_of, to_host
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe
from anygrad.optimizers.flow import State
from anygrad.optimizers.saving.named import (
    Value,
    compare,
    describe_leaf,
    kind_of,
    like_leaf,
    list_some,
)
from anygrad.trees.structure import LEAF

__all__ = ["RATE", "STEP", "Found", "Source", "count_of", "fill", "rate_of"]

STEP = "step"
RATE = "learning_rate"

# entries of ours that are no slots of a peer's; b1 is a hyperparameter
KEPT = {STEP, RATE, "master", "b1"}
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
    anew : frozenset of str
        Slots that the next step computes before it reads them; the peer has none of them.
    """

    where: str
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    rate: float | None = None
    anew: frozenset[str] = frozenset()

    def add(self, slot: str, path: str, source: Source) -> None:
        """Keep one value; a second one for the same place is refused."""
        before = self.sources.setdefault((slot, path), source)
        if before is not source:
            message = (
                f"{self.where}: got {before.label} and {source.label} for the slot {slot!r} of one "
                "parameter; expected one. Pass the part of the state that belongs to one optimizer."
            )
            raise ArgumentError(message)


def fill(found: Found, like: State, step: int | None) -> State:
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
            new = Value(np.asarray(count), "int64")
            state = _put(state, (*trail, STEP), _fill_number(found, STEP, new, part))
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
        counts.add(count_of(f"{_function(found)}(step)", step))
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
        new = Value(np.asarray(found.rate), "float64")
        filled[RATE] = _fill_number(found, RATE, new, part)
    for slot, tree in part.items():
        mine = slot in found.anew and not any(place[0] == slot for place in keys_of)
        if slot in KEPT or mine:
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


def _fill_number(found: Found, name: str, value: Value, part: State) -> Any:
    """Make an entry that is one number, on the host."""
    leaf = part[name]
    dtype, shape = kind_of(leaf)
    kind = "int" if name == STEP else "float"
    if shape == () and dtype.startswith(kind):
        return like_leaf(value, leaf)
    message = (
        f"{_function(found)}(like): got {describe(leaf)} at like[{name!r}]; expected one {kind}. "
        "Pass optimizer.init(params)."
    )
    raise ArgumentError(message)


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


def count_of(place: str, count: Any, low: int = 0) -> int:
    """Read a step count; ``place`` is where it stands, for messages."""
    value = _real(count)
    if value is not None and value.is_integer() and low <= value < 2.0**63:
        return int(value)
    message = f"{place}: got {describe(count)}; expected a step count, an integer >= {low}."
    raise ArgumentError(message)


def rate_of(place: str, rate: Any) -> float:
    """Read a learning rate."""
    value = _real(rate)
    if value is None:
        message = f"{place}: got {describe(rate)}; expected a learning rate, one real number."
        raise ArgumentError(message)
    return value


def _real(number: Any) -> float | None:
    """One real number on the host; None for anything else, bool too."""
    if backend_of(number) is None:
        if not isinstance(number, numbers.Real) or isinstance(number, bool):
            return None
        try:
            return float(number)
        except OverflowError:
            return None
    kinds = ("integral", "real floating")
    if number.shape != () or not has_kind(namespace_of(number), number.dtype, kinds):
        return None
    return float(to_host(number))
