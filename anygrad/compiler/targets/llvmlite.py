"""Machine code from LLVM's text: the only file that imports llvmlite.

Nothing of it is imported before the first kernel is made.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import threading
from typing import Any

__all__ = ["Code", "assemble", "described", "identity", "is_usable", "load", "reason_against"]

_LOCK, _LINKING = threading.RLock(), threading.RLock()
"""Text is compiled, and code is linked, by one thread at a time."""
_NUMBERS = itertools.count()
LEVEL = 2
"""Of LLVM's code generator; nothing else of it changes what is written."""


class Code:
    """Machine code in memory, which stays there as long as this object does.

    Attributes
    ----------
    library : ResourceTracker
        What holds it.
    addresses : dict
        Where the functions begin, by name.
    """

    __slots__ = ("__weakref__", "addresses", "library")

    def __init__(self, library: Any, addresses: dict[str, int]):
        self.library, self.addresses = library, addresses


@functools.cache
def reason_against() -> str:
    """Why kernels cannot be made; empty if they can. Cheap: nothing is imported for it."""
    if importlib.util.find_spec("llvmlite") is None:
        return "llvmlite is not installed"
    return ""


@functools.cache
def _machine() -> tuple[Any, Any, str]:
    """llvmlite, the machine that code is made for, and why it is not usable."""
    import llvmlite
    import llvmlite.binding as llvm

    for name in ("initialize_native_target", "initialize_native_asmprinter"):
        getattr(llvm, name)()
    machine, name, features = _target_machine(llvm)
    why = ""
    if str(machine.triple).split("-")[0] in ("x86_64", "i686") and not features.get("fma"):
        why = "this processor joins no multiplication with an addition (fma)"
    version = llvmlite.__version__  # type: ignore[attr-defined]
    known = (version, llvm.llvm_version_info, machine.triple, name, features.flatten())
    known = (*known, f"opt={LEVEL}")
    return llvm, machine, why or "\n".join(map(str, ("", *known)))


def _target_machine(llvm: Any) -> tuple[Any, str, Any]:
    """A machine that makes code for this processor, with its name and its features."""
    name, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        opt=LEVEL, cpu=name, features=features.flatten(), jit=True
    )
    return machine, name, features


def is_usable() -> bool:
    """Whether kernels can be made here, llvmlite being there and the processor fit; imports it."""
    return not reason_against() and _machine()[2].startswith("\n")


@functools.cache
def identity() -> str:
    """What code depends on besides its text: the versions, the processor and its features."""
    return _machine()[2]


def described() -> str:
    """The versions and the processor in a few words; or why there are no kernels."""
    why = reason_against()
    if why:
        return f"none: {why}"
    known = identity().split("\n")
    if known[0]:
        return f"none: {known[0]}"
    version, compiler, _, processor = known[1:5]
    numbers = ".".join(compiler.strip("()").split(", "))
    return f"llvmlite {version}, LLVM {numbers}, processor {processor}"


def assemble(text: str) -> bytes:
    """The object file of a module."""
    with _LOCK:
        llvm, machine, _ = _machine()
        module = llvm.parse_assembly(text)
        module.verify()  # what is not well-formed would end the process in the code generator
        module.triple, module.data_layout = machine.triple, str(machine.target_data)
        return machine.emit_object(module)


def load(data: bytes, names: tuple[str, ...]) -> Code:
    """Put an object file into memory, and find functions of it."""
    with _LINKING:
        llvm, linker = _linker()
        builder = llvm.JITLibraryBuilder().add_object_img(data).add_current_process()
        for name in names:
            builder = builder.export_symbol(name)
        library = builder.link(linker, f"anygrad.{next(_NUMBERS)}")
        return Code(library, {name: library[name] for name in names})


@functools.cache
def _linker() -> tuple[Any, Any]:
    """llvmlite, and what links all object files of this process."""
    llvm = _machine()[0]
    return llvm, llvm.create_lljit_compiler(_target_machine(llvm)[0])


def _renew() -> None:
    """In a child, where a thread that held a lock is no more."""
    global _LOCK, _LINKING
    _LOCK, _LINKING = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
