"""One optimizer in one setting, and the same worked by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anygrad import optimizers
from anygrad.optimizers.transform import from_rule


class Bound:
    """A rule that gets the same extra arguments in every step."""

    def __init__(self, rule, extra):
        self.rule, self.extra = rule, extra
        self.init = rule.init

    def __repr__(self):
        return repr(self.rule)

    def advance(self, flow, state, params, donate, extra):
        return self.rule.advance(flow, state, params, donate, {**self.extra, **extra})


def bind(transform, extra):
    """Make the transform that is stepped without ``extra``."""
    return from_rule(Bound(transform.rule, extra), transform.name)


@dataclass(frozen=True)
class Row:
    """An optimizer's name, keywords, and ``by_hand(p, t, g, memory)``: one step in plain NumPy.

    ``by_hand`` is written from the paper and not from the library: it returns the new parameter and
    keeps what it likes in the dict ``memory``, under the names of the slots, or under names with an
    underscore first for what is no slot of ours. It gets one array that
    is the whole tree, ``shape`` of it.
    """

    name: str
    by_hand: Callable
    keywords: dict[str, Any] = field(default_factory=dict)
    finds_minimum: bool = True  # not with weight decay, which moves it, nor uphill
    extra: dict[str, Any] = field(default_factory=dict)  # for step, beside the gradients
    shape: tuple[int, ...] = (3,)  # of the array in steps by hand
    rounds: int = 1  # how often the four gradients of steps by hand are gone through
    reason: str = ""  # why it does not find the minimum, or other exceptions
    whole_tree: bool = False  # every leaf's step depends on all leaves
    own_shapes: bool = False  # slots have shapes of their own, or are there for some leaves only
    # float32 against float64, in units of the usual tolerance
    loss_of_digits: float = 1.0

    def make(self, **overrides):
        made = optimizers.OPTIMIZERS[self.name](**{**self.keywords, **overrides})
        return bind(made, self.extra) if self.extra else made

    def __str__(self):
        settings = [k for k in self.keywords if k not in ("learning_rate", "b1", "b2")]
        return "-".join([self.name, *settings])
