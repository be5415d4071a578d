"""Which batch comes at which step of a training run, and where the log points are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.ranges import check_count

LOG_EVERY = 50  # steps between log points where an epoch has no known length
LOG_AT_LEAST = 10  # steps; a log point waits for the device


class Plan:
    """The steps of a run: iterates over (step, epoch, batch)."""

    def __init__(self, batches: Iterable[Tree], steps: int | None, log_every: int | None) -> None:
        check_batches(batches)
        steps = steps if steps is None else check_count("fit(steps)", steps, low=1)
        log_every = (
            log_every if log_every is None else check_count("fit(log_every)", log_every, low=1)
        )
        self.batches = batches
        length = count_batches(batches)
        self.per_epoch: int | None = getattr(batches, "per_epoch", length)
        self.steps = steps or length
        # what an earlier run has done counts for epochs and log points, so that they fall as if it
        # had not stopped
        self.before: int = getattr(batches, "first_step", 0)
        all_steps = self.before + self.steps if self.steps else None
        self.epochs = -(-all_steps // self.per_epoch) if all_steps and self.per_epoch else None
        epoch = self.per_epoch or LOG_EVERY
        self.log_every = log_every or epoch * -(-LOG_AT_LEAST // epoch)
        self.repeats = steps is not None and iter(batches) is not batches

    def is_log_point(self, step: int) -> bool:
        """Every ``log_every``-th step and the last one, where it is known."""
        return (self.before + step + 1) % self.log_every == 0 or step + 1 == self.steps

    def ending(self, done: int) -> str:
        """Say how a run ended that nobody stopped."""
        if self.steps is None or done == self.steps:
            return f"all {done} steps are done"
        return f"the batches ended after {done} of {self.steps} steps"

    def __iter__(self) -> Iterator[tuple[int, int, Tree]]:
        step = done = passes = 0
        while not passes or self.repeats:
            for batch in self.batches:
                epoch = (self.before + step) // self.per_epoch if self.per_epoch else passes
                yield step, epoch, batch
                step += 1
                if step == self.steps:
                    return
            if step == done:
                break
            done, passes = step, passes + 1
        if not step:
            message = "fit(batches): got no batch; expected at least one."
            raise ArgumentError(message)


def check_batches(batches: Any) -> None:
    """Refuse what is no iterable, and one batch that was given alone."""
    if isinstance(batches, Iterable) and not isinstance(batches, (Mapping, str, bytes)):
        return
    message = (
        f"fit(batches): got {describe(batches)}; expected an iterable of batches. Write [data] for "
        "one batch with everything in it, or training.batches(data, size)."
    )
    raise ArgumentError(message)


def count_batches(batches: Iterable[Tree]) -> int | None:
    """Count the batches of one pass, where that is possible."""
    try:
        return len(batches) or None  # type: ignore[arg-type]
    except TypeError:
        return None
