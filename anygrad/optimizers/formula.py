"""Make a transform from a formula: the arithmetic of one step for one array, as in the paper.

A formula is a pure function of arrays and numbers::

    def adam_formula(xp, g, p, m, v, t, *, learning_rate, b1, b2, eps):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        return -learning_rate * m_hat / (xp.sqrt(v_hat) + eps), m, v

Its signature is its declaration. Positional: ``xp`` the namespace, ``g`` the gradient, ``p`` the
parameter, ``t`` the step counted from 1 (a Python int), and any other name is a slot, an array kept
from step to step. Keyword-only: the hyperparameters, under the names that users write. It returns
the update and the new slots, in the order of the signature. A slot that is not kept comes as None.

Where one array is not enough, as for a norm over all leaves, a *reduction* comes first: a function
of the same kind that is given whole trees, and returns the new values of the slots that all leaves
share (``slots.Shared``). It sees the gradients that the formula sees, with their weight decay. The
formula then takes those slots as numbers that happen to be arrays.

A formula knows no tree, no library and no state, and never branches on the value of an array, so
that it can be run on symbols and printed as one kernel. Numbers are Python floats: they never widen
float32, and what is computed from numbers alone, such as ``1 - b1**t``, is computed once a step in
double precision. It may branch on switches (bools and words), and on whether a number is 0 to leave
a term out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameters
from anygrad.optimizers.rules.rule import NOT_SLOTS, FormulaRule, read_signature
from anygrad.optimizers.slots import Slot, zeros
from anygrad.optimizers.transform import Transform, from_rule

__all__ = ["from_formula"]


def from_formula(
    formula: Callable[..., Any],
    *,
    slots: Iterable[str] | Mapping[str, Slot] = (),
    reduction: Callable[..., Any] | None = None,
    name: str | None = None,
    groups: Groups = (),
    **hyperparameters: Any,
) -> Transform:
    """Make a transform from the formula of one array.

    The module ``anygrad.optimizers.formula`` says what a formula looks like.

    Parameters
    ----------
    formula : callable
        ``formula(xp, g, ..., *, hyperparameter, ...) -> update, *slots``.
    slots : iterable of str, or mapping
        What is kept between steps; starts at zeros like the parameter. As a mapping, each name has
        a function ``(xp, p, **hyperparameters) -> array`` that starts it, or None if it is not
        kept; ``anygrad.optimizers.slots`` has the other kinds.
    reduction : callable, optional
        ``reduction(...) -> *shared``: once a step, before the formula and from whole trees, it
        renews the slots that are ``slots.Shared``, such as a norm over all leaves.
    name : str, optional
        Name of the transform; else that of the formula without ``_formula``.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path, such as ``"decoder/bias"``, matches a
        pattern (``*`` stands for any text, also across ``/``); the first match wins.
    **hyperparameters
        A value for each keyword-only argument of the formula: a number, a switch (bool), or a
        schedule ``step -> number``.

    Returns
    -------
    Transform
        Its state is ``{"step": ..., "learning_rate": ..., slot: tree like params, ...}``; ``step``
        only where something counts steps, ``learning_rate`` (that of the last step) where there is
        one.

    Raises
    ------
    ArgumentError
        If arguments and signature do not fit, or a value is outside its range.

    Examples
    --------
    >>> def heavy_ball_formula(xp, g, b, *, learning_rate, momentum):
    ...     b = momentum * b - learning_rate * g
    ...     return b, b
    >>> heavy_ball = ag.optimizers.from_formula(
    ...     heavy_ball_formula, slots=["b"], learning_rate=0.1, momentum=0.9
    ... )
    >>> params = np.asarray([1.0])
    >>> params, state = heavy_ball.step(params, np.asarray([2.0]), heavy_ball.init(params))
    >>> params, state["b"]
    (array([0.8]), array([-0.2]))
    """
    name = name or formula.__name__.removesuffix("_formula")
    starts = dict(slots) if isinstance(slots, Mapping) else {slot: zeros for slot in slots}
    _check_signature(name, formula, reduction, starts, hyperparameters)
    checked = Hyperparameters.check(name, hyperparameters, groups)
    return from_rule(FormulaRule(formula, starts, checked, reduction), name)


def _check_signature(
    name: str,
    formula: Callable[..., Any],
    reduction: Callable[..., Any] | None,
    starts: Mapping[str, Any],
    given: Mapping[str, Any],
) -> None:
    """Refuse slots and hyperparameters other than those the formula declares."""
    signatures = [read_signature(part) for part in (formula, reduction) if part is not None]
    slots = {array for arrays, _ in signatures for array in arrays if array not in NOT_SLOTS}
    keywords = {keyword for _, words in signatures for keyword in words}
    for what, declared, got in (
        ("slots", slots, set(starts)),
        ("hyperparameters", keywords, set(given)),
    ):
        if declared != got:
            message = (
                f"from_formula({what}): got {', '.join(sorted(got)) or 'none'} for {name}; "
                f"expected {', '.join(sorted(declared)) or 'none'}, as in the formula's signature."
            )
            raise ArgumentError(message)
