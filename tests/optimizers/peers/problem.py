"""The problem all peers run on: a tree of parameters and fresh gradients for each step."""

import numpy as np

STEPS = 60
KEPT = (1, 2, 3, 5, 10, 25, 26, 40, 50, 60)


def make_start():
    return {
        "w": np.linspace(-1.0, 1.5, 20).reshape(5, 4),
        "b": np.linspace(-1.0, 1.5, 6),
        "s": np.zeros(1),
    }


def make_gradients():
    """A fresh gradient each step, of sizes 1e-4 to 1e2, with exact zeros.

    The last element of b is always zero and the third sometimes, s is zero in the steps 4 and 5,
    and in step 30 all is zero.
    """
    random = np.random.default_rng(7)
    w = random.standard_normal((STEPS, 5, 4))
    w *= np.outer([1e-3, 1e-2, 1.0, 1.0, 10.0], [1.0, 0.1, 1.0, 10.0])
    b = random.standard_normal((STEPS, 6)) * [1e-4, 1e-2, 1.0, 1.0, 1e2, 0.0]
    b[random.random(STEPS) < 0.3, 2] = 0.0
    s = random.standard_normal((STEPS, 1))
    s[3:5] = 0.0
    for g in (w, b, s):
        g[29] = 0.0
    return {"w": w, "b": b, "s": s}


def make_values():
    """The objective of each step, for the optimizers that read it; it falls below zero."""
    return 100.0 * np.exp(-np.arange(1, STEPS + 1) / 20.0) - 10.0


def make_quadratic():
    """The gradient matrix @ (p - centre) of p = concatenate(b, s), for SAM."""
    random = np.random.default_rng(8)
    root = random.standard_normal((7, 7))
    return root @ root.T / 7.0 + 0.1 * np.eye(7), random.standard_normal(7)


def rate_at(rate, step):
    if isinstance(rate, dict):
        return rate["initial"] * rate["factor"] ** (step // rate["every"])
    return rate
