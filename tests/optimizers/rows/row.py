"""One optimizer in one setting, and the same worked by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anygrad import optimizers


@dataclass(frozen=True)
class Row:
    """An optimizer's name, keywords, and ``by_hand(p, t, g, memory)``: one step in plain NumPy.

    ``by_hand`` is written from the paper and not from the library: it returns the new parameter and
    keeps what it likes in the dict ``memory``, under the names of the slots. It gets one array that
    is the whole tree, ``shape`` of it.
    """

    name: str
    by_hand: Callable
    keywords: dict[str, Any] = field(default_factory=dict)
    finds_minimum: bool = True  # not with weight decay, which moves it, nor uphill
    extra: dict[str, Any] = field(default_factory=dict)  # for step, beside the gradients
    shape: tuple[int, ...] = (3,)  # of the array in steps by hand
    reason: str = ""  # why it does not find the minimum, or other exceptions
    whole_tree: bool = False  # every leaf's step depends on all leaves
    # float32 against float64, in units of the usual tolerance
    loss_of_digits: float = 1.0

    def make(self, **overrides):
        return optimizers.OPTIMIZERS[self.name](**{**self.keywords, **overrides})

    def __str__(self):
        settings = [k for k in self.keywords if k not in ("learning_rate", "b1", "b2")]
        return "-".join([self.name, *settings])
