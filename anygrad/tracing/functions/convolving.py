"""Convolution and correlation, as NumPy has them for vectors and SciPy for any number of axes."""

from __future__ import annotations

import builtins
from typing import Any

from anygrad.errors import ArgumentError, ShapeError
from anygrad.ops.shaping import is_complex, normal_axes
from anygrad.tracing.functions.arguments import as_own_arrays, plain_axis
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.fft import fftn, ifftn, irfftn, rfftn
from anygrad.tracing.functions.shapes import flip
from anygrad.tracing.level import lowest, plain_namespace
from anygrad.tracing.operations import TRACED


def convolve(a, v, mode="full"):
    """The convolution of two vectors; ``mode`` tells which part: full, same or valid."""
    parts = as_own_arrays((a, v))  # NumPy takes a number for a vector here, but not in correlate
    parts = [x if x.ndim else TRACED.reshape(x, shape=(1,)) for x in parts]
    a, v = _vectors("convolve", parts)
    return _convolved("convolve", a, v, mode, reverse=False)


def correlate(a, v, mode="valid"):
    """The cross-correlation of two vectors, the second one conjugated; NumPy's default is valid."""
    a, v = _vectors("correlate", as_own_arrays((a, v)))
    v = TRACED.flip(v, axis=(0,))
    return _convolved("correlate", a, TRACED.conj(v) if is_complex(v) else v, mode, reverse=True)


def _vectors(where: str, parts: list[Any]) -> list[Any]:
    """Two vectors that are not empty."""
    for x, name in zip(parts, "av", strict=True):
        if x.ndim != 1 or not x.shape[0]:
            message = (
                f"{where}({name}): got shape {tuple(x.shape)}; expected a vector that is not "
                "empty. SciPy's signal.convolve takes arrays."
            )
            raise ShapeError(message)
    return parts


def _convolved(where: str, a: Any, v: Any, mode: Any, reverse: bool) -> Any:
    """Part of a convolution; ``reverse`` where the longer operand is centred from the other end."""
    n, m = a.shape[0], v.shape[0]
    longer, shorter = builtins.max(n, m), builtins.min(n, m)
    mode = _plain_mode(where, mode)
    if mode == "valid":
        long, short = (a, v) if n >= m else (v, a)
        return TRACED.correlate_valid(long, TRACED.flip(short, axis=(0,)))
    y = TRACED.convolve(a, v)
    if mode == "full":
        return y
    start = (shorter - 1) // 2
    if reverse and n < m:  # NumPy exchanges the two, and turns the result around
        start = shorter // 2
    return TRACED.getitem(y, key=slice(start, start + longer))


def _plain_mode(where: str, mode: Any) -> str:
    if mode not in ("full", "same", "valid"):
        message = f"{where}(mode): got {mode!r}; expected 'full', 'same' or 'valid'."
        raise ArgumentError(message)
    return mode


# scipy.signal: as many axes as there are, and the part that is kept is that of the first operand.
def _signal_convolve(in1, in2, mode="full", method="auto"):
    """scipy.signal.convolve: directly for vectors, otherwise by Fourier transforms."""
    if method not in ("auto", "direct", "fft"):
        message = f"convolve(method): got {method!r}; expected 'auto', 'direct' or 'fft'."
        raise ArgumentError(message)
    in1, in2 = _of_one_rank("convolve", in1, in2)
    if in1.ndim == 1 and method != "fft":
        return _part("convolve", TRACED.convolve(in1, in2), in1, in2, mode, (0,))
    return _fftconvolve(in1, in2, mode)


def _signal_correlate(in1, in2, mode="full", method="auto"):
    """scipy.signal.correlate: with the second operand turned around and conjugated."""
    in1, in2 = _of_one_rank("correlate", in1, in2)
    turned = flip(in2)
    return _signal_convolve(in1, TRACED.conj(turned) if is_complex(in2) else turned, mode, method)


def _fftconvolve(in1, in2, mode="full", axes=None):
    """scipy.signal.fftconvolve: the convolution theorem, along some axes or all."""
    in1, in2 = _of_one_rank("fftconvolve", in1, in2)
    axes = normal_axes(plain_axis(axes), in1.ndim)
    lengths = [in1.shape[a] + in2.shape[a] - 1 for a in axes]
    if not axes:
        return TRACED.multiply(in1, in2)
    if is_complex(in1) or is_complex(in2):
        product = TRACED.multiply(fftn(in1, lengths, axes), fftn(in2, lengths, axes))
        y = ifftn(product, lengths, axes)
    else:
        product = TRACED.multiply(rfftn(in1, lengths, axes), rfftn(in2, lengths, axes))
        y = irfftn(product, lengths, axes)
    return _part("fftconvolve", y, in1, in2, mode, axes)


def _oaconvolve(in1, in2, mode="full", axes=None):
    """scipy.signal.oaconvolve, whose value is that of fftconvolve."""
    return _fftconvolve(in1, in2, mode, axes)


def _of_one_rank(where: str, in1: Any, in2: Any) -> list[Any]:
    in1, in2 = as_own_arrays((in1, in2))
    if in1.ndim != in2.ndim:
        message = f"{where}(in2): got {in2.ndim} axes; expected {in1.ndim}, as in1 has. Reshape it."
        raise ShapeError(message)
    dtype = plain_namespace(lowest(in1)).result_type(in1.dtype, in2.dtype)
    return [astype(x, dtype, copy=False) for x in (in1, in2)]


def _part(where: str, y: Any, in1: Any, in2: Any, mode: Any, axes: tuple[int, ...]) -> Any:
    """The part of a full convolution that SciPy's mode keeps."""
    mode = _plain_mode(where, mode)
    if mode == "full":
        return y
    key = [slice(None)] * y.ndim
    if mode == "valid":
        bigger = [in1.shape[a] >= in2.shape[a] for a in axes]
        smaller = [in1.shape[a] <= in2.shape[a] for a in axes]
        if not (builtins.all(bigger) or builtins.all(smaller)):
            message = (
                f"{where}(mode): got 'valid' for shapes {tuple(in1.shape)} and "
                f"{tuple(in2.shape)}; expected one that is as long along every axis."
            )
            raise ArgumentError(message)
    for a in axes:
        kept = in1.shape[a] if mode == "same" else abs(in1.shape[a] - in2.shape[a]) + 1
        start = (y.shape[a] - kept) // 2
        key[a] = slice(start, start + kept)
    return TRACED.getitem(y, key=tuple(key))


SIGNAL: dict[str, Any] = {
    "convolve": _signal_convolve,
    "correlate": _signal_correlate,
    "fftconvolve": _fftconvolve,
    "oaconvolve": _oaconvolve,
}
"""The functions of scipy.signal by name, where traced code reaches them."""
