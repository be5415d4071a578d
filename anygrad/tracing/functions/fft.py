"""``numpy.fft``, ``scipy.fft`` and ``xp.fft`` of traced arrays: every function has its name there.

Two rows transform complex arrays, two others real ones; here are padding, cutting and casting. The
keywords of SciPy that only concern speed, ``overwrite_x`` and ``workers``, change nothing.
"""

from __future__ import annotations

from typing import Any

from anygrad.errors import ArgumentError, DTypeError
from anygrad.ops.fourier import SCALED_OTHERWISE
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import plain_axis
from anygrad.tracing.functions.shapes import roll
from anygrad.tracing.functions.spectra import (
    as_complex,
    check_options,
    lengths_and_axes,
    plain_norm,
    point_count,
    resized,
)
from anygrad.tracing.operations import TRACED


def _transformed(name: str, row: str, x: Any, lengths: Any, axes: Any, norm: str) -> Any:
    """The complex transform along several axes, along one after the other where one repeats."""
    if len(set(axes)) < len(axes):
        for n, axis in reversed(list(zip(lengths, axes, strict=True))):
            x = _transformed(name, row, x, [n], [axis], norm)
        return x
    if not axes:
        return TRACED.positive(x)
    whole = {a: x.shape[a] if n is None else n for n, a in zip(lengths, axes, strict=True)}
    for n in whole.values():
        point_count(name, n)
    return getattr(TRACED, row)(as_complex(resized(x, whole)), axis=tuple(axes), norm=norm)


def _real_to_half(name: str, x: Any, n: Any, axis: int, norm: str) -> Any:
    if kind_of(x.dtype) == "complex":
        message = f"{name}(x): got dtype {x.dtype}; expected real numbers. Use fft, or xp.real(x)."
        raise DTypeError(message)
    n = point_count(name, x.shape[axis] if n is None else n)
    return TRACED.rfft(resized(x, {axis: n}), axis=axis, norm=norm)


def _half_to_real(name: str, y: Any, n: Any, axis: int, norm: str) -> Any:
    n = point_count(name, 2 * (y.shape[axis] - 1) if n is None else n)
    half = as_complex(resized(y, {axis: n // 2 + 1}))
    return TRACED.irfft(half, n=n, axis=axis, norm=norm)


def _along_one(name: str, doc: str, apply: Any) -> Any:
    """A transform along one axis, with the signatures of NumPy and SciPy."""

    def transform(
        x, n=None, axis=-1, norm=None, out=None, workers=None, *, overwrite_x=False, plan=None
    ):
        check_options(name, out, plan)
        (axis,) = normal_axes(plain_axis(axis), x.ndim)
        return apply(name, x, n, axis, plain_norm(name, norm))

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = doc
    return transform


def _along_several(name: str, doc: str, apply: Any, default: Any = None) -> Any:
    """A transform along several axes, with the signatures of NumPy and SciPy."""

    def transform(
        x,
        s=None,
        axes=default,
        norm=None,
        out=None,
        workers=None,
        *,
        overwrite_x=False,
        plan=None,
    ):
        check_options(name, out, plan)
        lengths, axes = lengths_and_axes(name, x, s, axes)
        return apply(name, x, lengths, axes, plain_norm(name, norm))

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = doc
    return transform


def _one(row: str) -> Any:
    return lambda name, x, n, axis, norm: _transformed(name, row, x, [n], [axis], norm)


def _several(row: str) -> Any:
    return lambda name, x, lengths, axes, norm: _transformed(name, row, x, lengths, axes, norm)


def _last_of(name: str, axes: list[int]) -> int:
    if not axes:
        message = f"{name}(axes): got none; expected at least one axis. Leave axes out for all."
        raise ArgumentError(message)
    return axes[-1]


def _real_to_half_of_several(name: str, x: Any, lengths: Any, axes: Any, norm: str) -> Any:
    last = _last_of(name, axes)
    y = _real_to_half(name, x, lengths[-1], last, norm)
    return _transformed(name, "fftn", y, lengths[:-1], axes[:-1], norm)


def _half_to_real_of_several(name: str, y: Any, lengths: Any, axes: Any, norm: str) -> Any:
    last = _last_of(name, axes)
    y = _transformed(name, "ifftn", y, lengths[-2::-1], axes[-2::-1], norm)
    return _half_to_real(name, y, lengths[-1], last, norm)


# A spectrum that is real has a signal with the symmetry of a half spectrum, and the other way
# round: the transforms are those above of the conjugate, scaled as in the other direction.
def _hermitian(apply: Any) -> Any:
    return lambda name, x, n, axis, norm: apply(name, _conj(x), n, axis, SCALED_OTHERWISE[norm])


def _to_hermitian(apply: Any) -> Any:
    return lambda name, x, n, axis, norm: _conj(apply(name, x, n, axis, SCALED_OTHERWISE[norm]))


def _conj(x: Any) -> Any:
    return TRACED.conj(x) if kind_of(x.dtype) == "complex" else x


fft = _along_one("fft", "The transform along an axis.", _one("fftn"))
ifft = _along_one("ifft", "The inverse transform along an axis.", _one("ifftn"))
rfft = _along_one("rfft", "The transform of real values: half of it.", _real_to_half)
irfft = _along_one("irfft", "Real values from half of their transform.", _half_to_real)
hfft = _along_one(
    "hfft", "The transform, which is real, of half a signal.", _hermitian(_half_to_real)
)
ihfft = _along_one(
    "ihfft", "Half the signal that has this real transform.", _to_hermitian(_real_to_half)
)

_LAST_TWO = (-2, -1)
fftn = _along_several("fftn", "The transform along several axes.", _several("fftn"))
ifftn = _along_several("ifftn", "The inverse transform along several axes.", _several("ifftn"))
fft2 = _along_several("fft2", "The transform along two axes.", _several("fftn"), _LAST_TWO)
ifft2 = _along_several(
    "ifft2", "The inverse transform along two axes.", _several("ifftn"), _LAST_TWO
)
rfftn = _along_several(
    "rfftn", "The transform of real values: half of it.", _real_to_half_of_several
)
irfftn = _along_several(
    "irfftn", "Real values from half of their transform.", _half_to_real_of_several
)
rfft2 = _along_several("rfft2", str(rfftn.__doc__), _real_to_half_of_several, _LAST_TWO)
irfft2 = _along_several("irfft2", str(irfftn.__doc__), _half_to_real_of_several, _LAST_TWO)
hfftn = _along_several("hfftn", str(hfft.__doc__), _hermitian(_half_to_real_of_several))
hfft2 = _along_several("hfft2", str(hfft.__doc__), _hermitian(_half_to_real_of_several), _LAST_TWO)
ihfftn = _along_several("ihfftn", str(ihfft.__doc__), _to_hermitian(_real_to_half_of_several))
ihfft2 = _along_several(
    "ihfft2", str(ihfft.__doc__), _to_hermitian(_real_to_half_of_several), _LAST_TWO
)


def fftshift(x, axes=None):
    """The zero frequency moved to the middle."""
    return _shifted(x, axes, lambda n: n // 2)


def ifftshift(x, axes=None):
    """The zero frequency moved from the middle to the front."""
    return _shifted(x, axes, lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, shift: Any) -> Any:
    axes = normal_axes(plain_axis(axes), x.ndim)
    return roll(x, tuple(shift(x.shape[a]) for a in axes), axes)
