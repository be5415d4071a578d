import numpy as np

from tests.optimizers.rows.row import Row


def adamax(p, t, g, memory):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["u"] = np.maximum(0.9 * memory.get("u", 0.0), np.abs(g) + 0.02)
    return p - 0.1 / (1 - 0.8**t) * memory["m"] / memory["u"]


def adamax_of_keras(p, t, g, memory):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["u"] = np.maximum(0.9 * memory.get("u", 0.0), np.abs(g))
    return p - 0.1 / (1 - 0.8**t) * memory["m"] / (memory["u"] + 0.02)


def adamax_coupled(p, t, g, memory):
    return adamax(p, t, -g + 0.3 * p, memory)


def adamax_decoupled(p, t, g, memory):
    return adamax(p, t, g, memory) - 0.1 * 0.3 * p


def adabelief(p, t, g, memory, eps=1e-16, eps_root=1e-16):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    distance = np.abs(g - memory["m"]) ** 2
    memory["s"] = 0.95 * memory.get("s", 0.0) + 0.05 * distance + eps_root
    return p - 0.1 * memory["m"] / (1 - 0.8**t) / (np.sqrt(memory["s"] / (1 - 0.95**t)) + eps)


def adabelief_of_paper(p, t, g, memory):
    return adabelief(p, t, g, memory, 0.01, 0.01)


def adabelief_nesterov(p, t, g, memory):
    adabelief(p, t, g, memory, 0.02, 0.001)
    m_hat = 0.8 * memory["m"] / (1 - 0.8 ** (t + 1)) + 0.2 * g / (1 - 0.8**t)
    return p - 0.1 * m_hat / (np.sqrt(memory["s"] / (1 - 0.95**t)) + 0.02)


def yogi(p, t, g, memory, c1=None, c2=None, eps=1e-3, initial=(0.0, 1e-6)):
    v, square = memory.get("v", initial[1]), np.abs(g) ** 2
    memory["m"] = 0.8 * memory.get("m", initial[0]) + 0.2 * g
    memory["v"] = v - 0.05 * np.sign(v - square) * square
    c1, c2 = c1 or 1 - 0.8**t, c2 or 1 - 0.95**t
    return p - 0.1 * memory["m"] / c1 / (np.sqrt(memory["v"] / c2) + eps)


def yogi_of_paper(p, t, g, memory):
    return yogi(p, t, g, memory, 1.0, 1.0, 0.02, initial=(0.0, 0.2))


def yogi_started(p, t, g, memory):
    return yogi(p, t, g, memory, c2=1.0, initial=(0.03, 0.2))


MAX = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.9, "eps": 0.02}
BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95}
DECAY = {"weight_decay": 0.3}
UPHILL = {**DECAY, "maximize": True}
PAPER = {"eps": 0.02, "bias_correction_mu": False, "bias_correction_nu": False}

ROWS = [
    Row("adamax", adamax, MAX),
    Row("adamax", adamax_of_keras, {**MAX, "eps_place": "outside"}),
    Row("adamax", adamax_coupled, {**MAX, **UPHILL}, finds_minimum=False),
    Row("adamax", adamax_decoupled, {**MAX, **DECAY, "decoupled_weight_decay": True}, False),
    Row("adabelief", adabelief, BETAS),
    Row("adabelief", adabelief_of_paper, {**BETAS, "eps": 0.01, "eps_root": 0.01}),
    Row(
        "adabelief", adabelief_nesterov, {**BETAS, "eps": 0.02, "eps_root": 0.001, "nesterov": True}
    ),
    Row("yogi", yogi, BETAS),
    Row("yogi", yogi_of_paper, {**BETAS, **PAPER, "initial_accumulator": 0.2}),
    Row(
        "yogi",
        yogi_started,
        {**BETAS, "bias_correction_nu": False, "initial_mean": 0.03, "initial_accumulator": 0.2},
    ),
]
