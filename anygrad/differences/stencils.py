"""Which neighbours of a point a finite difference looks at, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import factorial

from anygrad.errors import ArgumentError, suggest

__all__ = [
    "COMPLEX",
    "HIGHEST",
    "METHODS",
    "Stencil",
    "check_order",
    "find_stencil",
    "make_stencil",
]

COMPLEX = "complex"
"""The method that steps along the imaginary axis; it subtracts nothing, so it needs no stencil."""


@dataclass(frozen=True)
class Stencil:
    """Nodes k and weights w of ``f^(order)(x) = sum_k w_k f(x + k h) / h^order + O(h^accuracy)``.

    Weights and accuracy follow from the nodes; they are worked out in exact fractions.
    """

    nodes: tuple[int, ...]
    order: int

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """Weights with ``sum_k w_k k^p`` = p! for p = order, else 0, for all p < len(nodes)."""
        return tuple(float(weight) for weight in self._exact_weights)

    @cached_property
    def accuracy(self) -> int:
        """The power of h in the truncation error."""
        power = len(self.nodes)
        while self._moment(power) == 0:
            power += 1
        return power - self.order

    @cached_property
    def _exact_weights(self) -> list[Fraction]:
        powers = range(len(self.nodes))
        system = [
            [
                *(Fraction(node) ** p for node in self.nodes),
                Fraction(factorial(p) * (p == self.order)),
            ]
            for p in powers
        ]
        return _solve(system)

    def _moment(self, power: int) -> Fraction:
        pairs = zip(self._exact_weights, self.nodes, strict=True)
        return sum((weight * node**power for weight, node in pairs), Fraction(0))


def _solve(system: list[list[Fraction]]) -> list[Fraction]:
    """Gauss-Jordan elimination of rows ``[coefficients..., right side]``."""
    size = len(system)
    for column in range(size):
        pivot = next(row for row in range(column, size) if system[row][column] != 0)
        system[column], system[pivot] = system[pivot], system[column]
        scale = system[column][column]
        system[column] = [entry / scale for entry in system[column]]
        for row in range(size):
            if row != column and system[row][column] != 0:
                factor = system[row][column]
                pairs = zip(system[row], system[column], strict=True)
                system[row] = [entry - factor * above for entry, above in pairs]
    return [row[-1] for row in system]


HIGHEST = 8
"""Largest order and accuracy of a fixed stencil."""

METHODS = ("backward", "central", "forward")


@cache
def make_stencil(method: str, order: int, accuracy: int) -> Stencil:
    """The shortest stencil of a method: central ones on -p .. p, others on 0 .. p or -p .. 0."""
    if method == "central":
        reach = (order - 1) // 2 + (accuracy + 1) // 2
        return Stencil(tuple(range(-reach, reach + 1)), order)
    nodes = range(order + accuracy)
    return Stencil(tuple(nodes if method == "forward" else (-node for node in nodes)), order)


def find_stencil(where: str, method: str, order: int = 1, accuracy: int | None = None) -> Stencil:
    """Look the stencil of a method up; the complex step borrows the central one for its check."""
    known = sorted([*METHODS, COMPLEX])
    if method not in known:
        message = (
            f"{where}(method): got {method!r}; expected one of {', '.join(known)}. "
            f"{suggest(method, known)}"
        )
        raise ArgumentError(message.rstrip())
    check_order(where, order)
    if accuracy is None:
        accuracy = 2 if method in ("central", COMPLEX) else 1
    else:
        _expect_count(where, "accuracy", accuracy, "It is the power of the step in the error.")
    if method == COMPLEX and order != 1:
        message = (
            f"{where}(order): got {order!r} with method='complex'; expected 1. "
            "The complex step is exact for first derivatives only; use method='central'."
        )
        raise ArgumentError(message)
    return make_stencil("central" if method == COMPLEX else method, order, accuracy)


def check_order(where: str, order: object) -> None:
    """Refuse what is no order of a derivative."""
    _expect_count(where, "order", order, "For higher ones differentiate twice, or use ag.grad.")


def _expect_count(where: str, name: str, value: object, hint: str) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= HIGHEST:
        return
    message = f"{where}({name}): got {value!r}; expected an integer from 1 to {HIGHEST}. {hint}"
    raise ArgumentError(message)
