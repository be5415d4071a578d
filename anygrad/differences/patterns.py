"""Where a Jacobian or Hessian has entries: read from the user, and filled with values.

Patterns live on the host, whatever library the values belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from anygrad.backends import Backend, backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array, Device
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.tracing.level import sparse_home
from anygrad.trees.placing import on_device_of

__all__ = ["Pattern", "assemble"]

INT32 = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Pattern:
    """The entries of a sparse matrix, without their values.

    Attributes
    ----------
    rows, columns : numpy.ndarray of int64, shape (count,)
        Sorted by row, then by column; no place twice. `Pattern.of` takes them in any order.
    shape : tuple of int
        (m, n).
    """

    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]

    @staticmethod
    def of(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Pattern:
        """Sort places within ``shape``, and keep each once."""
        width = max(1, shape[1])
        places = np.unique(rows.astype(np.int64) * width + columns.astype(np.int64))
        return Pattern(*np.divmod(places, width), (int(shape[0]), int(shape[1])))

    @staticmethod
    def read(where: str, given: Any, shape: tuple[int, int]) -> Pattern:
        """Read what users call ``sparsity``.

        Parameters
        ----------
        where : str
            The public function, for messages.
        given : array, sparse matrix, tuple (rows, columns) or Pattern
            A 2-D array of any library, whose non-zeros (NaN too) are entries; a sparse matrix or
            array of SciPy or CuPy, whose stored elements are, zeros too (``dia`` keeps none); or
            two sequences of integers, in any order. Arrays of a device are copied to the host.
        shape : tuple of int
            (m, n), what ``given`` must have.

        Raises
        ------
        ArgumentError
            If ``given`` is none of these, or an index lies outside ``shape``.
        ShapeError
            If the shape differs, or rows and columns differ in number.
        """
        if isinstance(given, tuple):
            return _read_pair(where, given, shape)
        sparse = sparse_home(given)
        if not (sparse or isinstance(given, Pattern) or backend_of(given) is not None):
            message = (
                f"{where}(sparsity): got {describe(given)}; expected a 2-D array, a sparse matrix "
                "of SciPy or CuPy, or a tuple (rows, columns) of integers. Use np.asarray(sparsity)"
                " for a matrix given as lists."
            )
            raise ArgumentError(message)
        if tuple(given.shape) != tuple(shape):
            message = (
                f"{where}(sparsity): got shape {tuple(given.shape)}; expected {tuple(shape)}, a "
                "row for each output and a column for each input."
            )
            raise ShapeError(message)
        if isinstance(given, Pattern):
            return given
        if sparse:
            stored = given.tocoo()
            return Pattern.of(to_host(stored.row), to_host(stored.col), shape)
        rows, columns = np.nonzero(to_host(given))
        return Pattern.of(rows, columns, shape)

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self.rows.shape[0]

    @property
    def density(self) -> float:
        """Entries as a part of all places, from 0 to 1."""
        return self.count / max(1, self.shape[0] * self.shape[1])

    @cached_property
    def symmetric(self) -> bool:
        """Whether (j, i) is an entry wherever (i, j) is."""
        other = self.transposed()
        return self.shape == other.shape and bool(
            np.array_equal(self.rows, other.rows) and np.array_equal(self.columns, other.columns)
        )

    def transposed(self) -> Pattern:
        """Swap rows and columns."""
        return Pattern.of(self.columns, self.rows, (self.shape[1], self.shape[0]))

    def union(self, other: Pattern) -> Pattern:
        """Join the entries of two patterns of one shape."""
        if self.shape != other.shape:
            message = (
                f"union(other): got shape {other.shape}; expected {self.shape}. Give both patterns "
                "one shape: a row for each output, a column for each input."
            )
            raise ShapeError(message)
        rows = np.concatenate([self.rows, other.rows])
        return Pattern.of(rows, np.concatenate([self.columns, other.columns]), self.shape)

    def symmetrised(self) -> Pattern:
        """Add (j, i) for each entry (i, j); for square patterns."""
        return self.union(self.transposed())

    def to_dense(self) -> np.ndarray:
        """Make a NumPy array of bools, True at the entries."""
        dense = np.zeros(self.shape, dtype=bool)
        dense[self.rows, self.columns] = True
        return dense


def _read_pair(where: str, given: tuple, shape: tuple[int, int]) -> Pattern:
    parts = [_read_indices(part) for part in given]
    if len(parts) != 2 or any(part.ndim != 1 for part in parts):
        message = (
            f"{where}(sparsity): got the tuple ({', '.join(map(describe, given))}); expected two "
            "sequences of integers, (rows, columns). np.nonzero of a matrix gives them."
        )
        raise ArgumentError(message)
    if parts[0].size != parts[1].size:
        message = (
            f"{where}(sparsity): got {parts[0].size} rows and {parts[1].size} columns; expected as "
            "many of both. Give the row and the column of each entry."
        )
        raise ShapeError(message)
    for name, part, size in zip(("row", "column"), parts, shape, strict=True):
        wrong = part[(part < 0) | (part >= size)]
        if wrong.size:
            message = (
                f"{where}(sparsity): got the {name} {wrong[0]}; expected {name}s from 0 to "
                f"{size - 1}, for the shape {tuple(shape)}. Count from 0."
            )
            raise ArgumentError(message)
    return Pattern.of(parts[0], parts[1], shape)


def _read_indices(given: Any) -> np.ndarray:
    """A vector of integers; anything else comes back without axes."""
    try:
        found = np.asarray(to_host(given))
    except ValueError:  # ragged
        return np.asarray(0)
    integers = found.dtype.kind in "iu" or not found.size
    return found.astype(np.int64) if integers and found.ndim == 1 else np.asarray(0)


def assemble(
    pattern: Pattern, values: Array, backend_like: Array, format: str, *, where: str = "assemble"
) -> Any:
    """Put ``values`` (count,), in the order of the pattern, into a matrix.

    ``format="dense"`` gives an array (m, n) with the library and device of ``backend_like`` and the
    dtype of ``values``; ``"sparse"`` a ``scipy.sparse.csr_array`` for NumPy and a
    ``cupyx.scipy.sparse.csr_matrix`` for CuPy, ArgumentError for the others. ``values`` may lie on
    the host instead. The values are copied.
    """
    backend, device = backend_of(backend_like), device_of(backend_like)
    assert backend is not None
    if format not in ("dense", "sparse"):
        message = f"{where}(format): got {format!r}; expected 'dense' or 'sparse'. Use 'dense'."
        raise ArgumentError(message)
    if format == "sparse" and backend.sparse is None:
        message = (
            f"{where}(format): got 'sparse' and arrays of {backend.name}; expected arrays of numpy "
            "or cupy, whose sparse matrices are known. Use format='dense'."
        )
        raise ArgumentError(message)
    if backend_of(values) is not backend:
        values = backend.from_host(to_host(values), device)
    with on_device_of(backend_like):
        return (_fill if format == "dense" else _compress)(pattern, values, backend, device)


def _fill(pattern: Pattern, values: Array, backend: Backend, device: Device) -> Array:
    """Take all places from the values and a zero behind them; no library needs to write."""
    xp = namespace_of(values)
    index = np.full(pattern.shape, pattern.count, dtype=np.int64)
    index[pattern.rows, pattern.columns] = np.arange(pattern.count)
    zero = xp.zeros((1,), dtype=values.dtype, device=device)
    index = backend.from_host(np.reshape(index, -1), device)
    return xp.reshape(xp.take(xp.concat([values, zero]), index), pattern.shape)


def _compress(pattern: Pattern, values: Array, backend: Backend, device: Device) -> Any:
    assert backend.sparse is not None
    module = backend.sparse()
    small = max(*pattern.shape, pattern.count) <= INT32
    heights = np.bincount(pattern.rows, minlength=pattern.shape[0])
    parts = [pattern.columns, np.concatenate([[0], np.cumsum(heights)])]
    parts = [part.astype(np.int32 if small else np.int64) for part in parts]
    data = (values, *(backend.from_host(part, device) for part in parts))
    kind = getattr(module, "csr_array", None) or module.csr_matrix
    return kind(data, shape=pattern.shape, copy=True)
