"""The first operation of a program whose own derivative is wrong.

The function is traced once more with a watch that carries out each operation and then looks at it
by itself: as a function of its own operands, its pullback and its pushforward along a random
direction are compared with differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import jvp, vjp
from anygrad.autodiff.inputs import name_of
from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.checking.judging import BARS, HIDES
from anygrad.checking.subjects import Subject
from anygrad.differences.directional import directional
from anygrad.errors import AnygradError
from anygrad.ops import ROWS, Row
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, Tape, bind, unbuffered
from anygrad.tracing.frames import Line, users_line

__all__ = ["OperationCheck", "Replay", "find_wrong_operation"]

LIMIT = 1000
"""Operations that are looked at."""


@dataclass(frozen=True)
class OperationCheck:
    """An operation whose derivative, taken by itself at the operands that it had, is wrong.

    Attributes
    ----------
    name : str
        The operation, as `ag.trace` names it.
    number : int
        Which of the operations of the program, counted from 0.
    line : Line or None
        ``file``, ``number``, ``function`` and ``source`` of the user's line.
    wrong : {"reverse", "forward", "both"}
        The mode in which it is wrong.
    operand : int
        The operand by which it is.
    reverse, forward, numerical, error : float
        The derivative along one direction in that operand, and what differences allow; nan for a
        mode that has no rule.
    """

    name: str
    number: int
    line: Line | None
    wrong: str
    operand: int
    reverse: float
    forward: float
    numerical: float
    error: float

    def __str__(self) -> str:
        modes = {
            "both": "in both modes",
            "reverse": "in reverse mode",
            "forward": "in forward mode",
        }
        text = (
            f"The first operation whose own derivative is wrong is {self.name} "
            f"({modes[self.wrong]}, by operand {self.operand}): along one direction reverse mode "
            f"gives {self.reverse:.10g}, forward mode {self.forward:.10g}, differences "
            f"{self.numerical:.10g} +- {self.error:.1e}."
        )
        return text if self.line is None else f"{text}\n{self.line}"


@dataclass(frozen=True)
class Replay:
    """How the search ended: with an operation, or a sentence that says why there is none."""

    operation: OperationCheck | None
    sentence: str


def find_wrong_operation(subject: Subject, rtol: float) -> Replay:
    """Look at the operations of the program one after the other, until one is wrong."""
    tape = Tape()
    tape.origin = f"{subject.where}({name_of(subject.f)})"
    watch = tape.watch = _Watch(rtol, tape.watch)
    leaves, treedef = trees.flatten(subject.coordinates.copy_tree())
    traced = trees.unflatten(treedef, [tape.variable(leaf) for leaf in leaves])
    try:
        subject.differentiated(traced)
        tape.close()
    except _Found as found:
        return Replay(found.operation, str(found.operation))
    except _Enough:
        return Replay(None, f"Its first {LIMIT} operations are right by themselves.")
    except Exception as error:  # whatever f raises when it is traced
        return Replay(None, f"Its operations cannot be replayed: {type(error).__name__}: {error}")
    if watch.skipped:
        names = ", ".join(dict.fromkeys(watch.skipped))
        return Replay(
            None,
            f"{watch.right} of its {watch.count} operations are right by themselves; nothing can "
            f"be said of {names}, whose slopes differences do not resolve at these operands.",
        )
    return Replay(
        None,
        f"Each of its {watch.count} operations is right by itself: a derivative is lost between "
        "them (ag.stop_gradient, ag.value, a constant computed from x), or f runs in another way "
        "when it is traced.",
    )


class _Found(Exception):
    """Ends the tracing when an operation is wrong."""

    def __init__(self, operation: OperationCheck) -> None:
        super().__init__()
        self.operation = operation


class _Enough(Exception):
    """Ends the tracing after many operations."""


class _Watch:
    """The watch of a tape that looks at every operation; an ``inner`` one may check it as well."""

    def __init__(self, rtol: float, inner: Any) -> None:
        self.rtol, self.inner = rtol, inner
        self.count = self.right = 0
        self.skipped: list[str] = []

    def step(self, level: Any, row: Row, args: Any, kw: Any, run: Callable[[], Any]) -> Any:
        """Carry out one operation and compare its derivative with differences."""
        args = [unbuffered(a) for a in args]
        mine = [k for k, a in enumerate(args) if type(a) in LIFTED and a.t is level]
        operands = [level.lower(a) for a in args]
        y = run() if self.inner is None else self.inner.step(level, row, args, kw, run)
        if mine and not (row.constant and _is_in_table(row)):
            if self.count >= LIMIT:
                raise _Enough
            self._look(row, operands, mine, kw)
        return y

    def _look(self, row: Row, operands: list[Any], mine: list[int], kw: dict) -> None:
        number, self.count = self.count, self.count + 1
        line = users_line()
        function = _as_function(row, operands, kw)
        try:
            verdicts = [(k, _compare(function, operands, k, self.rtol)) for k in mine]
        except (AnygradError, TypeError, ValueError, ArithmeticError):
            self.skipped.append(row.name)
            return
        for k, verdict in verdicts:
            if verdict is not None and verdict.wrong:
                found = (verdict.reverse, verdict.forward, verdict.numerical, verdict.error)
                operation = OperationCheck(row.name, number, line, verdict.wrong, k, *found)
                raise _Found(operation)
        if any(verdict is None for _, verdict in verdicts):
            self.skipped.append(row.name)
        else:
            self.right += 1


def _is_in_table(row: Row) -> bool:
    """Whether a row is an operation, and no function with rules of its own."""
    return ROWS.get(row.name) is row


def _as_function(row: Row, operands: list[Any], kw: dict) -> Callable[[int], Callable[..., Any]]:
    """The operation as a function of one of its operands."""

    def of_operand(k: int) -> Callable[..., Any]:
        def run(x: Any) -> Any:
            args = tuple([x if i == k else a for i, a in enumerate(operands)])
            if _is_in_table(row):
                return bind(row, args, kw)
            assert row.run is not None  # of a function with rules of its own
            return row.run(None)(*args)

        return run

    return of_operand


@dataclass(frozen=True)
class _Verdict:
    reverse: float
    forward: float
    numerical: float
    error: float
    wrong: str


def _compare(
    function: Callable[[int], Callable[..., Any]], operands: list[Any], k: int, rtol: float
) -> _Verdict | None:
    """One operand: both modes beside the ladder; None where differences tell nothing."""
    run, x = function(k), operands[k]
    x = np.asarray(x) if isinstance(x, float | complex) else x
    rng = np.random.default_rng(7)
    value, pullback = vjp(run, x)
    outputs = value if isinstance(value, list | tuple) else [value]
    cotangents = [_draw(rng, y) for y in outputs]
    v = _draw(rng, x)
    (gradient,) = pullback(cotangents if isinstance(value, list) else cotangents[0])
    reverse = _inner(v, gradient)
    try:
        _, tangent = jvp(run, (x,), (v,))
        tangents = tangent if isinstance(tangent, list | tuple) else [tangent]
        forward = sum(map(_inner, cotangents, tangents))
    except AnygradError:
        forward = float("nan")

    def contracted(x: Any) -> float:
        y = run(x)
        return sum(map(_inner, cotangents, y if isinstance(y, list | tuple) else [y]))

    found = directional(contracted, x, v, evaluate="loop", full_output=True)
    numerical, bar = (float(np.asarray(to_host(part))) for part in (found.value, found.error))
    flags = found.flags
    parts = np.asarray(to_host(gradient)) * np.conj(np.asarray(to_host(v)))
    scale = float(np.sqrt(np.sum(np.abs(parts) ** 2)))
    error = BARS * bar + rtol * max(scale, abs(numerical))
    doubtful = any(bool(np.any(to_host(f))) for f in (flags.kink, flags.singular, flags.one_sided))
    if (
        doubtful
        or not np.isfinite(error)
        or error > HIDES * max(scale, abs(numerical), abs(reverse))
    ):
        same = bool(abs(reverse - numerical) <= error < np.inf)
        return _Verdict(reverse, forward, numerical, error, "") if same else None
    bad = [not abs(reverse - numerical) <= error]
    bad.append(not np.isnan(forward) and not abs(forward - numerical) <= error)
    wrong = {(True, True): "both", (True, False): "reverse", (False, True): "forward"}
    return _Verdict(reverse, forward, numerical, error, wrong.get((bad[0], bad[1]), ""))


def _draw(rng: np.random.Generator, x: Any) -> Any:
    """An array like ``x`` with parts of either sign, from 1/2 to 1."""
    shape = tuple(x.shape)

    def one() -> Any:
        return rng.uniform(0.5, 1.0, shape) * rng.choice((-1.0, 1.0), shape)

    values = one() + 1j * one() if kind_of(x.dtype) == "complex" else one()
    xp = namespace_of(x)
    return xp.asarray(np.asarray(values), dtype=x.dtype, device=device_of(x))


def _inner(a: Any, b: Any) -> float:
    """Re sum conj(a) b, on the host in double precision."""
    a, b = (np.asarray(to_host(x)) if backend_of(x) is not None else np.asarray(x) for x in (a, b))
    return float(np.real(np.sum(np.conj(a).astype(np.result_type(a, np.float64)) * b)))
