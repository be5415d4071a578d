"""What a row of the operation table is: a name, a family, and its derivative, written once.

Reading a rule: ``xp`` is the namespace it computes with (a library's own on the fast path, the
traced one when derivatives are nested), ``t`` is a tangent or a cotangent, ``y`` the result, then
come the operands. A parameter whose name starts with an underscore is not used, and so is not kept
in memory until the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from anygrad.ops import shaping

Rule = Callable[..., Any]


class Like(NamedTuple):
    """What the tape remembers of an operand whose values are not needed."""

    shape: tuple[int, ...]
    dtype: Any


class Case(NamedTuple):
    """One way to try a row in the tests: operand shapes, keyword arguments, range of the values."""

    shapes: tuple[tuple[int, ...], ...]
    kw: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple default; never written to
    low: float = -2.0
    high: float = 2.0
    complex: bool = False  # the row takes nothing else
    orders: tuple[int, int] = (1, 4)  # whole numbers, for operands that have no derivative
    definite: bool = False  # the operands are matrices, Hermitian and positive definite


class Family(NamedTuple):
    """How every row of one kind is pulled back and pushed forward.

    ``pullback(row, xp, g, y, args, kw, wanted)`` gives one cotangent per operand (``None`` where
    not wanted); ``pushforward(row, xp, tangents, y, args, kw)`` gives the tangent of the result; a
    tangent ``None`` is zero.
    """

    name: str
    pullback: Callable[..., Sequence[Any]]
    pushforward: Callable[..., Any]
    keeps: str = "used"  # until the backward pass: "used" parameters, "all" operands, or "shapes"


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """One operation: everything that differentiation, the tests and the compiler know of it.

    A ``special`` row is found among a library's special functions, not in its main namespace. A
    ``pointwise`` one does the same to every element, broadcast operands included.
    """

    name: str
    family: Family
    rules: tuple[Rule | None, ...]
    run: Callable[[Any], Callable[..., Any]] | None = None
    complex_rules: tuple[Rule, Rule] | None = None
    cases: tuple[Case, ...] = ()
    view: bool = False
    batch: Rule | None = None
    special: bool = False
    pointwise: bool = False
    keeps_args: tuple[tuple[bool, ...], ...] = field(init=False)
    keeps_result: tuple[bool, ...] = field(init=False)
    keeps_complex: tuple[tuple[bool, tuple[bool, ...]], ...] = field(init=False)

    def __post_init__(self) -> None:
        vjp = () if self.complex_rules is None else (used_parameters(self.complex_rules[0]),)
        object.__setattr__(self, "keeps_complex", vjp)
        used = [used_parameters(rule) for rule in self.rules]
        object.__setattr__(self, "keeps_result", tuple(result for result, _ in used))
        object.__setattr__(self, "keeps_args", tuple(args for _, args in used))

    @property
    def constant(self) -> bool:
        """True when the derivative is zero or undefined everywhere: the result is not traced."""
        return self.family is CONSTANT

    def refuses(self, k: int) -> bool:
        """True when no formula gives the derivative by the k-th operand: its rule raises."""
        return k < len(self.rules) and hasattr(self.rules[k], "refuses")


ROWS: dict[str, Row] = {}


def used_parameters(rule: Rule | None) -> tuple[bool, tuple[bool, ...]]:
    """Whether a rule reads the result, and which operands, by the underscore convention."""
    if rule is None:
        return False, ()
    code = rule.__code__
    names = code.co_varnames[2 : code.co_argcount]
    return not names[0].startswith("_"), tuple(not name.startswith("_") for name in names[1:])


def add_row(row: Row) -> Row:
    """Put a row into the table, under a name of its own."""
    if row.name in ROWS:
        msg = f"ops: two rows are named {row.name!r}"
        raise ValueError(msg)
    ROWS[row.name] = row
    return row


def elementwise(
    name: str,
    *rules: Rule | None,
    run: Callable[[Any], Callable[..., Any]] | None = None,
    complex_rules: tuple[Rule, Rule] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    sampled: bool = True,
    view: bool = False,
) -> Row:
    """A function of each element.

    ``rule(xp, t, y, *operands)`` is ``t`` times the partial derivative. The Jacobian is diagonal,
    so the rule serves both modes. For complex values it must be the holomorphic derivative; a
    function that is not holomorphic gives ``complex_rules = (vjp, jvp)``, used when the operand is
    complex.
    """
    shapes: tuple[tuple[tuple[int, ...], ...], ...] = (((3, 4),), ((),)) if len(rules) == 1 else ()
    if len(rules) == 2:
        shapes = (
            ((3, 4), (3, 4)),
            ((3, 4), (4,)),
            ((1, 4), (3, 1)),
            ((), (3,)),
            ((2,), ()),
            ((), ()),
        )
    if len(rules) == 3:
        shapes = (((3, 4), (3, 4), (3, 4)), ((4,), (3, 1), ()))
    cases = tuple(Case(s, {}, low, high) for s in shapes) if sampled else ()
    return add_row(Row(name, ELEMENTWISE, rules, run, complex_rules, cases, view, pointwise=True))


def linear(
    name: str,
    adjoint: Rule,
    *,
    cases: Sequence[Case],
    run: Callable[[Any], Callable[..., Any]] | None = None,
    view: bool = False,
    batch: Rule | None = None,
) -> Row:
    """A linear function of one operand: ``adjoint(xp, g, shape, **kw)``.

    Forward mode is the operation itself. ``batch`` is for keywords that are more than axes and
    shapes (`anygrad.ops.batching`).
    """
    return add_row(Row(name, LINEAR, (adjoint,), run, None, tuple(cases), view, batch))


def reduction(
    name: str,
    weights: Rule,
    *,
    cases: Sequence[Case],
    run: Callable[[Any], Callable[..., Any]] | None = None,
) -> Row:
    """A nonlinear reduction over ``axis``: ``weights(xp, y, x, axis)``, the partial derivatives.

    ``y`` comes with its reduced axes kept. Both modes follow: the cotangent is spread times the
    weights, the tangent is the sum of weights times tangents.
    """
    return add_row(Row(name, REDUCTION, (weights,), run, None, tuple(cases)))


def bilinear(name: str, left: Rule, right: Rule, *, cases: Sequence[Case]) -> Row:
    """A product, linear in each operand.

    ``left(xp, g, y, a, b)`` and ``right``, called alike, are its transposes.
    """
    return add_row(Row(name, BILINEAR, (left, right), None, None, tuple(cases)))


def join(
    name: str,
    adjoint: Rule,
    *,
    cases: Sequence[Case],
    run: Callable[[Any], Callable[..., Any]] | None = None,
    batch: Rule | None = None,
) -> Row:
    """A function linear in several operands together.

    ``adjoint(xp, g, shapes, **kw)`` gives a cotangent for each.
    """
    return add_row(Row(name, JOIN, (adjoint,), run, None, tuple(cases), False, batch))


def constant(
    *names: str,
    run: Callable[[Any], Callable[..., Any]] | None = None,
    batch: Rule | None = None,
    pointwise: bool = False,
) -> None:
    """Functions whose derivative is zero wherever it exists (or whose result is no number)."""
    for name in names:
        add_row(Row(name, CONSTANT, (), run, batch=batch, pointwise=pointwise))


def _adjoint_of_holomorphic(xp: Any, rule: Rule, g: Any, *operands: Any) -> Any:
    """The adjoint under Re sum conj(a) b of ``t -> rule(t)``; for real values the rule itself."""
    if not shaping.is_complex(g):
        return rule(xp, g, *operands)
    return xp.conj(rule(xp, xp.conj(g), *operands))


def _pull_elementwise(row, xp, g, y, args, kw, wanted):
    if row.complex_rules is not None and shaping.is_complex(args[0]):
        return [row.complex_rules[0](xp, g, y, *args)]
    return [
        _adjoint_of_holomorphic(xp, rule, g, y, *args) if rule is not None and want else None
        for rule, want in zip(row.rules, wanted, strict=True)
    ]


def _push_elementwise(row, xp, tangents, y, args, kw):
    if row.complex_rules is not None and shaping.is_complex(args[0]):
        return row.complex_rules[1](xp, tangents[0], y, *args)
    total = None
    for rule, t in zip(row.rules, tangents, strict=True):
        if t is not None and rule is not None:
            part = rule(xp, t, y, *args)
            total = part if total is None else total + part
    return None if total is None else shaping.expand(xp, total, y)


def _pull_linear(row, xp, g, y, args, kw, wanted):
    return [row.rules[0](xp, g, args[0].shape, **kw)]


def _push_linear(row, xp, tangents, y, args, kw):
    return getattr(xp, row.name)(tangents[0], **kw)


def _reduction_weights(row, xp, y, x, axis, keepdims):
    y = shaping.restore(xp, y, x.shape, axis, keepdims)
    return row.rules[0](xp, y, x, axis)


def _pull_reduction(row, xp, g, y, args, kw, wanted):
    (x,) = args
    weights = _reduction_weights(row, xp, y, x, **kw)
    if shaping.is_complex(g):
        weights = xp.conj(weights)
    return [shaping.restore(xp, g, x.shape, **kw) * weights]


def _push_reduction(row, xp, tangents, y, args, kw):
    return xp.sum(tangents[0] * _reduction_weights(row, xp, y, args[0], **kw), **kw)


def _pull_bilinear(row, xp, g, y, args, kw, wanted):
    return [
        _adjoint_of_holomorphic(xp, rule, g, y, *args) if want else None
        for rule, want in zip(row.rules, wanted, strict=True)
    ]


def _push_bilinear(row, xp, tangents, y, args, kw):
    product, (ta, tb), (a, b) = getattr(xp, row.name), tangents, args
    parts = [product(*pair) for t, pair in ((ta, (ta, b)), (tb, (a, tb))) if t is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _pull_join(row, xp, g, y, args, kw, wanted):
    return row.rules[0](xp, g, [x.shape for x in args], **kw)


def _push_join(row, xp, tangents, y, args, kw):
    filled = [
        0.0
        if t is None and isinstance(x, float | int | complex)
        else xp.zeros_like(x)
        if t is None
        else t
        for t, x in zip(tangents, args, strict=True)
    ]
    return getattr(xp, row.name)(*filled, **kw)


def _no_derivative(row, *_: Any) -> Any:
    msg = f"ops: {row.name} is constant; nothing is recorded for it"
    raise AssertionError(msg)


ELEMENTWISE = Family("elementwise", _pull_elementwise, _push_elementwise)
LINEAR = Family("linear", _pull_linear, _push_linear, keeps="shapes")
REDUCTION = Family("reduction", _pull_reduction, _push_reduction, keeps="all")
BILINEAR = Family("bilinear", _pull_bilinear, _push_bilinear)
JOIN = Family("join", _pull_join, _push_join, keeps="shapes")
CONSTANT = Family("constant", _no_derivative, _no_derivative)
