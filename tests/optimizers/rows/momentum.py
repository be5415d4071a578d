from tests.optimizers.rows.row import Row


def sgd(p, t, g, memory):
    return p - 0.1 * g


def sgd_momentum(p, t, g, memory):
    memory["b"] = 0.9 * memory.get("b", 0.0) + g
    return p - 0.1 * memory["b"]


def sgd_dampened(p, t, g, memory):
    # the first gradient enters the buffer whole
    memory["b"] = g if t == 1 else 0.9 * memory["b"] + (1 - 0.25) * g
    return p - 0.1 * memory["b"]


def sgd_nesterov(p, t, g, memory):
    memory["b"] = 0.9 * memory.get("b", 0.0) + g
    return p - 0.1 * (g + 0.9 * memory["b"])


def sgd_decay(p, t, g, memory):
    return p - 0.1 * (g + 0.3 * p)


def sgd_maximize(p, t, g, memory):
    return p - 0.1 * (-g + 0.3 * p)


def sgd_decoupled(p, t, g, memory):
    return p - 0.1 * g - 0.1 * 0.3 * p


def sgd_keras(p, t, g, memory):
    # keras.optimizers.SGD: the rate is in the buffer
    memory["b"] = 0.9 * memory.get("b", 0.0) + 0.1 * g
    return p - (0.9 * memory["b"] + 0.1 * g)


RATE = {"learning_rate": 0.1}
MOMENTUM = {**RATE, "momentum": 0.9}
DECAY = {"weight_decay": 0.3}
UPHILL = {**DECAY, "maximize": True}

ROWS = [
    Row("sgd", sgd, RATE),
    Row("sgd", sgd_momentum, MOMENTUM),
    Row("sgd", sgd_dampened, {**MOMENTUM, "dampening": 0.25}),
    Row("sgd", sgd_nesterov, {**MOMENTUM, "nesterov": True}),
    Row("sgd", sgd_keras, {**MOMENTUM, "nesterov": True, "learning_rate_in_buffer": True}),
    Row("sgd", sgd_decay, {**RATE, **DECAY}, finds_minimum=False),
    Row("sgd", sgd_decoupled, {**RATE, **DECAY, "decoupled_weight_decay": True}, False),
    Row("sgd", sgd_maximize, {**RATE, **UPHILL}, finds_minimum=False),
]
