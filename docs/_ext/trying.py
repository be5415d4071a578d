"""What differentiates, found out by trying: a function is called, and compared with differences.

`try_function` fills a row of docs/coverage.md. Arguments come from the operation's row where it has
one (the range in which the function is smooth), from `arguments.PARTICULAR`, or are the first of
`arguments.general` that NumPy takes.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import anygrad as ag
from anygrad.errors import DTypeError, MissingRuleError, TraceError
from anygrad.tracing import LIFTED

REFUSALS = (MissingRuleError, TraceError)
YES, NO, ABSENT, WRONG = "yes", "refused", "–", "wrong"


class Tried(NamedTuple):
    """The cells of one function; ``kind`` says what comes out."""

    kind: str
    forward: str = ABSENT
    reverse: str = ABSENT
    higher: str = ABSENT
    batches: str = ABSENT
    complex: str = ABSENT
    trouble: str = ""  # what went wrong, for the tests; a page shows the cell only

    @property
    def cells(self) -> list[str]:
        """As the page shows them."""
        return [self.forward, self.reverse, self.higher, self.batches, self.complex, self.kind]


class Sample(NamedTuple):
    """A function of its floating arguments alone, as one real number, and a point."""

    function: Callable[..., Any]
    point: tuple[Any, ...]
    traced: list[bool]  # filled while it runs: whether each result was traced


def try_function(
    f: Callable[..., Any], choices: Iterator[tuple[Any, ...]], name: str, *, real: bool = False
) -> Tried:
    """Try every kind of derivative of ``f`` at the first arguments that NumPy takes."""
    args = accepted(f, choices)
    if args is None:
        return Tried("not tried: no arguments found")
    if not any(map(sample_leaves, args)):
        return Tried("of whole numbers: no derivative")
    held, kind = _held(f, args)
    sample = sample_of(f, args, held)
    if kind == NO:
        return Tried("refused with a sentence")
    if not any(sample.traced):
        batches, trouble = _outcome(lambda: _batches(sample), (*REFUSALS, TypeError))
        return Tried("constant", batches=batches, trouble=trouble)
    checks = (_forward, _reverse, _higher, _batches)
    done = [_outcome(lambda check=check: check(sample)) for check in checks]
    done.append((ABSENT, "") if real else _complex(f, args, held, name))
    trouble = "; ".join(text for _, text in done if text)
    return Tried(kind, *(cell for cell, _ in done), trouble=trouble)


def accepted(f: Callable[..., Any], choices: Iterator[tuple[Any, ...]]) -> Any:
    """The first arguments that plain arrays give finite numbers for."""
    for args in choices:
        try:
            with quiet():
                y = writing(f)(*_copied(args))
        except Exception:
            continue
        results = numbers(y)
        if results and all(np.all(np.isfinite(part)) for part in results):
            return args
    return None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings: what is not finite is seen by looking."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _copied(args: Any) -> Any:
    if isinstance(args, np.ndarray):
        return args.copy()
    return type(args)(map(_copied, args)) if type(args) in (list, tuple) else args


def writing(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function; of one that only writes into its first argument, that argument."""

    def call(first: Any, *rest: Any) -> Any:
        target = first * 1.0 if "float" in str(getattr(first, "dtype", "")) else first
        y = f(target, *rest)
        return target if y is None else y

    return call


def numbers(y: Any) -> list[Any]:
    """The floating arrays and numbers in a result."""
    if isinstance(y, tuple | list):
        return [part for child in y for part in numbers(child)]
    if isinstance(y, bool | int | str) or y is None:
        return [np.asarray(y)] if isinstance(y, bool | int) else []
    return [y] if hasattr(y, "dtype") or isinstance(y, float | complex) else []


def sample_of(f: Callable[..., Any], args: tuple[Any, ...], held: tuple[int, ...]) -> Sample:
    """One real number made of all results, as a function of the floating arguments not held."""
    leaves: list[Any] = []
    pattern = [a if k in held else _take_out(a, leaves) for k, a in enumerate(args)]
    traced: list[bool] = []
    called = writing(f)

    def total(*values: Any) -> Any:
        rest = iter(values)
        y = called(*[a if k in held else _put_in(a, rest) for k, a in enumerate(pattern)])
        results = numbers(y)
        traced[:] = [part.__class__ in LIFTED for part in results]  # type() is rebound here
        return sum((_weighed(part, k) for k, part in enumerate(results)), start=0.0)

    sample = Sample(total, tuple(leaves), traced)
    with quiet():
        try:
            ag.jvp(total, sample.point, tuple(map(np.ones_like, sample.point)))
        except Exception:  # the check of each mode says what it is
            traced[:] = [True]
    return sample


class _Place:
    """Where a floating argument stood."""


def _is_variable(a: Any) -> bool:
    return isinstance(a, float | complex) or (isinstance(a, np.ndarray) and a.dtype.kind in "fc")


def _take_out(a: Any, leaves: list[Any]) -> Any:
    if _is_variable(a):
        leaves.append(np.asarray(a) if isinstance(a, float | complex) else a)
        return _Place
    return type(a)(_take_out(part, leaves) for part in a) if type(a) in (list, tuple) else a


def _put_in(a: Any, values: Iterator[Any]) -> Any:
    if a is _Place:
        return next(values)
    return type(a)([_put_in(part, values) for part in a]) if type(a) in (list, tuple) else a


