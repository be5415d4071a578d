from tests.optimizers.rows.row import Row


def asgd(p, t, g, memory, lambd=0.1, alpha=0.5, t0=1):
    eta = 0.1 / (1 + lambd * 0.1 * (t - 1)) ** alpha
    p = p - eta * (g + lambd * p)
    # the mean of the parameters after the steps t0 + 2, t0 + 3, ...
    seen = memory.setdefault("_all", [])
    seen.append(p)
    late = seen[t0 + 1 :] or [p]
    memory["average"] = sum(late) / len(late)
    memory["eta"] = 0.1 / (1 + lambd * 0.1 * t) ** alpha
    return p


def asgd_default(p, t, g, memory):
    return asgd(p, t, g, memory, lambd=1e-4, alpha=0.75, t0=10**6)


def asgd_decayed(p, t, g, memory):
    return asgd(p, t, g + 0.3 * p, memory)


SETTING = {"learning_rate": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 1}

ROWS = [
    Row("asgd", asgd_default, {"learning_rate": 0.1}),
    Row("asgd", asgd, SETTING, finds_minimum=False, rounds=2),
    Row("asgd", asgd_decayed, {**SETTING, "weight_decay": 0.3}, finds_minimum=False, rounds=2),
]
