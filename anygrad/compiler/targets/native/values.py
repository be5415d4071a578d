"""Values that write down the instructions by which they are computed: straight-line vector code.

A value stands for ``lanes`` numbers at once. Operators, and what is in `instructions`, append one
LLVM instruction each to the function that is being written; an instruction that is there already is
not written again. No flag ever allows LLVM to compute anything but what is written: sums keep their
order, and a multiplication is joined with an addition in `instructions.fma` only. So results do not
depend on the width of the registers that a processor has.
"""

from __future__ import annotations

import math
import struct
from typing import Any

__all__ = ["SHORT", "TYPES", "Emitter", "Module", "Value", "is_float", "literal", "llvm_type"]

TYPES = {
    "float64": "double",
    "float32": "float",
    "float16": "half",
    "bool": "i1",
    **{f"{sign}int{n}": f"i{n}" for sign in ("", "u") for n in (8, 16, 32, 64)},
}
"""LLVM's names of the types of elements."""

SHORT = {"float64": "f64", "float32": "f32", "float16": "f16"}
"""How LLVM calls floating types in the names of what it has built in."""


def is_float(dtype: str) -> bool:
    """Whether a type is one of floating numbers."""
    return dtype in SHORT


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
