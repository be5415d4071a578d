"""The reference target: each node is one call of the library's own function.

It works for every library and is what all other targets are compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends import is_mutable
from anygrad.compiler.donating import homes, write
from anygrad.compiler.liveness import roots
from anygrad.compiler.numbers import OF_NUMBERS, of_number
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.targets.printing import Printer
from anygrad.tracing.lookup import OPERATORS
from anygrad.tracing.plain import names_of_array, names_of_backend, run_plain

__all__ = ["MISSED", "copied", "function_of", "method_text", "print_plain", "same"]

MISSED: Any = object()
"""What a replay returns where a guard does not hold."""

SYMBOLS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "pow": "{} ** {}",
    "matmul": "{} @ {}",
    "negative": "-{}",
}
FREED_FROM = 4096
"""Bytes above which a value is let go of as soon as nothing needs it."""


def print_plain(program: Program, donated: frozenset[int] = frozenset()) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``: the outputs in a tuple, or `MISSED`."""
    printer = Printer()
    inputs, freed = set(program.inputs), {}
    for n, end in positions_of_last_use(program).items():
        if n not in inputs and _is_large(program.specs[n]):
            freed.setdefault(end, []).append(f"v{n}")
    for position, node in enumerate(program.nodes):
        print_node(printer, node, program.specs)
        if position in freed:
            printer.add(f"del {', '.join(freed[position])}")
    print_return(printer, program, donated)
    return printer.build(", ".join(f"v{int(ref)}" for ref in program.inputs))


def print_node(printer: Printer, node: Node, specs: dict[int, Spec]) -> None:
    """One line: a node carried out, or a guard."""
    target = f"v{int(node.number)}"
    if node.name == "guard":
        printer.add(guard_text(printer, node))
        return
    printer.add(f"{target} = {text_of(printer, node, specs)}")


def guard_text(printer: Printer, node: Node) -> str:
    """The line that leaves a replay whose way would be another one."""
    x, name, expected = node.operands
    if name == "bool":
        test = f"bool({printer.operand(x)}) is not {expected!r}"
    else:
        asked = printer.call(node.function, name, (x,), {})
        test = f"not {printer.name(same, 'same')}({asked}, {printer.operand(expected)})"
    return f"if {test}: return {printer.name(MISSED, 'missed')}"


def text_of(printer: Printer, node: Node, specs: dict[int, Spec]) -> str:
    """The expression of a node."""
    if node.name == "part":
        return f"{printer.operand(node.operands[0])}[{node.operands[1]}]"
    if node.name == "host":
        return printer.call(node.function, "host", node.operands, {})
    if node.name == "call":
        inside = ", ".join(map(printer.operand, node.operands))
        return f"{printer.name(node.function, 'call')}([{inside}])"
    function, first = function_of(node, specs)
    if function is OPERATORS.get(node.name) and node.name in SYMBOLS:
        texts = [printer.operand(x) for x in node.operands]
        if texts[0].startswith("-"):  # -2.0 ** x is -(2.0 ** x)
            texts[0] = f"({texts[0]})"
        return SYMBOLS[node.name].format(*texts)
    return printer.call(function, node.name, (*first, *node.operands), node.keywords)


def method_text(printer: Printer, node: Node, x: str) -> str | None:
    """What NumPy's and CuPy's arrays do by a method of their own; ``x`` is the array."""
    kw = node.keywords
    if node.name == "getitem":
        return f"{x}[{printer.operand(kw['key'])}]"
    if node.name == "reshape":
        return f"{x}.reshape({kw['shape']!r})"
    if node.name == "permute_dims":
        return f"{x}.transpose({kw['axes']!r})"
    return None


