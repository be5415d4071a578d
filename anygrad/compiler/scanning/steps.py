"""The step of a loop as programs: one for each way that Python took through its code.

Operations with a derivative of their own stay what they are in these programs, so that a step can
be carried out at every level, as the user's function would be. Traced values that the step closes
over are met while it is recorded, wherever it keeps them, and become inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.autodiff.calls import Call, Leaves, invoke
from anygrad.autodiff.inputs import call
from anygrad.compiler.capturing import Capture, Captured
from anygrad.compiler.program import Node, Program, map_refs
from anygrad.compiler.scanning.lists import looked_into, row_of
from anygrad.compiler.simplifying import drop_dead, merge_common, remove_identities
from anygrad.compiler.targets import MISSED, Missed
from anygrad.compiler.targets.plain import same
from anygrad.errors import ArgumentError, ShapeError, TraceError, describe
from anygrad.ops import ROWS
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, TRACED, bind, lowest, names_for, unbuffered
from anygrad.tracing.level import decided, hosted, is_mapped, strip
from anygrad.tracing.plain import NUMBERS
from anygrad.tracing.snapshots import WATCHED, Snapshots

__all__ = ["Restart", "Step", "Unrecordable", "example_of"]

WAYS = 32
"""Ways through a step that are kept; a step with more runs as a plain loop."""


class Restart(BaseException):
    """The step closes over further values, which must be operands of the loop."""


class Unrecordable(BaseException):
    """Python goes another way in nearly every step, or one that cannot be recorded."""


class Way(NamedTuple):
    """One way through the step.

    ``used`` are the closed-over values that the program takes, before the carry and the row.
    """

    program: Program
    used: tuple[int, ...]


class Step:
    """A step on flat lists: ``step(closed, carry, x)`` gives the next carry and a result.

    Attributes
    ----------
    closed : list
        The traced values that the user's function closes over, as they were met.
    sealed : bool
        Whether the loop has begun to run apart from its surroundings: nothing new may be met.
    """

    def __init__(self, f: Callable[..., Any], name: str, carry: Any, x: Any):
        self.f, self.name, self.carry, self.x = f, name, carry, x
        self.closed: list[Any] = []
        self.ways: list[Way] = []
        self.results: Any = None  # the structure of what a step returns beside the carry
        self.likes: list[Any] = []
        self.sealed = False
        self._constants = Snapshots()

    def __call__(self, closed: Leaves, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        """Carry the step out, at whatever level the values are of."""
        try:
            self.compare()
        except TraceError as error:
            raise Missed(str(error)) from error
        given = [*carry, *x]
        for way in self.ways:
            found = carried_out(way.program, [*[closed[k] for k in way.used], *given])
            if found is not MISSED:
                return found[: len(carry)], found[len(carry) :]
        self.record(closed, carry, x)
        return self(closed, carry, x)

    def compare(self) -> None:
        """Raise if an array that the step closes over was overwritten."""
        self._constants.compare(keep=True)

    def record(self, closed: Leaves, carry: Leaves, x: Leaves) -> None:
        """Run the user's function once more, on what are values of one example."""
        if len(self.ways) >= WAYS:
            raise Missed(self._missed()) if self.sealed else Unrecordable(self)
        try:
            way, values = self._recorded(closed, [example_of(v) for v in (*carry, *x)])
        except (TraceError, Unrecordable) as error:
            if not self.sealed:
                raise
            raise Missed(self._missed()) from error
        self.check(carry, values[: len(carry)])
        likes = [(tuple(y.shape), str(y.dtype)) for y in values[len(carry) :]]
        if self.ways and likes != self.likes:
            message = (
                f"{self.name}: step returned results of shapes and dtypes {self.likes}, and then "
                f"of {likes}; expected the same in every step, as they are stacked."
            )
            raise ShapeError(message)
        self.likes = likes
        for node in way.program.nodes:
            for x in node.operands:
                if type(x) in WATCHED:
                    self._constants.take(x)
        self.ways.append(way)
        if len(self.closed) > len(closed):
            raise Missed(self._missed()) if self.sealed else Restart(self)

    def try_out(self, carry: Leaves, x: Leaves) -> Leaves:
        """What one step gives, as leaves; nothing is kept."""
        return self._recorded([], [example_of(v) for v in (*carry, *x)])[1]

    def _recorded(self, closed: Leaves, values: Leaves) -> tuple[Way, Leaves]:
        level = StepCapture(self.closed, closed)
        level.origin = self.name
        inputs = [level.input(v) for v in values]
        count = self.carry.num_leaves
        carry = trees.unflatten(self.carry, inputs[:count])
        try:
            y = call(self.f, (carry, trees.unflatten(self.x, inputs[count:])), {})
        except Exception as error:
            if level.unrecordable:
                raise Unrecordable(self) from error
            raise
        level.close()
        if level.poisoned or level.unrecordable:
            raise Unrecordable(self)
        found = [level.result(v) for v in self.leaves_of(y)]
        refs = [x.i for x in (*level.used.values(), *inputs)]
        outputs = tuple([x.i if type(x) is Captured else x for x in found])
        program = Program(tuple(refs), tuple(level.nodes), outputs, level.specs)
        for change in (remove_identities, merge_common, drop_dead):
            program = change(program)
        return Way(program, tuple(level.used)), [lowest(x) for x in found]

    def leaves_of(self, y: Any) -> Leaves:
        """What a step returned, taken apart: the leaves of the carry, then of its result."""
        if not isinstance(y, tuple) or len(y) != 2:
            message = f"{self.name}: step returned {describe(y)}; expected a tuple (carry, y)."
            raise ArgumentError(message)
        carry, treedef = trees.flatten(y[0])
        if treedef != self.carry:
            message = (
                f"{self.name}: step returned a carry of structure {treedef}; expected that of "
                f"init, {self.carry}. Return what the next step takes."
            )
            raise ArgumentError(message)
        rest, results = trees.flatten(y[1])
        if self.results is None:
            self.results = results
        elif results != self.results:
            message = (
                f"{self.name}: step returned results of structure {self.results}, and then of "
                f"{results}; expected one structure, as they are stacked."
            )
            raise ArgumentError(message)
        return [*carry, *rest]

    def check(self, before: Leaves, after: Leaves) -> None:
        """Raise if a leaf of the carry does not stay what it is."""
        for k, (x, y) in enumerate(zip(before, after, strict=True)):
            if tuple(y.shape) == tuple(x.shape) and str(y.dtype) == str(x.dtype):
                continue
            tree = trees.unflatten(self.carry, before)
            path = trees.show_path("carry", trees.paths(tree)[k])
            message = (
                f"{self.name}: got {describe(x)} as {path}, and {describe(y)} from step; expected "
                "the same shape and dtype in every step. Give init the dtype that step returns, "
                "or cast what it returns."
            )
            raise ShapeError(message)

    def _missed(self) -> str:
        return (
            f"{self.name}: step went a way through its code that was not recorded while the loop "
            "was, and that reads traced values. Use array functions such as xp.where, or run it "
            "under ag.use_settings(fuse=False)."
        )


