import numpy as np

from tests.optimizers.rows.row import Row


def size(x):
    return np.sqrt(np.sum(np.abs(x) ** 2))


def dog(p, t, g, memory, kind="heuristic", value=1e-2, eps=1e-8, rate=1.0):
    # sums of squares as in the paper; the state has their roots
    p0 = memory.setdefault("p0", p)
    first = {"heuristic": value * (1 + size(p0)), "distance": value, "learning_rate": 0.0}
    memory["r"] = max(memory.get("r", first[kind]), size(p - p0))
    total = memory.get("n", 0.0) ** 2 + size(g) ** 2
    memory["n"] = np.sqrt(total)
    memory["eta"] = memory["r"] / np.sqrt(total + eps)
    if kind == "learning_rate" and t == 1:
        memory["eta"] = value
    return p - rate * memory["eta"] * g


def dog_distance(p, t, g, memory):
    return dog(p, t, -g + 0.3 * p, memory, "distance", 0.1, 0.01, 0.5)


def dog_first_rate(p, t, g, memory):
    return dog(p, t, g, memory, "learning_rate", 0.1)


def dowg(p, t, g, memory, r2=1e-4, eps=1e-4, rate=1.0):
    p0 = memory.setdefault("p0", p)
    r2 = max(memory.get("r", np.sqrt(r2)) ** 2, size(p - p0) ** 2)
    v = memory.get("n", 0.0) ** 2 + r2 * size(g) ** 2
    memory |= {"r": np.sqrt(r2), "n": np.sqrt(v), "eta": r2 / (np.sqrt(v) + eps)}
    return p - rate * memory["eta"] * g


def dowg_decayed(p, t, g, memory):
    return dowg(p, t, g + 0.3 * p, memory, 0.01, 0.02, 0.25)


RATE = {"learning_rate": 1.0}
HALF = {"learning_rate": 0.5, "weight_decay": 0.3}
WHOLE = {"whole_tree": True, "rounds": 2}

ROWS = [
    Row("dog", dog, {**RATE, "init_step": ("heuristic", 1e-2)}, **WHOLE),
    Row(
        "dog",
        dog_distance,
        {**HALF, "init_step": ("distance", 0.1), "eps": 0.01, "maximize": True},
        finds_minimum=False,
        **WHOLE,
    ),
    Row("dog", dog_first_rate, {**RATE, "init_step": ("learning_rate", 0.1)}, **WHOLE),
    Row("dowg", dowg, RATE, **WHOLE),
    Row(
        "dowg",
        dowg_decayed,
        {**HALF, "learning_rate": 0.25, "init_estim_sq_dist": 0.01, "eps": 0.02},
        finds_minimum=False,
        **WHOLE,
    ),
]
