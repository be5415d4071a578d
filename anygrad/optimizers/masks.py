"""Some leaves only, by path pattern: freeze them, or keep a transform to them.

What a part does not see is taken out of the trees it is given: None stands in its place, which is
an empty tree, so no part needs to know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.patterns import check_matches, matches
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.trees.placing import on_device_of

__all__ = ["FreezeRule", "Selection", "freeze", "masked"]


class Selection(NamedTuple):
    """Which leaves of a structure a part sees."""

    structure: Any
    seen: tuple[bool, ...]

    def narrow(self, tree: Tree) -> Tree:
        """Put None in the place of what is not seen."""
        leaves = trees.flatten_up_to(self.structure, tree)
        pairs = zip(leaves, self.seen, strict=True)
        return trees.unflatten(self.structure, [leaf if seen else None for leaf, seen in pairs])

    def widen(self, tree: Tree, others: Tree) -> Tree:
        """Put back what was not seen, from another tree."""
        leaves = trees.flatten_up_to(self.structure, tree)
        rest = trees.flatten_up_to(self.structure, others)
        triples = zip(leaves, rest, self.seen, strict=True)
        made = [leaf if seen else other for leaf, other, seen in triples]
        return trees.unflatten(self.structure, made)


def freeze(*patterns: str) -> Transform:
    """Leave the parameters alone whose path matches one of the patterns.

    Put first in a chain, their gradients count in no norm, nothing is kept for them, and no weight
    decay reaches them: the parts that follow do not see them.

    Parameters
    ----------
    *patterns : str
        Of paths, such as ``"encoder/*"``; ``*`` stands for any text, also across ``/``.

    Returns
    -------
    Transform
        Without state.

    Raises
    ------
    ArgumentError
        At ``init``, if a pattern matches no parameter.

    Examples
    --------
    >>> optimizer = ag.optimizers.chain(ag.optimizers.freeze("encoder/*"), ag.optimizers.sgd(1.0))
    >>> params = {"encoder": {"w": np.ones(2)}, "head": np.ones(2)}
    >>> optimizer.step(params, params, optimizer.init(params))[0]
    {'encoder': {'w': array([1., 1.])}, 'head': array([0., 0.])}
    """
    return from_rule(FreezeRule(_check_patterns("freeze", patterns)), "freeze")


def masked(transform: Transform, *patterns: str) -> Transform:
    """Apply a transform only to leaves whose path matches one of the patterns.

    What matches none passes through as it is, also in a step that the transform leaves out: to the
    parts that follow, such a step has zeros in the place of what matches.

    Parameters
    ----------
    transform : Transform
        Any; it is given trees with None in the place of the other leaves.
    *patterns : str
        Of paths, as in `freeze`.

    Returns
    -------
    Transform
        State: that of ``transform``.

    Raises
    ------
    ArgumentError
        At ``init``, if a pattern matches no parameter.

    Examples
    --------
    >>> decay = ag.optimizers.masked(ag.optimizers.add_weight_decay(0.5), "*/w")
    >>> params = {"layer": {"w": np.ones(2), "b": np.ones(2)}}
    >>> grads = {"layer": {"w": np.zeros(2), "b": np.zeros(2)}}
    >>> decay.update(grads, decay.init(params), params)[0]
    {'layer': {'w': array([0.5, 0.5]), 'b': array([0., 0.])}}
    """
    rule = MaskedRule(transform, _check_patterns("masked", patterns))
    return from_rule(rule, transform.name)


class FreezeRule:
    """Gives zero updates to some leaves; a chain hides them from the parts that follow.

    Attributes
    ----------
    patterns : tuple of str
        Of the paths of frozen leaves.
    """

    def __init__(self, patterns: tuple[str, ...]):
        self.patterns = patterns
        self._selections: dict[Any, Selection] = {}

    def __repr__(self) -> str:
        return f"freeze({', '.join(map(repr, self.patterns))})"

    def init(self, params: Tree) -> State:
        """Check that every pattern matches."""
        check_matches("freeze(patterns)", self.patterns, trees.paths(params))
        return {}

    def select(self, params: Tree) -> Selection:
        """Tell which leaves are not frozen."""
        return _select(self._selections, params, lambda path: not matches(path, *self.patterns))

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Put zeros in the place of frozen updates."""
        selection = self.select(params)
        still = trees.map(keep_still, selection_of_others(selection).narrow(params))
        return flow._replace(updates=selection.widen(flow.updates, still)), state


class MaskedRule:
    """Keeps a transform to the leaves that match.

    Attributes
    ----------
    inner : Transform
        What is applied.
    patterns : tuple of str
        Of the paths it is applied to.
    """

    def __init__(self, inner: Transform, patterns: tuple[str, ...]):
        self.inner = inner
        self.patterns = patterns
        self._selections: dict[Any, Selection] = {}

    def __repr__(self) -> str:
        return f"masked({self.inner!r}, {', '.join(map(repr, self.patterns))})"

    def init(self, params: Tree) -> State:
        """Make the state of the transform for the leaves that match."""
        check_matches("masked(patterns)", self.patterns, trees.paths(params))
        return self.inner.init(self._select(params).narrow(params))

    def _select(self, params: Tree) -> Selection:
        return _select(self._selections, params, lambda path: matches(path, *self.patterns))

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Apply the transform to what it sees."""
        selection = self._select(params)
        inner = flow._replace(updates=selection.narrow(flow.updates))
        seen, state = advance(self.inner, inner, state, selection.narrow(params), donate, extra)
        updates = selection.widen(seen.settle(), flow.settle())
        return Flow(updates, None, flow.accept), state


def keep_still(p: Array) -> Array:
    """Make the update that leaves a parameter as it is to the bit: minus zero."""
    xp = namespace_of(p)
    with on_device_of(p):
        still = xp.zeros_like(p)
        return -still if has_kind(xp, p.dtype, ("real floating", "complex floating")) else still


def selection_of_others(selection: Selection) -> Selection:
    """Select what another selection does not see."""
    return selection._replace(seen=tuple(not seen for seen in selection.seen))


def _select(known: dict[Any, Selection], params: Tree, wanted: Callable[[str], bool]) -> Selection:
    """Find the selection of a structure, remembered, since paths take time to list."""
    structure = trees.flatten(params)[1]
    found = known.get(structure)
    if found is None:
        seen = tuple(wanted(path) for path in trees.paths(params))
        found = known[structure] = Selection(structure, seen)
    return found


def _check_patterns(where: str, patterns: tuple[Any, ...]) -> tuple[str, ...]:
    wrong = [pattern for pattern in patterns if not isinstance(pattern, str)]
    if patterns and not wrong:
        return patterns
    got = describe(wrong[0]) if wrong else "nothing"
    message = f'{where}(patterns): got {got}; expected patterns of paths, such as "encoder/*".'
    raise ArgumentError(message)
