"""Which value of a setting holds here and now, and how the process sets it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from anygrad.config.fields import FIELDS, Settings, check_settings
from anygrad.config.sources import PREFIX, read_environment, read_file

__all__ = ["configure", "origins", "reload_settings", "settings"]

OpenBlocks = tuple[tuple[object, Mapping[str, Any]], ...]


class _Base(NamedTuple):
    """What holds outside every with-block, and where each value came from."""

    settings: Settings
    origins: dict[str, str]


class Stack(NamedTuple):
    """The with-blocks open in this context, and what they make of the base they were opened on."""

    blocks: OpenBlocks
    base: Settings
    resolved: Settings


_lock = threading.Lock()
_process: dict[str, Any] = {}
_base: _Base | None = None
# a context variable, so that a block in one thread or task does not reach another
BLOCKS: ContextVar[Stack | None] = ContextVar("anygrad_settings", default=None)


def settings(**arguments: Any) -> Settings:
    """Read the settings that hold here and now.

    The environment and the settings file are read once, at the first use.

    Parameters
    ----------
    **arguments : any
        Values that win over every other source. None means not given, so that a function can hand
        its own optional arguments on.

    Returns
    -------
    Settings
        An immutable record.

    Raises
    ------
    SettingsError
        For an unknown name or a wrong value, be it an argument, in the environment or in the file.

    Examples
    --------
    >>> from anygrad.config import settings
    >>> settings(dtype="float32").dtype
    'float32'
    """
    base = base_settings()
    stack = BLOCKS.get()
    if stack is not None:
        base = stack.resolved if stack.base is base else stacked(stack.blocks, base).resolved
    if not arguments:
        return base
    given = {
        name: value for name, value in arguments.items() if value is not None or name not in FIELDS
    }
    check_settings("settings", given)
    return dataclasses.replace(base, **given)


def origins() -> dict[str, str]:
    """Tell where the present value of every setting comes from.

    Returns
    -------
    dict of str to str
        ``"default"``, ``"file <path>"``, ``"environment <variable>"``, ``"configure"`` or
        ``"with-block"``.
    """
    found = dict((_base or _resolve()).origins)
    stack = BLOCKS.get()
    for _, values in stack.blocks if stack else ():
        found.update(dict.fromkeys(values, "with-block"))
    return found


def configure(**values: Any) -> None:
    """Set settings for the whole process, in every thread.

    Parameters
    ----------
    **values : any
        Names and values of `Settings`; those not named stay as they are.

    Raises
    ------
    SettingsError
        For an unknown name or a wrong value; nothing is changed then.
    """
    global _base
    check_settings("configure", values)
    with _lock:
        _process.update(values)
        _base = None


def reload_settings() -> None:
    """Undo `configure`, and read the environment and the settings file again at the next use."""
    global _base
    with _lock:
        _process.clear()
        _base = None


def base_settings() -> Settings:
    """Read the settings that hold outside every with-block."""
    return (_base or _resolve()).settings


def _resolve() -> _Base:
    global _base
    with _lock:
        path, in_file = read_file()
        in_environment = read_environment()
        origins = dict.fromkeys(FIELDS, "default")
        origins.update(dict.fromkeys(in_file, f"file {path}"))
        origins.update({name: f"environment {PREFIX}{name.upper()}" for name in in_environment})
        origins.update(dict.fromkeys(_process, "configure"))
        found = _Base(Settings(**{**in_file, **in_environment, **_process}), origins)
        _base = found
    return found


def stacked(blocks: OpenBlocks, base: Settings) -> Stack:
    """Lay the values of open blocks over a base; inner blocks win."""
    values: dict[str, Any] = {}
    for _, changes in blocks:
        values.update(changes)
    return Stack(blocks, base, dataclasses.replace(base, **values))
