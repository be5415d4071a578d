"""A copy of a code object in which loads of names and attributes ask for traced twins.

Nothing moves: a load is overwritten in place, inside its own bytes (the interpreter leaves room
behind each for a cache), so jumps, exception tables and line numbers stay what they were. Globals
are still read from the user's own module when the line runs, and closure cells are shared. The copy
depends on the code alone, so it is made once and kept as long as the code lives.

    LOAD_GLOBAL helper        LOAD_CONST <load of helper>; UNARY_INVERT
    LOAD_ATTR zeros           LOAD_CONST <load of .zeros>; SWAP; BINARY_OP @
    PUSH_NULL (before f(x))   LOAD_CONST <call>, which is thereby called with f and x

Two operators that nobody defines on constants carry the loads: they are the shortest way from
bytecode to a Python function.
"""

from __future__ import annotations

import dis
import sys
import types
import weakref
from typing import Any, NamedTuple

from anygrad.tracing.rebinding.loads import (
    AttributeLoad,
    GlobalLoad,
    call_twin,
    twin_module,
)
from anygrad.tracing.rebinding.names import (
    ARRAY_MODULES,
    QUICK_BUILTINS,
    QUICK_FUNCTIONS,
    QUICK_METHODS,
    TWIN_VALUES,
)

MARK = "rebound by anygrad"

_LOAD_CONST, _SWAP, _NOP = dis.opmap["LOAD_CONST"], dis.opmap["SWAP"], dis.opmap["NOP"]
_EXTENDED, _PUSH_NULL = dis.opmap["EXTENDED_ARG"], dis.opmap["PUSH_NULL"]
_INVERT, _OPERATE = dis.opmap["UNARY_INVERT"], dis.opmap["BINARY_OP"]
# since 3.13 the mark of a plain call lies above the function on the stack, before it lay below
_NULL_ABOVE = sys.version_info >= (3, 13)


class Site(NamedTuple):
    """One load: its bytes from ``start`` to ``end``, what it loads and how it is used.

    ``marked`` loads put the mark of a plain call on the stack, too; what is ``called`` may have got
    it from elsewhere.
    """

    start: int
    end: int
    kind: str
    name: str
    called: bool = False
    marked: bool = False
    receiver: str | None = None
    line: int = 0


def _matmul_units() -> tuple[int, int]:
    """The argument of the operator @ and how many units its cache takes, as this Python has it."""
    found = list(dis.get_instructions(compile("a @ b", "", "eval")))
    at = next(k for k, step in enumerate(found) if step.opname == "BINARY_OP")
    return found[at].arg or 0, (found[at + 1].offset - found[at].offset) // 2 - 1


_MATMUL, _MATMUL_CACHE = _matmul_units()


class _Made(NamedTuple):
    """What is known of a code object, by identity, as code compares by content.

    ``copy`` is None for the code itself, which an entry must not keep alive.
    """

    code: weakref.ref[types.CodeType]
    copy: types.CodeType | None
    assigned: frozenset[str]


_made: dict[int, _Made] = {}


def is_rewritten(code: types.CodeType) -> bool:
    """Whether a code object was made here."""
    return bool(code.co_consts) and code.co_consts[-1] is MARK


def rewrite(code: types.CodeType) -> types.CodeType:
    """The copy of a code object; the code itself where nothing in it could meet a traced value."""
    return _known(code).copy or code


def assigned_variables(code: types.CodeType) -> frozenset[str]:
    """The variables of outer functions that a function, or one inside it, assigns to."""
    return _known(code).assigned


def _known(code: types.CodeType) -> _Made:
    key = id(code)
    known = _made.get(key)
    if known is not None and known.code() is code:
        return known
    copy = code if is_rewritten(code) else _copy(code)

    def forget(_: Any, key: int = key, pop: Any = _made.pop) -> None:
        pop(key, None)  # bound here: at the end of the interpreter globals are gone

    known = _Made(weakref.ref(code, forget), None if copy is code else copy, _assigned(code))
    _made[key] = known
    return known


