"""A line now and then on a run that takes long."""

from __future__ import annotations

import sys
import time

from anygrad.recording.progress import resolve, short
from anygrad.solvers.problem.objective import Point

QUIET = 2.0  # seconds before the first line, unless progress is "on"
PAUSE = 2.0  # seconds between lines


class Watch:
    """Prints where a run stands on stderr, never more often than every ``PAUSE`` seconds."""

    def __init__(self, where: str, name: str, progress: str | bool | None) -> None:
        choice = resolve(progress, where)
        self.name = name
        self.on = choice == "on" or (choice == "auto" and sys.stderr.isatty())
        self.next = time.monotonic() + (0.0 if choice == "on" else QUIET)

    def show(self, nit: int, point: Point, evaluations: int) -> None:
        """Print a line, if it is time for one."""
        if not self.on:
            return
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + PAUSE
        print(
            f"{self.name}  step {nit}  f {short(point.f)}  gradient {short(point.peak)}  "
            f"evaluations {evaluations}",
            file=sys.stderr,
            flush=True,
        )
