"""Names of arguments that other libraries use: say what they are called here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

from anygrad.errors import suggest
from anygrad.optimizers.transform import Transform

__all__ = ["explain_keywords"]

P = ParamSpec("P")

ELSEWHERE = {
    "alpha": "decay",
    "beta": "momentum",
    "beta1": "b1",
    "beta2": "b2",
    "betas": "b1 and b2",
    "lr": "learning_rate",
    "rho": "decay",
    "wd": "weight_decay",
}
"""What PyTorch, Keras and others call a hyperparameter, and what it is called here."""


def explain_keywords(factory: Callable[P, Transform]) -> Callable[P, Transform]:
    """Let a factory answer an unknown keyword with the name that was meant."""
    known = list(inspect.signature(factory).parameters)

    @functools.wraps(factory)
    def make(*args: P.args, **keywords: P.kwargs) -> Transform:
        for name in keywords:
            if name not in known:
                raise TypeError(_explain(factory.__name__, name, known))
        return factory(*args, **keywords)

    return make


def _explain(where: str, name: str, known: list[str]) -> str:
    ours = ELSEWHERE.get(name, "")
    fits = ours and all(word in known for word in ours.split(" and "))
    advice = f"Write {ours}." if fits else suggest(name, known)
    text = f"{where}({name}): got an unknown argument; expected one of {', '.join(known)}. {advice}"
    return text.rstrip()
