import numpy as np

from tests.optimizers.rows.row import Row


def adam(p, t, g, memory, eps=1e-8, eps_root=0.0):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    m_hat = memory["m"] / (1 - 0.8**t)
    v_hat = memory["v"] / (1 - 0.95**t)
    return p - 0.1 * m_hat / (np.sqrt(v_hat + eps_root) + eps)


def adam_rooted(p, t, g, memory):
    return adam(p, t, g, memory, eps=0.02, eps_root=0.01)


def adam_coupled(p, t, g, memory):
    return adam(p, t, -g + 0.3 * p, memory)


def adamw(p, t, g, memory):
    return adam(p, t, g, memory) - 0.1 * 0.3 * p


def adamw_maximize(p, t, g, memory):
    return adam(p, t, -g, memory) - 0.1 * 0.3 * p


def adam_hat(p, t, g, memory):
    # the form before section 2.1 of the paper: epsilon hat beside the uncorrected root
    adam(p, t, g, memory)
    rate = 0.1 * np.sqrt(1 - 0.95**t) / (1 - 0.8**t)
    return p - rate * memory["m"] / (np.sqrt(memory["v"]) + 0.02)


def adam_inside(p, t, g, memory):
    return adam(p, t, g, memory, eps=0.0, eps_root=0.02)


def adam_uncorrected(p, t, g, memory):
    adam(p, t, g, memory)
    return p - 0.1 * memory["m"] / (np.sqrt(memory["v"]) + 0.02)


def adam_first_corrected(p, t, g, memory):
    adam(p, t, g, memory)
    return p - 0.1 * memory["m"] / (1 - 0.8**t) / (np.sqrt(memory["v"]) + 0.02)


def adam_second_corrected(p, t, g, memory):
    adam(p, t, g, memory)
    return p - 0.1 * memory["m"] / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 0.02)


def adam_nesterov_uncorrected(p, t, g, memory):
    adam(p, t, g, memory)
    return p - 0.1 * (0.8 * memory["m"] + 0.2 * g) / (np.sqrt(memory["v"]) + 0.02)


def adam_nesterov(p, t, g, memory):
    adam(p, t, g, memory)
    m_hat = 0.8 * memory["m"] / (1 - 0.8 ** (t + 1)) + 0.2 * g / (1 - 0.8**t)
    return p - 0.1 * m_hat / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 0.02)


def adamw_fixed(p, t, g, memory):
    return adam(p, t, g, memory) - 0.3 * p


def amsgrad(p, t, g, memory):
    adam(p, t, g, memory)
    memory["v_max"] = np.maximum(memory.get("v_max", 0.0), memory["v"])
    return p - 0.1 * memory["m"] / (1 - 0.8**t) / (np.sqrt(memory["v_max"] / (1 - 0.95**t)) + 1e-8)


def amsgrad_corrected(p, t, g, memory):
    adam(p, t, g, memory)
    memory["v_max"] = np.maximum(memory.get("v_max", 0.0), memory["v"] / (1 - 0.95**t))
    return p - 0.1 * memory["m"] / (1 - 0.8**t) / (np.sqrt(memory["v_max"]) + 1e-8)


def amsgrad_of_paper(p, t, g, memory):
    amsgrad(p, t, g, memory)
    return p - 0.1 * memory["m"] / (np.sqrt(memory["v_max"]) + 0.02)


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95}
LARGE = {**BETAS, "eps": 0.02}
UNCORRECTED = {"bias_correction_mu": False, "bias_correction_nu": False}
DECAY = {"weight_decay": 0.3}
UPHILL = {**DECAY, "maximize": True}

ROWS = [
    Row("adam", adam, BETAS),
    Row("adam", adam_rooted, {**LARGE, "eps_root": 0.01}),
    Row("adam", adam_hat, {**LARGE, "eps_place": "hat"}),
    Row("adam", adam_inside, {**LARGE, "eps_place": "inside"}),
    Row("adam", adam_uncorrected, {**LARGE, **UNCORRECTED}),
    Row("adam", adam_first_corrected, {**LARGE, "bias_correction_nu": False}),
    Row("adam", adam_second_corrected, {**LARGE, "bias_correction_mu": False}),
    Row("adam", adam_nesterov_uncorrected, {**LARGE, **UNCORRECTED, "nesterov": True}),
    Row("adam", adam_nesterov, {**LARGE, "nesterov": True}),
    Row("adam", amsgrad, {**BETAS, "amsgrad": True}),
    Row("adam", adam_coupled, {**BETAS, **UPHILL}, finds_minimum=False),
    Row("adamw", adamw, {**BETAS, **DECAY}, finds_minimum=False),
    Row("adamw", adamw_fixed, {**BETAS, **DECAY, "fixed_decay": True}, finds_minimum=False),
    Row("adamw", adamw_maximize, {**BETAS, **UPHILL}, finds_minimum=False),
    Row("amsgrad", amsgrad, BETAS),
    Row("amsgrad", amsgrad_corrected, {**BETAS, "amsgrad_of": "corrected"}),
    Row("amsgrad", amsgrad_of_paper, {**LARGE, **UNCORRECTED}),
]
