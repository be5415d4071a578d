"""The table behind the generic tests: each optimizer in several settings, and each worked by hand.

``by_hand(p, t, g, memory)`` is one step in plain NumPy, written from the paper and not from the
library: it returns the new parameter and keeps what it likes in the dict ``memory``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad import optimizers


@dataclass(frozen=True)
class Row:
    name: str
    by_hand: Callable
    keywords: dict[str, Any] = field(default_factory=dict)
    finds_minimum: bool = True  # not with weight decay, which moves it, nor uphill

    def make(self, **overrides):
        return optimizers.OPTIMIZERS[self.name](**{**self.keywords, **overrides})

    def __str__(self):
        settings = [k for k in self.keywords if k not in ("learning_rate", "b1", "b2")]
        return "-".join([self.name, *settings])


PEERS = ("optax", "torch")


@dataclass(frozen=True)
class Facts:
    """What the generic tests must know of one optimizer."""

    without_peer: dict[str, str] = field(default_factory=dict)  # peer: why it is not followed
    rate_missing: tuple[str | None, ...] = ("optax",)  # compat without a default learning rate
    climbs: bool = True  # has the switch maximize

    @property
    def peers(self):
        return [peer for peer in PEERS if peer not in self.without_peer]


FACTS = {
    "adagrad": Facts(),
    "adam": Facts(),
    "adamw": Facts(),
    "rmsprop": Facts(),
    "sgd": Facts(rate_missing=(None, "optax")),
}
# Public transforms that are parts of a chain and no optimizers.
PARTS = [
    *("clip_by_global_norm", "clip_by_norm", "clip_by_value"),
    *("add_weight_decay", "chain", "from_formula", "scale", "scale_by_learning_rate"),
]


def sgd(p, t, g, memory):
    return p - 0.1 * g


def sgd_momentum(p, t, g, memory):
    memory["b"] = 0.9 * memory.get("b", 0.0) + g
    return p - 0.1 * memory["b"]


def sgd_dampened(p, t, g, memory):
    # the first gradient enters the buffer whole
    memory["b"] = g if t == 1 else 0.9 * memory["b"] + (1 - 0.25) * g
    return p - 0.1 * memory["b"]


def sgd_nesterov(p, t, g, memory):
    memory["b"] = 0.9 * memory.get("b", 0.0) + g
    return p - 0.1 * (g + 0.9 * memory["b"])


def sgd_decay(p, t, g, memory):
    return p - 0.1 * (g + 0.3 * p)


def sgd_maximize(p, t, g, memory):
    return p - 0.1 * (-g + 0.3 * p)


def adagrad(p, t, g, memory):
    memory["s"] = memory.get("s", 0.0) + np.abs(g) ** 2
    return p - 0.5 * g / (np.sqrt(memory["s"]) + 1e-10)


def adagrad_inside(p, t, g, memory):
    memory["s"] = memory.get("s", 0.25) + np.abs(g) ** 2
    return p - 0.5 / (1 + (t - 1) * 0.01) * g / np.sqrt(memory["s"] + 0.01)


def rmsprop(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    return p - 0.1 * g / (np.sqrt(memory["v"]) + 1e-8)


def rmsprop_inside(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    return p - 0.1 * g / np.sqrt(memory["v"] + 0.01)


def rmsprop_centered(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    memory["a"] = 0.8 * memory.get("a", 0.0) + 0.2 * g
    return p - 0.1 * g / (np.sqrt(memory["v"] - np.abs(memory["a"]) ** 2) + 0.01)


def rmsprop_momentum(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    memory["b"] = 0.5 * memory.get("b", 0.0) + g / (np.sqrt(memory["v"]) + 1e-8)
    return p - 0.1 * memory["b"]


def rmsprop_momentum_of_steps(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    memory["b"] = 0.5 * memory.get("b", 0.0) + 0.1 * g / (np.sqrt(memory["v"]) + 1e-8)
    return p - memory["b"]


def adam(p, t, g, memory, eps=1e-8, eps_root=0.0):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    m_hat = memory["m"] / (1 - 0.8**t)
    v_hat = memory["v"] / (1 - 0.95**t)
    return p - 0.1 * m_hat / (np.sqrt(v_hat + eps_root) + eps)


def adam_rooted(p, t, g, memory):
    return adam(p, t, g, memory, eps=0.02, eps_root=0.01)


def adam_coupled(p, t, g, memory):
    return adam(p, t, -g + 0.3 * p, memory)


def adamw(p, t, g, memory):
    return adam(p, t, g, memory) - 0.1 * 0.3 * p


def adamw_maximize(p, t, g, memory):
    return adam(p, t, -g, memory) - 0.1 * 0.3 * p


RATE = {"learning_rate": 0.1}
BETAS = {**RATE, "b1": 0.8, "b2": 0.95}
MOMENTUM = {**RATE, "momentum": 0.9}
RMS = {**RATE, "decay": 0.8}
INSIDE = {"eps": 0.01, "eps_in_sqrt": True}
DECAY = {"weight_decay": 0.3}
UPHILL = {**DECAY, "maximize": True}
PARTIAL = {**RMS, "momentum": 0.5}

ROWS = [
    Row("sgd", sgd, RATE),
    Row("sgd", sgd_momentum, MOMENTUM),
    Row("sgd", sgd_dampened, {**MOMENTUM, "dampening": 0.25}),
    Row("sgd", sgd_nesterov, {**MOMENTUM, "nesterov": True}),
    Row("sgd", sgd_decay, {**RATE, **DECAY}, finds_minimum=False),
    Row("sgd", sgd_maximize, {**RATE, **UPHILL}, finds_minimum=False),
    Row("adagrad", adagrad, {"learning_rate": 0.5}),
    Row(
        "adagrad",
        adagrad_inside,
        {"learning_rate": 0.5, "lr_decay": 0.01, "initial_accumulator": 0.25, **INSIDE},
    ),
    Row("rmsprop", rmsprop, RMS),
    Row("rmsprop", rmsprop_inside, {**RMS, **INSIDE}),
    Row("rmsprop", rmsprop_centered, {**RMS, "centered": True, "eps": 0.01}),
    Row("rmsprop", rmsprop_momentum, PARTIAL),
    Row("rmsprop", rmsprop_momentum_of_steps, {**PARTIAL, "momentum_after_learning_rate": True}),
    Row("adam", adam, BETAS),
    Row("adam", adam_rooted, {**BETAS, "eps": 0.02, "eps_root": 0.01}),
    Row("adam", adam_coupled, {**BETAS, **UPHILL}, finds_minimum=False),
    Row("adamw", adamw, {**BETAS, **DECAY}, finds_minimum=False),
    Row("adamw", adamw_maximize, {**BETAS, **UPHILL}, finds_minimum=False),
]
