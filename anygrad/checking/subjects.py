"""What is checked: a function of the differentiated arguments alone, and its point."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff.inputs import call, pick
from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array, Tree
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.copies import copy_of
from anygrad.differences.kinds import is_complex, precision

__all__ = ["Subject", "copy_arrays", "read_value", "rounding_of"]


@dataclass(frozen=True)
class Subject:
    """A function, its arguments, and which of them are differentiated.

    Attributes
    ----------
    where : str
        The public function, for messages.
    f : callable
        The user's.
    args : tuple
        Copies of the arguments: no call changes those of the caller.
    numbers : tuple of int
        The differentiated ones.
    one : bool
        Whether the point is one argument, and no tuple of them.
    coordinates : Coordinates
        Of the point.
    """

    where: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    numbers: tuple[int, ...]
    one: bool
    coordinates: Coordinates

    @staticmethod
    def of(where: str, f: Callable[..., Any], args: tuple, argnums: Any) -> Subject:
        """Read the arguments; refuse a point that is not floating."""
        numbers = pick(where, args, argnums)
        one = isinstance(argnums, int)
        point = args[numbers[0]] if one else tuple(args[n] for n in numbers)
        return Subject(where, f, copy_arrays(args), numbers, one, Coordinates.of(where, point))

    @property
    def point(self) -> Tree:
        """The point as it was given."""
        return self.args[self.numbers[0]] if self.one else tuple(self.args[n] for n in self.numbers)

    @property
    def count(self) -> int:
        """How many real coordinates the point has."""
        return self.coordinates.count

    @property
    def eps(self) -> float:
        """Precision of the least precise leaf."""
        return self.coordinates.eps

    def evaluate(self, point: Tree) -> Any:
        """The value at a point."""
        return self.insert(self.f, point)

    def differentiated(self, point: Tree) -> Any:
        """The value, as transformations call the function: rebound."""
        return self.insert(lambda *args: call(self.f, args, {}), point)

    def insert(self, f: Callable[..., Any], point: Tree) -> Any:
        """Call a function of the arguments with others in the differentiated places."""
        inserted = dict(zip(self.numbers, (point,) if self.one else point, strict=True))
        return f(*(inserted.get(n, arg) for n, arg in enumerate(self.args)))

    def value(self) -> float:
        """F at the point, read on the host."""
        return read_value(self.evaluate(self.coordinates.copy_tree()))

    # Names and places

    @cached_property
    def leaves(self) -> list[tuple[str, tuple[int, ...], bool]]:
        """Path, shape and whether it is complex, of each leaf in order."""
        paths = []
        for n in self.numbers:
            name = _parameter_name(self.f, n)
            paths += [trees.show_path(name, path) for path in trees.paths(self.args[n])]
        layout = self.coordinates.layout
        return list(zip(paths, layout.shapes, layout.complex_leaves, strict=True))

    @cached_property
    def ranges(self) -> list[tuple[int, int]]:
        """The coordinates of each leaf: first, and one behind the last."""
        ends = np.cumsum([prod(shape) * (2 if twice else 1) for _, shape, twice in self.leaves])
        return list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))

    def name(self, k: int) -> tuple[str, tuple[int, ...], str]:
        """Path, index and part of a coordinate."""
        i = next(i for i, (start, stop) in enumerate(self.ranges) if start <= k < stop)
        path, shape, twice = self.leaves[i]
        k, size = k - self.ranges[i][0], prod(shape)
        index = tuple(int(n) for n in np.unravel_index(k % size, shape)) if shape else ()
        return path, index, ("real", "imaginary")[k // size] if twice else ""

    @property
    def names(self) -> list[tuple[str, tuple[int, ...], str]]:
        """Those of all coordinates, in order."""
        return [
            (path, index, part)
            for path, shape, twice in self.leaves
            for part in (("real", "imaginary") if twice else ("",))
            for index in np.ndindex(shape)
        ]

    # To and from vectors on the host

    def flatten(self, tree: Tree) -> Any:
        """Host values, one a coordinate, in float64."""
        parts = []
        for (_, _, twice), leaf in zip(self.leaves, trees.leaves(tree), strict=True):
            values = np.reshape(np.asarray(to_host(leaf)), -1)
            parts.append(np.real(values))
            if twice:
                parts.append(np.imag(values))
        return np.concatenate(parts).astype(np.float64)

    def spread(self, tree: Tree) -> Any:
        """Host values of bars and flags, which both parts of a complex element share."""
        parts = []
        for (_, _, twice), leaf in zip(self.leaves, trees.leaves(tree), strict=True):
            values = np.reshape(np.asarray(to_host(leaf)), -1)
            parts += [values, values] if twice else [values]
        return np.concatenate(parts)

    def make_tree(self, values: Any) -> Tree:
        """A tree like the point from host values, one a coordinate."""
        like = self.coordinates.position
        xp = namespace_of(like)
        return self.coordinates.to_tree(
            xp.asarray(np.asarray(values), dtype=like.dtype, device=device_of(like))
        )

    @cached_property
    def position(self) -> Any:
        """The coordinates of the point on the host."""
        return np.asarray(to_host(self.coordinates.position), dtype=np.float64)

    # Some coordinates only

    def pick(self, chosen: Any) -> tuple[Callable[[Any], Any], list[Array]]:
        """F as a function of some coordinates: one real array for each part of a leaf touched."""
        leaves = trees.leaves(self.coordinates.copy_tree())
        starts, places, flat = [], [], []
        for leaf, (start, _) in zip(leaves, self.ranges, strict=True):
            xp = namespace_of(leaf)
            vector = xp.reshape(leaf, (-1,))
            starts.append(start)
            flat.append([xp.real(vector), xp.imag(vector)] if is_complex(leaf) else [vector])
            size, mine = vector.shape[0], []
            for part in range(len(flat[-1])):
                low = start + part * size
                inside = chosen[(chosen >= low) & (chosen < low + size)] - low
                mine.append(_Places.of(inside, flat[-1][part]) if len(inside) else None)
            places.append(mine)

        def restricted(parts: list[Array]) -> Any:
            given = iter(parts)
            whole = []
            for leaf, vectors, mine in zip(leaves, flat, places, strict=True):
                new = [
                    copy_of(v) if place is None else place.insert(v, next(given))
                    for v, place in zip(vectors, mine, strict=True)
                ]
                one = new[0] if len(new) == 1 else new[0] + 1j * new[1]
                xp = namespace_of(one)
                whole.append(xp.reshape(xp.astype(one, leaf.dtype, copy=False), tuple(leaf.shape)))
            return self.evaluate(trees.unflatten(self.coordinates.layout.treedef, whole))

        here = [
            place.read(v)
            for vectors, mine in zip(flat, places, strict=True)
            for v, place in zip(vectors, mine, strict=True)
            if place is not None
        ]
        return restricted, here


@dataclass(frozen=True)
class _Places:
    """Where some elements of a vector are, as indices on its device."""

    inside: Array
    whole: Array

    @staticmethod
    def of(inside: Any, vector: Array) -> _Places:
        xp, device = namespace_of(vector), device_of(vector)
        whole = np.arange(vector.shape[0])
        whole[inside] = vector.shape[0] + np.arange(len(inside))
        return _Places(xp.asarray(inside, device=device), xp.asarray(whole, device=device))

    def read(self, vector: Array) -> Array:
        return namespace_of(vector).take(vector, self.inside, axis=0)

    def insert(self, vector: Array, new: Array) -> Array:
        """The vector with other elements in these places; nothing is written, so it is traced."""
        xp = namespace_of(vector, new)
        return xp.take(xp.concat([vector, new]), self.whole, axis=0)


def copy_arrays(args: Tree) -> Any:
    """Copies that may be written into, so that no call changes what the caller or another has."""
    return trees.map(lambda leaf: leaf if backend_of(leaf) is None else copy_of(leaf), args)


def read_value(value: Any) -> float:
    """What f gave, read on the host; a complex number, which is refused later, by its real part."""
    host = to_host(value) if backend_of(value) is not None else value
    return float(np.real(np.reshape(np.asarray(host), -1)[0]))


def rounding_of(subject: Subject, value: Any) -> float:
    """Precision of what f returns: of its dtype, for a plain number that of the point."""
    try:
        return max(precision(value), np.finfo(np.float64).eps)
    except Exception:  # no array
        return subject.eps


def _parameter_name(f: Any, n: int) -> str:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # some builtins tell no signature
        parameters = []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p.name for p in parameters if p.kind in plain]
    return positional[n] if n < len(positional) else f"args[{n}]"
