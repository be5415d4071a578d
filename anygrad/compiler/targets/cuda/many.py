"""Kernels that do the same to many arrays in one launch.

A table tells the addresses and sizes of all leaves, and at which block each of them begins; a block
finds its leaf by bisection. Leaves are cut into tiles of one length, so that uneven ones balance.
The table is handed over by value where it fits among a kernel's parameters, else it lies on the
device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.program import Node, Ref, operand_key
from anygrad.compiler.simplifying import frozen
from anygrad.compiler.targets.cuda.bodies import Body
from anygrad.compiler.targets.cuda.elementwise import (
    THREADS,
    parameters,
    singles,
    tile_lines,
    vector_length,
)
from anygrad.compiler.targets.cuda.plans import Plan, Stream
from anygrad.compiler.targets.cuda.reducing import (
    CHUNK,
    along_rows,
    combining,
    head_of,
    identities,
    joined,
    result_text,
    totals_of,
)
from anygrad.compiler.targets.cuda.types import TYPES

__all__ = ["LIMIT", "Many", "manies_of", "table_type", "write_many", "write_many_finish"]

LIMIT = 32_000
"""Bytes of a table that is handed over by value; a kernel has 32,764 for all its parameters."""
PACKS = 4


class Many(NamedTuple):
    """Plans with the same body, carried out by one kernel.

    Attributes
    ----------
    plans : tuple of Plan
        None of them reads what another one gives; if they reduce, then all their elements.
    own : tuple of bool
        Which of the things that are read every leaf has of its own; the others are shared.
    indexed : frozenset of int
        Those of them that lie in one array, an element for each leaf.
    rows : frozenset of int
        The results that do.
    """

    plans: tuple[Plan, ...]
    own: tuple[bool, ...]
    indexed: frozenset[int] = frozenset()
    rows: frozenset[int] = frozenset()

    def __str__(self) -> str:
        sizes = [one.size for one in self.plans]
        head = f"{len(sizes)} leaves with {min(sizes)} to {max(sizes)} elements; the first one:"
        return f"{head}\n{self.plans[0]}"

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The operations of all."""
        return tuple([node for one in self.plans for node in one.nodes])

    @property
    def size(self) -> int:
        """The number of elements of all."""
        return sum(one.size for one in self.plans)

    @property
    def first(self) -> Plan:
        """One that stands for all."""
        return self.plans[0]

    @property
    def shared(self) -> tuple[Stream, ...]:
        """What every leaf reads."""
        return tuple([x for x, own in zip(self.first.reads, self.own, strict=True) if not own])

    @property
    def is_small(self) -> bool:
        """Whether 32 bits are enough for every place in every leaf."""
        return all(one.is_small for one in self.plans)

    @property
    def tile(self) -> int:
        """The elements of a block."""
        if self.first.reductions:
            return CHUNK
        return THREADS * vector_length(self.first) * PACKS

    @property
    def blocks(self) -> list[int]:
        """The block at which each leaf begins, and where the last one ends."""
        found = [0]
        for one in self.plans:
            found.append(found[-1] + -(-one.size // self.tile))
        return found

    def columns(self, homes: Sequence[int | None]) -> int:
        """The addresses of a leaf, where results take the places of what is read."""
        made = [k for k, home in enumerate(homes) if home is None and k not in self.rows]
        return sum(self.own) - len(self.indexed) + len(made)


def manies_of(plans: Sequence[Plan], levels: dict[int, int]) -> list[Many]:
    """Plans that do the same, at least two together.

    ``levels`` are those of all values (see `grouping`): a group may wait until the level before the
    first one that needs it, so that it comes with others.
    """
    found: dict[Any, list[Plan]] = {}
    for one in plans:
        if _is_whole(one):
            found.setdefault(_words_of(one), []).append(one)
    return [many for alike in found.values() for many in _at_once(alike, levels)]


def _at_once(plans: list[Plan], levels: dict[int, int]) -> list[Many]:
    """Plans that do the same, together with those that can wait for them, or be waited for."""
    if len(plans) == 1:
        return []
    users = plans[0].group.program.users()
    made: list[list[Plan]] = []
    latest = -1
    for one in sorted(plans, key=lambda one: one.group.level):
        own = {int(node.number) for node in one.nodes}
        readers = [u.number for x in one.results for u in users.get(x, ()) if u.number not in own]
        until = min([levels[u] for u in readers], default=len(levels) + 1) - 1
        if latest < one.group.level:
            made.append([])
            latest = until
        made[-1].append(one)
        latest = min(latest, until)
    return [_together(_as_stacked(found, users)) for found in made if len(found) > 1]


def _together(plans: tuple[Plan, ...]) -> Many:
    own = []
    for streams in zip(*[one.reads for one in plans], strict=True):
        first = streams[0]
        same = len({operand_key(x.what) for x in streams}) == 1
        own.append(not first.is_number and not (first.is_single and same))
    return Many(plans, tuple(own))


def _as_stacked(plans: list[Plan], users: dict[int, list[Node]]) -> tuple[Plan, ...]:
    """Plans in the order in which what they reduce to is stacked, if it is."""
    reductions = plans[0].reductions
    if reductions:
        for user in users.get(reductions[0].node.number, ()):
            places = {int(x): k for k, x in enumerate(user.operands) if type(x) is Ref}
            numbers = [int(one.reductions[0].node.number) for one in plans]
            if user.name == "stack" and places.keys() >= set(numbers):
                return tuple(sorted(plans, key=lambda p: places[int(p.reductions[0].node.number)]))
    return tuple(plans)


def _is_whole(one: Plan) -> bool:
    """Whether a leaf is read and written from end to end, and reduced altogether."""
    if not one.is_flat:
        return False
    specs, extent = one.group.program.specs, one.extent
    if any(specs[x.node.number].shape for x in one.reductions):
        return False
    return extent is None or (extent.outer == extent.inner == 1)


def _words_of(one: Plan) -> tuple[Any, ...]:
    """What a plan does, in the same words for all that differ in nothing but their arrays."""
    specs, places = one.group.program.specs, dict[int, Any]()
    for k, x in enumerate(one.reads):
        if not x.is_number:
            places[operand_key(x.what)] = ("read", k)
    body = []
    for k, node in enumerate(one.group.body):
        told = tuple([places.get(operand_key(x)) or frozen(x) for x in node.operands])
        kw = tuple([(name, frozen(x)) for name, x in sorted(node.keywords.items())])
        body.append((node.name, told, kw))
        places[int(node.number)] = ("made", k)
    reductions = [
        (x.node.name, places[int(x.node.operands[0])], frozen(specs[x.node.number].dtype))
        for x in one.reductions
    ]
    streams = [(x.dtype, x.is_single, x.is_number) for x in (*one.reads, *one.writes)]
    results = [places[int(ref)] for ref in one.group.results]
    return (*body, *results, *reductions, *streams)


def table_type(many: Many, columns: int) -> np.dtype:
    """The table as NumPy lays it out, which is how a kernel does."""
    count = len(many.plans)
    size = np.uint32 if many.is_small else np.int64
    fields = [
        ("address", np.uint64, (count, max(columns, 1))),
        ("size", size, (count,)),
        ("first", np.uint32, (count + 1,)),
    ]
    bare = np.dtype(fields)
    padding = -bare.itemsize % 8
    return np.dtype([*fields, ("padding", np.uint8, (padding,))]) if padding else bare


def write_many(many: Many, homes: Sequence[int | None], resident: bool) -> str:
    """The text of ``kernel(shared..., indexed..., rows..., table, parts...)``.

    ``homes`` has for every result what is read, counted among what each leaf has of its own, whose
    place it takes.
    """
    one = many.first
    body = Body(one)
    index = "int" if many.is_small else "long long"
    known = zip(parameters(one), many.own, strict=False)
    given = [text for text, own in known if not own]
    given += [f"const {TYPES[one.reads[k].dtype].memory}* q{k}" for k in sorted(many.indexed)]
    given += [f"{TYPES[one.writes[k].dtype].memory}* z{k}" for k in sorted(many.rows)]
    given.append(_table_parameter(resident))
    parts = [body.head, body.text, _table_text(many, homes)]
    reductions = one.reductions
    if reductions:
        parts.append(combining(reductions))
        given += [f"{TYPES[totals_of(x)].value}* p{k}" for k, x in enumerate(reductions)]
    lines = [
        f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({", ".join(given)}) {{',
        *_bisection(many, resident),
        f"    const {index} n = table.size[leaf];",
        *_pointers(many, homes),
        *singles(one),
    ]
    if reductions:
        lines += [
            f"    const long long threads = {THREADS}, reduced = n;",
            f"    const {index} job = (int)blockIdx.x, jobs = (int)gridDim.x, a = 0;",
            "    const int lane = threadIdx.x;",
            f"    const {index} start = ({index})(blockIdx.x - table.first[leaf]) * {many.tile};",
            f"    const {index} stop = min(n, start + {many.tile});",
            *identities(reductions),
            *along_rows(body, index),
            *joined(reductions),
            "    if (lane == 0) {",
            *[f"        p{k}[job] = s{k};" for k in range(len(reductions))],
            "    }",
        ]
    else:
        lines.append(
            f"    const {index} tile = ({index})(blockIdx.x - table.first[leaf]) * {many.tile};"
        )
        lines += tile_lines(body, PACKS, "n")
    return "\n".join([*parts, *lines, "}", ""])


def write_many_finish(many: Many, homes: Sequence[int | None], resident: bool) -> str:
    """The text of ``kernel(table, parts..., results...)``: a block joins the parts of a leaf."""
    reductions = many.first.reductions
    given = [_table_parameter(resident)]
    given += [f"const {TYPES[totals_of(x)].value}* f{k}" for k, x in enumerate(reductions)]
    given += [f"{TYPES[x.result].memory}* o{k}" for k, x in enumerate(reductions)]
    lines = [
        f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({", ".join(given)}) {{',
        *(["    const Table& table = *where;"] if resident else []),
        "    const int leaf = blockIdx.x, lane = threadIdx.x;",
        f"    const long long threads = {THREADS}, terms = table.size[leaf];",
        *identities(reductions),
        f"    for (unsigned k = table.first[leaf] + lane; k < table.first[leaf + 1];"
        f" k += {THREADS}) {{",
        *[f"        s{k} = join{k}(s{k}, f{k}[k]);" for k in range(len(reductions))],
        "    }",
        *joined(reductions),
        "    if (lane == 0) {",
        *[f"        o{k}[leaf] = {result_text(k, x)};" for k, x in enumerate(reductions)],
        "    }",
        "}",
        "",
    ]
    return "\n".join([head_of(reductions), _table_text(many, homes), combining(reductions), *lines])


def _table_parameter(resident: bool) -> str:
    return "const Table* where" if resident else "const Table table"


def _table_text(many: Many, homes: Sequence[int | None]) -> str:
    count, columns = len(many.plans), max(many.columns(homes), 1)
    size = "unsigned int" if many.is_small else "long long"
    return (
        f"struct Table {{ unsigned long long address[{count}][{columns}]; {size} size[{count}]; "
        f"unsigned int first[{count + 1}]; }};"
    )


def _bisection(many: Many, resident: bool) -> list[str]:
    """Find the leaf of a block: the last one that begins at it or before."""
    return [
        *(["    const Table& table = *where;"] if resident else []),
        f"    int leaf = 0, beyond = {len(many.plans)};",
        "    while (beyond - leaf > 1) {",
        "        const int middle = (leaf + beyond) / 2;",
        "        if (table.first[middle] <= blockIdx.x) leaf = middle; else beyond = middle;",
        "    }",
    ]


def _pointers(many: Many, homes: Sequence[int | None]) -> list[str]:
    """The arrays of a leaf, by the names that `tile_lines` uses."""
    lines, column, places, one = [], 0, list[int](), many.first
    for k, x in enumerate(one.reads):
        if not many.own[k]:
            continue
        kind, text = TYPES[x.dtype].memory, f"q{k} + leaf"
        places.append(column)
        if k not in many.indexed:
            text = f"(const {TYPES[x.dtype].memory}*)table.address[leaf][{column}]"
            column += 1
        lines.append(f"    const {kind}* r{k} = {text};")
    for k, x in enumerate(one.writes):
        kind, home = TYPES[x.dtype].memory, homes[k]
        if k in many.rows:
            lines.append(f"    {kind}* w{k} = z{k} + leaf;")
            continue
        if home is None:
            place, column = column, column + 1
        else:
            place = places[home]
        lines.append(f"    {kind}* w{k} = ({kind}*)table.address[leaf][{place}];")
    return lines
