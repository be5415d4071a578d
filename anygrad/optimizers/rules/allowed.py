"""What a hyperparameter may be, and one wording for what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import FINITE, NOT_NEGATIVE, Range, check_count, check_number

__all__ = ["BELOW_ONE", "COMMON", "Allowed", "Count", "Maybe", "check_value"]

FRACTION = Range(0, 1)
BELOW_ONE = Range(0, 1, open_high=True)


@dataclass(frozen=True)
class Count:
    """Integers from ``low`` on."""

    low: int = 0


@dataclass(frozen=True)
class Maybe:
    """What ``of`` allows, or None, to which its optimizer gives a meaning."""

    of: Range | Count | tuple[str, ...] = FINITE


Allowed: TypeAlias = Range | Count | tuple[str, ...] | Maybe | Callable[[str, Any], Any]
"""What a hyperparameter may be: a number in a range, an integer, or one of some words; else
``check(place, value)`` returns the value or raises."""

COMMON: dict[str, Allowed] = {
    **dict.fromkeys(("b1", "b2", "b3", "decay", "momentum_decay"), BELOW_ONE),
    **dict.fromkeys(("momentum", "dampening"), FRACTION),
    **dict.fromkeys(("learning_rate", "weight_decay", "lr_decay"), NOT_NEGATIVE),
    **dict.fromkeys(("eps", "eps_root", "initial_accumulator"), NOT_NEGATIVE),
}
"""Where hyperparameters that several optimizers share must lie; any other may be any finite
number, unless its optimizer says more."""

AT_INIT = {"initial_accumulator", "initial_mean", "init_estim_sq_dist", "estim_lr0"}
"""Used once, when the state is made, so that a schedule would have no meaning."""


def check_value(
    where: str, name: str, value: Any, like: Mapping[str, Any], allowed: Allowed
) -> Any:
    """``value`` as a float, a bool or word for a switch, a pair, or the schedule that it is."""
    place = f"{where}({name})"
    if isinstance(allowed, Maybe):
        return None if value is None else check_value(where, name, value, like, allowed.of)
    if callable(allowed):
        return allowed(place, value)
    if isinstance(like[name], bool):
        if isinstance(value, bool):
            return value
        message = f"{place}: got {describe(value)}; expected True or False."
        raise ArgumentError(message)
    if isinstance(allowed, tuple):
        return _check_word(place, value, allowed)
    if isinstance(allowed, Count):
        return check_count(place, value, allowed.low)
    if isinstance(like[name], tuple):
        return _check_numbers(place, value, len(like[name]), allowed)
    if not callable(value):
        return check_number(place, value, allowed, _advice(name, value, like))
    if name in AT_INIT:
        message = f"{place}: got a schedule; expected a number, for it is used only once."
        raise ArgumentError(message)
    return value


def _check_word(place: str, value: Any, words: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in words:
        return value
    hint = suggest(value, words) if isinstance(value, str) else ""
    listed = ", ".join(map(repr, words))
    message = f"{place}: got {describe(value)}; expected one of {listed}. {hint}"
    raise ArgumentError(message.rstrip())


def _check_numbers(place: str, value: Any, length: int, allowed: Range) -> tuple[float, ...]:
    if isinstance(value, (tuple, list)) and len(value) == length:
        return tuple(check_number(place, number, allowed) for number in value)
    message = f"{place}: got {describe(value)}; expected {length} numbers."
    raise ArgumentError(message)


def _advice(name: str, value: Any, like: Mapping[str, Any]) -> str:
    if name == "learning_rate" and "maximize" in like:
        return "To climb rather than descend, pass maximize=True."
    default = like[name]
    # without defaults, the values are compared with themselves
    known = isinstance(default, (int, float)) and default is not value
    return f"The default is {default:g}." if known else ""
