"""Types of elements: what they are called in CUDA C++, in memory and while they are computed.

Half precision is computed in float32 and rounded after every operation, as the library does when it
carries out one operation after the other.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

__all__ = ["HEADERS", "TYPES", "Type", "is_complex", "is_float", "is_half", "literal"]


class Type(NamedTuple):
    """A type of elements.

    Attributes
    ----------
    memory : str
        What an element is in memory.
    value : str
        What it is in registers.
    size : int
        Bytes in memory.
    load, store : str
        Functions between the two; empty where they are the same.
    """

    memory: str
    value: str
    size: int
    load: str = ""
    store: str = ""

    def loaded(self, text: str) -> str:
        """The value of an element of memory."""
        return f"{self.load}({text})" if self.load else text

    def stored(self, text: str) -> str:
        """The element of memory for a value."""
        return f"{self.store}({text})" if self.store else text


TYPES = {
    "bool": Type("bool", "bool", 1),
    "int8": Type("signed char", "signed char", 1),
    "uint8": Type("unsigned char", "unsigned char", 1),
    "int16": Type("short", "short", 2),
    "uint16": Type("unsigned short", "unsigned short", 2),
    "int32": Type("int", "int", 4),
    "uint32": Type("unsigned int", "unsigned int", 4),
    "int64": Type("long long", "long long", 8),
    "uint64": Type("unsigned long long", "unsigned long long", 8),
    "float16": Type("unsigned short", "float", 2, "from_half", "to_half"),
    "bfloat16": Type("unsigned short", "float", 2, "from_bfloat", "to_bfloat"),
    "float32": Type("float", "float", 4),
    "float64": Type("double", "double", 8),
    "complex64": Type("complex<float>", "complex<float>", 8),
    "complex128": Type("complex<double>", "complex<double>", 16),
}

HEADERS = {
    "float16": """#include <cuda_fp16.h>
__device__ __forceinline__ float from_half(unsigned short x) {
    return __half2float(__ushort_as_half(x));
}
__device__ __forceinline__ unsigned short to_half(float x) {
    return __half_as_ushort(__float2half_rn(x));
}
""",
    "bfloat16": """#include <cuda_bf16.h>
__device__ __forceinline__ float from_bfloat(unsigned short x) {
    return __bfloat162float(__ushort_as_bfloat16(x));
}
__device__ __forceinline__ unsigned short to_bfloat(float x) {
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
""",
    "complex64": "#include <cupy/complex.cuh>\n",
    "complex128": "#include <cupy/complex.cuh>\n",
}
"""What comes before a kernel with such elements."""


def is_half(dtype: str) -> bool:
    """Whether a type is one of half precision."""
    return dtype in ("float16", "bfloat16")


def is_complex(dtype: str) -> bool:
    """Whether a type is complex."""
    return dtype.startswith("complex")


def is_float(dtype: str) -> bool:
    """Whether a type is real and floating."""
    return dtype.startswith(("float", "bfloat"))


def literal(x: Any, dtype: str) -> str:
    """A number as it is written in a kernel; it is rounded to its type there, or to half here."""
    if is_complex(dtype):
        part = "float64" if dtype == "complex128" else "float32"
        z = complex(x)
        return f"{TYPES[dtype].value}({literal(z.real, part)}, {literal(z.imag, part)})"
    if dtype == "bool":
        return "true" if x else "false"
    if not is_float(dtype):
        return _whole(int(x), dtype)
    value = float(x)
    if is_half(dtype):
        with np.errstate(over="ignore"):
            value = float(np.dtype(dtype).type(value))
    if math.isnan(value):
        text = "__longlong_as_double(0x7ff8000000000000LL)"
    elif math.isinf(value):
        sign = "7" if value > 0 else "f"
        text = f"__longlong_as_double(0x{sign}ff0000000000000LL)"
    else:
        text = repr(value)
    return f"({text})" if dtype == "float64" else f"(float)({text})"


def _whole(x: int, dtype: str) -> str:
    kind = TYPES[dtype].value
    if dtype == "int64" and x == -(2**63):
        return "(-9223372036854775807LL - 1)"
    suffix = "ULL" if dtype.startswith("u") else "LL"
    return f"({kind})({x}{suffix})"
