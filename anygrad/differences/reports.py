"""What a check of gradients found, as records that read as sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anygrad.errors import GradientError

__all__ = ["ElementCheck", "GradientReport"]


@dataclass(frozen=True)
class ElementCheck:
    """One element of a gradient beside its numerical value.

    Attributes
    ----------
    path : str
        The leaf as one would write it, ``params['decoder']['w']``.
    index : tuple of int
        The element in its leaf.
    part : {"", "real", "imaginary"}
        Which part of a complex element.
    automatic, numerical : float
        The gradient that was checked, and the central difference.
    error : float
        The error bar: what truncation, rounding, a kink and ``rtol`` may explain.
    cause : str
        A sentence where the cause of a difference is known, else empty.
    resolved : bool
        Whether the error bar is small enough to tell a slope from another.
    """

    path: str
    index: tuple[int, ...]
    part: str
    automatic: float
    numerical: float
    error: float
    cause: str = ""
    resolved: bool = True

    @property
    def ratio(self) -> float:
        """Difference in error bars; above 1 is wrong, and so is inf."""
        return _ratio(abs(self.automatic - self.numerical), self.error)

    def __str__(self) -> str:
        index = ", ".join(map(str, self.index))
        place = self.path + (f"[{index}]" if index else "")
        place = f"{place} ({self.part} part)" if self.part else place
        text = (
            f"{place}: automatic {self.automatic:.10g}, numerical {self.numerical:.10g} "
            f"+- {self.error:.1e}, {self.ratio:.2g} error bars apart"
        )
        return f"{text}. {self.cause}" if self.cause else text


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found.

    Attributes
    ----------
    worst : ElementCheck or None
        The element with the largest difference in error bars, among the wrong ones, else the
        unresolved, else all; None if there is none.
    wrong, inconclusive, checked, total : int
        How many elements are outside their error bar, inside one that hides the slope, were looked
        at, and exist (complex ones count twice).
    kinks : int
        How many of those checked sit on a kink, where any slope between both sides passes.
    values : tuple of float
        f at the point, called several times.
    repeatable : bool
        Whether these are one value, to rounding.
    forward, reverse, mode_error : float or None
        The derivative along one direction by ``jvp``, by the gradient, and what rounding explains
        of their difference; None if the gradient was given or ``jvp`` lacks a rule.
    """

    worst: ElementCheck | None
    wrong: int
    inconclusive: int
    checked: int
    total: int
    kinks: int
    values: tuple[float, ...] = ()
    repeatable: bool = True
    forward: float | None = None
    reverse: float | None = None
    mode_error: float | None = None

    @property
    def verdict(self) -> str:
        """Return "agrees", "wrong" or "inconclusive"."""
        if not self.repeatable:
            return "inconclusive"
        if self.wrong or not self.modes_agree:
            return "wrong"
        return "inconclusive" if self.inconclusive else "agrees"

    @property
    def ok(self) -> bool:
        """Whether the verdict is "agrees"."""
        return self.verdict == "agrees"

    @property
    def modes_agree(self) -> bool:
        """Whether forward and reverse mode agree along the direction; true if not compared."""
        if self.forward is None or self.reverse is None or self.mode_error is None:
            return True
        return abs(self.forward - self.reverse) <= self.mode_error

    def __str__(self) -> str:
        if not self.repeatable:
            return (
                "f gives different values at the same point: "
                f"{', '.join(f'{value:.10g}' for value in self.values)}. Nothing can be said about "
                "its gradient. f may draw random numbers, or change data that it reads: fix the "
                "seed inside f, and let it copy what it changes."
            )
        lines = [] if self.modes_agree else [self._describe_modes()]
        lines.append(self._describe_elements())
        if self.worst is not None:
            lines.append(f"Worst is {self.worst}.".replace("..", "."))
        if self.kinks:
            lines.append(
                f"{self.kinks} of them sit on a kink of f, where any slope between the slopes of "
                "both sides passes."
            )
        return "\n".join(lines)

    def _describe_modes(self) -> str:
        return (
            "Forward and reverse mode disagree: along one direction jvp gives "
            f"{self.forward:.10g}, the gradient {self.reverse:.10g}. "
            "One of the two rules of an operation is wrong."
        )

    def _describe_elements(self) -> str:
        some = "" if self.checked == self.total else f" of {self.total}"
        scope = f"{self.checked}{some} elements"
        if self.wrong:
            return f"The gradient is wrong in {self.wrong} of the {scope} checked."
        if self.inconclusive:
            return (
                f"The check is inconclusive in {self.inconclusive} of the {scope} checked: the "
                "error bar is larger than the slope."
            )
        if not self.modes_agree:
            return f"The gradient lies within the error bars in the {scope}."
        return f"The gradient agrees with central differences in the {scope} checked."

    def raise_if_wrong(self) -> GradientReport:
        """Raise GradientError if the verdict is not "agrees", else return the report."""
        if not self.ok:
            raise GradientError(str(self))
        return self


def _ratio(difference: float, error: float) -> float:
    """Difference in units of the error; inf where either is unknown."""
    if not (np.isfinite(difference) and np.isfinite(error)):
        return float("inf")
    return difference / error
