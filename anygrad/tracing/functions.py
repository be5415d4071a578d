"""The functions that users call on traced arrays, in signatures that fit the Array API standard and NumPy alike.

Each is a row, or a few lines of rows; none knows a derivative. Keywords that only some libraries have (``out=``,
``where=``, ``initial=``) are refused by name, since to ignore them would be silently wrong.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError, TraceError
from anygrad.ops.shaping import kind_of, normal_axes, reversal
from anygrad.tracing.level import LIFTED, lowest, names_for, plain_namespace
from anygrad.tracing.operations import TRACED

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "<absent>", "__module__": __name__})()
Axis = int | tuple[int, ...] | None


def _refuse(where: str, out: Any = None, initial: Any = ABSENT, mask: Any = ABSENT) -> None:
    if out is not None:
        message = f"{where}(out): got an output array; a traced result cannot be written into it. Use the result."
        raise TraceError(message)
    if initial is not ABSENT and initial is not None:
        message = f"{where}(initial): got {initial!r}; no rule takes it. Combine it with the result instead."
        raise MissingRuleError(message)
    if mask is not ABSENT and mask is not True and mask is not None:
        message = f"{where}(where): got a mask; no rule takes it. Write xp.where(mask, x, neutral) inside."
        raise MissingRuleError(message)


def _axis(axis: Any) -> Axis:
    """A list of axes or a NumPy integer, as NumPy allows, in plain integers."""
    if axis is None or type(axis) is int:
        return axis
    return tuple(int(a) for a in axis) if isinstance(axis, tuple | list) else int(axis)


def _keep(keepdims: Any) -> bool:
    if keepdims is True or keepdims is False:
        return keepdims
    return False if _plain_value(keepdims) is ABSENT else builtins.bool(keepdims)


# Reductions ----------------------------------------------------------------------------------------------------------


def _reduced(name: str, linear: bool) -> Any:
    def reduce(x, axis=None, dtype=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        if out is not None or initial is not ABSENT or where is not ABSENT:
            _refuse(name, out, _plain_value(initial), _plain_value(where))
        if dtype is not None and dtype != x.dtype:
            x = astype(x, dtype)
        return getattr(TRACED, name)(x, axis=_axis(axis), keepdims=_keep(keepdims))

    def extreme(x, axis=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        return reduce(x, axis, None, out, keepdims, initial, where)

    chosen = reduce if linear else extreme
    chosen.__name__ = chosen.__qualname__ = name
    return chosen


def _plain_value(value: Any) -> Any:
    """NumPy passes its own mark for an absent keyword."""
    return ABSENT if "NoValue" in type(value).__name__ else value


sum = _reduced("sum", linear=True)
prod = _reduced("prod", linear=True)
max = _reduced("max", linear=False)
min = _reduced("min", linear=False)
_mean = _reduced("mean", linear=True)


def mean(x, axis=None, dtype=None, out=None, keepdims=False, *, where=ABSENT):
    """The arithmetic mean along axes."""
    return _mean(x, axis, dtype, out, keepdims, ABSENT, where)


def var(
    x,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    correction=None,
    where=ABSENT,
    mean=ABSENT,
):
    """Variance; ``correction`` (NumPy: ``ddof``) is subtracted from the count."""
    _refuse("var", out, mask=_plain_value(where))
    if _plain_value(mean) is not ABSENT:
        message = "var(mean): got a mean; no rule takes it. Leave it out."
        raise MissingRuleError(message)
    if dtype is not None:
        x = astype(x, dtype)
    correction = ddof if correction is None or _plain_value(correction) is ABSENT else correction
    axes = normal_axes(_axis(axis), x.ndim)
    n = math.prod(x.shape[a] for a in axes)
    deviation = x - TRACED.mean(x, axis=axes, keepdims=True)
    squares = (
        TRACED.square(TRACED.abs(deviation))
        if kind_of(x.dtype) == "complex"
        else deviation * deviation
    )
    return TRACED.sum(squares, axis=axes, keepdims=_keep(keepdims)) / builtins.max(
        n - correction, 0
    )


def std(
    x,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    correction=None,
    where=ABSENT,
    mean=ABSENT,
):
    """Standard deviation: the root of `var`."""
    return TRACED.sqrt(
        var(x, axis, dtype, out, ddof, keepdims, correction=correction, where=where, mean=mean)
    )


def _constant(name: str) -> Any:
    def reduce(x, axis=None, out=None, keepdims=False, **kw):
        _refuse(name, out)
        keep = {} if not _keep(keepdims) else {"keepdims": True}
        return getattr(TRACED, name)(x, axis=_axis(axis), **keep, **kw)

    reduce.__name__ = reduce.__qualname__ = name
    return reduce


all = _constant("all")
any = _constant("any")
argmax = _constant("argmax")
argmin = _constant("argmin")
count_nonzero = _constant("count_nonzero")


def cumulative_sum(x, axis=None, dtype=None, out=None, *, include_initial=False):
    """Sums of the first 1, 2, ... elements along an axis."""
    _refuse("cumulative_sum", out)
    if dtype is not None:
        x = astype(x, dtype)
    if axis is None:
        if x.ndim > 1:
            x = TRACED.reshape(x, shape=(-1,))
        axis = 0
    axis = int(axis) % x.ndim
    y = TRACED.cumulative_sum(x, axis=axis)
    if include_initial:
        start = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        zero = _beside(0.0, [x])
        y = TRACED.concat(broadcast_to(zero, start), y, axis=axis)
    return y


# Shapes --------------------------------------------------------------------------------------------------------------


def reshape(x, /, shape, order="C", *, copy=None):
    """The same elements in another shape; one length may be -1."""
    if order not in ("C", "A"):
        message = (
            f"reshape(order): got {order!r}; expected 'C'. Transpose before and after instead."
        )
        raise ArgumentError(message)
    shape = tuple(int(n) for n in shape) if isinstance(shape, tuple | list) else (int(shape),)
    return TRACED.reshape(x, shape=shape)


def ravel(x, order="C"):
    """All elements in one axis."""
    return reshape(x, (-1,), order)


def permute_dims(x, axes=None):
    """Axes in another order; without ``axes``, reversed."""
    order = tuple(range(x.ndim))[::-1] if axes is None else normal_axes(_axis(axes), x.ndim)
    return TRACED.permute_dims(x, axes=order)


def matrix_transpose(x):
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(x, axis1, axis2):
    """Two axes exchanged."""
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return TRACED.permute_dims(x, axes=tuple(axes))


def moveaxis(x, source, destination):
    """Axes moved to other positions, the rest in their order."""
    source, destination = (
        normal_axes(_axis(source), x.ndim),
        normal_axes(_axis(destination), x.ndim),
    )
    order = [a for a in range(x.ndim) if a not in source]
    for to, a in sorted(zip(destination, source, strict=True)):
        order.insert(to, a)
    return TRACED.permute_dims(x, axes=tuple(order))


def squeeze(x, axis=None):
    """Axes of length 1 removed."""
    axes = normal_axes(_axis(axis), x.ndim) if axis is not None else ()
    gone = axes if axis is not None else tuple(k for k, n in enumerate(x.shape) if n == 1)
    if builtins.any(x.shape[a] != 1 for a in gone):
        message = f"squeeze(axis): got {axis!r} for shape {x.shape}; expected axes of length 1."
        raise ArgumentError(message)
    return TRACED.reshape(x, shape=tuple(n for k, n in enumerate(x.shape) if k not in gone))


def expand_dims(x, /, axis=0):
    """New axes of length 1 at these positions of the result."""
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    ndim = x.ndim + len(axes)
    new = normal_axes(tuple(axes), ndim)
    old = iter(x.shape)
    return TRACED.reshape(x, shape=tuple(1 if k in new else next(old) for k in range(ndim)))


def broadcast_to(x, /, shape, subok=False):
    """The array repeated to a shape, without copies."""
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    return TRACED.broadcast_to(x, shape=tuple(int(n) for n in shape))


def broadcast_arrays(*arrays, subok=False):
    """Arrays brought to their common shape."""
    shape = plain_namespace(_a_traced(arrays)).broadcast_shapes(*(a.shape for a in arrays))
    return [a if a.shape == shape else broadcast_to(a, shape) for a in arrays]


def flip(x, axis=None):
    """The elements in reverse order along axes."""
    for a in normal_axes(_axis(axis), x.ndim):
        x = TRACED.getitem(x, key=reversal(a, x.ndim))
    return x


def roll(x, shift, axis=None):
    """Elements moved along axes; what leaves at the end returns at the start."""
    if axis is None:
        return TRACED.reshape(roll(ravel(x), shift, 0), shape=x.shape)
    shifts = shift if isinstance(shift, tuple | list) else (shift,)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    if len(shifts) == 1:
        shifts = tuple(shifts) * len(axes)
    for s, a in zip(shifts, normal_axes(tuple(axes), x.ndim), strict=True):
        n = x.shape[a]
        if n and s % n:
            before = (slice(None),) * a
            tail = TRACED.getitem(x, key=(*before, slice(n - s % n, None), ...))
            x = TRACED.concat(tail, TRACED.getitem(x, key=(*before, slice(0, n - s % n), ...)), axis=a)
    return x


def tile(x, repetitions):
    """The whole array repeated along each axis."""
    reps = repetitions if isinstance(repetitions, tuple | list) else (repetitions,)
    ndim = builtins.max(len(reps), x.ndim)
    reps = (1,) * (ndim - len(reps)) + tuple(reps)
    shape = (1,) * (ndim - x.ndim) + tuple(x.shape)
    between = tuple(m for n in shape for m in (1, n))
    spread = tuple(m for r, n in zip(reps, shape, strict=True) for m in (r, n))
    repeated = TRACED.broadcast_to(TRACED.reshape(x, shape=between), shape=spread)
    return TRACED.reshape(repeated, shape=tuple(r * n for r, n in zip(reps, shape, strict=True)))


def repeat(x, repeats, axis=None):
    """Each element repeated the same number of times."""
    if not isinstance(repeats, int):
        message = "repeat(repeats): got an array; expected one integer. Use xp.take(x, indices, axis=axis)."
        raise MissingRuleError(message)
    if axis is None:
        x, axis = ravel(x), 0
    axis = int(axis) % x.ndim
    spread = broadcast_to(
        expand_dims(x, axis + 1), (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    )
    return TRACED.reshape(
        spread, shape=(*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1 :])
    )


def concat(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays joined along an axis; ``None`` joins them flattened."""
    _refuse("concat", out)
    arrays = list(arrays)
    if dtype is not None:
        arrays = [astype(a, dtype) for a in arrays]
    if axis is None:
        arrays, axis = [ravel(a) for a in arrays], 0
    return TRACED.concat(*arrays, axis=int(axis))


