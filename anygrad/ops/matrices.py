"""What the rows of matrix functions are made with: their constructor, triangles, adjoints.

A decomposition has several results, a row has one: they are packed into one array, from which
`anygrad.tracing.functions.linalg` takes its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anygrad.errors import BackendError
from anygrad.ops.plain import PlainNames
from anygrad.ops.row import Case, Family, Row, Rule, add_row
from anygrad.ops.shaping import is_complex


def matrix_function(
    name: str,
    vjp: Rule,
    jvp: Rule,
    *,
    run: Callable[[Any], Callable[..., Any]],
    cases: Sequence[Case],
) -> Row:
    """A function of the matrices that stand in the last two axes.

    ``vjp(xp, g, y, x, **kw)`` is the adjoint of ``jvp(xp, t, y, x, **kw)`` under Re sum conj(a) b.
    """

    def pull(row, xp, g, y, args, kw, wanted):
        return [row.rules[0](xp, g, y, *args, **kw)]

    def push(row, xp, tangents, y, args, kw):
        return jvp(xp, tangents[0], y, *args, **kw)

    family = Family("matrix", pull, push)
    return add_row(Row(name, family, (vjp,), run, cases=tuple(cases), batch=_batch))


def _batch(row, xp, values, mapped, size, kw):
    """The examples are leading axes, as others are."""
    return getattr(xp, row.name)(values[0], **kw)


def in_names(function: Callable[..., Any]) -> Callable[[Any], Callable[..., Any]]:
    """The ``run`` of a row whose value is computed with other rows: ``function(xp, x, **kw)``."""

    def run(xp: Any) -> Callable[..., Any]:
        names = PlainNames(xp, {})

        def call(x: Any, **kw: Any) -> Any:
            return function(names, x, **kw)

        return call

    return run


def needs(xp: Any, name: str) -> Any:
    """A function of the library's ``linalg`` that the standard does not have."""
    function = getattr(xp.linalg, name, None)
    if function is None:
        library = getattr(xp, "__name__", "the library").removeprefix("array_api_compat.")
        message = (
            f"{name}(operands): got arrays of {library}, whose linalg has no {name}. Compute this "
            "part with NumPy arrays."
        )
        raise BackendError(message)
    return function


def turned(xp: Any, x: Any) -> Any:
    """The transposed matrices."""
    n = len(x.shape)
    return xp.permute_dims(x, axes=(*range(n - 2), n - 1, n - 2))


def adjoint(xp: Any, x: Any) -> Any:
    """The transposed matrices, conjugated."""
    flat = turned(xp, x)
    return xp.conj(flat) if is_complex(x) else flat


def real_part(xp: Any, x: Any) -> Any:
    """The real part; the standard's ``real`` takes complex arrays only."""
    return xp.real(x) if is_complex(x) else x


def imaginary(xp: Any, x: Any, like: Any) -> Any:
    """The number i times a real array, in the dtype of a complex one."""
    return xp.astype(x, dtype=like.dtype) * 1j


def diagonal(xp: Any, x: Any) -> Any:
    """The diagonal of square matrices."""
    n = x.shape[-1]
    flat = xp.reshape(x, shape=(*x.shape[:-2], n * n))
    return xp.getitem(flat, key=(..., slice(None, None, n + 1)))


def lower_half(xp: Any, x: Any) -> Any:
    """The lower triangle with half the diagonal: x is this plus its adjoint if x is Hermitian."""
    return 0.5 * (xp.tril(x, k=-1) + xp.tril(x, k=0))


def hermitian(xp: Any, x: Any) -> Any:
    """The Hermitian matrix whose lower triangle is that of x; the upper one is not read."""
    half = lower_half(xp, x)
    return half + adjoint(xp, half)


def to_lower(xp: Any, g: Any) -> Any:
    """The adjoint of `hermitian`: what is read twice counts twice, what is not read gets 0."""
    return lower_half(xp, g + adjoint(xp, g))


def quotients(xp: Any, x: Any, values: Any, otherwise: Any = 0.0) -> Any:
    """The reciprocal 1 / x; something else where x is as small as rounding makes a difference."""
    zero = vanishing(xp, x, values)
    return xp.where(zero, otherwise, 1.0 / xp.where(zero, 1.0, x))


def vanishing(xp: Any, x: Any, values: Any) -> Any:
    """Where x is as small as rounding makes a difference of values."""
    smallest = 16.0 * values.shape[-1] * precision(values.dtype)
    limit = smallest * xp.max(xp.abs(values), axis=-1, keepdims=True)
    if len(x.shape) > len(values.shape):
        limit = limit[..., None]
    return xp.less_equal(xp.abs(x), limit)


def precision(dtype: Any) -> float:
    """The distance from 1 to the next number, in single or double precision."""
    return 2.0**-23 if str(dtype).rstrip("'>").endswith(("float32", "complex64")) else 2.0**-52


def differences(xp: Any, w: Any) -> Any:
    """The numbers w_j - w_i in row i and column j."""
    return w[..., None, :] - w[..., :, None]


def couplings(xp: Any, w: Any, used: Any = None) -> Any:
    """The numbers 1 / (w_j - w_i), and 0 on the diagonal.

    Where two values are equal up to rounding their vectors have no derivative, and what is computed
    from both has one that these formulas lose: there it is NaN, unless neither is ``used``.
    """
    pairs = differences(xp, w)
    undefined = _nan_off_diagonal(xp, pairs)
    if used is not None:
        either = xp.logical_or(used[..., None, :], used[..., :, None])
        undefined = xp.where(either, undefined, 0.0)
    return quotients(xp, pairs, w, undefined)


def _nan_off_diagonal(xp: Any, pairs: Any) -> Any:
    """NaN off the diagonal, 0 on it."""
    ones = xp.zeros_like(xp.abs(pairs)) + 1.0
    off = xp.equal(xp.tril(ones, k=-1) + xp.triu(ones, k=1), 1.0)
    return xp.where(off, float("nan"), 0.0 * ones)
