import numpy as np

from tests.optimizers.rows.row import Row


def polyak(p, t, g, memory, rate=1.0, largest=0.4, k=1.0, f_min=0.0, eps=0.0, value=0.5):
    size = np.sum(np.abs(k * g) ** 2)
    memory["eta"] = min((value - f_min) / (size + eps), largest)
    return p - rate * memory["eta"] * k * g


def polyak_limited(p, t, g, memory):
    return polyak(p, t, g, memory, 0.5, largest=0.6, k=0.5, f_min=0.25, eps=0.1)


def polyak_below(p, t, g, memory):
    return polyak(p, t, g, memory, f_min=0.5)  # no gap


RATE = {"learning_rate": 1.0}
LIMITED = {"learning_rate": 0.5, "max_learning_rate": 0.6, "scaling": 0.5}
WHY = "the value that the row passes stays the same"
COMMON = {"finds_minimum": False, "reason": WHY, "extra": {"value": 0.5}, "whole_tree": True}

ROWS = [
    Row("polyak_sgd", polyak, {**RATE, "max_learning_rate": 0.4}, **COMMON),
    Row("polyak_sgd", polyak_limited, {**LIMITED, "f_min": 0.25, "eps": 0.1}, **COMMON),
    Row("polyak_sgd", polyak_below, {**RATE, "f_min": 0.75, "variant": "sps+"}, **COMMON),
]
