"""Values that write down the instructions by which they are computed: straight-line vector code.

A value stands for ``lanes`` numbers at once. Operators and the functions below append one LLVM
instruction each to the function that is being written; an instruction that is there already is not
written again. No flag ever allows LLVM to compute anything but what is written: sums keep their
order, and a multiplication is joined with an addition in `fma` only. So results do not depend on
the width of the registers that a processor has.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

__all__ = [
    "TYPES",
    "Emitter",
    "Function",
    "Module",
    "Value",
    "absolute",
    "bits",
    "call",
    "convert",
    "copysign",
    "either",
    "floor",
    "fma",
    "from_bits",
    "is_float",
    "literal",
    "llvm_type",
    "round_even",
    "select",
    "sqrt",
    "truncate",
]

TYPES = {
    "float64": "double",
    "float32": "float",
    "float16": "half",
    "bool": "i1",
    **{f"{sign}int{n}": f"i{n}" for sign in ("", "u") for n in (8, 16, 32, 64)},
}
"""LLVM's names of the types of elements."""

_SHORT = {"float64": "f64", "float32": "f32", "float16": "f16"}
_INTEGER_OF = {"float64": "int64", "float32": "int32", "float16": "int16"}
_FLOAT_OF = {integer: real for real, integer in _INTEGER_OF.items()}
_SIZES = {name: int(name.lstrip("abcdefghijklmnopqrstuvwxyz")) for name in TYPES if name != "bool"}


def is_float(dtype: str) -> bool:
    """Whether a type is one of floating numbers."""
    return dtype in _SHORT


def llvm_type(dtype: str, lanes: int) -> str:
    """LLVM's name of a vector."""
    return f"<{lanes} x {TYPES[dtype]}>"


def literal(x: Any, dtype: str) -> str:
    """A number as LLVM writes it, exactly."""
    if dtype == "float64":
        return f"double 0x{struct.pack('>d', float(x)).hex().upper()}"
    if dtype == "float32":
        # written as the double of the same value; too large a number is infinite, as in NumPy
        x = float(x)
        if math.isfinite(x) and abs(x) >= float.fromhex("0x1.ffffffp127"):
            x = math.copysign(math.inf, x)
        rounded = struct.unpack("f", struct.pack("f", x))[0]
        return f"float 0x{struct.pack('>d', rounded).hex().upper()}"
    if dtype == "float16":
        x = float(x)
        if math.isfinite(x) and abs(x) >= 65520.0:
            x = math.copysign(math.inf, x)
        return f"half 0xH{struct.pack('>e', x).hex().upper()}"
    if dtype == "bool":
        return f"i1 {'true' if x else 'false'}"
    return f"{TYPES[dtype]} {int(x)}"


class Module:
    """The text of one module.

    Attributes
    ----------
    lanes : int
        The numbers that a vector holds, of whatever type.
    declared : dict
        Lines that declare what LLVM has built in.
    functions : dict
        The text of the functions that others call, by name.
    results : dict
        The types of what they give, by name; in a tuple, where that is several values.
    """

    def __init__(self, lanes: int):
        self.lanes = lanes
        self.declared: dict[str, None] = {}
        self.functions: dict[str, str] = {}
        self.results: dict[str, str | tuple[str, ...]] = {}

    def text(self, *others: str) -> str:
        """The whole module, with further functions at the end."""
        return "\n".join([*self.declared, "", *self.functions.values(), *others]) + "\n"


