import numpy as np

from tests.optimizers.rows.row import Row


def rms(x):
    return np.sqrt((np.abs(x) ** 2).mean())


def whole(p, t, g, memory, eps1=1e-30):
    w = t**-0.8  # one minus beta2 hat
    memory |= {"v_row": None, "v_col": None}
    memory["v"] = (1 - w) * memory.get("v", 0.0) + w * (np.abs(g) ** 2 + eps1)
    return g / np.sqrt(memory["v"])


def factored(t, g, memory, rows, columns, eps1=1e-30):
    """Algorithm 2, with sums over rows and columns as the paper has them."""
    w = t**-0.8
    squares = np.abs(g) ** 2 + eps1
    memory["v"] = None
    memory["v_row"] = (1 - w) * memory.get("v_row", 0.0) + w * squares.mean(columns)
    memory["v_col"] = (1 - w) * memory.get("v_col", 0.0) + w * squares.mean(rows)
    across, along = g.shape[columns], g.shape[rows]
    r = across * np.expand_dims(memory["v_row"], columns)
    c = along * np.expand_dims(memory["v_col"], rows)
    v = r * c / r.sum(rows, keepdims=True)
    return g / np.sqrt(v)


def scaled(p, t, u, limit=1.0, rate=0.1, least=1e-3):
    """Clip the step, and scale it: algorithm 4."""
    u = u / max(1, rms(u) / limit)
    return max(least, rms(p)) * min(rate, 1 / np.sqrt(t)) * u


def adafactor(p, t, g, memory):
    return p - scaled(p, t, whole(p, t, g, memory))


def adafactor_of_a_matrix(p, t, g, memory):
    return p - scaled(p, t, factored(t, g, memory, 0, 1))


def adafactor_of_the_largest_axes(p, t, g, memory):
    # of shape (4, 2, 3), with rows along the smaller of the two
    return p - scaled(p, t, factored(t, g, memory, 2, 0, eps1=0.02), limit=0.5)


def adafactor_of_the_last_axes(p, t, g, memory):
    return p - scaled(p, t, factored(t, g, memory, 1, 2))


def adafactor_torch(p, t, g, memory):
    # torch.optim.Adafactor: the estimate is no less than eps1^2, the mean of rows than eps1
    w = t**-0.8
    g, squares = -g, np.abs(g) ** 2
    memory["v"] = None
    memory["v_row"] = (1 - w) * memory.get("v_row", 0.0) + w * squares.mean(1)
    memory["v_col"] = (1 - w) * memory.get("v_col", 0.0) + w * squares.mean(0)
    r, c = memory["v_row"][:, None], memory["v_col"][None, :]
    u = g / np.sqrt(np.maximum(r * c / max(r.mean(), 0.8), 0.8**2))
    return p - scaled(p, t, u, least=2.0) - 0.1 * 0.3 * p


def adafactor_optax(p, t, g, memory):
    # optax.adafactor: the rate does not fall, steps are averaged, the decay is not multiplied by it
    memory["v_row"] = memory["v_col"] = None
    w = (t + 3) ** -0.6
    memory["v"] = (1 - w) * memory.get("v", 0.0) + w * (np.abs(g) ** 2 + 1e-30)
    memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * (0.1 * g / np.sqrt(memory["v"]))
    return p - memory["m"] - 0.3 * p


RATE = {"learning_rate": 0.1}
SMALL = {**RATE, "min_dim_size_to_factor": 2}
CUSTOM = {"own_shapes": True}

ROWS = [
    Row("adafactor", adafactor, RATE, **CUSTOM),
    Row("adafactor", adafactor_of_a_matrix, SMALL, shape=(2, 3), **CUSTOM),
    Row(
        "adafactor",
        adafactor_of_the_largest_axes,
        {**RATE, "min_dim_size_to_factor": 3, "d": 0.5, "eps1": 0.02},
        shape=(4, 2, 3),
        finds_minimum=False,
        reason="a large eps1 shortens the last steps",
        **CUSTOM,
    ),
    Row(
        "adafactor",
        adafactor_of_the_last_axes,
        {**SMALL, "factored_axes": "last"},
        shape=(4, 2, 3),
        **CUSTOM,
    ),
    Row(
        "adafactor",
        adafactor_torch,
        {
            **SMALL,
            "eps_place": "estimate",
            "eps1": 0.8,
            "eps2": 2.0,
            "weight_decay": 0.3,
            "maximize": True,
        },
        shape=(2, 3),
        finds_minimum=False,
        **CUSTOM,
    ),
    Row(
        "adafactor",
        adafactor_optax,
        {
            **SMALL,
            "relative_step": False,
            "multiply_by_parameter_scale": False,
            "factored": False,
            "beta2_decay": -0.6,
            "decay_offset": -3,
            "d": None,
            "momentum": 0.8,
            "weight_decay": 0.3,
            "fixed_decay": True,
        },
        shape=(2, 3),
        finds_minimum=False,
        **CUSTOM,
    ),
]
