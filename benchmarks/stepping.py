"""What a timed step of an optimizer is, for us and for optax."""

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


def make_optax(build: Any, params: Any, grads: Any, lab: Lab) -> Any:
    """One compiled step of ``build(optax)``, donated."""
    import optax  # before JAX, which it brings: without either, it is optax that is missing

    jax = lab.jax()
    optimizer = build(optax)
    params, grads = move(params, jax.numpy.array), move(grads, jax.numpy.array)
    state = optimizer.init(params)

    def formula(params: Any, grads: Any, state: Any) -> Any:
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(formula, donate_argnums=(0, 2))

    def step() -> Any:
        nonlocal params, state
        params, state = jax.block_until_ready(compiled(params, grads, state))
        return params

    return step
