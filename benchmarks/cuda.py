"""What a GPU is bought for: steps and gradients at the speed of its memory, and few launches.

Every library keeps its own arrays on the GPU. Calls are repeated without waiting in between; the
device has finished before the clock starts and before it stops. "copy of as many bytes" is
`cupy.copyto` of what the work has to read and write, so a ratio to it is one of bandwidths.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.compiling import make_training, waves, waves_by_hand
from benchmarks.differences import rosenbrock
from benchmarks.lab import Lab, Unusable
from benchmarks.leaves import Leaves, many_leaves, one_vector, places, spread_sizes
from benchmarks.optimizers import (
    B1,
    B2,
    EPS,
    OURS,
    RATE,
    STEPS,
    adam_in_long_double,
    build_adam,
    make_by_hand,
    step_by_hand,
)
from benchmarks.race import Contestant, Race, Row, Target
from benchmarks.stepping import make_optax, make_ours, wait_for_jax
from benchmarks.values import slopes_by_complex_step

MAX_NORM = 1.0
COPY = "copy of as many bytes"
ROUNDS, ROUND_SECONDS, CAP = 9, 0.05, 40.0
FEW: Any = {"rounds": ROUNDS, "round_seconds": ROUND_SECONDS, "cap": CAP}

# Optimizer steps ----------------------------------------------------------------------------------


def make_steps(leaves: Leaves, targets: list[Target], lab: Lab) -> Race:
    """Adam's step, ours and that of all peers that can take so many leaves."""
    moved = 7 * leaves.nbytes  # reads p, g, m, v; writes p, m, v
    torch = partial(make_torch, leaves, lab)

    def hand() -> Callable[[], Any]:
        return make_by_hand(step_by_hand, *leaves.on(lab), lab)

    contestants = [
        Contestant("anygrad", lambda: make_ours(OURS, *leaves.on(lab), lab), moved=moved),
        Contestant("by hand", hand, moved=moved),
        Contestant("torch fused", partial(torch, fused=True), "torch", moved),
        Contestant("torch foreach", partial(torch, foreach=True), "torch", moved),
    ]
    if len(leaves.parts) == 1:
        contestants.append(make_copy(moved, lab))
        compiled = partial(torch, compiled=True)  # it corrects the bias in float32
        contestants.append(Contestant("torch compile", compiled, "torch", moved, rtol=1e-5))
    if len(leaves.parts) < 1000:  # beyond, JAX compiles for minutes
        optax = partial(make_jitted, build_adam, leaves, lab)
        contestants.append(Contestant("optax jit", optax, "optax", moved, finish=wait_for_jax))
    return Race(
        contestants,
        leaves.expected(adam_in_long_double(leaves.params, leaves.grads)),
        read=leaves.sample,
        rtol=1e-12 if leaves.params.dtype == np.float64 else 1e-5,
        checks=STEPS,
        targets=targets,
        **FEW,
    )


def make_torch(
    leaves: Leaves, lab: Lab, *, clips: bool = False, compiled: bool = False, **kind: bool
) -> Callable[[], Any]:
    torch = lab.torch()
    params, grads = ([lab.tensor(a) for a in tree.values()] for tree in leaves.on(lab))
    for p, g in zip(params, grads, strict=True):
        p.requires_grad_()
        p.grad = g
    optimizer = torch.optim.Adam(params, lr=RATE, betas=(B1, B2), eps=EPS, **kind)
    stepping = compile_torch(torch, optimizer.step) if compiled else optimizer.step

    def step() -> Any:
        if clips:
            # after the first call the gradient has this norm, and a clip still multiplies it
            torch.nn.utils.clip_grad_norm_(params, MAX_NORM)
        stepping()
        return params

    return step


