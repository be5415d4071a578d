"""The letters of names: ``b1`` is a beta with an index, ``m_hat`` an m with a hat."""

from __future__ import annotations

import re
from collections.abc import Iterable

GREEK = (
    *("alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "kappa", "mu", "nu"),
    *("xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
)


LETTERS = {
    "learning_rate": (r"\eta", r"\gamma"),
    "weight_decay": (r"\lambda", r"\omega"),
    "lambd": (r"\lambda",),
    "momentum": (r"\mu", r"\beta"),
    "decay": (r"\rho",),
    "dampening": (r"\tau",),
    "eps": (r"\varepsilon",),
    **{f"b{k}": (rf"\beta_{{{k}}}",) for k in (1, 2, 3)},
}
"""Letters for words; the first that is free. Others follow the rules of `Letters.usual`."""


ENDINGS = {"max": r"\max", "min": r"\min", "inf": r"\infty"}


ACCENTS = {"hat": r"\hat", "bar": r"\bar"}


class Letters:
    """How the names of some functions are written: no two of them alike.

    ``words`` are names of switches, which are spelt out.
    """

    def __init__(self, names: Iterable[str], words: Iterable[str] = ()):
        self.by_name: dict[str, str] = {}
        for one in sorted(set(names), key=lambda n: (order_of(n), n)):
            first = () if one in words else LETTERS.get(one, (self.usual(one),))
            taken = set(self.by_name.values())
            free = [choice for choice in (*first, self.spelt(one)) if choice not in taken]
            if not free:
                raise ValueError(f"{one} is written like another name")
            self.by_name[one] = free[0]

    def __getitem__(self, one: str) -> str:
        return self.by_name[one]

    def __contains__(self, one: str) -> bool:
        return one in self.by_name

    @staticmethod
    def spelt(one: str) -> str:
        return rf"\mathrm{{{escape(one)}}}"

    @classmethod
    def letter(cls, one: str) -> str | None:
        """A short name, or None."""
        if len(one) == 1:
            return one
        if one in GREEK:
            return rf"\{one}"
        if one == "eps":
            return r"\varepsilon"
        found = re.fullmatch(r"(eps|[a-z])(\d)", one)
        if found:
            return rf"{cls.letter(found[1])}_{{{found[2]}}}"
        return None

    @classmethod
    def usual(cls, one: str) -> str:
        """``m_hat`` with a hat, ``v_max`` and ``c2`` with an index, long names as they are."""
        short = cls.letter(one)
        if short:
            return short
        first, _, rest = one.partition("_")
        base = LETTERS[first][0] if first in ("b1", "b2", "b3") else cls.letter(first)
        if base is None or not rest or "_" in rest or "_{" in base:
            return cls.spelt(one)
        if rest in ACCENTS:
            return rf"{ACCENTS[rest]}{{{base}}}"
        return rf"{base}_{{{ENDINGS.get(rest) or cls.spelt(rest)}}}"


def order_of(one: str) -> int:
    """Who chooses a letter first: the names that are letters themselves."""
    return [*LETTERS].index(one) + 1 if one in LETTERS else 0


def escape(text: str) -> str:
    return text.replace("_", r"\_")
