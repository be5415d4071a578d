"""What each operation of a program is in vector code, and in which types NumPy computes it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.program import Node, Spec
from anygrad.compiler.targets.dtypes import fits, kind_of, name_of, resolve
from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import (
    absolute,
    bits,
    convert,
    copysign,
    floor,
    round_even,
    select,
    sqrt,
    truncate,
)
from anygrad.compiler.targets.native.mathematics import FUNCTIONS
from anygrad.compiler.targets.native.quotients import divide_by
from anygrad.compiler.targets.native.values import TYPES, Value, is_float

__all__ = ["Number", "functions_of", "operate", "why_not"]


class Number(NamedTuple):
    """An operand that is a number: a constant, or a value of the host that every lane reads."""

    constant: Any
    value: Value | None = None


def _largest(a: Value, b: Value) -> Value:
    """As NumPy's vector loops: nan wins, and of two zeros the second one."""
    return select(a > b, a, b) if not is_float(a.dtype) else select(a != a, a, select(a > b, a, b))


def _smallest(a: Value, b: Value) -> Value:
    return select(a < b, a, b) if not is_float(a.dtype) else select(a != a, a, select(a < b, a, b))


def _sign(x: Value) -> Value:
    if x.dtype.startswith("u"):
        return convert(x != 0, x.dtype)
    below = select(x < 0, x.lift(-1), 0)
    whole = select(x > 0, x.lift(1), below)
    return select(x != x, x, whole) if is_float(x.dtype) else whole


def _whole(rounded: Callable[[Value], Value]) -> Callable[[Value], Value]:
    return lambda x: rounded(x) if is_float(x.dtype) else x


_SAME = {
    "add": lambda a, b: a | b if a.dtype == "bool" else a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a & b if a.dtype == "bool" else a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "positive": lambda a: a,
    "conj": lambda a: a,
    "abs": lambda a: a if a.dtype == "bool" else absolute(a),
    "square": lambda a: a * a,
    "sqrt": sqrt,
    "reciprocal": lambda a: 1.0 / a,
    "maximum": _largest,
    "minimum": _smallest,
    "copysign": copysign,
    "sign": _sign,
    "floor": _whole(floor),
    "ceil": _whole(lambda x: -floor(-x)),
    "trunc": _whole(truncate),
    "bitwise_and": lambda a, b: a & b,
    "bitwise_or": lambda a, b: a | b,
    "bitwise_xor": lambda a, b: a ^ b,
    "bitwise_invert": lambda a: ~a,
}
"""Operations whose result is of the type in which they are computed."""

_TESTS = {
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "logical_and": lambda a, b: convert(a, "bool") & convert(b, "bool"),
    "logical_or": lambda a, b: convert(a, "bool") | convert(b, "bool"),
    "logical_xor": lambda a, b: convert(a, "bool") ^ convert(b, "bool"),
    "logical_not": lambda a: ~convert(a, "bool"),
    "isnan": lambda a: a != a,
    "isinf": lambda a: absolute(a) == math.inf,
    "isfinite": lambda a: absolute(a) < math.inf,
    "signbit": lambda a: bits(a) < 0,
}
"""Operations that answer yes or no."""

_HALVES = {
    "maximum": lambda a, b: select(a != a, a, select(a >= b, a, b)),
    "minimum": lambda a, b: select(a != a, a, select(a <= b, a, b)),
}
"""What NumPy does in another way in half precision: of two zeros the first one."""

_ONLY_FLOATS = frozenset(("divide", "sqrt", "reciprocal", "copysign", "isnan", "isinf", "isfinite"))
POWERS: dict[float, Callable[[Value], Value]] = {
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    0.5: sqrt,
    -1.0: lambda x: 1.0 / x,
}
"""Exponents for which multiplying is quicker, and at most 2 units in the last place off."""


def why_not(node: Node, specs: dict[int, Spec]) -> str:
    """Why an operation is not computed by a kernel; empty if it can be."""
    result = specs[node.number]
    if result.kind != "array" or name_of(result.dtype) not in TYPES:
        return f"a kernel gives no {result}"
    if not np.dtype(result.dtype).isnative:
        return "bytes in another order"
    if node.name not in ("where", "astype", "pow", "round") and not _builder(node.name):
        return f"no kernel computes {node.name}"
    allowed = {"astype": {"dtype"}}.get(node.name, set())
    if not set(node.keywords) <= allowed:
        return f"{node.name} with keywords"
    kinds = [_real_kind(x, specs) for x in node.operands]
    if any(kind is None for kind in kinds):
        return "an operand of another kind"
    types = _types(node, tuple(kinds), name_of(result.dtype))
    if types is None:
        return f"{node.name} of these types"
    for x, dtype in zip(node.operands, types, strict=True):
        if not fits(x, specs, dtype):
            return "a number that has to stay whole"
    return ""


