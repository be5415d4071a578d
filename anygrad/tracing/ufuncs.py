"""Ufuncs of NumPy in unusual forms: with keywords, and by their methods ``reduce``, ``at``, ...

A call without keywords does not come here: `anygrad.tracing.protocols` looks it up in the table
below. What a method means is said with the operation of the ufunc itself, so that it exists for
every ufunc that has one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError, ShapeError, TraceError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions import SPECIAL
from anygrad.tracing.functions.arguments import (
    as_mask,
    as_own_arrays,
    beside,
    check_casting,
    check_order,
    common_dtype,
    fits_into,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import moveaxis
from anygrad.tracing.level import LIFTED, strip
from anygrad.tracing.namespace import missing_rule
from anygrad.tracing.operations import TRACED

UFUNCS: dict[Any, Callable[..., Any]] = {}
"""The operation of each ufunc; filled by `anygrad.tracing.protocols` and `anygrad.extend`."""


def operation_of_scipy(ufunc: Any) -> Any:
    """The operation for a ufunc of scipy.special, told by identity: no name of another's counts."""
    name = ufunc.__name__
    home = sys.modules.get("scipy.special._ufuncs" if name.startswith("_") else "scipy.special")
    operation = SPECIAL.get(name.lstrip("_"))  # zeta and lambertw call theirs by such a name
    if operation is None or getattr(home, name, None) is not ufunc:
        return None
    UFUNCS[ufunc] = operation
    return operation


def name_of(ufunc: Any) -> str:
    """NumPy's own are named as such; scipy.special and others have ufuncs too."""
    name = ufunc.__name__
    return f"numpy.{name}" if getattr(np, name, None) is ufunc else name


def operation_of(ufunc: Any) -> Any:
    """The operation of a ufunc; of those that call Python for each element there is none."""
    operation = UFUNCS.get(ufunc) or operation_of_scipy(ufunc)
    if operation is not None:
        return operation
    name = name_of(ufunc)
    if all(set(form) <= set("O->") for form in ufunc.types):
        message = (
            f"{name}(traced array): got a ufunc of np.frompyfunc, which calls Python for every "
            "element of an array of objects; expected array functions. Call the Python function "
            "with the whole array, or map it, ag.vmap(f)(x)."
        )
        raise MissingRuleError(message)
    raise missing_rule(name)


