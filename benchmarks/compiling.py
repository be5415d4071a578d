"""Compiled functions: what is left of Python's cost per operation, and how much memory traffic.

The peers by hand are what a NumPy user would write without a library: plain expressions.
"""

import time
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.gradients import (
    chain_by_hand,
    chain_summed,
    network_by_hand,
    network_data,
    network_loss,
    peers_of_gradient,
)
from benchmarks.lab import Lab, to_vector
from benchmarks.race import ROUND_SECONDS, Contestant, Race, Row, Target
from benchmarks.stepping import wait_for_jax
from benchmarks.values import random_directions, slopes_by_complex_step

RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8

# Gradients --------------------------------------------------------------------------------------


def arithmetic(np: Any, x: Any) -> Any:
    """The mean of a polynomial chain of 40 products and sums."""
    y = x
    for _ in range(10):
        y = y * 0.9
        y = y + x
        y = y * x
        y = y - 0.1
    return np.mean(y)


def arithmetic_by_hand(np: Any, x: Any) -> Any:
    y, kept = x, []
    for _ in range(10):
        inner = y * 0.9 + x
        kept.append(inner)
        y = inner * x - 0.1
    g, gx = np.full_like(x, 1.0 / x.size), 0.0
    for inner in reversed(kept):
        gx = gx + g * inner
        g = g * x
        gx = gx + g
        g = g * 0.9
    return gx + g


def waves(np: Any, x: Any) -> Any:
    """A chain of functions that do not grow."""
    y = x
    for _ in range(5):
        y = np.sin(y) * 1.01 + 0.1
        y = np.tanh(y) + np.exp(-y * y)
    return np.sum(y)


def waves_by_hand(np: Any, x: Any) -> Any:
    y, kept = x, []
    for _ in range(5):
        z = np.sin(y) * 1.01 + 0.1
        t, e = np.tanh(z), np.exp(-z * z)
        kept.append((np.cos(y), z, t, e))
        y = t + e
    g = 1.0
    for cosine, z, t, e in reversed(kept):
        g = g * (1.0 - t * t - 2.0 * z * e) * 1.01 * cosine
    return g


def make_gradient(f: Any, hand: Any, point: np.ndarray, limits: dict[str, float], lab: Lab) -> Race:
    if lab.quick:
        point = point[:1000]
    x = lab.array(point)
    small = point if point.size < 100 else point[:: point.size // 50]
    where = slice(None) if point.size < 100 else slice(None, None, point.size // 50)
    scale = small.size / point.size if f is arithmetic else 1.0
    slopes = scale * slopes_by_complex_step(
        partial(f, np), small.astype(np.float64), np.eye(small.size)
    )
    names = (lambda peer: peer != "autograd") if point.size > 100 else bool
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.compile(ag.grad(partial(f, np))), x)),
            Contestant("anygrad, not compiled", lambda: partial(ag.grad(partial(f, np)), x)),
            Contestant("by hand", lambda: partial(hand, lab.library, x)),
            *[c for c in peers_of_gradient(f, point, lab) if names(c.name)],
        ],
        slopes,
        read=lambda result: to_vector(result)[where],
        rtol=1e-9 if point.dtype == np.float64 else 1e-4,
        targets=[Target(peer, limit) for peer, limit in limits.items() if not lab.on_gpu],
    )


# A stencil --------------------------------------------------------------------------------------

HEAT = 0.2
HEAT_STEPS = 100


def heat(np: Any, u: Any) -> Any:
    """The energy after some steps, the ends being held."""
    for _ in range(HEAT_STEPS):
        new = u.copy()
        new[1:-1] = u[1:-1] + HEAT * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u = new
    return np.sum(u * u)


def heat_by_scan(np: Any, u: Any) -> Any:
    def step(u: Any, _: Any) -> Any:
        new = u.copy()
        new[1:-1] = u[1:-1] + HEAT * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        return new, None

    u, _ = ag.scan(step, u, None, length=HEAT_STEPS)
    return np.sum(u * u)


