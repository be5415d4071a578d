"""What a program is printed as: Python source, one target a file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from anygrad.compiler.accumulating import accumulate
from anygrad.compiler.program import Program
from anygrad.compiler.segments import join_segments
from anygrad.compiler.simplifying import drop_dead
from anygrad.compiler.targets.buffered import is_buffered
from anygrad.compiler.targets.cuda.replaying import is_launching
from anygrad.compiler.targets.cuda.spreading import left_small
from anygrad.compiler.targets.cuda.warming import with_launches
from anygrad.compiler.targets.jitted import library_that_jits, print_jitted
from anygrad.compiler.targets.missing import Missed, noticing
from anygrad.compiler.targets.plain import MISSED, print_plain
from anygrad.compiler.targets.warming import heat_of, with_kernels
from anygrad.compiler.thinning import thin

__all__ = ["MISSED", "Missed", "prepared", "print_program", "source_of"]


def print_program(program: Program, donated: frozenset[int] = frozenset()) -> Callable[..., Any]:
    """Make ``run(*inputs)``, which returns the outputs in a tuple, or `MISSED`.

    ``donated`` are the inputs whose memory may be used for outputs.
    """
    library = library_that_jits(program)
    if library:
        run = print_jitted(program, library)
    else:
        program = thin(program)
        printed = prepared(program)
        if is_buffered(printed):
            run = with_kernels(printed, donated, partial(_prepared_for_kernels, program))
        elif is_launching(program):
            run = with_launches(printed, donated, drop_dead(accumulate(program)))
        else:
            run = print_plain(printed, donated)
    return noticing(run) if any(node.name == "call" for node in program.nodes) else run


def source_of(run: Callable[..., Any]) -> str:
    """The text of what `print_program` made, as it is now."""
    heat = heat_of(run)
    return inspect.unwrap(run).__anygrad_source__ if heat is None else heat.source  # type: ignore[attr-defined]


def prepared(program: Program) -> Program:
    """The program as it is printed: what is shorter in text, but not in meaning."""
    if library_that_jits(program):
        return program
    return left_small(program) if is_launching(program) else drop_dead(accumulate(program))


def _prepared_for_kernels(program: Program) -> Program:
    return drop_dead(accumulate(join_segments(program)))
