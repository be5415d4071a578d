import numpy as np

from tests.optimizers.rows.row import Row


def novograd(p, t, g, memory, eps=1e-8, eps_root=0.0, decay=0.0):
    # algorithm 1: the first step has the norm itself
    square = (np.abs(g) ** 2).sum()
    v = square if t == 1 else 0.9 * memory["n"] ** 2 + 0.1 * square
    memory["n"] = np.sqrt(v)
    step = g / (np.sqrt(v + eps_root) + eps) + decay * p
    memory["m"] = step if t == 1 else 0.8 * memory["m"] + step
    return p - 0.1 * memory["m"]


def novograd_decay(p, t, g, memory):
    return novograd(p, t, -g, memory, eps=0.02, eps_root=0.01, decay=0.3)


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.9}

ROWS = [
    Row("novograd", novograd, BETAS, own_shapes=True),
    Row(
        "novograd",
        novograd_decay,
        {**BETAS, "eps": 0.02, "eps_root": 0.01, "weight_decay": 0.3, "maximize": True},
        finds_minimum=False,
        own_shapes=True,
    ),
]
