import numpy as np

from tests.optimizers.rows.row import Row


def rprop(p, t, g, memory, up=1.2, down=0.5, low=1e-6, high=50.0):
    # Riedmiller and Braun, one element after another; both parts of a complex one
    flat = lambda x: np.ravel(x).astype(complex).view(float)
    shape = np.shape(p)
    last = flat(memory.get("g_last", np.zeros(shape)))
    sizes = flat(memory.get("size", np.full(shape, 0.1 * (1 + 1j))))
    steps, kept = np.zeros_like(sizes), flat(g).copy()
    for i, (now, before) in enumerate(zip(flat(g), last, strict=True)):
        if now * before > 0:
            sizes[i] *= up
        elif now * before < 0:
            sizes[i] *= down
            kept[i] = 0.0
        sizes[i] = min(max(sizes[i], low), high)
        steps[i] = sizes[i] if kept[i] > 0 else -sizes[i] if kept[i] < 0 else 0.0
    whole = lambda x: x.view(complex).reshape(shape)
    if not np.iscomplexobj(p):
        whole = lambda x: x.view(complex).reshape(shape).real
    memory["g_last"], memory["size"] = whole(kept), whole(sizes)
    return p - whole(steps)


def rprop_limited(p, t, g, memory):
    return rprop(p, t, g, memory, up=1.5, down=0.25, low=0.06, high=0.12)


LIMITS = {"etas": (0.25, 1.5), "step_sizes": (0.06, 0.12)}

ROWS = [
    Row("rprop", rprop, {"learning_rate": 0.1}, rounds=2),
    Row("rprop", rprop_limited, {"learning_rate": 0.1, **LIMITS}, finds_minimum=False, rounds=2),
]
