"""Kernels that compute every element of their results from the elements at the same place."""

from __future__ import annotations

from anygrad.compiler.targets.cuda.bodies import Body
from anygrad.compiler.targets.cuda.plans import Plan, Stream
from anygrad.compiler.targets.cuda.types import TYPES

__all__ = ["THREADS", "index_type", "parameters", "tile_of", "vector_length", "write_elementwise"]

THREADS = 256
"""Threads of a block."""
PACKS = 4
"""Packs that a thread has on their way from memory at once, over all arrays that are read."""


def index_type(plan: Plan) -> str:
    """The type of places in arrays: 32 bits are twice as quick, where they are enough."""
    return "int" if plan.is_small else "long long"


def vector_length(plan: Plan) -> int:
    """The elements that are read and written at once: 16 bytes of the largest type."""
    sizes = [TYPES[x.dtype].size for x in arrays_of(plan)]
    return max(16 // max(sizes, default=16), 1)


def packs_of(plan: Plan) -> int:
    """The packs that a thread computes, so that enough bytes are on their way."""
    reads = sum(not x.is_single for x in plan.reads)
    return max(PACKS // max(reads, 1), 1)


def tile_of(plan: Plan) -> int:
    """The elements of a block."""
    if not plan.is_flat:
        return THREADS
    return THREADS * vector_length(plan) * packs_of(plan)


def arrays_of(plan: Plan) -> list[Stream]:
    """What is read or written element by element."""
    return [*[x for x in plan.reads if not x.is_single], *plan.writes]


def write_elementwise(plan: Plan) -> str:
    """The text of ``kernel(reads..., writes..., n)``; with strides, the axes come last."""
    body = Body(plan)
    parts = [body.head, body.text]
    if plan.is_flat:
        parts.append(_flat(body))
    else:
        parts += [axes_text(plan), _strided(body)]
    return "\n".join(parts)


def parameters(plan: Plan) -> list[str]:
    """The arrays and numbers among the parameters of a kernel."""
    found = []
    for k, x in enumerate(plan.reads):
        kind = TYPES[x.dtype]
        found.append(f"const {kind.value} r{k}" if x.is_number else f"const {kind.memory}* r{k}")
    return [*found, *[f"{TYPES[x.dtype].memory}* w{k}" for k, x in enumerate(plan.writes)]]


def singles(plan: Plan) -> list[str]:
    """The lines that read what is the same for all elements."""
    lines = []
    for k, x in enumerate(plan.reads):
        if x.is_single:
            kind = TYPES[x.dtype]
            text = f"r{k}" if x.is_number else kind.loaded(f"r{k}[0]")
            lines.append(f"    const {kind.value} c{k} = {text};")
    return lines


def element(body: Body, loaded: dict[int, str], stored: dict[int, str], indent: str) -> list[str]:
    """The lines that compute one element: where it is read from, and written to.

    What is reduced comes after the results, in variables of its own.
    """
    plan, given, lines = body.plan, list[str](), list[str]()
    for k, x in enumerate(plan.reads):
        given.append(f"c{k}" if x.is_single else TYPES[x.dtype].loaded(loaded[k]))
    for k, (_, dtype) in enumerate(body.outputs):
        lines.append(f"{indent}{TYPES[dtype].value} y{k};")
        given.append(f"y{k}")
    lines.append(f"{indent}body({', '.join(given)});")
    for k, x in enumerate(plan.writes):
        lines.append(f"{indent}{stored[k]} = {TYPES[x.dtype].stored(f'y{k}')};")
    return lines


def tile_lines(body: Body, packs: int, count: str) -> list[str]:
    """One tile of flat arrays, from the element ``tile`` on; ``count`` is their length.

    All packs are read before any is written, for results may take the place of what is read.
    """
    plan = body.plan
    length = vector_length(plan)
    here = f"[p * {THREADS} + threadIdx.x]"
    streams = [f"r{k}" for k, x in enumerate(plan.reads) if not x.is_single]
    streams += [f"w{k}" for k in range(len(plan.writes))]
    aligned = " | ".join(f"(size_t){name}" for name in streams)
    whole = THREADS * length * packs
    lines = [
        f"    const bool aligned = (({aligned}) & 15) == 0;",
        f"    if (aligned && {count} - tile >= {whole}) {{",
    ]
    for k, x in enumerate(plan.reads):
        if not x.is_single:
            kind = f"Pack<{TYPES[x.dtype].memory}, {length}>"
            lines += [
                f"        {kind} a{k}[{packs}];",
                "        #pragma unroll",
                f"        for (int p = 0; p < {packs}; ++p)",
                f"            a{k}[p] = ((const {kind}*)(r{k} + tile)){here};",
            ]
    lines += ["        #pragma unroll", f"        for (int p = 0; p < {packs}; ++p) {{"]
    for k, x in enumerate(plan.writes):
        lines.append(f"            Pack<{TYPES[x.dtype].memory}, {length}> b{k};")
    lines += ["            #pragma unroll", f"            for (int v = 0; v < {length}; ++v) {{"]
    loaded = {k: f"a{k}[p].at[v]" for k in range(len(plan.reads))}
    stored = {k: f"b{k}.at[v]" for k in range(len(plan.writes))}
    lines += element(body, loaded, stored, " " * 16)
    lines.append("            }")
    for k, x in enumerate(plan.writes):
        kind = f"Pack<{TYPES[x.dtype].memory}, {length}>"
        lines.append(f"            (({kind}*)(w{k} + tile)){here} = b{k};")
    lines += [
        "        }",
        "    } else {",
        f"        for (int k = threadIdx.x; k < {whole}; k += {THREADS}) {{",
        f"            if (k >= {count} - tile) break;",
    ]
    loaded = {k: f"r{k}[tile + k]" for k in range(len(plan.reads))}
    stored = {k: f"w{k}[tile + k]" for k in range(len(plan.writes))}
    lines += element(body, loaded, stored, " " * 12)
    return [*lines, "        }", "    }"]


def _flat(body: Body) -> str:
    plan = body.plan
    index = index_type(plan)
    given = ", ".join([*parameters(plan), "const long long count"])
    return "\n".join(
        [
            f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({given}) {{',
            f"    const {index} n = ({index})count;",
            f"    const {index} tile = ({index})blockIdx.x * {tile_of(plan)};",
            *singles(plan),
            *tile_lines(body, packs_of(plan), "n"),
            "}",
            "",
        ]
    )


def _strided(body: Body) -> str:
    plan = body.plan
    index = index_type(plan)
    given = ", ".join([*parameters(plan), "const long long count", "const Axes axes"])
    loaded = {k: f"r{k}[{place(plan, x, k)}]" for k, x in enumerate(plan.reads)}
    first = len(plan.reads)
    stored = {k: f"w{k}[{place(plan, x, first + k)}]" for k, x in enumerate(plan.writes)}
    return "\n".join(
        [
            f'extern "C" __global__ void __launch_bounds__({THREADS}) kernel({given}) {{',
            f"    const {index} i = ({index})blockIdx.x * {THREADS} + threadIdx.x;",
            f"    if (i >= ({index})count) return;",
            *singles(plan),
            *coordinates(plan),
            *element(body, loaded, stored, "    "),
            "}",
            "",
        ]
    )


def axes_text(plan: Plan) -> str:
    """The structure with the lengths of the axes, and the steps of every array along them."""
    streams, ndim = len(plan.reads) + len(plan.writes), len(plan.shape)
    return (
        f"struct Axes {{ {index_type(plan)} length[{ndim}]; "
        f"{index_type(plan)} step[{streams}][{ndim}]; }};"
    )


def is_in_order(plan: Plan, x: Stream) -> bool:
    """Whether an array lies in memory in the order of the kernel's elements."""
    step = 1
    for n, s in zip(reversed(plan.shape), reversed(x.strides), strict=True):
        if n != 1 and s != step:
            return False
        step *= n
    return True


def coordinates(plan: Plan) -> list[str]:
    """The lines that find the place along every axis that counts from the number ``i``."""
    index, needed = index_type(plan), set()
    for x in (*plan.reads, *plan.writes):
        if not x.is_single and not is_in_order(plan, x):
            needed |= {axis for axis, s in enumerate(x.strides) if s}
    if not needed:
        return []
    lines, first = [f"    {index} rest = i;"], min(needed)
    for axis in reversed(range(first, len(plan.shape))):
        if axis in needed:
            text = f"rest % axes.length[{axis}]" if axis else "rest"
            lines.append(f"    const {index} i{axis} = {text};")
        if axis > first:
            lines.append(f"    rest /= axes.length[{axis}];")
    return lines


def place(plan: Plan, x: Stream, number: int) -> str:
    """Where the element of an array is; ``number`` is that of the array among all."""
    if x.is_number:
        return ""
    if is_in_order(plan, x):
        return "i"
    parts = [f"i{axis} * axes.step[{number}][{axis}]" for axis, s in enumerate(x.strides) if s]
    return " + ".join(parts) or "0"
