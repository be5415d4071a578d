"""What the rows of special functions are made with: their constructor, refusals, safe formulas.

A rule that has a removable singularity, as J1(x) / x has at 0, is given by a power series around it
(`smooth_at_zero`), so that derivatives of every order are right there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anygrad.errors import MissingRuleError
from anygrad.ops.row import ELEMENTWISE, Case, Row, Rule, add_row
from anygrad.ops.shaping import is_complex

# One case a row: what broadcasts is the family's, and tested with other rows.
_SHAPES: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((3, 4),),
    2: ((1, 4), (3, 1)),
    3: ((4,), (3, 1), ()),
    4: ((3, 4), (4,), (3, 1), ()),
}


def special(
    name: str,
    *rules: Rule | str,
    run: Callable[[Any], Callable[..., Any]] | None = None,
    low: float = 0.3,
    high: float = 3.0,
    orders: tuple[int, int] = (1, 4),
    complex_only: bool = False,
) -> Row:
    """A special function of each element, with SciPy's name and operands.

    A rule is as in `elementwise`; an operand in words stands where no formula gives the derivative
    by it. ``run(functions)`` takes the namespace of the library's special functions.
    """
    made = tuple(
        _refusal(name, rule, len(rules)) if isinstance(rule, str) else rule for rule in rules
    )
    case = Case(_SHAPES[len(rules)], {}, low, high, complex_only, orders)
    return add_row(Row(name, ELEMENTWISE, made, run, None, (case,), special=True, pointwise=True))


def refused(name: str, operand: str) -> MissingRuleError:
    """The error for a derivative by an operand that no formula gives it by."""
    return MissingRuleError(
        f"{name}({operand}): got a traced {operand}; expected a plain number or array, no formula "
        "gives the derivative by it. Take its value with ag.value if it is a constant."
    )


def _refusal(name: str, operand: str, count: int) -> Rule:
    def refuse() -> Any:
        raise refused(name, operand)

    rule = {
        2: lambda xp, t, _y, _a, _b: refuse(),
        3: lambda xp, t, _y, _a, _b, _c: refuse(),
        4: lambda xp, t, _y, _a, _b, _c, _d: refuse(),
    }[count]
    rule.refuses = True  # type: ignore[attr-defined]
    return rule


def real_only(name: str, x: Any) -> Any:
    """The operand, if it is real; its derivative has no formula for complex values."""
    if is_complex(x):
        message = (
            f"{name}(x): got a complex operand; expected a real one, there is no function for its "
            "complex derivative. Differentiate by real and imaginary parts that do not pass here."
        )
        raise MissingRuleError(message)
    return x


def operand(xp: Any, a: Any, t: Any) -> Any:
    """A number, or an array of integers or of less precision, as an array of the tangent's dtype.

    SciPy computes a number or integers alone in float64, which float32 would then become.
    """
    if not hasattr(a, "shape"):
        return xp.zeros_like(t) + a
    return a if a.dtype == t.dtype or is_complex(a) else xp.astype(a, dtype=t.dtype)


def previous(n: Any) -> Any:
    """The degree n - 1, and 0 for n = 0, where the term has the factor 0 anyway."""
    return n - 1 + (n == 0)


def polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's scheme, for coefficients from the constant one on."""
    *rest, total = coefficients
    for c in reversed(rest):
        total = total * x + c
    return total


def either(
    xp: Any,
    condition: Any,
    yes: Callable[..., Any],
    no: Callable[..., Any],
    *values: Any,
    for_yes: Sequence[float],
    for_no: Sequence[float],
) -> Any:
    """``yes(*values)`` where the condition is true, ``no(*values)`` elsewhere.

    Neither sees the elements that are for the other: these are replaced by harmless numbers, since
    an infinite or NaN derivative there would spoil what is chosen.
    """
    first = yes(*[xp.where(condition, v, s) for v, s in zip(values, for_yes, strict=True)])
    second = no(*[xp.where(condition, s, v) for v, s in zip(values, for_no, strict=True)])
    return xp.where(condition, first, second)


def smooth_at_zero(
    xp: Any, x: Any, radius: float, series: Callable[..., Any], closed: Callable[..., Any], *more
) -> Any:
    """A power series for ``|x| < radius``, a closed form elsewhere; both take x and ``more``."""
    halves = (0.5,) * len(more)
    near = xp.abs(x) < radius
    inside, outside = (0.0, *halves), (0.5, *halves)
    return either(xp, near, series, closed, x, *more, for_yes=inside, for_no=outside)
