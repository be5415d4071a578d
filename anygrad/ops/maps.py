"""Linear maps that are constants, of which only the products are known: sparse matrices, solves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.backends import namespace_of
from anygrad.ops.row import Case, linear


@dataclass(frozen=True, eq=False, slots=True)
class LinearMap:
    """What carries out ``A x`` and ``A^H g`` for vectors, and for matrices column by column.

    ``apply`` and ``back`` take plain arrays of ``columns`` and of ``rows`` rows, and keep the dtype
    as far as the row's user sees: operands are cast to that of the result before.
    """

    name: str
    rows: int
    columns: int
    apply: Callable[[Any], Any]
    back: Callable[[Any], Any]

    @property
    def adjoint(self) -> LinearMap:
        """The conjugate transpose."""
        name = self.name.removesuffix("^H") if self.name.endswith("^H") else f"{self.name}^H"
        return LinearMap(name, self.columns, self.rows, self.back, self.apply)

    def __repr__(self) -> str:
        return f"{self.name} of shape ({self.rows}, {self.columns})"


def _batch(row: Any, xp: Any, values: Any, mapped: Any, size: int, kw: dict[str, Any]) -> Any:
    """The examples become columns."""
    (x,) = values
    rank = len(x.shape) - 1
    columns = x.shape[2:]
    x = xp.permute_dims(x, axes=(*range(1, rank + 1), 0))
    y = getattr(xp, row.name)(xp.reshape(x, shape=(x.shape[0], -1)), **kw)
    y = xp.reshape(y, shape=(kw["operator"].rows, *columns, size))
    return xp.permute_dims(y, axes=(rank, *range(rank)))


def _steps(n: int) -> LinearMap:
    """Differences of neighbours: the map of the table's own tests."""

    def back(g: Any) -> Any:
        ends = (-g[:1, ...], g[:-1, ...] - g[1:, ...], g[-1:, ...])
        return namespace_of(g).concat(ends, axis=0)

    return LinearMap("differences", n - 1, n, lambda x: x[1:, ...] - x[:-1, ...], back)


linear(
    "linear_map",
    lambda xp, g, _shape, operator: xp.linear_map(g, operator=operator.adjoint),
    run=lambda xp: _run,
    batch=_batch,
    cases=[
        Case(((5,),), {"operator": _steps(5)}),
        Case(((4, 3),), {"operator": _steps(4)}),
        Case(((3, 2),), {"operator": _steps(4).adjoint}),
    ],
)


def _run(x: Any, operator: LinearMap) -> Any:
    return operator.apply(x)
