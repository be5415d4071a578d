"""Callbacks of ``fit``: functions of a record that may stop the training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import NOT_NEGATIVE, check_count, check_number
from anygrad.recording.history import History
from anygrad.training.record import Record


@dataclass(frozen=True)
class Stop:
    """What a callback returns to end the training after this step; says why."""

    why: str = "a callback asked to stop"


STOP = Stop()

Callback = Callable[[Record], Any]


def every(n: int, callback: Callback) -> Callback:
    """Call ``callback`` at every n-th step only: after steps n - 1, 2n - 1, ...

    Parameters
    ----------
    n : int
        Number of steps between calls, >= 1.
    callback : callable
        Gets the record of the step; may return ``STOP``.

    Returns
    -------
    callable
        A callback.

    Raises
    ------
    ArgumentError
        If ``n`` is not a positive integer or ``callback`` can't be called.

    Examples
    --------
    >>> seen = []
    >>> callback = ag.training.every(10, lambda record: seen.append(record.step))
    """
    n = check_count("every(n)", n, low=1)
    if not callable(callback):
        message = f"every(callback): got {describe(callback)}; expected a callable of one record."
        raise ArgumentError(message)

    def call_at_nth(record: Record) -> Any:
        return callback(record) if (record.step + 1) % n == 0 else None

    return call_at_nth


def early_stopping(
    monitor: str = "loss",
    *,
    patience: int = 10,
    min_delta: float = 0.0,
    mode: str | None = None,
) -> "EarlyStopping":
    """Stop when a number has not improved for ``patience`` log points.

    It looks at the summary of the log points (by default one an epoch), whose numbers are on the
    host already, so it costs no transfer.

    Parameters
    ----------
    monitor : str
        Name of the number: "loss" (mean since the last log point) or a metric of yours.
    patience : int
        Log points without improvement before it stops, >= 1.
    min_delta : float
        A change counts as an improvement when it is larger than this, >= 0.
    mode : {"min", "max"}, optional
        Which direction is better. May be left out when the name holds "loss" or "error".

    Returns
    -------
    EarlyStopping
        A callback with ``best``, ``best_step`` and ``best_params``.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or ``monitor`` is no number of the summary.

    Examples
    --------
    >>> stopper = ag.training.early_stopping("accuracy", mode="max", patience=5)
    """
    if mode is None and ("loss" in monitor or "error" in monitor):
        mode = "min"
    if mode not in ("min", "max"):
        message = (
            f"early_stopping(mode): got {mode!r} for {monitor!r}; expected 'min' or 'max'. "
            "Say which direction is better."
        )
        raise ArgumentError(message)
    patience = check_count("early_stopping(patience)", patience, low=1)
    min_delta = check_number("early_stopping(min_delta)", min_delta, NOT_NEGATIVE)
    return EarlyStopping(monitor, patience, min_delta, mode)


class EarlyStopping:
    """The callback made by ``early_stopping``; remembers the best value and its parameters."""

    def __init__(self, monitor: str, patience: int, min_delta: float, mode: str) -> None:
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self._history: History | None = None
        self.forget()

    def forget(self) -> None:
        """Start afresh; happens by itself when the callback is used in another run."""
        self.best = math.inf if self.mode == "min" else -math.inf
        self.best_step: int | None = None
        self.best_params: Tree = None
        self._waited = 0

    def __call__(self, record: Record) -> Stop | None:
        """Compare at log points; return a ``Stop`` when patience is used up."""
        if record.summary is None:
            return None
        if record.history is not self._history:
            self.forget()
            self._history = record.history
        value = self._read(record)
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.min_delta:  # False for nan, which is never an improvement
            self.best, self.best_step, self.best_params = value, record.step, record.params
            self._waited = 0
            return None
        self._waited += 1
        if self._waited < self.patience:
            return None
        return Stop(
            f"{self.monitor} has not improved for {self._waited} log points "
            f"(best {self.best:.6g} at step {self.best_step})"
        )

    def _read(self, record: Record) -> float:
        names = [] if record.summary is None else list(record.summary)
        if record.summary is None or self.monitor not in record.summary:
            message = (
                f"early_stopping(monitor): got {self.monitor!r}; this run logs {', '.join(names)}. "
                f"{suggest(self.monitor, names)}"
            )
            raise ArgumentError(message.rstrip())
        return record.summary[self.monitor]