class StepCapture(Capture):
    """The recording of a step: values of other levels become inputs."""

    __slots__ = ("known", "unrecordable", "used", "values")
    divides = True

    def __init__(self, known: list[Any], values: Leaves):
        Capture.__init__(self)
        self.known, self.values = known, values
        self.used: dict[int, Captured] = {}
        self.unrecordable = False  # whether a value was asked for as a plain one

    def lower(self, x: Any) -> Any:
        """The plain value, whatever the level."""
        return self.own(x).v if type(x) in LIFTED else x

    def own(self, x: Any) -> Any:
        """A value of this level: the input that a value of another level becomes."""
        x = unbuffered(x)
        if type(x) not in LIFTED or x.t is self:
            return x
        number = next((k for k, known in enumerate(self.known) if known is x), len(self.known))
        if number == len(self.known):
            x.t.refuse_if_closed()
            x.t.check_readable(x)
            self.known.append(x)
        if number not in self.used:
            value = example_of(self.values[number] if number < len(self.values) else x)
            self.used[number] = self.wrap(value, self._number(value))
        return self.used[number]

    def result(self, x: Any) -> Any:
        """What the step returned, as a value of the program or a constant array."""
        x = self.own(x)
        if type(x) in LIFTED:
            self.check_readable(x)
            return self.host(_scalar, (x,)) if type(x.v) in NUMBERS else x
        if hasattr(x, "shape"):
            return x
        if type(x) in NUMBERS:
            return _scalar(x)
        message = f"{self.origin}: step returned {describe(x)}; expected arrays and numbers."
        raise ArgumentError(message)

    def call(self, call: Call, leaves: Leaves) -> Leaves:
        """Keep an operation with a derivative of its own as it is."""
        results = call.primal([self.lower(x) for x in leaves])
        for y in results:
            if type(y) in LIFTED:
                message = (
                    f"{call.name}: its result depends on a traced value that is no argument of it "
                    "(the function closes over it), so its derivative would be lost. Pass it as "
                    "an argument."
                )
                raise TraceError(message)
        operands = tuple([self._operand(x, x) for x in leaves])
        return self._note(call.name, operands, {}, results, call, "call")  # type: ignore[arg-type]

    def keep(self, x: Any, below: Any) -> Any:
        """A value without derivatives has none in any later differentiation of the step."""
        return x if kind_of(x.dtype) == "other" else self._note("", (x.i,), {}, x.v, strip, "call")

    def piece(self, function: Any, args: list[Any], y: Any, form: Any) -> Any:
        """Keep a function of the library as it is; its derivative is that of the formulas in it."""
        return self._kept(function, tuple([x.i for x in args]), y)

    def _note(
        self, name: str, operands: Any, kw: Any, y: Any, function: Any = None, kind: str = ""
    ) -> Any:
        if name == "host" and isinstance(function, np.ufunc):
            return self._kept(function, operands, y)
        return Capture._note(self, name, operands, kw, y, function, kind)

    def _kept(self, function: Any, operands: tuple[Any, ...], y: Any) -> Any:
        several = type(y) in (list, tuple)

        def f(leaves: Leaves) -> Leaves:
            found = function(*leaves)
            return list(found) if several else [found]

        kept: Any = looked_into(function.__name__, f)
        found = Capture._note(self, "", operands, {}, list(y) if several else [y], kept, "call")
        return found if several else found[0]

    def refuse(self, x: Any, what: str) -> TraceError:
        """Let the loop run plainly, where the value is there, or is refused."""
        self.unrecordable = True
        return TraceError(f"{what}: got a value of a step that is recorded.")

    def _operand(self, a: Any, value: Any) -> Any:
        return self.own(a).i if type(a) in LIFTED else self.fixed(value)

    def apart(self, x: Any, like: Any = None) -> Any:
        """A result of a transformation within the step; the loop copies what it gives back."""
        return self.fresh(x)

    def duplicate(self, x: Any, order: str) -> Any:
        """A copy, which has a derivative."""
        if kind_of(x.dtype) == "other":
            return Capture.duplicate(self, x, order)
        return TRACED.positive(x)


