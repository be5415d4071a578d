"""Arguments as NumPy spells them, brought to what the rows take; the rest is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TraceError
from anygrad.ops.shaping import is_complex, kind_of
from anygrad.tracing.level import LIFTED, lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "<absent>", "__module__": __name__})()
Axis = int | tuple[int, ...] | None


def refuse(where: str, out: Any = None, initial: Any = ABSENT, mask: Any = ABSENT) -> None:
    """Raise for keywords that would be silently ignored otherwise."""
    if out is not None:
        message = (
            f"{where}(out): got an output array; a traced result cannot be written into it. "
            "Use the result."
        )
        raise TraceError(message)
    if initial is not ABSENT and initial is not None:
        message = (
            f"{where}(initial): got {initial!r}; no rule takes it. Combine it with the result "
            "instead."
        )
        raise MissingRuleError(message)
    if mask is not ABSENT and mask is not True and mask is not None:
        message = (
            f"{where}(where): got a mask; no rule takes it. Write xp.where(mask, x, neutral) "
            "inside."
        )
        raise MissingRuleError(message)


def given(value: Any) -> Any:
    """The value of a keyword; NumPy passes a mark of its own for an absent one."""
    return ABSENT if "NoValue" in type(value).__name__ else value


def plain_axis(axis: Any) -> Axis:
    """A list of axes or a NumPy integer, as NumPy allows, in plain integers."""
    if axis is None or type(axis) is int:
        return axis
    return tuple(int(a) for a in axis) if isinstance(axis, tuple | list) else int(axis)


def plain_keepdims(keepdims: Any) -> bool:
    """A plain True or False."""
    if keepdims is True or keepdims is False:
        return keepdims
    return False if given(keepdims) is ABSENT else bool(keepdims)


def a_traced(arrays: Any) -> Any:
    """The traced array among these, which tells library and device."""
    return next((a for a in arrays if type(a) in LIFTED), arrays[0])


def on_device_of(x: Any) -> dict[str, Any]:
    """The keyword ``device=`` for creation beside a plain array; nothing on the host."""
    device = getattr(x, "device", None)
    return {} if device is None or isinstance(device, str) else {"device": device}


def fresh(x: Any) -> Any:
    """A result that has memory of its own in NumPy too, though it was made by a reshape."""
    return x.t.fresh(x) if type(x) in LIFTED else x


def as_arrays(parts: Any) -> list[Any]:
    """Numbers and lists beside arrays, as arrays of the same library and device."""
    parts = list(parts)
    return [part if hasattr(part, "shape") else beside(part, parts) for part in parts]


def as_own_arrays(parts: Any) -> list[Any]:
    """Arrays to be joined: beside NumPy's, a number has the dtype that NumPy makes of it."""
    parts = list(parts)
    if all(hasattr(part, "shape") for part in parts):
        return parts
    on_host = any(isinstance(lowest(part), np.ndarray | np.generic) for part in parts)
    return as_arrays(
        np.asarray(part) if on_host and isinstance(part, int | float | complex) else part
        for part in parts
    )


def beside(part: Any, arrays: Any) -> Any:
    """A number or a list as an array of the library that the arrays beside it belong to."""
    traced = a_traced([a for a in arrays if hasattr(a, "shape")])
    like = lowest(traced)
    if isinstance(part, list | tuple):
        if _numbers_only(part):
            return _array_of_numbers(part, like)
        return traced.__array_namespace__().asarray(part)
    dtype = like.dtype if not isinstance(part, complex) or is_complex(like) else None
    return plain_namespace(like).asarray(part, dtype=dtype, **on_device_of(like))


def _numbers_only(part: Any) -> bool:
    if isinstance(part, list | tuple):
        return all(map(_numbers_only, part))
    return isinstance(part, int | float | complex | np.ndarray | np.generic)


def _array_of_numbers(part: Any, like: Any) -> Any:
    """A list of numbers on the device of an array; beside NumPy's it has NumPy's own dtype."""
    numbers = np.asarray(part)
    floating = numbers.dtype.kind in ("c" if is_complex(like) else "") + "f"
    own = isinstance(like, np.ndarray | np.generic) or kind_of(like.dtype) == "other"
    dtype = like.dtype if floating and not own else None
    return plain_namespace(like).asarray(numbers.tolist(), dtype=dtype, **on_device_of(like))


def root_at_rest(total: Any, exponent: float) -> Any:
    """A root whose derivative at 0 is 0: there, 1 is added before and taken away after."""
    nothing = TRACED.astype(TRACED.equal(strip(total), 0), dtype=total.dtype)
    inside = total + nothing
    return (TRACED.sqrt(inside) if exponent == 0.5 else inside**exponent) - nothing


def deliver(where: str, out: Any, y: Any) -> Any:
    """A result, or the array it was to be written into, which then has to be traced as well."""
    if out is None:
        return y
    if isinstance(out, tuple):
        (out,) = out
        return deliver(where, out, y)
    if type(y) in LIFTED and type(out) not in LIFTED:
        message = (
            f"{where}(out): got a plain array for a traced result, whose gradient would be lost. "
            "Use the result itself, or make the array with xp.zeros_like(x) of a traced x."
        )
        raise TraceError(message)
    if tuple(out.shape) != tuple(y.shape):
        message = (
            f"{where}(out): got an array of shape {tuple(out.shape)}; expected {tuple(y.shape)}."
        )
        raise ShapeError(message)
    out[...] = y
    return out


def fits_into(y: Any, shape: Any) -> bool:
    """Whether an array broadcasts to a shape."""
    try:
        return np.broadcast_shapes(tuple(y.shape), tuple(shape)) == tuple(shape)
    except ValueError:
        return False


def as_mask(where: str, mask: Any, x: Any) -> Any:
    """A mask of booleans beside an array, without derivatives; a batch of `vmap` it may be."""
    if not hasattr(mask, "shape"):
        bottom = lowest(x)
        mask = plain_namespace(bottom).asarray(mask, **on_device_of(bottom))
    if "bool" not in str(mask.dtype):
        message = f"{where}(where): got a mask of {mask.dtype}; expected booleans. Write mask != 0."
        raise DTypeError(message)
    return mask


def common_dtype(arrays: Any) -> Any:
    """The dtype that arrays are brought to before they are combined."""
    dtypes = [a.dtype for a in arrays]
    if all(dtype == dtypes[0] for dtype in dtypes):
        return dtypes[0]
    return plain_namespace(a_traced(arrays)).result_type(*dtypes)


def check_casting(where: str, x: Any, dtype: Any, casting: Any) -> None:
    """Raise if NumPy's rule does not allow this cast; other libraries have no such rules."""
    if x.dtype == dtype or not isinstance(x.dtype, np.dtype) or casting == "unsafe":
        return
    if not np.can_cast(x.dtype, dtype, casting):
        message = (
            f"{where}(casting): got {x.dtype}, which the rule {casting!r} does not cast to "
            f"{np.dtype(dtype)}. Cast it first, x.astype(dtype), or give casting='unsafe'."
        )
        raise DTypeError(message)


def check_order(where: str, order: Any) -> None:
    """Raise for a memory order that a traced array does not have."""
    if order not in ("K", "C", "A", None):
        message = (
            f"{where}(order): got {order!r}; expected 'K', 'C' or 'A': traced arrays have no other "
            "order in memory. Leave it out."
        )
        raise ArgumentError(message)
