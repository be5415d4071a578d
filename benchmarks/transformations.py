"""Matrices and batches: a Jacobian, a Hessian, gradients example by example, a third derivative."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.gradients import chain
from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target

N, EXAMPLES = 200, 1000


def three_layers(np: Any, ws: Any, x: Any) -> Any:
    """Three layers of tanh, R^200 to R^200."""
    for w in ws:
        x = np.tanh(w @ x)
    return x


def weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(N, N)) / N**0.5 for _ in range(3)]


def jacobian_by_hand(ws: Any, x: np.ndarray) -> np.ndarray:
    product = np.eye(N)
    for w in ws:
        y = np.tanh(w @ x)
        product = (1.0 - y * y)[:, None] * (w @ product)
        x = y
    return product


def make_jacobian(lab: Lab) -> Race:
    host, point = weights(), np.random.default_rng(1).normal(size=N)
    ws, x = [lab.array(w) for w in host], lab.array(point)

    def make_torch(mode: str) -> Any:
        torch = lab.torch()
        tensors, leaf = [lab.tensor(w) for w in host], lab.tensor(point)
        made = getattr(torch.func, mode)(partial(three_layers, torch, tensors))
        return lambda: made(leaf)

    def make_jax() -> Any:
        jax = lab.jax()
        tensors = [jax.numpy.asarray(w) for w in host]
        made = jax.jit(jax.jacrev(lambda x: three_layers(jax.numpy, tensors, x)))
        start = jax.numpy.asarray(point)
        return lambda: jax.block_until_ready(made(start))

    ours = ag.jacobian(partial(three_layers, np, ws))
    return Race(
        [
            Contestant("anygrad", lambda: partial(ours, x)),
            Contestant("by hand", lambda: partial(jacobian_by_hand, host, point)),
            Contestant("torch.func.jacrev", lambda: make_torch("jacrev"), "torch"),
            Contestant("torch.func.jacfwd", lambda: make_torch("jacfwd"), "torch"),
            Contestant("jax jit", make_jax, "jax"),
        ],
        jacobian_by_hand(host, point).ravel(),
        targets=[
            Target("torch.func.jacrev", 0.8),
            Target("torch.func.jacfwd", 0.8),
            Target("jax jit", 1.5),
        ],
    )


def energy(np: Any, w: Any, x: Any) -> Any:
    """A small network's energy, R^200 to R."""
    return np.sum(np.tanh(w @ x) ** 2)


def make_hessian(lab: Lab) -> Race:
    host, point = weights()[0], np.random.default_rng(1).normal(size=N)
    w, x = lab.array(host), lab.array(point)

    def make_torch() -> Any:
        torch = lab.torch()
        made = torch.func.hessian(partial(energy, torch, lab.tensor(host)))
        leaf = lab.tensor(point)
        return lambda: made(leaf)

    def make_jax() -> Any:
        jax = lab.jax()
        weight, start = jax.numpy.asarray(host), jax.numpy.asarray(point)
        made = jax.jit(jax.hessian(lambda x: energy(jax.numpy, weight, x)))
        return lambda: jax.block_until_ready(made(start))

    t = np.tanh(host @ point)
    slope = 1.0 - t * t
    expected = host.T @ ((2.0 * slope * slope - 4.0 * t * t * slope)[:, None] * host)
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.hessian(partial(energy, np, w)), x)),
            Contestant("torch.func", make_torch, "torch"),
            Contestant("jax jit", make_jax, "jax"),
        ],
        expected.ravel(),
        targets=[Target("torch.func", 1.0)],
    )


def small_net(np: Any, w1: Any, w2: Any, x: Any) -> Any:
    return np.sum((np.tanh(x @ w1) @ w2) ** 2)


def make_per_example(lab: Lab) -> Race:
    rng = np.random.default_rng(0)
    host = [rng.normal(size=(10, 20)) / 3.0, rng.normal(size=(20, 3)) / 4.0]
    points = rng.normal(size=(EXAMPLES, 10))
    (w1, w2), x = [lab.array(w) for w in host], lab.array(points)
    mapped = ag.vmap(ag.grad(partial(small_net, np)), (None, None, 0))
    single = ag.grad(partial(small_net, np))

    def make_torch() -> Any:
        torch = lab.torch()
        made = torch.func.vmap(torch.func.grad(partial(small_net, torch)), (None, None, 0))
        tensors = [lab.tensor(a) for a in (*host, points)]
        return lambda: made(*tensors)

    def make_jax() -> Any:
        jax = lab.jax()
        made = jax.jit(jax.vmap(jax.grad(partial(small_net, jax.numpy)), (None, None, 0)))
        arrays = [jax.numpy.asarray(a) for a in (*host, points)]
        return lambda: jax.block_until_ready(made(*arrays))

    hidden = np.tanh(points @ host[0])
    out = 2.0 * hidden @ host[1]
    inner = (out @ host[1].T) * (1.0 - hidden * hidden)
    expected = np.einsum("bi,bj->bij", points, inner)
    return Race(
        [
            Contestant("anygrad", lambda: partial(mapped, w1, w2, x)),
            Contestant("a loop", lambda: lambda: np.stack([single(w1, w2, row) for row in x])),
            Contestant("torch.func", make_torch, "torch"),
            Contestant("jax jit", make_jax, "jax"),
        ],
        expected.ravel(),
        targets=[Target("a loop", 0.05), Target("torch.func", 1.0)],
    )


def make_third(lab: Lab) -> Race:
    f = partial(chain, count=40)
    x = lab.array(0.5) if lab.on_gpu else np.float64(0.5)

    def make_torch() -> Any:
        torch, leaf = lab.torch(), lab.tensor(np.float64(0.5))

        def third() -> Any:
            x = leaf.detach().requires_grad_()
            (slope,) = torch.autograd.grad(f(torch, x), x, create_graph=True)
            (second,) = torch.autograd.grad(slope, x, create_graph=True)
            return torch.autograd.grad(second, x)[0]

        return third

    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(ag.grad(ag.grad(partial(f, np)))), x)),
            Contestant("torch eager", make_torch, "torch"),
        ],
        np.asarray([third_on_circle(partial(f, np), 0.5)]),
        rtol=1e-7,
        targets=[Target("torch eager", 0.4)],
    )


def third_on_circle(f: Any, x: float, radius: float = 0.05, count: int = 64) -> float:
    """Cauchy's integral formula by the trapezoidal rule, which converges geometrically."""
    angles = 2.0 * np.pi * np.arange(count) / count
    points = np.exp(1j * angles)
    values = np.asarray([f(x + radius * p) for p in points])
    return float(np.real(6.0 * np.mean(values * points**-3) / radius**3))


ROWS = [
    Row("jacobian of three layers, 200 to 200", make_jacobian),
    Row("hessian of a network, n = 200", make_hessian),
    Row("gradients of 1000 examples, small network", make_per_example),
    Row("third derivative of a scalar chain of 40 operations", make_third),
]
