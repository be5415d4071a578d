"""Cosine and sine transforms of types 1 to 4, under the names of ``scipy.fft``.

The definitions are SciPy's (Makhoul 1980, A fast cosine transform in one and two dimensions; Rao
and Yip 1990). Each is the transform of the signal extended by its symmetry, or of a signal turned
by a quarter of a period.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import on_device_of, plain_axis
from anygrad.tracing.functions.shapes import moveaxis
from anygrad.tracing.functions.spectra import (
    as_complex,
    lengths_and_axes,
    plain_norm,
    point_count,
    resized,
)
from anygrad.tracing.level import lowest, plain_namespace
from anygrad.tracing.operations import TRACED

ROOT = math.sqrt(2.0)
INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}
"""The type of the inverse, but for its scale."""


def _last(x: Any, *key: Any) -> Any:
    """Part of the last axis."""
    return TRACED.getitem(x, key=(..., slice(*key)))


def _numbers(x: Any, values: np.ndarray) -> Any:
    """Constants beside an array, in its precision."""
    like = as_complex(x).dtype if np.iscomplexobj(values) else x.dtype
    return plain_namespace(x).asarray(values, dtype=like, **on_device_of(lowest(x)))


def _turns(x: Any, angles: np.ndarray) -> Any:
    return _numbers(x, np.exp(1j * np.pi * angles))


def _half_spectrum(x: Any) -> Any:
    return TRACED.rfft(x, axis=len(x.shape) - 1, norm="backward")


def _cosines_1(x: Any) -> Any:
    n = x.shape[-1]
    if n < 2:
        message = f"dct(type): got type 1 for {n} points; expected at least 2. Use type 2."
        raise ArgumentError(message)
    inside = TRACED.flip(_last(x, 1, n - 1), axis=(len(x.shape) - 1,))
    return TRACED.real(_half_spectrum(TRACED.concat(x, inside, axis=-1)))


def _cosines_2(x: Any) -> Any:
    n = x.shape[-1]
    spectrum = _half_spectrum(TRACED.concat(x, _reversed(x), axis=-1))
    return TRACED.real(_last(spectrum, 0, n) * _turns(x, -np.arange(n) / (2 * n)))


def _cosines_3(x: Any) -> Any:
    n = x.shape[-1]
    turned = x * _turns(x, np.arange(n) / (2 * n))
    half = resized(turned, {len(x.shape) - 1: n + 1})
    return _last(TRACED.irfft(half, n=2 * n, axis=len(x.shape) - 1, norm="forward"), 0, n)


def _cosines_4(x: Any) -> Any:
    n, axis = x.shape[-1], len(x.shape) - 1
    long = resized(x * _turns(x, -np.arange(n) / (2 * n)), {axis: 2 * n})
    spectrum = _last(TRACED.fftn(long, axis=(axis,), norm="backward"), 0, n)
    return 2.0 * TRACED.real(spectrum * _turns(x, -(2 * np.arange(n) + 1) / (4 * n)))


def _sines_1(x: Any) -> Any:
    n = x.shape[-1]
    gap = TRACED.zeros_like(_last(x, 0, 1))
    odd = TRACED.concat(gap, x, gap, -_reversed(x), axis=-1)
    return -TRACED.imag(_last(_half_spectrum(odd), 1, n + 1))


def _reversed(x: Any) -> Any:
    return TRACED.flip(x, axis=(len(x.shape) - 1,))


def _alternating(x: Any) -> Any:
    return x * _numbers(x, 1.0 - 2.0 * (np.arange(x.shape[-1]) % 2))


# A sine is a cosine read from the other end: sin(pi/2 (2k + 1) - t) = (-1)^k cos t.
COSINES = {1: _cosines_1, 2: _cosines_2, 3: _cosines_3, 4: _cosines_4}
SINES = {
    1: _sines_1,
    2: lambda x: _reversed(_cosines_2(_alternating(x))),
    3: lambda x: _alternating(_cosines_3(_reversed(x))),
    4: lambda x: _alternating(_cosines_4(_reversed(x))),
}
# Where the orthogonal form weights the signal by root 2, and the spectrum by 1 / root 2.
ENDS: dict[bool, dict[int, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    True: {1: ((0, -1), (0, -1)), 2: ((), (0,)), 3: ((0,), ()), 4: ((), ())},
    False: {1: ((), ()), 2: ((), (-1,)), 3: ((-1,), ()), 4: ((), ())},
}


def _weighted(x: Any, places: tuple[int, ...], factor: float) -> Any:
    if not places:
        return x
    weights = np.ones(x.shape[-1])
    weights[list(places)] = factor
    return x * _numbers(x, weights)


def _along(x: Any, kind: int, even: bool, scale: float, orthogonal: bool) -> Any:
    """The transform of this type along the last axis; of complex values, of both parts."""
    if kind_of(x.dtype) == "complex":
        parts = (TRACED.real(x), TRACED.imag(x))
        cosine, sine = (_along(part, kind, even, scale, orthogonal) for part in parts)
        return cosine + 1j * sine
    before, after = ENDS[even][kind] if orthogonal else ((), ())
    transform = (COSINES if even else SINES)[kind]
    y = _weighted(transform(_weighted(x, before, ROOT)), after, 1.0 / ROOT)
    return y if scale == 1.0 else scale * y


def _period(kind: int, even: bool, n: int) -> int:
    """The number of points after which the extended signal repeats."""
    return 2 * n if kind != 1 else 2 * (n - 1) if even else 2 * (n + 1)


def _transform(name: str, x, kind, lengths, axes, norm, orthogonalize) -> Any:
    if kind not in INVERSE:
        message = f"{name}(type): got {kind!r}; expected 1, 2, 3 or 4, as SciPy has."
        raise ArgumentError(message)
    norm = plain_norm(name, norm)
    inverse, even = name.startswith("i"), "dct" in name
    kind = INVERSE[kind] if inverse else kind
    orthogonal = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
    scaled = norm == ("backward" if inverse else "forward")
    for n, axis in zip(lengths, axes, strict=True):
        n = point_count(name, x.shape[axis] if n is None or n == -1 else n)
        period = max(_period(kind, even, n), 1)
        scale = 1.0 / period if scaled else 1.0 / math.sqrt(period) if norm == "ortho" else 1.0
        y = moveaxis(resized(x, {axis: n}), axis, -1)
        x = moveaxis(_along(y, kind, even, scale, orthogonal), -1, axis)
    return x


def _along_one(name: str, doc: str) -> Any:
    def transform(
        x,
        type=2,
        n=None,
        axis=-1,
        norm=None,
        overwrite_x=False,
        workers=None,
        orthogonalize=None,
    ):
        (axis,) = normal_axes(plain_axis(axis), x.ndim)
        return _transform(name, x, type, [n], [axis], norm, orthogonalize)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = doc
    return transform


def _along_several(name: str, doc: str) -> Any:
    def transform(
        x,
        type=2,
        s=None,
        axes=None,
        norm=None,
        overwrite_x=False,
        workers=None,
        *,
        orthogonalize=None,
    ):
        lengths, axes = lengths_and_axes(name, x, s, axes)
        return _transform(name, x, type, lengths, axes, norm, orthogonalize)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = doc
    return transform


dct = _along_one("dct", "The cosine transform along an axis.")
idct = _along_one("idct", "The inverse cosine transform along an axis.")
dst = _along_one("dst", "The sine transform along an axis.")
idst = _along_one("idst", "The inverse sine transform along an axis.")
dctn = _along_several("dctn", "The cosine transform along several axes.")
idctn = _along_several("idctn", "The inverse cosine transform along several axes.")
dstn = _along_several("dstn", "The sine transform along several axes.")
idstn = _along_several("idstn", "The inverse sine transform along several axes.")