class Emitter:
    """One function, or the body of a loop, while its instructions are written.

    Attributes
    ----------
    module : Module
        Where functions that are called, and declarations, go.
    lines : list of str
        The instructions.
    prefix : str
        What the names of all values begin with.
    block : str
        The label of the block that is being written.
    """

    def __init__(self, module: Module, prefix: str = "v", block: str = "entry"):
        self.module, self.prefix, self.block = module, prefix, block
        self.lanes = module.lanes
        self.lines: list[str] = []
        self._known: dict[str, Value] = {}
        self._results = 0

    def emit(self, dtype: str, instruction: str) -> Value:
        """The value of an instruction; written if it is a new one."""
        found = self._known.get(instruction)
        if found is None:
            found = Value(self, dtype, self.line(instruction))
            self._known[instruction] = found
        return found

    def line(self, instruction: str) -> str:
        """Write an instruction whatever is there; gives the name of its result."""
        name = f"%{self.prefix}{self._results}"
        self._results += 1
        self.lines.append(f"  {name} = {instruction}")
        return name

    def constant(self, x: Any, dtype: str) -> Value:
        """The same number in all lanes."""
        return Value(self, dtype, f"splat ({literal(x, dtype)})")

    def type(self, dtype: str) -> str:
        """LLVM's name of a vector of this function."""
        return llvm_type(dtype, self.lanes)


