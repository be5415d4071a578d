"""Keep the history of a run and, at log points, bring its numbers to the host and judge them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from anygrad import optimizers, trees
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, NonFiniteError, describe
from anygrad.recording.history import History, copied, to_floats
from anygrad.recording.progress import Display
from anygrad.training.monitor import Monitor, gradient_report
from anygrad.training.record import Record

NONFINITE = ("raise", "stop", "ignore")
COLUMNS = ("loss", "learning_rate", "gradient_norm")
LATEST = ("learning_rate", "gradient_norm")  # shown as they are now; the rest as means


class Log:
    """What one run of ``fit`` writes down."""

    def __init__(
        self,
        history: History,
        display: Display,
        monitor: Monitor | bool,
        nonfinite: str,
        evaluate: Callable[[Tree], Mapping[str, Any]] | None,
    ) -> None:
        if nonfinite not in NONFINITE:
            message = f"fit(nonfinite): got {nonfinite!r}; expected 'raise', 'stop' or 'ignore'."
            raise ArgumentError(message)
        if not isinstance(monitor, (Monitor, bool)):
            message = f"fit(monitor): got {describe(monitor)}; expected a Monitor, True or False."
            raise ArgumentError(message)
        self.history = history
        self.display = display
        self.monitor = Monitor() if monitor is True else monitor or None
        self.nonfinite = nonfinite
        self.evaluate = evaluate
        self.norm: Array | None = None
        self.since = len(history)  # first step after the last log point
        self.metrics: tuple[str, ...] = ()
        self.said: set[tuple[str, str]] = set()

    def watch(self, step: int, grads: Tree, params: Tree, state: Tree) -> None:
        """Look at the gradients of a log point, before the update."""
        if facts(state).norm is None:  # else the optimizer measures it at every step
            self.norm = trees.norm(grads)
        if self.monitor is None:
            return
        for finding in gradient_report(grads, params, monitor=self.monitor).findings:
            self.history.notes.append((step, str(finding)))
            if (finding.kind, finding.path) not in self.said:
                self.said.add((finding.kind, finding.path))
                self.display.say(f"step {step}: {finding}")

    def record(self, step: int, loss: Array, metrics: Mapping[str, Any], state: Tree) -> None:
        """Write one step down without waiting for the device."""
        self.metrics = tuple(metrics)
        info = facts(state)
        rate, norm = copied(info.learning_rate), copied(info.norm)
        norm = self.norm if norm is None else norm
        self.history.record(step, loss=loss, learning_rate=rate, gradient_norm=norm, **metrics)
        self.norm = None

    def summarise(self, record: Record, done: int) -> str:
        """Fill in ``record.summary`` and show it; return what is wrong with the losses, or ""."""
        if bad := self.check():
            return bad
        summary = {name: self.latest(name) for name in ("loss", *self.metrics)}
        if self.evaluate is not None:
            summary |= self.evaluated(self.evaluate, record)
        summary |= {name: self.latest(name) for name in LATEST if name in self.history}
        record.summary = summary
        self.since = len(self.history)
        self.display.log(done, record.epoch, summary)
        return ""

    def latest(self, name: str) -> float:
        """Mean over the steps since the last log point, or the last value."""
        values = self.history[name]
        if name in LATEST:
            return float(values[-1])
        return float(np.mean(values[self.since - len(self.history) :]))

    def evaluated(
        self, evaluate: Callable[[Tree], Mapping[str, Any]], record: Record
    ) -> dict[str, float]:
        """Run ``evaluate``, keep its metrics in the history and return them."""
        metrics = evaluate(record.params)
        check_metrics("evaluate", metrics, taken=("loss", *self.metrics))
        numbers = dict(zip(metrics, to_floats(list(metrics.values())), strict=True))
        self.history.record(record.step, **numbers)
        return numbers

    def check(self) -> str:
        """Deal with losses since the last log point that are inf or nan; waits for the device."""
        losses = self.history.losses[self.since :]
        bad = np.flatnonzero(~np.isfinite(losses))
        if self.nonfinite == "ignore" or not bad.size:
            return ""
        step = int(self.history.steps[self.since + bad[0]])
        text = f"the loss is {losses[bad[0]]} at step {step}"
        if self.nonfinite == "stop":
            return text
        before = (
            "" if not step else f" (before it {self.history.losses[self.since + bad[0] - 1]:.3g})"
        )
        message = (
            f"fit(loss): {text}{before}; expected a finite number. Lower the learning rate or clip "
            "the gradients; log_every=1 with monitor=True names the leaf where it begins."
        )
        raise NonFiniteError(message)


def facts(state: Tree) -> optimizers.Info:
    """What the state tells; nothing if it is no dict, which a transform of the user's may have."""
    return optimizers.info(state) if isinstance(state, dict) else optimizers.Info()


def check_metrics(argument: str, metrics: Any, taken: tuple[str, ...] = ()) -> None:
    """Refuse metrics that are no dict, or whose names are taken."""
    if not isinstance(metrics, Mapping) or not all(isinstance(name, str) for name in metrics):
        message = (
            f"fit({argument}): gave {describe(metrics)}; expected a dict of names to 0-d arrays."
        )
        raise ArgumentError(message)
    for name in metrics:
        if name in (*COLUMNS, *taken):
            message = f"fit({argument}): the metric name {name!r} is taken. Choose another."
            raise ArgumentError(message)
