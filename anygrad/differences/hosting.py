"""Where the ladder is judged: beside the arrays, or on the host for libraries that compile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anygrad.backends import backend_of, device_of, to_host
from anygrad.backends.types import Array
from anygrad.differences.ladder import Climb, climb
from anygrad.differences.readings import Lines
from anygrad.differences.subsets import change_arrays

__all__ = ["climb_lines"]


def climb_lines(lines: Lines, order: int, rtol: float) -> Climb:
    """Climb with values on their device; with JAX on the host, since every shape is compiled.

    A ladder is a few hundred small operations, whose shapes differ from stage to stage. The
    function itself is evaluated on the device in either case.
    """
    backend = backend_of(lines.size)
    assert backend is not None
    if not backend.compiles:
        return climb(lines, order, rtol)
    device = device_of(lines.size)

    def up(a: Any) -> Any:
        return backend.from_host(a, device)

    def down(a: Array | None) -> Any:
        return None if a is None else to_host(a)

    names = ("center", "size", "floor", "scale", "below", "above")
    on_host = replace(
        lines,
        evaluate=lambda index, offsets: down(lines.evaluate(up(index), up(offsets))),
        snap=lambda index, steps: down(lines.snap(up(index), up(steps))),
        **{name: down(getattr(lines, name)) for name in names},
    )
    return change_arrays(up, climb(on_host, order, rtol))
