"""Checking every value as it is made, forward and backward, for nan and inf.

A level that is *watched* has every operation carried out by its watch. A watched tape gives its
values the class without quick ways, so that nothing goes by; a level without a watch pays nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from anygrad.config import settings
from anygrad.ops import Row
from anygrad.tracing.findings import Part, components, error_of, find
from anygrad.tracing.frames import Line, users_line
from anygrad.tracing.level import LIFTED, Level


class Step(NamedTuple):
    """One operation as it was carried out: its operands, seen from below, and the user's line."""

    row: Row
    args: tuple[Any, ...]
    line: Line | None
    origins: tuple[str, ...] = ()
    within: str = ""
    phase: str = "forward"

    @property
    def by_element(self) -> bool:
        """Whether each element of the result is made from those at the same place."""
        return self.row.family.name == "elementwise"

    @property
    def is_call(self) -> bool:
        """Whether it is a function with a rule of its own: what it does inside is user's code."""
        return self.row.constant


DOING: ContextVar[Step | None] = ContextVar("anygrad_doing", default=None)
"""The operation that other ones are carried out for at this moment: they are not the user's."""


@contextlib.contextmanager
def _doing(step: Step) -> Iterator[None]:
    """Mark what runs inside as parts of an operation; NumPy's warnings would only repeat us."""
    token = DOING.set(None if step.is_call else step)
    quiet = contextlib.nullcontext() if step.is_call else np.errstate(all="ignore")
    try:
        with quiet:
            yield
    finally:
        DOING.reset(token)


class Checks:
    """The watch of one level: looks at every result, and remembers where it was made."""

    __slots__ = ("infinities", "steps")

    def __init__(self, infinities: bool) -> None:
        self.infinities = infinities
        self.steps: dict[Any, Step] = {}  # of a tape, by node

    def step(self, level: Level, row: Row, args: Any, kw: Any, run: Callable[[], Any]) -> Any:
        """Carry out one operation of a level, and look at what it gives."""
        outer = DOING.get()
        step = self._begin(level, row, args, outer)
        if outer is not None:  # what it is done for is looked at as a whole
            y = run()
            self._remember(level, y, step)
            return y
        with _doing(step):
            y = run()
        self._remember(level, y, step)
        for r in y if isinstance(y, list) else [y]:
            self._look(args, r, step)
        return y

    def _begin(self, level: Level, row: Row, args: Any, outer: Step | None) -> Step:
        lowered = tuple([a if level.maps else level.lower(a) for a in args])
        if outer is None:
            origins = tuple([self._origin(level, a) for a in args])
            return Step(row, lowered, users_line(), origins)
        within = outer.within
        if outer.phase == "backward":
            within = f"the backward pass of {outer.row.name}"
        elif outer.row is not row:
            within = outer.row.name
        return Step(row, lowered, outer.line, (), within)

    def _origin(self, level: Level, a: Any) -> str:
        if type(a) not in LIFTED:
            return "a constant"
        if a.t is level and level.identity(a) not in self.steps:
            return f"an input of {level.origin}"
        return "a value from outside"

    def _remember(self, level: Level, y: Any, step: Step) -> None:
        for r in y if isinstance(y, list) else [y]:
            if type(r) in LIFTED and r.t is level and type(r.i) is int:
                self.steps[r.i] = step

    def _look(self, args: Any, r: Any, step: Step) -> None:
        origins = step.origins or ("",) * len(args)
        parts = [
            part
            for k, (a, origin) in enumerate(zip(args, origins, strict=True))
            for part in components(f"operand {k}", a, origin)
        ]
        self._check_all(step, "the result", r, parts)

    def _check_all(self, step: Step, what: str, value: Any, parts: list[Part]) -> None:
        """Look at a value and at the tangents that it carries."""
        for part in components(what, value):
            phase = step.phase if part.label == what else f"{step.phase}, tangent"
            self._check(step, phase, part, parts)

    def _check(self, step: Step, phase: str, value: Part, parts: list[Part]) -> None:
        found = find(value, parts, step.by_element, self.infinities)
        if found is None:
            return
        name = step.row.name
        if step.line is not None and step.line.inside not in ("", name):
            name = f"{name} in {step.line.inside}"
        note = f", in {step.within}" if step.within else ""
        raise error_of(f"{name} ({phase})", value, found, step.line, note)

    def check_seeds(self, cotangents: tuple[Any, ...]) -> None:
        """Look at the cotangents that a walk starts with."""
        for g in cotangents:
            for part in components("the cotangent", g):
                found = find(part, [], False, self.infinities)
                if found is not None:
                    raise error_of("pullback(cotangent)", part, found, None, "")

    def pull(self, xp: Any, cot: list, entry: tuple) -> None:
        """Pull one entry back, and look at what it adds to each operand by itself."""
        pull, row, i, operands, values, y, extra = entry
        g = cot[i]
        if g is None:
            return
        cot[i] = None
        step = self.steps.get(i) or Step(row, (), None)
        if row.constant and type(operands) is int:  # one result of a call, put to the others
            self.steps.setdefault(operands, step)
            pull(xp, cot, g, operands, values, y, extra)
            return
        nodes = operands if type(operands) is tuple else (operands,)
        before = {k: cot[k] for k in nodes if k >= 0}
        for k in before:
            cot[k] = None
            cot[-1].discard(k)
        back = step._replace(phase="backward")
        with _doing(back):
            pull(xp, cot, g, operands, values, y, extra)
            for k, earlier in before.items():
                if cot[k] is not None:
                    self._look_back(back, nodes, k, cot[k], g)
                    if earlier is not None:
                        cot[k] = self._sum(back, earlier, cot[k])
                else:
                    cot[k] = earlier

    def _look_back(self, step: Step, nodes: tuple[int, ...], k: int, part: Any, g: Any) -> None:
        named = [n for n, node in enumerate(nodes) if node == k] if step.args else []
        what = "the cotangent of " + (" and ".join(f"operand {n}" for n in named) or "an operand")
        parts = [p for n, a in enumerate(step.args) for p in components(f"operand {n}", a)]
        for cotangent in g if isinstance(g, list) else [g]:
            parts += components("the cotangent of the result", cotangent)
        self._check_all(step, what, part, parts)

    def _sum(self, step: Step, earlier: Any, part: Any) -> Any:
        total = earlier + part
        parts = [*components("one", earlier), *components("the other", part)]
        self._check_all(step, "a sum of two cotangents", total, parts)
        return total


def new_watch() -> Checks | None:
    """The watch that the settings ask for, for one level."""
    mode = settings().debug_nans
    return None if mode == "off" else Checks(mode == "all")
