"""Which entries a Jacobian has, found by trial: with NaN, or by differentiating the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from anygrad.autodiff import jvp, vjp, vmap
from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.kinds import precision
from anygrad.differences.patterns import Pattern
from anygrad.errors import ArgumentError, ShapeError, describe

__all__ = ["detect_by_nan", "detect_by_tracing"]

Places = tuple[np.ndarray, np.ndarray]


def detect_by_nan(
    evaluate: Callable[[Array], Array], x: Array, *, batch: int = 64, where: str = "detect_by_nan"
) -> Pattern:
    """Find which outputs become NaN, or change, when one input is NaN.

    ``evaluate`` takes points (count, n), gives values (count, m); count is ``batch`` and one for
    ``x`` itself, at most. Changes below half the digits are taken for rounding.

    This is neither an upper nor a lower bound. It misses what swallows NaN: comparisons (``x > 0``
    is False for NaN, so the other branch is not seen, and the one taken counts only if it changes
    the value), ``where`` and ``argmax`` made of them, functions such as ``nansum`` and ``fmax``. It
    over-estimates where NaN is multiplied by zero: all of a dense ``A @ x``, an FFT or a linear
    solve depends on all that it reads; and it takes outputs that are NaN at ``x``, or random, to
    depend on every input. ArgumentError if ``evaluate`` raises on NaN.
    """
    xp, size, places = namespace_of(x), x.shape[0], []
    nan = xp.full((1, 1), float("nan"), dtype=x.dtype, device=device_of(x))
    here = xp.stack([x])
    height = _values(where, evaluate, here).shape[1]  # what fails at x is not put down to NaN

    def evaluate_nan(points: Array) -> Array:
        try:
            return evaluate(points)
        except (ArithmeticError, TypeError, ValueError) as error:
            message = (
                f"{where}(f): failed on points with a NaN ({type(error).__name__}: {error}); "
                "expected a function that takes them. Give the sparsity yourself."
            )
            raise ArgumentError(message) from error

    for start in range(0, size, batch):
        points = xp.concat([here, xp.where(_units(x, start, batch), nan, here)])
        # x is among them, since values may differ in their last digits with the number of points
        values = _values(where, evaluate_nan, points)
        rtol = np.finfo(values.dtype).eps ** 0.5 if values.dtype.kind in "fc" else 0
        columns, rows = np.nonzero(~np.isclose(values[1:], values[:1], rtol=rtol, atol=0))
        places.append((rows, columns + start))
    return _gather(places, (height, size))


def _values(where: str, evaluate: Callable[[Array], Array], points: Array) -> np.ndarray:
    with np.errstate(all="ignore"):
        values = evaluate(points)
    if len(getattr(values, "shape", ())) != 2 or values.shape[0] != points.shape[0]:
        message = (
            f"{where}(f): got {describe(values)} for {points.shape[0]} points; expected one vector "
            f"for each, shape ({points.shape[0]}, m). Keep the first axis for the points."
        )
        raise ShapeError(message)
    return to_host(values)


def detect_by_tracing(
    f: Callable[[Array], Array],
    x: Array,
    *,
    batch: int = 64,
    seed: int = 0,
    where: str = "detect_by_tracing",
) -> Pattern:
    """Find which partial derivatives of ``f``, (n,) to (m,), are not zero, by differentiating it.

    An entry is one whose derivative is not zero, or is NaN, at ``x`` or at one of two random points
    beside it (relative distance 1e-3; 1e-3 where ``x`` is 0). So it is exact for programs whose
    partial derivatives are not identically zero near ``x`` on the branch taken: isolated zeros,
    x**2 at 0, do not hide an entry. It misses branches and sides of ``where`` that the three points
    do not take, and derivatives that are zero all around ``x``: of ``round``, of a flat piece, or
    after underflow. What ``f`` multiplies by a constant zero is no entry. NaN and what rounding
    leaves of a cancellation are entries too many.

    Runs as many derivatives as the smaller of m and n, ``batch`` at a time, at each point; ``f``
    must be one that `vmap`, `jvp` and `vjp` take.
    """
    value = f(x)
    if len(getattr(value, "shape", (0, 0))) != 1:
        message = (
            f"{where}(f): got {describe(value)}; expected a vector. Flatten it with xp.reshape."
        )
        raise ShapeError(message)
    shape = (value.shape[0], x.shape[0])
    points, places = (x, *_beside(x, seed)), []
    with np.errstate(all="ignore"):  # a point beside x may lie outside of the domain
        for point in points:
            places += _non_zeros(f, point, value, batch)
    return _gather(places, shape)


def _beside(x: Array, seed: int) -> list[Array]:
    xp, rng, backend = namespace_of(x), np.random.default_rng(seed), backend_of(x)
    assert backend is not None
    dtype = np.float64 if precision(x) < 1e-12 else np.float32
    size = xp.where(x == 0, xp.ones_like(x), xp.abs(x))
    found = []
    for _ in range(2):
        moves = rng.choice([-1e-3, 1e-3], x.shape) * rng.uniform(0.5, 1, x.shape)
        moves = backend.from_host(moves.astype(dtype), device_of(x))
        found.append(x + size * xp.astype(moves, x.dtype))
    return found


def _non_zeros(f: Callable[[Array], Array], x: Array, value: Array, batch: int) -> Iterator[Places]:
    """Rows and columns of the entries at one point: by columns, or by rows if those are fewer."""
    (height,), (width,) = value.shape, x.shape
    forward = width <= height
    if forward:
        like, derive = x, vmap(lambda unit: jvp(f, (x,), (unit,))[1])
    else:
        like, pullback = value, vjp(f, x)[1]
        derive = vmap(lambda unit: pullback(unit)[0])
    for start in range(0, min(height, width), batch):
        units = _units(like, start, batch)
        units = namespace_of(like).astype(units, like.dtype)
        at, other = np.nonzero(to_host(derive(units)))  # NaN is not zero
        yield (other, at + start) if forward else (at + start, other)


def _units(x: Array, start: int, batch: int) -> Array:
    """Rows ``start`` to ``start + batch`` of the identity beside ``x``, as bools."""
    xp, device, (size,) = namespace_of(x), device_of(x), x.shape
    chosen = xp.arange(start, min(start + batch, size), device=device)
    return chosen[:, None] == xp.arange(size, device=device)[None, :]


def _gather(places: list[Places], shape: tuple[int, int]) -> Pattern:
    none = np.empty(0, dtype=np.int64)
    rows, columns = zip((none, none), *places, strict=True)
    return Pattern.of(np.concatenate(rows), np.concatenate(columns), shape)
