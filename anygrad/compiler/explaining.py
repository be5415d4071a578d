"""What became of a function that was compiled, for some arguments: `explain`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from anygrad.autodiff.inputs import name_of
from anygrad.compiler.grouping import Group, Grouping, group
from anygrad.compiler.measuring import traffic, workspace_of
from anygrad.compiler.program import Node, Program, show
from anygrad.compiler.tables import Table
from anygrad.compiler.targets import prepared, source_of
from anygrad.compiler.targets.buffered import Buffered, is_buffered
from anygrad.compiler.targets.cuda.choosing import plans_of, why_no_kernel
from anygrad.compiler.targets.cuda.replaying import is_launching
from anygrad.compiler.targets.cuda.warming import Launches
from anygrad.compiler.targets.jitted import HOT, library_that_jits
from anygrad.compiler.targets.tiles import Tiles, admits
from anygrad.compiler.targets.warming import Heat, heat_of
from anygrad.config import settings

__all__ = ["Explanation", "Input", "counted", "explain"]


class Input(NamedTuple):
    """One leaf of the arguments."""

    name: str
    shape: tuple[int, ...]
    dtype: Any
    role: str

    def __str__(self) -> str:
        if self.role.startswith("a Python"):
            return f"{self.name}: {self.role}"
        name = str(getattr(self.dtype, "name", self.dtype)).split(".")[-1]
        return f"{self.name}: {name}[{', '.join(map(str, self.shape))}] {self.role}".rstrip()


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a compiled function does for some arguments; printing it shows all of it.

    Attributes
    ----------
    name : str
        The function.
    uncompiled : str
        Why it runs as it is written; empty if it is replayed.
    target : str
        What replays it.
    inputs : tuple of Input
        The leaves of the arguments that are inputs: name, shape, dtype, and whether it is donated.
    program : Program or None
        What is replayed.
    operations : tuple of (str, int)
        The number of operations as recorded, and after each pass.
    guards : tuple of str
        What has to be the same in every replay, with the lines that ask for it.
    host, calls : tuple of str
        Functions of the host that are called in every replay; operations of one piece.
    groups : tuple of Group
        Operations on elements that one loop can carry out.
    tiles : tuple of int
        For each group the number of pieces in which it is carried out, each in the cache; 0 where
        its operations are carried out one after the other.
    tables : tuple of Table
        Groups that do the same to many arrays; NumPy gathers them and computes them at once.
    kernels : tuple of Kernel
        What is, or will be, machine code: operations that one loop carries out, for one shape or
        for many leaves.
    replays_until_kernels : int
        How many replays are left until they are compiled; 0 if they are in use.
    apart : tuple of (str, str)
        The operations that are in no group, each with the reason.
    bytes_moved : int
        What the replay reads and writes: each operation by itself, groups in tiles as one.
    bytes_least : int
        What any program has to: each input read once, each result written once.
    workspace : int
        Bytes of the arrays that hold what lies between inputs and results.
    source : str
        The function that is replayed.
    paths, kinds : int
        The ways through the function known for these arguments, and the kinds of arguments known.
    watched : tuple of str
        What the function reads besides its arguments, compared before every replay.
    """

    name: str
    uncompiled: str = ""
    target: str = ""
    inputs: tuple[Input, ...] = ()
    program: Program | None = field(default=None, repr=False)
    operations: tuple[tuple[str, int], ...] = ()
    guards: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    tiles: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()
    kernels: tuple[Any, ...] = ()
    replays_until_kernels: int = 0
    apart: tuple[tuple[str, str], ...] = ()
    bytes_moved: int = 0
    bytes_least: int = 0
    workspace: int = 0
    source: str = field(default="", repr=False)
    paths: int = 0
    kinds: int = 0
    watched: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.uncompiled:
            return f"{self.name} runs uncompiled: it {self.uncompiled}"
        ways, kinds = counted(self.paths, "way"), counted(self.kinds, "kind")
        known = f"{ways} through it, {kinds} of arguments known"
        lines = [f"{self.name}: {known}, replayed {self.target}"]
        lines += _part("inputs", self.inputs)
        counts = [f"{number} {name}" for name, number in self.operations]
        lines += _part("operations", [", ".join(counts)] if counts else [])
        lines += _part("guards", self.guards)
        lines += _part("called on the host in every replay", self.host)
        lines += _part("operations of one piece", self.calls)
        for one, count in zip(self.groups, self.tiles, strict=True):
            how = f"in {count} tiles" if count else "one operation after the other"
            lines += _part(f"group, {how}", str(one).splitlines())
        for one in self.tables:
            lines += _part("groups gathered", str(one).splitlines())
        for one in self.kernels:
            lines += _part("kernel", str(one).splitlines())
        lines += _part("in no group", [f"{text}  # {why}" for text, why in self.apart])
        lines += _part("watched", self.watched)
        moved = f"{_bytes(self.bytes_moved)} moved; at least {_bytes(self.bytes_least)}"
        lines += _part("memory", [f"{moved}; workspace {_bytes(self.workspace)}"])
        lines += _part("source", self.source.splitlines())
        return "\n".join(lines)


