"""From rows to functions: each row becomes one closure with a quick way for recorded values.

A closure does for its family what `Tape.process` does in general, without the generality: no loops
over operands, no dictionaries, the pull chosen while recording. Everything unusual (another level,
complex values, a mixture of libraries) goes to `bind`. A test compares both ways for every row and
every mixture of operands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.ops import ROWS, Row
from anygrad.tracing.level import TRACED, bind
from anygrad.tracing.quick_arrays import bilinear, item, linear, reduction
from anygrad.tracing.quick_elements import binary, unary


def general(row: Row) -> Callable[..., Any]:
    """No quick way: constants, joins, three operands."""

    def operation(*args: Any, **kw: Any) -> Any:
        return bind(row, args, kw)

    return operation


_QUICK: dict[str, Callable[[Row], Callable[..., Any]]] = {
    "linear": linear,
    "reduction": reduction,
    "bilinear": bilinear,
}


def closure_of(row: Row) -> Callable[..., Any]:
    """The quickest closure that a row has.

    Special functions may give another dtype than they take (SciPy's of float16, or beside a whole
    number, give float64), which the quick ways do not look for.
    """
    if row.name == "getitem":
        return item(row)
    if row.special:
        return general(row)
    if row.family.name == "elementwise" and row.name != "astype":
        return {1: unary, 2: binary}.get(len(row.rules), general)(row)
    return _QUICK.get(row.family.name, general)(row)


for _row in ROWS.values():
    setattr(TRACED, _row.name, closure_of(_row))

__all__ = ["TRACED"]
