"""Machine code of modules: in memory while somebody holds it, and on disk between processes.

A file is named by the hash of all that its code depends on: the text, the versions, the processor.
It begins with what it claims to hold, and a checksum; what does not verify is not run but made
anew. What protects against what:

- The checksum, against damage: files cut short, flipped bits, a crash in the middle.
- Owners and modes, against other users: folder and file have to belong to this user, and nobody
  else may write them. Both are looked at through the open descriptor, which is then used, so that
  nothing can be put in their place in between; a link in place of a file is not followed. Windows
  has no such modes: there the folder is where only the user writes unless told otherwise.
- Absolute paths, and none from a settings file, against the folder that one works in: who unpacks
  somebody's project and starts Python there must not run machine code out of it.
- Nothing, against processes of the same user, which can do everything anyway.

Whatever goes wrong on disk, code is made in memory, in silence: results are the same, and a warning
out of the middle of a computation would be noise. `find_folder` says why nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import struct
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from anygrad.compiler.targets.llvmlite import Code, assemble, identity, load
from anygrad.config import origins, settings

__all__ = ["Statistics", "clear", "code_for", "find_folder", "statistics"]

VERSION = 1
"""Of the files, and of how code is made from text: a new one for either makes all code anew."""

MOST_BYTES, MOST_FILES = 256 << 20, 20_000
"""When there is more, the least recently used files go, until three quarters of it are left."""

CHECKED = 64
"""One of so many files, by its name, looks at the size of the folder when it is written."""

DAY, HOUR = 86_400.0, 3_600.0

_MAGIC = b"anygradK"
_HEADER = struct.Struct("<8sI32sQ32s")  # magic, version, key, length, checksum
_NAME = re.compile(r"[0-9a-f]{64}\.o")
_TEMPORARY = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tmp")
_OWNED = hasattr(os, "geteuid")  # not so on Windows
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


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


class _NoFolder(Exception):
    """Nothing is to be kept on disk; says why."""


class _Refusal(Exception):
    """What is on disk is not to be trusted; says why."""


_FAILURES = (OSError, ValueError, _NoFolder, _Refusal)
"""Of everything on disk; no path and no folder is worth an error."""


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


def find_folder() -> tuple[str, str]:
    """The folder of the files, and why it is not used; the latter is empty if it is.

    Nothing is made; a folder that is not there yet counts as used.
    """
    path = ""
    try:
        path = _path()
        _Folder(path).close()
    except FileNotFoundError:
        return path, "" if os.access(_existing(path), os.W_OK) else "it cannot be made"
    except _FAILURES as error:
        return path, str(error)
    return path, ""


def clear() -> int:
    """Remove the files of the cache, and none but its own; gives how many they were."""
    try:
        folder = _Folder(_path())
    except _FAILURES:
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


def _path() -> str:
    """The folder that the settings name, if they name one from where code may come."""
    asked = settings().kernel_cache
    if asked == "off":
        raise _NoFolder("the setting kernel_cache is off")
    if asked and origins()["kernel_cache"].startswith("file"):
        # a project of somebody else may bring that file, and a folder of machine code with it
        raise _NoFolder("the setting kernel_cache names a folder only from outside settings files")
    path = os.path.expanduser(asked or _usual())
    if not os.path.isabs(path):
        raise _NoFolder(f"{path!r} is no absolute path" if path else "the system names no folder")
    if not asked and _OWNED and os.geteuid() == 0 != os.stat(_existing(path)).st_uid:
        raise _NoFolder("root would make it in the folder of another user")
    return path


def _usual() -> str:
    """Where programs of this system keep what they can make again; empty if it does not say."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # as the standard of that variable has it
            base = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return os.path.join(base, "anygrad", "kernels") if base else ""


def _existing(path: str) -> str:
    """The innermost folder of a path that is there."""
    while not os.path.exists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def _read(digest: str) -> bytes | None:
    """The object file of a key, verified; None if there is none to be trusted."""
    try:
        with _Folder(_path()) as folder:
            return _verified(folder.read(f"{digest}.o"), digest)
    except _Refusal:
        _count("refused")
    except _FAILURES:
        pass
    return None


