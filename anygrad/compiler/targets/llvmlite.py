"""Machine code from LLVM's text: the only file that imports llvmlite.

Nothing of it is imported before the first kernel is made.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import threading
from typing import Any

__all__ = ["Code", "assemble", "identity", "is_usable", "load", "reason_against"]

_LOCK = threading.Lock()
"""LLVM is not asked to do two things at once."""
_NUMBERS = itertools.count()


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
    known = (llvmlite.__version__, llvm.llvm_version_info, machine.triple, name, features.flatten())
    return llvm, machine, why or "\n".join(map(str, ("", *known)))


def _target_machine(llvm: Any) -> tuple[Any, str, Any]:
    """A machine that makes code for this processor, with its name and its features."""
    name, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=2, cpu=name, features=features.flatten(), jit=True)
    return machine, name, features


def is_usable() -> bool:
    """Whether kernels can be made here, llvmlite being there and the processor fit; imports it."""
    return not reason_against() and _machine()[2].startswith("\n")


@functools.cache
def identity() -> str:
    """What code depends on besides its text: the versions, the processor and its features."""
    return _machine()[2]


def assemble(text: str) -> bytes:
    """The object file of a module."""
    with _LOCK:
        llvm, machine, _ = _machine()
        module = llvm.parse_assembly(text)
        module.triple, module.data_layout = machine.triple, str(machine.target_data)
        return machine.emit_object(module)


def load(data: bytes, names: tuple[str, ...]) -> Code:
    """Put an object file into memory, and find functions of it."""
    with _LOCK:
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
