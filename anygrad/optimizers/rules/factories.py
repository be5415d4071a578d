"""Make the factory of an optimizer from its formula: the signature is the table of defaults.

Adding an optimizer takes a formula and a declaration::

    @built_on(adam_formula, {"m": zeros, "v": real_zeros}, optax={"learning_rate": None}, torch={})
    def adam(learning_rate: Hyperparameter = 1e-3, *, b1: Hyperparameter = 0.9, ...) -> Transform:
        '''Adam: step by the mean gradient over the root of its mean square. ...'''
        ...

A default of None stands for "there is no usual value". What is said of every optimizer, the
arguments they share, results and errors, is added to the docstring here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeAlias

from anygrad.errors import ArgumentError, suggest
from anygrad.optimizers.rules.allowed import Allowed, Maybe
from anygrad.optimizers.rules.documenting import complete
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameters
from anygrad.optimizers.rules.keywords import explain
from anygrad.optimizers.rules.rule import FormulaRule, read_signature
from anygrad.optimizers.slots import Slot
from anygrad.optimizers.transform import Transform, from_rule

__all__ = ["Declaration", "built_on", "declaration_of"]

P = ParamSpec("P")

Peer: TypeAlias = Mapping[str, Any] | None
"""The values in which a peer differs from ours; None if it has no such optimizer."""


@dataclass(frozen=True)
class Declaration:
    """What an optimizer is made of.

    Attributes
    ----------
    name : str
        Of the factory.
    formula, reduction : callable
        As `from_formula` takes them; the reduction may be None.
    slots : dict
        How each slot starts.
    defaults : dict
        Our values; None where there is no usual one.
    peers : dict
        The peers that it can follow, each with the values in which it differs from ours.
    fixed : dict
        Hyperparameters of the formula that the factory does not offer.
    allowed : dict
        What its own hyperparameters may be; None only where a `Maybe` allows it.
    check : callable or None
        ``check(name, row)``: refuses values that do not go together.
    joint : tuple of str
        Hyperparameters that groups may not change, besides those of the reduction.
    """

    name: str
    formula: Callable[..., Any]
    slots: Mapping[str, Slot]
    defaults: Mapping[str, Any]
    peers: Mapping[str, Mapping[str, Any]]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    allowed: Mapping[str, Allowed] = field(default_factory=dict)
    reduction: Callable[..., Any] | None = None
    check: Callable[[str, Mapping[str, Any]], None] | None = None
    joint: Sequence[str] = ()

    def choose(
        self, given: Mapping[str, Any], compat: str | None, groups: Groups
    ) -> Hyperparameters:
        """Fill what is not given with ours, or with what a peer has, and check everything.

        Raises
        ------
        ArgumentError
            If ``compat`` is no peer of this optimizer, a value without default is missing, or one
            is outside its range.
        """
        self._check_peer(compat)
        peer = {} if compat is None else self.peers[compat]
        defaults = {**self.fixed, **self.defaults, **peer}
        may_be_none = {n for n, allowed in self.allowed.items() if isinstance(allowed, Maybe)}
        told = {n: v for n, v in given.items() if v is not None or n in may_be_none}
        chosen = {**defaults, **told}
        for name, value in chosen.items():
            if value is None and name not in may_be_none:
                owner = f"{compat} has" if compat else "there is"
                message = (
                    f"{self.name}({name}): got nothing; expected a number or a schedule, for "
                    f"{owner} no default. Try {self.name}({name}=0.01)."
                )
                raise ArgumentError(message)
        like = {**chosen, **{n: v for n, v in defaults.items() if v is not None}}
        checked = Hyperparameters.check(self.name, chosen, groups, like, self.allowed)
        for row in checked.rows:
            check_decay(self.name, row)
            if self.check is not None:
                self.check(self.name, row)
        used = read_signature(self.reduction)[1] if self.reduction else ()
        checked.check_same((*used, *self.joint), "for they act on the whole tree")
        return checked

    def _check_peer(self, compat: str | None) -> None:
        if compat is None or compat in list(self.peers):
            return
        names = " or ".join(map(repr, sorted(self.peers))) or "for it has no peer"
        hint = suggest(compat, self.peers)
        message = f"{self.name}(compat): got {compat!r}; expected None, {names}. {hint}"
        raise ArgumentError(message.rstrip())

    def make(self, hyperparameters: Hyperparameters) -> Transform:
        """Make the transform."""
        rule = FormulaRule(self.formula, self.slots, hyperparameters, self.reduction)
        return from_rule(rule, self.name)


def check_decay(where: str, row: Mapping[str, Any]) -> None:
    """Refuse a fixed decay that is coupled: there is no such thing."""
    if row.get("fixed_decay") and not row.get("decoupled_weight_decay", True):
        message = (
            f"{where}(fixed_decay): got True; expected it with decoupled_weight_decay=True, since "
            "coupled decay is a part of the gradient. Pass both."
        )
        raise ArgumentError(message)


def built_on(
    formula: Callable[..., Any],
    slots: Mapping[str, Slot] | None = None,
    *,
    torch: Peer = None,
    optax: Peer = None,
    reduction: Callable[..., Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    allowed: Mapping[str, Allowed] | None = None,
    check: Callable[[str, Mapping[str, Any]], None] | None = None,
    joint: Sequence[str] = (),
) -> Callable[[Callable[P, Transform]], Callable[P, Transform]]:
    """Turn a signature with a docstring into the factory of an optimizer.

    Parameters
    ----------
    formula, slots, reduction
        As `from_formula` takes them.
    torch, optax : dict, optional
        For ``compat=``: the values in which the peer differs from the signature's; an empty dict if
        in none, left out if it has no such optimizer.
    fixed : dict, optional
        Values of the formula's hyperparameters that are not in the signature.
    allowed : dict, optional
        What hyperparameters of this optimizer alone may be: a `Range`, a `Count`, or words.
    check : callable, optional
        ``check(name, row)`` raises if the values of a row do not go together.
    joint : sequence of str, optional
        Hyperparameters that groups may not change, besides those of the reduction.

    Returns
    -------
    callable
        A decorator; the factory it makes has the attribute ``declaration``.
    """
    peers = {name: p for name, p in (("optax", optax), ("torch", torch)) if p is not None}

    def decorate(function: Callable[P, Transform]) -> Callable[P, Transform]:
        signature = inspect.signature(function)
        defaults = {
            name: None if parameter.default is parameter.empty else parameter.default
            for name, parameter in signature.parameters.items()
            if name not in ("groups", "compat")
        }
        declaration = Declaration(
            *(function.__name__, formula, slots or {}, defaults, peers),
            *(fixed or {}, allowed or {}, reduction, check, joint),
        )

        @functools.wraps(function)
        def factory(*args: P.args, **keywords: P.kwargs) -> Transform:
            explain(function.__name__, keywords, signature.parameters)
            given: dict[str, Any] = dict(signature.bind_partial(*args, **keywords).arguments)
            groups, compat = given.pop("groups", None) or (), given.pop("compat", None)
            return declaration.make(declaration.choose(given, compat, groups))

        factory.declaration = declaration  # type: ignore[attr-defined]
        factory.__doc__ = complete(function.__doc__ or "", declaration)
        return factory

    return decorate


def declaration_of(factory: Callable[..., Transform]) -> Declaration:
    """Tell what a factory is made of."""
    return factory.declaration  # type: ignore[attr-defined]
