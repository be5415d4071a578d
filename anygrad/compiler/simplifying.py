"""Passes from program to program that change no bit of any result.

Each looks at one thing; `simplify` runs them in the order in which they help each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends import is_mutable
from anygrad.compiler.accumulating import share
from anygrad.compiler.program import Node, Program, Ref, Spec, map_refs
from anygrad.ops import ROWS

__all__ = ["drop_dead", "merge_common", "remove_identities", "simplify", "spread_late"]


def simplify(program: Program, counts: list[tuple[str, int]] | None = None) -> Program:
    """The same results by fewer operations; ``counts`` get the number of them after each pass."""
    passes = (remove_identities, spread_late, remove_identities, merge_common, share, drop_dead)
    for change in passes:
        program = change(program)
        if counts is not None:
            counts.append((change.__name__, len(program.nodes)))
    return program


def drop_dead(program: Program) -> Program:
    """Leave out what no output and no guard depends on."""
    live = {int(x) for x in program.outputs if type(x) is Ref}
    kept = []
    for node in reversed(program.nodes):
        if node.name == "guard" or node.number in live:
            live.update(node.uses())
            kept.append(node)
    return program.with_nodes(reversed(kept))


def merge_common(program: Program) -> Program:
    """Compute what occurs twice once; host functions may differ from call to call, and are kept."""
    seen: dict[Any, Ref] = {}
    renamed: dict[int, Any] = {}
    kept = []
    for node in program.nodes:
        node = node.map(lambda ref: renamed.get(ref, ref))
        if node.name in ("host", "call"):
            kept.append(node)
            continue
        key = (node.name, _frozen(node.operands), _frozen(tuple(sorted(node.keywords.items()))))
        first = seen.setdefault(key, node.number)
        if first is node.number:
            kept.append(node)
        else:
            renamed[node.number] = first
    return _renamed(program, kept, renamed)


def remove_identities(program: Program) -> Program:
    """Replace operations that give their operand back to the bit, signed zeros and nan included."""
    specs, renamed, kept = program.specs, {}, []
    for node in program.nodes:
        node = node.map(lambda ref: renamed.get(ref, ref))
        same = _same_as(node, specs)
        if same is None:
            kept.append(node)
        else:
            renamed[node.number] = same
    return _renamed(program, kept, renamed)


def spread_late(program: Program) -> Program:
    """Let elementwise operations broadcast by themselves: no array is repeated in memory first."""
    spread: dict[int, Any] = {}
    kept = []
    for node in program.nodes:
        if node.name == "broadcast_to":
            base = node.operands[0]  # a constant 1.0 would be found as value 1
            spread[node.number] = spread.get(base, base) if type(base) is Ref else base
        elif spread and node.name in ELEMENTWISE:
            short = tuple([spread.get(x, x) if type(x) is Ref else x for x in node.operands])
            if short != node.operands and _shape_of_result(short, program.specs) == (
                program.specs[node.number].shape
            ):
                node = node._replace(operands=short)
        kept.append(node)
    return program.with_nodes(kept)


ELEMENTWISE = frozenset(
    name
    for name, row in ROWS.items()
    if row.family.name == "elementwise" and name not in ("astype", "real", "imag")
)


def _shape_of_result(operands: tuple[Any, ...], specs: dict[int, Spec]) -> tuple[int, ...]:
    shapes = [specs[x].shape if type(x) is Ref else getattr(x, "shape", ()) for x in operands]
    return np.broadcast_shapes(*shapes)


def _renamed(program: Program, nodes: list[Node], renamed: dict[int, Any]) -> Program:
    outputs = [map_refs(x, lambda ref: renamed.get(ref, ref)) for x in program.outputs]
    return program.with_nodes(nodes, outputs)


def _same_as(node: Node, specs: dict[int, Spec]) -> Any:
    """The operand that a node gives back; None if it computes something."""
    if node.name in ("guard", "host", "call", "part") or not node.operands:
        return None
    one = node.operands[0]
    other = node.operands[1] if len(node.operands) == 2 else None
    if node.name in _GIVE_BACK:
        return one if _alike(one, node, specs) and _is_trivial(node, specs) else None
    if node.name in ("multiply", "add") and type(one) is not Ref:
        one, other = other, one
    neutral = _NEUTRAL.get(node.name)
    if neutral is None or type(one) is not Ref or not neutral(other):
        return None
    return one if _alike(one, node, specs) else None


_GIVE_BACK = frozenset(
    ("astype", "broadcast_to", "conj", "permute_dims", "positive", "real", "reshape")
)
_NEUTRAL = {
    "multiply": lambda x: _is(x, 1.0),
    "divide": lambda x: _is(x, 1.0),
    "pow": lambda x: _is(x, 1.0),
    "subtract": lambda x: _is(x, 0.0),
    "add": lambda x: _is(x, -0.0),
}


def _is_trivial(node: Node, specs: dict[int, Spec]) -> bool:
    """Whether a row that rearranges leaves everything where it is; shape and dtype are the same."""
    if node.name == "permute_dims":
        axes = node.keywords["axes"]
        return tuple(axes) == tuple(range(len(axes)))
    if node.name in ("conj", "real"):
        return "complex" not in str(specs[node.number].dtype)
    return True


def _alike(x: Any, node: Node, specs: dict[int, Spec]) -> bool:
    """Whether an operand has the kind, shape and dtype of the result."""
    if type(x) is not Ref:
        return node.name == "positive"
    a, b = specs[x], specs[node.number]
    return a == b


def _is(x: Any, value: float) -> bool:
    """Whether an operand is a constant of this value, an array of equal elements among them."""
    if type(x) is Ref or isinstance(x, complex | np.complexfloating):
        return False
    if isinstance(x, np.ndarray) and x.size and not any(x.strides) and not x.flags.writeable:
        x = x[(0,) * x.ndim]
    if not isinstance(x, float | int | np.floating | np.integer) or isinstance(x, bool):
        return False
    return x == value and bool(np.signbit(float(x))) == bool(np.signbit(value))


def _frozen(x: Any) -> Any:
    """An operand or keyword as a key, equal for what is the same to the bit."""
    if type(x) is Ref:
        return x
    if type(x) in (tuple, list):
        return (type(x), *map(_frozen, x))
    if type(x) is slice:
        return (slice, _frozen(x.start), _frozen(x.stop), _frozen(x.step))
    if isinstance(x, np.generic | float | int | complex | bool | str | bytes | None.__class__):
        return (type(x), repr(x))
    if is_mutable(x) or not _hashable(x):
        return ("object", id(x))
    return x


def _hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True