def _weighed(y: Any, k: int) -> Any:
    """A sum with a weight for each element, counted from the last, so that no errors cancel."""
    if not hasattr(y, "dtype"):
        y = y * np.ones(())
    if "bool" in str(y.dtype) or "int" in str(y.dtype):
        return 0.0
    shape = tuple(y.shape)
    weights = np.cos(1.0 + k + np.arange(float(np.prod(shape, dtype=int))))[::-1].reshape(shape)
    if "complex" in str(y.dtype):
        return np.sum(np.real(y) * weights) + np.sum(np.imag(y) * weights[::-1] if shape else 0.0)
    return np.sum(y * weights)


def _held(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[tuple[int, ...], str]:
    """The fewest floating arguments that must be plain, and the kind in words."""
    floating = [k for k, a in enumerate(args) if sample_leaves(a)]
    for count in range(len(floating)):
        for held in itertools.combinations(floating, count):
            sample = sample_of(f, args, held)
            try:
                with quiet():
                    ag.vjp(sample.function, *sample.point)[1](1.0)
            except REFUSALS:
                continue
            except Exception:
                return held, "differentiable"  # the check of each mode says what is wrong
            words = "".join(f", not by argument {k + 1}" for k in held)
            return held, f"differentiable{words}"
    return (), NO


def sample_leaves(a: Any) -> bool:
    """Whether an argument holds floating numbers."""
    leaves: list[Any] = []
    _take_out(a, leaves)
    return bool(leaves)


def _outcome(check: Callable[[], bool], refusals: Any = REFUSALS) -> tuple[str, str]:
    try:
        with quiet():
            right = check()
    except refusals:
        return NO, ""
    except Exception as error:
        return WRONG, f"{type(error).__name__}: {error}".splitlines()[0]
    return (YES, "") if right else (WRONG, "differs")


# Each check is a comparison with something that differentiates nothing.


def slope(f: Callable[[float], Any], step: float = 1e-3) -> float:
    """The derivative at 0 by central differences of fourth order."""
    near, far = (float(f(k * step) - f(-k * step)) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * step)


def close(a: Any, b: float, tolerance: float) -> bool:
    """Equal up to what the differences leave open."""
    a = float(np.real(a))
    return bool(np.isfinite(a) and abs(a - b) <= tolerance * (1.0 + abs(b)))


def directions(point: Sequence[Any], turn: float = 0.0) -> tuple[Any, ...]:
    """A direction for each argument; complex for complex ones."""
    made = []
    for k, x in enumerate(point):
        v = np.sin(2.0 + k + turn + np.arange(float(x.size))).reshape(x.shape)
        made.append(v * np.exp(1j * (1.0 + v)) if np.iscomplexobj(x) else v)
    return tuple(made)


def moved(point: Sequence[Any], along: Sequence[Any], by: float) -> list[Any]:
    """The point, a step further."""
    return [x + by * v for x, v in zip(point, along, strict=True)]


def inner(gradient: Any, along: Sequence[Any]) -> Any:
    """The slope that a gradient says, along a direction."""
    pairs = zip(gradient, along, strict=True)
    return sum((np.sum(np.real(np.conj(g) * v)) for g, v in pairs), start=0.0)


def gradient_of(s: Sample, point: Sequence[Any]) -> Any:
    """The gradient by all arguments, at a point."""
    with ag.use_settings(warn_unused=False):
        return ag.grad(s.function, argnums=tuple(range(len(point))))(*point)


def _forward(s: Sample) -> bool:
    along = directions(s.point)
    expected = slope(lambda h: s.function(*moved(s.point, along, h)))
    return close(ag.jvp(s.function, s.point, along)[1], expected, 1e-6)


def _reverse(s: Sample) -> bool:
    along = directions(s.point)
    expected = slope(lambda h: s.function(*moved(s.point, along, h)))
    return close(inner(gradient_of(s, s.point), along), expected, 1e-6)


def _higher(s: Sample) -> bool:
    along, other = directions(s.point), directions(s.point, 1.0)

    def first(*point: Any) -> Any:
        return inner(gradient_of(s, point), along)

    expected = slope(lambda h: first(*moved(s.point, other, h)))
    return close(ag.jvp(first, s.point, other)[1], expected, 1e-5)


def _batches(s: Sample) -> bool:
    points = [s.point, moved(s.point, directions(s.point), 1e-3)]
    stacked = [np.stack(parts) for parts in zip(*points, strict=True)]
    expected = [float(np.real(s.function(*point))) for point in points]
    found = ag.vmap(s.function)(*stacked)
    return np.allclose(found, expected, rtol=1e-9, atol=1e-9)


# Vectors whose phase the library chooses: lengths of their elements say what is determined.
_UP_TO_PHASES = {"eig", "eigh", "svd"}


def _complex(
    f: Callable[..., Any], args: tuple[Any, ...], held: tuple[int, ...], name: str
) -> tuple[str, str]:
    args = tuple(a if k in held else _as_complex(a) for k, a in enumerate(args))

    def g(*args: Any) -> Any:
        y = f(*args)
        return [np.abs(part) ** 2 for part in numbers(y)] if name in _UP_TO_PHASES else y

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            y = numbers(writing(g)(*_copied(args)))
        except Exception:
            return ABSENT, ""  # real numbers only
        if not y or not all(np.all(np.isfinite(part)) for part in y):
            return ABSENT, ""
    sample = sample_of(g, args, held)
    return _outcome(lambda: _reverse(sample), (*REFUSALS, DTypeError))


def _as_complex(a: Any) -> Any:
    if isinstance(a, float):
        return a + 0.2j
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        turned = 0.2 * np.sin(1.0 + np.arange(float(a.size))).reshape(a.shape)
        if a.ndim == 2 and a.shape[0] == a.shape[1]:
            turned = turned - turned.T  # Hermitian where the matrix was symmetric
        return a + 1j * turned
    return type(a)(map(_as_complex, a)) if type(a) in (list, tuple) else a