def _write(digest: str, data: bytes) -> None:
    """Keep an object file if that is possible."""
    parts = (_MAGIC, VERSION, bytes.fromhex(digest), len(data), hashlib.sha256(data).digest())
    with suppress(*_FAILURES):
        path = _path()
        os.makedirs(path, mode=0o700, exist_ok=True)
        with _Folder(path) as folder:
            folder.write(digest, _HEADER.pack(*parts) + data)
            if int(digest, 16) % CHECKED == 0:
                folder.trim()


def _verified(content: bytes, digest: str) -> bytes:
    if len(content) < _HEADER.size:
        raise _Refusal("a file is cut short")
    magic, version, key, length, checksum = _HEADER.unpack_from(content)
    data = content[_HEADER.size :]
    if (magic, version, key.hex()) != (_MAGIC, VERSION, digest):
        raise _Refusal("a file holds something else")
    if len(data) != length or hashlib.sha256(data).digest() != checksum:
        raise _Refusal("a file is damaged")
    return data


def _check_owner(found: os.stat_result, what: str) -> None:
    if not _OWNED:
        return
    if found.st_uid != os.geteuid():
        raise _Refusal(f"{what} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _Refusal(f"{what} can be written by others")


class _Folder:
    """The folder while it is open: its files are reached by its descriptor, so they are in it."""

    def __init__(self, path: str):
        # Windows opens no folders: there files are reached by their paths
        self.path, self.fd = path, None
        if os.open not in os.supports_dir_fd:
            return
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _check_owner(os.fstat(self.fd), "the folder")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> _Folder:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd is not None:
            os.close(self.fd)

    def read(self, name: str) -> bytes:
        """The content of a file that belongs to the user; it is marked as used."""
        # without O_NONBLOCK a named pipe in its place would never be opened
        flags = os.O_RDONLY | _SAFE | getattr(os, "O_NONBLOCK", 0)
        try:
            fd = os.open(self._at(name), flags, dir_fd=self.fd)
        except FileNotFoundError:
            raise
        except OSError as error:  # a link, a socket, a file that others lock
            raise _Refusal(f"a file cannot be opened: {error}") from error
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                raise _Refusal("a file is none of the cache")
            _check_owner(found, "a file")
            content = file.read(found.st_size + 1)
            if abs(time.time() - found.st_mtime) > DAY:
                with suppress(OSError):
                    os.utime(fd if os.utime in os.supports_fd else self._at(name))
        return content

    def write(self, digest: str, content: bytes) -> None:
        """Put a file in the place of whatever has its name; readers see the old one or the new."""
        name = f"{digest}.{secrets.token_hex(8)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
        fd = os.open(self._at(name), flags, 0o600, dir_fd=self.fd)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
            there = self._at(f"{digest}.o")
            os.replace(self._at(name), there, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        except BaseException:
            self.remove(name)
            raise

    def remove(self, name: str) -> bool:
        """Whether a file could be removed; another process may have done it."""
        try:
            os.unlink(self._at(name), dir_fd=self.fd)
        except OSError:
            return False
        return True

    def names(self) -> list[str]:
        """The files of the cache, those half written among them, and no others."""
        found = os.listdir(self.path if self.fd is None else self.fd)
        return [x for x in found if _NAME.fullmatch(x) or _TEMPORARY.fullmatch(x)]

    def trim(self) -> None:
        """Remove what dead processes left half written, and what was not used for longest."""
        whole, now = [], time.time()
        for name in self.names():
            with suppress(FileNotFoundError):  # another process may do the same now
                found = os.stat(self._at(name), dir_fd=self.fd, follow_symlinks=False)
                if _NAME.fullmatch(name):
                    whole.append((found.st_mtime, found.st_size, name))
                elif now - found.st_mtime > HOUR:
                    self.remove(name)
        files, size = len(whole), sum(bytes_of for _, bytes_of, _ in whole)
        if files <= MOST_FILES and size <= MOST_BYTES:
            return
        for _, bytes_of, name in sorted(whole):
            if files <= MOST_FILES * 3 // 4 and size <= MOST_BYTES * 3 // 4:
                return
            self.remove(name)
            files, size = files - 1, size - bytes_of

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name) if self.fd is None else name


def _renew() -> None:
    """In a forked process no thread is making anything, and nobody holds the lock."""
    global _lock
    _lock = threading.Lock()
    _making.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
