"""From a plan to what replayed code calls: it launches, and never waits for the device."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anygrad.compiler.targets import cupy
from anygrad.compiler.targets.cuda.elementwise import THREADS, tile_of, write_elementwise
from anygrad.compiler.targets.cuda.many import (
    LIMIT,
    Many,
    table_type,
    write_many,
    write_many_finish,
)
from anygrad.compiler.targets.cuda.plans import Plan, Reduction
from anygrad.compiler.targets.cuda.reducing import (
    Stage,
    stages_of,
    totals_of,
    write_finish,
    write_reduction,
)
from anygrad.compiler.targets.spaces import Layout

__all__ = ["Launch", "launch_of"]

BLOCK = (THREADS,)
NOWHERE = np.uint64(0)
"""The address for what a stage does not write."""
MANY_STREAMS = 16
"""Streams, each with a table of its own, after which all tables are made anew."""


class Launch:
    """A kernel as it is called.

    Attributes
    ----------
    texts : tuple of str
        What is compiled.
    call : callable
        Takes what is read, then what is written; of many, what is shared, arrays with an element
        for each leaf, then leaf after leaf.
        Gives what reductions of many leaves give, one array for each reduction.
    """

    def __init__(self, texts: Sequence[str], call: Callable[..., Any]):
        self.texts, self.call = tuple(texts), call


def launch_of(
    kernel: Plan | Many, homes: Sequence[int | None] = (), options: tuple[str, ...] | None = None
) -> Launch:
    """The launch of a kernel; ``homes`` as for `write_many`."""
    options = cupy.compile_options() if options is None else options
    if isinstance(kernel, Many):
        return _launch_many(kernel, homes or [None] * len(kernel.first.writes), options)
    if kernel.reductions:
        return _launch_reduction(kernel, options)
    text = write_elementwise(kernel)
    run, grid = cupy.kernel_of(text, options), (-(-kernel.size // tile_of(kernel)),)
    tail: tuple[Any, ...] = (kernel.size, *_axes(kernel))
    return Launch([text], lambda *arrays: run(grid, BLOCK, arrays + tail))


def _axes(plan: Plan) -> tuple[np.ndarray, ...]:
    """The lengths and steps that a kernel with strides is given, by value."""
    if plan.is_flat:
        return ()
    streams, ndim = (*plan.reads, *plan.writes), len(plan.shape)
    kind = np.int32 if plan.is_small else np.int64
    fields = [("length", kind, (ndim,)), ("step", kind, (len(streams), ndim))]
    made = np.zeros(1, np.dtype(fields))
    made["length"] = plan.shape
    for k, x in enumerate(streams):
        made["step"][0, k] = x.strides or [0] * ndim
    return (made,)


def _numbers(stage: Stage, terms: int) -> tuple[int, ...]:
    chunk, chunks, threads = stage.cut
    return (*stage.extent, chunk, chunks, threads, int(stage.is_last), terms)


def _flat(size: int, dtype: Any) -> Layout:
    return ((size,), np.dtype(dtype), (0,))


def _parts_of(stage: Stage, reductions: tuple[Reduction, ...]) -> list[Layout]:
    """The arrays for what the chunks of a stage give."""
    jobs = stage.extent.outer * stage.cut.chunks * stage.extent.inner
    return [_flat(jobs, totals_of(one)) for one in reductions]


def _launch_reduction(plan: Plan, options: tuple[str, ...]) -> Launch:
    assert plan.extent is not None
    stages, given = stages_of(plan.extent), len(plan.reads) + len(plan.writes)
    texts, reductions, count = [write_reduction(plan)], plan.reductions, len(plan.reductions)
    if len(stages) > 1:
        texts.append(write_finish(reductions, plan.extent.inner != 1))
    run, *rest = [cupy.kernel_of(text, options) for text in texts]
    numbers = [_numbers(stage, plan.extent.reduced) for stage in stages]
    grids, axes = [(stage.grid,) for stage in stages], _axes(plan)
    parts = [_parts_of(stage, reductions) for stage in stages[:-1]]
    nowhere = (NOWHERE,) * count

    def call(*arrays: Any) -> None:
        results = arrays[given:]
        made = tuple(map(cupy.make, parts[0])) if parts else nowhere
        run(grids[0], BLOCK, (*arrays[:given], *made, *results, *numbers[0], *axes))
        for k in range(1, len(stages)):
            more = tuple(map(cupy.make, parts[k])) if k < len(parts) else nowhere
            rest[0](grids[k], BLOCK, (*made, *more, *results, *numbers[k]))
            made = more

    return Launch(texts, call)


def _launch_many(many: Many, homes: Sequence[int | None], options: tuple[str, ...]) -> Launch:
    columns = many.columns(homes)
    ahead = len(many.shared) + len(many.indexed) + len(many.rows)
    template = np.zeros(1, table_type(many, columns))
    blocks = many.blocks
    template["first"], template["size"] = blocks, [one.size for one in many.plans]
    resident = template.nbytes > LIMIT
    table_for = Resident(template) if resident else functools.partial(_by_value, template)
    texts, reductions = [write_many(many, homes, resident)], many.first.reductions
    if reductions:
        texts.append(write_many_finish(many, homes, resident))
    run, *rest = [cupy.kernel_of(text, options) for text in texts]
    grid, leaves = (blocks[-1],), (len(many.plans),)
    parts = [_flat(blocks[-1], totals_of(one)) for one in reductions]
    results = [_flat(leaves[0], one.result) for one in reductions]

    def call(*arrays: Any) -> tuple[Any, ...]:
        table = table_for([x.data.ptr for x in arrays[ahead:]])
        made = tuple(map(cupy.make, parts))
        run(grid, BLOCK, (*arrays[:ahead], table, *made))
        if not rest:
            return ()
        found = tuple(map(cupy.make, results))
        rest[0](leaves, BLOCK, (table, *made, *found))
        return found

    return Launch(texts, call)


def _by_value(template: np.ndarray, addresses: list[int]) -> np.ndarray:
    """A table of its own for every call: other threads may launch at the same time."""
    table = template.copy()
    table["address"].reshape(-1)[: len(addresses)] = addresses
    return table


class Resident:
    """Tables on the device, made anew where an address has changed.

    The last one is kept for every stream: what one stream uploads, another would have to wait for.
    """

    def __init__(self, template: np.ndarray):
        self._template = template
        self._known: dict[tuple[int, int], tuple[list[int], Any]] = {}

    def __call__(self, addresses: list[int]) -> Any:
        key = cupy.place()
        found = self._known.get(key)
        if found is None or found[0] != addresses:
            table = _by_value(self._template, addresses)
            if len(self._known) > MANY_STREAMS:
                self._known.clear()
            found = self._known[key] = addresses, cupy.upload(table.view(np.uint8))
        return found[1]
