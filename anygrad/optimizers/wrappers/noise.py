"""Noise on the gradients that fades with the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import conform
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import check_state, count_on, host_count
from anygrad.ranges import NOT_NEGATIVE, check_count, check_number
from anygrad.tracing.level import hosted
from anygrad.trees.kinds import library_of
from anygrad.trees.placing import on_device_of

__all__ = ["add_noise"]


def add_noise(eta: float, gamma: float = 0.55, *, seed: int) -> Transform:
    """Add normal noise to the gradients, of variance ``eta / (1 + step)^gamma``.

    Parameters
    ----------
    eta : float
        Variance at the first step, >= 0; 0.01, 0.3 or 1 in the paper.
    gamma : float
        How fast it fades, >= 0.
    seed : int
        >= 0 and below 2^64. The noise depends on nothing but seed, step and the number of the leaf
        among those that this part sees, so a run that is resumed goes on as if never stopped.

    Returns
    -------
    Transform
        State: ``count`` of steps, an integer of the host.

    Raises
    ------
    ArgumentError
        If a number is out of its range.

    Notes
    -----
    The numbers are drawn on the host, in double precision, by NumPy's counter-based generator
    Philox, so that every library adds the same; each step copies them to the device, without
    waiting for it. Real and imaginary parts of complex gradients get independent noise of this
    variance each.

    References
    ----------
    Neelakantan et al. (2015), Adding gradient noise improves learning for very deep networks,
    eq. 1 and 2. Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3.

    Examples
    --------
    >>> noise = ag.optimizers.add_noise(0.01, seed=7)
    >>> grads = np.zeros(3)
    >>> noise.update(grads, noise.init(grads), grads)[0].shape
    (3,)
    """
    eta = check_number("add_noise(eta)", eta, NOT_NEGATIVE)
    gamma = check_number("add_noise(gamma)", gamma, NOT_NEGATIVE)
    seed = check_count("add_noise(seed)", seed)
    if seed >= 2**64:
        message = f"add_noise(seed): got {seed}; expected an integer below 2**64."
        raise ArgumentError(message)
    return from_rule(NoiseRule(eta, gamma, seed), "add_noise")


class NoiseRule:
    """Draws noise for each leaf and step anew.

    Attributes
    ----------
    eta, gamma : float
        Variance at the first step, and how it fades.
    seed : int
        Key of the generator.
    """

    def __init__(self, eta: float, gamma: float, seed: int):
        self.eta = eta
        self.gamma = gamma
        self.seed = seed

    def __repr__(self) -> str:
        return f"add_noise({self.eta}, {self.gamma}, seed={self.seed})"

    def init(self, params: Tree) -> State:
        """Start at step 0."""
        return {"count": host_count(0)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Add noise to each leaf."""
        check_state("add_noise", state, "count")
        _, counted = count_on(state["count"])
        grads, structure = trees.flatten(flow.settle())
        noisy = [
            _add(g, hosted(self._drawer(g, number), state["count"]))
            for number, g in enumerate(grads)
        ]
        updates = trees.unflatten(structure, noisy)
        return Flow(updates, None, flow.accept), {"count": counted}

    def _drawer(self, g: Array, number: int) -> Callable[[Any], Array]:
        """What draws for a leaf at a step count, where the leaf lies and in its dtype."""
        shape, dtype, is_single = (
            _parts(g),
            g.dtype,
            float_limits(namespace_of(g), g.dtype).bits <= 32,
        )
        is_complex = len(shape) > len(g.shape)
        backend, device, xp = backend_of(g), device_of(g), library_of([g])
        assert backend is not None
        current = backend.on_device or nullcontext

        def draw_at(count: Any) -> Array:
            step = int(count)
            # a negative power, which underflows to 0 where the positive one would overflow
            deviation = self.eta**0.5 * (1.0 + step) ** (-0.5 * self.gamma)
            noise = deviation * draw(self.seed, step, number, shape)
            if is_complex:
                noise = noise[0] + 1j * noise[1]
            if is_single:
                noise = noise.astype(np.complex64 if noise.dtype.kind == "c" else np.float32)
            with current(device):
                return xp.astype(backend.from_host(np.asarray(noise), device), dtype)

        return draw_at


def draw(seed: int, step: int, leaf: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw standard normal numbers that depend on these arguments alone."""
    # the generator counts in the first word: no two leaves or steps come to share numbers
    counter = np.asarray([0, 0, leaf, step], dtype=np.uint64)
    philox = np.random.Philox(key=np.asarray([seed, 0], dtype=np.uint64), counter=counter)
    return np.random.Generator(philox).standard_normal(shape)


def _parts(g: Array) -> tuple[int, ...]:
    """Shape of the real numbers of a leaf: for complex ones, real and imaginary part first."""
    is_complex = has_kind(namespace_of(g), g.dtype, "complex floating")
    return (2, *g.shape) if is_complex else tuple(g.shape)


def _add(g: Array, noise: Array) -> Array:
    with on_device_of(g):
        return conform(namespace_of(g, noise), g + noise, g)
