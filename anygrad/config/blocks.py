"""Settings for the length of a with-block, or of a call of a decorated function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from anygrad.config.fields import Settings, check_settings
from anygrad.config.resolve import BLOCKS, base_settings, stacked
from anygrad.errors import SettingsError, describe

__all__ = ["use_settings"]

Function = TypeVar("Function", bound=Callable[..., Any])


class use_settings:
    """Set settings inside a with-block, or while a decorated function runs.

    A block holds in its own thread and asyncio task, and in tasks started inside it; blocks nest. A
    decorated generator or coroutine has the settings while its own code runs, not while its caller
    does.

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
        stack = BLOCKS.get()
        blocks = stack.blocks if stack else ()
        opened = stacked((*blocks, (self, self._values)), base_settings())
        BLOCKS.set(opened)
        return opened.resolved

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the block, also when a generator closes it after blocks opened later."""
        stack = BLOCKS.get()
        if stack is None:
            return
        mine = [index for index, (owner, _) in enumerate(stack.blocks) if owner is self]
        if not mine:
            return
        blocks = stack.blocks[: mine[-1]] + stack.blocks[mine[-1] + 1 :]
        BLOCKS.set(stacked(blocks, stack.base) if blocks else None)

    def __call__(self, function: Function) -> Function:
        """Decorate a function, generator function, coroutine function or asynchronous generator."""
        if inspect.isclass(function) or not callable(function):
            message = (
                f"{type(self).__name__}(...)(function): got {describe(function)}; expected a "
                "function. Decorate the methods of a class one by one."
            )
            raise SettingsError(message)
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
