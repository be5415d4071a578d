"""What a timed step of an optimizer is, for us and for optax."""

from collections.abc import Callable
from typing import Any

from benchmarks.lab import Lab, move


def make_ours(optimizer: Any, params: Any, grads: Any, lab: Lab, *, donate: bool = True) -> Any:
    """One step of ours; parameters and state are donated, as in a training loop."""
    params, grads = lab.array(params), lab.array(grads)
    state = optimizer.init(params)

    def step() -> Any:
        nonlocal params, state
        params, state = optimizer.step(params, grads, state, donate=donate)
        return params

    return step


def make_optax(
    build: Any, params: Any, grads: Any, lab: Lab, *, waits: bool = True
) -> Callable[[], Any]:
    """One compiled step of ``build(optax)``, donated; with ``waits`` it has finished on return."""
    import optax  # before JAX, which it brings: without either, it is optax that is missing

    jax = lab.jax()
    optimizer = build(optax)
    params, grads = move(params, jax.numpy.array), move(grads, jax.numpy.array)
    # outside of a compiled function, JAX compiles the zeros of every shape apart
    state = jax.jit(optimizer.init)(params)

    def formula(params: Any, grads: Any, state: Any) -> Any:
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(formula, donate_argnums=(0, 2))

    def step() -> Any:
        nonlocal params, state
        params, state = compiled(params, grads, state)
        if waits:
            jax.block_until_ready((params, state))
        return params

    return step


def wait_for_jax(result: Any) -> None:
    """JAX returns before the work is done, perhaps before the device has it."""
    import jax

    jax.block_until_ready(result)
