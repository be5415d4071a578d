"""Gradients: code of many tiny operations, a network, a long vector, a second derivative."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab, to_vector
from benchmarks.race import Contestant, Race, Row, Target
from benchmarks.values import (
    random_directions,
    second_derivative_on_circle,
    slopes_by_complex_step,
)

# 200 tiny operations ---------------------------------------------------------------------------


def chain(np: Any, x: Any, count: int = 200) -> Any:
    """Sine, product, sum, product, until ``count`` operations are done."""
    y = x
    for _ in range(count // 4):
        y = np.sin(y)
        y = y * 1.01
        y = y + x
        y = y * x
    return y


def chain_summed(np: Any, x: Any) -> Any:
    return np.sum(chain(np, x))


def chain_with_sums(np: Any, x: Any) -> Any:
    """As `chain`, with a sum of all elements as every fifth of 200 operations."""
    y = x
    for _ in range(40):
        y = np.sin(y)
        total = np.sum(y)
        y = y * 1.01
        y = y + total
        y = y * x
    return np.sum(y)


def chain_by_hand(np: Any, x: Any) -> Any:
    """The gradient of `chain_summed` in the fewest array calls of a reverse pass."""
    y, kept = x, []
    for _ in range(50):
        before = y
        product = np.sin(before) * 1.01 + x
        y = product * x
        kept.append((before, product))
    g, gx = np.ones_like(x), 0.0
    for before, product in reversed(kept):
        gx = gx + g * product
        g = g * x
        gx = gx + g
        g = g * 1.01 * np.cos(before)
    return gx + g


def make_tiny(f: Any, point: Any, limits: dict[str, float], lab: Lab) -> Race:
    x = lab.array(point) if lab.on_gpu or np.ndim(point) else np.float64(point)
    size = np.size(point)
    expected = slopes_by_complex_step(
        partial(f, np), np.asarray(point), np.eye(size).reshape(size, *np.shape(point))
    )
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(partial(f, np)), x)),
            *([by_hand(lab, x)] if f is chain_summed else []),
            *peers_of_gradient(f, point, lab),
        ],
        expected,
        targets=[Target(peer, limit) for peer, limit in limits.items() if not lab.on_gpu],
    )


def by_hand(lab: Lab, x: Any) -> Contestant:
    return Contestant("by hand", lambda: partial(chain_by_hand, lab.library, x))


# Peers of a gradient with respect to one array --------------------------------------------------


def peers_of_gradient(f: Any, point: Any, lab: Lab) -> list[Contestant]:
    """torch eager, autograd and JAX compiled; ``f(np, x)`` is written with their functions."""

    def make_torch() -> Any:
        torch, leaf = lab.torch(), lab.tensor(point)

        def gradient() -> Any:
            x = leaf.detach().requires_grad_()
            return torch.autograd.grad(f(torch, x), x)[0]

        return gradient

    def make_autograd() -> Any:
        import autograd
        import autograd.numpy as anp

        return partial(autograd.grad(partial(f, anp)), np.asarray(point)[()])

    def make_jax() -> Any:
        jax = lab.jax()
        gradient, x = jax.jit(jax.grad(partial(f, jax.numpy))), jax.numpy.asarray(point)
        return lambda: jax.block_until_ready(gradient(x))

    return [
        Contestant("torch eager", make_torch, "torch"),
        *([] if lab.on_gpu else [Contestant("autograd", make_autograd, "autograd")]),
        Contestant("jax jit", make_jax, "jax"),
    ]


# A network --------------------------------------------------------------------------------------


def network_loss(np: Any, params: Any, x: Any, y: Any) -> Any:
    """Cross-entropy of a network with one hidden layer; ``y`` is one-hot."""
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    z = hidden @ params["w2"] + params["b2"]
    z = z - np.max(z, axis=1, keepdims=True)
    z = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(z * y) / x.shape[0]


def network_by_hand(np: Any, params: Any, x: Any, y: Any) -> Any:
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    z = hidden @ params["w2"] + params["b2"]
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    value = -np.sum((z - np.log(total)) * y) / x.shape[0]
    dz = (e / total - y) / x.shape[0]
    dh = (dz @ params["w2"].T) * (1 - hidden * hidden)
    grads = {"w1": x.T @ dh, "b1": dh.sum(axis=0), "w2": hidden.T @ dz, "b2": dz.sum(axis=0)}
    return value, grads


def network_data() -> tuple[dict, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    params = {
        "w1": 0.1 * rng.normal(size=(64, 128)),
        "b1": 0.1 * rng.normal(size=128),
        "w2": 0.1 * rng.normal(size=(128, 10)),
        "b2": 0.1 * rng.normal(size=10),
    }
    return params, rng.normal(size=(128, 64)), np.eye(10)[rng.integers(10, size=128)]


def make_network(lab: Lab) -> Race:
    params, x, y = network_data()
    own = lab.array([params, x, y])

    def make_torch() -> Any:
        torch = lab.torch()
        leaves = {name: lab.tensor(p) for name, p in params.items()}
        tx, ty = lab.tensor(x), lab.tensor(y)

        def both() -> Any:
            p = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
            hidden = torch.tanh(tx @ p["w1"] + p["b1"])
            logs = torch.log_softmax(hidden @ p["w2"] + p["b2"], 1)
            value = -(logs * ty).sum() / len(tx)
            grads = torch.autograd.grad(value, list(p.values()))
            return value, dict(zip(p, grads, strict=True))

        return both

    def make_autograd() -> Any:
        import autograd
        import autograd.numpy as anp

        return partial(autograd.value_and_grad(partial(network_loss, anp)), params, x, y)

    def make_jax() -> Any:
        jax = lab.jax()
        both = jax.jit(jax.value_and_grad(partial(network_loss, jax.numpy)))
        arrays = jax.tree.map(jax.numpy.asarray, (params, x, y))
        return lambda: jax.block_until_ready(both(*arrays))

    directions = random_directions(to_vector(params).size)
    return Race(
        [
            Contestant(
                "anygrad", lambda: partial(ag.value_and_grad(partial(network_loss, np)), *own)
            ),
            Contestant("by hand", lambda: partial(network_by_hand, lab.library, *own)),
            Contestant("torch eager", make_torch, "torch"),
            *([] if lab.on_gpu else [Contestant("autograd", make_autograd, "autograd")]),
            Contestant("jax jit", make_jax, "jax"),
        ],
        expected_of_network(params, x, y, directions),
        read=lambda result: [result[0], directions @ to_vector(result[1])],
        targets=[] if lab.on_gpu else [Target("by hand", 1.5)],
    )


def expected_of_network(params: Any, x: Any, y: Any, directions: np.ndarray) -> np.ndarray:
    """The value, and slopes along directions of all parameters laid in one vector."""
    names = sorted(params)
    ends = np.cumsum([params[name].size for name in names])[:-1]

    def loss(vector: np.ndarray) -> Any:
        parts = zip(names, np.split(vector, ends), strict=True)
        return network_loss(np, {n: part.reshape(params[n].shape) for n, part in parts}, x, y)

    vector = to_vector(params)
    return np.append(loss(vector), slopes_by_complex_step(loss, vector, directions))


# A long vector, and a second derivative ---------------------------------------------------------


def rosenbrock(np: Any, x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_by_hand(np: Any, x: Any) -> Any:
    a, b = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    g = np.zeros_like(x)
    g[1:] = 200.0 * a
    g[:-1] += -400.0 * a * x[:-1] - 2.0 * b
    return g


def make_rosenbrock(lab: Lab) -> Race:
    point = np.random.default_rng(0).normal(size=1000)
    x = lab.array(point)
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(partial(rosenbrock, np)), x)),
            Contestant("by hand", lambda: partial(rosenbrock_by_hand, lab.library, x)),
            *peers_of_gradient(rosenbrock, point, lab),
        ],
        slopes_by_complex_step(partial(rosenbrock, np), point, np.eye(1000)),
    )


def make_second(lab: Lab) -> Race:
    f = partial(chain, count=40)
    x = lab.array(0.5) if lab.on_gpu else np.float64(0.5)

    def make_torch() -> Any:
        torch, leaf = lab.torch(), lab.tensor(np.float64(0.5))

        def second() -> Any:
            x = leaf.detach().requires_grad_()
            (slope,) = torch.autograd.grad(f(torch, x), x, create_graph=True)
            return torch.autograd.grad(slope, x)[0]

        return second

    def make_autograd() -> Any:
        import autograd
        import autograd.numpy as anp

        return partial(autograd.grad(autograd.grad(partial(f, anp))), 0.5)

    def make_jax() -> Any:
        jax = lab.jax()
        second = jax.jit(jax.grad(jax.grad(partial(f, jax.numpy))))
        return lambda: jax.block_until_ready(second(0.5))

    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(ag.grad(partial(f, np))), x)),
            Contestant("torch eager", make_torch, "torch"),
            *([] if lab.on_gpu else [Contestant("autograd", make_autograd, "autograd")]),
            Contestant("jax jit", make_jax, "jax"),
        ],
        second_derivative_on_circle(partial(f, np), 0.5),
    )


THREE = np.array([0.3, 0.5, 0.7])
TINY = (
    ("shape (3,)", chain_summed, THREE, {"torch eager": 0.5, "autograd": 0.25}),
    ("0-d", chain, np.float64(0.5), {"torch eager": 0.35, "autograd": 0.25}),
    ("a sum every fifth", chain_with_sums, THREE, {"torch eager": 0.65, "autograd": 0.25}),
)
ROWS = [
    *(
        Row(f"gradient of 200 tiny operations, {name}", partial(make_tiny, f, point, limits))
        for name, f, point, limits in TINY
    ),
    Row("value and gradient of a network 64-128-10, batch 128", make_network),
    Row("gradient of Rosenbrock, n = 1000", make_rosenbrock),
    Row("second derivative of a scalar chain of 40 operations", make_second),
]