def stack(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays of one shape joined along a new axis."""
    _refuse("stack", out)
    arrays = [a if hasattr(a, "shape") else _beside(a, arrays) for a in arrays]
    return TRACED.stack(*arrays, axis=int(axis))


def hstack(arrays, *, dtype=None, casting=None):
    """Arrays joined side by side."""
    arrays = [atleast_1d(a) for a in arrays]
    return concat(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


def vstack(arrays, *, dtype=None, casting=None):
    """Arrays joined one below the other."""
    return concat([atleast_2d(a) for a in arrays], 0, dtype=dtype)


def atleast_1d(x):
    """The array with at least one axis."""
    return x if x.ndim else TRACED.reshape(x, shape=(1,))


def atleast_2d(x):
    """The array with at least two axes."""
    return x if x.ndim > 1 else TRACED.reshape(x, shape=(1, -1))


def unstack(x, /, *, axis=0):
    """The slices along an axis, as a tuple."""
    before = (slice(None),) * (axis % x.ndim)
    return tuple(TRACED.getitem(x, key=(*before, k, ...)) for k in range(x.shape[axis]))


def take(x, indices, axis=None, out=None, mode="raise"):
    """Elements at integer indices along an axis."""
    _refuse("take", out)
    if mode != "raise":
        message = f"take(mode): got {mode!r}; expected 'raise'. Clip or wrap the indices first."
        raise MissingRuleError(message)
    if axis is None:
        x, axis = (ravel(x) if x.ndim != 1 else x), 0
    return TRACED.getitem(x, key=(*(slice(None),) * (int(axis) % x.ndim), indices, ...))


def diff(x, n=1, axis=-1):
    """Differences of neighbours along an axis, ``n`` times."""
    before = (slice(None),) * (int(axis) % x.ndim)
    for _ in range(n):
        x = TRACED.getitem(x, key=(*before, slice(1, None), ...)) - TRACED.getitem(
            x, key=(*before, slice(None, -1), ...)
        )
    return x


# Choosing, casting, creating ----------------------------------------------------------------------------------------


def where(condition, x1, x2, /):
    """``x1`` where the condition holds, else ``x2``; the branch not taken gets no gradient."""
    return TRACED.where(lowest(condition), x1, x2)


def clip(x, min=None, max=None, out=None, **kw):
    """Values limited to [min, max]; at a bound the gradient is halved, as at every tie."""
    _refuse("clip", out)
    min, max = kw.pop("a_min", min), kw.pop("a_max", max)
    if kw:
        message = f"clip({next(iter(kw))}): no rule takes this keyword. Leave it out."
        raise MissingRuleError(message)
    if min is not None:
        x = TRACED.maximum(x, min)
    return x if max is None else TRACED.minimum(x, max)


def astype(x, dtype, order="K", casting="unsafe", subok=True, copy=True, *, device=None):
    """Cast; a cast to integers or booleans has no derivative and gives a plain array."""
    return x if dtype == x.dtype else TRACED.astype(x, dtype=dtype)


def copy(x, order="K", subok=False):
    """The same value in memory of its own."""
    return TRACED.positive(x)


def round(x, decimals=0, out=None):
    """Rounded to integers; the derivative is zero."""
    _refuse("round", out)
    if decimals:
        message = f"round(decimals): got {decimals}; expected 0. Scale before and after."
        raise MissingRuleError(message)
    return TRACED.round(x)


def _filled(name: str) -> Any:
    def like(x, *args, **kw):
        bottom = lowest(x)
        if "device" not in kw and backend_device(bottom) is not None:
            kw["device"] = backend_device(bottom)
        if kw.pop("order", "K") not in ("K", "C", "A") or not kw.pop("subok", True):
            message = (
                f"{name}(order): only the default memory order is supported for traced arrays."
            )
            raise ArgumentError(message)
        value = getattr(plain_namespace(bottom), name)(bottom, *args, **kw)
        return (
            x.t.constant(value) if type(x) in LIFTED and kind_of(value.dtype) != "other" else value
        )

    like.__name__ = like.__qualname__ = name
    return like


def backend_device(x: Any) -> Any:
    """The device of a plain array, for creation functions that take one; None on the host."""
    device = getattr(x, "device", None)
    return None if isinstance(device, str) else device


zeros_like = _filled("zeros_like")
ones_like = _filled("ones_like")
empty_like = _filled("zeros_like")


def full_like(x, /, fill_value, dtype=None, **kw):
    """An array like ``x`` filled with one value, which may be traced."""
    if type(fill_value) not in LIFTED:
        return _full_of_number(x, fill_value, dtype=dtype, **kw)
    value = fill_value if dtype is None else astype(fill_value, dtype)
    return broadcast_to(value, x.shape)


_full_of_number = _filled("full_like")


# Products ------------------------------------------------------------------------------------------------------------


def dot(a, b, out=None):
    """NumPy's dot: numbers multiply, vectors and matrices contract, higher arrays along a's last and b's second last."""
    _refuse("dot", out)
    if not getattr(a, "ndim", 0) or not getattr(b, "ndim", 0):
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return TRACED.matmul(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (builtins.max(b.ndim - 2, 0),)))


