import numpy as np

from tests.optimizers.rows.row import Row


def nadam(p, t, g, memory, psi=0.5, eps=0.02, eps_root=0.0):
    mu = [0.8 * (1 - 0.5 * 0.96 ** (psi * s)) for s in range(1, t + 2)]
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    memory["mu_product"] = np.prod(mu[:t])
    m_bar = (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t])) + mu[t] * memory["m"] / (1 - np.prod(mu))
    return p - 0.1 * m_bar / (np.sqrt(memory["v"] / (1 - 0.95**t) + eps_root) + eps)


def nadam_of_keras(p, t, g, memory):
    return nadam(p, t, g, memory, psi=1.0, eps=1e-7)


def nadam_coupled(p, t, g, memory):
    return nadam(p, t, g + 0.3 * p, memory)


def nadam_decoupled(p, t, g, memory):
    return nadam(p, t, g, memory) - 0.1 * 0.3 * p


def nadam_constant(p, t, g, memory):
    # optax.nadam: Adam with the mean of the next step
    nadam(p, t, g, memory)
    memory["mu_product"] = 0.8**t
    m_hat = 0.8 * memory["m"] / (1 - 0.8 ** (t + 1)) + 0.2 * g / (1 - 0.8**t)
    return p - 0.1 * m_hat / (np.sqrt(memory["v"] / (1 - 0.95**t) + 0.01) + 0.02)


def adan(p, t, g, memory, weight=0.9, eps=1e-8, eps_root=0.0):
    # the letters of the paper: beta = 1 - b
    beta1, beta2, beta3 = 0.2, 0.1, 0.05
    d = g - memory.get("g_last", g)
    memory["m"] = (1 - beta1) * memory.get("m", 0.0) + beta1 * g
    memory["v"] = (1 - beta2) * memory.get("v", 0.0) + beta2 * d
    memory["n"] = (1 - beta3) * memory.get("n", 0.0) + beta3 * np.abs(g + weight * d) ** 2
    memory["g_last"] = g
    m_hat = memory["m"] / (1 - (1 - beta1) ** t)
    v_hat = memory["v"] / (1 - (1 - beta2) ** t)
    n_hat = memory["n"] / (1 - (1 - beta3) ** t)
    return p - 0.1 * (m_hat + weight * v_hat) / (np.sqrt(n_hat + eps_root) + eps)


def adan_proximal(p, t, g, memory):
    return adan(p, t, g, memory) / (1 + 0.1 * 0.3)


def adan_of_optax(p, t, g, memory):
    return adan(p, t, g, memory, 1 - 0.9, 0.02, 0.01) - 0.1 * 0.3 * p


def adan_maximize(p, t, g, memory):
    return adan_proximal(p, t, -g, memory)


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95, "eps": 0.02}
RISING = {**BETAS, "momentum_decay": 0.5}
THREE = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.9, "b3": 0.95}
DECAY = {"weight_decay": 0.3}
OPTAX = {"eps": 0.02, "eps_root": 0.01, "difference_weight": "1-b2", "proximal": False}

ROWS = [
    Row("nadam", nadam, RISING),
    Row("nadam", nadam_of_keras, {**BETAS, "momentum_decay": 1.0, "eps": 1e-7}),
    Row("nadam", nadam_constant, {**BETAS, "momentum_schedule": "constant", "eps_root": 0.01}),
    Row("nadam", nadam_coupled, {**RISING, **DECAY}, finds_minimum=False),
    Row("nadam", nadam_decoupled, {**RISING, **DECAY, "decoupled_weight_decay": True}, False),
    Row("adan", adan, THREE),
    Row("adan", adan_proximal, {**THREE, **DECAY}, finds_minimum=False),
    Row("adan", adan_of_optax, {**THREE, **DECAY, **OPTAX}, finds_minimum=False),
    Row("adan", adan_maximize, {**THREE, **DECAY, "maximize": True}, finds_minimum=False),
]
