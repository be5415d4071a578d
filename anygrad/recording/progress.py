"""Show how a run goes: a bar in a terminal, plain lines elsewhere, both on stderr."""

import math
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Protocol, Self

from anygrad.config import settings
from anygrad.errors import ArgumentError

CHOICES = ("auto", "on", "off")
REFRESH = 0.05  # seconds between redraws; a redraw costs more than a small training step
AUTO_LINES = 20  # plain lines in a run, unless progress is "on"
NARROW = 110  # columns below which the bar uses the short names
SHORT = {"gradient_norm": "|g|", "learning_rate": "rate"}


class Display(Protocol):
    """What ``fit`` tells about itself; used as a with-block."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def advance(self, done: int) -> None:
        """Hear that ``done`` steps are finished."""

    def log(self, done: int, epoch: int, summary: Mapping[str, float]) -> None:
        """Show the numbers of a log point."""

    def say(self, text: str) -> None:
        """Print a sentence."""


def make_display(
    choice: str | bool | None, total: int | None, epochs: int | None, log_every: int
) -> Display:
    """Choose the display: ``choice`` as in ``fit``, ``total`` steps where known."""
    choice = resolve(choice)
    if choice == "off":
        return Silence()
    if sys.stderr.isatty():
        try:
            import rich.progress  # noqa: F401
        except ImportError:
            pass
        else:
            return Bar(total, epochs)
    points = total / log_every if total else AUTO_LINES
    return Lines(total, epochs, 1 if choice == "on" else max(1, math.ceil(points / AUTO_LINES)))


def resolve(choice: str | bool | None, where: str = "fit") -> str:
    """Turn the argument of the function ``where`` into a choice; None asks the settings."""
    if choice is None:
        choice = settings().progress
    if isinstance(choice, bool):
        choice = "on" if choice else "off"
    if choice not in CHOICES:
        message = f"{where}(progress): got {choice!r}; expected True, False, 'auto', 'on' or 'off'."
        raise ArgumentError(message)
    return choice


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to close."""

    def advance(self, done: int) -> None:
        """Stay silent."""

    def log(self, done: int, epoch: int, summary: Mapping[str, float]) -> None:
        """Stay silent."""

    def say(self, text: str) -> None:
        """Stay silent."""


class Lines(Silence):
    """One plain line for every ``spacing``-th log point and for the last one."""

    def __init__(self, total: int | None, epochs: int | None, spacing: int) -> None:
        self.total = total
        self.epochs = epochs
        self.spacing = spacing
        self.points = 0
        self.start = time.monotonic()

    def log(self, done: int, epoch: int, summary: Mapping[str, float]) -> None:
        """Print where the run stands."""
        self.points += 1
        if self.points % self.spacing and done != self.total:
            return
        parts = [count("step", done, self.total)]
        if (
            self.total is None or self.epochs != self.total
        ):  # with one step an epoch it would say the same
            parts.insert(0, count("epoch", epoch + 1, self.epochs))
        parts += [f"{words(name)} {short(value)}" for name, value in summary.items()]
        if self.total:
            left = (time.monotonic() - self.start) * (self.total - done) / done
            parts.append(f"{left:.0f} s left" if done < self.total else "done")
        self.say("  ".join(parts))

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


class Bar:
    """A rich progress bar with the newest numbers beside it."""

    def __init__(self, total: int | None, epochs: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self.epochs = epochs
        self.narrow = console.width < NARROW
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16 if self.narrow else 32),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
        )
        self.task = self.bar.add_task("training", total=total, numbers="")
        self.drawn = 0.0
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        self.stack.enter_context(self.bar)
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the finished bar on the screen."""
        self.stack.close()

    def advance(self, done: int) -> None:
        """Move the bar, at most every ``REFRESH`` seconds."""
        now = time.monotonic()
        if now - self.drawn >= REFRESH:
            self.drawn = now
            self.bar.update(self.task, completed=done)

    def log(self, done: int, epoch: int, summary: Mapping[str, float]) -> None:
        """Move the bar and replace the numbers."""
        names = {name: SHORT.get(name, name) if self.narrow else words(name) for name in summary}
        numbers = "  ".join(f"{names[name]} {short(value)}" for name, value in summary.items())
        description = count("epoch", epoch + 1, self.epochs)
        self.bar.update(self.task, completed=done, description=description, numbers=numbers)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(text, markup=False, highlight=False)


def count(what: str, done: int, total: int | None) -> str:
    """Format ``step 3/40``, or ``step 3`` when the end is unknown."""
    return f"{what} {done:{len(str(total))}d}/{total}" if total else f"{what} {done}"


def words(name: str) -> str:
    """Turn a column name into words."""
    return name.replace("_", " ")


def short(value: Any) -> str:
    """Four digits, always as wide as before, so that the lines stay in columns."""
    size = abs(value)
    return f"{value:.4f}" if size == 0 or 1e-2 <= size < 1e3 else f"{value:.1e}".rjust(6)
