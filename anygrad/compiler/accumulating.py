"""Passes that shorten what derivatives repeat: parts added up one by one, and shares at ties."""

from __future__ import annotations

from typing import Any

from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.ops.indexing import is_basic
from anygrad.tracing.lookup import OPERATORS
from anygrad.tracing.plain import names_of_array

__all__ = ["Sum", "accumulate", "share"]


class Sum:
    """What a ``call`` node calls to add arrays to parts of one array, one after the other.

    Attributes
    ----------
    keys : tuple
        The part to which each of the arrays is added; None for an array that is the whole one.
    shape : tuple of int
        The shape of the whole.
    """

    __name__ = __qualname__ = "add_to_parts"

    def __init__(self, keys: tuple[Any, ...], shape: tuple[int, ...]):
        self.keys, self.shape = keys, shape

    def __call__(self, parts: Any) -> Any:
        """The sum; in one array where such can be written."""
        xp = names_of_array(parts[0])
        total: Any = None
        own = False
        for part, key in zip(parts, self.keys, strict=True):
            if key is not None and own and xp.writable:
                total[key] += part
                continue
            added = part if key is None else xp.scatter(part, key=key, shape=self.shape)
            own = total is not None or key is not None
            total = added if total is None else OPERATORS["add"](total, added)
        return total


def accumulate(program: Program) -> Program:
    """Add what belongs to parts of an array in place: n reads of parts cost n, not n times all.

    The order of the additions stays, and with it every bit: after the first one no element is a
    negative zero, the only number that adding the zeros elsewhere would change.
    """
    specs, made = program.specs, {int(node.number): node for node in program.nodes}
    uses = _count(program)
    chains: dict[int, list[tuple[Any, Any]]] = {}
    for node in program.nodes:
        if node.name != "add" or node.keywords or not all(type(x) is Ref for x in node.operands):
            continue
        a, b = node.operands
        pieces = [_piece(x, node, made, specs, uses) for x in (a, b)]
        if pieces[0] is None and pieces[1] is not None and a in chains and uses[a] == 1:
            chains[node.number] = chain = chains.pop(a)
            chain.append(pieces[1])
        elif pieces[1] is None and pieces[0] is not None and b in chains and uses[b] == 1:
            chains[node.number] = chain = chains.pop(b)
            chain.append(pieces[0])
        elif (pieces[0] or pieces[1]) and specs[a] == specs[b] == specs[node.number]:
            chains[node.number] = [p or (x, None) for p, x in zip(pieces, (a, b), strict=True)]
    long = {n: chain for n, chain in chains.items() if len(chain) > 2}
    kept = []
    for node in program.nodes:
        chain = long.get(node.number)
        if chain is not None:
            call = Sum(tuple([key for _, key in chain]), specs[node.number].shape)
            node = Node(node.number, "call", tuple([x for x, _ in chain]), {}, call, node.line)
        kept.append(node)
    return program.with_nodes(kept) if long else program


def share(program: Program) -> Program:
    """Write ``(a > b) + 0.5 (a == b)`` as a choice: derivatives of extremes give ties a half."""
    made = {int(node.number): node for node in program.nodes}
    kept = []
    for node in program.nodes:
        parts = _share_of(node, made, program.specs)
        kept.append(node if parts is None else node._replace(name="where", operands=parts))
    return program.with_nodes(kept)


def _share_of(node: Node, made: dict[int, Node], specs: dict[int, Spec]) -> Any:
    if node.name != "add" or specs[node.number].kind != "array":
        return None
    wins, half = [made.get(x) if type(x) is Ref else None for x in node.operands]
    if wins is None or half is None or half.name != "multiply" or wins.name != "astype":
        return None
    factor, ties = half.operands
    ties = made.get(ties) if type(ties) is Ref else None
    if type(factor) is not float or factor != 0.5 or ties is None or ties.name != "astype":
        return None
    if specs[ties.number].dtype != specs[node.number].dtype:
        return None
    asked = [x.operands[0] for x in (wins, ties)]
    won, tied = [made.get(x) if type(x) is Ref else None for x in asked]
    if won is None or tied is None or tied.name != "equal":
        return None
    if not all(map(_same, won.operands, tied.operands)):
        return None
    if won.name not in ("greater", "less") or specs[wins.number] != specs[node.number]:
        return None
    return (tied.number, 0.5, wins.number)


def _same(a: Any, b: Any) -> bool:
    """Whether two operands are the same value, or the same constant."""
    return a is b or (type(a) is type(b) and type(a) in (Ref, int, float) and a == b)


def _count(program: Program) -> dict[int, int]:
    """By number, how often a value is read or returned."""
    uses = {n: len(nodes) for n, nodes in program.users().items()}
    for x in program.outputs:
        if type(x) is Ref:
            uses[int(x)] = uses.get(int(x), 0) + 1
    return uses


def _piece(
    x: Ref, total: Node, made: dict[int, Node], specs: dict[int, Spec], uses: dict[int, int]
) -> tuple[Any, Any] | None:
    """What a value adds and where, if it is zero elsewhere and nothing else needs it."""
    node = made.get(x)
    if node is None or node.name != "scatter" or uses[x] != 1:
        return None
    key, added = node.keywords["key"], node.operands[0]
    if not is_basic(key) or specs[x] != specs[total.number] or type(added) is not Ref:
        return None
    parts = key if type(key) is tuple else (key,)
    if any(part is None for part in parts) or specs[added].kind == "number":
        return None
    return (added, key)
