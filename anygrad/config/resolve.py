"""Which value of a setting holds here and now, and the ways to set one from Python."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from anygrad.config.fields import FIELDS, Settings, check_settings
from anygrad.config.sources import PREFIX, read_environment, read_file

__all__ = ["configure", "origins", "reload_settings", "settings", "use_settings"]

Function = TypeVar("Function", bound=Callable[..., Any])
OpenBlocks = tuple[tuple[object, Mapping[str, Any]], ...]


class _Base(NamedTuple):
    """What holds outside every with-block, and where each value came from."""

    settings: Settings
    origins: dict[str, str]


class _Stack(NamedTuple):
    """The with-blocks open in this context, and what they make of the base they were opened on."""

    blocks: OpenBlocks
    base: Settings
    resolved: Settings


_lock = threading.Lock()
_process: dict[str, Any] = {}
_base: _Base | None = None
# a context variable, so that a block in one thread or task does not reach another
_stack: ContextVar[_Stack | None] = ContextVar("anygrad_settings", default=None)


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
    base = (_base or _resolve()).settings
    stack = _stack.get()
    if stack is not None:
        base = stack.resolved if stack.base is base else _stacked(stack.blocks, base).resolved
    if not arguments:
        return base
    given = {name: value for name, value in arguments.items() if value is not None or name not in FIELDS}
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
    stack = _stack.get()
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


def _stacked(blocks: OpenBlocks, base: Settings) -> _Stack:
    values: dict[str, Any] = {}
    for _, changes in blocks:
        values.update(changes)
    return _Stack(blocks, base, dataclasses.replace(base, **values))


class use_settings:  # noqa: N801  (used like a function: with use_settings(...), @use_settings(...))
    """Set settings inside a with-block, or while a decorated function runs.

    A block holds in its own thread and asyncio task, and in tasks started inside it; blocks nest. A
    decorated generator or coroutine has the settings while its own code runs, not while its caller does.

    Parameters
    ----------
    **values : any
        Names and values of `Settings`; those not named stay as they are.

    Raises
    ------
    SettingsError
        For an unknown name or a wrong value.

    Examples
    --------
    >>> from anygrad.config import settings, use_settings
    >>> with use_settings(dtype="float32"):
    ...     settings().dtype
    'float32'
    """

    def __init__(self, **values: Any) -> None:
        check_settings(type(self).__name__, values)
        self._values = values

    def __enter__(self) -> Settings:
        """Open the block and return the settings that hold in it."""
        stack = _stack.get()
        blocks = stack.blocks if stack else ()
        opened = _stacked((*blocks, (self, self._values)), (_base or _resolve()).settings)
        _stack.set(opened)
        return opened.resolved

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the block, also when a generator closes it after blocks opened later."""
        stack = _stack.get()
        if stack is None:
            return
        mine = [index for index, (owner, _) in enumerate(stack.blocks) if owner is self]
        if not mine:
            return
        blocks = stack.blocks[: mine[-1]] + stack.blocks[mine[-1] + 1 :]
        _stack.set(_stacked(blocks, stack.base) if blocks else None)

    def __call__(self, function: Function) -> Function:
        """Decorate a function, generator function, coroutine function or asynchronous generator."""
        if inspect.isasyncgenfunction(function):
            run: Any = self._run_async_generator
        elif inspect.iscoroutinefunction(function):
            run = self._run_coroutine
        elif inspect.isgeneratorfunction(function):
            run = self._run_generator
        else:
            run = self._run
        return run(function)

    def _run(self, function: Any) -> Any:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside

    def _run_coroutine(self, function: Any) -> Any:
        @functools.wraps(function)
        async def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return inside

    def _run_generator(self, function: Any) -> Any:
        # the block is opened anew at each step: a generator shares its caller's context
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Iterator[Any]:
            generator = function(*args, **kwargs)
            advance, value = generator.send, None
            while True:
                try:
                    with self:
                        yielded = advance(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    advance, value = generator.send, (yield yielded)
                except GeneratorExit:
                    with self:
                        generator.close()
                    raise
                except BaseException as error:
                    advance, value = generator.throw, error

        return inside

    def _run_async_generator(self, function: Any) -> Any:
        @functools.wraps(function)
        async def inside(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            generator = function(*args, **kwargs)
            advance, value = generator.asend, None
            while True:
                try:
                    with self:
                        yielded = await advance(value)
                except StopAsyncIteration:
                    return
                try:
                    advance, value = generator.asend, (yield yielded)
                except GeneratorExit:
                    with self:
                        await generator.aclose()
                    raise
                except BaseException as error:
                    advance, value = generator.athrow, error

        return inside
