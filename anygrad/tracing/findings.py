"""Finding the element of an array that is nan or inf, and saying what it was made from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anygrad.backends import backend_of, namespace_of, to_host
from anygrad.errors import NonFiniteError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.frames import Line
from anygrad.tracing.level import LIFTED, lowest
from anygrad.trees.placing import on_device_of

ADVICE = (
    "Keep what goes in inside the domain of the operation (xp.where around the operand, not around "
    "the result), or rescale it."
)


class Part(NamedTuple):
    """A value, or a tangent that it carries: what it is in words, and where it came from.

    ``batches`` are the levels of `vmap` that its leading axes belong to.
    """

    label: str
    value: Any
    origin: str = ""
    batches: tuple[Any, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(getattr(lowest(self.value), "shape", ())[len(self.batches) :])


def components(label: str, x: Any, origin: str = "", above: tuple[Any, ...] = ()) -> list[Part]:
    """A value, if it is a number or array, and the tangents that it carries at all levels."""
    bottom = lowest(x)
    if not isinstance(bottom, int | float | complex) and backend_of(bottom) is None:
        return []
    found = [Part(label, x, origin, (*_batches(x), *above))]
    while type(x) in LIFTED:
        if x.t.maps:
            above = (x.t, *above)
        if hasattr(x.i, "shape"):
            found += components(f"the tangent of {label}", x.i, origin, above)
        x = x.v
    return found


class Finding(NamedTuple):
    """One element that is not finite; ``sources`` are parts that were nan before."""

    text: str
    index: tuple[int, ...]
    whole: np.ndarray
    sources: list[Part]


def is_finite(x: Any) -> bool:
    """Whether all elements are finite; the answer comes from the device."""
    plain = lowest(x)
    if isinstance(plain, int | float | complex):
        return bool(np.isfinite(plain))
    if backend_of(plain) is None or kind_of(plain.dtype) == "other":
        return True
    xp = namespace_of(plain)
    with on_device_of(plain):
        return bool(to_host(xp.all(xp.isfinite(plain))))


def find(value: Part, parts: list[Part], by_element: bool, infinities: bool) -> Finding | None:
    """The first element that is nan, or inf though made from finite ones; None if there is none.

    Of operations that work ``by_element`` only the operands of that element count. What was
    infinite before may be so again: a mask of -inf is no mistake.
    """
    if is_finite(value.value):
        return None
    whole = _on_host(value.value)
    grounds = [(part, _aligned(part, value) if by_element else None) for part in parts]
    came_nan = np.zeros(whole.shape, bool)
    came_inf = np.zeros(whole.shape, bool)
    for part, ground in grounds:
        known = _on_host(part.value) if ground is None else ground
        nan, inf = np.isnan(known), np.isinf(known)
        came_nan |= nan.any() if ground is None else nan
        came_inf |= inf.any() if ground is None else inf
    fresh = np.isnan(whole) & ~came_nan
    if infinities:
        fresh |= np.isinf(whole) & ~came_inf & ~came_nan
    wrong = fresh if fresh.any() else np.isnan(whole)
    if not wrong.any():
        return None
    index = tuple(int(k) for k in np.unravel_index(int(np.argmax(wrong)), whole.shape))
    sources = [
        part
        for part, ground in grounds
        if np.isnan(_on_host(part.value) if ground is None else ground[index]).any()
    ]
    text = _made_from(grounds, index) if not fresh.any() or by_element else _ranges(parts)
    return Finding(text, index, whole, sources)


def error_of(where: str, value: Part, found: Finding, line: Line | None, note: str):
    """The error for a finding."""
    examples = len(value.batches)
    at = f"at index {found.index[examples:]}"
    if examples:
        numbers = ", ".join(map(str, found.index[:examples]))
        at += f" of example {numbers}"
    element = repr(found.whole[found.index].item())
    message = (
        f"{where}: got {element} {at} of {value.label}, of shape {value.shape} and dtype "
        f"{found.whole.dtype}{found.text}{note}; expected finite values. "
    )
    if found.sources:
        origins = " and ".join(f"{part.label} ({part.origin})" for part in found.sources)
        message += f"It was nan before: {origins}. Look at what was passed in."
    else:
        message += ADVICE
    if line is not None:
        message += f"\n{line}"
    error = NonFiniteError(message)
    error.line = line  # type: ignore[attr-defined]
    return error


def _made_from(grounds: list[tuple[Part, Any]], index: tuple[int, ...]) -> str:
    said = [
        f"{part.label} is {ground[index].item()!r}"
        for part, ground in grounds
        if ground is not None
    ]
    return f", where {' and '.join(said)}" if said else ""


def _ranges(parts: list[Part]) -> str:
    said = []
    for part in parts:
        values = np.abs(_on_host(part.value))
        size = f"up to {values.max()!s} in magnitude" if values.size else "empty"
        said.append(f"{part.label} of shape {part.shape}, {size}")
    return f", made from {' and '.join(said)}" if said else ""


def _on_host(x: Any) -> np.ndarray:
    return np.asarray(to_host(lowest(x)))


def _batches(x: Any) -> list[Any]:
    """The levels of vmap that a value has a batch of, in the order of its leading axes."""
    found = []
    while type(x) in LIFTED:
        if x.t.maps:
            found.append(x.t)
        x = x.v
    return found[::-1]


def _aligned(part: Part, value: Part) -> np.ndarray | None:
    """An operand on the host, spread over a value made from it element by element."""
    a = _on_host(part.value)
    mine, whole = part.batches, value.batches
    if not set(mine) <= set(whole):
        return None
    shape = [a.shape[mine.index(level)] if level in mine else 1 for level in whole]
    core = a.shape[len(mine) :]
    shape += [1] * (len(value.shape) - len(core))
    try:
        return np.broadcast_to(a.reshape((*shape, *core)), np.shape(lowest(value.value)))
    except ValueError:  # it was spread further than this
        return None
