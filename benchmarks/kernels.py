"""Generated kernels on a CPU: steps at the speed of memory, and how soon they are ready."""

import atexit
import shutil
import tempfile
import time
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab, to_vector
from benchmarks.leaves import spread_sizes
from benchmarks.optimizers import (
    B1,
    B2,
    EPS,
    OURS,
    RATE,
    STEPS,
    adam_in_long_double,
    build_adam,
    make_torch,
    make_yardstick,
)
from benchmarks.race import Contestant, Race, Row, Target
from benchmarks.stepping import make_optax, make_ours

MAX_NORM = 1.0


def make_leaves(sizes: np.ndarray, dtype: str) -> tuple[dict, dict]:
    rng = np.random.default_rng(0)
    params = {f"{k:04d}": rng.normal(size=int(n)).astype(dtype) for k, n in enumerate(sizes)}
    return params, {name: rng.normal(size=p.size).astype(dtype) for name, p in params.items()}


def make_steps(sizes: np.ndarray, dtype: str, limit: float, lab: Lab) -> Race:
    if lab.quick:
        sizes = np.minimum(sizes[:20], 10_000)
    params, grads = make_leaves(sizes, dtype)
    start, slopes = to_vector(params), to_vector(grads)
    moved = 7 * start.size * np.dtype(dtype).itemsize  # reads p, g, m, v; writes p, m, v
    work = (params, grads, lab)
    contestants = [
        Contestant("anygrad", partial(make_ours, OURS, *work), moved=moved),
        Contestant("torch fused", partial(make_torch, *work, fused=True), "torch", moved),
    ]
    targets = [Target("torch fused", limit)]
    if sizes.size < 1000:
        contestants.append(
            Contestant("optax jit", partial(make_optax, build_adam, *work), "optax", moved)
        )
    if sizes.size == 1:
        moving = partial(make_yardstick, *work)
        yardstick = Contestant(
            "only the memory traffic", moving, moved=moved, expected=start + STEPS * slopes
        )
        contestants.append(yardstick)
        targets.append(Target("only the memory traffic", 1 / 0.9))
    return Race(
        contestants,
        adam_in_long_double(start, slopes),
        rtol=1e-12 if dtype == "float64" else 1e-5,
        checks=STEPS,
        rounds=9,
        targets=[] if lab.on_gpu else targets,
    )


# A clip before the step --------------------------------------------------------------------------


def make_clipped(lab: Lab) -> Race:
    size = 10_000 if lab.quick else 10_000_000
    params, grads = make_leaves(np.array([size]), "float32")
    start, slopes = to_vector(params), to_vector(grads).astype(np.longdouble)
    clipped = slopes * min(1.0, MAX_NORM / np.sqrt(np.sum(slopes * slopes)))
    ours = ag.optimizers.chain(ag.optimizers.clip_by_global_norm(MAX_NORM), OURS)

    def make_peer() -> Any:
        torch = lab.torch()
        (p,), (g,) = params.values(), grads.values()
        leaf, slope = lab.tensor(p).requires_grad_(), lab.tensor(g)
        leaf.grad = slope.clone()
        optimizer = torch.optim.Adam([leaf], lr=RATE, betas=(B1, B2), eps=EPS, fused=True)

        def step() -> Any:
            # after the first call the gradient has this norm, and a clip still multiplies it
            torch.nn.utils.clip_grad_norm_([leaf], MAX_NORM)
            optimizer.step()
            return leaf

        return step

    return Race(
        [
            Contestant("anygrad", partial(make_ours, ours, params, grads, lab)),
            Contestant("torch clip and fused", make_peer, "torch"),
        ],
        adam_in_long_double(start, clipped),
        rtol=1e-5,
        checks=STEPS,
        rounds=9,
        targets=[] if lab.on_gpu else [Target("torch clip and fused", 0.8)],
    )


# Until a kernel is ready --------------------------------------------------------------------------


def make_ready(lab: Lab) -> Race:
    """Seconds from the program of an optimizer to what calls its machine code."""
    from anygrad.compiler.targets import prepared
    from anygrad.compiler.targets.native.choosing import kernels_of
    from anygrad.compiler.targets.native.making import make
    from anygrad.compiler.targets.native.storage import clear

    optimizer = ag.optimizers.adamw(RATE, weight_decay=0.01)

    def one_step(params: Any, grads: Any, state: Any) -> Any:
        return optimizer.step(params, grads, state)

    params = [np.ones(100), np.ones((3, 4))]
    work = (params, params, optimizer.init(params))
    compiled = ag.compile(one_step)
    compiled(*work)
    program = prepared(compiled.ir(*work))
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, True)

    def timed(fresh: bool) -> Any:
        def call() -> Any:
            with ag.use_settings(kernel_cache=folder):
                if fresh:
                    clear()
                start = time.perf_counter()
                made = [make(kernel) for kernel in kernels_of(program)]
                return time.perf_counter() - start, [len(made) > 0, None not in made]

        return call

    def nothing() -> Any:
        return 1e-9, [True, True]

    return Race(
        [
            Contestant("anygrad", lambda: timed(True)),
            Contestant("anygrad, from disk", lambda: timed(False)),
            Contestant("nothing", lambda: nothing),
        ],
        np.array([1.0, 1.0]),
        tells_time=True,
        rounds=9,
        targets=[
            Target("nothing", 0.060, measure="difference"),
            Target("nothing", 0.008, "anygrad, from disk", "difference"),
        ],
    )


ROWS = [
    *[
        Row(
            f"Adam step, one vector of 1e7 {dtype}",
            partial(make_steps, np.array([10_000_000]), dtype, 1.0),
        )
        for dtype in ("float32", "float64")
    ],
    Row(
        "Adam step, 200 leaves of 1e3 to 1e5 float32",
        partial(make_steps, spread_sizes(1e3, 1e5, 200), "float32", 0.7),
    ),
    Row(
        "Adam step, 5 000 leaves of 10 to 1e3 float32",
        partial(make_steps, spread_sizes(10, 1e3, 5000), "float32", 0.7),
    ),
    Row("clip by global norm and Adam step, 1e7 float32", make_clipped),
    Row("kernels of AdamW ready", make_ready, ("numpy",)),
]
