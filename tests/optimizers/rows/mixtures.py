import numpy as np

from tests.optimizers.rows.row import Row


def ademamix(p, t, g, memory, eps=1e-8, eps_root=0.0, alpha=2.0):
    memory["m1"] = 0.8 * memory.get("m1", 0.0) + 0.2 * g
    memory["m2"] = 0.99 * memory.get("m2", 0.0) + 0.01 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    m_hat, v_hat = memory["m1"] / (1 - 0.8**t), memory["v"] / (1 - 0.95**t)
    return p - 0.1 * (m_hat + alpha * memory["m2"]) / (np.sqrt(v_hat + eps_root) + eps)


def ademamix_decayed(p, t, g, memory):
    return ademamix(p, t, g, memory, eps=0.02, eps_root=0.01) - 0.1 * 0.3 * p


def ademamix_rising(p, t, g, memory):
    # the first scheduler of the paper: alpha * min(t / T, 1), with the step counted from 0
    return ademamix(p, t, g, memory, alpha=min((t - 1) / 3, 1.0) * 2.0)


def rising(step):
    return min(step / 3, 1.0) * 2.0


BETAS = {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95, "b3": 0.99, "alpha": 2.0}
LARGE = {"eps": 0.02, "eps_root": 0.01, "weight_decay": 0.3}

ROWS = [
    Row("ademamix", ademamix, BETAS),
    Row("ademamix", ademamix_decayed, {**BETAS, **LARGE}, finds_minimum=False),
    Row("ademamix", ademamix_rising, {**BETAS, "alpha": rising}),
]
