"""``scan``: the loop as users write it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff.calls import Leaves, invoke
from anygrad.autodiff.inputs import apart, call, name_of
from anygrad.backends import backend_of
from anygrad.compiler.keys import orders
from anygrad.compiler.scanning.lists import row_of
from anygrad.compiler.scanning.loops import Loop, call_of
from anygrad.compiler.scanning.memory import Memory
from anygrad.compiler.scanning.steps import Restart, Step, Unrecordable, example_of
from anygrad.config import settings
from anygrad.errors import AnygradError, ArgumentError, ShapeError, describe
from anygrad.tracing import LIFTED, TRACED, lowest, names_for, unbuffered
from anygrad.tracing.plain import NUMBERS

__all__ = ["scan"]

LARGE = 1 << 26
"""Bytes of carries above which ``checkpoint="auto"`` keeps only some of them."""


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    *,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: str | bool | int = "auto",
) -> tuple[Any, Any]:
    """Carry a value through a loop whose body is recorded once, and stack what each step returns.

    It does what ``for x in xs: carry, y = step(carry, x)`` does, to the bit with NumPy arrays. The
    step is replayed without Python's cost for each operation; in a compiled function the loop is
    one operation, and so is its derivative, however long it is.

    Parameters
    ----------
    step : callable
        ``step(carry, x)`` returns ``(carry, y)``, trees of arrays; the carry keeps its structure,
        shapes and dtypes. Python runs it once for each way through its code, so it must depend on
        its arguments and on what it closes over alone: no random numbers, no side effects. What
        it closes over may be traced, and is differentiated. What is recorded of a function is kept
        for later calls with it.
    init : tree of arrays and numbers
        The first carry. Numbers become arrays of the dtype that ``step`` gives.
    xs : tree of arrays, optional
        The steps get their rows along axis 0, which all have the same length.
    length : int, optional
        The number of steps, where there are no ``xs``.
    reverse : bool
        Begin with the last row. What the steps return is stacked in the order of the rows.
    checkpoint : "auto", bool or int
        What a gradient keeps: the carry of each step (False), or of each k-th (k), from where the
        steps are run once more on the way back; True is the square root of the number of steps, so
        that memory grows as that. "auto": True for carries above 64 MB together, else False.

    Returns
    -------
    carry : tree of arrays
        The last one.
    ys : tree of arrays
        The results of the steps, stacked along a new axis 0.

    Raises
    ------
    ArgumentError
        If ``step`` does not return a tuple (carry, y) of unchanging structure, if there is nothing
        that tells the number of steps, or if a leaf is no array.
    ShapeError
        If ``xs`` differ in length, or a leaf of the carry changes its shape or dtype.
    TraceError
        If the step writes into its arguments, or would lose a derivative in silence.

    References
    ----------
    The conventions of ``jax.lax.scan``. Griewank, Walther (2000), Algorithm 799: revolve.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> def step(y, t):
    ...     y = y - 0.1 * np.sin(y) * t
    ...     return y, y * y
    >>> carry, ys = ag.scan(step, 1.0, np.arange(3.0))
    >>> ys.round(4)
    array([1.    , 0.8388, 0.5734])
    >>> ag.grad(lambda y: ag.scan(step, y, length=None, xs=np.ones(100))[0])(1.0).round(6)
    np.float64(3.6e-05)
    """
    if not callable(step):
        message = f"scan(step): got {describe(step)}; expected a function of a carry and a row."
        raise ArgumentError(message)
    name = f"scan({name_of(step)})"
    carry, carry_def = trees.flatten(unbuffered(init))
    rows, x_def = trees.flatten(unbuffered(xs))
    n = _count(xs, rows, length)
    every = _interval(checkpoint, n, carry)
    firsts = [_first(x) for x in rows]
    _check_carry(init, carry)
    made = Step(step, name, carry_def, x_def)
    if not settings().fuse or settings().debug_nans != "off":
        carry = _arrays(made, carry, firsts)
        return _unrolled(made, carry, rows, n, reverse) if n else _none(made, carry, firsts)
    memory = Memory(step, (carry_def, x_def, orders((init, xs))), carry, firsts)
    moving = tuple([type(x) in LIFTED for x in rows])
    known = memory.found() if n else None
    if known is not None:
        try:
            call = known.call(n, reverse, every, moving)
            found = invoke(call, [*_like(carry, known.likes), *rows])
            return _rebuilt(known.step, found, len(carry))
        except Exception:
            memory.forget(known)  # a new recording takes another way, or raises what is meant
    memory.watch()
    numbers, carry = carry, _arrays(made, carry, firsts)
    if not n:
        return _none(made, carry, firsts)
    try:
        found = _recorded(made, carry, firsts, rows, (n, reverse, every, moving))
    finally:
        made.sealed = True
    if found is None:
        return _unrolled(made, carry, rows, n, reverse)
    likes = [lowest(y) if y is not x else None for x, y in zip(numbers, carry, strict=True)]
    memory.keep(made, likes)
    return _rebuilt(made, found, len(carry))


def _recorded(made: Step, carry: Leaves, firsts: Leaves, rows: Leaves, form: Any) -> Leaves | None:
    """The results of the loop; None if the step cannot be recorded, or raises an error."""
    n, reverse, every, moves = form
    while True:
        try:
            if not made.ways:
                made.record(list(made.closed), carry, firsts)
            loop = Loop(made.name, made, len(made.closed), len(carry), n, reverse, every)
            moving = (*[True] * (len(made.closed) + len(carry)), *moves)
            return invoke(call_of(loop, moving), [*made.closed, *carry, *rows])
        except Restart as restart:
            if restart.args[0] is not made:
                raise
        except Unrecordable as unrecordable:
            if unrecordable.args[0] is not made:
                raise
            return None
        except AnygradError:
            raise
        except Exception:  # the step itself may catch it, where it runs as it stands
            return None


def _rebuilt(made: Step, found: Leaves, count: int) -> tuple[Any, Any]:
    carry = trees.unflatten(made.carry, found[:count])
    return carry, trees.unflatten(made.results, found[count:])


def _count(xs: Any, rows: Leaves, length: int | None) -> int:
    """The number of steps."""
    if length is not None and (isinstance(length, bool) or not hasattr(length, "__index__")):
        message = f"scan(length): got {length!r}; expected an integer."
        raise ArgumentError(message)
    names = [trees.show_path("xs", path) for path in trees.paths(xs)]
    for x, name in zip(rows, names, strict=True):
        if type(x) not in LIFTED and backend_of(x) is None:
            message = (
                f"scan({name}): got {describe(x)}; expected an array, whose rows along axis 0 the "
                "steps get. Close over what is the same for every step."
            )
            raise ArgumentError(message)
        if not x.shape:
            message = (
                f"scan({name}): got {describe(x)}; expected an axis 0 along which the steps go."
            )
            raise ShapeError(message)
        if x.shape[0] != (rows[0].shape[0] if length is None else length):
            what = f"as in {names[0]}" if length is None else "the length"
            n = rows[0].shape[0] if length is None else length
            message = f"scan({name}): got {x.shape[0]} rows; expected {n}, {what}."
            raise ShapeError(message)
    if not rows and length is None:
        message = "scan(xs): got no arrays; expected some, or length=, the number of steps."
        raise ArgumentError(message)
    n = int(rows[0].shape[0]) if length is None else int(length)
    if n < 0:
        message = f"scan(length): got {n}; expected a number of steps, 0 or more."
        raise ArgumentError(message)
    return n


def _interval(checkpoint: Any, n: int, carry: Leaves) -> int:
    """How many steps lie between carries that are kept; 0 for all being kept."""
    if isinstance(checkpoint, str) and checkpoint == "auto":
        bytes_of_all = 8 * n * sum(math.prod(getattr(x, "shape", ())) for x in carry)
        checkpoint = bytes_of_all > LARGE
    if isinstance(checkpoint, bool):
        k = _near_root(n) if checkpoint else 0
    elif hasattr(checkpoint, "__index__") and int(checkpoint) > 0:
        k = int(checkpoint)
    else:
        message = (
            f'scan(checkpoint): got {checkpoint!r}; expected "auto", a bool, or the number of '
            "steps between the carries that are kept."
        )
        raise ArgumentError(message)
    return k if 1 < k < n else 0


def _near_root(n: int) -> int:
    """The square root; a divisor near it where there is one, so that no steps remain."""
    root = math.isqrt(n)
    return next((k for k in range(root, 3 * root // 4, -1) if n % k == 0), root)


def _first(x: Any) -> Any:
    """A row like those that the steps get."""
    x = example_of(x)
    return row_of(x, 0) if x.shape[0] else names_for(x).sum(x, axis=0)


def _check_carry(init: Any, carry: Leaves) -> None:
    """Refuse what can be no carry."""
    paths = [trees.show_path("init", path) for path in trees.paths(init)]
    for x, path in zip(carry, paths, strict=True):
        if type(x) not in LIFTED and type(x) not in NUMBERS and backend_of(x) is None:
            message = f"scan({path}): got {describe(x)}; expected an array, or a number."
            raise ArgumentError(message)


def _arrays(made: Step, carry: Leaves, firsts: Leaves) -> Leaves:
    """The carry with arrays in place of numbers, of the dtypes that a step gives for them."""
    if not any(type(lowest(x)) in NUMBERS for x in carry):
        return carry
    try:
        tried = made.try_out(carry, firsts)
    except Unrecordable:
        tried = _example(made, carry, firsts)
    made.closed.clear()
    return _like(carry, tried)


def _example(made: Step, carry: Leaves, firsts: Leaves) -> Leaves:
    """What a step returns that runs as it stands, once."""
    given = trees.unflatten(made.carry, carry), trees.unflatten(made.x, firsts)
    return [example_of(x) for x in made.leaves_of(call(made.f, given, {}))]


def _like(carry: Leaves, likes: Leaves) -> Leaves:
    """The carry with arrays like others in place of numbers."""
    return [
        _array_of(x, y) if type(lowest(x)) in NUMBERS else x
        for x, y in zip(carry, likes[: len(carry)], strict=True)
    ]


def _array_of(x: Any, y: Any) -> Any:
    """A number as an array like the one that a step gives in its place."""
    if type(x) in LIFTED:  # a number that a compiled function takes
        return x + names_for(y).zeros_like(y)
    y = _number(y)
    if isinstance(y, np.ndarray | np.generic):
        kept = np.can_cast(np.asarray(x).dtype, y.dtype, "same_kind")
        return y.dtype.type(x) if kept else _number(x)
    return names_for(y).zeros_like(y) + x


def _none(made: Step, carry: Leaves, firsts: Leaves) -> tuple[Any, Any]:
    """No step at all: the first carry, and empty arrays like the results of a step."""
    try:
        after = made.try_out(carry, firsts)
    except Unrecordable:
        after = _example(made, carry, firsts)
    made.check(carry, after[: len(carry)])
    ys = map(_number, after[len(carry) :])
    empty = [names_for(y).stack(y, axis=0)[:0, ...] for y in ys]
    return _rebuilt(made, [*map(apart, carry), *empty], len(carry))


def _unrolled(made: Step, carry: Leaves, rows: Leaves, n: int, reverse: bool) -> tuple[Any, Any]:
    """The loop as Python runs it."""
    ys: list[Any] = [None] * n
    for k in reversed(range(n)) if reverse else range(n):
        tree = trees.unflatten(made.carry, carry)
        x = trees.unflatten(made.x, [row_of(row, k) for row in rows])
        found = made.leaves_of(call(made.f, (tree, x), {}))
        after = [_number(x) for x in found[: len(carry)]]
        made.check(carry, after)
        carry = after
        ys[k] = [_number(y) for y in found[len(carry) :]]
    stacked = [TRACED.stack(*parts, axis=0) for parts in zip(*ys, strict=True)]
    return _rebuilt(made, [*map(apart, carry), *stacked], len(carry))


def _number(x: Any) -> Any:
    """A Python number as NumPy's; anything else as it is."""
    return np.asarray(x)[()] if type(x) in NUMBERS else x
