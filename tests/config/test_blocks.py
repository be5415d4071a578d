"""A block holds where it stands: not in other threads or tasks, not in a generator's caller."""

import asyncio
import threading

import pytest

from anygrad.config import settings, use_settings
from anygrad.errors import SettingsError


def dtype():
    return settings().dtype


def in_float32():
    return use_settings(dtype="float32")


def test_blocks_nest_and_end():
    with use_settings(dtype="float32") as inside:
        assert inside.dtype == "float32"
        with use_settings(progress="off"):
            assert (dtype(), settings().progress) == ("float32", "off")
            with use_settings(dtype="float64"):
                assert dtype() == "float64"
            assert dtype() == "float32"
    assert (dtype(), settings().progress) == ("float64", "auto")


def test_a_block_ends_when_it_raises():
    with pytest.raises(KeyError), in_float32():
        raise KeyError
    assert dtype() == "float64"


def test_one_block_object_can_be_entered_twice():
    block = in_float32()
    with block:
        with block:
            assert dtype() == "float32"
        assert dtype() == "float32"
    assert dtype() == "float64"


def test_a_block_does_not_reach_another_thread():
    entered, seen = threading.Event(), []
    block = in_float32()

    def other():
        entered.wait(5)
        seen.append(dtype())
        with use_settings(progress="off"):
            seen.append(settings().progress)

    thread = threading.Thread(target=other)
    thread.start()
    with block:
        entered.set()
        thread.join()
        assert settings().progress == "auto"
    assert seen == ["float64", "off"]


def test_blocks_of_concurrent_tasks_do_not_mix():
    async def work(name, block):
        with block:
            for _ in range(3):
                await asyncio.sleep(0)
                assert dtype() == name
        return dtype()

    async def main():
        tasks = [work("float32", in_float32()), work("float64", use_settings(dtype="float64"))]
        return await asyncio.gather(*tasks, *tasks_of_one_block())

    def tasks_of_one_block():
        block = in_float32()
        return [work("float32", block), work("float32", block)]

    assert asyncio.run(main()) == ["float64"] * 4


def test_a_task_started_in_a_block_keeps_it():
    async def main():
        with in_float32():
            task = asyncio.create_task(late())
        return await task

    async def late():
        await asyncio.sleep(0)
        return dtype()

    assert asyncio.run(main()) == "float32"


def test_a_decorated_function_runs_inside_the_block():
    @in_float32()
    def f(x):
        """Say it."""
        return x, dtype()

    assert f("x") == ("x", "float32")
    assert dtype() == "float64"
    assert f.__name__ == "f"
    assert f.__doc__ == "Say it."


def test_a_decorated_coroutine_runs_inside_the_block():
    @in_float32()
    async def f():
        before = dtype()
        await asyncio.sleep(0)
        return before, dtype()

    async def main():
        waiting = f()
        assert dtype() == "float64"  # not started yet
        return await waiting, dtype()

    assert asyncio.run(main()) == (("float32", "float32"), "float64")


def test_a_decorated_generator_has_the_block_while_its_own_code_runs_only():
    @in_float32()
    def f():
        received = yield dtype()
        try:
            yield received, dtype()
        except KeyError:
            yield "caught", dtype()
        return dtype()

    def caller():
        result = yield from f()
        assert result == "float32"

    steps = caller()
    assert next(steps) == "float32"
    assert dtype() == "float64"
    assert steps.send("sent") == ("sent", "float32")
    assert dtype() == "float64"
    assert steps.throw(KeyError()) == ("caught", "float32")
    assert dtype() == "float64"
    assert list(steps) == []
    assert dtype() == "float64"


def test_closing_a_decorated_generator_runs_its_end_inside_the_block():
    seen = []

    @in_float32()
    def f():
        try:
            yield
        finally:
            seen.append(dtype())

    steps = f()
    next(steps)
    steps.close()
    assert seen == ["float32"]
    assert dtype() == "float64"


def test_a_decorated_asynchronous_generator_has_the_block_while_its_own_code_runs_only():
    seen = []

    @in_float32()
    async def f():
        try:
            received = yield dtype()
            await asyncio.sleep(0)
            yield received, dtype()
        except KeyError:
            yield "caught", dtype()
        finally:
            seen.append(dtype())

    async def main():
        steps = f()
        assert await anext(steps) == "float32"
        assert dtype() == "float64"
        assert await steps.asend("sent") == ("sent", "float32")
        assert await steps.athrow(KeyError()) == ("caught", "float32")
        assert dtype() == "float64"
        await steps.aclose()
        return [value async for value in f()]

    assert asyncio.run(main()) == ["float32", (None, "float32")]
    assert seen == ["float32", "float32"]


def test_a_generator_closing_its_block_late_leaves_later_blocks_open():
    def f():
        with use_settings(dtype="float32", progress="off"):
            yield

    steps = f()
    next(steps)
    with use_settings(progress="on"):
        steps.close()
        assert (dtype(), settings().progress) == ("float64", "on")
    assert settings().progress == "auto"


def test_a_block_is_checked_before_it_is_entered():
    with pytest.raises(SettingsError, match="use_settings"):
        use_settings(dtype="half")
