import numpy as np

from tests.optimizers.rows.row import Row


def adadelta(p, t, g, memory):
    # Zeiler, algorithm 1; RMS[x] = sqrt(E[x^2] + eps)
    memory["v"] = 0.8 * memory.get("v", 0.0) + 0.2 * np.abs(g) ** 2
    u = memory.get("u", 0.0)
    dx = -np.sqrt(u + 1e-3) / np.sqrt(memory["v"] + 1e-3) * g
    memory["u"] = 0.8 * u + 0.2 * np.abs(dx) ** 2
    return p + 0.5 * dx


def adadelta_decayed(p, t, g, memory):
    return adadelta(p, t, -g + 0.3 * p, memory)


SETTING = {"learning_rate": 0.5, "decay": 0.8, "eps": 1e-3}

ROWS = [
    Row("adadelta", adadelta, SETTING),
    Row("adadelta", adadelta_decayed, {**SETTING, "weight_decay": 0.3, "maximize": True}, False),
]
