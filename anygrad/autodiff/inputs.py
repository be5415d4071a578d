"""The edge of every transformation: which arguments are differentiated, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import BACKENDS, backend_of, is_mutable, mixture, place_of
from anygrad.config import settings
from anygrad.errors import (
    AnygradError,
    ArgumentError,
    DTypeError,
    MixedBackendError,
    TraceError,
    describe,
)
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, Level, lowest, names_for, rebind, unbuffered
from anygrad.tracing.buffers import Buffer
from anygrad.tracing.refusals import forget, swallowed
from anygrad.trees.placing import on_device_of


def check_callable(where: str, f: Any) -> None:
    """Refuse what cannot be called, before anything is built on it."""
    if not callable(f):
        message = (
            f"{where}(f): got {describe(f)}; expected a function. Write {where}(f), not "
            f"{where}(f(x))."
        )
        raise ArgumentError(message)


def check_primal(where: str, x: Any, roots: list[tuple[str, Any]], k: int) -> Any:
    """A differentiated leaf: a floating array, or a Python number, which becomes a NumPy scalar."""
    kind = type(x)
    if kind is float:
        return np.float64(x)
    if kind is Buffer:
        x = unbuffered(x)
        kind = type(x)
    if kind in LIFTED:
        return x.t.hardened(x) if x.t.records else x
    if kind is complex:
        return np.complex128(x)
    backend = None if kind is bool else backend_of(x)
    if backend is not None and kind_of(x.dtype) != "other":
        return x if backend.plain is None else backend.plain(x)
    paths = [trees.show_path(name, p) for name, tree in roots for p in trees.paths(tree)]
    where = f"{where}({paths[k] if k < len(paths) else roots[0][0]})"
    if backend_of(x) is None and not isinstance(x, int):
        message = (
            f"{where}: got {describe(x)} ({kind.__module__}.{kind.__qualname__}); expected a "
            f"floating array of {', '.join(BACKENDS)}, or a float. Convert it, or pass it as an "
            "argument that is not differentiated."
        )
    else:
        message = (
            f"{where}: got {describe(x)}; expected a floating dtype. Convert it with "
            "xp.astype(x, xp.float64) (or write 3.0, not 3), or pass it as an argument that is not "
            "differentiated."
        )
    raise DTypeError(message)


def check_libraries(where: str, leaves: list[Any], roots: list[tuple[str, Any]]) -> None:
    """Refuse variables of two libraries; they may lie on several devices of one."""
    if len({type(x) for x in leaves}) == 1 and type(leaves[0]) not in LIFTED:
        return
    first, library = 0, None
    for k, x in enumerate(map(lowest, leaves)):
        backend = backend_of(x)
        if backend is None or backend.is_scalar(type(x)):  # numbers go with any library
            continue
        if library is None:
            first, library = k, backend
        elif backend is not library:
            paths = [trees.show_path(name, p) for name, tree in roots for p in trees.paths(tree)]
            here, there = (f"{place_of(leaves[n])} at {paths[n]}" for n in (first, k))
            message = (
                f"{where}({roots[0][0]}): got {here} and {there}; expected one library. "
                "Move one with ag.asarray or ag.to_numpy."
            )
            raise MixedBackendError(message)


def call(f: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """Call the user's function, rebound, and dig out a refusal of ours that C code has buried.

    Where NumPy converts elements, it raises a ValueError of its own; solvers of SciPy do alike.
    """
    if settings().rebind:
        f = rebind(f)
        args = tuple([rebind(a) if callable(a) else a for a in args])
    try:
        y = f(*args, **kw)
        return y if type(y) in LIFTED and type(y) is not Buffer else _without_buffers(y)
    except AnygradError:
        raise
    except Exception as error:
        refusal = swallowed(error)
        if refusal is None:
            raise
        raise TraceError(str(refusal)) from error
    finally:
        forget()


def _without_buffers(y: Any) -> Any:
    """A result with the arrays that buffers hold, in whatever tree they stand."""
    if not hasattr(y, "shape") and not isinstance(y, int | float | complex):
        return trees.map(unbuffered, y)
    return unbuffered(y)


def is_on_host(x: Any) -> bool:
    """Whether ``x`` is a number or NumPy's: it may meet whatever its operands may."""
    return not hasattr(x, "shape") or isinstance(x, np.ndarray | np.generic)


def check_place(where: str, expected: Any, g: Any) -> None:
    """Refuse a tangent or cotangent that lies in another place than its value."""
    scalar = getattr(g, "shape", ()) == () and is_on_host(g)
    if expected is not None and not scalar and not place_of(g).meets(expected):
        raise mixture(where, expected, place_of(g))
    if expected is None and not is_on_host(lowest(g)):
        raise mixture(where, place_of(np.zeros(1)), place_of(g))


def beside_level(level: Any, g: Any) -> Any:
    """A plain tangent or cotangent, lifted to the level that its value is of.

    Where operations are recorded, and for libraries whose operators refuse unknown operands
    instead of asking them: there, a rule may not begin with a plain ``g``
    where its operand is traced.
    """
    if level is None or type(g) in LIFTED:
        return g
    if level.records:  # what is made from it is written down, and not a constant array
        return level.constant(g)
    backend = backend_of(g)
    return g if backend is None or backend.operators_defer else level.constant(g)


def pick(where: str, args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """The positions of the differentiated arguments, counted from 0."""
    numbers = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)
    if not numbers or any(not isinstance(n, Integral) or isinstance(n, bool) for n in numbers):
        message = f"{where}(argnums): got {argnums!r}; expected an integer or a tuple of integers."
        raise ArgumentError(message)
    if any(not -len(args) <= n < len(args) for n in numbers):
        message = (
            f"{where}(argnums): got {argnums!r} for {len(args)} positional arguments; expected "
            f"positions below {len(args)}. Keyword arguments are not differentiated: pass it by "
            "position."
        )
        raise ArgumentError(message)
    positions = tuple(int(n) % len(args) for n in numbers)
    if len(set(positions)) != len(positions):
        message = f"{where}(argnums): got {argnums!r}; expected each argument once."
        raise ArgumentError(message)
    return positions


def split_aux(where: str, out: Any, level: Level, has_aux: bool) -> tuple[Any, Any]:
    """Separate the result from the auxiliary output, which is freed of this level's tracing."""
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        message = f"{where}(has_aux): f returned {describe(out)}; expected a tuple (value, aux)."
        raise ArgumentError(message)
    value, aux = out
    return value, trees.map(lambda x: apart(level.read(x)), aux)


def apart(y: Any) -> Any:
    """A result apart from what the tape keeps: writing into it must not change a derivative."""
    if type(y) in LIFTED:
        return y.t.apart(y) if y.t.records else y
    if not is_mutable(y):
        return y
    with on_device_of(y):
        return names_for(y).asarray(y, copy=True)


def name_of(f: Callable[..., Any]) -> str:
    """A function's name for messages."""
    return getattr(f, "__qualname__", None) or type(f).__name__
