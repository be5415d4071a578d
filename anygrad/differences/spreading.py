"""Spreads the evaluations of a function over the workers of an executor, and gathers what came."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from math import ceil
from typing import Any
from uuid import uuid4

from anygrad.backends import backend_of
from anygrad.differences.copies import copy_of
from anygrad.differences.failures import Result, explain_failures
from anygrad.errors import ArgumentError
from anygrad.errors import describe as describe_value

__all__ = ["check_executor", "evaluate_points"]

TASKS_PER_WORKER = 4  # points differ in cost: a worker that is done early takes one task more


def check_executor(where: str, executor: Any) -> None:
    """Refuse what takes no tasks; None is no executor."""
    # a client of Dask has submit and get_executor, but gives futures of another kind
    is_instance = not isinstance(executor, type) and not hasattr(executor, "get_executor")
    if executor is None or (is_instance and callable(getattr(executor, "submit", None))):
        return
    message = (
        f"{where}(executor): got {describe_value(executor)}; expected None or an executor of "
        "concurrent.futures, with a method submit. Give an open ProcessPoolExecutor(), or "
        "client.get_executor() of a client of Dask."
    )
    raise ArgumentError(message)


def evaluate_points(
    where: str,
    f: Callable[[Any], Any],
    points: Sequence[Any],
    executor: Executor,
    chunk: int | None = None,
    *,
    describe: Callable[[int], str] | None = None,
) -> list[Any]:
    """Evaluate ``f`` at many points on the workers of ``executor``.

    Parameters
    ----------
    where : str
        The public function, for messages.
    f : callable
        Takes a point. For processes it must pickle; for threads it must allow simultaneous calls.
    points : sequence
        Arrays or trees of them, handed over as they are: ``f`` may write into them. Processes get
        them by pickle, which takes the arrays of a GPU through the host; threads do not.
    executor : concurrent.futures.Executor
        Stays open. Processes, also those of Dask and MPI, must be able to import anygrad.
    chunk : int, optional
        Points in one task, >= 1. Default: such that there are about four tasks for each worker.
    describe : callable, optional
        Takes the number of a point, counted from 0; says what it is, for messages.

    Returns
    -------
    list
        The values, in the order of ``points``; arrays are copied, for ``f`` may use them again.

    Raises
    ------
    ArgumentError
        If ``chunk`` is no positive integer, or if ``f`` or the points do not pickle.
    EvaluationError
        If ``f`` raises at a point or a worker dies; it has all values that came. Not under MPI,
        which ends the whole program when one of its processes dies.
    """
    size, call = _choose_chunk(where, chunk, len(points), executor), uuid4().hex
    chunks = [points[start : start + size] for start in range(0, len(points), size)]
    tasks = [partial(_run_task, f, part, (call, i)) for i, part in enumerate(chunks)]
    futures: list[Future] = []
    try:
        futures.extend(_submit(executor, task) for task in tasks)
        gathered = [_collect(*pair) for pair in zip(futures, chunks, strict=True)]
    finally:  # an interrupt leaves nothing in the queue; what is done does not mind
        for future in futures:
            future.cancel()
    results = [result for part in gathered for result in part]
    if any(result.error is not None for result in results):
        error, cause = explain_failures(where, tasks[0], results, describe)
        raise error from cause
    return [result.value for result in results]


def _run_task(f: Callable[[Any], Any], points: Sequence[Any], name: Any) -> list[Result]:
    """Evaluate the points of one task, in the worker.

    ``name`` makes the task unlike any other: Dask takes equal ones for one, also in a later call.
    """
    return [_evaluate(f, point) for point in points]


def _evaluate(f: Callable[[Any], Any], point: Any) -> Result:
    try:
        value = f(point)
    except (Exception, SystemExit) as error:  # SystemExit would end a worker of Dask
        return Result(error=error)
    return Result(value if backend_of(value) is None else copy_of(value))


def _submit(executor: Executor, task: partial) -> Future:
    try:
        return executor.submit(task)
    except Exception as error:  # a pool that broke meanwhile; Dask, which pickles at once
        future = Future()
        future.set_exception(error)
        return future


def _collect(future: Future, points: Sequence[Any]) -> list[Result]:
    try:
        return future.result()
    except Exception as error:  # what f raised would have come as a result
        return [Result(error=error, lost=True)] * len(points)


def _choose_chunk(where: str, chunk: int | None, count: int, executor: Any) -> int:
    if chunk is None:
        client = getattr(executor, "_client", None)  # of Dask; the others count themselves
        known = getattr(executor, "_max_workers", None)
        workers = sum(client.nthreads().values()) if client is not None else known
        workers = workers or getattr(os, "process_cpu_count", os.cpu_count)() or 1
        return max(1, ceil(count / (TASKS_PER_WORKER * workers)))
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        message = (
            f"{where}(chunk): got {describe_value(chunk)}; expected the number of points in a "
            "task, an integer >= 1. Leave it out for about four tasks a worker."
        )
        raise ArgumentError(message)
    return chunk