def function_of(node: Node, specs: dict[int, Spec]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What carries a row out on operands of these kinds, and what it takes before them."""
    found = [specs[x] if type(x) is Ref else x for x in node.operands]
    libraries = [x.library for x in found if type(x) is Spec and x.kind != "number"]
    result = specs[node.number].library
    if not libraries and not any(hasattr(x, "shape") and type(x) is not Spec for x in found):
        if node.name in OF_NUMBERS:
            return OF_NUMBERS[node.name], ()
        return of_number, (node.name,)
    if any(library is not result for library in libraries) or result is None:
        return _run_mixed, (node.name,)  # a scalar of the host beside another library's array
    if node.name in OPERATORS:
        return OPERATORS[node.name], ()
    return getattr(names_of_backend(result), node.name), ()


def _run_mixed(name: str, *operands: Any, **kw: Any) -> Any:
    return run_plain(name, operands, kw)


def print_return(
    printer: Printer,
    program: Program,
    donated: frozenset[int] = frozenset(),
    elements: frozenset[int] = frozenset(),
) -> None:
    """Return the outputs, none of them an argument, a constant, or one of them twice.

    Those that take the memory of a donated argument are written into it at the very end.
    ``elements`` are outputs that lie in one array, but each at a place of its own.
    """
    shared, texts = roots(program), []
    given: set[int] = set(map(int, program.inputs))
    for k, x in enumerate(program.outputs):
        text = printer.operand(x)
        root = shared[x] if type(x) is Ref else -1
        if type(x) is Ref and x in elements:
            root = int(x)
        mutable = program.specs[x].kind == "array" if type(x) is Ref else is_mutable(x)
        if mutable and (root < 0 or root in given):
            printer.add(f"r{k} = {printer.name(copied, 'copied')}({text})")
            text = f"r{k}"
        given.add(root)
        texts.append(text)
    for k, home in homes(program, donated).items():
        if texts[k] != f"v{home}":  # else it is there already
            texts[k] = f"{printer.name(write, 'write')}(v{home}, {texts[k]})"
    inside = ", ".join(texts)
    printer.add(f"return ({inside},)" if len(texts) == 1 else f"return ({inside})")


def copied(x: Any) -> Any:
    """A copy, where the array could be written."""
    if not is_mutable(x):
        return x
    return names_of_array(x).asarray(x, copy=True)


def same(a: Any, b: Any) -> bool:
    """Whether an answer is what it was while recording; nan is itself, and the zeros differ."""
    if hasattr(a, "shape") or hasattr(b, "shape"):
        if tuple(getattr(a, "shape", ())) != tuple(getattr(b, "shape", ())):
            return False
        equal = (a == b) | ((a != a) & (b != b))
        return bool(equal.all() if hasattr(equal, "all") else equal) and _same_zeros(a, b)
    if type(a) is float or type(a) is complex:
        return type(a) is type(b) and repr(a) == repr(b)
    return type(a) is type(b) and (a == b or (a != a and b != b))


def _same_zeros(a: Any, b: Any) -> bool:
    """Whether two equal arrays have the same signs, which only zeros could differ in."""
    kind = str(getattr(a, "dtype", ""))
    if "float" not in kind and "complex" not in kind:
        return True
    parts = [(a, b)] if "float" in kind else [(a.real, b.real), (a.imag, b.imag)]
    for x, y in parts:
        signs = [run_plain("signbit", (one,), {}) for one in (x, y)]
        differ = (signs[0] != signs[1]) & (x == x)
        if bool(differ.any() if hasattr(differ, "any") else differ):
            return False
    return True


def positions_of_last_use(program: Program) -> dict[int, int]:
    """The position of the node after which nothing needs a value; outputs are needed at the end."""
    last: dict[int, int] = {}
    for position, node in enumerate(program.nodes):
        last.setdefault(int(node.number), position)
        for ref in node.uses():
            last[int(ref)] = position
    for x in program.outputs:
        if type(x) is Ref:
            last.pop(int(x), None)
    return last


def _is_large(spec: Spec) -> bool:
    if spec.kind == "many":  # it holds the parts, which are told apart by their own sizes
        return True
    return spec.kind == "array" and spec.size * 8 >= FREED_FROM
