"""A function that works element by element: as many lines as elements, all moved at once."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from anygrad.autodiff import vmap
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.arranging import Arrangement
from anygrad.differences.coordinates import Coordinates
from anygrad.differences.copies import copy_of
from anygrad.differences.failures import Forgiving, Nowhere
from anygrad.differences.hosting import climb_lines
from anygrad.differences.kinds import is_complex, is_real, precision
from anygrad.differences.ladder import Climb
from anygrad.differences.lines import to_double
from anygrad.differences.options import Options
from anygrad.differences.plans import make_plan
from anygrad.differences.questions import is_all
from anygrad.differences.readings import Lines
from anygrad.differences.spreading import evaluate_points
from anygrad.differences.stencils import COMPLEX
from anygrad.errors import ArgumentError, ShapeError, describe

__all__ = ["ElementArrangement", "ElementFunction", "climb_elements", "measure_elements"]

BATCH_BYTES = 1 << 20
"""Points per call; a function of single elements needs no more room than its points."""


class ElementFunction:
    """Evaluates an elementwise ``f`` at points for some of its elements, in one of several ways.

    1. "elements": points for chosen elements only, (R, m), as one array. Right for functions that
       hold no data of the shape of ``x``.
    2. "stacked": points for all elements, along an axis of their own.
    3. "loop": one call for each of the R points, with the shape of ``x``.
    4. "numbers": one call for each number; "vmap" traces one for all.

    The first two and the last are believed if ``f`` gives again what it gave at ``x``, which is put
    among the points.

    Attributes
    ----------
    ways : list of str
        Those that may still be used; the first is.
    center : array, shape (N,)
        Values at ``x``.
    evaluations, calls : int
        How many points and calls there were.
    """

    def __init__(self, options: Options, f: Callable[[Any], Any], coordinates: Coordinates) -> None:
        self.where, self.f, self.options = options.where, f, options
        self.coordinates = coordinates
        self.shape = coordinates.layout.shapes[0]
        self.evaluations = self.calls = 0
        self.ways = [options.evaluate]
        if options.executor is not None:
            self.ways = ["loop"]
        elif options.evaluate == "auto":
            self.ways = ["elements", "stacked", "loop"]
        self.trusted = options.evaluate == "stacked"
        self.holds_nothing = False  # of the shape of x: seen where some elements only were passed
        self.single = f
        self.center = self._at_the_point()
        if options.adaptive:  # the ladder may leave the domain of f
            self.single = Forgiving(f)

    @property
    def way(self) -> str:
        """The way that is used."""
        return self.ways[0]

    def values(self, index: Array | None, points: Array) -> Array:
        """Values at points (R, m) of the elements ``index``, None for all; shape (R, m)."""
        while len(self.ways) > 1 or (self.way == "vmap" and not self.trusted):
            if self.trusted and (index is None or self.way != "elements" or self.holds_nothing):
                break
            try:
                found = self._tested(index, points)
            except Exception:  # whatever f raises on many points, the shape of x will do
                found = None
            if found is not None:
                self.trusted, self.holds_nothing = True, index is not None
                return found
            if self.way == "vmap":
                message = (
                    f"{self.where}(evaluate): got 'vmap', but f of traced numbers is not what f(x) "
                    "is; expected a function of one number. Use evaluate='loop'."
                )
                raise ArgumentError(message)
            self.ways.pop(0)
            self.trusted = False
        return self._evaluate(index, points)

    def _at_the_point(self) -> Array:
        row = self.coordinates.point[None, :]
        if self.options.evaluate not in ("auto", "loop") or self.options.executor is not None:
            if self.way == "vmap":
                return self._numbers(row)[0, ...]
            return self._evaluate(None, row)[0, ...]
        try:
            return self._loop(row)[0, ...]
        except ShapeError:
            raise
        except Exception as error:
            if self.shape == ():
                raise
            try:  # numbers may be all that it takes
                found = self._numbers(row)[0, ...]
            except Exception:
                raise error from None
            self.ways = ["numbers"]
            return found

    def _tested(self, index: Array | None, points: Array) -> Array | None:
        """Evaluate with ``x`` among the points; None unless that gives what f(x) gave."""
        xp = namespace_of(points)
        here, known = self.coordinates.point, self.center
        if index is not None:
            here, known = xp.take(here, index), xp.take(known, index)
        found = self._evaluate(index, xp.concat([points, here[None, :]], axis=0))
        last = found[points.shape[0], :]
        close = xp.abs(last - known) <= 16.0 * precision(known) * xp.abs(known)
        same = close | (last == known) | ((last != last) & (known != known))
        return found[: points.shape[0], :] if is_all(same) else None

    def _evaluate(self, index: Array | None, points: Array) -> Array:
        rows = max(1, self._rows_of_a_call(points))
        run = {
            "elements": self._elements,
            "stacked": self._stacked,
            "loop": self._loop,
            "numbers": self._numbers,
            "vmap": self._mapped,
        }[self.way]
        if self.way in ("stacked", "loop"):
            points = self._complete(index, points)
        total = points.shape[0]
        starts = range(0, total, rows)
        parts = [run(points[start : min(start + rows, total), :]) for start in starts]
        xp = namespace_of(points)
        found = parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
        if self.way in ("stacked", "loop") and index is not None:
            return xp.take(found, index, axis=1)
        return found

    def _rows_of_a_call(self, points: Array) -> int:
        width = points.shape[1] if self.way == "elements" else self.coordinates.count
        limit = self.options.batch_bytes or BATCH_BYTES
        return limit // max(1, 8 * width)

    def _complete(self, index: Array | None, points: Array) -> Array:
        """Points of some elements beside all others, which stay at ``x``: (R, N)."""
        if index is None:
            return points
        xp, here = namespace_of(points), self.coordinates.point
        count, device = here.shape[0], device_of(here)
        order = xp.arange(count, device=device)
        place = xp.searchsorted(index, order)
        place = xp.minimum(place, index.shape[0] - 1)
        chosen = xp.take(index, place) == order
        return xp.where(chosen[None, :], xp.take(points, place, axis=1), here[None, :])

    # The ways; each takes (R, m) and returns (R, m)

    def _elements(self, points: Array) -> Array:
        return copy_of(self._call(copy_of(points), points.shape, points.shape[0] * points.shape[1]))

    def _stacked(self, points: Array) -> Array:
        xp, rows = namespace_of(points), points.shape[0]
        axis = self.options.stack_axis
        together = xp.reshape(copy_of(points), (rows, *self.shape))
        if axis != 0:
            together = xp.moveaxis(together, 0, -1)
        value = self._call(copy_of(together), together.shape, rows)
        value = value if axis == 0 else xp.moveaxis(value, -1, 0)
        return xp.reshape(copy_of(value), (rows, prod(self.shape)))

    def _loop(self, points: Array) -> Array:
        xp = namespace_of(points)
        rows = [xp.reshape(copy_of(points[i, :]), self.shape) for i in range(points.shape[0])]
        if self.options.executor is None:
            values = [copy_of(self._call(row, self.shape, 1, self.single)) for row in rows]
        else:
            self.evaluations, self.calls = self.evaluations + len(rows), self.calls + len(rows)
            found = evaluate_points(self.where, self.single, rows, self.options.executor)
            values = [
                self._read(value, row, self.shape) for value, row in zip(found, rows, strict=True)
            ]
        return xp.stack([xp.reshape(value, (-1,)) for value in values])

    def _numbers(self, points: Array) -> Array:
        xp = namespace_of(points)
        count = points.shape[0] * points.shape[1]
        flat = xp.reshape(points, (-1,))
        values = [copy_of(self._call(copy_of(flat[i]), (), 1, self.single)) for i in range(count)]
        if not values:
            return points
        return xp.reshape(xp.stack(values), points.shape)

    def _mapped(self, points: Array) -> Array:
        xp = namespace_of(points)
        flat = xp.reshape(copy_of(points), (-1,))
        value = self._call(flat, flat.shape, flat.shape[0], vmap(self.f))
        return xp.reshape(value, points.shape)

    def _call(self, point: Array, shape: tuple, count: int, run: Any = None) -> Array:
        self.evaluations, self.calls = self.evaluations + count, self.calls + 1
        run = self.f if run is None else run
        if self.options.method != COMPLEX or not is_complex(point):
            return self._read(run(point), point, shape)
        try:
            value = run(point)
        except (TypeError, ValueError) as error:
            message = (
                f"{self.where}(f): failed on complex points ({type(error).__name__}: {error}); "
                "expected a function that takes complex arrays. Use method='central'."
            )
            raise ArgumentError(message) from error
        return self._read(value, point, shape)

    def _read(self, value: Any, point: Array, shape: tuple) -> Array:
        xp = namespace_of(point)
        if value is Nowhere:
            return xp.full_like(point, xp.nan, dtype=self.center.dtype)
        if isinstance(value, (int, float, complex)) and shape == ():
            dtype = (
                xp.result_type(point.dtype, xp.complex64) if isinstance(value, complex) else None
            )
            return xp.asarray(value, dtype=dtype or point.dtype, device=device_of(point))
        if tuple(getattr(value, "shape", (-1,))) != tuple(shape) or backend_of(value) is None:
            message = (
                f"{self.where}(f): got {describe(value)} for points of shape {tuple(shape)}; "
                "expected the same shape. f must work element by element; for a function that "
                "mixes elements use gradient."
            )
            raise ShapeError(message)
        if is_real(value) or is_complex(value):
            return value
        return xp.astype(value, point.dtype)


class ElementArrangement(Arrangement):
    """Tables (N, O) become arrays like ``x``; the two columns of complex values are its parts."""

    def _arrange(self, matrix: Array, join: Any, cast: Any) -> Any:
        xp = namespace_of(matrix)
        if matrix.shape[1] == 2:
            matrix = join(xp, matrix[:, :1], matrix[:, 1:])
        return Arrangement._arrange(self, matrix, join, cast)


def measure_elements(call: ElementFunction, options: Options, order: int) -> Array:
    """Derivatives by a fixed method, shape (N, 1)."""
    coordinates = call.coordinates
    plan = make_plan(options, coordinates, order)
    xp, x = namespace_of(coordinates.point), coordinates.point
    if plan.imaginary:
        wide = xp.astype(x, xp.result_type(x.dtype, xp.complex64))
        points = xp.stack([wide + h for h in plan.offsets])
    else:
        points = xp.stack([x + h for h in plan.offsets])
    values = call.values(None, points)
    slopes = plan.combine(values[:, :, None], call.center[:, None])
    if plan.imaginary:
        if not is_complex(values):
            slopes = xp.zeros_like(slopes)
        _refuse_unless_analytic(call, slopes[:, 0])
    return slopes


def climb_elements(call: ElementFunction, options: Options, order: int) -> Climb:
    """Derivatives by the ladder."""
    coordinates, center = call.coordinates, call.center
    position, kind = to_double(coordinates.position), coordinates.position.dtype
    xp = namespace_of(position)
    count = coordinates.count
    rooms = options.read_rooms(coordinates)

    def choose(index: Array) -> Array | None:
        return None if index.shape[0] == count else index

    def evaluate(index: Array, offsets: Array) -> Array:
        index = choose(index)
        here = coordinates.point if index is None else xp.take(coordinates.point, index)
        return _parts(call.values(index, here + xp.astype(offsets, kind, copy=False)))

    def snap(index: Array, steps: Array) -> Array:
        index = choose(index)
        some = coordinates if index is None else coordinates.select(index)
        return to_double(some.snap(xp.astype(steps, kind, copy=False)))

    lines = Lines(
        evaluate=evaluate,
        snap=snap,
        center=_parts(center),
        size=xp.abs(position),
        floor=4.0 * to_double(coordinates.spacing()),
        scale=options.spread_scale(coordinates),
        below=None if rooms is None else rooms[0],
        above=None if rooms is None else rooms[1],
        eps=precision(center),
        noise=options.noise or 0.0,
    )
    return climb_lines(lines, order, options.tolerance)


def _parts(values: Array) -> Array:
    """One column for real values, two for complex ones, in double precision."""
    xp = namespace_of(values)
    if is_complex(values):
        return to_double(xp.stack([xp.real(values), xp.imag(values)], axis=-1))
    return to_double(values)[..., None]


def _refuse_unless_analytic(call: ElementFunction, slopes: Array) -> None:
    """Hold the slopes of a complex step against central differences."""
    x = call.coordinates.point
    xp, eps = namespace_of(x), precision(x)
    size = xp.abs(x)
    h = eps ** (1 / 3) / 8.0 * xp.where(size == 0.0, xp.ones_like(size), size)

    def change(part: float) -> tuple[Array, Array]:
        pair = call.values(None, xp.stack([x - part * h, x + part * h]))
        return pair[1, :] - pair[0, :], xp.maximum(xp.abs(pair[1, :]), xp.abs(pair[0, :]))

    seen, values = change(1.0)
    predicted = 2.0 * h * slopes
    allowed = 1e-4 * (xp.abs(seen) + xp.abs(predicted)) + 64.0 * eps * values
    if is_all(xp.abs(seen - predicted) <= allowed):
        return
    # Near a point of inflection with slope 0 the pair sees the third derivative: ask a closer pair.
    allowed = allowed + 2.0 * xp.abs(seen - 2.0 * change(0.5)[0])
    if is_all(xp.abs(seen - predicted) <= allowed):
        return
    message = (
        f"{call.where}(method): got 'complex', but a central difference finds other slopes; "
        "expected an analytic f. It may cast to real, use abs or a comparison, or have a kink "
        "here. Use method='central'."
    )
    raise ArgumentError(message)
