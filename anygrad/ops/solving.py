"""Systems of linear equations."""

from __future__ import annotations

from typing import Any

from anygrad.ops import shaping
from anygrad.ops.batching import lift
from anygrad.ops.row import Case, Family, Row, add_row


def _solve(xp: Any) -> Any:
    """The system a y = b; ``b`` is a matrix, its columns are right-hand sides."""

    def solve(a: Any, b: Any) -> Any:
        return xp.linalg.solve(a, b)

    return solve


def _pull(row, xp, g, y, args, kw, wanted):
    """For y = a^-1 b: the cotangent of b solves the transposed system, that of a is -gb y^H."""
    a, b = args
    gb = xp.solve(_adjoint(xp, a), g)
    ga = None
    if wanted[0]:
        ga = shaping.unbroadcast(xp, -xp.matmul(gb, _adjoint(xp, y)), a.shape)
    return [ga, shaping.unbroadcast(xp, gb, b.shape) if wanted[1] else None]


def _push(row, xp, tangents, y, args, kw):
    ta, tb = tangents
    right = tb
    if ta is not None:
        moved = -xp.matmul(ta, y)
        right = moved if tb is None else tb + moved
    return xp.solve(args[0], right)


def _adjoint(xp: Any, a: Any) -> Any:
    turned = xp.permute_dims(a, axes=(*range(len(a.shape) - 2), len(a.shape) - 1, len(a.shape) - 2))
    return xp.conj(turned) if shaping.is_complex(a) else turned


def _batch(row, xp, values, mapped, size, kw):
    a, b = values
    rank = max(len(a.shape) - mapped[0], len(b.shape) - mapped[1])
    whole = [lift(xp, x, rank) if m else x for x, m in zip(values, mapped, strict=True)]
    return xp.solve(*whole)


SOLVING = Family("solving", _pull, _push, keeps="all")
add_row(
    Row(
        "solve",
        SOLVING,
        (None, None),
        _solve,
        cases=(Case(((3, 3), (3, 2))), Case(((2, 3, 3), (2, 3, 1)))),
        batch=_batch,
    )
)
