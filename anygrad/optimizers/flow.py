"""What runs through a chain of transforms, and what the parts of this package do with it.

A `Flow` carries one pending scale, which the next formula applies while it reads the gradients, so
that clipping costs no pass of its own; a generated kernel can take that scale as two scalar
arguments. It also carries whether the step counts at all: where it does not, slots and parameters
stay as they were. Both live on the device and are never read by the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.clipping.measuring import Scale, scale_leaf
from anygrad.optimizers.rules.leaves import at_least_single, no_change
from anygrad.trees.placing import move, on_device_of

__all__ = ["Flow", "Rule", "State"]

State: TypeAlias = dict[str, Any]
"""Plain dict: a tree of arrays under the name of each slot; ``step`` is a host integer, 0-d."""


class Flow(NamedTuple):
    """What runs through a chain."""

    updates: Tree
    scale: Scale | None = None
    accept: Array | None = None

    def settle(self) -> Tree:
        """Apply the pending scale; zeros where the step does not count."""
        if self.scale is None and self.accept is None:
            return self.updates
        return trees.map(self.settle_leaf, self.updates)

    def settle_leaf(self, g: Array) -> Array:
        """Apply the pending scale to one leaf; zeros where the step does not count.

        A scaled leaf in half precision becomes float32, for its small elements would be lost.
        """
        if self.accept is not None:
            # first, so that nothing is ever computed from a non-finite gradient
            xp = namespace_of(g)
            with on_device_of(g):
                g = self.select(xp, g, no_change(xp, g))
        if self.scale is None:
            return g
        return scale_leaf(at_least_single(g), self.scale)

    def select(self, xp: Namespace, new: Array, old: Array) -> Array:
        """Take ``new`` where the step counts, else ``old``."""
        if self.accept is None:
            return new
        return xp.where(move(self.accept, new), new, old)


class Rule(Protocol):
    """A part of a chain that knows of the flow: a formula, or a clip by a joint norm."""

    def init(self, params: Tree) -> State:
        """Make the state."""
        ...

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Take the flow one part further; may write into the state's arrays if ``donate``."""
        ...
