"""Steps of other optimizers: AdamW behind a clip, LAMB's norms, Muon's products."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab, to_vector
from benchmarks.race import Contestant, Race, Row
from benchmarks.stepping import make_optax, make_ours

RATE, B1, B2, EPS, DECAY, MAX_NORM = 1e-2, 0.9, 0.999, 1e-8, 0.1, 1.0
LAYERS = 20
MUON = (3.4445, -4.7750, 2.0315)


def make_tree(shape: tuple[int, ...], leaves: int) -> tuple[dict, dict]:
    rng = np.random.default_rng(0)
    params = {f"{k:02d}": rng.normal(size=shape) for k in range(leaves)}
    return params, {name: rng.normal(size=shape) for name in params}


def make_torch_adamw(params: Any, grads: Any, lab: Lab) -> Any:
    torch = lab.torch()
    leaves = [lab.tensor(p).requires_grad_() for p in params.values()]
    optimizer = torch.optim.AdamW(leaves, lr=RATE, weight_decay=DECAY)

    def step() -> Any:
        for leaf, g in zip(leaves, grads.values(), strict=True):
            leaf.grad = lab.tensor(g)
        torch.nn.utils.clip_grad_norm_(leaves, MAX_NORM)
        optimizer.step()
        return leaves

    return step


def first_adamw(params: np.ndarray, grads: np.ndarray) -> np.ndarray:
    """Loshchilov and Hutter, algorithm 2, first step of a clipped gradient."""
    g = grads * min(1.0, MAX_NORM / np.sqrt(np.sum(grads * grads)))
    return params - RATE * (g / (np.abs(g) + EPS) + DECAY * params)


def first_lamb(params: dict, grads: dict) -> np.ndarray:
    """You et al., algorithm 2, first step: Adam's direction is the gradient over its size."""
    parts = []
    for p, g in zip(params.values(), grads.values(), strict=True):
        u = g / (np.abs(g) + EPS) + DECAY * p
        parts.append(p - RATE * np.linalg.norm(p) / np.linalg.norm(u) * u)
    return np.concatenate([part.ravel() for part in parts])


def first_muon(params: dict, grads: dict) -> np.ndarray:
    """Jordan's Muon, first step without Nesterov: five polynomials of the scaled gradient."""
    parts = []
    for p, g in zip(params.values(), grads.values(), strict=True):
        x = g / np.linalg.norm(g)
        a, b, c = MUON
        for _ in range(5):
            s = x @ x.T
            x = a * x + (b * s + c * s @ s) @ x
        parts.append(p - RATE * x)
    return np.concatenate([part.ravel() for part in parts])


def make_adamw(lab: Lab) -> Race:
    o = ag.optimizers
    work = make_tree((10_000,), LAYERS)
    ours = o.chain(o.clip_by_global_norm(MAX_NORM), o.adamw(RATE, weight_decay=DECAY))

    def optax_chain(optax: Any) -> Any:
        clip = optax.clip_by_global_norm(MAX_NORM)
        return optax.chain(clip, optax.adamw(RATE, weight_decay=DECAY))

    return Race(
        [
            Contestant("anygrad", partial(make_ours, ours, *work, lab)),
            # it adds 1e-6 to the norm, and the gradients it clips in place have to be set anew
            Contestant("torch", partial(make_torch_adamw, *work, lab), "torch", rtol=1e-5),
            Contestant("optax jit", partial(make_optax, optax_chain, *work, lab), "optax"),
        ],
        first_adamw(*(to_vector(tree) for tree in work)),
        rtol=1e-12,
        rounds=15,
    )


def make_lamb(lab: Lab) -> Race:
    work = make_tree((10_000,), LAYERS)
    ours = ag.optimizers.lamb(RATE, eps=EPS, weight_decay=DECAY)
    peer = partial(make_optax, lambda optax: optax.lamb(RATE, eps=EPS, weight_decay=DECAY))
    return Race(
        [
            Contestant("anygrad", partial(make_ours, ours, *work, lab)),
            Contestant("optax jit", partial(peer, *work, lab), "optax"),
        ],
        first_lamb(*work),
        rtol=1e-10,
        rounds=15,
    )


def make_muon(lab: Lab) -> Race:
    work = make_tree((64, 64) if lab.quick else (256, 256), 4)
    ours = ag.optimizers.muon(
        RATE, nesterov=False, weight_decay=0.0, momentum=0.0, adjust_learning_rate="original"
    )

    def build(optax: Any) -> Any:
        return optax.contrib.muon(RATE, nesterov=False, beta=0.0, weight_decay=0.0)

    return Race(
        [
            Contestant("anygrad", partial(make_ours, ours, *work, lab)),
            Contestant("optax jit", partial(make_optax, build, *work, lab), "optax"),
        ],
        first_muon(*work),
        rtol=1e-6,  # both add an eps to the norm
        rounds=15,
    )


ROWS = [
    Row("AdamW behind a clip, 20 leaves of 10 000", make_adamw),
    Row("LAMB step, 20 leaves of 10 000", make_lamb),
    Row("Muon step, 4 matrices of 256 x 256", make_muon),
]
