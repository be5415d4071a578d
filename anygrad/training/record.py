"""The record a callback gets after each step."""

from collections.abc import Mapping

from anygrad.backends.types import Array, Tree
from anygrad.recording.history import History


class Record:
    """One step of ``fit``, as a callback sees it; valid during the callback's call.

    Attributes
    ----------
    step, epoch : int
        Counted from 0; an epoch is one pass over the batches.
    loss : array, shape ()
        Loss of this step's batch before the update; on the device. Reading it (``float``) waits.
    summary : dict of str to float, or None
        At a log point the numbers shown in the progress line, already on the host: mean loss since
        the last log point, learning rate, gradient norm, metrics. None at all other steps.
    history : History
        Everything recorded so far; reading a column waits for the device. The one that ``fit``
        returns, and goes on writing to: keep it to have it after an exception.
    """

    def __init__(
        self,
        step: int,
        epoch: int,
        loss: Array,
        params: Tree,
        state: Tree,
        history: History,
    ) -> None:
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.summary: Mapping[str, float] | None = None
        self.history = history
        self.taken = False
        self._params = params
        self._state = state

    # fit updates its own copies in place. Handing them out makes the next step write to new arrays,
    # so a callback may simply keep what it got.
    @property
    def params(self) -> Tree:
        """Parameters after this step's update; yours to keep, later steps leave them alone."""
        self.taken = True
        return self._params

    @property
    def state(self) -> Tree:
        """Optimizer state after this step's update; yours to keep."""
        self.taken = True
        return self._state
