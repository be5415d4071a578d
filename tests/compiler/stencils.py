"""Loops over stencils, with all kinds of boundaries, and programs of random slices."""

import numpy as np

import anygrad as ag
from anygrad.compiler.segments import Join

STEPS = 3


def second(u):
    return u[2:] - 2.0 * u[1:-1] + u[:-2]


def kept_ends(u):
    for _ in range(STEPS):
        v = u.copy()
        v[1:-1] = u[1:-1] + 0.2 * second(u)
        u = v
    return u


def put_together(u):
    for _ in range(STEPS):
        u = np.concatenate([u[:1], u[1:-1] + 0.2 * second(u), u[-1:]])
    return u


def zero_ends(u):
    for _ in range(STEPS):
        v = np.zeros_like(u)
        v[1:-1] = u[1:-1] + 0.2 * second(u)
        u = v
    return u


def copied_ends(u):
    for _ in range(STEPS):
        v = u.copy()
        v[1:-1] = u[1:-1] + 0.2 * second(u)
        v[0] = v[1]
        v[-1] = v[-2]
        u = v
    return u


def given_ends(u):
    for _ in range(STEPS):
        u = u * 0.9
        u[0] = -0.0
        u[-1] = 1.5
        u = u + 0.1 * np.concatenate([u[:1], u[1:-1] * 0.5, u[-1:]])
    return u


def ring(u):
    for _ in range(STEPS):
        u = u + 0.1 * (np.roll(u, 1, 0) - 2.0 * u + np.roll(u, -1, 0))
    return u


def upwind(u):
    for _ in range(STEPS):
        u = u - 0.3 * (u - np.concatenate([u[-1:], u[:-1]]))
    return u


def fluxes(u):
    for _ in range(STEPS):
        flux = (u[1:] - u[:-1]) * 0.3
        v = u.copy()
        v[1:-1] += flux[1:] - flux[:-1]
        u = v
    return u


def not_linear(u):
    for _ in range(STEPS):
        v = u.copy()
        v[1:-1] = u[1:-1] - 0.1 * u[1:-1] * (u[2:] - u[:-2]) + 0.05 * second(u)
        u = v
    return u


def wide(u):
    for _ in range(STEPS):
        v = u.copy()
        v[2:-2] = u[2:-2] - 0.01 * (u[4:] - 4 * u[3:-1] + 6 * u[2:-2] - 4 * u[1:-3] + u[:-4])
        u = v
    return u


def padded(u):
    for _ in range(STEPS):
        zeros = np.zeros_like(u[:1])
        u = u + 0.1 * second(np.concatenate([zeros, u, zeros]))
    return u


def nested(u):
    for _ in range(STEPS):
        v = np.zeros_like(u)
        v[1:-1] = u[1:-1][::1] * 0.5
        v[2:] += u[:-2][1:][:-1][:1] if len(u) < 5 else u[1:-1]
        v[:3] = v[1:4][:2][:1] if len(u) < 4 else v[1:4] if len(u) > 3 else v[:3]
        u = v - u
    return u


STENCILS = (
    *(kept_ends, put_together, zero_ends, copied_ends, given_ends, ring, upwind),
    *(fluxes, not_linear, wide, padded, nested),
)


def loss(f):
    return lambda u: np.sum(f(u) ** 2)


def gradient(f):
    return ag.grad(loss(f))


def curvature(f):
    return ag.grad(lambda u: np.sum(gradient(f)(u) * u))


def both(f):
    return ag.value_and_grad(loss(f))


def tangent(f):
    return lambda u: ag.jvp(f, (u,), (u * 0.5,))


DERIVATIVES = (lambda f: f, gradient, curvature, both, tangent)


def inputs(shape, dtype=np.float64, seed=0):
    """Ordinary numbers; many zeros of both signs; and nan and inf among them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    zeros = np.where(rng.random(shape) < 0.6, rng.choice([0.0, -0.0], shape).astype(dtype), x)
    wild = np.where(rng.random(shape) < 0.1, rng.choice([np.nan, np.inf, -np.inf], shape), zeros)
    return x, zeros, wild.astype(dtype)


def joins(program):
    """The nodes that join pieces."""
    return [node for node in program.nodes if type(node.function) is Join]


KINDS = 11


def random_function(seed, n, count=12):
    """A function of two arrays of ``n`` rows: slices, parts that are set, sums."""
    rng = np.random.default_rng(seed)
    plan = []
    for _ in range(count):
        cuts = np.sort(rng.integers(0, n + 1, 2))
        number = float(rng.choice([0.0, -0.0, 1.0, -0.5, 0.2, 3.0]))
        near = rng.integers(0, 3, 2)  # a few at the ends, as boundaries have it
        if rng.random() < 0.6:
            cuts = np.array([near[0], max(n - near[1], near[0])])
        a, b = rng.integers(0, 1 << 20, 2)
        plan.append((int(rng.integers(KINDS)), int(a), int(b), *map(int, cuts), number))

    def f(u, w):
        values = [u, w]
        for kind, a, b, lo, hi, number in plan:
            # mostly the latest, so that expressions become deep
            a, b = values[-1 - a % min(3, len(values))], values[-1 - b % len(values)]
            values.append(_step(kind, a, b, lo, hi, number, n))
        return values[-1], np.sum(values[-2] * w), values[-3]

    return f


def _step(kind, a, b, lo, hi, number, n):
    if kind == 0:
        return a + b
    if kind == 1:
        return a - b * number
    if kind == 2:
        v = a.copy()
        shift = min(1, n - hi)
        v[lo:hi] = b[lo + shift : hi + shift]
        return v
    if kind == 3:
        v = a.copy()
        v[lo:hi] = number
        return v
    if kind == 4:
        return np.concatenate([a[:lo], b[lo:]])
    if kind == 5:
        return np.concatenate([a[lo:], a[:lo]])
    if kind == 6:
        v = a.copy()
        v[1:-1] = a[2:] - 2.0 * a[1:-1] + b[:-2] * number
        return v
    if kind == 7:
        v = np.zeros_like(a)
        v[lo:hi] = a[lo:hi] * number + b[n - hi : n - lo]
        return v
    if kind == 8:
        v = a.copy()
        v[lo % n] = b[hi % n]
        return v
    if kind == 9:
        v = np.zeros_like(a)
        v[lo:hi] += -b[lo:hi]
        v[: hi - lo] += a[lo:hi]
        return v + b
    return np.maximum(a, b * 0.5) / 2.0
