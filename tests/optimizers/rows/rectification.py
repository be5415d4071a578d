import numpy as np

from tests.optimizers.rows.row import Row


def radam(p, t, g, memory, threshold=5.0, eps=0.02, hat=False, eps_root=0.0, nesterov=False):
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    m_hat = memory["m"] / (1 - 0.8**t)
    if nesterov:
        m_hat = 0.8 * memory["m"] / (1 - 0.8 ** (t + 1)) + 0.2 * g / (1 - 0.8**t)
    rho_inf = 2 / (1 - 0.95) - 1
    rho = rho_inf - 2 * t * 0.95**t / (1 - 0.95**t)
    if rho <= threshold:
        return p - 0.1 * m_hat
    r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    if hat:
        length = np.sqrt(1 - 0.95**t) / (np.sqrt(memory["v"]) + eps)
    else:
        length = 1 / (np.sqrt(memory["v"] / (1 - 0.95**t) + eps_root) + eps)
    return p - 0.1 * r * m_hat * length


def radam_hat(p, t, g, memory):
    return radam(p, t, g, memory, hat=True)


def radam_of_paper(p, t, g, memory):
    return radam(p, t, g, memory, threshold=4.0, eps=1e-8)


def radam_nesterov(p, t, g, memory):
    return radam(p, t, g, memory, eps_root=0.01, nesterov=True)


def radam_decoupled(p, t, g, memory):
    return radam(p, t, g, memory) - 0.1 * 0.3 * p


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95, "eps": 0.02}
DECAY = {"weight_decay": 0.3, "decoupled_weight_decay": True}
# rho passes the threshold at the fifth or sixth step
ROUNDS = {"rounds": 3}

ROWS = [
    Row("radam", radam, BETAS, **ROUNDS),
    Row("radam", radam_hat, {**BETAS, "eps_place": "hat"}, **ROUNDS),
    Row("radam", radam_of_paper, {**BETAS, "threshold": 4.0, "eps": 1e-8}, **ROUNDS),
    Row("radam", radam_nesterov, {**BETAS, "eps_root": 0.01, "nesterov": True}, **ROUNDS),
    Row("radam", radam_decoupled, {**BETAS, **DECAY}, finds_minimum=False, **ROUNDS),
]
