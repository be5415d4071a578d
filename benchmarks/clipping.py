"""Clipping: by the global norm, one long vector and 200 small leaves; example by example."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab, move, to_vector
from benchmarks.race import Contestant, Race, Row, Target

MAX_NORM = 1.0


def make_clip(leaves: int, size: int, lab: Lab) -> Race:
    size = 10_000 if lab.quick and leaves == 1 else size
    rng = np.random.default_rng(0)
    grads = {f"{k:03d}": rng.normal(size=size) for k in range(leaves)}
    vector = to_vector(grads).astype(np.longdouble)
    expected = (vector * (MAX_NORM / np.sqrt(np.sum(vector * vector)))).astype(np.float64)
    moved = 3 * expected.nbytes  # one reading for the norm; one reading and one writing to scale
    own = lab.array(grads)

    def make_torch() -> Any:
        torch = lab.torch()
        tensors = [lab.tensor(g).requires_grad_() for g in grads.values()]
        for tensor, g in zip(tensors, grads.values(), strict=True):
            tensor.grad = lab.tensor(g)

        def clip() -> Any:
            torch.nn.utils.clip_grad_norm_(tensors, MAX_NORM)
            return [tensor.grad for tensor in tensors]

        return clip

    def make_optax() -> Any:
        import optax  # before JAX, which it brings: without either, it is optax that is missing

        jax = lab.jax()

        clipping = optax.clip_by_global_norm(MAX_NORM)
        arrays = move(grads, jax.numpy.array)
        state = clipping.init(arrays)
        compiled = jax.jit(lambda arrays: clipping.update(arrays, state)[0])
        return lambda: jax.block_until_ready(compiled(arrays))

    # torch adds 1e-6 to the norm, and writes into the gradients
    added = {"moved": moved, "rtol": 1e-5}
    return Race(
        [
            Contestant(
                "anygrad",
                lambda: lambda: ag.clipping.clip_by_global_norm(own, MAX_NORM)[0],
                moved=moved,
            ),
            Contestant("by hand", lambda: partial(clip_by_hand, lab.library, own), moved=moved),
            Contestant("torch, in place", make_torch, "torch", **added),
            Contestant("optax jit", make_optax, "optax", moved),
        ],
        expected,
        targets=[] if lab.on_gpu else [Target("by hand", 1.5)],
        rtol=1e-12,
        rounds=15,
    )


def clip_by_hand(np: Any, grads: Any) -> Any:
    """The formula without care for overflow."""
    norm = np.sqrt(sum(np.vdot(g, g) for g in grads.values()))
    scale = np.minimum(1.0, MAX_NORM / norm)
    return {name: g * scale for name, g in grads.items()}


def make_clip_per_example(lab: Lab) -> Race:
    count, size = (16, 100) if lab.quick else (256, 4000)
    rng = np.random.default_rng(0)
    grads = {"w": rng.normal(size=(count, size)), "b": rng.normal(size=(count, 10))}
    rows = np.concatenate([grads["b"], grads["w"]], axis=1).astype(np.longdouble)
    scale = np.minimum(1, MAX_NORM / np.sqrt(np.sum(rows * rows, axis=1, keepdims=True)))
    sums = np.sum(rows * scale, axis=0).astype(np.float64)
    own = lab.array(grads)

    def clip() -> Any:
        clipped = ag.clipping.clip_per_example(own, MAX_NORM)[0]
        return {name: lab.library.sum(g, axis=0) for name, g in clipped.items()}

    def make_optax() -> Any:
        import optax  # before JAX, which it brings: without either, it is optax that is missing

        jax = lab.jax()
        arrays = move(grads, jax.numpy.array)
        leaves, treedef = jax.tree.flatten(arrays)
        compiled = jax.jit(lambda leaves: optax.per_example_global_norm_clip(leaves, MAX_NORM)[0])
        return lambda: treedef.unflatten(jax.block_until_ready(compiled(leaves)))

    return Race(
        [
            Contestant("anygrad", lambda: clip),
            Contestant("by hand", lambda: partial(sum_by_hand, lab.library, own)),
            Contestant("optax jit", make_optax, "optax"),
        ],
        sums,
        rtol=1e-10,
        rounds=15,
    )


def sum_by_hand(np: Any, grads: Any) -> Any:
    """The sums of the clipped examples without care for overflow."""
    squares = sum(np.sum(g * g, axis=1) for g in grads.values())
    scale = np.minimum(1.0, MAX_NORM / np.sqrt(squares))[:, None]
    return {name: np.sum(g * scale, axis=0) for name, g in grads.items()}


ROWS = [
    Row("global norm, one vector of 2 000 000", partial(make_clip, 1, 2_000_000)),
    Row("global norm, 200 leaves of 500", partial(make_clip, 200, 500)),
    Row("per example, 256 of 4010", make_clip_per_example),
]
