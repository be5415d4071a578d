"""Convolution of vectors: one trilinear form, of which every transpose is again a row.

With ``sum a[i] b[j] g[i + j]``, ``convolve(a, b)`` is what stands beside g, and
``correlate_valid(g, b)`` what stands beside a. Neither needs more memory than its operands.
"""

from __future__ import annotations

from typing import Any

from anygrad.ops.row import BILINEAR, Case, Family, Row, Rule, add_row
from anygrad.ops.shaping import is_complex, kind_of

# As a product; only, it has no operator, and so no quick way.
CONVOLVING = Family("convolving", BILINEAR.pullback, BILINEAR.pushforward)


def _convolve(xp: Any) -> Any:
    """All sums of products; the standard has none, so Fourier transforms serve there."""
    direct = getattr(xp, "convolve", None)

    def convolve(a: Any, b: Any) -> Any:
        return _by_transforms(xp, a, b) if direct is None else direct(a, b)

    return convolve


def _correlate_valid(xp: Any) -> Any:
    """The sums in which every element of the shorter second operand has a partner."""
    direct = getattr(xp, "convolve", None)

    def correlate_valid(g: Any, b: Any) -> Any:
        turned = xp.flip(b)
        if direct is not None:
            return direct(g, turned, mode="valid")
        return _by_transforms(xp, g, turned)[b.shape[0] - 1 : g.shape[0]]

    return correlate_valid


def _by_transforms(xp: Any, a: Any, b: Any) -> Any:
    """The convolution theorem, along the last axis; rounding is that of the largest term."""
    n = a.shape[-1] + b.shape[-1] - 1
    dtype = xp.result_type(a.dtype, b.dtype)
    a, b = (xp.astype(x, dtype) for x in (a, b))
    if kind_of(dtype) == "complex":
        return xp.fft.ifft(xp.fft.fft(a, n=n) * xp.fft.fft(b, n=n))
    return xp.fft.irfft(xp.fft.rfft(a, n=n) * xp.fft.rfft(b, n=n), n=n)


def _row(name: str, left: Rule, right: Rule, run: Any, cases: list[Case], batch: Rule) -> None:
    add_row(Row(name, CONVOLVING, (left, right), run, cases=tuple(cases), batch=batch))


def _batch_convolve(row, xp, values, mapped, size, kw):
    a, b = values
    if all(mapped):
        return _batch_by_transforms(xp, a, b, a.shape[1] + b.shape[1] - 1)
    whole, other = (a, b) if mapped[0] else (b, a)
    return _in_a_row(xp, whole, other, whole.shape[1] + other.shape[0] - 1)


def _batch_correlate(row, xp, values, mapped, size, kw):
    g, b = values
    n, m = g.shape[-1], b.shape[-1]
    if not mapped[1]:
        full = _in_a_row(xp, g, xp.flip(b, axis=0), n + m - 1)
    else:
        turned = xp.flip(b, axis=1)
        full = (
            _batch_by_transforms(xp, g, turned, n + m - 1)
            if mapped[0]
            else _in_a_row(xp, turned, g, n + m - 1)
        )
    return xp.getitem(full, key=(slice(None), slice(m - 1, n)))


def _in_a_row(xp: Any, batch: Any, b: Any, n: int) -> Any:
    """All examples behind each other, with zeros between them: one convolution with the other."""
    size, m = batch.shape
    apart = xp.scatter(batch, key=(slice(None), slice(0, m)), shape=(size, n))
    whole = xp.convolve(xp.reshape(apart, shape=(size * n,)), b)
    return xp.reshape(xp.getitem(whole, key=slice(0, size * n)), shape=(size, n))


def _batch_by_transforms(xp: Any, a: Any, b: Any, n: int) -> Any:
    """Each example by its own: no library has this, so by the convolution theorem."""
    a, b = (
        xp.scatter(x, key=(slice(None), slice(0, x.shape[1])), shape=(x.shape[0], n))
        for x in (a, b)
    )
    if not (is_complex(a) or is_complex(b)):
        spectra = [xp.rfft(x, axis=1, norm="backward") for x in (a, b)]
        return xp.irfft(spectra[0] * spectra[1], n=n, axis=1, norm="backward")
    dtype = (a if is_complex(a) else b).dtype
    spectra = [xp.fftn(xp.astype(x, dtype=dtype), axis=(1,), norm="backward") for x in (a, b)]
    return xp.ifftn(spectra[0] * spectra[1], axis=(1,), norm="backward")


_row(
    "convolve",
    lambda xp, g, _y, _a, b: xp.correlate_valid(g, b),
    lambda xp, g, _y, a, _b: xp.correlate_valid(g, a),
    _convolve,
    [Case(((5,), (3,))), Case(((2,), (4,))), Case(((1,), (3,)))],
    _batch_convolve,
)
_row(
    "correlate_valid",
    lambda xp, h, _y, _g, b: xp.convolve(h, b),
    lambda xp, h, _y, g, _b: xp.correlate_valid(g, h),
    _correlate_valid,
    [Case(((5,), (3,))), Case(((4,), (4,))), Case(((4,), (1,)))],
    _batch_correlate,
)
