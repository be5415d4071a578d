"""Machine code of modules: in memory while somebody holds it, and on disk between processes.

A file is named by the hash of all that its code depends on: the text, the versions, the processor.
It begins with what it claims to hold, and a checksum; what does not verify is not run but made
anew. That protects against damage: files cut short, flipped bits, a crash in the middle. Against
other users protects what `folders` asks of the folder.

Whatever goes wrong on disk, code is made in memory, in silence: results are the same, and a warning
out of the middle of a computation would be noise.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
from collections import Counter
from contextlib import suppress
from typing import NamedTuple
from weakref import WeakValueDictionary

from anygrad.compiler.targets.llvmlite import Code, assemble, identity, load
from anygrad.compiler.targets.native.folders import FAILURES, Folder, Refusal, folder_path

__all__ = ["Statistics", "clear", "code_for", "statistics"]

VERSION = 1
"""Of the files, and of how code is made from text: a new one for either makes all code anew."""

CHECKED = 64
"""One of so many files, by its name, looks at the size of the folder when it is written."""

_MAGIC = b"anygradK"
_HEADER = struct.Struct("<8sI32sQ32s")  # magic, version, key, length, checksum


class Statistics(NamedTuple):
    """How often, in this process, code came from where.

    Attributes
    ----------
    made : int
        Compiled here.
    loaded : int
        Read from disk.
    refused : int
        Files or folders on disk that were not trusted.
    shared : int
        There already, in memory, or just being made by another thread.
    """

    made: int
    loaded: int
    refused: int
    shared: int


class _Making:
    """What one thread makes, and others wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.code: Code | None = None


_Key = tuple[str, tuple[str, ...]]

_lock = threading.Lock()
_codes: WeakValueDictionary[_Key, Code] = WeakValueDictionary()
_making: dict[_Key, _Making] = {}
_counts: Counter[str] = Counter()


def code_for(text: str, names: tuple[str, ...] = ("kernel",), wait: bool = True) -> Code | None:
    """The machine code of a module: from memory, from disk, or made now.

    Threads that ask for the same at once wait for the first of them.

    Parameters
    ----------
    text : str
        The module, in LLVM's language.
    names : tuple of str
        Its functions whose addresses are wanted.
    wait : bool
        Whether to make it if it is nowhere, or wait for the thread that does.

    Returns
    -------
    Code or None
        One object as long as somebody holds it; None if it is not there and not waited for.

    Raises
    ------
    RuntimeError
        If the text is no module, or has no function of that name.
    """
    digest = hashlib.sha256("\0".join([str(VERSION), identity(), text]).encode()).hexdigest()
    key = (digest, tuple(names))
    while True:
        with _lock:
            code, making = _codes.get(key), _making.get(key)
            if code is None and making is None:
                making = _making[key] = _Making()
                break
        if code is None and making is not None:
            if not wait:
                return None
            making.done.wait()
            code = making.code
        if code is not None:  # else the other thread failed or did not wait: try it here
            _count("shared")
            return code
    try:
        code = making.code = _find(text, digest, key[1], wait)
        return code
    finally:
        with _lock:
            if code is not None:
                _codes[key] = code
            _making.pop(key, None)
        making.done.set()


def statistics() -> Statistics:
    """How often, in this process, code came from where."""
    with _lock:
        return Statistics(*(_counts[name] for name in Statistics._fields))


def clear() -> int:
    """Remove the files of the cache, and none but its own; gives how many they were."""
    try:
        folder = Folder(folder_path())
    except FAILURES:
        return 0
    with folder, suppress(OSError):
        return sum(folder.remove(name) for name in folder.names())
    return 0


def _find(text: str, digest: str, names: tuple[str, ...], wait: bool) -> Code | None:
    kept = _read(digest)
    if kept is None and not wait:
        return None
    data = assemble(text) if kept is None else kept
    code = load(data, names)
    if kept is None:
        _write(digest, data)
    _count("made" if kept is None else "loaded")
    return code


def _count(name: str) -> None:
    with _lock:
        _counts[name] += 1


def _read(digest: str) -> bytes | None:
    """The object file of a key, verified; None if there is none to be trusted."""
    try:
        with Folder(folder_path()) as folder:
            return _verified(folder.read(f"{digest}.o"), digest)
    except Refusal:
        _count("refused")
    except FAILURES:
        pass
    return None


def _write(digest: str, data: bytes) -> None:
    """Keep an object file if that is possible."""
    parts = (_MAGIC, VERSION, bytes.fromhex(digest), len(data), hashlib.sha256(data).digest())
    with suppress(*FAILURES):
        path = folder_path()
        os.makedirs(path, mode=0o700, exist_ok=True)
        with Folder(path) as folder:
            folder.write(digest, _HEADER.pack(*parts) + data)
            if int(digest, 16) % CHECKED == 0:
                folder.trim()


def _verified(content: bytes, digest: str) -> bytes:
    if len(content) < _HEADER.size:
        raise Refusal("a file is cut short")
    magic, version, key, length, checksum = _HEADER.unpack_from(content)
    data = content[_HEADER.size :]
    if (magic, version, key.hex()) != (_MAGIC, VERSION, digest):
        raise Refusal("a file holds something else")
    if len(data) != length or hashlib.sha256(data).digest() != checksum:
        raise Refusal("a file is damaged")
    return data


def _renew() -> None:
    """In a forked process no thread is making anything, and nobody holds the lock."""
    global _lock
    _lock = threading.Lock()
    _making.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