def _scalar(x: Any) -> Any:
    return np.asarray(x)[()]


def example_of(x: Any) -> Any:
    """A plain value; of a batch that of its first example."""
    if type(x) not in LIFTED:
        return x
    below = example_of(x.v)
    if not x.t.maps:
        return below
    return row_of(below, 0) if below.shape[0] else names_for(below).sum(below, axis=0)


def carried_out(program: Program, inputs: Sequence[Any]) -> Any:
    """The outputs of the program of a step for values of any level, or `MISSED`."""
    values: dict[int, Any] = dict(zip(map(int, program.inputs), inputs, strict=True))
    find = values.__getitem__
    for node in program.nodes:
        operands = tuple([map_refs(x, find) for x in node.operands])
        name = node.name
        if name == "part":
            values[node.number] = operands[0][operands[1]]
        elif name == "guard":
            if not _holds(operands[0], node):
                return MISSED
        elif name == "host":
            assert node.function is not None
            values[node.number] = hosted(node.function, *operands)
        elif name == "call":
            try:
                values[node.number] = _called(node.function, operands)
            except Missed:
                return MISSED
        else:
            keywords = {key: map_refs(x, find) for key, x in node.keywords.items()}
            values[node.number] = bind(ROWS[name], operands, keywords)
    return [map_refs(x, find) for x in program.outputs]


def _called(function: Any, operands: tuple[Any, ...]) -> Any:
    """A ``call`` of a step: made from functions, with its own rules, or a plain function."""
    return invoke(function, list(operands)) if type(function) is Call else function(*operands)


def _holds(x: Any, node: Node) -> bool:
    """Whether a guard does."""
    _, name, expected = node.operands
    question = node.function
    assert question is not None
    if name == "bool":
        return bool(x) is expected
    if type(x) not in LIFTED:
        return same(question(x), expected)
    if not is_mapped(x):
        return same(decided(x, question), expected)
    depth = len(lowest(x).shape) - len(x.shape)

    def agree(batch: Any) -> tuple[bool, bool]:
        answers = [same(question(batch[k]), expected) for k in np.ndindex(batch.shape[:depth])]
        return all(answers), any(answers)

    every, some = decided(x, agree)
    if every is not some:
        message = (
            "scan(step): got examples of a batch for which Python has to decide differently; "
            "expected one way for all. Use xp.where."
        )
        raise TraceError(message)
    return every
