import numpy as np

from tests.optimizers.rows.row import Row


def schedule_free(y, base, rate, weight_rate, memory, b1=0.9, power=2.0):
    """Equations 2 to 4 of the paper, with x kept beside z."""
    x, z = memory.get("_x", y), memory.get("z", y)
    memory["max_learning_rate"] = max(memory.get("max_learning_rate", 0.0), weight_rate)
    weight = memory["max_learning_rate"] ** power
    memory["weight_sum"] = memory.get("weight_sum", 0.0) + weight
    c = weight / memory["weight_sum"]
    z = z - rate * base
    x = (1 - c) * x + c * z
    memory |= {"_x": x, "z": z, "b1": b1}
    return (1 - b1) * z + b1 * x


def sgd(y, t, g, memory):
    return schedule_free(y, g, 0.1, 0.1, memory)


def sgd_warm(y, t, g, memory):
    rate = 0.1 * min(1, t / 3)
    return schedule_free(y, g + 0.3 * y, rate, rate, memory, b1=0.6, power=1.0)


def sgd_warm_from_zero(y, t, g, memory):
    rate, weight_rate = 0.1 * min(1, (t - 1) / 3), 0.1 * min(1, t / 3)
    return schedule_free(y, -g, rate, weight_rate, memory)


def adamw(y, t, g, memory):
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    base = g / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 0.02)
    return schedule_free(y, base, 0.1, 0.1, memory, b1=0.8)


def adamw_warm(y, t, g, memory):
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    base = g / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 0.02) + 0.3 * y
    rate = 0.1 * min(1, t / 3)
    return schedule_free(y, base, rate, rate, memory, b1=0.8)


RATE = {"learning_rate": 0.1}
ADAMW = {**RATE, "b1": 0.8, "b2": 0.95, "eps": 0.02}
WARM = {"warmup_steps": 3}

ROWS = [
    Row("schedule_free_sgd", sgd, RATE),
    Row(
        "schedule_free_sgd",
        sgd_warm,
        {**RATE, **WARM, "b1": 0.6, "weight_decay": 0.3, "weight_lr_power": 1.0},
        finds_minimum=False,
    ),
    Row(
        "schedule_free_sgd",
        sgd_warm_from_zero,
        {**RATE, **WARM, "warmup_from_zero": True, "maximize": True},
        finds_minimum=False,
    ),
    Row("schedule_free_adamw", adamw, ADAMW),
    Row(
        "schedule_free_adamw",
        adamw_warm,
        {**ADAMW, **WARM, "weight_decay": 0.3},
        finds_minimum=False,
    ),
]
