"""Entries of kernels as builtin functions of CPython, whose machine code is made here."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from anygrad.compiler.targets.llvmlite import Code, is_usable
from anygrad.compiler.targets.native.assembly import FIELDS, NAMES, entry_text
from anygrad.compiler.targets.native.layouts import (
    ALIGNED,
    OWNED,
    WRITEABLE,
    is_as_expected,
    samples,
)
from anygrad.compiler.targets.native.plain import REFUSED_NUMBERS
from anygrad.compiler.targets.native.slots import Signature, Slot, axes_of, classes_of
from anygrad.compiler.targets.native.storage import code_for

__all__ = ["is_quick", "quick_entry", "quick_filler", "quick_matcher"]

_FASTCALL, _ONE = 0x80, 0x8
"""METH_FASTCALL and METH_O of CPython."""

_WORD = 2**64 - 1


class Descriptor(np.ndarray):
    """The ``self`` of a builtin: words that its machine code reads, and what has to stay alive.

    Attributes
    ----------
    code : Code
        The machine code of the builtin.
    method : Structure
        What CPython keeps of the function: a PyMethodDef.
    held : tuple
        All that the words, and the kernel, point to.
    """

    code: Code
    method: Any
    held: tuple[Any, ...]

    def __reduce__(self) -> Any:
        raise TypeError("entries hold addresses of this process: they cannot be pickled")

    def __reduce_ex__(self, protocol: Any) -> Any:
        """No copy in another process would be of use."""
        return self.__reduce__()


class _Method(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@functools.cache
def is_quick() -> bool:
    """Whether builtins can be made here: all that they read is where it is expected to be."""
    try:
        return is_usable() and is_as_expected() and _is_working()
    except Exception:  # whatever is different here, entries in Python do the same
        return False


def quick_entry(address: int, signature: Signature) -> Callable[..., bool | None]:
    """A builtin that calls a kernel; see `make_entry`."""
    fields = {
        "kernel": address,
        "start": signature.start & _WORD,
        "stop": signature.stop & _WORD,
        "releases": int(signature.releases),
    }
    return _taking("entry", signature, fields, {"buffer": _table(signature)})


def quick_filler(signature: Signature) -> Callable[..., bool]:
    """A builtin that fills a table; see `make_filler`."""
    shape = (len(signature.table),)
    kinds = _Kinds([(Slot("written", 0, np.dtype(np.uint64), shape), False)])
    return _taking("fill", signature, {"table_kind": kinds.addresses[0]}, {}, kinds)


def quick_matcher(
    slots: Sequence[Slot], owned: Iterable[bool], distinct: bool
) -> Callable[[Any], bool]:
    """A builtin that recognises arrays; see `make_matcher`."""
    kinds = _Kinds(zip(slots, owned, strict=True))
    fields = {"count": len(slots), "tuple_items": tuple.__basicsize__}
    held = (tuple(slots), kinds)
    if distinct:
        # at most a quarter of the slots are taken, so that few have to be looked at twice; 64 bytes
        # or more are, as they are cleared, whole lines
        bits = max(4, (4 * len(slots) - 1).bit_length())
        seen = np.zeros(1 << bits, np.uint32)
        fields["seen"], fields["seen_bytes"] = seen.ctypes.data, seen.nbytes
        fields["seen_last"], fields["seen_shift"] = len(seen) - 1, 64 - bits
        held = (*held, seen)
    return _builtin("matches", _ONE, fields, {"kinds": kinds.addresses}, held)


def _taking(
    name: str,
    signature: Signature,
    fields: dict[str, int],
    lists: dict[str, list[int]],
    *held: Any,
) -> Callable[..., Any]:
    """A builtin that takes what a signature says."""
    arrays = [k for k, slot in enumerate(signature.slots) if slot.kind != "float"]
    kinds = _Kinds((signature.slots[k], False) for k in arrays)
    rows: dict[str, list[int]] = {"numbers": [], "arrays": []}
    for k, slot in enumerate(signature.slots):
        if slot.kind == "float":
            rows["numbers"] += (8 * k, 8 * slot.place)
    for k, kind in zip(arrays, kinds.addresses, strict=True):
        rows["arrays"] += (8 * k, 8 * signature.slots[k].place, kind)
    rows["refused"] = [id(kind) for kind in REFUSED_NUMBERS]
    fields = {"count": len(signature.slots), "bytes": 8 * len(signature.table), **fields}
    lists = {"table": _table(signature), **rows, **lists}
    return _builtin(name, _FASTCALL, fields, lists, (signature, kinds, *held))


def _table(signature: Signature) -> list[int]:
    return [word & _WORD for word in signature.table]


class _Kinds:
    """What arrays have to be, as words that machine code reads; equal ones stand there once."""

    __slots__ = ("addresses", "words")

    def __init__(self, specs: Iterable[tuple[Slot, bool]]):
        words: list[int] = []
        places: dict[tuple[int, ...], int] = {}
        offsets = []
        for slot, owned in specs:
            kind = _kind(Slot(slot.kind, 0, *slot[2:]), owned)  # faster than _replace
            if kind not in places:
                places[kind] = len(words)
                words += kind
            offsets.append(places[kind])
        self.words = np.array(words, np.uint64)
        start = self.words.ctypes.data
        self.addresses = [start + 8 * offset for offset in offsets]


@functools.lru_cache(1024)
def _kind(slot: Slot, owned: bool) -> tuple[int, ...]:
    """The words of `KIND`."""
    assert slot.dtype is not None
    classes = classes_of(slot.dtype)
    flags = ALIGNED | (WRITEABLE if owned or slot.kind == "written" else 0)
    flags |= OWNED if owned else 0
    usual = np.dtype(slot.dtype.name)  # NumPy's own object, which stays
    words = [id(usual), id(classes[0]), id(classes[-1]), flags, _WORD if owned else 0]
    words.append(len(slot.shape))
    for length, stride, counted in axes_of(slot):
        words += (length, stride & _WORD, _WORD if counted else 0)
    return tuple(words)


def _builtin(
    name: str, flags: int, fields: dict[str, int], lists: dict[str, list[int]], held: tuple
) -> Callable[..., Any]:
    """A builtin function with a descriptor of its own."""
    words = np.zeros(len(FIELDS) + sum(map(len, lists.values())), np.uint64)
    fields = {**_runtime(), **fields}
    position = len(FIELDS)
    for key, values in lists.items():
        end = position + len(values)
        words[position:end] = values
        fields[key] = words.ctypes.data + 8 * position
        if f"{key}_end" in FIELDS:
            fields[f"{key}_end"] = words.ctypes.data + 8 * end
        position = end
    words[: len(FIELDS)] = [fields.get(key, 0) for key in FIELDS]
    words.flags.writeable = False  # to Python; machine code writes `busy` and `buffer`
    descriptor = words.view(Descriptor)
    descriptor.code, descriptor.held = _code(), held
    descriptor.method = _Method(name.encode(), descriptor.code.addresses[name], flags, None)
    return _new_function()(ctypes.byref(descriptor.method), descriptor, None)


@functools.cache
def _code() -> Code:
    code = code_for(entry_text(), NAMES)
    assert code is not None
    return code


@functools.cache
def _new_function() -> Any:
    kinds = (ctypes.POINTER(_Method), ctypes.py_object, ctypes.c_void_p)
    function = ctypes.PYFUNCTYPE(ctypes.py_object, *kinds)
    return function(("PyCFunction_NewEx", ctypes.pythonapi))


@functools.cache
def _runtime() -> dict[str, int]:
    """The addresses that belong to this process."""
    objects = {
        "ndarray": np.ndarray,
        "list": list,
        "tuple": tuple,
        "none": None,
        "true": True,
        "false": False,
        "type_error": TypeError,
    }
    functions = {
        "incref": "Py_IncRef",
        "save": "PyEval_SaveThread",
        "restore": "PyEval_RestoreThread",
        "as_double": "PyFloat_AsDouble",
        "occurred": "PyErr_Occurred",
        "is_error": "PyErr_ExceptionMatches",
        "clear": "PyErr_Clear",
        "no_memory": "PyErr_NoMemory",
        "malloc": "PyMem_RawMalloc",
        "free": "PyMem_RawFree",
    }
    found = {key: id(value) for key, value in objects.items()}
    for key, name in functions.items():
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        assert address
        found[key] = address
    return found


def _is_working() -> bool:
    """Try the builtins on arrays of all kinds."""
    arrays = [x for x in samples() if type(x) is np.ndarray and x.flags.aligned]
    known = [x for x in arrays if classes_of(x.dtype)]
    slots = [Slot("array", k, x.dtype, x.shape, x.strides) for k, x in enumerate(known)]
    number = Slot("float", len(slots))
    signature = Signature((*slots, number), (0,) * len(slots) + (0, 7), 0, 0, False, ())
    table = np.zeros(len(signature.table), np.uint64)
    fill = quick_filler(signature)
    pointers = [x.__array_interface__["data"][0] for x in known]
    filled = fill(table, *known, 2) is True and list(table[: len(known)]) == pointers
    filled = filled and table[-2:-1].view(np.float64)[0] == 2 and table[-1] == 7
    calls = [
        quick_entry(
            _code().addresses["trial"], signature._replace(start=start, releases=bool(start))
        )(*known, 2.0)
        for start in (0, 1)
    ]
    matcher = quick_matcher(slots, [False] * len(slots), False)
    matched = matcher(known) is True and matcher(tuple(known)) is True
    matched = matched and _tells_twins()
    return filled and calls == [None, True] and matched and all(map(_refuses_others, known, slots))


def _tells_twins() -> bool:
    """Whether an array that stands twice is noticed, and only by a matcher that is to."""
    arrays = [np.zeros(1) for _ in range(20)]
    slots, flags = [Slot("array", 0, arrays[0].dtype, (1,))] * len(arrays), [False] * len(arrays)
    apart, any_ = (quick_matcher(slots, flags, distinct) for distinct in (True, False))
    for first in range(len(arrays)):
        for second in range(first):
            twins = list(arrays)
            twins[first] = twins[second]
            if apart(twins) or not any_(twins) or not apart(arrays):
                return False
    return True


def _refuses_others(x: np.ndarray, slot: Slot) -> bool:
    """Whether what differs from an array in one thing is not taken for it."""
    raw = np.zeros(x.size * x.itemsize + 1, np.uint8)[1:]
    others: list[Any] = [
        x.view(np.recarray),
        x.astype(np.complex128),
        x[None],
        x[0, ...] if x.ndim and x.size else None,
        np.zeros((*x.shape[:-1], 7), x.dtype),
        np.zeros(x.shape, x.dtype.newbyteorder()) if x.itemsize > 1 else None,
        raw.view(x.dtype).reshape(x.shape) if x.size and x.itemsize > 1 else None,
        x.tolist(),
        None,
    ]
    if x.ndim and x.shape[0] > 1:
        others.append(np.zeros((2 * x.shape[0], *x.shape[1:]), x.dtype)[::2])
    matcher = quick_matcher([slot], [False], False)
    written = quick_matcher([slot._replace(kind="written")], [False], False)
    owned = quick_matcher([slot], [True], False)
    return (
        not any([matcher([other]) for other in others])
        and not matcher([])
        and not matcher([x, x])
        and matcher([x])
        and written([x]) == x.flags.writeable
        and owned([x]) == (x.flags.writeable and x.flags.owndata and x.base is None)
    )
