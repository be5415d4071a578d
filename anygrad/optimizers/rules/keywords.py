"""Names of arguments that other libraries use: say what they are called here."""

from __future__ import annotations

from collections.abc import Iterable

from anygrad.errors import suggest

__all__ = ["explain"]

ELSEWHERE = {
    "alpha": "decay",
    "beta": "momentum",
    "beta1": "b1",
    "beta2": "b2",
    "betas": "b1 and b2",
    "epsilon": "eps",
    "lr": "learning_rate",
    "rho": "decay",
    "wd": "weight_decay",
}
"""What PyTorch, Keras and others call a hyperparameter, and what it is called here."""


def explain(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Answer an unknown keyword with the name that was meant."""
    known = list(known)
    for name in given:
        if name in known:
            continue
        ours = ELSEWHERE.get(name, "")
        fits = ours and all(word in known for word in ours.split(" and "))
        advice = f"Write {ours}." if fits else suggest(name, known)
        listed = ", ".join(known)
        text = f"{where}({name}): got an unknown argument; expected one of {listed}. {advice}"
        raise TypeError(text.rstrip())
