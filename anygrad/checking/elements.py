"""One element, one direction or one leaf of a gradient beside its numerical value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["CAUSES", "ElementCheck", "LeafCheck", "group_by_leaf"]

CAUSES = ("agrees", "wrong rule", "kink", "noise", "step", "edge", "not repeatable")
"""What a check of one element may end with."""


@dataclass(frozen=True)
class ElementCheck:
    """One element of a gradient, or its product with a direction, beside the numerical value.

    Attributes
    ----------
    path : str
        The leaf as one would write it, ``params['decoder']['w']``.
    index : tuple of int
        The element in its leaf; empty for a direction.
    part : {"", "real", "imaginary", "direction"}
        Which part of a complex element; "direction" where all elements were moved together.
    automatic, numerical : float
        What was checked, and what differences say.
    error : float
        What the error bar of the difference, a kink and ``rtol`` may explain.
    cause : {"agrees", "wrong rule", "kink", "noise", "step", "edge", "not repeatable"}
        "wrong rule": outside the error bar. "kink": outside the slopes of both sides. The others
        but "agrees": nothing can be said, because of noise, a bar that hides the slope, the edge of
        the domain of f, or a function of several values at one point.
    explanation : str
        The cause as a sentence, where there is more to say.
    order : {1, 2}
        2 for the derivative of this element of the gradient along a direction.
    """

    path: str
    index: tuple[int, ...]
    part: str
    automatic: float
    numerical: float
    error: float
    cause: str = "agrees"
    explanation: str = ""
    order: int = 1

    @property
    def difference(self) -> float:
        """Distance of both values, absolute."""
        return abs(self.automatic - self.numerical)

    @property
    def ratio(self) -> float:
        """Difference in error bars; inf where either is unknown."""
        if not (np.isfinite(self.difference) and np.isfinite(self.error)):
            return float("inf")
        return self.difference / self.error if self.error else (np.inf if self.difference else 0.0)

    @property
    def verdict(self) -> str:
        """Return "agrees", "wrong" or "inconclusive"."""
        if self.cause in ("wrong rule", "kink"):
            return "wrong"
        return "agrees" if self.cause == "agrees" else "inconclusive"

    @property
    def place(self) -> str:
        """The element as one would write it."""
        index = ", ".join(map(str, self.index))
        place = self.path + (f"[{index}]" if index else "")
        if self.part == "direction":
            return f"{place} along a direction"
        if self.part:
            place = f"{place} ({self.part} part)"
        return place if self.order == 1 else f"the derivative of the gradient at {place}"

    def __str__(self) -> str:
        text = (
            f"{self.place}: automatic {self.automatic:.10g}, numerical {self.numerical:.10g} "
            f"+- {self.error:.1e}, {self.ratio:.2g} error bars apart"
        )
        return f"{text}. {self.explanation}" if self.explanation else text


@dataclass(frozen=True)
class LeafCheck:
    """What was found in one leaf of the tree.

    Attributes
    ----------
    path : str
        The leaf.
    checked, wrong, inconclusive : int
        How many of its elements, or directions through it, were looked at and how they ended.
    largest : float
        The largest absolute automatic value among them.
    worst : ElementCheck
        The worst of them.
    """

    path: str
    checked: int
    wrong: int
    inconclusive: int
    largest: float
    worst: ElementCheck

    @property
    def verdict(self) -> str:
        """Return "agrees", "wrong" or "inconclusive"."""
        return "wrong" if self.wrong else "inconclusive" if self.inconclusive else "agrees"


def badness(element: ElementCheck) -> tuple[bool, bool, bool, float, float]:
    """Sort key: wrong ones first, single elements before directions, then by error bars."""
    exact = element.part != "direction"
    wrong = element.verdict == "wrong"
    return (
        wrong,
        element.verdict == "inconclusive",
        exact and wrong,
        element.ratio,
        element.difference,
    )


def group_by_leaf(elements: Iterable[ElementCheck]) -> tuple[LeafCheck, ...]:
    """One record for each leaf, in order."""
    groups: dict[str, list[ElementCheck]] = {}
    for element in elements:
        groups.setdefault(element.path, []).append(element)
    return tuple(
        LeafCheck(
            path,
            len(group),
            sum(element.verdict == "wrong" for element in group),
            sum(element.verdict == "inconclusive" for element in group),
            max(abs(element.automatic) for element in group),
            max(group, key=badness),
        )
        for path, group in groups.items()
    )
