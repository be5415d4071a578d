"""Whether a function draws random numbers while it is recorded: a replay would repeat them."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Iterable
from typing import Any

from anygrad.backends import BACKENDS

__all__ = ["Randomness"]


class Randomness:
    """The state of the generators that can be told: Python's, NumPy's, and those handed in.

    Of other libraries, the state that lies on the host, where the library is loaded.
    """

    def __init__(self, generators: Iterable[tuple[str, Any]] = ()):
        self._generators = list(generators)
        self._before = self._states()

    def drawn(self) -> str:
        """Which generator has moved on, in words; empty if none has."""
        now = self._states()
        return next((name for name, state in now.items() if self._before.get(name) != state), "")

    def _states(self) -> dict[str, Any]:
        found: dict[str, Any] = {"random": hash(random.getstate())}
        if "numpy.random" in sys.modules:
            numpy_random = sys.modules["numpy.random"]
            found["np.random"] = pickle.dumps(numpy_random.get_state(legacy=False))
        for backend in BACKENDS.values():
            if backend.random_state is not None and backend.package in sys.modules:
                found[f"{backend.package}.random"] = backend.random_state()
        for name, generator in self._generators:
            found[name or "a generator"] = _state_of(generator)
        return found


def _state_of(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return None if isinstance(generator, random.SystemRandom) else hash(generator.getstate())
    source = getattr(generator, "bit_generator", None)  # a Generator; a RandomState has a method
    state = source.state if source is not None else generator.get_state(legacy=False)
    return pickle.dumps(state)
