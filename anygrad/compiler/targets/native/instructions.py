"""What can be done with values besides what operators do; one instruction each, mostly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.compiler.targets.native.values import SHORT, TYPES, Value, is_float

__all__ = [
    "absolute",
    "bits",
    "convert",
    "copysign",
    "either",
    "floor",
    "fma",
    "from_bits",
    "round_even",
    "select",
    "sqrt",
    "truncate",
]

_INTEGER_OF = {"float64": "int64", "float32": "int32", "float16": "int16"}
_FLOAT_OF = {integer: real for real, integer in _INTEGER_OF.items()}
_SIZES = {name: int(name.lstrip("abcdefghijklmnopqrstuvwxyz")) for name in TYPES if name != "bool"}


def fma(a: Value, b: Any, c: Any) -> Value:
    """``a * b + c`` with one rounding."""
    return _intrinsic("fma", a, a.lift(b), a.lift(c))


def sqrt(x: Value) -> Value:
    """The square root, correctly rounded."""
    return _intrinsic("sqrt", x)


def absolute(x: Value) -> Value:
    """Without the sign; of integers the smallest one stays what it is."""
    if is_float(x.dtype):
        return _intrinsic("fabs", x)
    return x if x.dtype.startswith("u") else select(x < 0, -x, x)


def copysign(x: Any, sign: Value) -> Value:
    """The first one with the sign of the second one."""
    return _intrinsic("copysign", sign.lift(x), sign)


def floor(x: Value) -> Value:
    """The largest whole number that is not larger."""
    return _intrinsic("floor", x)


def truncate(x: Value) -> Value:
    """The whole number towards zero."""
    return _intrinsic("trunc", x)


def round_even(x: Value) -> Value:
    """The nearest whole number, the even one of two."""
    return _intrinsic("roundeven", x)


def select(condition: Value, yes: Any, no: Any) -> Value:
    """The one or the other, lane by lane; one of them at least has to be a value."""
    yes, no = (yes, yes.lift(no)) if type(yes) is Value else (no.lift(yes), no)
    assert condition.dtype == "bool", condition
    assert yes.dtype == no.dtype, (yes, no)
    emitter = condition.emitter
    text = f"select {condition.type} {condition.text}, {yes.type} {yes.text}, {no.type} {no.text}"
    return emitter.emit(yes.dtype, text)


def bits(x: Value) -> Value:
    """The bits of floating numbers as integers of the same size, with a sign."""
    dtype = _INTEGER_OF[x.dtype]
    return x.emitter.emit(dtype, f"bitcast {x.type} {x.text} to {x.emitter.type(dtype)}")


def from_bits(x: Value) -> Value:
    """The floating numbers with these bits."""
    dtype = _FLOAT_OF[x.dtype.removeprefix("u")]
    return x.emitter.emit(dtype, f"bitcast {x.type} {x.text} to {x.emitter.type(dtype)}")


def convert(x: Value, dtype: str) -> Value:
    """The same numbers in another type, as C converts them; to bool, whether they are not zero."""
    if x.dtype == dtype:
        return x
    if dtype == "bool":
        return x != 0
    name = _conversion(x.dtype, dtype)
    if not name:  # integers that differ in the meaning of the first bit only
        return Value(x.emitter, dtype, x.text)
    return x.emitter.emit(dtype, f"{name} {x.type} {x.text} to {x.emitter.type(dtype)}")


def _conversion(source: str, target: str) -> str:
    """The instruction that converts."""
    if is_float(source):
        if is_float(target):
            return "fpext" if _SIZES[target] > _SIZES[source] else "fptrunc"
        return "fptoui" if target.startswith("u") else "fptosi"
    unsigned = source == "bool" or source.startswith("u")
    if is_float(target):
        return "uitofp" if unsigned else "sitofp"
    size = 1 if source == "bool" else _SIZES[source]
    if _SIZES[target] == size:
        return ""
    if _SIZES[target] < size:
        return "trunc"
    return "zext" if unsigned else "sext"


def _intrinsic(name: str, *values: Value) -> Value:
    first = values[0]
    assert all(x.dtype == first.dtype for x in values), values
    full = f"@llvm.{name}.v{first.emitter.lanes}{SHORT[first.dtype]}"
    types = ", ".join([first.type] * len(values))
    first.emitter.module.declared[f"declare {first.type} {full}({types})"] = None
    told = ", ".join([f"{x.type} {x.text}" for x in values])
    return first.emitter.emit(first.dtype, f"call {first.type} {full}({told})")


def either(condition: Value, yes: Value, build: Callable[[], Value]) -> Value:
    """The one where the condition holds in all lanes, which is usual; else what ``build`` gives.

    What is built is computed only where it is needed, and for all lanes then.
    """
    emitter, lanes = condition.emitter, condition.emitter.lanes
    name = f"@llvm.vector.reduce.and.v{lanes}i1"
    emitter.module.declared[f"declare i1 {name}(<{lanes} x i1>)"] = None
    usual = emitter.line(f"call i1 {name}({condition.type} {condition.text})")
    before, number = emitter.block, usual.removeprefix("%")
    known = dict(emitter._known)
    emitter.lines += [f"  br i1 {usual}, label %joined.{number}, label %other.{number}"]
    emitter.lines.append(f"other.{number}:")
    emitter.block = f"other.{number}"
    no = build()
    after = emitter.block
    emitter._known = known  # nothing of the other way is there afterwards
    emitter.lines += [f"  br label %joined.{number}", f"joined.{number}:"]
    emitter.block = f"joined.{number}"
    ways = f"[{yes.text}, %{before}], [{no.text}, %{after}]"
    return Value(emitter, yes.dtype, emitter.line(f"phi {yes.type} {ways}"))
