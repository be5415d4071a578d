"""``trace``: run a function once, and list the operations that its derivative is made from."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.autodiff.inputs import call, check_callable, check_primal, name_of
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.ops.row import Like, Row
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, Tape, lowest, unbuffered
from anygrad.tracing.frames import Line, users_line


class Input(NamedTuple):
    """A traced argument: its number, its name as the user would write it, shape and dtype."""

    number: int
    name: str
    shape: tuple[int, ...]
    dtype: Any


class Operation(NamedTuple):
    """One recorded operation.

    Attributes
    ----------
    number : int
        Other lines refer to the result by it.
    name : str
        The operation.
    operands : tuple of int and str
        Numbers of inputs and earlier operations; constants in words.
    keywords : dict
        What it was told besides.
    shape, dtype : tuple of int, dtype
        Those of the result.
    line : Line or None
        ``file``, ``number``, ``function`` and ``source`` of the user's line; ``inside`` is the
        function called there, where it is made of several operations.
    """

    number: int
    name: str
    operands: tuple[int | str, ...]
    keywords: dict[str, Any]
    shape: tuple[int, ...]
    dtype: Any
    line: Line | None


@dataclass(frozen=True, eq=False)
class Listing(Sequence[Operation]):
    """What `trace` gives: a sequence of operations, which prints as a table.

    Attributes
    ----------
    name : str
        The function.
    inputs : tuple of Input
        The traced arguments.
    operations : tuple of Operation
        In the order in which they were carried out.
    results : tuple of (str, int or str)
        Each leaf of the result: its name, and its number or, where nothing traced reaches it, what
        it is.
    kept_bytes : int
        Size of the arrays that are kept for the backward pass, each counted once, inputs and
        constants too; without what functions with rules of their own keep.
    """

    name: str
    inputs: tuple[Input, ...]
    operations: tuple[Operation, ...]
    results: tuple[tuple[str, int | str], ...]
    kept_bytes: int

    def __len__(self) -> int:
        return len(self.operations)

    def __getitem__(self, index: Any) -> Any:
        return self.operations[index]

    def __str__(self) -> str:
        rows = [(f"%{x.number} = {x.name}", _kind(x.shape, x.dtype), "") for x in self.inputs]
        rows += [(_formula(op), _kind(op.shape, op.dtype), _place(op)) for op in self.operations]
        wide, middle = (max((len(row[k]) for row in rows), default=0) for k in (0, 1))
        lines = [f"trace of {self.name}"]
        lines += [f"  {a:{wide}}  {b:{middle}}  {c}".rstrip() for a, b, c in rows]
        lines += [f"  {name} = {_operand(y)}" for name, y in self.results]
        count = f"{len(self)} operation{'' if len(self) == 1 else 's'}"
        lines.append(f"{count}; {self.kept_bytes:,} bytes kept for the backward pass")
        return "\n".join(lines)


def trace(f: Callable[..., Any]) -> Callable[..., Listing]:
    """Make the function that runs ``f`` once and lists the operations of its derivative.

    Parameters
    ----------
    f : callable
        Any function that can be differentiated; it may return any tree. Transformations inside it
        appear as the operations that they carry out on its arguments.

    Returns
    -------
    callable
        Takes the arguments of ``f``. The floating arrays, floats and complex numbers among the
        positional ones are traced, everything else is passed as it is. Gives a `Listing`:
        ``print`` shows a line for each operation (number, operands, keywords, shape and dtype of
        the result, the user's line) and the totals; it is a sequence of `Operation` records, too.

    Raises
    ------
    TraceError, MissingRuleError
        If ``f`` cannot be differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> listing = ag.trace(lambda x: np.sum(np.sin(x) * 2.0))(np.zeros(3))
    >>> [op.name for op in listing]
    ['sin', 'multiply', 'sum']
    >>> listing[1].operands
    (1, '2.0')
    """
    check_callable("trace", f)

    @functools.wraps(f)
    def listed(*args: Any, **kw: Any) -> Listing:
        tape = Tape()
        tape.origin = f"trace({name_of(f)})"
        roots = [(f"args[{n}]", a) for n, a in enumerate(args)]
        names = [trees.show_path(name, path) for name, a in roots for path in trees.paths(a)]
        leaves, treedef = trees.flatten(tuple(args))
        writer = tape.watch = Writer(tape.watch)
        traced = [
            writer.input(tape, name, check_primal("trace", x, roots, k)) if is_floating(x) else x
            for k, (name, x) in enumerate(zip(names, leaves, strict=True))
        ]
        y = call(f, trees.unflatten(treedef, traced), kw)
        tape.close()
        outputs = trees.leaves(y)
        paths = [trees.show_path("result", path) for path in trees.paths(y)]
        results = [
            (name, writer.reference(tape, out)) for name, out in zip(paths, outputs, strict=True)
        ]
        return Listing(
            name_of(f), tuple(writer.inputs), tuple(writer.operations), tuple(results), _kept(tape)
        )

    return listed


def is_floating(x: Any) -> bool:
    """Whether a leaf can be differentiated by."""
    x = unbuffered(x)
    if isinstance(x, float | complex) or type(x) in LIFTED:
        return True
    return backend_of(x) is not None and kind_of(x.dtype) != "other"


class Writer:
    """The watch of a tape that notes every operation; an ``inner`` one may check it as well."""

    __slots__ = ("inner", "inputs", "numbers", "operations")

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.inputs: list[Input] = []
        self.operations: list[Operation] = []
        self.numbers: dict[int, int] = {}  # of nodes of the tape

    def input(self, tape: Tape, name: str, x: Any) -> Any:
        """A traced argument."""
        variable = tape.variable(x)
        number = self.numbers[variable.i] = len(self.numbers)
        self.inputs.append(Input(number, name, tuple(variable.shape), variable.dtype))
        return variable

    def step(self, level: Any, row: Row, args: Any, kw: Any, run: Callable[[], Any]) -> Any:
        """Carry out one operation, and note what comes out of it on this tape."""
        operands = tuple([self.reference(level, a) for a in args])
        y = run() if self.inner is None else self.inner.step(level, row, args, kw, run)
        results = y if isinstance(y, list) else [y]
        for k, r in enumerate(results):
            if type(r) in LIFTED and r.t is level:
                name = row.name if len(results) == 1 else f"{row.name}[{k}]"
                number = self.numbers[r.i] = len(self.numbers)
                self.operations.append(
                    Operation(number, name, operands, kw, tuple(r.shape), r.dtype, users_line())
                )
        return y

    def reference(self, level: Any, x: Any) -> int | str:
        """The number of a value of this tape, or a constant in words."""
        x = unbuffered(x)
        if type(x) in LIFTED and x.t is level and x.i in self.numbers:
            return self.numbers[x.i]
        return _shown(x)


def _shown(x: Any) -> str:
    """A constant in a few words; arrays by shape and dtype, which reads nothing from a device."""
    x = lowest(x)
    if backend_of(x) is not None and not isinstance(x, float | complex):
        return _kind(tuple(x.shape), x.dtype)
    if isinstance(x, tuple | list):
        inside = ", ".join(map(_shown, x))
        return f"({inside},)" if len(x) == 1 else f"({inside})"
    text = repr(float(x) if isinstance(x, float) else complex(x) if isinstance(x, complex) else x)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    name = str(getattr(dtype, "name", dtype)).split(".")[-1]
    return f"{name}[{', '.join(map(str, shape))}]"


def _operand(x: int | str) -> str:
    return f"%{x}" if isinstance(x, int) else x


def _formula(op: Operation) -> str:
    told = [f"{name}={_shown(x)}" for name, x in op.keywords.items()]
    return f"%{op.number} = {op.name}({', '.join([*map(_operand, op.operands), *told])})"


def _place(op: Operation) -> str:
    if op.line is None:
        return ""
    inside = f" in {op.line.inside}" if op.line.inside not in ("", op.name) else ""
    return f"{PurePath(op.line.file).name}:{op.line.number}{inside}"


def _kept(tape: Tape) -> int:
    return sum(_size(x) for x in {id(x): x for x in _kept_arrays(tape)}.values())


def _kept_arrays(tape: Tape) -> Iterator[Any]:
    for _, _, _, _, values, y, _ in filter(None, tape.entries):
        for x in (*(values or ()), y):
            if not isinstance(x, Like) and backend_of(lowest(x)) is not None:
                yield lowest(x)


def _size(x: Any) -> int:
    if hasattr(x, "nbytes"):
        return int(x.nbytes)
    xp, count = namespace_of(x), 1
    for n in x.shape:
        count *= n
    if has_kind(xp, x.dtype, "bool"):
        return count
    integral = has_kind(xp, x.dtype, "integral")
    limits = xp.iinfo(x.dtype) if integral else float_limits(xp, x.dtype)
    return count * limits.bits // 8 * (1 + has_kind(xp, x.dtype, "complex floating"))
