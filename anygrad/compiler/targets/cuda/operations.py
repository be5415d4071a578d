"""What each operation of a program is in CUDA C++, and in which types it is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.backends.cupy import CUPY
from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.targets.cuda.types import TYPES, is_complex, is_float, is_half, literal
from anygrad.compiler.targets.dtypes import fits, kind_of, name_of, resolve

__all__ = ["Value", "converted", "operate", "why_not"]


class Value(NamedTuple):
    """An operand in a kernel: its text, and the type that it is of.

    ``constant`` is the number itself, where it is one that is written out.
    """

    text: str
    dtype: str
    constant: Any = None


def _infix(symbol: str) -> Callable[[str, str, str], str]:
    return lambda dtype, a, b: f"{a} {symbol} {b}"


def _call(name: str) -> Callable[..., str]:
    return lambda dtype, *given: f"{name}({', '.join(given)})"


def _whole_as_it_is(name: str) -> Callable[[str, str], str]:
    return lambda dtype, a: f"{name}({a})" if is_float(dtype) else a


def _wrapping(symbol: str) -> Callable[[str, str, str], str]:
    """Integers go round at the ends of their range; signed ones may not in C++."""

    def text(dtype: str, a: str, b: str) -> str:
        if not dtype.startswith(("int", "uint16")):  # products of uint16 are signed ones in C++
            return f"{a} {symbol} {b}"
        wide = "unsigned long long" if dtype == "int64" else "unsigned int"
        return f"({wide}){a} {symbol} ({wide}){b}"

    return text


def _negative(dtype: str, a: str) -> str:
    if dtype.startswith("int"):
        return _wrapping("-")(dtype, "0", a)
    return f"0 - {a}" if dtype.startswith("u") else f"-{a}"


def _abs(dtype: str, a: str) -> str:
    if dtype.startswith(("u", "bool")):
        return a
    return f"{a} < 0 ? {_negative(dtype, a)} : {a}" if dtype.startswith("int") else f"abs({a})"


def _sign(dtype: str, a: str) -> str:
    whole = f"({a} > 0) - ({a} < 0)"
    return f"{a} != {a} ? {a} : {TYPES[dtype].value}({whole})" if is_float(dtype) else whole


def _maximum(dtype: str, a: str, b: str) -> str:
    return f"{a} != {a} || {a} > {b} ? {a} : {b}"


def _minimum(dtype: str, a: str, b: str) -> str:
    return f"{a} != {a} || {a} < {b} ? {a} : {b}"


def _square(dtype: str, a: str) -> str:
    return _wrapping("*")(dtype, a, a)


def _reciprocal(dtype: str, a: str) -> str:
    return f"{TYPES[dtype].value}(1) / {a}"


_SAME: dict[str, Callable[..., str]] = {
    "add": lambda dtype, a, b: f"{a} || {b}" if dtype == "bool" else _wrapping("+")(dtype, a, b),
    "subtract": _wrapping("-"),
    "multiply": lambda dtype, a, b: (
        f"{a} && {b}" if dtype == "bool" else _wrapping("*")(dtype, a, b)
    ),
    "divide": _infix("/"),
    "negative": _negative,
    "positive": lambda dtype, a: a,
    "conj": lambda dtype, a: f"conj({a})" if is_complex(dtype) else a,
    "abs": _abs,
    "square": _square,
    "sqrt": _call("sqrt"),
    "reciprocal": _reciprocal,
    "maximum": _maximum,
    "minimum": _minimum,
    "copysign": _call("copysign"),
    "sign": _sign,
    "floor": _whole_as_it_is("floor"),
    "ceil": _whole_as_it_is("ceil"),
    "trunc": _whole_as_it_is("trunc"),
    "round": _whole_as_it_is("rint"),
    "bitwise_and": _infix("&"),
    "bitwise_or": _infix("|"),
    "bitwise_xor": _infix("^"),
    "bitwise_invert": lambda dtype, a: f"!{a}" if dtype == "bool" else f"~{a}",
}
"""Operations whose result is of the type in which they are computed."""

_FUNCTIONS: dict[str, Callable[..., str]] = {
    **{
        name: _call(name)
        for name in (
            *("exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "cbrt", "hypot"),
            *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
            *("asinh", "acosh", "atanh", "erf", "erfc"),
            *("logaddexp", "expit", "log_expit", "logit", "xlogy", "xlog1py", "entr"),
            *("rel_entr", "kl_div"),
        )
    },
    "pow": _call("pow"),
}
"""Functions of floating numbers."""
_COMPLEX = frozenset(
    (
        *("add", "subtract", "multiply", "divide", "negative", "positive", "conj", "square"),
        *("sqrt", "reciprocal", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    )
)
"""Operations that kernels compute for complex numbers, too."""


def _truth(dtype: str, a: str) -> str:
    return a if dtype == "bool" else f"({a} != ({TYPES[dtype].value})0)"


def _logical(symbol: str) -> Callable[..., str]:
    return lambda dtype, a, b: f"{_truth(dtype, a)} {symbol} {_truth(dtype, b)}"


_TESTS: dict[str, Callable[..., str]] = {
    "equal": _infix("=="),
    "not_equal": _infix("!="),
    "less": _infix("<"),
    "less_equal": _infix("<="),
    "greater": _infix(">"),
    "greater_equal": _infix(">="),
    "logical_and": _logical("&&"),
    "logical_or": _logical("||"),
    "logical_xor": _logical("!="),
    "logical_not": lambda dtype, a: f"!{_truth(dtype, a)}",
    "isnan": lambda dtype, a: f"{a} != {a}",
    "isinf": lambda dtype, a: f"isinf({a})",
    "isfinite": lambda dtype, a: f"isfinite({a})",
    "signbit": lambda dtype, a: f"signbit({a})" if is_float(dtype) else f"{a} < 0",
}
"""Operations that answer yes or no."""
_EQUAL = frozenset(("equal", "not_equal", "logical_not", "isnan"))
_ONLY_FLOATS = frozenset(("divide", "sqrt", "reciprocal", "copysign", "isnan", "isinf", "isfinite"))

POWERS: dict[float, Callable[[str, str], str]] = {
    2.0: _square,
    0.5: lambda dtype, a: f"sqrt({a})",
    -1.0: _reciprocal,
    1.0: lambda dtype, a: a,
}
"""Exponents for which CuPy itself has shorter ways."""


def why_not(node: Node, specs: dict[int, Spec]) -> str:
    """Why an operation is not computed by a kernel; empty if it can be."""
    result = specs[node.number]
    if result.kind != "array" or result.library is not CUPY:
        return "on the host"
    if any(_is_of_host(x, specs) for x in node.operands):
        return "an array of the host"
    if name_of(result.dtype) not in TYPES:
        return f"a kernel gives no {result}"
    allowed = {"astype": {"dtype"}}.get(node.name, set())
    if not set(node.keywords) <= allowed:
        return f"{node.name} with keywords"
    kinds = [kind_of(x, specs) for x in node.operands]
    if any(kind is None for kind in kinds):
        return "an operand of another kind"
    types = _types(node, tuple(kinds), name_of(result.dtype))
    if types is None:
        return f"no kernel computes {node.name} of these types"
    for x, dtype in zip(node.operands, types, strict=True):
        if not fits(x, specs, dtype):
            return "a number that has to stay whole"
    return ""


def _is_of_host(x: Any, specs: dict[int, Spec]) -> bool:
    """Whether an operand is an array of the host, of which a kernel reads single numbers only."""
    if type(x) is not Ref:
        return isinstance(x, np.ndarray) and x.size != 1
    return specs[x].kind == "array" and specs[x].library is not CUPY


def operate(node: Node, operands: Sequence[Value], specs: dict[int, Spec]) -> Value:
    """The result of an operation, rounded to its type."""
    kinds = tuple([kind_of(x, specs) for x in node.operands])
    result = name_of(specs[node.number].dtype)
    types = _types(node, kinds, result)
    assert types is not None, node
    given = [converted(x, dtype) for x, dtype in zip(operands, types, strict=True)]
    if node.name == "where":
        return Value(f"{given[0].text} ? {given[1].text} : {given[2].text}", result)
    if node.name == "astype":
        return converted(given[0], result)
    texts = [x.text for x in given]
    if node.name in ("real", "imag"):
        if not is_complex(types[0]):
            return Value(texts[0] if node.name == "real" else f"({TYPES[result].value})0", result)
        return Value(f"{texts[0]}.{node.name}()", result)
    exponent = operands[1].constant if node.name == "pow" else None
    power = POWERS.get(float(exponent)) if isinstance(exponent, int | float) else None
    if power is not None:
        found = power(types[0], texts[0])
    else:
        found = _builder(node.name)(types[0], *texts)  # type: ignore[misc]
    return _rounded(found, result)


def converted(x: Value, dtype: str) -> Value:
    """A value in another type, as the library's cast gives it."""
    if x.constant is not None:
        return Value(literal(x.constant, dtype), dtype, x.constant)
    if x.dtype == dtype:
        return x
    if dtype == "bool":
        return Value(_truth(x.dtype, x.text), dtype)
    kind = TYPES[dtype].value
    if is_complex(dtype):
        part = "double" if dtype == "complex128" else "float"
        if is_complex(x.dtype):
            return Value(f"{kind}(({part}){x.text}.real(), ({part}){x.text}.imag())", dtype)
        return Value(f"{kind}(({part}){x.text}, ({part})0)", dtype)
    if is_half(dtype):
        return _rounded(f"(float){x.text}", dtype)
    return Value(f"({kind}){x.text}", dtype)


