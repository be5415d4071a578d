import numpy as np

from tests.optimizers.rows.row import Row


def size(x):
    return np.sqrt((np.abs(x) ** 2).sum())


def adam_direction(t, g, memory, eps=1e-6, corrected=True, eps_root=0.0):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    c1, c2 = (1 - 0.8**t, 1 - 0.95**t) if corrected else (1.0, 1.0)
    return memory["m"] / c1 / (np.sqrt(memory["v"] / c2 + eps_root) + eps)


def lamb(p, t, g, memory):
    r = adam_direction(t, g, memory)
    return p - 0.1 * size(p) / size(r) * r


def lamb_decay(p, t, g, memory):
    # maximize turns the gradient and not the decay
    r = adam_direction(t, -g, memory, eps=0.02, eps_root=0.01) + 0.3 * p
    return p - 0.1 * size(p) / size(r) * r


def lamb_uncorrected(p, t, g, memory):
    r = adam_direction(t, g, memory, eps=0.02, corrected=False)
    return p - 0.1 * size(p) / size(r) * r


def lamb_plain(p, t, g, memory):
    return p - 0.1 * (adam_direction(t, g, memory) + 0.3 * p)


def lars(p, t, g, memory):
    # local learning rate of equation 6, momentum of algorithm 1
    rate = 0.5 * 0.2 * size(p) / (size(g) + 0.3 * size(p) + 0.01)
    memory["b"] = 0.8 * memory.get("b", 0.0) + rate * (g + 0.3 * p)
    return p - memory["b"]


def lars_joint(p, t, g, memory):
    u = -g + 0.3 * p
    u = 0.5 * 0.2 * size(p) / size(u) * u
    memory["b"] = 0.8 * memory.get("b", 0.0) + u
    return p - (u + 0.8 * memory["b"])


def lars_outside(p, t, g, memory):
    u = 0.2 * size(p) / size(g) * g
    memory["b"] = 0.8 * memory.get("b", 0.0) + u
    return p - 0.1 * memory["b"]


def lars_without_momentum(p, t, g, memory):
    return p - 0.5 * 0.2 * size(p) / size(g) * g


def lars_plain(p, t, g, memory):
    memory["b"] = 0.8 * memory.get("b", 0.0) + 0.05 * (g + 0.3 * p)
    return p - memory["b"]


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95, "weight_decay": 0.0}
DECAY = {**BETAS, "weight_decay": 0.3}
LARS = {"learning_rate": 0.5, "momentum": 0.8, "trust_coefficient": 0.2}
HELD = {"finds_minimum": False}

ROWS = [
    Row("lamb", lamb, BETAS),
    Row("lamb", lamb_decay, {**DECAY, "eps": 0.02, "eps_root": 0.01, "maximize": True}, **HELD),
    Row("lamb", lamb_uncorrected, {**BETAS, "eps": 0.02, "bias_correction": False}),
    Row("lamb", lamb_plain, {**DECAY, "layerwise": False}, **HELD),
    Row("lars", lars, {**LARS, "weight_decay": 0.3, "eps": 0.01}, **HELD),
    Row(
        "lars",
        lars_joint,
        {**LARS, "weight_decay": 0.3, "joint_norm": True, "nesterov": True, "maximize": True},
        **HELD,
    ),
    Row("lars", lars_outside, {**LARS, "learning_rate": 0.1, "learning_rate_in_buffer": False}),
    Row("lars", lars_without_momentum, {**LARS, "momentum": 0.0}, **HELD),
    Row(
        "lars",
        lars_plain,
        {**LARS, "learning_rate": 0.05, "weight_decay": 0.3, "layerwise": False},
        **HELD,
    ),
]