def tensordot(a, b, /, axes=2):
    """Sums of products over pairs of axes."""
    if isinstance(axes, int):
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    left, right = (tuple(x) if isinstance(x, tuple | list) else (x,) for x in axes)
    left, right = normal_axes(left, a.ndim), normal_axes(right, b.ndim)
    rows = tuple(k for k in range(a.ndim) if k not in left)
    columns = tuple(k for k in range(b.ndim) if k not in right)
    n = math.prod(a.shape[k] for k in left)
    shape = tuple(a.shape[k] for k in rows) + tuple(b.shape[k] for k in columns)
    a2 = TRACED.reshape(
        TRACED.permute_dims(a, axes=rows + left), shape=(math.prod(a.shape[k] for k in rows), n)
    )
    b2 = TRACED.permute_dims(b, axes=right + columns)
    b2 = TRACED.reshape(b2, shape=(n, math.prod(b.shape[k] for k in columns)))
    return TRACED.reshape(TRACED.matmul(a2, b2), shape=shape)


def vecdot(a, b, /, *, axis=-1):
    """Inner products along an axis; the first operand is conjugated."""
    if kind_of(a.dtype) == "complex":
        a = TRACED.conj(a)
    return TRACED.sum(a * b, axis=axis, keepdims=False)


def outer(a, b, out=None):
    """All products of two vectors."""
    _refuse("outer", out)
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