def heat_by_hand(np: Any, u: Any) -> Any:
    for _ in range(HEAT_STEPS):
        new = u.copy()
        new[1:-1] = u[1:-1] + HEAT * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u = new
    g = 2.0 * u
    for _ in range(HEAT_STEPS):
        inner = HEAT * g[1:-1]
        new = g.copy()
        new[1:-1] -= 2.0 * inner
        new[2:] += inner
        new[:-2] += inner
        g = new
    return g


def make_heat(lab: Lab) -> Race:
    point = np.sin(np.linspace(0.0, 20.0, 1000 if lab.quick else 100_000))
    x = lab.array(point)

    def make_jax() -> Any:
        jax = lab.jax()

        def step(u: Any, _: Any) -> Any:
            return u.at[1:-1].add(HEAT * (u[2:] - 2.0 * u[1:-1] + u[:-2])), None

        def energy(u: Any) -> Any:
            u, _ = jax.lax.scan(step, u, None, length=HEAT_STEPS)
            return jax.numpy.sum(u * u)

        gradient, own = jax.jit(jax.grad(energy)), jax.numpy.asarray(point)
        return lambda: jax.block_until_ready(gradient(own))

    directions = random_directions(point.size, 3)
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.compile(ag.grad(partial(heat, np))), x)),
            Contestant(
                "anygrad, scan", lambda: partial(ag.compile(ag.grad(partial(heat_by_scan, np))), x)
            ),
            Contestant("by hand", lambda: partial(heat_by_hand, lab.library, x)),
            Contestant("jax jit", make_jax, "jax"),
        ],
        slopes_by_complex_step(partial(heat, np), point, directions),
        read=lambda result: directions @ to_vector(result),
        rounds=9,
        targets=[] if lab.on_gpu else [Target("jax jit", 1.0)],
    )


# A training step --------------------------------------------------------------------------------


def adam_by_hand(np: Any, p: Any, g: Any, m: Any, v: Any, t: int) -> Any:
    m = B1 * m + (1 - B1) * g
    v = B2 * v + (1 - B2) * g * g
    return p - RATE * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS), m, v


STEPS = 3


def make_training(lab: Lab) -> Race:
    params, x, y = network_data()
    optimizer = ag.optimizers.adam(RATE, b1=B1, b2=B2, eps=EPS)
    loss = partial(network_loss, np)

    def make_anygrad(compiled: bool) -> Any:
        now, tx, ty = lab.array([params, x, y])
        state = optimizer.init(now)

        def step(now: Any, state: Any, tx: Any, ty: Any) -> Any:
            value, grads = ag.value_and_grad(loss)(now, tx, ty)
            return (value, *optimizer.step(now, grads, state))

        made = ag.compile(step, donate=(0, 1)) if compiled else step

        def call() -> Any:
            nonlocal now, state
            _, now, state = made(now, state, tx, ty)
            return now

        return call

    def make_hand() -> Any:
        now, tx, ty = lab.array([params, x, y])
        library, t = lab.library, 0
        slots = {name: (library.zeros_like(p), library.zeros_like(p)) for name, p in now.items()}

        def call() -> Any:
            nonlocal t
            t += 1
            _, grads = network_by_hand(library, now, tx, ty)
            for name, g in grads.items():
                now[name], *slots[name] = adam_by_hand(library, now[name], g, *slots[name], t)
            return now

        return call

    def make_torch() -> Any:
        torch = lab.torch()
        leaves = {name: lab.tensor(p).requires_grad_() for name, p in params.items()}
        tx, ty = lab.tensor(x), lab.tensor(y)
        stepper = torch.optim.Adam(list(leaves.values()), RATE, (B1, B2), EPS, fused=True)

        def call() -> Any:
            stepper.zero_grad()
            hidden = torch.tanh(tx @ leaves["w1"] + leaves["b1"])
            logs = torch.log_softmax(hidden @ leaves["w2"] + leaves["b2"], 1)
            (-(logs * ty).sum() / len(tx)).backward()
            stepper.step()
            return {name: p.detach() for name, p in leaves.items()}

        return call

    def make_optax() -> Any:
        import optax  # before JAX, which it brings: without either, it is optax that is missing

        jax = lab.jax()
        rule = optax.adam(RATE, b1=B1, b2=B2, eps=EPS)
        now, tx, ty = jax.tree.map(jax.numpy.asarray, (params, x, y))
        state = rule.init(now)

        def step(now: Any, state: Any, tx: Any, ty: Any) -> Any:
            grads = jax.grad(partial(network_loss, jax.numpy))(now, tx, ty)
            updates, state = rule.update(grads, state, now)
            return optax.apply_updates(now, updates), state

        made = jax.jit(step, donate_argnums=(0, 1))

        def call() -> Any:
            nonlocal now, state
            now, state = made(now, state, tx, ty)
            return now if lab.on_gpu else jax.block_until_ready(now)

        return call

    return Race(
        [
            Contestant("anygrad", partial(make_anygrad, True)),
            Contestant("anygrad, not compiled", partial(make_anygrad, False)),
            Contestant("by hand", make_hand),
            Contestant("torch eager", make_torch, "torch"),
            Contestant("optax jit", make_optax, "optax", finish=wait_for_jax),
        ],
        trained_in_long_double(params, x, y),
        checks=STEPS,
        rtol=1e-9,
        round_seconds=0.05 if lab.on_gpu else ROUND_SECONDS,
        targets=[Target("torch eager" if lab.on_gpu else "optax jit", 1.0)],
    )


