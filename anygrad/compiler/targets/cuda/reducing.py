"""Kernels that reduce what a group gives, and kernels that finish what is reduced in parts.

A range is cut into chunks of a fixed length, which depends on the shape only. Threads add
neighbouring terms, blocks add what their threads have, pairwise, and a second kernel adds the
chunks. So a result is the same in every run and on every device, and its rounding errors grow as
slowly as those of a pairwise sum.
"""

from __future__ import annotations

from typing import NamedTuple

from anygrad.compiler.targets.cuda.bodies import Body
from anygrad.compiler.targets.cuda.elementwise import (
    THREADS,
    axes_text,
    coordinates,
    element,
    index_type,
    parameters,
    place,
    singles,
    vector_length,
)
from anygrad.compiler.targets.cuda.plans import Extent, Plan, Reduction
from anygrad.compiler.targets.cuda.types import HEADERS, TYPES, is_float, is_half

__all__ = ["Cut", "Stage", "cut", "stages_of", "totals_of", "write_finish", "write_reduction"]

TERMS = 32
"""Terms that a thread adds one after the other, in a chunk of a row."""
CHUNK = THREADS * TERMS
LONG = 512
"""Terms that a thread adds in a column."""
ENOUGH = 1 << 17
"""Threads that keep a large device busy."""


class Cut(NamedTuple):
    """How the axis that is reduced is cut.

    Attributes
    ----------
    chunk : int
        The terms of a chunk.
    chunks : int
        How many there are.
    threads : int
        The threads that reduce a chunk together, where neighbours in memory are reduced; 1 where
        a thread goes along the axis alone.
    """

    chunk: int
    chunks: int
    threads: int


class Stage(NamedTuple):
    """One launch of a reduction.

    Attributes
    ----------
    extent : Extent
        What it reduces.
    cut : Cut
        Into which parts.
    grid : int
        Blocks.
    is_last : bool
        Whether it gives the results themselves.
    """

    extent: Extent
    cut: Cut
    grid: int
    is_last: bool