def inner(a, b, /):
    """NumPy's inner: contraction of the last axes."""
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def trace(x, offset=0):
    """The sum of a matrix' diagonal (the last two axes)."""
    xp = plain_namespace(x)
    bottom = lowest(x)
    device = {"device": d} if (d := backend_device(bottom)) is not None else {}
    mask = xp.eye(x.shape[-2], x.shape[-1], k=offset, dtype=bottom.dtype, **device)
    return TRACED.sum(x * mask, axis=(-2, -1), keepdims=False)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of vectors along axes, for ``ord`` 1, 2, inf, -inf or a number."""
    size = TRACED.abs(x)
    axis = _axis(axis)
    if ord == 2:
        square = x * x if kind_of(x.dtype) == "real" else size * size
        return TRACED.sqrt(TRACED.sum(square, axis=axis, keepdims=keepdims))
    if ord in (math.inf, -math.inf):
        return getattr(TRACED, "max" if ord > 0 else "min")(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return TRACED.sum(size, axis=axis, keepdims=keepdims)
    return TRACED.sum(size**ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def norm(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm of vectors, and the Frobenius norm of matrices."""
    axes = x.ndim if axis is None else len(axis) if isinstance(axis, tuple | list) else 1
    if ord in (None, "fro") and (axes != 1 or ord is None):
        return vector_norm(x, axis=axis, keepdims=keepdims)
    if axes == 1 and isinstance(ord, int | float):
        return vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    message = f"norm(ord): got {ord!r} for {axes} axes; rules exist for vector norms and 'fro'."
    raise MissingRuleError(message)


def _a_traced(arrays: Any) -> Any:
    return next((a for a in arrays if type(a) in LIFTED), arrays[0])


def _beside(number: Any, arrays: Any) -> Any:
    """A Python number as a 0-d array of the library that the arrays beside it belong to."""
    like = lowest(_a_traced([a for a in arrays if hasattr(a, "shape")]))
    device = {"device": d} if (d := backend_device(like)) is not None else {}
    return plain_namespace(like).asarray(number, dtype=like.dtype, **device)
