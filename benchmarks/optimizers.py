"""Adam's step, where memory is the limit: one long vector, and 200 small leaves."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab, to_vector
from benchmarks.race import Contestant, Race, Row
from benchmarks.stepping import make_optax, make_ours

RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8
OURS = ag.optimizers.adam(RATE, b1=B1, b2=B2, eps=EPS)
STEPS = 3  # compared after three, where a wrong bias correction shows


def adam_in_long_double(params: np.ndarray, grads: np.ndarray) -> np.ndarray:
    """Kingma, Ba (2015), algorithm 1, beyond double precision."""
    p, g = params.astype(np.longdouble), grads.astype(np.longdouble)
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in range(1, STEPS + 1):
        m = B1 * m + (1 - np.longdouble(B1)) * g
        v = B2 * v + (1 - np.longdouble(B2)) * g * g
        m_hat, v_hat = m / (1 - np.longdouble(B1) ** t), v / (1 - np.longdouble(B2) ** t)
        p = p - RATE * m_hat / (np.sqrt(v_hat) + EPS)
    return p.astype(np.float64)


def make_adam(leaves: int, size: int, lab: Lab) -> Race:
    size = 10_000 if lab.quick and leaves == 1 else size
    rng = np.random.default_rng(0)
    params = {f"{k:03d}": rng.normal(size=size) for k in range(leaves)}
    grads = {name: rng.normal(size=size) for name in params}
    start, slopes = to_vector(params), to_vector(grads)
    work = (params, grads, lab)
    moved = 7 * start.nbytes  # reads p, g, m, v; writes p, m, v
    contestants = [
        Contestant("anygrad", partial(make_ours, OURS, *work), moved=moved),
        Contestant("anygrad, nothing donated", partial(make_ours, OURS, *work, donate=False)),
        Contestant("by hand", partial(make_by_hand, step_by_hand, *work), moved=moved),
        Contestant("by hand, in place", partial(make_by_hand, step_in_place, *work), moved=moved),
        Contestant("torch", partial(make_torch, *work), "torch", moved),
        Contestant("torch fused", partial(make_torch, *work, fused=True), "torch", moved),
        Contestant("optax jit", partial(make_optax, build_adam, *work), "optax", moved),
    ]
    if leaves == 1:
        moving = partial(make_yardstick, *work)
        contestants.append(
            Contestant(
                "only the memory traffic", moving, moved=moved, expected=start + STEPS * slopes
            )
        )
    return Race(
        contestants,
        adam_in_long_double(start, slopes),
        rtol=1e-12,
        checks=STEPS,
        rounds=15,
    )


def build_adam(optax: Any) -> Any:
    return optax.adam(RATE, b1=B1, b2=B2, eps=EPS)


def make_by_hand(step_leaf: Any, params: Any, grads: Any, lab: Lab) -> Any:
    np = lab.library
    params, grads = lab.array(params), lab.array(grads)
    state = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in params.items()}
    t = 0

    def step() -> Any:
        nonlocal t
        t += 1
        for name, g in grads.items():
            params[name], state[name] = step_leaf(np, params[name], g, *state[name], t)
        return params

    return step


def step_by_hand(np: Any, p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """The formula as one writes it."""
    m = B1 * m + (1 - B1) * g
    v = B2 * v + (1 - B2) * g * g
    return p - RATE * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS), (m, v)


def step_in_place(np: Any, p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    """The formula with as little memory traffic as array calls allow."""
    scratch = (1 - B1) * g
    m *= B1
    m += scratch
    np.multiply(g, g, out=scratch)
    scratch *= 1 - B2
    v *= B2
    v += scratch
    np.sqrt(v, out=scratch)
    scratch += EPS * (1 - B2**t) ** 0.5
    np.divide(m, scratch, out=scratch)
    scratch *= RATE * (1 - B2**t) ** 0.5 / (1 - B1**t)
    p -= scratch
    return p, (m, v)


def make_torch(params: Any, grads: Any, lab: Lab, *, fused: bool | None = None) -> Any:
    torch = lab.torch()
    leaves = [lab.tensor(p).requires_grad_() for p in params.values()]
    for leaf, g in zip(leaves, grads.values(), strict=True):
        leaf.grad = lab.tensor(g)
    optimizer = torch.optim.Adam(leaves, lr=RATE, betas=(B1, B2), eps=EPS, fused=fused)

    def step() -> Any:
        optimizer.step()
        return leaves

    return step


def make_yardstick(params: Any, grads: Any, lab: Lab) -> Any:
    """Read four arrays and write three of them, as the step must, and hardly compute."""
    np = lab.library
    (p,), (g,) = lab.array(list(params.values())), lab.array(list(grads.values()))
    m, v = p.copy(), p.copy()

    def step() -> Any:
        np.add(p, g, out=p)
        np.negative(m, out=m)
        np.negative(v, out=v)
        return p

    return step


ROWS = [
    Row("Adam step, one vector of 2 000 000", partial(make_adam, 1, 2_000_000)),
    Row("Adam step, 200 leaves of 500", partial(make_adam, 200, 500)),
]
