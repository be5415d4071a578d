"""What came of the evaluation at each of many points, and the error that tells what is missing."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from anygrad.errors import ArgumentError, EvaluationError
from anygrad.errors import describe as describe_value

__all__ = ["Forgiving", "Nowhere", "Result", "explain_failures"]

LONGEST_LIST = 10
DEATH = "KilledWorker"  # Dask's, by name: it is not imported here; all others are BrokenExecutor


class Nowhere:
    """What stands for a value where f has none."""


@dataclass(frozen=True)
class Forgiving:
    """Calls f; gives `Nowhere` where it raises what arrays answer with NaN: ``math.log(-1)``."""

    f: Callable[[Any], Any]

    def __call__(self, point: Any) -> Any:
        """Evaluate f at one point."""
        try:
            return self.f(point)
        except (ArithmeticError, ValueError):
            return Nowhere


@dataclass(frozen=True)
class Result:
    """A value or an error; it reaches another process even where the two do not pickle."""

    value: Any = None
    error: BaseException | None = None
    lost: bool = False  # the error is the executor's, f's is not known

    @property
    def rank(self) -> int:
        """Which error to tell first: a death, then others of the executor, then f's."""
        dead = isinstance(self.error, BrokenExecutor) or type(self.error).__name__ == DEATH
        return 2 - self.lost - (self.lost and dead)

    def __reduce__(self) -> tuple:
        text = "".join(traceback.format_exception(self.error)) if self.error else ""
        try:
            packed = pickle.dumps((self.value, self.error))
            if self.error is not None:
                pickle.loads(packed)  # one that cannot be read back would break a pool of processes
        except Exception as problem:  # Dask would ask for the value again, without end
            told = self.error or problem
            packed = pickle.dumps((None, RuntimeError(f"{type(told).__name__}: {told}")))
        return _unpack, (packed, text)


def _unpack(packed: bytes, text: str) -> Result:
    value, error = pickle.loads(packed)
    if error is not None and text:
        error.add_note(f"In the worker:\n{text.rstrip()}")
    return Result(value, error)


def explain_failures(
    where: str,
    task: partial,
    results: Sequence[Result],
    describe: Callable[[int], str] | None = None,
) -> tuple[ArgumentError | EvaluationError, BaseException | None]:
    """Make the error that says what is missing and why, and the error that it comes from.

    The first argument of ``task`` is the function, and ``results`` are those of all points.
    """
    missing = tuple(number for number, result in enumerate(results) if result.error is not None)
    values = {n: result.value for n, result in enumerate(results) if result.error is None}
    first = min(missing, key=lambda number: results[number].rank)
    cause, name = results[first].error, _name_of(task.args[0])
    text = f"{type(cause).__name__}: {cause}".rstrip(": .")
    if results[first].rank == 2:
        told = f" ({describe(first)})" if describe else ""
        got, advice = f"{text} from {name} at point {first}{told}", ""
    elif results[first].rank == 0:
        got = f"a worker that died ({text}) during {name}"
        advice = (
            " It crashed, ran out of memory or ended its process; or the workers cannot import it: "
            "define it in a module, and start them under `if __name__ == '__main__':`."
        )
    elif not values and not _pickles(task):
        message = (
            f"{where}(f): got {name}, which with its points does not pickle ({text}); expected a "
            "function that can be sent to another process. Define it at the top level of a "
            "module, not as a lambda or inside a function, or use a ThreadPoolExecutor."
        )
        return ArgumentError(message), cause
    else:
        got = f"an executor that failed ({text}) during {name}"
        advice = " Is it open, and can its workers import the function?"
    kept = f" The error's `values` has the {len(values)} others." if values else ""
    message = (
        f"{where}(f): got {got}; expected a value at each point, but {len(missing)} of "
        f"{len(results)} have none: {_list_numbers(missing)}, counted from 0.{advice}{kept}"
    )
    return EvaluationError(message, missing, values), cause


def _pickles(task: partial) -> bool:
    try:
        pickle.dumps(task)
    except Exception:  # pickle raises whatever the objects on its way raise
        return False
    return True


def _name_of(f: Any) -> str:
    """The name of the user's function behind partial and behind our records that hold it as f."""
    inner = getattr(f, "func", None) or getattr(getattr(f, "__self__", f), "f", None)
    if inner is not None:
        return _name_of(inner)
    name = getattr(f, "__qualname__", None)
    return f"{f.__module__}.{name}" if name else describe_value(f)


def _list_numbers(numbers: Sequence[int]) -> str:
    """Numbers in order, in words: points 12-15 and 20."""
    pairs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in pair] for _, pair in pairs]
    words = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    if len(words) > LONGEST_LIST:
        words = [*words[: LONGEST_LIST - 1], f"{len(words) - LONGEST_LIST + 1} more runs"]
    listed = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return f"{'point' if len(numbers) == 1 else 'points'} {listed}"
