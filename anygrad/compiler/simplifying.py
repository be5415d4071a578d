"""Passes from program to program that change no bit of any result.

Each looks at one thing; `simplify` runs them in the order in which they help each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends import is_mutable
from anygrad.compiler.accumulating import share
from anygrad.compiler.keys import Identity
from anygrad.compiler.program import Node, Program, Ref, Spec, map_refs
from anygrad.ops import ROWS
from anygrad.tracing.lookup import OPERATORS

__all__ = ["drop_dead", "frozen", "merge_common", "remove_identities", "simplify", "spread_late"]


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
        if node.number in live or node.name == "guard":
            live.update(node.uses())
            kept.append(node)
    return program.with_nodes(reversed(kept))


def merge_common(program: Program) -> Program:
    """Compute what occurs twice once; host functions may differ from call to call, and are kept."""
    seen: dict[Any, Ref] = {}
    renamed: dict[int, Any] = {}
    kept = []
    for node in program.nodes:
        node = node.renamed(renamed)
        if node.name not in _KEPT:
            first = seen.setdefault(_key_of(node), node.number)
            if first is not node.number:
                renamed[node.number] = first
                continue
        kept.append(node)
    return _renamed(program, kept, renamed)


def remove_identities(program: Program) -> Program:
    """Replace operations that give their operand back to the bit, signed zeros and nan included."""
    specs, renamed, kept = program.specs, {}, []
    for node in program.nodes:
        node = node.renamed(renamed)
        same = _same_as(node, specs) if node.name in _MAY_GIVE_BACK else None
        if same is None:
            kept.append(node)
        else:
            renamed[node.number] = same
    return _renamed(program, kept, renamed)


def spread_late(program: Program) -> Program:
    """Let elementwise operations broadcast by themselves: no array is repeated in memory first.

    What is made of nothing but constants is computed now.
    """
    specs, kept = program.specs, []
    spread: dict[int, Any] = {}
    renamed: dict[int, Any] = {}
    for node in program.nodes:
        node = node.renamed(renamed)
        if node.name == "broadcast_to":
            base = node.operands[0]  # a constant 1.0 would be found as value 1
            if not _is_number(base, specs):  # which an operation would take in another dtype
                spread[node.number] = spread.get(base, base) if type(base) is Ref else base
        elif node.name in ELEMENTWISE:
            value = _constant(node, spread, specs)
            if value is not None and specs[node.number].kind == "scalar":
                renamed[node.number] = value
                continue
            if value is not None:
                spread[node.number] = value
            elif spread:
                node = _with_short_operands(node, spread, specs)
        kept.append(node)
    return _renamed(program, kept, renamed)


def _constant(node: Node, spread: dict[int, Any], specs: dict[int, Spec]) -> Any:
    """The value of an operation on constants, if every library rounds it alike; else None."""
    function = EXACT.get(node.name)
    if function is None:
        return None
    operands = [spread.get(x, x) if type(x) is Ref else x for x in node.operands]
    if not any(isinstance(x, np.floating) for x in operands) or not all(
        isinstance(x, np.floating | float | int) and type(x) is not Ref for x in operands
    ):
        return None
    with np.errstate(all="ignore"):
        value = function(*operands)
    kind = getattr(specs[node.number].dtype, "type", None)
    # where the code would warn, the replay does
    return value if type(value) is kind and np.isfinite(value) else None


def _with_short_operands(node: Node, spread: dict[int, Any], specs: dict[int, Spec]) -> Node:
    if not any([type(x) is Ref and x in spread for x in node.operands]):
        return node
    short = tuple([spread.get(x, x) if type(x) is Ref else x for x in node.operands])
    fits = _shape_of_result(short, specs) == specs[node.number].shape
    return node._replace(operands=short) if fits else node


def _is_number(x: Any, specs: dict[int, Spec]) -> bool:
    return specs[x].kind == "number" if type(x) is Ref else not hasattr(x, "shape")


ELEMENTWISE = frozenset(
    name
    for name, row in ROWS.items()
    if row.family.name == "elementwise" and name not in ("astype", "pow", "real", "imag")
)
"""Rows that take operands of several shapes; a power of one number is another function."""

EXACT = {name: OPERATORS[name] for name in ("add", "subtract", "multiply", "divide", "negative")}
"""Operations whose result IEEE 754 prescribes to the bit, for one number as for many."""

_KEPT = frozenset(("host", "call"))


def _shape_of_result(operands: tuple[Any, ...], specs: dict[int, Spec]) -> tuple[int, ...]:
    shapes = [specs[x].shape if type(x) is Ref else getattr(x, "shape", ()) for x in operands]
    return np.broadcast_shapes(*shapes)


def _renamed(program: Program, nodes: list[Node], renamed: dict[int, Any]) -> Program:
    if not renamed:
        return program.with_nodes(nodes)
    outputs = [map_refs(x, lambda ref: renamed.get(ref, ref)) for x in program.outputs]
    return program.with_nodes(nodes, outputs)


def _same_as(node: Node, specs: dict[int, Spec]) -> Any:
    """The operand that a node gives back; None if it computes something."""
    if not node.operands:
        return None
    one = node.operands[0]
    if node.name in _GIVE_BACK:
        return one if _alike(one, node, specs) and _is_trivial(node, specs) else None
    other = node.operands[1]
    if type(one) is not Ref and node.name in ("multiply", "add"):
        one, other = other, one
    if type(one) is not Ref or not _is(other, _NEUTRAL[node.name]):
        return None
    # the other part of a complex number may be inf, times 0, or -0.0, plus 0
    return one if _alike(one, node, specs) and not _is_complex(specs[one]) else None


_GIVE_BACK = frozenset(
    ("astype", "broadcast_to", "conj", "permute_dims", "positive", "real", "reshape")
)
_NEUTRAL = {"multiply": 1.0, "divide": 1.0, "pow": 1.0, "subtract": 0.0, "add": -0.0}
_MAY_GIVE_BACK = _GIVE_BACK.union(_NEUTRAL)


def _is_complex(spec: Spec) -> bool:
    return spec.dtype is complex or "complex" in str(spec.dtype)


def _is_trivial(node: Node, specs: dict[int, Spec]) -> bool:
    """Whether a row that rearranges leaves everything where it is; shape and dtype are the same."""
    if node.name == "permute_dims":
        axes = node.keywords["axes"]
        return tuple(axes) == tuple(range(len(axes)))
    return node.name not in ("conj", "real") or not _is_complex(specs[node.number])


def _alike(x: Any, node: Node, specs: dict[int, Spec]) -> bool:
    """Whether an operand has the kind, shape and dtype of the result."""
    if type(x) is not Ref:
        return node.name == "positive"
    return specs[x] == specs[node.number]


def _is(x: Any, value: float) -> bool:
    """Whether an operand is a constant of this value, an array of equal elements among them."""
    if type(x) is Ref or isinstance(x, complex | np.complexfloating):
        return False
    if isinstance(x, np.ndarray) and x.size and not any(x.strides) and not x.flags.writeable:
        x = x[(0,) * x.ndim]
    if not isinstance(x, float | int | np.floating | np.integer) or isinstance(x, bool):
        return False
    return x == value and bool(np.signbit(float(x))) == bool(np.signbit(value))


def _key_of(node: Node) -> tuple[Any, ...]:
    """What is equal for nodes that give the same to the bit."""
    key: list[Any] = [node.name]
    key += [x if type(x) is Ref else frozen(x) for x in node.operands]
    keywords = node.keywords
    for name in sorted(keywords) if len(keywords) > 1 else keywords:
        key += (name, frozen(keywords[name]))
    if node.function is not None:
        key.append(Identity(node.function))
    return tuple(key)


def frozen(x: Any) -> Any:
    """An operand or keyword as a key, equal for what is the same to the bit."""
    kind = type(x)
    if kind is Ref:
        return x
    if kind in _PLAIN:
        return (kind, x)
    if kind is tuple or kind is list:
        return (kind, *map(frozen, x))
    if kind is slice:
        return (slice, frozen(x.start), frozen(x.stop), frozen(x.step))
    if kind is float or kind is complex or isinstance(x, np.generic):
        return (kind, repr(x))  # which tells the zeros apart, and says that nan is nan
    if is_mutable(x) or not _hashable(x):
        return ("object", id(x))
    return (kind, x)


_PLAIN = frozenset((int, bool, str, bytes, type(None), type(Ellipsis)))


def _hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True
