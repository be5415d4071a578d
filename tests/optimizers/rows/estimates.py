import numpy as np

from tests.optimizers.rows.row import Row


def prodigy(
    p,
    t,
    g,
    memory,
    rate=1.0,
    b3=0.95**0.5,
    coefficient=1.0,
    decay=0.0,
    without_rate=False,
    corrected=False,
):
    # Mishchenko and Defazio, algorithm 4; the sums r and s in units of the first d
    d0, b1, b2, eps = 0.05, 0.8, 0.95, 1e-3
    p0 = memory.setdefault("p0", p)
    memory["d"] = d = memory.get("d_next", d0)
    rate = rate * (np.sqrt(1 - b2**t) / (1 - b1**t) if corrected else 1.0)
    memory["m"] = b1 * memory.get("m", 0.0) + (1 - b1) * d * g
    memory["v"] = b2 * memory.get("v", 0.0) + (1 - b2) * d**2 * np.abs(g) ** 2
    scalar = np.sum(np.real(np.conj(g) * (p0 - p)))
    memory["r"] = b3 * memory.get("r", 0.0) + d * d * rate * scalar / d0
    weight = d * d / d0 if without_rate else d * d * rate / d0
    memory["s"] = b3 * memory.get("s", 0.0) + weight * g
    memory["d_next"] = max(d, coefficient * memory["r"] / np.sum(np.abs(memory["s"])))
    u = memory["m"] / (np.sqrt(memory["v"]) + memory["d_next"] * eps)
    return p - rate * d * u - rate * d * decay * p


def prodigy_uphill(p, t, g, memory):
    return prodigy(p, t, -g, memory, 0.5, b3=0.7, coefficient=0.5, decay=0.3)


def prodigy_safe(p, t, g, memory):
    return prodigy(p, t, g, memory, 0.5, without_rate=True, corrected=True)


SETTING = {"learning_rate": 1.0, "b1": 0.8, "b2": 0.95, "eps": 1e-3, "estim_lr0": 0.05}
HALF = {**SETTING, "learning_rate": 0.5}
WHOLE = {"whole_tree": True, "rounds": 5}  # d grows in the last of them

ROWS = [
    Row("prodigy", prodigy, SETTING, **WHOLE),
    Row(
        "prodigy",
        prodigy_uphill,
        {**HALF, "b3": 0.7, "estim_lr_coef": 0.5, "weight_decay": 0.3, "maximize": True},
        finds_minimum=False,
        **WHOLE,
    ),
    Row(
        "prodigy",
        prodigy_safe,
        {**HALF, "safeguard_warmup": True, "bias_correction": True},
        **WHOLE,
    ),
]
