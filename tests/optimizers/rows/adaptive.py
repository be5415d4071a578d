import numpy as np

from tests.optimizers.rows.row import Row


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


def rmsprop_corrected(p, t, g, memory):
    memory["v"] = 0.8 * memory.get("v", 0.5) + 0.2 * np.abs(g) ** 2
    memory["a"] = 0.8 * memory.get("a", 0.0) + 0.2 * g
    c = 1 - 0.8**t
    return p - 0.1 * g / (np.sqrt(memory["v"] / c - np.abs(memory["a"] / c) ** 2) + 0.01)


def rmsprop_nesterov(p, t, g, memory):
    rmsprop_momentum(p, t, g, memory)
    u = g / (np.sqrt(memory["v"]) + 1e-8)
    return p - 0.1 * (u + 0.5 * memory["b"])


def rmsprop_nesterov_of_steps(p, t, g, memory):
    rmsprop_momentum_of_steps(p, t, g, memory)
    u = 0.1 * g / (np.sqrt(memory["v"]) + 1e-8)
    return p - (u + 0.5 * memory["b"])


RMS = {"learning_rate": 0.1, "decay": 0.8}
INSIDE = {"eps": 0.01, "eps_in_sqrt": True}
PARTIAL = {**RMS, "momentum": 0.5}
# the variance is a difference, and the root of a small one loses half of the digits
LOST = 100.0

ROWS = [
    Row("adagrad", adagrad, {"learning_rate": 0.5}),
    Row(
        "adagrad",
        adagrad_inside,
        {"learning_rate": 0.5, "lr_decay": 0.01, "initial_accumulator": 0.25, **INSIDE},
    ),
    Row("rmsprop", rmsprop, RMS),
    Row("rmsprop", rmsprop_inside, {**RMS, **INSIDE}),
    Row(
        "rmsprop",
        rmsprop_centered,
        {**RMS, "centered": True, "eps": 0.01},
        loss_of_digits=LOST,
    ),
    Row(
        "rmsprop",
        rmsprop_corrected,
        {
            **{**RMS, "bias_correction": True, "initial_accumulator": 0.5},
            **{"centered": True, "eps": 0.01},
        },
        loss_of_digits=LOST,
    ),
    Row("rmsprop", rmsprop_momentum, PARTIAL),
    Row("rmsprop", rmsprop_nesterov, {**PARTIAL, "nesterov": True}),
    Row(
        "rmsprop",
        rmsprop_nesterov_of_steps,
        {**PARTIAL, "nesterov": True, "learning_rate_in_buffer": True},
    ),
    Row("rmsprop", rmsprop_momentum_of_steps, {**PARTIAL, "learning_rate_in_buffer": True}),
]
