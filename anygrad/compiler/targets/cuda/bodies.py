"""The operations of a group as a function of one element, which every kernel of it calls."""

from __future__ import annotations

from typing import Any

from anygrad.compiler.program import Node, Ref, operand_key
from anygrad.compiler.targets.cuda.functions import FUNCTIONS
from anygrad.compiler.targets.cuda.operations import Value, operate
from anygrad.compiler.targets.cuda.plans import Plan
from anygrad.compiler.targets.cuda.types import HEADERS, TYPES
from anygrad.compiler.targets.dtypes import name_of

__all__ = ["Body"]

PACK = """template <class T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };
"""
"""Neighbouring elements that are read or written at once."""


class Body:
    """The text of a group, for one element.

    Attributes
    ----------
    plan : Plan
        What is computed.
    sources : tuple of Ref
        What is reduced; each comes after the results.
    text : str
        The function ``body(x0, ..., y0, ...)``: what is read, then references for results.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.sources = tuple(dict.fromkeys(one.node.operands[0] for one in plan.reductions))
        self._specs = plan.group.program.specs
        self._values: dict[int, Value] = {}
        self.text = self._write()

    @property
    def head(self) -> str:
        """What comes before: headers for the types, functions that CUDA has no names for."""
        found = {x.dtype for x in (*self.plan.reads, *self.plan.writes)}
        found |= {name_of(self._specs[node.number].dtype) for node in self.plan.nodes}
        # operations on small integers may be computed in half precision
        found |= {d for d in ("float16", "bfloat16") if TYPES[d].load in self.text}
        headers = dict.fromkeys([HEADERS[d] for d in sorted(found) if d in HEADERS])
        used = dict.fromkeys(node.name for node in self.plan.group.body)
        return "".join([*headers, *[FUNCTIONS[name] for name in used if name in FUNCTIONS], PACK])

    @property
    def outputs(self) -> list[tuple[Ref, str]]:
        """What the function gives, with the types: results, then what is reduced."""
        given = [*self.plan.group.results, *self.sources]
        return [(ref, name_of(self._specs[ref].dtype)) for ref in given]

    def _write(self) -> str:
        arguments = [f"const {TYPES[x.dtype].value} x{k}" for k, x in enumerate(self.plan.reads)]
        for k, x in enumerate(self.plan.reads):
            self._values[operand_key(x.what)] = Value(f"x{k}", x.dtype)
        lines = [self._line(node) for node in self.plan.group.body]
        for k, (ref, dtype) in enumerate(self.outputs):
            arguments.append(f"{TYPES[dtype].value}& y{k}")
            lines.append(f"    y{k} = {self._values[int(ref)].text};")
        head = f"__device__ __forceinline__ void body({', '.join(arguments)}) {{"
        return "\n".join([head, *lines, "}", ""])

    def _line(self, node: Node) -> str:
        found = operate(node, [self._value(x) for x in node.operands], self._specs)
        # numbered within the body, so that equal bodies have equal texts
        name = f"v{len(self._values)}"
        self._values[int(node.number)] = Value(name, found.dtype)
        return f"    const {TYPES[found.dtype].value} {name} = {found.text};"

    def _value(self, x: Any) -> Value:
        found = self._values.get(operand_key(x))
        if found is not None:
            return found
        number = x.item() if hasattr(x, "item") else x
        own = name_of(x.dtype) if hasattr(x, "dtype") else None
        kinds = {bool: "bool", int: "int64", float: "float64", complex: "complex128"}
        return Value("", own or kinds[type(number)], number)
