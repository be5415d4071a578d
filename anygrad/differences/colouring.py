"""Which columns of a sparse matrix are perturbed together, and where their entries are read.

With ``S`` (n, colours), whose row j is the unit vector of the colour of column j, all entries of
``H`` stand in ``B = H S``. Sets of colours and rows are kept as bits of Python's long integers: a
union is one operation, whatever their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from anygrad.differences.patterns import Pattern
from anygrad.errors import ShapeError

__all__ = ["colour_columns", "colour_star", "recover_columns", "recover_star"]

MOST_PAIRS = 4_000_000
"""Pairs of columns with a row in common, up to which the graph of them is worth its time."""

Groups = list[list[int]]


def colour_columns(pattern: Pattern) -> np.ndarray:
    """Give each column a colour, so that columns of one colour have no row in common.

    Greedy, in natural order, by decreasing degree and smallest last, until one needs no more
    colours than the fullest row has entries, which is the least there can be; else the best of
    them. All on the host.

    Parameters
    ----------
    pattern : Pattern
        Of shape (m, n).

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Colours from 0 without gaps; -1 for an empty column, which is never perturbed.

    References
    ----------
    Curtis, Powell, Reid (1974), On the estimation of sparse Jacobian matrices. Coleman, More
    (1983), Estimation of sparse Jacobian matrices and graph coloring problems, for the orders.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.differences.patterns import Pattern
    >>> tridiagonal = np.eye(5) + np.eye(5, k=1) + np.eye(5, k=-1)
    >>> colour_columns(Pattern.read("example", tridiagonal, (5, 5)))
    array([0, 1, 2, 0, 1])
    """
    height, width = pattern.shape
    columns = _groups(pattern.columns, pattern.rows, width)
    filled = np.bincount(pattern.rows, minlength=height)
    degree = np.bincount(pattern.columns, weights=filled[pattern.rows], minlength=width)
    graph = (lambda: _meeting(pattern, filled)) if degree.sum() <= MOST_PAIRS else None
    attempts = (_colour_apart(columns, order, height) for order in _orders(degree, graph))
    return _best(attempts, least=int(filled.max(initial=0)))


def colour_star(pattern: Pattern) -> np.ndarray:
    """Give each vertex of a symmetric pattern's graph a colour, for Hessians read from both sides.

    Neighbours differ in colour, and no path of four vertices has two colours only: then of each
    pair (i, j), (j, i) one can be read from the product directly. Greedy, in three orders, of
    which the best is kept.

    Parameters
    ----------
    pattern : Pattern
        Of shape (n, n), symmetric. The diagonal counts as present, whether it is or not.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Colours from 0 without gaps.

    Raises
    ------
    ShapeError
        If the pattern is not symmetric.

    References
    ----------
    Coleman, More (1984), Estimation of sparse Hessian matrices and graph coloring problems.
    Gebremedhin, Manne, Pothen (2005), What color is your Jacobian?, sec. 4.2; the forbidden colours
    are kept as sets at the vertices, in place of a search of the neighbours' neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.differences.patterns import Pattern
    >>> arrow = np.eye(4)
    >>> arrow[0, :] = arrow[:, 0] = 1
    >>> colour_star(Pattern.read("example", arrow, (4, 4)))
    array([0, 1, 1, 1])
    """
    if not pattern.symmetric:
        message = (
            f"colour_star(pattern): got a pattern of shape {pattern.shape} that is not symmetric; "
            "expected a symmetric one. Use pattern.symmetrised()."
        )
        raise ShapeError(message)
    beside = pattern.rows != pattern.columns
    neighbours = _groups(pattern.rows[beside], pattern.columns[beside], pattern.shape[0])
    degree = np.asarray([len(found) for found in neighbours], dtype=np.int64)
    attempts = (_colour_stars(neighbours, o) for o in _orders(degree, lambda: neighbours))
    return _best(attempts, least=2 if beside.any() else 1)


def recover_columns(pattern: Pattern, colours: np.ndarray) -> np.ndarray:
    """Find each entry, in the order of the pattern, in the flattened ``J S`` (m, colours)."""
    return pattern.rows * _count(colours) + colours[pattern.columns]


def recover_star(pattern: Pattern, colours: np.ndarray) -> np.ndarray:
    """Find each entry of a symmetric matrix, in the order of the pattern, in the flattened ``H S``.

    (i, j) stands in row i at the colour of j if i has no other neighbour of that colour; else, by
    the rule of `colour_star`, in row j at the colour of i.
    """
    rows, columns, count = pattern.rows, pattern.columns, _count(colours)
    places = rows * count + colours[columns]
    beside = rows != columns
    _, which, met = np.unique(places[beside], return_inverse=True, return_counts=True)
    mirrored = columns * count + colours[rows]
    places[beside] = np.where(met[which] == 1, places[beside], mirrored[beside])
    return places


def _count(colours: np.ndarray) -> int:
    return int(colours.max(initial=-1)) + 1


def _best(attempts: Iterator[list[int]], least: int) -> np.ndarray:
    """The attempt with the fewest colours; the first that has no more than ``least`` ends it."""
    best = None
    for attempt in attempts:
        colours = np.asarray(attempt, dtype=np.int64)
        if best is None or _count(colours) < _count(best):
            best = colours
        if _count(best) <= least:
            break
    assert best is not None
    return best


def _colour_apart(columns: Groups, order: list[int], height: int) -> list[int]:
    taken, colours = [0] * height, [-1] * len(columns)
    for j in order:
        if not columns[j]:
            continue
        used = 0
        for row in columns[j]:
            used |= taken[row]
        bit = ~used & (used + 1)  # the lowest that is not set
        for row in columns[j]:
            taken[row] |= bit
        colours[j] = bit.bit_length() - 1
    return colours


def _colour_stars(neighbours: Groups, order: list[int]) -> list[int]:
    """Colour vertices so that no path a-b-c-d gets the colours x, y, x, y.

    At each vertex: ``once``, the colours of its neighbours; ``twice``, those that two or more of
    them have; ``ends``, the colours that would make it the end of such a path.
    """
    size = len(neighbours)
    once, twice, ends, bits = [0] * size, [0] * size, [0] * size, [0] * size
    for v in order:
        used = once[v]
        for w in neighbours[v]:
            if bits[w]:
                used |= ends[w]
                if bits[w] & twice[v]:  # v would be within the path
                    used |= once[w]
        bit = bits[v] = ~used & (used + 1)
        for w in neighbours[v]:
            if bits[w] & twice[v]:
                ends[w] |= bit
            if not once[w] & bit:
                once[w] |= bit
                continue
            if bits[w]:
                ends[v] |= bits[w]
                if not twice[w] & bit:
                    ends[next(u for u in neighbours[w] if bits[u] == bit and u != v)] |= bits[w]
            twice[w] |= bit
    return [bit.bit_length() - 1 for bit in bits]


def _groups(keys: np.ndarray, values: np.ndarray, size: int) -> Groups:
    """The values that stand at each key from 0 to size - 1."""
    flat = values[np.argsort(keys, kind="stable")].tolist()
    stops = np.cumsum(np.bincount(keys, minlength=size)).tolist()
    return [flat[start:stop] for start, stop in pairwise([0, *stops])]


def _orders(degree: np.ndarray, graph: Callable[[], Groups] | None) -> Iterator[list[int]]:
    """Natural, by decreasing degree, and smallest last; each is made when it is asked for."""
    yield list(range(degree.shape[0]))
    yield np.argsort(-degree, kind="stable").tolist()
    if graph is not None:
        yield _smallest_last(graph())


def _smallest_last(neighbours: Groups) -> list[int]:
    """Put the vertex of the smallest degree last, leave it out, and so on for those before it."""
    degree = [len(found) for found in neighbours]
    waiting: Groups = [[] for _ in range(max(degree, default=0) + 1)]
    for v, d in enumerate(degree):
        waiting[d].append(v)
    order, placed, lowest = [], [False] * len(degree), 0
    while len(order) < len(degree):
        while not waiting[lowest]:
            lowest += 1
        v = waiting[lowest].pop()
        if placed[v] or degree[v] != lowest:
            continue  # it has moved to a lower place since
        placed[v] = True
        order.append(v)
        for w in neighbours[v]:
            if not placed[w]:
                degree[w] -= 1
                waiting[degree[w]].append(w)
        lowest = max(lowest - 1, 0)
    return order[::-1]


def _meeting(pattern: Pattern, filled: np.ndarray) -> Groups:
    """For each column, the others that have a row in common with it."""
    size = pattern.shape[1]
    repeats = filled[pattern.rows]
    starts = (np.cumsum(filled) - filled)[pattern.rows]
    within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    other = pattern.columns[np.repeat(starts, repeats) + within]
    mine, other = np.divmod(np.unique(np.repeat(pattern.columns, repeats) * size + other), size)
    return _groups(mine[mine != other], other[mine != other], size)
