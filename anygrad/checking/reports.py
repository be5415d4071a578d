"""What a check of gradients found, as a record that reads as sentences."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anygrad.checking.elements import ElementCheck, LeafCheck, badness, group_by_leaf
from anygrad.checking.modes import ModeCheck
from anygrad.checking.operations import OperationCheck
from anygrad.checking.tables import as_html, as_text
from anygrad.errors import GradientError

__all__ = ["GradientReport"]


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; printed, it reads as sentences and a table.

    Attributes
    ----------
    elements : tuple of ElementCheck
        What was compared: single elements, or directions through all of a leaf, or through all of
        the point.
    second : tuple of ElementCheck
        With ``order=2``: derivatives of elements of the gradient along random directions.
    total : int
        How many elements the point has; complex ones count twice.
    values : tuple of float
        f at the point, called several times.
    repeatable : bool
        Whether these are one value, to rounding.
    modes : ModeCheck or None
        The derivative along one direction by ``jvp`` (``forward``) and by the gradient
        (``reverse``); None if they were not compared.
    forward_is_wrong : bool
        Whether differences say that it is forward mode which is wrong.
    operation : OperationCheck or None
        The first operation whose own derivative is wrong.
    about_operations : str
        A sentence on what replaying the operations showed; empty where that was not tried.
    """

    elements: tuple[ElementCheck, ...]
    total: int
    values: tuple[float, ...] = ()
    repeatable: bool = True
    second: tuple[ElementCheck, ...] = ()
    modes: ModeCheck | None = None
    forward_is_wrong: bool = False
    operation: OperationCheck | None = None
    about_operations: str = ""
    draw: Callable[[ElementCheck, Any], Any] | None = field(default=None, repr=False, compare=False)

    # Verdicts

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
        return self.modes is None or self.modes.agree

    @property
    def cause(self) -> str:
        """What the verdict rests on: "agrees", or the cause of the worst element."""
        if not self.repeatable:
            return "not repeatable"
        if self.worst is not None and self.worst.cause != "agrees":
            return self.worst.cause
        return "agrees" if self.ok else "wrong rule"

    @property
    def worst(self) -> ElementCheck | None:
        """The element with the largest difference in error bars; wrong ones first.

        None if there is none.
        """
        return max((*self.elements, *self.second), key=badness, default=None)

    # Counts

    @property
    def singles(self) -> tuple[ElementCheck, ...]:
        """The single elements that were looked at."""
        return tuple(element for element in self.elements if element.part != "direction")

    @property
    def along(self) -> tuple[ElementCheck, ...]:
        """The directions that were looked at."""
        return tuple(element for element in self.elements if element.part == "direction")

    @property
    def checked(self) -> int:
        """How many single elements were looked at."""
        return len(self.singles)

    @property
    def directions(self) -> int:
        """How many directions were looked at."""
        return len(self.along)

    @property
    def wrong(self) -> int:
        """How many elements and directions are outside their error."""
        return sum(e.verdict == "wrong" for e in (*self.elements, *self.second))

    @property
    def inconclusive(self) -> int:
        """How many have an error that hides the slope."""
        return sum(e.verdict == "inconclusive" for e in (*self.elements, *self.second))

    @property
    def kinks(self) -> int:
        """How many sit on a kink, where any slope between those of both sides passes."""
        return sum("kink here" in element.explanation for element in self.elements)

    @property
    def leaves(self) -> tuple[LeafCheck, ...]:
        """What was found in each leaf."""
        return group_by_leaf(self.elements)

    # Words and pictures

    def __str__(self) -> str:
        leaves = self.leaves if self.repeatable else ()
        sentences = self._sentences()
        return f"{sentences}\n\n{as_text(leaves)}" if len(leaves) > 1 else sentences

    def _repr_html_(self) -> str:
        return as_html(self._sentences(), self.verdict, self.leaves if self.repeatable else ())

    def _sentences(self) -> str:
        if not self.repeatable:
            return (
                "f gives different values at the same point: "
                f"{', '.join(f'{value:.10g}' for value in self.values)}. Nothing can be said about "
                "its gradient. f may draw random numbers, or change data that it reads: fix the "
                "seed inside f, and let it copy what it changes."
            )
        lines = [] if self.modes_agree else [self._describe_modes()]
        lines.append(self._describe_elements())
        if self.second:
            lines.append(self._describe_second())
        if self.worst is not None:
            lines.append(f"Worst is {self.worst}.".replace("..", "."))
        if self.kinks:
            lines.append(
                f"{self.kinks} of them sit on a kink of f, where any slope between the slopes of "
                "both sides passes."
            )
        return "\n".join([*lines, self.about_operations] if self.about_operations else lines)

    def _describe_modes(self) -> str:
        assert self.modes is not None
        which = "One of the two rules of an operation is wrong."
        if self.forward_is_wrong:
            which = "Differences agree with the gradient: forward mode is wrong."
        return (
            "Forward and reverse mode disagree: along one direction jvp gives "
            f"{self.modes.forward:.10g}, the gradient {self.modes.reverse:.10g}. {which}"
        )

    def _describe_elements(self) -> str:
        wrong, unclear = self._count("wrong"), self._count("inconclusive")
        if wrong:
            found = "; halving one leads to the element below" if self._is_narrowed else ""
            return f"The gradient is wrong in {wrong} checked{found}."
        if unclear:
            return (
                f"The check is inconclusive in {unclear} checked: the error bar is larger than the "
                "slope."
            )
        if not self.modes_agree:
            return f"The gradient lies within the error bars in the {self._count('')} checked."
        return f"The gradient agrees with differences in the {self._count('')} checked."

    @property
    def _is_narrowed(self) -> bool:
        return self.directions > 0 and self.checked == 1 < self.total

    def _count(self, verdict: str) -> str:
        """How many elements and directions ended so, of how many; without a verdict all."""
        parts = []
        some = "" if self.checked == self.total else f" of {self.total}"
        for group, name in ((self.singles, f"{self.checked}{some} elements"), (self.along, "")):
            count = sum(element.verdict == verdict for element in group)
            name = name or f"{len(group)} direction{'s' * (len(group) > 1)}"
            left_out = self._is_narrowed and group != self.along
            if group and not left_out and (count or not verdict):
                parts.append(f"{count} of the {name}" if verdict else name)
        return " and ".join(parts) or ("0 elements" if not verdict else "")

    def _describe_second(self) -> str:
        wrong = sum(e.verdict == "wrong" for e in self.second)
        unclear = sum(e.verdict == "inconclusive" for e in self.second)
        if wrong:
            return f"Second derivatives are wrong in {wrong} of {len(self.second)} elements."
        if unclear:
            return f"Second derivatives are unclear in {unclear} of {len(self.second)} elements."
        return f"Second derivatives agree in {len(self.second)} elements, each along a direction."

    def raise_if_wrong(self) -> GradientReport:
        """Raise GradientError if the verdict is not "agrees", else return the report."""
        if not self.ok:
            raise GradientError(str(self))
        return self

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the error against the step for the worst element or direction.

        Calls f some 500 times: the differences of several methods over 16 powers of ten of the
        step, less the automatic value.

        Parameters
        ----------
        path : path, optional
            Where to write the picture; the suffix says the format.

        Returns
        -------
        matplotlib.figure.Figure
            The picture; pyplot knows nothing of it.

        Raises
        ------
        GradientError
            If nothing was compared, or f is not repeatable.
        MissingPackageError
            If matplotlib is not installed.
        """
        first = max(self.elements, key=badness, default=None)
        if first is None or self.draw is None or not self.repeatable:
            raise GradientError("plot: nothing was compared, so there is no error to draw.")
        return self.draw(first, path)