def _rounded(text: str, dtype: str) -> Value:
    """A result in its own type; half precision is computed in single."""
    if not is_half(dtype):
        return Value(text, dtype)
    kind = TYPES[dtype]
    return Value(f"{kind.load}({kind.store}({text}))", dtype)


def _builder(name: str) -> Callable[..., str] | None:
    return _SAME.get(name) or _TESTS.get(name) or _FUNCTIONS.get(name)


def _types(node: Node, kinds: tuple[Any, ...], result: str) -> tuple[str, ...] | None:
    """The type in which each operand is taken; None if a kernel does not take them."""
    keys = [kind if isinstance(kind, type) else name_of(kind) for kind in kinds]
    exponent = node.operands[1] if node.name == "pow" else None
    known = type(exponent) in (int, float) and float(exponent) in POWERS  # type: ignore[arg-type]
    return _decide(node.name, tuple(keys), result, known)


@functools.lru_cache(4096)
def _decide(name: str, keys: tuple[Any, ...], result: str, known: bool) -> Any:
    arrays = [key for key in keys if isinstance(key, str)]
    if not all(key in TYPES for key in arrays):
        return None
    if name == "where":
        return ("bool", result, result) if len(keys) == 3 and keys[0] == "bool" else None
    if name == "astype":
        return (keys[0],) if arrays and _casts(arrays[0], result) else None
    if name in ("real", "imag"):
        return tuple(arrays) if len(arrays) == 1 else None
    if name == "round":
        return (result,) if arrays == [result] and not is_complex(result) else None
    found = _resolved(name, keys)
    if found is None or found[-1] != result or not all(dtype in TYPES for dtype in found):
        return None
    taken = found[:-1]
    if len(set(taken)) != 1:
        return None
    return taken if _computes(name, taken[0], result, known) else None