def cut(extent: Extent) -> Cut:
    """How a range is cut; it depends on nothing but the shape."""
    outer, reduced, inner = extent
    if inner == 1:
        threads = 1
        while threads < THREADS and threads * 8 < reduced:
            threads *= 2
        return Cut(CHUNK, max(-(-reduced // CHUNK), 1), threads)
    chunk = min(max(TERMS, reduced * outer * inner // ENOUGH), LONG)
    return Cut(chunk, max(-(-reduced // chunk), 1), 1)


def stages_of(extent: Extent) -> list[Stage]:
    """The launches that reduce a range: the first one reads arrays, the others parts."""
    found = []
    while True:
        own = cut(extent)
        jobs = extent.outer * own.chunks * extent.inner
        found.append(Stage(extent, own, -(-jobs * own.threads // THREADS), own.chunks == 1))
        if own.chunks == 1:
            return found
        extent = Extent(extent.outer, own.chunks, extent.inner)


def totals_of(one: Reduction) -> str:
    """The type in which terms are gathered."""
    if one.name in ("any", "all"):
        return "bool"
    return "float32" if is_half(one.result) else one.result


def write_reduction(plan: Plan) -> str:
    """The text of the kernel ``kernel(reads..., writes..., parts..., results..., numbers...)``.

    It computes the elements, writes those that are results, and reduces chunks of them.
    """
    body, index = Body(plan), index_type(plan)
    parts = [body.head, body.text, combining(plan.reductions)]
    if not plan.is_flat:
        parts.append(axes_text(plan))
    columns = plan.extent is not None and plan.extent.inner != 1
    given = [*parameters(plan), *_outputs(plan.reductions), *_numbers()]
    if not plan.is_flat:
        given.append("const Axes axes")
    lines = [
        f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({", ".join(given)}) {{',
        *_job(index, columns),
        *singles(plan),
        *identities(plan.reductions),
        *(_along_columns(body, index) if columns else along_rows(body, index)),
        *_ending(plan.reductions, columns),
        "}",
        "",
    ]
    return "\n".join([*parts, "\n".join(lines)])


def write_finish(reductions: tuple[Reduction, ...], columns: bool) -> str:
    """The text of the kernel that reduces what chunks gave: ``kernel(from..., parts..., ...)``."""
    kinds = [TYPES[totals_of(one)] for one in reductions]
    sources = [f"const {kind.value}* f{k}" for k, kind in enumerate(kinds)]
    given = [*sources, *_outputs(reductions), *_numbers()]
    at = "(a * reduced + k) * inner + b" if columns else "a * reduced + k"
    step = "++k" if columns else "k += threads"
    head = head_of(reductions)
    lines = [
        f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({", ".join(given)}) {{',
        *_job("long long", columns),
        *identities(reductions),
        "    if (job < jobs)",
        f"        for (long long k = start{'' if columns else ' + lane'}; k < stop; {step}) {{",
        *[f"            s{k} = join{k}(s{k}, f{k}[{at}]);" for k in range(len(reductions))],
        "        }",
        *_ending(reductions, columns),
        "}",
        "",
    ]
    return "\n".join([head, combining(reductions), "\n".join(lines)])


def head_of(reductions: tuple[Reduction, ...]) -> str:
    """The headers for the types of reductions."""
    found = {x for one in reductions for x in (one.source, one.result, totals_of(one))}
    return "".join(dict.fromkeys([HEADERS[d] for d in sorted(found) if d in HEADERS]))


def _outputs(reductions: tuple[Reduction, ...]) -> list[str]:
    parts = [f"{TYPES[totals_of(one)].value}* p{k}" for k, one in enumerate(reductions)]
    return [*parts, *[f"{TYPES[one.result].memory}* o{k}" for k, one in enumerate(reductions)]]


def _numbers() -> list[str]:
    """The numbers of a stage: its extent, how it is cut, whether it is the last; the terms."""
    names = ["outer", "reduced", "inner", "chunk", "chunks", "threads", "last", "terms"]
    return [f"const long long {name}" for name in names]


def _job(index: str, columns: bool) -> list[str]:
    """Which chunk a thread reduces."""
    if columns:
        return [
            f"    const {index} job = ({index})blockIdx.x * {THREADS} + threadIdx.x;",
            f"    const {index} jobs = ({index})(outer * chunks * inner);",
            f"    const {index} b = job % ({index})inner, other = job / ({index})inner;",
            f"    const {index} a = other / ({index})chunks, c = other % ({index})chunks;",
            f"    const {index} start = c * ({index})chunk;",
            f"    const {index} stop = min(({index})reduced, start + ({index})chunk);",
        ]
    return [
        "    const int lane = threadIdx.x % (int)threads;",
        f"    const {index} job = ({index})blockIdx.x * ({THREADS} / (int)threads)"
        " + threadIdx.x / (int)threads;",
        f"    const {index} jobs = ({index})(outer * chunks);",
        f"    const {index} a = job / ({index})chunks, c = job % ({index})chunks;",
        f"    const {index} start = c * ({index})chunk;",
        f"    const {index} stop = min(({index})reduced, start + ({index})chunk);",
    ]


def identities(reductions: tuple[Reduction, ...]) -> list[str]:
    return [
        f"    {TYPES[totals_of(one)].value} s{k} = {_identity(one)};"
        for k, one in enumerate(reductions)
    ]


def _identity(one: Reduction) -> str:
    dtype = totals_of(one)
    kind = TYPES[dtype].value
    if one.name in ("sum", "any"):
        return f"({kind})0" if dtype != "bool" else "false"
    if one.name in ("prod", "all"):
        return f"({kind})1" if dtype != "bool" else "true"
    if is_float(dtype):
        return f"{'-' if one.name == 'max' else ''}({kind})__int_as_float(0x7f800000)"
    if dtype == "bool":
        return "false" if one.name == "max" else "true"
    bits = TYPES[dtype].size * 8
    if dtype.startswith("u"):
        return f"({kind})0" if one.name == "max" else f"({kind})~({kind})0"
    lowest = f"({kind})(1ULL << {bits - 1})"
    return lowest if one.name == "max" else f"({kind})((1ULL << {bits - 1}) - 1)"


_JOINS = {
    "sum": "a + b",
    "prod": "a * b",
    "max": "a != a || a > b ? a : b",
    "min": "a != a || a < b ? a : b",
    "any": "a || b",
    "all": "a && b",
}


def combining(reductions: tuple[Reduction, ...]) -> str:
    lines = []
    for k, one in enumerate(reductions):
        kind = TYPES[totals_of(one)].value
        lines.append(
            f"__device__ __forceinline__ {kind} join{k}(const {kind} a, const {kind} b) "
            f"{{ return ({kind})({_JOINS[one.name]}); }}"
        )
    return "\n".join(lines)


def _taken(body: Body, indent: str) -> list[str]:
    """The lines that add one element to what was gathered."""
    plan = body.plan
    lines, first = [], len(plan.group.results)
    for k, one in enumerate(plan.reductions):
        source = body.sources.index(one.node.operands[0])
        dtype = totals_of(one)
        text = f"y{first + source}"
        if one.name in ("any", "all"):
            text = f"({text} != ({TYPES[one.source].value})0)" if one.source != "bool" else text
        elif dtype != one.source:
            text = f"({TYPES[dtype].value})({text})"
        lines.append(f"{indent}s{k} = join{k}(s{k}, {text});")
    return lines


def _element(body: Body, loaded: dict[int, str], stored: dict[int, str], indent: str) -> list[str]:
    return [*element(body, loaded, stored, indent), *_taken(body, indent)]


def _places(plan: Plan) -> tuple[dict[int, str], dict[int, str]]:
    """Where elements are, by the number ``i``."""
    first = len(plan.reads)
    if plan.is_flat:
        loaded = {k: f"r{k}[i]" for k in range(first)}
        return loaded, {k: f"w{k}[i]" for k in range(len(plan.writes))}
    loaded = {k: f"r{k}[{place(plan, x, k)}]" for k, x in enumerate(plan.reads)}
    return loaded, {k: f"w{k}[{place(plan, x, first + k)}]" for k, x in enumerate(plan.writes)}


def _along_columns(body: Body, index: str) -> list[str]:
    plan = body.plan
    loaded, stored = _places(plan)
    return [
        "    if (job < jobs) {",
        "        #pragma unroll 4",
        f"        for ({index} k = start; k < stop; ++k) {{",
        f"            const {index} i = (a * ({index})reduced + k) * ({index})inner + b;",
        *[f"        {line}" for line in ([] if plan.is_flat else coordinates(plan))],
        *_element(body, loaded, stored, " " * 12),
        "        }",
        "    }",
    ]


def along_rows(body: Body, index: str) -> list[str]:
    """Threads take neighbouring packs; which terms a thread adds never depends on addresses."""
    plan = body.plan
    length = vector_length(plan) if plan.is_flat else 1
    loaded, stored = _places(plan)
    lines = ["    if (job < jobs) {", f"        const {index} row = a * ({index})reduced;"]
    if plan.is_flat and length > 1:
        lines += _packed_rows(body, index, length)
    lines += [
        f"        for ({index} k = start + lane * {length}; k < stop;"
        f" k += (int)threads * {length})",
        f"            for (int v = 0; v < {length}; ++v) {{",
        "                if (k + v >= stop) break;",
        f"                const {index} i = row + k + v;",
        *[f"            {line}" for line in ([] if plan.is_flat else coordinates(plan))],
        *_element(body, loaded, stored, " " * 16),
        "            }",
        "    }",
    ]
    return lines


def _packed_rows(body: Body, index: str, length: int) -> list[str]:
    """A whole chunk whose packs are aligned; ends with an ``else`` for what follows."""
    plan = body.plan
    streams = [f"(size_t)(r{k} + row)" for k, x in enumerate(plan.reads) if not x.is_single]
    streams += [f"(size_t)(w{k} + row)" for k in range(len(plan.writes))]
    if not streams:
        return []
    lines = [
        f"        if (threads == {THREADS} && stop - start == {CHUNK}"
        f" && (({' | '.join(streams)}) & 15) == 0) {{",
        "            #pragma unroll 4",
        f"            for (int j = 0; j < {TERMS // length}; ++j) {{",
        f"                const {index} i = row + start + (j * {THREADS} + lane) * {length};",
    ]
    for k, x in enumerate(plan.reads):
        if not x.is_single:
            kind = f"Pack<{TYPES[x.dtype].memory}, {length}>"
            lines.append(f"                const {kind} a{k} = *(const {kind}*)(r{k} + i);")
    for k, x in enumerate(plan.writes):
        lines.append(f"                Pack<{TYPES[x.dtype].memory}, {length}> b{k};")
    loaded = {k: f"a{k}.at[v]" for k in range(len(plan.reads))}
    stored = {k: f"b{k}.at[v]" for k in range(len(plan.writes))}
    lines += [
        "                #pragma unroll",
        f"                for (int v = 0; v < {length}; ++v) {{",
        *_element(body, loaded, stored, " " * 20),
        "                }",
    ]
    for k, x in enumerate(plan.writes):
        kind = f"Pack<{TYPES[x.dtype].memory}, {length}>"
        lines.append(f"                *({kind}*)(w{k} + i) = b{k};")
    return [*lines, "            }", "        } else"]


def _ending(reductions: tuple[Reduction, ...], columns: bool) -> list[str]:
    """Join what the threads of a chunk have, and write it."""
    lines = [] if columns else joined(reductions)
    lines.append(f"    if (job < jobs{'' if columns else ' && lane == 0'}) {{")
    for k, one in enumerate(reductions):
        lines += [
            f"        if (last) o{k}[job] = {result_text(k, one)};",
            f"        else p{k}[job] = s{k};",
        ]
    return [*lines, "    }"]


def joined(reductions: tuple[Reduction, ...]) -> list[str]:
    """The lines that join what ``threads`` neighbouring threads have, pairwise."""
    lines = []
    for k, one in enumerate(reductions):
        kind = TYPES[totals_of(one)].value
        lines.append(f"    __shared__ __align__(16) char t{k}[{THREADS} * sizeof({kind})];")
        lines.append(f"    (({kind}*)t{k})[threadIdx.x] = s{k};")
    lines += [
        "    __syncthreads();",
        "    for (int half = (int)threads / 2; half > 0; half /= 2) {",
        "        if (lane < half) {",
    ]
    for k, one in enumerate(reductions):
        kind = TYPES[totals_of(one)].value
        lines.append(f"            s{k} = join{k}(s{k}, (({kind}*)t{k})[threadIdx.x + half]);")
        lines.append(f"            (({kind}*)t{k})[threadIdx.x] = s{k};")
    lines += ["        }", "        __syncthreads();", "    }"]
    return lines


def result_text(k: int, one: Reduction) -> str:
    """What is written in the end."""
    dtype, text = totals_of(one), f"s{k}"
    if one.node.name == "mean":
        text = f"{text} / {TYPES[dtype].value}(terms)"
    if dtype != one.result and not is_half(one.result):
        text = f"({TYPES[one.result].value})({text})"
    return TYPES[one.result].stored(text)