def compile_torch(torch: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """What torch.compile makes; its first call tells whether this machine has what it needs."""
    made = torch.compile(function)

    def call(*arguments: Any) -> Any:
        try:
            return made(*arguments)
        except Exception as error:
            reason = f"torch.compile: {type(error).__name__}: {str(error)[:200]}"
            raise Unusable(reason) from error

    return call


def make_jitted(build: Any, leaves: Leaves, lab: Lab) -> Callable[[], Any]:
    return make_optax(build, *leaves.on_host(), lab, waits=False)


def make_copy(moved: int, lab: Lab) -> Contestant:
    """Copy half of the bytes, which reads and writes all of them."""

    def make() -> Callable[[], Any]:
        source = lab.library.ones(moved // 2, dtype="uint8")
        target = lab.library.zeros_like(source)

        def copy() -> Any:
            lab.library.copyto(target, source)
            return [target]

        return copy

    return Contestant(COPY, make, moved=moved, expected=np.ones(len(places(moved // 2))))


def make_vector(dtype: str, lab: Lab) -> Race:
    leaves = one_vector(10_000 if lab.quick else 100_000_000, dtype)
    targets = [Target(COPY, 1 / 0.9), Target("torch fused", 1.0), Target("by hand", 1 / 5)]
    return make_steps(leaves, targets, lab)


def draw_leaves(low: float, high: float, count: int, lab: Lab) -> Leaves:
    """Float32, evenly distributed on a logarithmic scale."""
    sizes = spread_sizes(low, high, count)
    return many_leaves(np.minimum(sizes[:20], 1000) if lab.quick else sizes, "float32")


def make_many(low: float, high: float, count: int, lab: Lab) -> Race:
    return make_steps(draw_leaves(low, high, count, lab), [Target("torch fused", 1.0)], lab)


def make_fixed(count: int, lab: Lab) -> Race:
    """Leaves so small that only the cost of a step as such is seen, and that of each leaf."""
    leaves = many_leaves(np.full(count, 10), "float32")
    race = make_steps(leaves, [Target("torch fused", 1.0)], lab)
    nothing = Contestant(
        "nothing", lambda: do_nothing(leaves, lab), expected=leaves.expected(leaves.params)
    )
    below = Target("nothing", 100e-6, measure="difference")
    return replace(race, contestants=[*race.contestants, nothing], targets=[*race.targets, below])


def do_nothing(leaves: Leaves, lab: Lab) -> Callable[[], Any]:
    params, _ = leaves.on(lab)
    return lambda: params


# A clip before the step ---------------------------------------------------------------------------


def make_clipped(draw: Callable[[Lab], Leaves], lab: Lab) -> Race:
    """The norm stays on the device: nobody waits for it."""
    leaves = draw(lab)
    moved = 8 * leaves.nbytes  # the norm reads the gradients once more
    scale = min(np.longdouble(1.0), MAX_NORM / leaves.norm_of_grads())
    o = ag.optimizers
    ours = o.chain(o.clip_by_global_norm(MAX_NORM), OURS)

    def build(optax: Any) -> Any:
        return optax.chain(optax.clip_by_global_norm(MAX_NORM), build_adam(optax))

    torch = partial(make_torch, leaves, lab, clips=True)
    jitted = partial(make_jitted, build, leaves, lab)
    return Race(
        [
            Contestant("anygrad", lambda: make_ours(ours, *leaves.on(lab), lab), moved=moved),
            Contestant("torch clip and fused", partial(torch, fused=True), "torch", moved),
            Contestant("torch clip and foreach", partial(torch, foreach=True), "torch", moved),
            Contestant("optax jit", jitted, "optax", moved, finish=wait_for_jax),
        ],
        leaves.expected(adam_in_long_double(leaves.params, scale * leaves.grads)),
        read=leaves.sample,
        rtol=1e-5,  # torch adds 1e-6 to the norm
        checks=STEPS,
        targets=[Target("torch clip and fused", 0.8)],
        **FEW,
    )


# Gradients ----------------------------------------------------------------------------------------


def pseudo_huber(np: Any, x: Any) -> Any:
    """A sum whose gradient hardly computes: memory is the limit."""
    return np.sum(np.sqrt(1.0 + x * x) - 1.0)


def pseudo_huber_by_hand(np: Any, x: Any) -> Any:
    return x / np.sqrt(1.0 + x * x)


def make_gradient(f: Any, hand: Any, limits: dict[str, float], lab: Lab) -> Race:
    leaves = one_vector(10_000 if lab.quick else 100_000_000, "float32")
    moved = 2 * leaves.nbytes  # reads the point, writes the gradient
    points = leaves.expected(leaves.params)

    def point() -> Any:
        return leaves.on(lab)[0]["0000"]

    def make_compiled() -> Callable[[], Any]:
        torch = lab.torch()
        gradient = compile_torch(torch, torch.func.grad(partial(f, torch)))
        own = lab.tensor(point())
        return lambda: [gradient(own)]

    def make_jax() -> Callable[[], Any]:
        jax = lab.jax()
        gradient = jax.jit(jax.grad(partial(f, jax.numpy)))
        own = jax.device_put(leaves.on_host()[0]["0000"])
        return lambda: [gradient(own)]

    def make_by_hand_gradient() -> Callable[[], Any]:
        own = point()
        return lambda: [hand(lab.library, own)]

    def make_anygrad() -> Callable[[], Any]:
        gradient, own = ag.compile(ag.grad(partial(f, np))), point()
        return lambda: [gradient(own)]

    return Race(
        [
            Contestant("anygrad", make_anygrad, moved=moved),
            Contestant("by hand", make_by_hand_gradient, moved=moved),
            make_copy(moved, lab),
            Contestant("torch compile", make_compiled, "torch", moved),
            Contestant("jax jit", make_jax, "jax", moved, finish=wait_for_jax),
        ],
        slopes_by_complex_step(partial(f, np), points, np.eye(points.size)),
        read=leaves.sample,
        rtol=1e-4,
        targets=[Target(peer, limit) for peer, limit in limits.items()],
        **FEW,
    )


# Differences --------------------------------------------------------------------------------------


def slopes_of_rosenbrock(x: np.ndarray) -> np.ndarray:
    """The gradient, by hand."""
    g = np.zeros_like(x)
    g[:-1] = -400.0 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2.0 * (1.0 - x[:-1])
    g[1:] += 200.0 * (x[1:] - x[:-1] ** 2)
    return g


def make_differences(lab: Lab) -> Race:
    """Central differences of n = 10 000 variables: points in batches, and one by one.

    Twenty thousand evaluations one by one would take longer than all else, so the loop measures
    some elements, and its time is multiplied by n over their number.
    """
    n, some = (200, 10) if lab.quick else (10_000, 100)
    point = np.random.default_rng(0).normal(size=n)
    expected = slopes_of_rosenbrock(point)

    def timed(call: Callable[[], Any], factor: float) -> Callable[[], tuple[float, Any]]:
        def measure() -> tuple[float, Any]:
            lab.wait()
            start = time.perf_counter()
            result = call()
            lab.wait()
            return factor * (time.perf_counter() - start), result

        return measure

    def batches() -> Callable[[], Any]:
        x = lab.array(point)
        call = partial(ag.differences.gradient, rosenbrock, x, evaluate="stacked")
        return timed(call, 1.0)

    def loop() -> Callable[[], Any]:
        return timed(partial(differ_in_a_loop, lab.array(point), some, lab), n / some)

    name = f"textbook loop: time of {some} elements, times {n // some}"
    return Race(
        [
            Contestant("anygrad", batches),
            Contestant(name, loop, expected=expected[:some]),
        ],
        expected,
        rtol=1e-7,  # about eps^(2/3) of the function's curvature
        tells_time=True,
        targets=[Target(name, 1 / 50)],
        **FEW,
    )


def differ_in_a_loop(x: Any, some: int, lab: Lab) -> Any:
    """The first elements of the gradient, as textbooks print it; they stay on the device."""
    np, h = lab.library, 6e-6
    slopes = []
    for i in range(some):
        e = np.zeros_like(x)
        e[i] = h
        slopes.append((rosenbrock(x + e) - rosenbrock(x - e)) / (2 * h))
    return np.stack(slopes)


ONLY = ("cupy",)
LARGE, SMALL = (1e3, 1e6, 500), (10, 1e3, 5000)
ROWS = [
    *[
        Row(f"Adam step, one vector of 1e8 {dtype}", partial(make_vector, dtype), ONLY)
        for dtype in ("float32", "float64")
    ],
    Row("Adam step, 500 leaves of 1e3 to 1e6 float32", partial(make_many, *LARGE), ONLY),
    Row("Adam step, 5 000 leaves of 10 to 1e3 float32", partial(make_many, *SMALL), ONLY),
    Row("Adam step, 5 leaves of 10: the cost of a step", partial(make_fixed, 5), ONLY),
    Row("Adam step, 500 leaves of 10: the cost of a step", partial(make_fixed, 500), ONLY),
    Row(
        "clip by global norm and Adam step, 1e8 float32",
        partial(
            make_clipped, lambda lab: one_vector(10_000 if lab.quick else 100_000_000, "float32")
        ),
        ONLY,
    ),
    Row(
        "clip by global norm and Adam step, 500 leaves of 1e3 to 1e6 float32",
        partial(make_clipped, partial(draw_leaves, *LARGE)),
        ONLY,
    ),
    Row(
        "compiled gradient, sum of sqrt(1 + x x), 1e8 float32",
        partial(
            make_gradient, pseudo_huber, pseudo_huber_by_hand, {COPY: 1 / 0.8, "torch compile": 1.0}
        ),
        ONLY,
    ),
    Row(
        "compiled gradient, chain of sin, tanh, exp, 1e8 float32",
        partial(make_gradient, waves, waves_by_hand, {"torch compile": 1.0}),
        ONLY,
    ),
    Row("training step of a network, launch-bound", make_training, ONLY),
    Row("central gradient of Rosenbrock, n = 10 000", make_differences, ONLY),
]
