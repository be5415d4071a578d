"""What is kept for one kind of arguments: a path for each way that Python took."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from anygrad.backends import is_mutable
from anygrad.compiler.arguments import fill
from anygrad.compiler.donating import separated
from anygrad.compiler.paths import Path, make_path
from anygrad.compiler.targets import MISSED
from anygrad.compiler.targets.plain import copied

__all__ = ["Kind"]

PATHS = 16
"""Ways through the function that are kept for one kind of arguments."""
PAYS = 8
"""Replays for each recording from which on further ways are recorded, in place of old ones."""
STRIKES = 2
"""Recordings in a row that are of no use; once may be a cache that is filled."""


class Kind:
    """What is kept for one kind of arguments.

    Attributes
    ----------
    inputs : list of bool
        Which leaves of the arguments are inputs of the program; the others are static.
    held : dict
        Static arguments, by place.
    donated : frozenset of int
        Which inputs are donated.
    ints : tuple of int
        The leaves that are Python integers and inputs.
    eager : str
        Why there is nothing to replay; empty if there may be.
    refused : str
        Why the last call that was recorded is not replayed, if it is not.
    """

    def __init__(
        self,
        inputs: list[bool],
        held: dict[Any, Any],
        treedef: Any,
        donated: frozenset[int],
        key: Any = (),
        where: Any = (),
        ints: tuple[int, ...] = (),
    ):
        self.inputs, self.held, self.treedef = inputs, held, treedef
        self.donated, self.key, self.where, self.ints = donated, key, where, ints
        self.all_inputs = all(inputs)
        self.paths: list[Path] = []
        self.eager = self.refused = ""
        self.replays, self._recorded, self._strikes = 0, 0, 0
        self._lock = threading.Lock()

    def run(self, owner: Any, leaves: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Replay the path that holds; record a new one if none does."""
        given = leaves if self.all_inputs else self._inputs(leaves)
        if self.donated:
            given = separated(given, self.donated)
        paths, around, why = self.paths, None, ""
        for path in paths:
            surroundings = path.surroundings
            if surroundings is not around:
                around, why = surroundings, surroundings.changed()
            if why:
                continue
            try:
                out = (path.run or path.print())(*given)
            except Exception:  # the function may catch it, and go another way: it is asked itself
                if self.donated:  # results may lie in the memory of its arguments by now
                    raise
                out = MISSED
            if out is not MISSED:
                self.replays += 1
                if path is not paths[0]:
                    self._put_first(path)
                return path.rebuild(out)
        if self.eager:
            args, kw = fill(self.held, args, kw)
            return owner.function(*args, **kw)
        return self._record(owner, list(leaves), list(given), args, kw, why, paths)

    def find(self, leaves: Sequence[Any]) -> Path | None:
        """The path that these arguments take, if it is known."""
        given = self._inputs(self.spared(leaves))
        for path in self.paths:
            if not path.surroundings.changed() and path.print()(*given) is not MISSED:
                return path
        return None

    def spared(self, leaves: Sequence[Any]) -> list[Any]:
        """The leaves with copies of those that are donated, so that a run leaves them alone."""
        spared, number = list(leaves), -1
        for k, is_input in enumerate(self.inputs):
            number += is_input
            if is_input and number in self.donated and is_mutable(leaves[k]):
                spared[k] = copied(leaves[k])
        return spared

    def _inputs(self, leaves: Sequence[Any]) -> list[Any]:
        return [x for x, is_input in zip(leaves, self.inputs, strict=True) if is_input]

    def _put_first(self, path: Path) -> None:
        with self._lock:
            if path in self.paths:
                self.paths = [path, *[p for p in self.paths if p is not path]]

    def _record(
        self,
        owner: Any,
        leaves: list[Any],
        given: list[Any],
        args: Any,
        kw: Any,
        why: str,
        before: list[Path],
    ) -> Any:
        if len(before) >= PATHS and self.replays < PAYS * self._recorded:
            if self.ints:
                return self._again(owner, args, kw)
            self._give_up(owner, why)
            args, kw = fill(self.held, args, kw)
            return owner.function(*args, **kw)
        try:
            path, result, refused = make_path(owner.function, self, leaves, given, args, kw)
        except Exception:
            if not self.ints:
                raise
            return self._again(owner, args, kw)
        if path is not None:
            with self._lock:
                self._recorded += 1
                if self.paths is before or not _is_among(path, self.paths):
                    self.paths = [path, *self.paths][:PATHS]
                self._strikes = 0
        elif refused is not None:
            self.refused = refused.why
            self._strikes += 1
            if self._strikes >= STRIKES:
                self.eager = refused.why
                owner.warn(
                    refused.why,
                    f"{refused.why}, which a replay would not; it runs uncompiled. Pass what "
                    "changes in as an argument, random numbers too, and return what has changed."
                    if refused.repeats
                    else f"runs uncompiled: {refused.why}.",
                )
        return result

    def _again(self, owner: Any, args: Any, kw: Any) -> Any:
        """Run with every integer as a static one: a loop over range(n) is another one for each."""
        owner.pin(self)
        args, kw = fill(self.held, args, kw)
        return owner(*args, **kw)

    def _give_up(self, owner: Any, why: str) -> None:
        changed = f"{why} changes" if why else self._flips()
        with self._lock:
            self.paths = [p for p in self.paths if not p.surroundings.changed()]
        self.eager = f"it went {PATHS} different ways"
        owner.warn(
            "ways",
            f"went {PATHS} different ways for arguments of one kind, and is not compiled for "
            f"further ones; {changed}. Use array functions such as xp.where, or pass what changes "
            "as an argument.",
        )

    def _flips(self) -> str:
        """The line of a guard that differs between two paths, in words."""
        first, second = self.paths[0].program.guards, self.paths[1].program.guards
        for a, b in zip(first, second, strict=False):
            if repr(a.operands) != repr(b.operands) or a.line != b.line:
                line = a.line
                break
        else:
            line = next((node.line for node in (*first, *second) if node.line is not None), None)
        where = f" at {line.file}:{line.number}: {line.source}" if line is not None else ""
        return f"a value that Python decides by changes{where}"


def _is_among(path: Path, paths: list[Path]) -> bool:
    """Whether another thread has recorded the same meanwhile."""
    text = str(path.program)
    return any(str(other.program) == text and not other.surroundings.changed() for other in paths)
