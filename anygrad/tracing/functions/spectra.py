"""What the transforms of `fft` and `cosines` ask of their arguments."""

from __future__ import annotations

from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops.fourier import SCALED_OTHERWISE
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import plain_axis, refuse
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.level import plain_namespace
from anygrad.tracing.operations import TRACED


def plain_norm(where: str, norm: Any) -> str:
    """The norm by its full name."""
    norm = "backward" if norm is None else norm
    if norm not in SCALED_OTHERWISE:
        message = (
            f"{where}(norm): got {norm!r}; expected 'backward', 'ortho' or 'forward'. Leave it out "
            "for 'backward'."
        )
        raise ArgumentError(message)
    return norm


def check_options(where: str, out: Any, plan: Any) -> None:
    """Refuse what would be ignored; where NumPy has ``out``, SciPy has its switch overwrite_x."""
    refuse(where, None if isinstance(out, bool) else out)
    if plan is not None:
        message = f"{where}(plan): got {plan!r}; expected None. Leave it out."
        raise MissingRuleError(message)


def point_count(where: str, n: Any) -> int:
    """A number of points to transform, which is positive."""
    if n < 1:
        message = f"{where}(n): got {n}; expected at least 1 point. Leave n out for all."
        raise ArgumentError(message)
    return int(n)


def resized(x, lengths: dict[int, int]) -> Any:
    """The array with other lengths along some axes: cut, or filled up with zeros."""
    if all(x.shape[a] == n for a, n in lengths.items()):
        return x
    kept = [slice(0, min(m, lengths[a]) if a in lengths else m) for a, m in enumerate(x.shape)]
    if any(x.shape[a] > n for a, n in lengths.items()):
        x = TRACED.getitem(x, key=tuple(kept))
    shape = tuple(lengths.get(a, m) for a, m in enumerate(x.shape))
    return x if shape == tuple(x.shape) else TRACED.scatter(x, key=tuple(kept), shape=shape)


def as_complex(x: Any) -> Any:
    """A real array as a complex one of its precision."""
    if kind_of(x.dtype) == "complex":
        return x
    xp = plain_namespace(x)
    return astype(x, xp.result_type(x.dtype, xp.complex64))


def lengths_and_axes(where: str, x: Any, s: Any, axes: Any) -> tuple[list[Any], list[int]]:
    """One length for each axis, as NumPy finds them: without axes, the last of them or all.

    Without ``s`` the last length is None, as it may be that of half a spectrum.
    """
    axes = plain_axis(axes)
    if axes is None:
        axes = tuple(range(x.ndim)) if s is None else tuple(range(-_count(s), 0))
    axes = list(normal_axes(axes, x.ndim))
    lengths = [-1] * len(axes) if s is None else [s] if isinstance(s, int) else list(s)
    if len(lengths) != len(axes):
        message = (
            f"{where}(s): got {len(lengths)} lengths for {len(axes)} axes; expected one for each. "
            "Name the axes with axes=."
        )
        raise ArgumentError(message)
    whole = [
        point_count(where, x.shape[a] if n is None or n == -1 else n)
        for n, a in zip(lengths, axes, strict=True)
    ]
    return [*whole[:-1], *(whole[-1:] if s is not None else [None] * bool(axes))], axes


def _count(s: Any) -> int:
    return 1 if isinstance(s, int) else len(s)
