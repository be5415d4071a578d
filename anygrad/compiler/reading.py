"""What the code of a function names: globals, attributes, and the modules that it imports."""

from __future__ import annotations

import dis
import functools
import types
from typing import NamedTuple

from anygrad.tracing.rebinding.loads import AttributeLoad, GlobalLoad

__all__ = ["Names", "names_in"]


class Names(NamedTuple):
    """What a code object and the ones inside it name.

    ``globals`` are read or written, ``attributes`` of whatever object, ``modules`` imported.
    ``anything`` tells that attributes are found in a way that their names do not show, ``stores``
    that some are written, ``unseeded`` that a generator of random numbers is made from nothing;
    ``hidden`` is the builtin by which globals are found without their names, if there is one.
    """

    globals: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    anything: bool
    stores: bool
    unseeded: bool
    hidden: str


_OF_GLOBALS = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"))
_OF_ATTRIBUTES = frozenset(
    ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "STORE_ATTR", "DELETE_ATTR", "IMPORT_FROM")
)
_GENERATORS = frozenset(("default_rng", "RandomState", "Random", "SystemRandom", "SeedSequence"))
_HIDING = frozenset(("eval", "exec", "globals", "__import__", "import_module"))
_IMPORTING = frozenset(("import_module",))
_INDIRECT = frozenset(("getattr", "setattr", "hasattr", "delattr", "vars", "attrgetter"))


@functools.lru_cache(maxsize=1024)
def names_in(code: types.CodeType) -> Names:
    """Read the names off the instructions, those of functions inside included."""
    found: dict[str, set[str]] = {
        name: set() for name in ("globals", "attributes", "modules", "stored", "unseeded")
    }
    _read(code, found)
    named, attributes = found["globals"], found["attributes"]
    anything = not _INDIRECT.isdisjoint(named | attributes) or "__dict__" in attributes
    return Names(
        *(frozenset(named), frozenset(attributes), frozenset(found["modules"])),
        *(anything, bool(found["stored"]), bool(found["unseeded"])),
        next(iter(sorted(_HIDING & (named | (attributes & _IMPORTING)))), ""),
    )


def _read(code: types.CodeType, found: dict[str, set[str]]) -> None:
    called = ""
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name == "CALL" and instruction.arg == 0 and called in _GENERATORS:
            found["unseeded"].add(called)
        if name not in ("PRECALL", "CACHE", "PUSH_NULL"):
            called = str(instruction.argval)
        if name in _OF_GLOBALS:
            found["globals"].add(instruction.argval)
        elif name in _OF_ATTRIBUTES:
            found["attributes"].add(instruction.argval)
            if name in ("STORE_ATTR", "DELETE_ATTR"):
                found["stored"].add(instruction.argval)
        elif name == "IMPORT_NAME":
            found["modules"].add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _read(constant, found)
        elif type(constant) is GlobalLoad:  # of code that is rewritten for traced values
            found["globals"].add(constant.name)
        elif type(constant) is AttributeLoad:
            found["attributes"].add(constant.name)