def _computes(name: str, taken: str, result: str, known: bool) -> bool:
    """Whether kernels compute an operation in this type."""
    floats = is_float(taken)
    if name in _TESTS:
        if is_complex(taken):
            return name in _EQUAL or name.startswith("logical")
        return floats or name not in _ONLY_FLOATS
    if name == "abs" and is_complex(taken):
        return result == {"complex64": "float32", "complex128": "float64"}[taken]
    if taken != result:
        return False
    if name == "pow":
        return floats or (known and is_complex(taken))
    if is_complex(taken):
        return name in _COMPLEX
    if name in _FUNCTIONS or name in _ONLY_FLOATS:
        return floats
    return name in _SAME


def _casts(source: str, result: str) -> bool:
    return is_complex(result) or not is_complex(source)


def _resolved(name: str, keys: tuple[Any, ...]) -> tuple[str, ...] | None:
    """The types in which the library computes; NumPy knows no bfloat16, which is like float16."""
    if "bfloat16" not in keys:
        return resolve(name, tuple([np.dtype(k).str if isinstance(k, str) else k for k in keys]))
    if "float16" in keys:
        return None
    like = tuple(["<f2" if k == "bfloat16" else k for k in keys])
    found = _resolved(name, tuple([np.dtype(k).name if isinstance(k, str) else k for k in like]))
    if found is None:
        return None
    return tuple(["bfloat16" if dtype == "float16" else dtype for dtype in found])