def trained_in_long_double(params: Any, x: Any, y: Any) -> np.ndarray:
    """Parameters after three steps, by the formulas written out, beyond double precision."""
    now = {name: p.astype(np.longdouble) for name, p in params.items()}
    tx, ty = x.astype(np.longdouble), y.astype(np.longdouble)
    slots = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in now.items()}
    for t in range(1, STEPS + 1):
        _, grads = network_by_hand(np, now, tx, ty)
        for name, g in grads.items():
            now[name], *slots[name] = adam_by_hand(np, now[name], g, *slots[name], t)
    return to_vector({name: p.astype(np.float64) for name, p in now.items()})


# Recording --------------------------------------------------------------------------------------

OPERATIONS = 200


def make_recording(lab: Lab) -> Race:
    """Seconds until the first result, for each operation that the function is written with."""
    point = np.asarray([0.3, 0.5, 0.7])

    def make_anygrad() -> Any:
        x = lab.array(point)

        def call() -> Any:
            start = time.perf_counter()
            result = ag.compile(ag.grad(partial(chain_summed, np)))(x)
            return (time.perf_counter() - start) / OPERATIONS, result

        return call

    def make_jax() -> Any:
        jax = lab.jax()
        x = jax.numpy.asarray(point)

        def call() -> Any:
            start = time.perf_counter()
            made = jax.jit(lambda x: jax.grad(partial(chain_summed, jax.numpy))(x))
            result = jax.block_until_ready(made(x))
            return (time.perf_counter() - start) / OPERATIONS, result

        return call

    return Race(
        [Contestant("anygrad", make_anygrad), Contestant("jax jit", make_jax, "jax")],
        slopes_by_complex_step(partial(chain_summed, np), point, np.eye(3)),
        tells_time=True,
        rounds=5,
    )


TINY = np.asarray([0.3, 0.5, 0.7])
LONG = np.linspace(0.1, 0.9, 1_000_000)

ROWS = [
    Row(
        "compiled gradient, 200 tiny operations",
        partial(make_gradient, chain_summed, chain_by_hand, TINY, {"by hand": 0.1, "jax jit": 2.0}),
    ),
    Row(
        "compiled gradient, 40 arithmetic operations, 1e6 float64",
        partial(make_gradient, arithmetic, arithmetic_by_hand, LONG, {"jax jit": 0.6}),
    ),
    *[
        Row(
            f"compiled gradient, chain of sin, tanh, exp, 1e6 {dtype}",
            partial(make_gradient, waves, waves_by_hand, LONG.astype(dtype), {"jax jit": 0.3}),
        )
        for dtype in ("float64", "float32")
    ],
    Row("compiled gradient, 100 steps of a heat equation, n = 1e5", make_heat),
    Row("training step of a network, compiled as a whole", make_training, ("numpy",)),
    Row("recording 200 operations, seconds for each", make_recording),
]
