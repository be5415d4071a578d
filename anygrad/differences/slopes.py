"""Slopes along every coordinate, from stacked points where a test allows it, else from single ones.

Stacking is safe for a function that treats each point by itself. That cannot be seen from its code,
so ``evaluate="auto"`` demands three things before it believes a stacked evaluation:

1. values of shape (m,) for m points, m being no dimension of the point;
2. at two *probes*, points with every coordinate moved by a different fraction of its step, one put
   first and one last in every batch: the value that f gives to the probe alone, to rounding;
3. the change of f from one probe to the other is what all the slopes together predict.

A function that mixes points, or broadcasts its data along them, fails 2; one that is wrong in the
middle of a batch fails 3. Whatever fails or raises is evaluated point by point instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.batches import batch_size, batches
from anygrad.differences.evaluation import PointFunction, read_vectors
from anygrad.differences.kinds import is_complex
from anygrad.differences.stencils import COMPLEX, find_stencil
from anygrad.errors import ArgumentError

__all__ = ["SlopePlan", "measure_slopes"]

FEW_POINTS = 4
"""Up to here single evaluations cost no more than the probes."""

GROSS, FINE = 1e-2, 1e-4
"""How far the change between probes may miss the prediction: for a stack, for a complex step."""


@dataclass(frozen=True)
class SlopePlan:
    """Where to evaluate f, and how the values make slopes."""

    call: PointFunction
    method: str

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """Multiples of the step at which every coordinate is evaluated."""
        if self.method == COMPLEX:
            return (1,)
        return tuple(node for node in find_stencil(self.call.where, self.method).nodes if node)

    @cached_property
    def neighbours(self) -> list[Array]:
        """For each node the moved element of each coordinate, shape (C,)."""
        return [self.call.coordinates.neighbours(node) for node in self.nodes]

    @property
    def one_sided(self) -> bool:
        """Whether f(x) itself is used, and only one side of it."""
        return self.method in ("forward", "backward")

    @cached_property
    def probe_moves(self) -> Array:
        """How far each coordinate goes to the second probe: 1/16 to 1/8 of a step, signs mixed."""
        coordinates = self.call.coordinates
        xp, steps = namespace_of(coordinates.steps), coordinates.steps
        count = xp.arange(1, coordinates.count + 1, dtype=steps.dtype, device=device_of(steps))
        # the golden ratio spreads its multiples evenly, and gives the same ones on every backend
        spread = (0.6180339887498949 * count) % 1.0 - 0.5
        shares = xp.where(spread < 0.0, spread - 0.5, spread + 0.5) / 8.0
        if self.method == COMPLEX:
            size = xp.abs(xp.real(coordinates.point))
            steps = coordinates.eps ** (1 / 3) * xp.where(size == 0.0, xp.ones_like(size), size)
        return xp.abs(shares) * steps if self.one_sided else shares * steps

    @cached_property
    def probes(self) -> list[Array]:
        """Two flat points; for one-sided methods x itself and one on the allowed side."""
        return self.probes_at(1.0)

    def probes_at(self, fraction: float) -> list[Array]:
        """Place the probes at a fraction of their distance from x."""
        coordinates = self.call.coordinates
        xp, point = namespace_of(coordinates.point), coordinates.point
        moves = coordinates.layout.to_elements(fraction * self.probe_moves)
        drift = xp.astype(moves, point.dtype)
        if self.method == COMPLEX:
            point = point + 1j * xp.astype(coordinates.steps, point.dtype)
        below = point if self.method == "forward" else point - drift
        above = point if self.method == "backward" else point + drift
        return [below, above]

    def combine(self, values: list[Array], base: Array | None) -> Array:
        """Slopes from the values at the nodes, and at x where the stencil has it."""
        steps = self.call.coordinates.steps
        if self.method == COMPLEX:
            xp = namespace_of(values[0])
            return _imaginary(xp, values[0]) / steps
        stencil = find_stencil(self.call.where, self.method)
        weight = dict(zip(stencil.nodes, stencil.weights, strict=True))
        total = sum(weight[k] * value for k, value in zip(self.nodes, values, strict=True))
        return (total if base is None else total + weight[0] * base) / steps

    def base_of(self, probe_values: Array) -> Array | None:
        """f(x) among the values at the probes, for the methods that use it."""
        if not self.one_sided:
            return None
        return probe_values[0] if self.method == "forward" else probe_values[1]

    def prediction(self, slopes: Array) -> Array:
        """Tell the change of f between the probes by the slopes, and the sum of absolute parts."""
        xp = namespace_of(slopes)
        parts = slopes * self.probe_moves
        whole = 1.0 if self.one_sided else 2.0
        return whole * xp.stack([xp.sum(parts), xp.sum(xp.abs(parts))])

    @property
    def rounding(self) -> float:
        """Relative size of rounding errors in f; sums of N terms round sqrt(N) times."""
        coordinates = self.call.coordinates
        return (64.0 + 4.0 * sqrt(coordinates.point.shape[0])) * coordinates.eps


def measure_slopes(call: PointFunction, method: str, evaluate: str) -> Array:
    """Slopes along all coordinates, shape (C,), by ``evaluate`` = "auto", "stacked" or "loop"."""
    plan = SlopePlan(call, method)
    if evaluate == "auto":
        slopes = _slopes_if_stackable(plan)
        if slopes is not None:
            return slopes
    if evaluate == "stacked":
        slopes, probe_values = _stacked_slopes(plan)
    else:
        slopes, probe_values = _single_slopes(plan)
    if method == COMPLEX and probe_values is not None:
        _refuse_unless_analytic(plan, slopes, probe_values, stacked=evaluate == "stacked")
    return slopes


def _single_slopes(plan: SlopePlan) -> tuple[Array, Array | None]:
    call, coordinates = plan.call, plan.call.coordinates
    wanted = plan.probes if plan.method == COMPLEX else [coordinates.point]
    known = call.alone(wanted) if plan.one_sided or plan.method == COMPLEX else None
    base = known[0] if plan.one_sided and known is not None else None
    values = [call.one_by_one(batch) for batch, _ in batches(coordinates, plan.neighbours, 0)]
    return plan.combine(_by_node(values, len(plan.nodes)), base), known


def _stacked_slopes(plan: SlopePlan) -> tuple[Array, Array | None]:
    probes = plan.probes if plan.one_sided or plan.method == COMPLEX else []
    values, probe_values = [], None
    call = plan.call
    for points, moved in batches(call.coordinates, plan.neighbours, call.stack_axis, probes):
        together = call.together(points)
        if probes:
            together, probe_values = _take_probes(together, moved)
        values.append(together)
    base = None if probe_values is None else plan.base_of(probe_values)
    return plan.combine(_by_node(values, len(plan.nodes)), base), probe_values


def _slopes_if_stackable(plan: SlopePlan) -> Array | None:
    """Slopes from stacked points, or None where that cannot be trusted or does not pay."""
    call, coordinates = plan.call, plan.call.coordinates
    count = len(plan.nodes) * min(coordinates.count, batch_size(coordinates, len(plan.nodes)))
    if count <= FEW_POINTS:
        return None
    alone = call.alone(plan.probes)  # before the attempt, so that an error of f itself is seen
    values, stacked = [], []
    try:
        for points, moved in batches(coordinates, plan.neighbours, call.stack_axis, plan.probes):
            inner, probe_values = _take_probes(call.together(points), moved)
            values.append(inner)
            stacked.append(probe_values)
        slopes = plan.combine(_by_node(values, len(plan.nodes)), plan.base_of(alone))
        trusted = _is_trusted(plan, slopes, _join(values), _join(stacked), alone)
    except Exception:  # whatever f raises on stacked points, single ones will do
        return None
    return slopes if trusted else None


def _take_probes(together: Array, moved: int) -> tuple[Array, Array]:
    """Values of the moved points, and those of the first and the last point."""
    xp = namespace_of(together)
    return together[1 : 1 + moved], xp.stack([together[0], together[together.shape[0] - 1]])


def _by_node(values: list[Array], nodes: int) -> list[Array]:
    """Join the values of the batches, each of shape (nodes * c,), to one vector per node."""
    xp = namespace_of(values[0])
    tables = [xp.reshape(value, (nodes, -1)) for value in values]
    table = tables[0] if len(tables) == 1 else xp.concat(tables, axis=1)
    return [table[i, :] for i in range(nodes)]


def _is_trusted(
    plan: SlopePlan, slopes: Array, values: Array, stacked: Array, alone: Array
) -> bool:
    """Apply tests 2 and 3 of this module; one small copy to the host."""
    xp = namespace_of(slopes)
    tables = [tuple(_real(xp, x) for x in (values, stacked, alone))]
    if plan.method == COMPLEX:
        tables.append(tuple(_imaginary(xp, x) for x in (values, stacked, alone)))
    vectors = [plan.prediction(slopes)]
    for table, together, singly in tables:
        vectors += [xp.stack([xp.min(table), xp.max(table)]), together, singly]
    prediction, *numbers = read_vectors(vectors)
    for i in range(0, len(numbers), 3):
        if not _agree(plan, *numbers[i : i + 3]):
            return False
    tolerance = FINE if plan.method == COMPLEX else GROSS
    return _explains(plan, prediction, numbers[2], tolerance)


def _agree(plan: SlopePlan, extremes: list, stacked: list, alone: list) -> bool:
    """Whether stacked and single values at the probes differ by no more than rounding explains.

    A central difference is blind to errors of eps |f| and of eps^(2/3) times the spread of f over
    its points anyway, so a few times these are allowed.
    """
    least, most = extremes
    spread = plan.call.coordinates.eps ** (-1 / 3) * (most - least)
    allowed = plan.rounding * (max(abs(least), abs(most)) + spread)
    pairs = zip(stacked, alone * (len(stacked) // 2), strict=True)
    return all(abs(together - singly) <= allowed for together, singly in pairs)


def _explains(
    plan: SlopePlan, prediction: list, alone: list, tolerance: float, curvature: float = 0.0
) -> bool:
    """Whether slopes and the values at both probes fit; false if anything is nan."""
    (predicted, total), (below, above) = prediction, alone
    change = above - below
    allowed = tolerance * (total + abs(change)) + plan.rounding * max(abs(below), abs(above))
    allowed += curvature
    return abs(change - predicted) <= allowed


def _refuse_unless_analytic(
    plan: SlopePlan, slopes: Array, probe_values: Array, stacked: bool
) -> None:
    xp = namespace_of(slopes)
    prediction, alone = read_vectors([plan.prediction(slopes), _real(xp, probe_values)])
    if _explains(plan, prediction, alone, FINE):
        return
    # Near a point of inflection with slope 0 the pair sees the third derivative: ask a closer pair.
    closer = plan.probes_at(0.5)
    values = plan.call.together(plan.call.stack(closer)) if stacked else plan.call.alone(closer)
    below, above = read_vectors([_real(xp, values)])[0]
    curvature = 2.0 * abs(alone[1] - alone[0] - 2.0 * (above - below))
    if _explains(plan, prediction, alone, FINE, curvature):
        return
    message = (
        f"{plan.call.where}(method): got 'complex', but the slopes it finds do not explain how f "
        "changes between two real points; expected an analytic f. It may cast to real, use abs or "
        "a comparison, or have a kink here. Use method='central'."
    )
    raise ArgumentError(message)


def _join(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else namespace_of(*parts).concat(parts)


def _real(xp, x: Array) -> Array:
    return xp.real(x) if is_complex(x) else x


def _imaginary(xp, x: Array) -> Array:
    return xp.imag(x) if is_complex(x) else xp.zeros_like(x)
