"""Why a solver ended: one number and one sentence for each reason."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Status"]


class Status(IntEnum):
    """The reason for which a solver ended; 0 and 1 mean what they mean in SciPy.

    Examples
    --------
    >>> from anygrad.solvers import Status
    >>> int(Status.MAX_STEPS), Status.MAX_STEPS.sentence
    (1, 'The largest number of steps was reached; the best point so far is returned.')
    """

    CONVERGED = 0
    MAX_STEPS = 1
    STAGNATED = 2
    NONFINITE = 3
    WRONG_GRADIENT = 4
    UNBOUNDED = 5
    MAX_EVALUATIONS = 6
    INFEASIBLE = 7
    SINGULAR = 8
    STOPPED = 99

    @property
    def sentence(self) -> str:
        """What to tell the user, where the solver has nothing more precise to say."""
        return SENTENCES[self]


SENTENCES = {
    Status.CONVERGED: "The solver converged.",
    Status.MAX_STEPS: (
        "The largest number of steps was reached; the best point so far is returned."
    ),
    Status.STAGNATED: (
        "No better point was found along the last direction, although the gradient is not small; "
        "the function may be noisy, not smooth, or badly scaled."
    ),
    Status.NONFINITE: (
        "The function or its gradient is not finite, at the start or wherever the solver went on "
        "from the best point."
    ),
    Status.WRONG_GRADIENT: (
        "The gradient disagrees with the values of the function. Check it with "
        "ag.check_gradients(f, x)."
    ),
    Status.UNBOUNDED: (
        "The function seems to be unbounded below: its value left the range where it can have a "
        "minimum."
    ),
    Status.MAX_EVALUATIONS: (
        "The largest number of evaluations was reached; the best point so far is returned."
    ),
    Status.INFEASIBLE: "The constraints could not be met; the best point so far violates them.",
    Status.SINGULAR: "A linear system of the solver has no unique solution.",
    Status.STOPPED: "The callback asked to stop.",
}
