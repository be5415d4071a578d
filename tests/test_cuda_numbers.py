"""Kinds of numbers that the stand-in headers of CUDA bring: halves and complex numbers."""

import functools

import numpy as np
import pytest

from tests.support import assert_close, cuda
from tests.support.cuda import emulate

pytestmark = pytest.mark.skipif(
    cuda.reason_no_compiler() is not None, reason=str(cuda.reason_no_compiler())
)
HALVES = """
#include <cuda_fp16.h>
#include <cuda_bf16.h>
extern "C" __global__ void widen(const unsigned short* x, float* y, float* z, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    y[i] = __half2float(__ushort_as_half(x[i]));
    z[i] = __bfloat162float(__ushort_as_bfloat16(x[i]));
}
extern "C" __global__ void narrow(const float* x, unsigned short* y, unsigned short* z,
                                  long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    y[i] = __half_as_ushort(__float2half_rn(x[i]));
    z[i] = __bfloat16_as_ushort(__float2bfloat16_rn(x[i]));
}
"""
ALL = np.arange(2**16).astype("u2")


@functools.cache
def bfloat16():
    found = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    return np.dtype(found.bfloat16)


def launch(name: str, *args) -> None:
    n = args[0].size
    emulate(HALVES, name, -(-n // 256), 256, (*args, n))


def widened() -> tuple[np.ndarray, np.ndarray]:
    halves, bfloats = np.empty((2, ALL.size), "f4")
    launch("widen", ALL, halves, bfloats)
    return halves, bfloats


def narrowed(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    halves, bfloats = np.empty((2, x.size), "u2")
    launch("narrow", x.astype("f4"), halves, bfloats)
    return halves, bfloats


def between(x: np.ndarray) -> np.ndarray:
    """The finite values, those half way between neighbours, and those just beside these."""
    x = np.unique(x[np.isfinite(x)])
    with np.errstate(over="ignore"):
        middle = np.concatenate([x[:-1] + (x[1:] - x[:-1]) / 2, [2 * x[-1], 1e30, np.inf]])
        middle = middle.astype("f4")
        ways = [middle, np.nextafter(middle, np.float32(9e9)), np.nextafter(middle, np.float32(0))]
    return np.concatenate([x, *ways, -ways[0], np.float32([0.0, -0.0, 1e-45])])


def test_all_halves_are_widened_as_numpy_does():
    np.testing.assert_array_equal(widened()[0], ALL.view("f2").astype("f4"))


def test_all_bfloats_are_widened_as_ml_dtypes_does():
    np.testing.assert_array_equal(widened()[1], ALL.view(bfloat16()).astype("f4"))


def test_all_halves_come_back():
    halves = ALL.view("f2")
    found = narrowed(halves.astype("f4"))[0]
    with np.errstate(invalid="ignore"):  # some nans are signalling ones
        numbers = ~np.isnan(halves)
    np.testing.assert_array_equal(found[numbers], ALL[numbers])
    assert (found[~numbers] == 0x7FFF).all()  # CUDA has one nan


def test_all_bfloats_come_back():
    bfloats = ALL.view(bfloat16())
    found = narrowed(bfloats.astype("f4"))[1]
    with np.errstate(invalid="ignore"):
        numbers = ~np.isnan(bfloats)
    np.testing.assert_array_equal(found[numbers], ALL[numbers])
    assert (found[~numbers] == 0x7FFF).all()


def test_floats_are_rounded_to_halves_as_numpy_does():
    x = between(ALL.view("f2").astype("f4"))
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(narrowed(x)[0], x.astype("f2").view("u2"))


def test_floats_are_rounded_to_bfloats_as_ml_dtypes_does():
    x = between(ALL.view(bfloat16()).astype("f4"))
    np.testing.assert_array_equal(narrowed(x)[1], x.astype(bfloat16()).view("u2"))


COMPLEX = """
#include <cupy/complex.cuh>
extern "C" __global__ void one(const complex<T>* x, const complex<T>* y, complex<T>* out) {
    const complex<T> a = x[threadIdx.x], b = y[threadIdx.x];
    out[threadIdx.x] = BODY;
}
"""


def together(real: np.ndarray, imag: np.ndarray) -> np.ndarray:
    return np.stack([real, imag], -1).view(np.result_type(real, np.complex64))[..., 0]


EXACT = {  # operations on parts, each rounded by itself
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    # NumPy's own product is contracted on processors with fma
    "a * b": lambda a, b: together(
        a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real
    ),
    "-a": lambda a, b: -a,
    "conj(a)": lambda a, b: np.conj(a),
    "complex<T>(a.imag(), b.real())": lambda a, b: a.imag + 1j * b.real,
    "complex<T>(T(a == b) + T(a != b), T(0))": lambda a, b: np.ones_like(a),
    "a * T(2) + T(1)": lambda a, b: a * 2 + 1,
}
CLOSE = {
    "a / b": lambda a, b: a / b,
    "T(1) / a": lambda a, b: 1 / a,
    "pow(a, b)": lambda a, b: a**b,
    "pow(a, T(0.5))": lambda a, b: a**0.5,
    "complex<T>(abs(a), arg(b))": lambda a, b: np.abs(a) + 1j * np.angle(b),
    **{f"{f}(a)": lambda a, b, f=f: getattr(np, f)(a) for f in ("exp", "log", "sqrt")},
    **{f"{f}(a)": lambda a, b, f=f: getattr(np, f)(a) for f in ("sin", "cos", "tan")},
    **{f"{f}(a)": lambda a, b, f=f: getattr(np, f)(a) for f in ("sinh", "cosh", "tanh")},
    **{f"a{f}(a)": lambda a, b, f=f: getattr(np, f"arc{f}")(a) for f in ("sin", "cos", "tan")},
    **{f"a{f}(a)": lambda a, b, f=f: getattr(np, f"arc{f}")(a) for f in ("sinh", "cosh", "tanh")},
}


def evaluate(expressions, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Operands, and what each expression is of them; all in one text, which compiles once."""
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((4, 64)).view("c16").reshape(2, -1)[:, :64]).astype(dtype)
    number = {"c8": "float", "c16": "double"}[dtype]
    code = COMPLEX[: COMPLEX.index("extern")]
    for n, body in enumerate(expressions):
        kernel = COMPLEX[COMPLEX.index("extern") :].replace("void one", f"void one{n}")
        code += (
            kernel.replace("BODY", body)
            .replace("complex<T>", f"complex<{number}>")
            .replace("T(", f"{number}(")
        )
    found = np.empty((len(expressions), a.size), dtype)
    for n in range(len(expressions)):
        emulate(code, f"one{n}", 1, a.size, (a, b, found[n]))
    return a, b, found


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_complex_arithmetic_rounds_each_operation(dtype):
    a, b, found = evaluate(EXACT, dtype)
    for row, (body, expected) in zip(found, EXACT.items(), strict=True):
        np.testing.assert_array_equal(row, expected(a, b).astype(dtype), err_msg=body)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_complex_functions_are_numpy_s_but_for_rounding(dtype):
    a, b, found = evaluate(CLOSE, dtype)
    for row, expected in zip(found, CLOSE.values(), strict=True):
        assert_close(row, expected(a, b).astype(dtype))


def test_a_complex_number_is_handed_over_by_value():
    out = np.zeros(1, "c16")
    code = COMPLEX.replace("const complex<T>* x, const complex<T>* y", "complex<double> x")
    code = code.replace("const complex<T> a = x[threadIdx.x], b = y[threadIdx.x];", "")
    code = code.replace("BODY", "x * x").replace("complex<T>", "complex<double>")
    emulate(code, "one", 1, 1, (1 + 2j, out))
    assert out[0] == -3 + 4j
