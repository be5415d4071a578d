"""Extrapolates a ladder of differences to step zero, over every window of neighbouring rungs.

A ladder has rungs ``h_k = h_0 ratio^-k``. What is measured on it, S_k, is a polynomial in
``u = h^power``: central differences have even powers of h only (power 2), one-sided ones all
(power 1). A window (i, j) fits a polynomial of degree j through rungs i .. i + j and reads one of
its coefficients. Since the ratio is fixed, that is a dot product with weights known in advance, and
all windows of all elements are one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from anygrad.backends.types import Namespace

__all__ = ["Table", "make_table", "place_table"]


@dataclass(frozen=True)
class Table:
    """Weights of all windows of a ladder; W windows, K rungs.

    Attributes
    ----------
    factors : array, shape (K, 1)
        ``ratio^-k``: the steps for h_0 = 1.
    count : int
        W.
    weights : array, shape (5 W, K)
        For all windows, one behind the other: what gives the coefficient, for h_0 = 1; the change
        against the window without its largest rung; the change of that one against the next, and
        once more (zero rows where there is none): neighbours in the extrapolation tableau; and the
        change to the window of the same degree a rung below (above, for the last).
    origin : array, shape (W, K)
        Gives the coefficient 0, the value at step zero.
    covers : array, shape (W, K)
        1 for the rungs of a window.
    first : array of int, shape (W,)
        The largest rung of a window.
    reach : array, shape (W,)
        Its step, for h_0 = 1.
    value_noise, change_noise, other_noise : arrays, shape (W, 1, 1)
        Standard deviation of value and change where the terms have noise of ``h^-falls``, and h_0
        is 1; of the change also for the other of 1 and 2.
    """

    factors: Any
    count: int
    weights: Any
    origin: Any
    covers: Any
    first: Any
    reach: Any
    value_noise: Any
    change_noise: Any
    other_noise: Any


@cache
def make_table(
    rungs: int,
    ratio: float,
    power: int,
    coefficient: int,
    falls: int,
    *,
    lowest: int = 2,
    highest: int = 99,
) -> Table:
    """Work out the weights of the windows of degree coefficient + lowest to coefficient + highest.

    Neville's recursion, for all coefficients of the polynomials, in extended precision where the
    host has it.
    """
    grid = np.longdouble(ratio) ** -np.arange(rungs)
    u = grid**power
    fits: dict[tuple[int, int], Any] = {}
    for i in range(rungs):
        fits[i, 0] = np.zeros((1, rungs), np.longdouble)
        fits[i, 0][0, i] = 1
    for j in range(1, rungs):
        for i in range(rungs - j):
            fits[i, j] = _join(fits[i, j - 1], fits[i + 1, j - 1], u[i], u[i + j])

    def difference(i: int, j: int) -> Any:
        """Tableau entry (i, j) against (i + 1, j - 1), where that has the coefficient."""
        if j <= coefficient:
            return np.zeros(rungs, np.longdouble)
        return fits[i, j][coefficient] - fits[i + 1, j - 1][coefficient]

    def drift(i: int, j: int) -> Any:
        near = i + 1 if i + 1 + j < rungs else max(i - 1, 0)
        return fits[i, j][coefficient] - fits[near, j][coefficient]

    top = min(coefficient + highest, rungs - 1)
    windows = [(i, j) for j in range(coefficient + lowest, top + 1) for i in range(rungs - j)]
    value = np.asarray([fits[i, j][coefficient] for i, j in windows])
    change = np.asarray([difference(i, j) for i, j in windows])
    parent = [difference(i + 1, j - 1) for i, j in windows]
    grandparent = [difference(i + 2, j - 2) if j >= 2 else 0 * u for i, j in windows]
    drifts = [drift(i, j) for i, j in windows]
    gain = grid**-falls
    return Table(
        factors=_plain(grid[:, None]),
        count=len(windows),
        weights=_plain([*value, *change, *parent, *grandparent, *drifts]),
        origin=_plain([fits[i, j][0] for i, j in windows]),
        covers=_plain([(np.arange(rungs) >= i) & (np.arange(rungs) <= i + j) for i, j in windows]),
        first=np.asarray([i for i, _ in windows], np.int64),
        reach=_plain([grid[i] for i, _ in windows]),
        value_noise=_plain(_norms(value * gain)),
        change_noise=_plain(_norms(change * gain)),
        other_noise=_plain(_norms(change * grid ** (falls - 3))),
    )


def _join(left: Any, right: Any, first: Any, last: Any) -> Any:
    """Neville: ((u - last) left - (u - first) right) / (first - last), by coefficients."""
    degree = left.shape[0]
    out = np.zeros((degree + 1, left.shape[1]), np.longdouble)
    out[:degree] += first * right - last * left
    out[1:] += left - right
    return out / (first - last)


def _norms(rows: Any) -> Any:
    return np.sqrt(np.sum(rows * rows, axis=1))[:, None, None]


def _plain(rows: Any) -> Any:
    return np.ascontiguousarray(np.asarray(rows, np.longdouble).astype(np.float64))


@cache
def _placed(table_key: tuple, xp: Namespace, device: Any) -> Table:
    rungs, ratio, power, coefficient, falls, lowest, highest = table_key
    table = make_table(rungs, ratio, power, coefficient, falls, lowest=lowest, highest=highest)
    if xp is np:
        return table
    arrays = {
        name: xp.asarray(a, device=device) for name, a in vars(table).items() if name != "count"
    }
    return Table(count=table.count, **arrays)


def place_table(xp: Namespace, device: Any, table_key: tuple) -> Table:
    """The table for (rungs, ratio, power, coefficient, falls, lowest, highest), on a device."""
    return _placed(table_key, xp, device)
