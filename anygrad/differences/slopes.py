"""Fixed differences of a function of many coordinates, in few calls where that is safe."""

from __future__ import annotations

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array
from anygrad.differences.batches import batch_size
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.moves import CoordinateMoves, Moves
from anygrad.differences.plans import Plan
from anygrad.differences.subsets import join
from anygrad.differences.trust import Distrusted, Probes, believe

__all__ = ["Sweep", "measure_slopes"]


class Sweep:
    """Evaluates lines at many offsets, in one way, and keeps what the probes gave.

    Attributes
    ----------
    call : PointFunction
        The function.
    moves : Moves
        The lines.
    way : {"stacked", "vmap", "loop"}
        How points are evaluated.
    probes : Probes, optional
        Put first and last in every batch.
    seen, values : lists of arrays
        Values at the probes, (2, O) a batch, and all other values.
    """

    def __init__(
        self, call: PointFunction, moves: Moves, way: str, probes: Probes | None = None
    ) -> None:
        self.call, self.moves, self.way, self.probes = call, moves, way, probes
        self.seen: list[Array] = []
        self.values: list[Array] = []

    def evaluate(self, index: Array | None, offsets: list[Array]) -> Array:
        """Values of shape (R, m, O) at R offsets along lines."""
        call, probes = self.call, self.probes
        ends = () if probes is None else probes.points
        axis = call.axis_of(self.way)
        tables = []
        for points, moved in self.moves.batches(index, offsets, axis, ends, call.batch_bytes):
            values = call.together(points, self.way)
            if ends:
                xp, last = namespace_of(values), values.shape[0] - 1
                self.seen.append(xp.stack([values[0, :], values[last, :]]))
                values = values[1 : 1 + moved, :]
            tables.append(values)
        if not tables:  # no line: the width of what f returns is all there is to know
            width = call.alone([call.coordinates.point]).shape[1]
            like = offsets[0]
            return namespace_of(like).zeros(
                (len(offsets), 0, width), dtype=like.dtype, device=device_of(like)
            )
        table = _join_lines(tables, len(offsets))
        if ends:
            self.values += tables
        return table

    def check(self, slopes: Array | None) -> None:
        """Raise `Distrusted` unless probes, and slopes if given, explain each other."""
        if self.probes is None:
            return
        if not self.probes.agree(slopes, join(self.values), join(self.seen)):
            raise Distrusted


def _join_lines(tables: list[Array], rows: int) -> Array:
    """Batches of shape (R m', O) become one table (R, m, O)."""
    xp = namespace_of(tables[0])
    cut = [xp.reshape(t, (rows, t.shape[0] // rows, t.shape[1])) for t in tables]
    return cut[0] if len(cut) == 1 else xp.concat(cut, axis=1)


def measure_slopes(
    call: PointFunction, plan: Plan, evaluate: str, moves: Moves | None = None
) -> tuple[Array, str]:
    """Derivatives along all coordinates, or lines, and the way in which f was evaluated.

    Shape (M, O).
    """
    coordinates = call.coordinates
    moves = CoordinateMoves(coordinates) if moves is None else moves
    depth = plan.steps if plan.imaginary else None
    reach = plan.steps if plan.reach is None else plan.reach
    probes = Probes(call, moves, reach, plan.sides, depth)
    taken = moves.with_point(coordinates.as_complex()) if plan.imaginary else moves
    center = call.alone([coordinates.point]) if plan.base is not None else None
    if call.outputs is None and not call.scalar and evaluate != "auto":
        call.alone([coordinates.point])  # the shapes of what f returns
    offsets = list(plan.offsets)
    points = len(offsets) * min(moves.count, batch_size(coordinates, len(offsets)))

    def run(way: str, trusted: Probes | None) -> Array:
        sweep = Sweep(call, taken, way, trusted)
        slopes = plan.combine(sweep.evaluate(None, offsets), center)
        sweep.check(slopes)
        return slopes

    slopes, way = believe(probes, points, evaluate, run)
    if plan.imaginary:
        probes.refuse_unless_continued(slopes)
    if plan.imaginary and (evaluate != "auto" or way == "loop"):
        probes.refuse_unless_analytic(slopes, way)
    return slopes, way
