"""The folder of the files of machine code: where it is, and what of it is trusted.

What protects against what:

- Owners and modes, against other users: folder and file have to belong to this user, and nobody
  else may write them. Both are looked at through the open descriptor, which is then used, so that
  nothing can be put in their place in between; a link in place of a file is not followed. Windows
  has no such modes: there the folder is where only the user writes unless told otherwise.
- Absolute paths, and none from a settings file, against the folder that one works in: who unpacks
  somebody's project and starts Python there must not run machine code out of it.
- Nothing, against processes of the same user, which can do everything anyway.

Against damage there is the checksum of `storage`. `find_folder` says why nothing is kept.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
import time
from contextlib import suppress
from typing import Any

from anygrad.config import origins, settings

__all__ = ["FAILURES", "Folder", "Refusal", "find_folder", "folder_path"]

MOST_BYTES, MOST_FILES = 256 << 20, 20_000
"""When there is more, the least recently used files go, until three quarters of it are left."""

DAY, HOUR = 86_400.0, 3_600.0

_NAME = re.compile(r"[0-9a-f]{64}\.o")
_TEMPORARY = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tmp")
_OWNED = hasattr(os, "geteuid")  # not so on Windows
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class _NoFolder(Exception):
    """Nothing is to be kept on disk; says why."""


class Refusal(Exception):
    """What is on disk is not to be trusted; says why."""


FAILURES = (OSError, ValueError, _NoFolder, Refusal)
"""Of everything on disk; no path and no folder is worth an error."""


def find_folder() -> tuple[str, str]:
    """The folder of the files, and why it is not used; the latter is empty if it is.

    Nothing is made; a folder that is not there yet counts as used.
    """
    path = ""
    try:
        path = folder_path()
        Folder(path).close()
    except FileNotFoundError:
        return path, "" if os.access(_existing(path), os.W_OK) else "it cannot be made"
    except FAILURES as error:
        return path, str(error)
    return path, ""


def folder_path() -> str:
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


def _check_owner(found: os.stat_result, what: str) -> None:
    if not _OWNED:
        return
    if found.st_uid != os.geteuid():
        raise Refusal(f"{what} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refusal(f"{what} can be written by others")


class Folder:
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

    def __enter__(self) -> Folder:
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
            raise Refusal(f"a file cannot be opened: {error}") from error
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                raise Refusal("a file is none of the cache")
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
