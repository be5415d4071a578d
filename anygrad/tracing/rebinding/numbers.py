"""Twins of Python's own functions of numbers: they pass traced scalars on instead of cutting them.

``math`` and the casts are asked first with the value, so that what they refuse is refused here too.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.errors import TraceError, describe
from anygrad.tracing.buffers import holds_traced, unbuffered
from anygrad.tracing.functions import FUNCTIONS, SPECIAL
from anygrad.tracing.level import LIFTED, decided, is_mapped, lowest, read_value, shown, strip
from anygrad.tracing.operations import TRACED
from anygrad.tracing.pieces import DIVIDED, call_whole
from anygrad.tracing.plain import NUMBERS


def scalar_of(what: str, x: Any) -> Any:
    """A traced array of one element as one without axes."""
    x = unbuffered(x)
    if x.size != 1:
        message = f"{what}: got {describe(x)}; expected one element. Index it first, or sum it."
        raise TraceError(message)
    return x if x.shape == () else TRACED.reshape(x, shape=())


def cast_float(x: Any = 0.0, /) -> Any:
    """``float(x)``."""
    if type(x) not in LIFTED or not holds_traced(x):
        return float(x)
    x = scalar_of("float(x)", x)
    whole = call_whole(float, (x,), {})
    if whole is not DIVIDED:
        return whole
    if "complex" in str(x.dtype):
        message = "float(x): got a complex value; expected a real one. Take x.real or abs(x)."
        raise TraceError(message)
    return x


def cast_complex(*parts: Any) -> Any:
    """``complex(x)`` and ``complex(x, y)``."""
    if not any(type(part) in LIFTED and holds_traced(part) for part in parts):
        return complex(*parts)
    parts = tuple(scalar_of("complex(x)", p) if type(p) in LIFTED else p for p in parts)
    whole = call_whole(complex, parts, {})
    if whole is not DIVIDED:
        return whole
    return parts[0] + 0j if len(parts) == 1 else parts[0] + 1j * parts[1]


def cast_int(x: Any = 0, /, *base: Any) -> Any:
    """``int(x)``: the derivative of a cut is zero, so the plain integer loses nothing."""
    if type(x) not in LIFTED or is_mapped(x):
        return int(x, *base)
    x = scalar_of("int(x)", x)
    whole = call_whole(int, (strip(x),), {})
    return int(read_value(x)) if whole is DIVIDED else whole


def add_up(values: Any, /, start: Any = 0) -> Any:
    """``sum``: Python's own floats it adds more exactly than one after the other."""
    if hasattr(values, "shape"):
        return sum(values, start)
    values = list(values)
    if any(type(x) in LIFTED and type(x.v) in NUMBERS for x in values):
        whole = call_whole(sum, (values, start), {})
        if whole is not DIVIDED:
            return whole
    return sum(values, start)


def is_instance(x: Any, kinds: Any, /) -> bool:
    """``isinstance``: a traced array is what its value is."""
    if type(x) not in LIFTED:
        return isinstance(x, kinds)
    return isinstance(shown(x), kinds) or isinstance(x, kinds)


def type_of(*args: Any, **kw: Any) -> Any:
    """``type``: that of a traced array is what its value has."""
    if kw or len(args) != 1 or type(args[0]) not in LIFTED:
        return type(*args, **kw)
    return type(shown(args[0]))


def builtin_twins(module: Any) -> list[tuple[Any, Any]]:
    """The builtins that would cut a traced value, or not know it."""
    return [
        (builtins.float, cast_float),
        (builtins.complex, cast_complex),
        (builtins.int, cast_int),
        (builtins.isinstance, is_instance),
        (builtins.sum, add_up),
        (builtins.type, type_of),
    ]


# math ---------------------------------------------------------------------------------------------


def _operation(name: str) -> Any:
    """The operation on traced arrays that a function of ``math`` is."""
    found = _MATH[name]
    if callable(found):
        return found
    return FUNCTIONS.get(found) or getattr(TRACED, found, None) or SPECIAL.get(found)


def _log(x: Any, base: Any = None) -> Any:
    logarithm = TRACED.log(x) if type(x) in LIFTED else math.log(x)
    if base is None:
        return logarithm
    return logarithm / (TRACED.log(base) if type(base) in LIFTED else math.log(base))


