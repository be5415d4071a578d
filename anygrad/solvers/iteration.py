"""The loop of every iterative minimiser: tests, the best point, callbacks, history, lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.errors import ArgumentError, describe
from anygrad.recording.history import FORMAT, History
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Method
from anygrad.solvers.problem.stopping import Stopping, Tolerances
from anygrad.solvers.watching import Watch

Callback = Callable[["Iterate"], Any]
COLUMNS = ("fun", "optimality", "step_length", "evaluations")


class Iterate:
    """What a callback gets: the newest point, in SciPy's names.

    Attributes
    ----------
    x, jac : trees of arrays
        The point and the gradient, as the start is built.
    fun : array, shape ()
        f(x), on the device; all three are made when they are asked for.
    nit, nfev : int
        Steps and evaluations so far.
    optimality : float
        Largest absolute element of the gradient.
    """

    def __init__(self, objective: Objective, point: Point, nit: int) -> None:
        self._space = objective.space
        self._point = point
        self.nit = nit
        self.nfev = objective.nfev
        self.optimality = point.peak

    @property
    def fun(self) -> Any:
        """The value, in an array of its own."""
        return self._space.number(self._point.f)

    @property
    def x(self) -> Any:
        """The point, in arrays of its own."""
        return self._space.to_tree(self._space.copy(self._point.x))

    @property
    def jac(self) -> Any:
        """The gradient, in arrays of its own; None for methods without one."""
        return _own_tree(self._space, self._point.gradient)

    def __repr__(self) -> str:
        return f"Iterate(nit={self.nit}, nfev={self.nfev}, optimality={self.optimality:.3g})"


class Trace:
    """The numbers of every iteration, kept as they come and sorted into columns at the end."""

    def __init__(self, objective: Objective, record: tuple[str, ...]) -> None:
        self.objective = objective
        self.record = record
        self.rows: list[tuple[float, float, float, int]] = []
        self.kept: dict[str, list[Any]] = {name: [] for name in record}

    def add(self, point: Point, length: float) -> None:
        """Take in one iteration; row 0 is the start."""
        self.rows.append((point.f, point.peak, length, self.objective.nfev))
        for name in self.record:
            vector = point.x if name == "x" else point.gradient
            self.kept[name].append(_own_tree(self.objective.space, vector))

    def history(self) -> History:
        """Sort the numbers into columns."""
        columns = zip(COLUMNS, zip(*self.rows, strict=True), strict=True)
        steps = range(len(self.rows))
        data = {name: {"steps": steps, "values": values} for name, values in columns}
        return History.from_dict({"format": FORMAT, "notes": [], "columns": data})


def read_records(where: str, record: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    """Check what is to be kept of every iteration: one name or several.

    Raises
    ------
    ArgumentError
        If it is something else.
    """
    names = (record,) if isinstance(record, str) else record
    if isinstance(names, tuple | list) and all(name in known for name in names):
        return tuple(names)
    offered = (
        f"{', '.join(map(repr, known))} or a tuple of them" if known[1:] else f"{known[0]!r} or ()"
    )
    message = f"{where}(record): got {describe(record)}; expected {offered}."
    raise ArgumentError(message)


def iterate(
    objective: Objective,
    x: Any,
    method: Method,
    tolerances: Tolerances,
    *,
    callback: Callback | None = None,
    record: tuple[str, ...] = (),
    watch: Watch | None = None,
    finish: Callable[..., Result] | None = None,
) -> Result:
    """Run a method from the vector ``x`` until a test of `Stopping`, or the method, ends it."""
    # a method may have tests of its own, and an order of points of its own
    stopping = getattr(method, "stopping", Stopping)(tolerances, objective)
    is_better = getattr(method, "is_better", _is_as_low)
    trace = Trace(objective, record)
    point = best = objective.evaluate(x)
    trace.add(point, 0.0)
    nit = 0
    ended = stopping.at_start(point) or stopping.too_long(0)
    stepper = None if ended else method.start(objective, point)
    while ended is None:
        assert stepper is not None
        step = stepper.step(point)
        if step.point is not None:
            nit += 1
            old, point = point, step.point
            if is_better(point, best):
                best = point
            trace.add(point, step.length)
            if watch is not None:
                watch.show(nit, point, objective.nfev)
            ended = stopping.after(old, point, nit)
            if ended and ended[0] is Status.CONVERGED and _is_contradicted(stepper, point):
                ended = (Status.WRONG_GRADIENT, "")
            if callback is not None and _asks_to_stop(callback, Iterate(objective, point, nit)):
                ended = ended or (Status.STOPPED, "")
        if step.status is not None:
            ended = (step.status, step.message)
        assert step.point is not None or ended is not None
    status, message = ended
    if status is Status.CONVERGED and point.peak <= tolerances.gtol < best.peak:
        best = point  # the values of both are equal but for rounding, and this one is meant
    # a kind of problem may have a result of its own
    finish = finish or make_result
    return finish(objective, best, status, message, nit, method.name, trace)


def _own_tree(space: Space, vector: Any) -> Any:
    return None if vector is None else space.to_tree(space.copy(vector))


def _is_as_low(point: Point, best: Point) -> bool:
    return point.f <= best.f


def _is_contradicted(stepper: Any, point: Point) -> bool:
    """Ask a method that compares values with gradients whether they fit."""
    ask = getattr(stepper, "is_contradicted", None)
    return ask is not None and ask(point)


def _asks_to_stop(callback: Callback, now: Iterate) -> bool:
    try:
        return bool(callback(now))
    except StopIteration:
        return True


def make_result(
    objective: Objective,
    best: Point,
    status: Status,
    message: str,
    nit: int,
    name: str,
    trace: Trace,
) -> Result:
    """Put the best point into the shape that the user gave."""
    space = objective.space
    return Result(
        x=space.to_tree(space.copy(best.x)),
        fun=space.number(best.value),
        jac=_own_tree(space, best.gradient),
        success=status is Status.CONVERGED,
        status=status,
        message=message or status.sentence,
        nit=nit,
        nfev=objective.nfev,
        njev=objective.njev,
        nhev=objective.nhev,
        method=name,
        history=trace.history(),
        recorded=trace.kept,
    )