def operate(node: Node, operands: Sequence[Value | Number], specs: dict[int, Spec]) -> Value:
    """The result of an operation."""
    kinds = tuple([_real_kind(x, specs) for x in node.operands])
    result = name_of(specs[node.number].dtype)
    types = _types(node, kinds, result)
    assert types is not None, node
    # numbers are converted before the loop, in which they are read then
    emitter = next(x.emitter for x in operands if type(x) is Value)
    given = []
    for x, dtype in zip(operands, types, strict=True):
        value = _value(x)
        found = emitter.constant(x.constant, dtype) if value is None else convert(value, dtype)  # type: ignore[union-attr]
        given.append(Value(emitter, dtype, found.text))
    if node.name == "where":
        return select(*given)
    if node.name == "astype":
        return convert(given[0], result)
    if node.name == "divide" and result == "float64" and type(operands[1]) is Number:
        y = operands[1].value
        return divide_by(
            given[0], given[1] if y is None else convert(y, result), operands[1].constant
        )
    found = _compute(node, given, operands)
    return convert(found, result)


def functions_of(node: Node) -> Function | None:
    """The function of a node that is one; the arithmetic ones have none."""
    if node.name == "pow" and _exponent(node) in POWERS:
        return None
    return FUNCTIONS.get(node.name)


def _compute(node: Node, given: list[Value], operands: Sequence[Value | Number]) -> Value:
    half = given[0].dtype == "float16"  # NumPy computes them in single precision, too
    if half:
        given = [convert(x, "float32") for x in given]
    if node.name == "pow":
        power = POWERS.get(_exponent(node))
        found = FUNCTIONS["pow"](*given) if power is None else power(given[0])
    elif node.name == "round":
        found = round_even(given[0]) if is_float(given[0].dtype) else given[0]
    else:
        build = _HALVES.get(node.name) if half else None
        build = build or _builder(node.name)
        assert build is not None
        found = build(*given)
    return convert(found, "float16") if half and found.dtype == "float32" else found


def _builder(name: str) -> Callable[..., Value] | None:
    return _SAME.get(name) or _TESTS.get(name) or FUNCTIONS.get(name)


def _exponent(node: Node) -> Any:
    """The exponent of a power, if it is written in the program."""
    x = node.operands[1]
    return float(x) if type(x) in (int, float) else None


def _value(x: Value | Number) -> Value | None:
    return x if type(x) is Value else x.value  # type: ignore[union-attr]


def _real_kind(x: Any, specs: dict[int, Spec]) -> Any:
    """What decides about the types; None for complex numbers, too."""
    kind = kind_of(x, specs)
    return None if kind is complex else kind


def _types(node: Node, kinds: tuple[Any, ...], result: str) -> tuple[str, ...] | None:
    """The type in which each operand is taken; None if a kernel does not take them."""
    # by their letters: a dtype and a type of Python's may pass for equal
    keys = [kind.str if isinstance(kind, np.dtype) else kind for kind in kinds]
    return _decide(node.name, tuple(keys), result)


@functools.lru_cache(4096)
def _decide(name: str, keys: tuple[Any, ...], result: str) -> tuple[str, ...] | None:
    arrays = [np.dtype(key) for key in keys if isinstance(key, str)]
    names = [dtype.name for dtype in arrays]
    if not arrays or not all(dtype.isnative and dtype.name in TYPES for dtype in arrays):
        return None
    if name == "where":
        return ("bool", result, result) if len(keys) == 3 and names[0] == "bool" else None
    if name == "astype":
        loses = is_float(names[0]) and not is_float(result) and result != "bool"
        return None if loses else (names[0],)
    if name == "round":
        return (result,) if names == [result] else None
    found = resolve(name, keys)
    if found is None or found[-1] != result or not all(dtype in TYPES for dtype in found):
        return None
    taken = found[:-1]
    if len(set(taken)) != 1:
        return None
    floats = is_float(taken[0])
    if name in _TESTS:
        return None if name in _ONLY_FLOATS and not floats else taken
    if taken[0] != result:
        return None
    if name in FUNCTIONS or name in _ONLY_FLOATS:
        return taken if floats else None
    return taken if name in _SAME else None