def _sum_products(a: Any, b: Any) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _product(values: Any, *, start: Any = 1) -> Any:
    for value in values:
        start = start * value
    return start


def _hypotenuse(*parts: Any) -> Any:
    plain = [part for part in parts if type(part) not in LIFTED]
    first, *rest = (part for part in parts if type(part) in LIFTED)
    total = TRACED.hypot(first, math.hypot(*plain)) if plain or rest else TRACED.abs(first)
    for part in rest:
        total = TRACED.hypot(total, part)
    return total


def _distance(p: Any, q: Any) -> Any:
    return _hypotenuse(*(a - b for a, b in zip(p, q, strict=True)))


_MATH: dict[str, Any] = {
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: name for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2")},
    **{name: name for name in ("degrees", "radians", "fmod")},
    **{name: name for name in ("exp", "exp2", "expm1", "log1p", "log2", "log10", "sqrt", "cbrt")},
    **{name: name for name in ("erf", "erfc", "gamma", "copysign", "nextafter")},
    "fabs": "abs",
    "lgamma": "gammaln",
    "log": _log,
    "pow": "pow",
    "hypot": _hypotenuse,
    "dist": _distance,
    "fsum": sum,
    "prod": _product,
    "sumprod": _sum_products,
    "phase": lambda z: TRACED.atan2(z.imag, z.real),
    "polar": lambda z: (TRACED.abs(z), TRACED.atan2(z.imag, z.real)),
    "rect": lambda r, phi: r * TRACED.cos(phi) + 1j * (r * TRACED.sin(phi)),
}
_CONSTANT = ("floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "isclose")
"""Functions whose derivative is zero, or that ask a question: the value answers."""


def math_twins(module: Any) -> list[tuple[Any, Any]]:
    """The functions of ``math`` or ``cmath``, passing traced scalars to rows."""
    twins = [
        (getattr(module, name), _of_module(getattr(module, name), name))
        for name in _MATH
        if hasattr(module, name)
    ]
    return twins + [
        (getattr(module, name), _of_value(getattr(module, name)))
        for name in _CONSTANT
        if hasattr(module, name)
    ]


def _of_module(function: Callable[..., Any], name: str) -> Any:
    sequences = name in ("fsum", "prod", "dist", "sumprod")

    def call(*args: Any, **kw: Any) -> Any:
        if sequences:
            args = tuple(list(a) if hasattr(a, "__iter__") else a for a in args)
        if not any(map(holds_traced, args)):
            return function(*map(unbuffered, args), **kw)
        operation = _operation(name)
        if operation is None:
            return function(*args, **kw)  # raises, and says what to write
        if not sequences:
            args = tuple(scalar_of(f"{name}(x)", a) if type(a) in LIFTED else a for a in args)
        whole = call_whole(function, args, kw)
        if whole is not DIVIDED:
            return whole
        if not sequences and not any(map(_is_away, args)):
            _check(function, args, kw)
        return operation(*args, **kw)

    return call


def _check(function: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]) -> None:
    """Call a function with the values: what it refuses, it refuses here, and in every replay."""
    whole = call_whole(function, tuple(map(strip, args)), kw)
    if whole is DIVIDED:
        function(*map(_value, args), **kw)
    else:
        decided(whole[0] if type(whole) is tuple else whole, _is_there)


def _is_there(_: Any) -> bool:
    return True


def _is_away(x: Any) -> bool:
    """Whether a value is not one number on the host: a batch, or on a device."""
    return is_mapped(x) or (
        type(x) in LIFTED and not isinstance(lowest(x), np.ndarray | np.generic)
    )


def _value(x: Any) -> Any:
    return read_value(x).item() if type(x) in LIFTED else x


def _of_value(function: Callable[..., Any]) -> Any:
    def call(*args: Any, **kw: Any) -> Any:
        if not any(map(is_mapped, args)):
            whole = call_whole(function, tuple(map(strip, args)), kw)
            if whole is not DIVIDED:
                return whole
        # a batch has no one answer: it refuses to be a number, with a sentence
        return function(*(a if is_mapped(a) else read_value(a) for a in args), **kw)

    return call