def explain(compiled: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Explanation:
    """What `Compiled.explain` gives."""
    name = f"compile({name_of(compiled.function)})"
    now = settings()
    if not now.fuse or now.debug_nans != "off":
        return Explanation(name, "is switched off by the settings fuse and debug_nans")
    kind, path = compiled.locate(args, kw)
    if path is None:
        return Explanation(name, kind.eager or _NOT_RECORDED)
    heat = heat_of(path.print())
    program = prepared(path.program)
    target, tiles, tables, workspace, grouping = _target(program, kind.donated)
    gathered = {int(node.number) for one in tables for node in one.nodes}
    groups = [one for one in grouping.groups if one.body[0].number not in gathered]
    inside = {int(node.number) for one in groups for node in one.nodes} | gathered
    texts = {int(node.number): show(node, program.specs) for node in program.nodes}
    rest = [n for n in program.nodes if n.number not in inside and n.name != "guard"]
    why = grouping.reasons
    at_once = [one.group for one in tiles] + [row.group for one in tables for row in one.rows]
    kernels = () if heat is None or heat.failed else heat.kernels
    if is_launching(program):
        at_once = [x.group for one in kernels for x in plans_of(one)]
    moved, least = traffic(program, tuple(at_once))
    cut = {int(n.number): len(one.bounds) for one in tiles for n in one.group.body}
    return Explanation(
        name,
        target=_words_of(heat, target),
        inputs=_inputs(path.program, kind.donated),
        program=program,
        operations=(*path.passes, ("as printed", len(program.nodes))),
        guards=tuple([_guard(node) for node in program.guards]),
        host=tuple([texts[node.number] for node in program.nodes if node.name == "host"]),
        calls=tuple([texts[node.number] for node in program.nodes if node.name == "call"]),
        groups=tuple(groups),
        tiles=tuple([cut.get(one.body[0].number, 0) for one in groups]),
        tables=tables,
        kernels=kernels,
        replays_until_kernels=0 if heat is None else heat.replays,
        apart=tuple([(texts[n.number], why.get(n.number, "")) for n in rest]),
        bytes_moved=moved,
        bytes_least=least,
        workspace=workspace,
        source=source_of(path.print()),
        paths=len(kind.paths),
        kinds=compiled.counts()[0],
        watched=path.surroundings.names,
    )


def _target(
    program: Program, donated: frozenset[int]
) -> tuple[str, list[Tiles], tuple[Table, ...], int, Grouping]:
    """How a program is replayed: in words, in tiles and tables, workspace in bytes, the groups."""
    library = library_that_jits(program)
    if library:
        words = f"by {library.name}, compiled by itself from replay {HOT} on"
        return words, [], (), workspace_of(program), group(program)
    if is_launching(program):
        found = group(program, lambda node: why_no_kernel(node, program.specs), scalars=True)
        return "by CuPy, operation by operation", [], (), workspace_of(program), found
    if not is_buffered(program):
        return "operation by operation", [], (), workspace_of(program), group(program)
    writing = Buffered(program, donated)
    writing.build()
    tiles = [step.tiles for step in writing.steps if step.tiles is not None]
    tables = tuple([step.chunks.table for step in writing.steps if step.chunks is not None])
    size = sum(math.prod(shape) * dtype.itemsize for shape, dtype, _ in writing.buffers)
    kept = {n for n, name in writing.printer.called.items() if name[0] == "b"}
    kept.update(int(n.number) for one in tiles for n in one.group.body)
    kept.update(int(node.number) for one in tables for node in one.nodes)
    size += workspace_of(program, kept)
    words = "by NumPy, into arrays that are kept"
    found = group(program, lambda node: admits(node, program.specs))
    return words, tiles, tables, size, found


def _words_of(heat: Heat | Launches | None, target: str) -> str:
    if heat is None or heat.failed or not heat.kernels:
        return target
    if heat.replays:
        return f"{target}; by kernels after {counted(heat.replays, 'replay')} more"
    library = "CuPy" if isinstance(heat, Launches) else "NumPy"
    return f"by kernels, and by {library} what is in none"


_NOT_RECORDED = "reads traced values that are no arguments, or changes something while it runs"


def _inputs(program: Program, donated: Any) -> tuple[Input, ...]:
    names = program.names or tuple(map(repr, program.inputs))
    found = []
    for name, ref in zip(names, program.inputs, strict=True):
        spec = program.specs[ref]
        role = "donated" if ref in donated else ""
        if spec.kind == "number":
            role = f"a Python {spec.dtype.__name__}"
        found.append(Input(name, spec.shape, spec.dtype, role))
    return tuple(found)


def _guard(node: Node) -> str:
    x, name, expected = node.operands
    where = f"{node.line.file}:{node.line.number}: " if node.line is not None else ""
    text = "the whole value" if getattr(expected, "shape", ()) else repr(expected)
    return f"{where}{name} of {x!r} is {text}"


def _part(title: str, lines: Any) -> list[str]:
    return [title, *[f"  {line}" for line in lines]] if lines else []


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _bytes(number: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if number < 10_000:
            return f"{number:.0f} {unit}"
        number = number / 1000  # type: ignore[assignment]
    return f"{number:.0f} GB"
