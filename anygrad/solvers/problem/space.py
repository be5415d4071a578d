"""A tree of parameters as one real vector, in which every solver computes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import Backend, backend_of, device_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Device, Namespace, Tree
from anygrad.errors import ArgumentError, DTypeError, describe
from anygrad.solvers.problem.captured import refuse_traced
from anygrad.solvers.problem.parts import Part, check_leaves, of_library
from anygrad.tracing import LIFTED, unbuffered
from anygrad.trees.kinds import is_complex, widest_real_dtype
from anygrad.trees.placing import check_one_library, on_device_of

HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Space:
    """How a tree of parameters is one real vector of n elements, and back.

    A real one-dimensional array is its own vector, and an array of more dimensions a reshaped view;
    only trees are copied. A complex leaf gives its real parts and then its imaginary parts.

    Attributes
    ----------
    xp, backend, device : namespace, Backend, device
        Where the vectors live.
    dtype : dtype
        Of the vectors: the widest real one among the leaves; float32 where all are half precision.
    size : int
        n.
    eps : float
        Distance from 1 to the next number of ``dtype``.
    """

    xp: Namespace
    backend: Backend
    device: Device
    dtype: Any
    treedef: Any
    parts: tuple[Part, ...]
    size: int
    eps: float
    home: Array

    @classmethod
    def of(cls, where: str, x0: Tree, name: str = "x0") -> Space:
        """Lay out the vector of ``x0``, which messages call ``name``; raises if it cannot be one.

        Raises
        ------
        ArgumentError
            If the tree is empty.
        DTypeError
            If a leaf is neither a floating array nor a Python float.
        MixedBackendError
            If leaves are of two libraries, or on two devices.
        """
        leaves, treedef = trees.flatten(x0)
        backend = check_one_library(where, x0, leaves)
        leaves = check_leaves(where, name, x0, leaves)
        if sum(math.prod(x.shape) for x in leaves) == 0:
            message = f"{where}: got {describe(x0)}; expected at least one number."
            raise ArgumentError(message)
        backend = backend or backend_of(leaves[0])
        assert backend is not None
        xp = backend.load()
        dtype = widest_real_dtype(leaves)
        if str(dtype).rpartition(".")[2] in HALVES:
            dtype = xp.float32
        parts, start = [], 0
        for x in leaves:
            size, both = math.prod(x.shape), is_complex(xp, x)
            parts.append(Part(tuple(x.shape), x.dtype, both, start, size))
            start += 2 * size if both else size
        eps = float(float_limits(xp, dtype).eps)
        home = leaves[0]
        return cls(xp, backend, device_of(home), dtype, treedef, tuple(parts), start, eps, home)

    def on_device(self) -> AbstractContextManager:
        """Make the device of the vectors current."""
        return on_device_of(self.home)

    @functools.cached_property
    def is_on_host(self) -> bool:
        """Whether reading a value costs nothing."""
        return self.backend.host_dot is not None

    @functools.cached_property
    def array_type(self) -> type:
        """What arrays of the library are."""
        return type(self.zeros())

    @functools.cached_property
    def is_bare(self) -> bool:
        """Whether ``x0`` is its own vector: one real array of one dimension."""
        only = self.parts[0]
        if len(self.parts) > 1 or only.is_complex or only.dtype != self.dtype:
            return False
        return len(only.shape) == 1 and trees.unflatten(self.treedef, [self.home]) is self.home

    def to_vector(self, tree: Tree, where: str = "tree") -> Array:
        """Lay a tree like ``x0`` out as a vector; a view of it where that is possible.

        Raises
        ------
        ArgumentError, ShapeError
            If the tree has another structure or shapes.
        DTypeError, MixedBackendError
            If a leaf is no number, complex where ``x0`` is real, or of another library.
        """
        home = self.home  # the usual case is asked for at every evaluation
        if type(tree) is type(home) and self.is_bare and tree.shape == home.shape:
            return self._flat(tree, where)
        if len(self.parts) == 1 and getattr(tree, "shape", None) == self.parts[0].shape:
            leaves = [tree]
        else:
            leaves = trees.flatten_up_to(self.treedef, tree, where=where)
        pieces = [
            piece
            for part, leaf in zip(self.parts, leaves, strict=True)
            for piece in self._pieces(part, leaf, where)
        ]
        return pieces[0] if len(pieces) == 1 else self.xp.concat(pieces)

    def _pieces(self, part: Part, leaf: Any, where: str) -> list[Array]:
        xp = self.xp
        if type(leaf) in LIFTED:
            leaf = unbuffered(leaf)
        leaf = of_library(where, leaf, self.backend, self.device, part.dtype)
        if tuple(leaf.shape) != part.shape:
            trees.check_same_structure(where, self.to_tree(self.zeros()), self._tree([leaf]))
        if part.is_complex:
            if not is_complex(xp, leaf):
                leaf = xp.astype(leaf, part.dtype)
            return [self._flat(xp.real(leaf), where), self._flat(xp.imag(leaf), where)]
        return [self._flat(leaf, where)]

    def _tree(self, leaves: list[Any]) -> Tree:
        return (
            trees.unflatten(self.treedef, leaves) if len(leaves) == len(self.parts) else leaves[0]
        )

    def _flat(self, x: Array, where: str) -> Array:
        if x.dtype != self.dtype:
            if is_complex(self.xp, x):
                message = f"{where}: got {describe(x)}; expected a real array, as x0 is."
                raise DTypeError(message)
            x = self.xp.astype(x, self.dtype)
        return x if len(x.shape) == 1 else self.xp.reshape(x, (-1,))

    def to_tree(self, vector: Array) -> Tree:
        """Cut a vector into the leaves of a tree like ``x0``; views where that is possible."""
        if self.is_bare:
            return vector
        leaves = [self._leaf(part, vector) for part in self.parts]
        return trees.unflatten(self.treedef, leaves)

    def _leaf(self, part: Part, vector: Array) -> Array:
        xp = self.xp
        if part.is_complex:
            middle = part.start + part.size
            real = vector[part.start : middle]
            leaf = xp.astype(real, part.dtype) + 1j * vector[middle : middle + part.size]
            leaf = xp.astype(leaf, part.dtype, copy=False)
        else:
            whole = len(self.parts) == 1
            leaf = vector if whole else vector[part.start : part.start + part.size]
            if leaf.dtype != part.dtype:
                leaf = xp.astype(leaf, part.dtype)
        return leaf if tuple(leaf.shape) == part.shape else xp.reshape(leaf, part.shape)

    def zeros(self, *shape: int) -> Array:
        """Make a vector of zeros, or an array of them of another shape."""
        return self.xp.zeros(shape or (self.size,), dtype=self.dtype, device=self.device)

    def from_host(self, values: np.ndarray) -> Array:
        """Bring numbers of the host beside the vectors, in their dtype."""
        if self.is_on_host:
            return values.astype(self.dtype, copy=False)
        return self.xp.asarray(values.tolist(), dtype=self.dtype, device=self.device)

    def number(self, value: Any) -> Array:
        """Make a 0-d array beside the vectors of a number, or of a 0-d array."""
        return self.xp.asarray(value, dtype=self.dtype, device=self.device)

    def fetch(self, values: Sequence[Array]) -> list[Any]:
        """Read several 0-d and 1-d arrays: floats and NumPy vectors, in one transfer.

        This is the only place where solvers wait for the device.
        """
        for x in values:
            if type(x) in LIFTED:
                refuse_traced("solver(f)", x)
        if self.is_on_host:
            return [x if getattr(x, "ndim", 0) else float(x) for x in values]
        xp = self.xp
        flat = [xp.astype(xp.reshape(x, (-1,)), self.dtype, copy=False) for x in values]
        read = np.asarray(self.backend.to_host(xp.concat(flat)), dtype=np.float64)
        found, start = [], 0
        for x in values:
            stop = start + math.prod(x.shape)
            found.append(read[start:stop] if len(x.shape) else float(read[start]))
            start = stop
        return found

    def largest(self, vector: Array) -> Array:
        """Take the largest absolute element; 0-d, nan where one is nan."""
        xp = self.xp
        # on the host NumPy's reduction itself, without the Python around it
        return np.maximum.reduce(np.abs(vector)) if self.is_on_host else xp.max(xp.abs(vector))

    def copy(self, vector: Array) -> Array:
        """Copy a vector that may be the caller's array."""
        return self.xp.asarray(vector, copy=True)
