"""What ``np.einsum`` is asked for: the axes of every operand and of the result, by labels.

A label is a number: of a letter its code, of a sublist what stands there. The axes of an ellipsis
are -1, -2, ... from the last one on, so that they meet as in broadcasting.
"""

from __future__ import annotations

import functools
import operator
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError

Labels = tuple[int, ...]


def read(operands: tuple[Any, ...]) -> tuple[list[Any], tuple[Any, ...], Any]:
    """Take arguments of einsum apart: the arrays, their marks, and those of the result or None."""
    if not operands:
        message = "einsum(subscripts): got nothing; expected subscripts and operands."
        raise ArgumentError(message)
    if isinstance(operands[0], str):
        terms, output = _marks_of_text(operands[0])
        return list(operands[1:]), terms, output
    output = _marks_of_list(operands[-1]) if len(operands) % 2 else None
    pairs = operands[: len(operands) // 2 * 2]
    return list(pairs[::2]), tuple(_marks_of_list(part) for part in pairs[1::2]), output


@functools.lru_cache(maxsize=512)
def _marks_of_text(text: str) -> tuple[tuple[Any, ...], Any]:
    left, arrow, right = text.partition("->")
    terms = tuple(_marks_of_term(term, text) for term in left.split(","))
    return terms, _marks_of_term(right, text) if arrow else None


def _marks_of_term(term: str, text: str) -> tuple[Any, ...]:
    marks: list[Any] = []
    while term:
        if term.startswith("..."):
            marks, term = [*marks, ...], term[3:]
            continue
        if term[0] in string.ascii_letters:
            marks.append(ord(term[0]))
        elif term[0] != " ":
            message = (
                f"einsum(subscripts): got {text!r}, with {term[0]!r}; expected letters, '...', "
                "commas, and one '->'."
            )
            raise ArgumentError(message)
        term = term[1:]
    return tuple(marks)


def _marks_of_list(part: Any) -> tuple[Any, ...]:
    if not isinstance(part, list | tuple | range | np.ndarray):
        message = (
            f"einsum(sublist): got {part!r}; expected a list of integers after each operand, or "
            "subscripts as text first."
        )
        raise ArgumentError(message)
    marks = tuple(mark if mark is Ellipsis else operator.index(mark) for mark in part)
    if any(mark is not Ellipsis and not 0 <= mark < 52 for mark in marks):
        message = f"einsum(sublist): got {part!r}; expected integers from 0 to 51, or Ellipsis."
        raise ArgumentError(message)
    return marks


@functools.lru_cache(maxsize=512)
def resolve(
    terms: tuple[Any, ...], output: Any, ranks: tuple[int, ...]
) -> tuple[tuple[Labels, ...], Labels]:
    """The labels of each operand and of the result, for operands of so many axes."""
    if len(terms) != len(ranks):
        message = (
            f"einsum(operands): got {len(ranks)} operands; expected {len(terms)}, one for each "
            "group of subscripts."
        )
        raise ArgumentError(message)
    labels = tuple(_labels(t, r, k) for k, (t, r) in enumerate(zip(terms, ranks, strict=True)))
    width = max((-min(term, default=0) for term in labels), default=0)
    dots = tuple(range(-width, 0)) if width > 0 else ()
    named = [label for term in labels for label in term if label >= 0]
    if output is None:
        once = {label for label in named if named.count(label) == 1}
        return labels, (*dots, *sorted(once))
    if dots and Ellipsis not in output:
        message = (
            f"einsum(subscripts): got an ellipsis of {width} axes that the result does not have; "
            "expected '...' in the output, too."
        )
        raise ArgumentError(message)
    result = _with_dots(output, dots)
    strange = [label for label in result if label >= 0 and label not in named]
    if strange or len(set(result)) != len(result) or output.count(Ellipsis) > 1:
        message = (
            f"einsum(subscripts): got the output {_show(output)!r}; expected each label once, and "
            "such that an operand has."
        )
        raise ArgumentError(message)
    return labels, result


def _labels(marks: tuple[Any, ...], rank: int, position: int) -> Labels:
    dots = rank - len(marks) + 1
    if Ellipsis not in marks and rank == len(marks):
        return marks
    if marks.count(Ellipsis) != 1 or dots < 0:
        message = (
            f"einsum(subscripts): got {_show(marks)!r} for operand {position}, which has {rank} "
            "axes; expected a label for each, or one '...' for the rest."
        )
        raise ArgumentError(message)
    return _with_dots(marks, tuple(range(-dots, 0)))


def _with_dots(marks: tuple[Any, ...], dots: Labels) -> Labels:
    return tuple(label for mark in marks for label in (dots if mark is Ellipsis else (mark,)))


def _show(marks: tuple[Any, ...]) -> str:
    parts = ["..." if m is Ellipsis else chr(m) if m >= ord("A") else f"[{m}]" for m in marks]
    return "".join(parts)


def lengths(terms: tuple[Labels, ...], shapes: Sequence[tuple[int, ...]]) -> dict[int, int]:
    """The length of each label; length 1 is broadcast."""
    found: dict[int, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[int, int] = {}
        for label, n in zip(term, shape, strict=True):
            if own.setdefault(label, n) != n or (n != 1 and found.get(label, 1) not in (1, n)):
                others = own[label] if own[label] != n else found[label]
                message = (
                    f"einsum(operands): got lengths {others} and {n} for the label "
                    f"{_show((label,)) if label >= 0 else '...'!r}; expected one length, or 1."
                )
                raise ShapeError(message)
            if n != 1 or label not in found:
                found[label] = n
    return found


Steps = tuple[tuple[int, ...], ...]


@functools.lru_cache(maxsize=512)
def steps(
    terms: tuple[Labels, ...], output: Labels, shapes: tuple[tuple[int, ...], ...], optimize: Any
) -> Steps:
    """The order of contraction that NumPy finds: which factors meet next, by position."""
    if isinstance(optimize, tuple) and optimize[:1] == ("einsum_path",):
        path = tuple(tuple(operator.index(k) for k in step) for step in optimize[1:])
        _check_path(path, len(terms))
        return path
    names = {label: k for k, label in enumerate(sorted({x for t in terms for x in t}))}
    if len(terms) < 3 or len(names) > len(string.ascii_letters):
        return (tuple(range(len(terms))),)
    text = ["".join(string.ascii_letters[names[x]] for x in term) for term in (*terms, output)]
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    try:
        path, _ = np.einsum_path(
            f"{','.join(text[:-1])}->{text[-1]}", *stand_ins, optimize=optimize
        )
    except (KeyError, TypeError) as error:
        message = (
            f"einsum(optimize): got {optimize!r}; expected True, False, 'greedy', 'optimal', or a "
            "path that np.einsum_path gave."
        )
        raise ArgumentError(message) from error
    return tuple(tuple(step) for step in path[1:])


def _check_path(path: Steps, count: int) -> None:
    left = count
    for step in path:
        if len(set(step)) != len(step) or not all(0 <= k < left for k in step) or not step:
            left = 0
            break
        left += 1 - len(step)
    if left != 1:
        message = (
            f"einsum(optimize): got the path {[*path]!r} for {count} operands; expected steps that "
            "contract all of them to one."
        )
        raise ArgumentError(message)
