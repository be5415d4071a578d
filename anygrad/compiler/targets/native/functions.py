"""Functions of values: written out once in a module, and called from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.compiler.targets.native.values import Emitter, Module, Value

__all__ = ["Function", "call"]


class Function:
    """A function of values: written out once in a module, and called from then on.

    Attributes
    ----------
    name : str
        The operation that it computes.
    build : callable
        Takes values, all of one type, and gives a value, or several in a tuple.
    largest : dict
        By type, up to which absolute value of its argument results hold; beyond it the caller
        computes all of them in another way. Infinite arguments are no matter.
    """

    def __init__(
        self,
        name: str,
        build: Callable[..., Any],
        largest: dict[str, float] | None = None,
    ):
        self.name, self.build = name, build
        self.largest = largest or {}
        self.__doc__ = build.__doc__

    def __call__(self, *values: Value) -> Any:
        """Call it; within another function, too."""
        return call(self, *values)


def call(function: Function, *values: Value) -> Any:
    """The result of a function; the results, in a tuple, if it has several."""
    first = values[0]
    values = tuple([first.lift(x) for x in values])
    emitter = first.emitter
    name = f"@{function.name}.{first.dtype}"
    if name not in emitter.module.functions:
        _define(emitter.module, name, function, values)
    known = emitter.module.results[name]
    dtypes = (known,) if type(known) is str else known
    types = [emitter.type(dtype) for dtype in dtypes]
    told = ", ".join([f"{x.type} {x.text}" for x in values])
    if type(known) is str:
        return emitter.emit(known, f"call fastcc {types[0]} {name}({told})")
    whole = f"{{{', '.join(types)}}}"
    result = emitter.emit(dtypes[0], f"call fastcc {whole} {name}({told})").text
    return tuple(
        [
            emitter.emit(dtype, f"extractvalue {whole} {result}, {k}")
            for k, dtype in enumerate(dtypes)
        ]
    )


def _define(module: Module, name: str, function: Function, values: tuple[Value, ...]) -> None:
    """Write a function into a module."""
    inner = Emitter(module)
    given = [Value(inner, x.dtype, f"%x{k}") for k, x in enumerate(values)]
    made = function.build(*given)
    if type(made) is tuple:
        module.results[name] = tuple([x.dtype for x in made])
        whole = f"{{{', '.join([x.type for x in made])}}}"
        last = "poison"
        for k, x in enumerate(made):
            last = inner.line(f"insertvalue {whole} {last}, {x.type} {x.text}, {k}")
    else:
        module.results[name] = made.dtype
        whole, last = made.type, made.text
    arguments = ", ".join([f"{x.type} {x.text}" for x in given])
    head = f"define internal fastcc {whole} {name}({arguments}) nounwind noinline {{"
    lines = [head, "entry:", *inner.lines, f"  ret {whole} {last}", "}", ""]
    module.functions[name] = "\n".join(lines)
