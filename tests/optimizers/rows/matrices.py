import numpy as np

from tests.optimizers.rows.row import Row

STANDARD = (3.4445, -4.7750, 2.0315)
DION = [
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
]


def polynomials(x, table):
    """Newton-Schulz by its definition: on the singular values."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    for a, b, c in table:
        s = a * s + b * s**3 + c * s**5
    return (u * s) @ vh


def mean(g, memory, decay=0.95, nesterov=True):
    memory |= {"m": None, "v": None}
    memory["b"] = decay * memory.get("b", 0.0) + (1 - decay) * g
    return decay * memory["b"] + (1 - decay) * g if nesterov else memory["b"]


def frobenius(x, eps=1e-7):
    return x / (np.sqrt((np.abs(x) ** 2).sum()) + eps)


def muon(p, t, g, memory):
    o = polynomials(frobenius(mean(g, memory)), [STANDARD] * 3)
    return p - 0.1 * 0.2 * np.sqrt(max(p.shape)) * o


def muon_torch(p, t, g, memory):
    u = mean(-g, memory, 0.8, nesterov=False)
    size = np.sqrt((np.abs(u) ** 2).sum())
    o = polynomials(u / max(size, 3.0), [(3.0, -3.2, 1.2)] * 3)
    rows, columns = p.shape
    return p - 0.1 * (np.sqrt(max(1, rows / columns)) * o + 0.3 * p)


def muon_optax(p, t, g, memory):
    b = 0.95
    mean(g, memory)
    u = b * memory["b"] / (1 - b ** (t + 1)) + (1 - b) * g / (1 - b**t)
    u = u / (np.linalg.svd(u)[1][0] + 0.02)
    o = polynomials(u, DION)
    u = b * memory["b"] / (1 - b ** (t + 1)) + (1 - b) * g / (1 - b**t)
    o = (u.conj() * o).real.sum() * o
    rows, columns = p.shape
    return p - 0.1 * np.sqrt(max(1, columns / rows)) * o


def muon_schatten(p, t, g, memory):
    u = mean(g, memory)
    o = polynomials(u / np.sqrt(np.linalg.norm(u @ u.conj().T)), [STANDARD] * 2)
    return p - 0.1 * 0.5 * np.sqrt(max(p.shape)) * o


def muon_aol(p, t, g, memory):
    u = mean(g, memory).T.conj()  # the shorter side first
    u = u / np.sqrt(np.abs(u @ u.conj().T).sum(1))[:, None]
    o = polynomials(u, [STANDARD] * 2).T.conj()
    return p - 0.1 * 0.2 * np.sqrt(max(p.shape)) * o


def as_matrix(rows):
    def step(p, t, g, memory):
        x = mean(g, memory).reshape(rows, -1)
        o = polynomials(frobenius(x), [STANDARD] * 3).reshape(p.shape)
        return p - 0.1 * 0.2 * np.sqrt(max(x.shape)) * o

    return step


def muon_stack(p, t, g, memory):
    o = [polynomials(frobenius(x), [STANDARD] * 3) for x in mean(g, memory)]
    return p - 0.1 * 0.2 * np.sqrt(max(p.shape[1:])) * np.stack(o)


def adamw(p, t, g, memory, rate=0.1, eps=1e-8, decay=0.0, root=0.0):
    memory["b"] = None
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0.0) + 0.05 * np.abs(g) ** 2
    m_hat, v_hat = memory["m"] / (1 - 0.8**t), memory["v"] / (1 - 0.95**t)
    return p - rate * (m_hat / (np.sqrt(v_hat + root) + eps) + decay * p)


def adamw_apart(p, t, g, memory):
    return adamw(p, t, -g, memory, rate=0.05, eps=0.02, decay=0.3, root=0.01)


def nadamw(p, t, g, memory):
    adamw(p, t, g, memory)
    m_hat = 0.8 * memory["m"] / (1 - 0.8 ** (t + 1)) + 0.2 * g / (1 - 0.8**t)
    return p - 0.1 * m_hat / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 0.02)


RATE = {"learning_rate": 0.1, "weight_decay": 0.0}
THREE = {**RATE, "ns_steps": 3}
ADAM = {**RATE, "adam_b1": 0.8, "adam_b2": 0.95}
CUSTOM = {"own_shapes": True}
FOUR = {"shape": (2, 3), **CUSTOM}

ROWS = [
    Row("muon", adamw, ADAM, **CUSTOM),
    Row("muon", adamw, {**ADAM, "higher_rank": "adamw"}, shape=(2, 3, 2), **CUSTOM),
    Row("muon", adamw, {**ADAM, "orthogonal": False}, **FOUR),
    Row(
        "muon",
        adamw_apart,
        {
            **ADAM,
            "adam_learning_rate": 0.05,
            "adam_eps": 0.02,
            "adam_eps_root": 0.01,
            "adam_weight_decay": 0.3,
            "maximize": True,
        },
        finds_minimum=False,
        reason="uphill",
        **CUSTOM,
    ),
    Row("muon", nadamw, {**ADAM, "adam_nesterov": True, "adam_eps": None, "eps": 0.02}, **CUSTOM),
    Row("muon", muon, THREE, **FOUR),
    Row(
        "muon",
        muon_torch,
        {
            **THREE,
            "momentum": 0.8,
            "nesterov": False,
            "ns_coefficients": (3.0, -3.2, 1.2),
            "eps": 3.0,
            "eps_place": "least",
            "adjust_learning_rate": "original",
            "weight_decay": 0.3,
            "maximize": True,
        },
        shape=(4, 2),
        finds_minimum=False,
        reason="uphill",
        **CUSTOM,
    ),
    Row(
        "muon",
        muon_optax,
        {
            **RATE,
            "bias_correction": True,
            "ns_coefficients": "dion",
            "eps": 0.02,
            "preconditioning": "spectral",
            "adjust_learning_rate": "transposed",
            "adaptive": True,
        },
        **FOUR,
    ),
    Row(
        "muon",
        muon_schatten,
        {**RATE, "ns_steps": 2, "preconditioning": "schatten", "consistent_rms": 0.5},
        **FOUR,
    ),
    Row(
        "muon", muon_aol, {**RATE, "ns_steps": 2, "preconditioning": "aol"}, shape=(3, 2), **CUSTOM
    ),
    Row("muon", as_matrix(2), {**THREE, "higher_rank": "keep_first"}, shape=(2, 3, 2), **CUSTOM),
    Row("muon", as_matrix(6), {**THREE, "higher_rank": "keep_last"}, shape=(2, 3, 2), **CUSTOM),
    Row("muon", muon_stack, {**THREE, "higher_rank": "stack"}, shape=(2, 3, 2), **CUSTOM),
]