def _assigned(code: types.CodeType) -> frozenset[str]:
    own = {
        step.argval
        for step in dis.get_instructions(code)
        if step.opname in ("STORE_DEREF", "DELETE_DEREF") and step.argval in code.co_freevars
    }
    for const in code.co_consts:
        if type(const) is types.CodeType:
            own |= assigned_variables(const) & {*code.co_freevars}
    return frozenset(own)


def sites(code: types.CodeType) -> list[Site]:
    """The loads of a code object that are replaced; nested functions have their own."""
    steps = list(dis.get_instructions(code))
    found = []
    for k, step in enumerate(steps):
        if step.opname == "PUSH_NULL":
            site = _call_site(steps, k)
            if site is not None:
                found.append(site)
        if step.opname not in ("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "IMPORT_NAME"):
            continue
        first = k
        while first and steps[first - 1].opcode == _EXTENDED:
            first -= 1
        end = steps[k + 1].offset if k + 1 < len(steps) else len(code.co_code)
        before = steps[:first]
        after = steps[k + 1].opname if k + 1 < len(steps) else ""
        site = _site(step, before, after, steps[first].offset, end)
        if site is not None:
            line = step.positions.lineno if step.positions else None
            found.append(site._replace(line=line or code.co_firstlineno))
    return found


def _site(step: Any, before: list[Any], after: str, start: int, end: int) -> Site | None:
    """The load as a site, or None where it is left alone."""
    name = step.argval
    if step.opname == "IMPORT_NAME":  # from math import sin: 0 and ("sin",) were loaded before
        named = before[-2].argval == 0 and type(before[-1].argval) is tuple
        return Site(start, end, "import", name) if named else None
    marked = bool(step.arg & 1)
    if step.opname == "LOAD_GLOBAL":
        if name in QUICK_BUILTINS or after in ("LOAD_ATTR", "LOAD_METHOD", "EXTENDED_ARG"):
            return None
        # super is called by an instruction of its own since 3.12
        return Site(start, end, "global", name, marked or name == "super", marked)
    if sys.version_info < (3, 12):
        marked = step.opname == "LOAD_METHOD"
    receiver = _receiver(before[-1])
    called = marked or after == "PUSH_NULL"
    if not called and after not in ("LOAD_ATTR", "LOAD_METHOD"):
        called = _is_marked_below(before)
    if _is_quick(name, called, receiver):
        return None
    return Site(start, end, "attribute", name, called, marked, receiver)


def _is_marked_below(before: list[Any]) -> bool:
    """Whether a chain of attributes began with the mark of a call.

    It does in ``module.f(x)`` where the module is imported at the top of the file.
    """
    for step in reversed(before):
        if step.opname == "LOAD_GLOBAL":
            return bool(step.arg & 1)
        if step.opname not in ("LOAD_ATTR", "EXTENDED_ARG"):
            return False
    return False


_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
_VARIABLES = ("LOAD_FAST", "LOAD_DEREF", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW")


def _call_site(steps: list[Any], k: int) -> Site | None:
    """The call of something that is no global and no attribute: a variable, an element."""
    line = steps[k].positions.lineno or 0
    start, end = steps[k].offset, steps[k].offset + 2
    if not _NULL_ABOVE:
        if _calls_a_quick_one(steps[k + 1 : k + 4]) or not _is_plain_call(steps, k):
            return None
        return Site(start, end, "call", "", line=line)
    before = steps[k - 1]
    if before.opname not in _VARIABLES or before.offset != start - 2 or before.arg > 255:
        return None
    if (k > 1 and steps[k - 2].opcode == _EXTENDED) or not _is_plain_call(steps, k):
        return None
    return Site(start - 2, end, "call", str(before.argval), line=line)


def _calls_a_quick_one(steps: list[Any]) -> bool:
    """Whether it is ``np.sin(x)`` with a variable ``np``.

    It has the mark of a call instead of a method's where the file imports a module of that name.
    """
    if len(steps) < 3 or not steps[0].opname.startswith("LOAD_FAST"):
        return False
    _, load, after = steps
    named = load.opname == "LOAD_ATTR" and after.opname not in ("LOAD_ATTR", "LOAD_METHOD")
    return named and _is_quick(load.argval, True, _receiver(steps[0]))


def _is_plain_call(steps: list[Any], k: int) -> bool:
    """Whether the mark at ``k`` belongs to a call ``f(a, b, c=d)``, without stars and branches."""
    depth = 2 if _NULL_ABOVE else 1  # with the function, where it lies below the mark
    for step in steps[k + 1 :]:
        if step.opname in ("CALL", "PRECALL", "CALL_KW"):
            if depth == (step.arg or 0) + 2 + (step.opname == "CALL_KW"):
                return True
        elif step.opcode in _JUMPS or (step.opname == "CALL_FUNCTION_EX" and depth <= 4):
            return False
        argument = step.arg if step.opcode >= dis.HAVE_ARGUMENT else None
        depth += dis.stack_effect(step.opcode, argument, jump=False)
        if depth < 1:
            return False
    return False


def _receiver(before: Any) -> str | None:
    """The name of what an attribute is read from, where it was loaded just before."""
    if before is None or not before.opname.startswith(("LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF")):
        return None
    name = before.argval[-1] if type(before.argval) is tuple else before.argval
    return f"global {name}" if before.opname == "LOAD_GLOBAL" else str(name)


def _is_quick(name: str, called: bool, receiver: str | None) -> bool:
    """Whether an attribute is none that could have a twin, as far as names tell."""
    if receiver == "self":
        return False
    if name in TWIN_VALUES:
        return False
    module = receiver is not None and receiver.startswith("global ")
    if receiver is not None and receiver.removeprefix("global ") in ARRAY_MODULES:
        return not called or name in QUICK_FUNCTIONS
    if module:
        return False
    return not called or name in QUICK_METHODS


def _copy(code: types.CodeType) -> types.CodeType:
    found = sites(code)
    nested = {
        k: rewrite(const) for k, const in enumerate(code.co_consts) if type(const) is types.CodeType
    }
    if not found and all(code.co_consts[k] is made for k, made in nested.items()):
        return code
    consts: list[Any] = [nested.get(k, const) for k, const in enumerate(code.co_consts)]
    names, bytecode = list(code.co_names), bytearray(code.co_code)
    call = len(consts)
    consts.append(call_twin)
    for site in found:
        if site.kind == "call":
            if call < 256:  # one instruction without room for a longer number
                # where the mark lay above the variable, the variable moves there
                kept = bytecode[site.start : site.end - 2]
                bytecode[site.start : site.end] = bytes((_LOAD_CONST, call)) + kept
            continue
        if site.kind == "import":
            _import_twin(bytecode, site, names)
            continue
        load = GlobalLoad if site.kind == "global" else AttributeLoad
        steps = _steps(len(consts), site)
        if len(steps) * 2 > site.end - site.start:
            continue  # no room: the load stays, and a traced value that needs it raises
        consts.append(load(site.name, site.called))
        steps += [(_NOP, 0)] * ((site.end - site.start) // 2 - len(steps))
        bytecode[site.start : site.end] = bytes(byte for step in steps for byte in step)
    return code.replace(
        co_code=bytes(bytecode),
        co_consts=(*consts, MARK),
        co_names=tuple(names),
        co_stacksize=code.co_stacksize + 2,
    )


def _steps(const: int, site: Site) -> list[tuple[int, int]]:
    """The instructions that take the place of a load."""
    load = [(_LOAD_CONST, const & 255)]
    while const > 255:
        const >>= 8
        load.insert(0, (_EXTENDED, const & 255))
    if site.kind == "global":
        steps = [*load, (_INVERT, 0)]
    else:
        steps = [*load, (_SWAP, 2), (_OPERATE, _MATMUL), *[(0, 0)] * _MATMUL_CACHE]
    if not site.marked:
        return steps
    if _NULL_ABOVE:
        return [*steps, (_PUSH_NULL, 0)]
    if site.kind == "global":
        return [(_PUSH_NULL, 0), *steps]
    return [*steps, (_PUSH_NULL, 0), (_SWAP, 2)]


def _import_twin(bytecode: bytearray, site: Site, names: list[str]) -> None:
    """Let ``from math import sin`` inside a function import from the twin of the module."""
    if len(names) > 255 or site.end - site.start != 2:
        return
    bytecode[site.start + 1] = len(names)
    names.append(twin_module(site.name))