class Value:
    """Numbers in the lanes of a vector, all of one type.

    Attributes
    ----------
    emitter : Emitter
        The function in which it is computed.
    dtype : str
        The type of the numbers, by NumPy's name.
    text : str
        LLVM's name of it, or a constant.
    """

    __slots__ = ("dtype", "emitter", "text")

    def __init__(self, emitter: Emitter, dtype: str, text: str):
        self.emitter, self.dtype, self.text = emitter, dtype, text

    def __repr__(self) -> str:
        return f"{self.dtype} {self.text}"

    @property
    def type(self) -> str:
        """LLVM's name of the type."""
        return llvm_type(self.dtype, self.emitter.lanes)

    def lift(self, x: Any) -> Value:
        """A number as a constant of the same type; values are left as they are."""
        return x if type(x) is Value else self.emitter.constant(x, self.dtype)

    def _apply(self, real: str, whole: str, other: Any, turned: bool = False) -> Value:
        a, b = (self.lift(other), self) if turned else (self, self.lift(other))
        name = real if is_float(self.dtype) else whole
        assert a.dtype == b.dtype, (name, a, b)
        return self.emitter.emit(self.dtype, f"{name} {a.type} {a.text}, {b.text}")

    def __add__(self, other: Any) -> Value:
        return self._apply("fadd", "add", other)

    def __radd__(self, other: Any) -> Value:
        return self._apply("fadd", "add", other, True)

    def __sub__(self, other: Any) -> Value:
        return self._apply("fsub", "sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._apply("fsub", "sub", other, True)

    def __mul__(self, other: Any) -> Value:
        return self._apply("fmul", "mul", other)

    def __rmul__(self, other: Any) -> Value:
        return self._apply("fmul", "mul", other, True)

    def __truediv__(self, other: Any) -> Value:
        assert is_float(self.dtype)
        return self._apply("fdiv", "", other)

    def __rtruediv__(self, other: Any) -> Value:
        assert is_float(self.dtype)
        return self._apply("fdiv", "", other, True)

    def __neg__(self) -> Value:
        if is_float(self.dtype):
            return self.emitter.emit(self.dtype, f"fneg {self.type} {self.text}")
        return self.lift(0) - self

    def __and__(self, other: Any) -> Value:
        return self._apply("", "and", other)

    def __or__(self, other: Any) -> Value:
        return self._apply("", "or", other)

    def __xor__(self, other: Any) -> Value:
        return self._apply("", "xor", other)

    def __invert__(self) -> Value:
        return self ^ (True if self.dtype == "bool" else -1)

    def __lshift__(self, other: Any) -> Value:
        return self._apply("", "shl", other)

    def __rshift__(self, other: Any) -> Value:
        """Zeros come in from the left, also for types with a sign."""
        return self._apply("", "lshr", other)

    def _compare(self, real: str, whole: str, other: Any) -> Value:
        b = self.lift(other)
        if is_float(self.dtype):
            name = f"fcmp {real}"
        elif self.dtype == "bool" or self.dtype.startswith("u") or whole in ("eq", "ne"):
            name = f"icmp {whole if whole in ('eq', 'ne') else 'u' + whole}"
        else:
            name = f"icmp s{whole}"
        assert self.dtype == b.dtype, (name, self, b)
        return self.emitter.emit("bool", f"{name} {self.type} {self.text}, {b.text}")

    def __lt__(self, other: Any) -> Value:
        return self._compare("olt", "lt", other)

    def __le__(self, other: Any) -> Value:
        return self._compare("ole", "le", other)

    def __gt__(self, other: Any) -> Value:
        return self._compare("ogt", "gt", other)

    def __ge__(self, other: Any) -> Value:
        return self._compare("oge", "ge", other)

    def __eq__(self, other: Any) -> Value:  # type: ignore[override]
        return self._compare("oeq", "eq", other)

    def __ne__(self, other: Any) -> Value:  # type: ignore[override]
        """True for nan beside anything."""
        return self._compare("une", "ne", other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        msg = "a value that is computed later has no truth: use select"
        raise TypeError(msg)


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
    full = f"@llvm.{name}.v{first.emitter.lanes}{_SHORT[first.dtype]}"
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


class Function:
    """A function of values: written out once in a module, and called from then on.

    Attributes
    ----------
    name : str
        The operation that it computes.
    build : callable
        Takes values, all of one type, and gives a value, or several in a tuple.
    largest : dict
        By type, up to which absolute value of its argument results hold; beyond it the caller
        computes all of them in another way. Infinite arguments are no matter.
    """

    def __init__(
        self,
        name: str,
        build: Callable[..., Any],
        largest: dict[str, float] | None = None,
    ):
        self.name, self.build = name, build
        self.largest = largest or {}
        self.__doc__ = build.__doc__

    def __call__(self, *values: Value) -> Any:
        """Call it; within another function, too."""
        return call(self, *values)


def call(function: Function, *values: Value) -> Any:
    """The result of a function; the results, in a tuple, if it has several."""
    first = values[0]
    values = tuple([first.lift(x) for x in values])
    emitter = first.emitter
    name = f"@{function.name}.{first.dtype}"
    if name not in emitter.module.functions:
        _define(emitter.module, name, function, values)
    known = emitter.module.results[name]
    dtypes = (known,) if type(known) is str else known
    types = [emitter.type(dtype) for dtype in dtypes]
    told = ", ".join([f"{x.type} {x.text}" for x in values])
    if type(known) is str:
        return emitter.emit(known, f"call fastcc {types[0]} {name}({told})")
    whole = f"{{{', '.join(types)}}}"
    result = emitter.emit(dtypes[0], f"call fastcc {whole} {name}({told})").text
    return tuple(
        [
            emitter.emit(dtype, f"extractvalue {whole} {result}, {k}")
            for k, dtype in enumerate(dtypes)
        ]
    )


def _define(module: Module, name: str, function: Function, values: tuple[Value, ...]) -> None:
    """Write a function into a module."""
    inner = Emitter(module)
    given = [Value(inner, x.dtype, f"%x{k}") for k, x in enumerate(values)]
    made = function.build(*given)
    if type(made) is tuple:
        module.results[name] = tuple([x.dtype for x in made])
        whole = f"{{{', '.join([x.type for x in made])}}}"
        last = "poison"
        for k, x in enumerate(made):
            last = inner.line(f"insertvalue {whole} {last}, {x.type} {x.text}, {k}")
    else:
        module.results[name] = made.dtype
        whole, last = made.type, made.text
    arguments = ", ".join([f"{x.type} {x.text}" for x in given])
    head = f"define internal fastcc {whole} {name}({arguments}) nounwind noinline {{"
    lines = [head, "entry:", *inner.lines, f"  ret {whole} {last}", "}", ""]
    module.functions[name] = "\n".join(lines)
