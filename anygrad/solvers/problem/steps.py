"""What every method is: something that goes from a point to a better one, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status


@dataclass(slots=True)
class Step:
    """The outcome of one iteration.

    Attributes
    ----------
    point : Point or None
        Where it led; None where no better point was found.
    length : float
        Step length or radius of the trust region, for the history.
    status : Status or None
        Why the method ends here; None to go on.
    message : str
        A sentence more precise than that of the status, or "".
    """

    point: Point | None
    length: float = 0.0
    status: Status | None = None
    message: str = ""


class Stepper(Protocol):
    """A method at work on one problem; it may keep what it learned."""

    def step(self, point: Point) -> Step:
        """Go on from a point. It need not be lower than the last one for every method."""
        ...


class Method(Protocol):
    """A record of options that can start to work on a problem; factories make one.

    Attributes
    ----------
    name : str
        For messages and the history.
    max_steps : int
        Steps allowed where the user gives no number, for ``n`` variables: `steps_for`.
    """

    @property
    def name(self) -> str:
        """What the method is called."""
        ...

    def start(self, objective: Objective, point: Point) -> Stepper:
        """Begin at a point that was evaluated."""
        ...
