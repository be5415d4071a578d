"""``numpy.pad``: every mode but a function of the user's, which would write into arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.tracing.assignment import in_dtype_of
from anygrad.tracing.functions.arguments import as_arrays, on_device_of
from anygrad.tracing.functions.quantiles import median
from anygrad.tracing.functions.shapes import broadcast_to, take
from anygrad.tracing.level import lowest, plain_namespace
from anygrad.tracing.operations import TRACED

KEYWORDS = {
    "constant": {"constant_values"},
    "edge": set(),
    "empty": set(),
    "wrap": set(),
    "linear_ramp": {"end_values"},
    "reflect": {"reflect_type"},
    "symmetric": {"reflect_type"},
    **{mode: {"stat_length"} for mode in ("maximum", "mean", "median", "minimum")},
}
"""The modes, and what each of them takes."""


def pad(array, pad_width, mode="constant", **kw):
    """The array with a border along each axis; the later axes continue the borders of the earlier.

    What mode "empty" leaves open is 0 here.
    """
    if mode not in KEYWORDS:
        message = (
            f"pad(mode): got {mode!r}; expected one of {', '.join(KEYWORDS)}. Write a border of "
            "your own with xp.concat."
        )
        raise (MissingRuleError if callable(mode) else ArgumentError)(message)
    if set(kw) - KEYWORDS[mode]:
        message = (
            f"pad({min(set(kw) - KEYWORDS[mode])}): got a keyword that mode {mode!r} does not take."
        )
        raise ArgumentError(message)
    widths = _widths(pad_width, array.ndim)
    if mode == "empty" or (mode == "constant" and _is_zero(kw.get("constant_values", 0))):
        return _in_zeros(array, widths)
    options = _options(mode, kw, array.ndim)
    for axis, width in enumerate(widths):
        if any(width):
            before, after = BORDERS[mode](array, axis, width, options[axis])
            array = TRACED.concat(*before, array, *after, axis=axis)
    return array if any(map(any, widths)) else TRACED.positive(array)


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """How much comes before and behind along each axis; a dict names axes."""
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis] = width if isinstance(width, tuple | list) else (width, width)
        pad_width = widths
    found = np.asarray(pad_width)
    if found.dtype.kind not in "iu" or (found < 0).any():
        message = f"pad(pad_width): got {pad_width!r}; expected integers of 0 or more."
        raise ArgumentError(message)
    return [(int(b), int(a)) for b, a in np.broadcast_to(found, (ndim, 2))]


def _pairs(value: Any, ndim: int) -> list[Any]:
    """One value before and one behind for each axis; they may be traced."""
    rank = _rank(value)
    if rank == 0:
        return [(value, value)] * ndim
    rows = list(value) if rank > 1 else [list(value)]
    rows = [[*row] if len(row) == 2 else [row[0], row[0]] for row in rows]
    return [tuple(row) for row in (rows * ndim if len(rows) == 1 else rows)]


def _rank(value: Any) -> int:
    if isinstance(value, list | tuple):
        return 1 + _rank(value[0])
    return len(getattr(value, "shape", ()))


def _options(mode: str, kw: dict[str, Any], ndim: int) -> list[Any]:
    """What the mode needs along each axis."""
    if mode in ("reflect", "symmetric"):
        kind = kw.get("reflect_type", "even")
        if kind not in ("even", "odd"):
            message = f"pad(reflect_type): got {kind!r}; expected 'even' or 'odd'."
            raise ArgumentError(message)
        return [(mode, kind)] * ndim
    if mode in ("edge", "wrap"):
        return [mode] * ndim
    if mode in ("constant", "linear_ramp"):
        return _pairs(kw.get("constant_values" if mode == "constant" else "end_values", 0), ndim)
    length = kw.get("stat_length")
    lengths = [(None, None)] * ndim if length is None else _widths(length, ndim)
    if any(n is not None and n < 1 for pair in lengths for n in pair):
        message = f"pad(stat_length): got {length!r}; expected 1 or more."
        raise ArgumentError(message)
    return [(mode, pair) for pair in lengths]


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value == 0


def _in_zeros(x: Any, widths: list[tuple[int, int]]) -> Any:
    shape = tuple(b + n + a for n, (b, a) in zip(x.shape, widths, strict=True))
    key = tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, widths, strict=True))
    return TRACED.scatter(x, key=key, shape=shape)


def _border(x: Any, axis: int, n: int) -> tuple[int, ...]:
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


def _slice(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return TRACED.getitem(x, key=(*(slice(None),) * axis, slice(start, stop), ...))


def _column(x: Any, axis: int, values: np.ndarray) -> Any:
    """Numbers along an axis, beside the array."""
    shape = tuple(-1 if k == axis else 1 for k in range(x.ndim))
    device = on_device_of(lowest(x))
    return plain_namespace(x).asarray(
        np.ascontiguousarray(values).reshape(shape), dtype=x.dtype, **device
    )


def _constant(x: Any, axis: int, width: tuple[int, int], values: Any) -> Any:
    return [
        [broadcast_to(_in_dtype_of(x, value), _border(x, axis, n))] if n else []
        for n, value in zip(width, values, strict=True)
    ]


def _in_dtype_of(x: Any, value: Any) -> Any:
    return in_dtype_of(x, as_arrays((value, x))[0], "pad(array, value)")


def _ramp(x: Any, axis: int, width: tuple[int, int], ends: Any) -> Any:
    """Equal steps from the end value, which is reached, to the edge, which is not repeated."""
    borders: list[list[Any]] = [[], []]
    for side, (n, end) in enumerate(zip(width, ends, strict=True)):
        if n:
            edge = _slice(x, axis, 0, 1) if side == 0 else _slice(x, axis, -1, None)
            share = np.arange(n) / n
            share = _column(x, axis, share if side == 0 else share[::-1])
            end = _in_dtype_of(x, end)
            way = TRACED.multiply(TRACED.subtract(edge, end), share)
            borders[side] = [TRACED.add(way, end)]
    return borders


def _picked(x: Any, axis: int, width: tuple[int, int], options: Any) -> Any:
    """Borders of elements of the array; NumPy itself tells which, given their numbers."""
    mode, kind = options if isinstance(options, tuple) else (options, "even")
    n = x.shape[axis]
    if kind == "odd" and n > (mode == "reflect"):
        return _reflected_oddly(x, axis, width, mode)
    numbers = np.pad(np.arange(n), width, mode="edge" if kind == "odd" else mode)
    parts = (numbers[: width[0]], numbers[width[0] + n :])
    return [[take(x, part.tolist(), axis)] if part.size else [] for part in parts]


def _reflected_oddly(x: Any, axis: int, width: tuple[int, int], mode: str) -> Any:
    """Mirrored at the edges in place and value, again and again; closed form of the repetition."""
    n = x.shape[axis]
    first, last = _slice(x, axis, 0, 1), _slice(x, axis, -1, None)
    period = n - 1 if mode == "reflect" else n
    borders: list[list[Any]] = []
    for places in (np.arange(-width[0], 0), np.arange(n, n + width[1])):
        turns, rest = np.divmod(places, period)
        odd = turns % 2
        inside = np.where(odd == 1, n - 1 - rest, rest)
        sign, odd, turns = (_column(x, axis, 1.0 * k) for k in (1 - 2 * odd, odd, turns))
        picked = take(x, inside.tolist(), axis) if places.size else None
        drift = (last - first) * turns + (first + last) * odd
        borders.append([] if picked is None else [picked * sign + drift])
    return borders


STATISTICS: dict[str, Any] = {
    "maximum": lambda x, axis: TRACED.max(x, axis=axis, keepdims=True),
    "minimum": lambda x, axis: TRACED.min(x, axis=axis, keepdims=True),
    "mean": lambda x, axis: TRACED.mean(x, axis=axis, keepdims=True),
    "median": lambda x, axis: median(x, axis, keepdims=True),
}


def _statistic(x: Any, axis: int, width: tuple[int, int], options: Any) -> Any:
    mode, lengths = options
    borders: list[list[Any]] = [[], []]
    for side, (n, length) in enumerate(zip(width, lengths, strict=True)):
        if n:
            count = min(x.shape[axis], x.shape[axis] if length is None else length)
            part = _slice(x, axis, 0, count)
            if side:
                part = _slice(x, axis, x.shape[axis] - count, None)
            borders[side] = [broadcast_to(STATISTICS[mode](part, axis), _border(x, axis, n))]
    return borders


BORDERS: dict[str, Any] = {
    "constant": _constant,
    "linear_ramp": _ramp,
    **dict.fromkeys(("edge", "wrap", "reflect", "symmetric"), _picked),
    **dict.fromkeys(STATISTICS, _statistic),
}
