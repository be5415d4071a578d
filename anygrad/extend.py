"""Rules for functions of others, and classes as trees.

A function of your own gets a rule with `anygrad.custom_vjp` or `anygrad.custom_jvp`; so does a
launch of a CuPy ``RawKernel``, wrapped in a function. Here are the ways for what is called by its
own name: ufuncs of a library, CuPy's ``ElementwiseKernel``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, describe
from anygrad.ops import ROWS
from anygrad.ops.row import elementwise
from anygrad.tracing import TRACED
from anygrad.tracing.operations import closure_of
from anygrad.tracing.protocols import KERNELS, UFUNCS
from anygrad.trees import register as register_tree

__all__ = ["register_elementwise", "register_tree"]


def register_elementwise(
    function: Callable[..., Any], *rules: Callable[..., Any] | None, name: str | None = None
) -> Callable[..., Any]:
    """Give a function of each element its derivative, for every transformation.

    Parameters
    ----------
    function : callable
        A NumPy ufunc (of SciPy, of your own), a CuPy ``ElementwiseKernel``, or any function of
        arrays that works on each element by itself. Ufuncs and kernels are differentiated
        wherever they are called; of other functions the returned one has to be called.
    *rules : callable or None
        One for each operand: ``rule(xp, t, y, *operands)`` gives ``t`` times the partial
        derivative, with ``xp`` the namespace to compute in and ``y`` the result; None where the
        derivative is zero. For complex numbers it is the holomorphic derivative. A parameter whose
        name begins with an underscore is not kept in memory.
    name : str, optional
        For messages; by default the function's own. It must be new.

    Returns
    -------
    callable
        The function, for plain and for differentiated arrays.

    Raises
    ------
    ArgumentError
        If a rule cannot be called, their number is not that of the operands, or a row has the name.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> from scipy import special
    >>> rule = lambda xp, t, _y, x: t * special.kerp(x)  # DLMF 10.61: ker' is known to SciPy
    >>> ker = ag.extend.register_elementwise(special.ker, rule)
    >>> bool(ag.grad(lambda x: special.ker(x))(2.0) == special.kerp(2.0))
    True
    """
    shown = name or getattr(function, "__name__", None) or getattr(function, "name", None)
    if not callable(function) or not shown:
        message = f"register_elementwise(function): got {describe(function)}; expected a function."
        raise ArgumentError(message)
    if not 1 <= len(rules) <= 3 or any(rule is not None and not callable(rule) for rule in rules):
        message = (
            f"register_elementwise(rules): got {len(rules)} for {shown}; expected one function, or "
            "None, for each of one to three operands."
        )
        raise ArgumentError(message)
    operands = getattr(function, "nin", len(rules))
    if operands != len(rules):
        message = (
            f"register_elementwise(rules): got {len(rules)} for {shown}, which has {operands} "
            "operands; expected one for each."
        )
        raise ArgumentError(message)
    if shown in ROWS:
        message = (
            f"register_elementwise(name): got {shown!r}, which has a rule; expected a new name. "
            "Pass name=."
        )
        raise ArgumentError(message)
    given = [_zero if rule is None and len(rules) < 3 else rule for rule in rules]
    row = elementwise(shown, *given, run=lambda xp: function, sampled=False)
    operation = closure_of(row)
    setattr(TRACED, shown, operation)
    if isinstance(function, np.ufunc):
        UFUNCS[function] = operation
    elif hasattr(function, "nin"):  # a kernel of CuPy, which asks traced operands by itself
        KERNELS[function] = operation
    return operation


def _zero(xp: Any, t: Any, _y: Any, _a: Any, _b: Any = None) -> Any:
    return t * 0.0
