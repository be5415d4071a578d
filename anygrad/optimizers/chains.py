"""Chains: transforms that run one after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad import trees
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.masks import FreezeRule
from anygrad.optimizers.transform import Transform, advance, from_rule

__all__ = ["Links", "chain"]


def chain(*parts: Transform) -> Transform:
    """Run transforms one after another, each on what the one before it returned.

    A chain within a chain is the same as its parts in a row, so ``chain`` is associative, down to
    the state: ``{part name: part state}``. A name that comes again gets a number (``scale``,
    ``scale_2``), and parts without state have no entry. Since parts are found by name and not by
    position, a saved state of a chain still fits after a clip was put in front. A single transform
    keeps its state without a name: in a chain, the state of ``adam`` alone is ``{"adam": state}``.

    Parameters
    ----------
    *parts : Transform
        In the order in which gradients pass through them.

    Returns
    -------
    Transform
        The chain; one part alone is returned as it is.

    Raises
    ------
    ArgumentError
        If a part is no transform.

    Examples
    --------
    >>> optimizer = ag.optimizers.chain(
    ...     ag.optimizers.clip_by_global_norm(1.0), ag.optimizers.adam(1e-3)
    ... )
    >>> sorted(optimizer.init(np.zeros(3)))
    ['adam', 'clip_by_global_norm']
    """
    for number, part in enumerate(parts):
        if not isinstance(part, Transform):
            message = (
                f"chain(parts): got {describe(part)} at position {number}; expected a Transform. "
                "Call the factory: chain(clip_by_global_norm(1.0), adam(1e-3))."
            )
            raise ArgumentError(message)
    links = tuple(link for part in parts for link in (part.parts or (part,)) if part is not EMPTY)
    if len(links) < 2:
        return links[0] if links else EMPTY
    seeing = [part for part in links if not isinstance(part.rule, FreezeRule)]
    per_example = bool(seeing) and seeing[0].per_example
    return from_rule(Links(links), "chain", links, per_example=per_example)


class Links:
    """The rule of a chain: each part takes the flow one part further."""

    def __init__(self, parts: tuple[Transform, ...]):
        self.parts = dict(zip(_distinct([part.name for part in parts]), parts, strict=True))

    def __repr__(self) -> str:
        return f"chain({', '.join(self.parts)})"

    def init(self, params: Tree) -> State:
        """Make the state of each part that has one."""
        states = {}
        for name, part in self.parts.items():
            states[name] = part.init(params)
            if isinstance(part.rule, FreezeRule):
                params = part.rule.select(params).narrow(params)
        return {name: state for name, state in states.items() if _has_content(state)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Take the flow through all parts; what is frozen goes past those that follow."""
        self._check(state)
        states, frozen = {}, []
        for name, part in self.parts.items():
            flow, states[name] = advance(part, flow, state.get(name, {}), params, donate, extra)
            if isinstance(part.rule, FreezeRule):
                selection = part.rule.select(params)
                frozen.append((selection, flow.updates))
                flow = flow._replace(updates=selection.narrow(flow.updates))
                params = selection.narrow(params)
        if frozen:
            flow = Flow(flow.settle(), None, flow.accept)
        for selection, updates in reversed(frozen):
            flow = flow._replace(updates=selection.widen(flow.updates, updates))
        return flow, {name: s for name, s in states.items() if _has_content(s)}

    def _check(self, state: State) -> None:
        got, advice = describe(state), ""
        if isinstance(state, Mapping):
            if all(name in self.parts for name in state):
                return
            got = f"a state of {', '.join(map(str, state))}"
            last = list(self.parts)[-1]
            advice = f" That of one part alone goes under its name, {{{last!r}: state}}."
        message = (
            f"chain(state): got {got}; expected one of {', '.join(self.parts)}. "
            f"Pass the state that init or the last step returned.{advice}"
        )
        raise ArgumentError(message)


def _distinct(names: list[str]) -> list[str]:
    """Put a number behind each name that came before."""
    distinct: list[str] = []
    for name in names:
        free, number = name, 1
        while free in distinct or (number > 1 and free in names):
            number += 1
            free = f"{name}_{number}"
        distinct.append(free)
    return distinct


def _has_content(state: Any) -> bool:
    return bool(trees.leaves(state))


def _do_nothing(grads: Tree, state: State, params: Tree, **extra: Any) -> tuple[Tree, State]:
    return grads, state


EMPTY = Transform(lambda params: {}, _do_nothing, "nothing")
