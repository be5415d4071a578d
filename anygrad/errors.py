"""Every exception and warning that anygrad raises, and the two helpers that word their messages.

Each exception is ours and a builtin, so both ``except ag.errors.AnygradError`` and ``except
ValueError`` catch what they should::

    AnygradError                                  anything anygrad refuses
    +-- ArgumentError        (ValueError)         a value outside its range
    |   +-- ShapeError                            shapes or structures that do not fit
    +-- DTypeError           (TypeError)          integers where floating point is needed, ...
    +-- SettingsError        (ValueError)         a setting, environment variable or settings file
    +-- BackendError         (RuntimeError)       an unknown or unusable backend or device
    |   +-- MissingPackageError (ImportError)     an optional package is absent
    +-- MixedBackendError    (TypeError)          two libraries or two devices in one operation
    +-- HostTransferError    (TypeError)          an implicit copy from a device to the host
    +-- TraceError           (TypeError)          the gradient would be lost
    |   +-- MissingRuleError (NotImplementedError)  an operation without a derivative
    +-- NonFiniteError       (ArithmeticError)    inf or nan where it was asked to raise
    +-- EvaluationError      (RuntimeError)       a function failed at some of many points
    +-- GradientError        (AssertionError)     a wrong gradient, found by ``raise_if_wrong``

    RetraceWarning           (UserWarning)        a compiled function is recorded again and again
    UnconvergedWarning       (UserWarning)        what is differentiated or mapped is no solution
    UnusedInputWarning       (UserWarning)        the result does not depend on an input

A message has one form: ``where(argument): got <what>; expected <what>. <what to do>``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "AnygradError",
    "ArgumentError",
    "BackendError",
    "DTypeError",
    "EvaluationError",
    "GradientError",
    "HostTransferError",
    "MissingPackageError",
    "MissingRuleError",
    "MixedBackendError",
    "NonFiniteError",
    "RetraceWarning",
    "SettingsError",
    "ShapeError",
    "TraceError",
    "UnconvergedWarning",
    "UnusedInputWarning",
    "describe",
    "suggest",
]

LONGEST_REPR = 80
PLAIN = (bool, int, float, complex, str, bytes, type(None))


class AnygradError(Exception):
    """Anything that anygrad refuses; the root of the tree."""


class ArgumentError(AnygradError, ValueError):
    """An argument has a value outside its range."""


class ShapeError(ArgumentError):
    """Shapes or tree structures do not fit each other."""


class DTypeError(AnygradError, TypeError):
    """An array has a dtype that the operation cannot use."""


class SettingsError(AnygradError, ValueError):
    """A setting is unknown, has a wrong value, or its file cannot be read."""


class BackendError(AnygradError, RuntimeError):
    """A backend or device is unknown or cannot be used on this machine."""


class MissingPackageError(BackendError, ImportError):
    """An optional package is absent; the message holds the line that installs it."""


class MixedBackendError(AnygradError, TypeError):
    """Arrays of two libraries, or on two devices, meet in one operation."""


class HostTransferError(AnygradError, TypeError):
    """An array would be copied from its device to the host without being asked for."""


class TraceError(AnygradError, TypeError):
    """An operation on a traced array would lose the gradient in silence."""


class MissingRuleError(TraceError, NotImplementedError):
    """An operation has no derivative rule."""


class NonFiniteError(AnygradError, ArithmeticError):
    """A value is inf or nan where the caller asked for an error."""


class EvaluationError(AnygradError, RuntimeError):
    """A function gave no value at some of many points, or the worker that evaluated it died.

    Attributes
    ----------
    missing : tuple of int
        The numbers of the points without a value, counted from 0, in order.
    values : dict
        The value at each other point, by its number.
    """

    def __init__(
        self, message: str, missing: tuple[int, ...] = (), values: dict[int, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.missing = missing
        self.values = {} if values is None else values


class GradientError(AnygradError, AssertionError):
    """A gradient disagrees with its numerical check."""


class RetraceWarning(UserWarning):
    """A compiled function is recorded again and again, or cannot be replayed."""


class UnconvergedWarning(UserWarning):
    """A solver did not converge where only its solution is passed on: in a derivative or batch."""


class UnusedInputWarning(UserWarning):
    """A result does not depend on an input that it was differentiated by."""


def suggest(name: object, known: Iterable[str]) -> str:
    """Offer the known name nearest to ``name`` as a sentence, or nothing.

    Parameters
    ----------
    name : object
        What the caller wrote; anything but a string has no neighbour.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        ``"Did you mean 'cupy'?"``, or ``""`` when no name is near.

    Examples
    --------
    >>> from anygrad.errors import suggest
    >>> suggest("cuppy", ["cupy", "numpy"])
    "Did you mean 'cupy'?"
    """
    if not isinstance(name, str):
        return ""
    import difflib

    by_lower = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""


def describe(x: object) -> str:
    """Say what ``x`` is in a few words, without reading the values of an array.

    Parameters
    ----------
    x : object
        Anything.

    Returns
    -------
    str
        Library, shape, dtype and device of an array; a shortened ``repr`` of anything else.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.errors import describe
    >>> describe(np.zeros((2, 3)))
    'numpy array of shape (2, 3) and dtype float64'
    >>> describe(1.5)
    '1.5'
    """
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return _describe_array(x)
    if isinstance(x, (list, tuple, set, frozenset, dict)):
        return _describe_container(x)
    if not isinstance(x, PLAIN) and type(x).__repr__ is object.__repr__:
        return f"a {type(x).__name__}"
    return _shorten(repr(x))


def _describe_array(x: object) -> str:
    kind = type(x)
    library = (
        "traced" if getattr(kind, "__anygrad_traced__", False) else kind.__module__.split(".")[0]
    )
    noun = "array" if getattr(x, "shape", ()) else "scalar array"
    text = f"{library} {noun} of shape {_shape_of(x)} and dtype {_dtype_name(x)}"
    device = str(getattr(x, "device", "cpu"))
    return text if device == "cpu" else f"{text} on {device}"


def _shape_of(x: object) -> object:
    shape = getattr(x, "shape", ())
    try:
        return tuple(shape)
    except TypeError:  # an abstract array may not know its shape
        return shape


def _dtype_name(x: object) -> str:
    dtype = getattr(x, "dtype", None)
    return str(getattr(dtype, "name", dtype)).split(".")[-1]


def _describe_container(x: list | tuple | set | frozenset | dict) -> str:
    inside = [*x.keys(), *x.values()] if isinstance(x, dict) else x
    # the repr of a container prints what it holds, and that may be an array on a device
    if len(x) <= 10 and all(type(element) in PLAIN for element in inside):
        return _shorten(repr(x))
    return f"a {type(x).__name__} of length {len(x)}"


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_REPR else text[: LONGEST_REPR - 3] + "..."
