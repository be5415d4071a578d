import numpy as np

from tests.optimizers.rows.row import Row


def sign(x):
    """Of complex numbers too: the number of length 1 in the same direction."""
    return x / np.where(x == 0, 1.0, np.abs(x))


def sign_sgd(p, t, g, memory):
    return p - 0.1 * sign(g)


def sign_sgd_decoupled(p, t, g, memory):
    return p - 0.1 * sign(g) - 0.1 * 0.3 * p


def signum(p, t, g, memory):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    return p - 0.1 * sign(memory["m"])


def signum_coupled(p, t, g, memory):
    return signum(p, t, -g + 0.3 * p, memory)


def lion(p, t, g, memory):
    c = 0.7 * memory.get("m", 0.0) + 0.3 * g
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
    return p - 0.1 * sign(c)


def lion_decayed(p, t, g, memory):
    return lion(p, t, -g, memory) - 0.1 * 0.3 * p


RATE = {"learning_rate": 0.1}
BETAS = {**RATE, "b1": 0.7, "b2": 0.9}
MOMENTUM = {**RATE, "momentum": 0.8}
DECAY = {"weight_decay": 0.3}
UPHILL = {**DECAY, "maximize": True}

ROWS = [
    Row("sign_sgd", sign_sgd, RATE),
    Row("sign_sgd", sign_sgd_decoupled, {**RATE, **DECAY, "decoupled_weight_decay": True}, False),
    Row("signum", signum, MOMENTUM),
    Row("signum", signum_coupled, {**MOMENTUM, **UPHILL}, finds_minimum=False),
    Row("lion", lion, BETAS),
    Row("lion", lion_decayed, {**BETAS, **UPHILL}, finds_minimum=False),
]