def call_with_keywords(ufunc: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """A call with ``out=``, ``where=``, ``dtype=`` and the like, or with ``axes=``."""
    name, operation = name_of(ufunc), operation_of(ufunc)
    out, mask = kw.pop("out", None), kw.pop("where", True)
    _, dtype, casting = kw.pop("subok", True), kw.pop("dtype", None), kw.pop("casting", "same_kind")
    check_order(name, kw.pop("order", "K"))
    if ufunc.signature is not None:
        operation = _along(ufunc, operation, kw)
    if kw:
        refuse_keywords(name, kw)
    arrays = [a for a in (*args, *(out or ())) if hasattr(a, "shape")]
    args = tuple([beside(a, arrays) if isinstance(a, list | tuple) else a for a in args])
    args = _in_dtype(name, ufunc, args, dtype, casting)
    out = tuple([None] * ufunc.nout) if out is None else out
    if mask is not True:
        mask, args = _masked(name, args, mask, out)
    y = operation(*args)
    results = y if isinstance(y, tuple) else (y,)
    done = [_written(name, *pair, mask) for pair in zip(out, results, strict=True)]
    return type(y)(*done) if hasattr(y, "_fields") else tuple(done) if len(done) > 1 else done[0]


def refuse_keywords(what: str, kw: dict[str, Any]) -> None:
    """Raise for keywords that no form above takes."""
    message = (
        f"{what}({next(iter(kw))}): got {', '.join(f'{k}={v!r}' for k, v in kw.items())} for a "
        "traced array; no derivative rule takes it. Leave it out."
    )
    raise MissingRuleError(message)


def _in_dtype(name: str, ufunc: Any, args: tuple, dtype: Any, casting: str) -> tuple:
    """Operands in the dtype that the calculation is to be done in."""
    arrays = [a for a in args if hasattr(a, "shape")]
    if dtype is None:
        if casting != "same_kind":
            for a in arrays:
                check_casting(name, a, common_dtype(arrays), casting)
        return args
    if kind_of(np.dtype(dtype)) == "other":
        if all("?" in form.partition("->")[2] for form in ufunc.types if "O" not in form):
            return args  # comparisons give booleans anyway
        refuse_keywords(name, {"dtype": dtype})
    for a in arrays:
        check_casting(name, a, dtype, casting)
    whole = ufunc is np.ldexp  # its exponents are integers
    return tuple(
        [
            astype(a, np.dtype(dtype))
            if hasattr(a, "shape") and not (whole and kind_of(a.dtype) == "other")
            else a
            for a in args
        ]
    )


# Any point where every function is smooth will do, but for those that are not real at 0.5.
_SMOOTH = 0.5
_SMOOTH_OF = {"numpy.arccosh": 2.0}


def _masked(name: str, args: tuple, mask: Any, out: tuple) -> tuple[Any, tuple]:
    """A mask, and operands that do no harm where it does not hold.

    There the result is not used; its derivative could still be 0 times infinity, that of
    ``np.divide(a, b, out=y, where=b != 0)`` for instance.
    """
    if any(o is None for o in out):
        message = (
            f"{name}(where): got a mask without out=; expected an array that has values where the "
            "mask does not hold: NumPy leaves them undefined. Give out=xp.zeros_like(x), or write "
            "xp.where(mask, a, b)."
        )
        raise MissingRuleError(message)
    mask = strip(as_mask(name, mask, out[0]))
    point = _SMOOTH_OF.get(name, _SMOOTH)
    return mask, tuple([_harmless(a, mask, point) for a in args])


def _harmless(a: Any, mask: Any, point: float) -> Any:
    if not hasattr(a, "shape") or "bool" in str(a.dtype):
        return a
    return TRACED.where(mask, a, 1 if kind_of(a.dtype) == "other" else point)


def _written(name: str, out: Any, y: Any, mask: Any) -> Any:
    """The result, or the output array with the result where the mask holds."""
    if out is None:
        return y
    if type(y) in LIFTED and type(out) not in LIFTED:
        message = (
            f"{name}(out): got a traced value to write into a plain array, where its gradient "
            "would be lost. Write y = y + x instead of y += x, or make y with xp.zeros_like(x)."
        )
        raise TraceError(message)
    if mask is not True:
        y = TRACED.where(mask, y, out)
    if not fits_into(y, out.shape):
        message = (
            f"{name}(out): got an array of shape {tuple(out.shape)}; expected one that the result "
            f"of shape {tuple(y.shape)} broadcasts to."
        )
        raise ShapeError(message)
    out[...] = y
    return out


def _along(ufunc: Any, operation: Any, kw: dict[str, Any]) -> Any:
    """A product of vectors or matrices whose axes stand elsewhere than last."""
    axis, axes, keepdims = kw.pop("axis", None), kw.pop("axes", None), kw.pop("keepdims", False)
    ends = ufunc.signature.split("->")
    counts = [part.count(",") + 1 if part else 0 for part in _groups(ends[0]) + _groups(ends[1])]
    if axis is not None:
        axes = [axis if n else () for n in counts]
    if keepdims and counts[-1]:
        refuse_keywords(name_of(ufunc), {"keepdims": keepdims})
    if axes is None and not keepdims:
        return operation
    axes = [tuple(range(-n, 0)) for n in counts] if axes is None else list(axes)
    if len(axes) == len(counts) - 1 and not counts[-1]:
        axes = [*axes, ()]
    axes = [tuple(a) if isinstance(a, tuple | list) else (a,) for a in axes]
    if [len(a) for a in axes] != counts:
        message = (
            f"{name_of(ufunc)}(axes): got {axes!r}; expected as many axes as {ufunc.signature} has."
        )
        raise ArgumentError(message)

    def along(*args: Any) -> Any:
        moved = [
            moveaxis(a, own, tuple(range(-len(own), 0))) for a, own in zip(args, axes, strict=False)
        ]
        y = operation(*moved)
        if keepdims:
            return moveaxis(y[..., None], -1, axes[0])
        return moveaxis(y, tuple(range(-counts[-1], 0)), axes[-1]) if counts[-1] else y

    return along


def _groups(text: str) -> list[str]:
    return [part.strip("()") for part in text.split("),(")]


def outer(ufunc: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """The ufunc of all pairs of elements."""
    a, b = as_own_arrays(args)
    spread = TRACED.reshape(a, shape=(*a.shape, *(1,) * len(b.shape)))
    return call_with_keywords(ufunc, (spread, b), kw)
