"""Sparse Jacobians: columns that share no row are moved together, as one line."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.arranging import Arrangement
from anygrad.differences.colouring import (
    colour_columns,
    colour_star,
    recover_columns,
    recover_star,
)
from anygrad.differences.coordinates import Coordinates, Layout
from anygrad.differences.detection import detect_by_nan, detect_by_tracing
from anygrad.differences.evaluation import PointFunction, read_vectors
from anygrad.differences.lengths import make_axes, make_line_plan
from anygrad.differences.lines import climb_moves, to_double
from anygrad.differences.moves import DirectionMoves
from anygrad.differences.options import Options
from anygrad.differences.patterns import Pattern, assemble
from anygrad.differences.records import Estimate
from anygrad.differences.slopes import measure_slopes
from anygrad.errors import ArgumentError

__all__ = [
    "Compression",
    "check_product",
    "compressed_hessian",
    "compressed_jacobian",
    "read_pattern",
    "units_of",
]

DOUBT = 1e-4
"""How far the change along a random direction may miss what the entries predict."""


@dataclass(frozen=True)
class Compression:
    """A pattern, coloured, and how its entries are read from the lines of the colours.

    Attributes
    ----------
    call : PointFunction
        The function.
    pattern : Pattern
        Outputs by coordinates.
    colours : NumPy array of int, shape (C,)
        The line that a coordinate belongs to; -1 for none.
    places : NumPy array of int, shape (count,)
        Where each entry stands in the flat (O, colours).
    sources : NumPy array of int, shape (count,)
        The coordinate that was moved to find an entry.
    units : array, shape (C,)
        How far a coordinate goes for a unit of its line.
    format : {"dense", "sparse"}
        What is made of the entries.
    """

    call: PointFunction
    pattern: Pattern
    colours: np.ndarray
    places: np.ndarray
    sources: np.ndarray
    units: Array
    format: str

    @property
    def moves(self) -> DirectionMoves:
        """One line for each colour."""
        own = self._at(self.colours)

        def vectors(index: Array | None) -> Array:
            xp = namespace_of(self.units)
            lines = self._at(np.arange(self.count)) if index is None else index
            return xp.where(own[None, :] == lines[:, None], self.units[None, :], 0.0)

        return DirectionMoves(self.call.coordinates, vectors, self.count)

    @property
    def count(self) -> int:
        """How many colours there are."""
        return int(self.colours.max(initial=-1)) + 1

    def entries(self, matrix: Array) -> Array:
        """From a table (colours, O) the numbers at the entries: shape (count,)."""
        xp = namespace_of(matrix)
        flat = xp.reshape(xp.matrix_transpose(matrix), (-1,))
        return xp.take(flat, self._at(self.places))

    def slopes(self, matrix: Array) -> Array:
        """The entries as derivatives: divided by the unit of their column."""
        found = self.entries(matrix)
        return found / namespace_of(found).astype(self._own_units(), found.dtype, copy=False)

    def values(self, matrix: Array) -> Any:
        """As of an `Arrangement`, like the following."""
        return self._put(self.slopes(matrix), "values")

    def sizes(self, matrix: Array) -> Any:
        """Bars."""
        return self._put(namespace_of(matrix).abs(self.slopes(matrix)), "sizes")

    def levels(self, matrix: Array) -> Any:
        """Noise, in the units of f."""
        return self._put(self.entries(matrix), "sizes")

    def curvatures(self, matrix: Array) -> Any:
        """Second derivatives."""
        return self._put(self.slopes(matrix) / to_double(self._own_units()), "values")

    def largest(self, matrix: Array) -> Any:
        """Steps."""
        units = to_double(self._own_units())
        return self._put(self.entries(matrix) * namespace_of(units).abs(units), "largest")

    def marks(self, matrix: Array) -> Any:
        """Flags."""
        return self._put(self.entries(matrix), "marks")

    def _put(self, entries: Array, kind: str) -> Any:
        where, like = self.call.where, self.call.coordinates.position
        table = assemble(self.pattern, entries, like, self.format, where=where)
        if self.format == "sparse":
            return table
        arrangement = Arrangement(self.call.coordinates.layout, self.call.outputs)
        return getattr(arrangement, kind)(namespace_of(table).matrix_transpose(table))

    def _own_units(self) -> Array:
        return namespace_of(self.units).take(self.units, self._at(self.sources))

    def _at(self, index: np.ndarray) -> Array:
        backend = backend_of(self.units)
        assert backend is not None
        return backend.from_host(index, device_of(self.units))


def compressed_jacobian(
    call: PointFunction, options: Options, sparsity: Any, format: str
) -> Any | Estimate:
    """The Jacobian with a pattern, as `jacobian` documents it."""
    _see_outputs(call, sparsity, format)
    _refuse_complex_entries(call, format)
    pattern = read_pattern(call, options.where, sparsity)
    colours = colour_columns(pattern)
    places = recover_columns(pattern, colours)
    units = units_of(options, call.coordinates)
    compression = Compression(call, pattern, colours, places, pattern.columns, units, format)
    return _measure(compression, options)


def compressed_hessian(
    call: PointFunction, options: Options, sparsity: Any, format: str
) -> Any | Estimate:
    """The symmetric Jacobian of a gradient with a pattern, by a star colouring."""
    _see_outputs(call, sparsity, format)
    found = read_pattern(call, options.where, sparsity).symmetrised()
    every = np.arange(call.coordinates.count)
    pattern = found.union(Pattern.of(every, every, found.shape))
    colours = colour_star(pattern)
    places = recover_star(pattern, colours)
    own = pattern.rows * (int(colours.max(initial=-1)) + 1) + colours[pattern.columns]
    sources = np.where(places == own, pattern.columns, pattern.rows)
    units = units_of(options, call.coordinates)
    return _measure(Compression(call, pattern, colours, places, sources, units, format), options)


def _see_outputs(call: PointFunction, sparsity: Any, format: str) -> None:
    """Evaluate f once, for the shapes of what it returns; refuse a format without a pattern."""
    call.alone([call.coordinates.point])
    if sparsity is not None:
        return
    message = (
        f"{call.where}(format): got {format!r} without sparsity; expected 'dense'. Give the "
        "pattern, or sparsity='trace' to find it."
    )
    raise ArgumentError(message)


def _measure(compression: Compression, options: Options) -> Any | Estimate:
    call, pattern = compression.call, compression.pattern
    coordinates = call.coordinates
    if compression.count == 0:
        nothing = namespace_of(compression.units).zeros_like(compression.units[:0])
        check_product(call, options, pattern, nothing)
        return _empty(compression, options, nothing)
    moves = compression.moves
    axes = make_axes(options, coordinates, moves.vectors(None))
    if options.adaptive:
        found, way = climb_moves(call, moves, axes, options, 1)
        check_product(call, options, pattern, compression.slopes(found.finding.value))
        estimate = Estimate(found, compression, call, way, 1)
        return estimate if options.full_output else estimate.value
    plan = make_line_plan(options, coordinates, axes)
    slopes, _ = measure_slopes(call, plan, options.evaluate, moves)
    check_product(call, options, pattern, compression.slopes(slopes))
    return compression.values(slopes)


def _empty(compression: Compression, options: Options, nothing: Array) -> Any:
    if options.full_output:
        message = f"{options.where}(sparsity): got no entry; there is nothing to estimate."
        raise ArgumentError(message)
    return compression._put(nothing, "values")


def _refuse_complex_entries(call: PointFunction, format: str) -> None:
    if format == "sparse" and call.outputs is not None and any(call.outputs.complex_leaves):
        message = (
            f"{call.where}(format): got 'sparse' and complex values; expected real ones. Use "
            "format='dense'."
        )
        raise ArgumentError(message)


def units_of(options: Options, coordinates: Coordinates) -> Array:
    """The natural size of each coordinate as a power of two, 1 where the user says the step."""
    x = coordinates.position
    xp = namespace_of(x)
    if options.step is not None:
        return xp.ones_like(x)
    scale = options.read_scale(coordinates)
    scale = scale if isinstance(scale, float) else xp.astype(scale, x.dtype, copy=False)
    units = 2.0 ** xp.round(xp.log2(xp.maximum(xp.abs(x), scale)))
    rooms = options.read_rooms(coordinates)
    if rooms is None:
        return units
    return xp.where(rooms[1] >= rooms[0], units, -units)  # every line leads away from the bounds


def read_pattern(call: PointFunction, where: str, sparsity: Any) -> Pattern:
    """What the user gives as ``sparsity``; found by tracing or by NaN where they say so."""
    coordinates, outputs = call.coordinates, call.outputs
    assert outputs is not None
    shape = (sum(prod(shape) for shape in outputs.shapes), coordinates.count)
    if isinstance(sparsity, str) and sparsity == "trace":
        return detect_by_tracing(lambda x: _flat(call, x), coordinates.point, where=where)
    if isinstance(sparsity, str) and sparsity == "nan":
        xp = namespace_of(coordinates.point)

        def evaluate(points: Array) -> Array:
            return call.together(xp.asarray(points, copy=True), "loop")

        return detect_by_nan(evaluate, coordinates.point, where=where)
    if isinstance(sparsity, str):
        message = (
            f"{where}(sparsity): got {sparsity!r}; expected 'trace', 'nan', a matrix, or a pair "
            "(rows, columns)."
        )
        raise ArgumentError(message)
    return _by_parts(outputs, Pattern.read(where, sparsity, shape))


def _by_parts(outputs: Layout, pattern: Pattern) -> Pattern:
    """The pattern of the real numbers in the outputs: complex ones have two rows."""
    if not any(outputs.complex_leaves):
        return pattern
    first, second, start = [], [], 0
    for shape, two_parts in zip(outputs.shapes, outputs.complex_leaves, strict=True):
        own = start + np.arange(prod(shape))
        first.append(own)
        second.append(own + own.size if two_parts else own)
        start += own.size * (2 if two_parts else 1)
    rows = [np.concatenate(part)[pattern.rows] for part in (first, second)]
    columns = np.concatenate([pattern.columns, pattern.columns])
    return Pattern.of(np.concatenate(rows), columns, (start, pattern.shape[1]))


def _flat(call: PointFunction, x: Array) -> Array:
    """``f`` of a flat vector with a flat vector, in operations that can be traced."""
    assert call.outputs is not None
    leaves = trees.leaves(call.f(call.coordinates.layout.split(x)))
    xp, flat = namespace_of(*leaves), []
    for leaf, two_parts in zip(leaves, call.outputs.complex_leaves, strict=True):
        parts = (xp.real(leaf), xp.imag(leaf)) if two_parts else (leaf,)
        flat += [xp.reshape(part, (-1,)) for part in parts]
    return flat[0] if len(flat) == 1 else xp.concat(flat)


def check_product(call: PointFunction, options: Options, pattern: Pattern, entries: Array) -> None:
    """Refuse entries that do not explain how f changes along a random direction."""
    coordinates = call.coordinates
    x = to_double(coordinates.position)
    xp, backend = namespace_of(x), backend_of(x)
    assert backend is not None
    shares = np.random.default_rng(0).choice([-1.0, 1.0], coordinates.count)
    shares = shares * np.random.default_rng(1).uniform(0.5, 1.0, coordinates.count)
    scale = options.read_scale(coordinates)
    moves = coordinates.eps ** (1 / 3) * xp.maximum(xp.abs(x), scale)
    rooms = options.read_rooms(coordinates)
    if rooms is not None:
        moves = xp.minimum(moves, xp.minimum(*rooms))
    moves = moves * backend.from_host(shares, device_of(x))
    kind = coordinates.position.dtype
    drift = xp.astype(moves, kind, copy=False)
    near = [coordinates.point + part * drift for part in (1.0, -1.0, 0.5, -0.5)]
    v, values, slopes = read_vectors([moves, to_double(call.alone(near)), to_double(entries)])
    change, half = (values[0] - values[1]) / 2.0, values[2] - values[3]
    products = slopes * v[pattern.columns]
    predicted = np.bincount(pattern.rows, products, minlength=values.shape[1])
    parts = np.bincount(pattern.rows, np.abs(products), minlength=values.shape[1])
    allowed = DOUBT * (parts + np.abs(change)) + 4.0 * np.abs(change - half)
    allowed = allowed + 256.0 * coordinates.eps * np.max(np.abs(values), axis=0)
    wrong = np.flatnonzero(~(np.abs(change - predicted) <= allowed) & np.isfinite(change))
    if wrong.size == 0:
        return
    rows = ", ".join(map(str, wrong[:5])) + (", ..." if wrong.size > 5 else "")
    message = (
        f"{call.where}(sparsity): got a pattern whose entries do not explain how f changes along a "
        f"random direction, in {wrong.size} of {values.shape[1]} rows ({rows}); expected one with "
        "all entries. Use sparsity='trace' or 'nan', or leave it out."
    )
    raise ArgumentError(message)
