"""The settings themselves: one field each, with its default, its meaning and its values."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from anygrad.errors import SettingsError, describe, suggest

__all__ = ["CHOICES", "FIELDS", "Settings", "check_settings", "expected_of"]

CHOICES: dict[str, Collection[str]] = {}
"""Values of a setting that an upper floor knows, and puts here: the names of the backends."""


def _setting(default: Any, doc: str, *choices: str, kinds: tuple[type, ...] = ()) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices, "kinds": kinds})


@dataclass(frozen=True)
class Settings:
    """One value for every setting.

    A field is all there is to a setting: its keyword, environment variable, file key, validation
    and its row in the documentation follow from it.
    """

    backend: str = _setting("numpy", "The library of new arrays.")
    device: str | int | None = _setting(
        None, "The device of new arrays, in the library's own terms; None is its current device."
    )
    dtype: str = _setting(
        "float64",
        "The dtype of new arrays made from Python floats; complex numbers get the same precision.",
        "float32",
        "float64",
    )
    warn_unused: bool = _setting(
        True, "Warn when a result does not depend on an input that it is differentiated by."
    )
    rebind: bool = _setting(
        True, "Let differentiated functions see `np.zeros`, `float`, `math.sin` as traced twins."
    )
    debug_nans: str = _setting(
        "off",
        "Raise at the first operation that makes a nan, or with `all` also an infinity; slow.",
        "off",
        "nan",
        "all",
    )
    deterministic: bool = _setting(
        False,
        "On a GPU, add the gradients of repeated indices in a fixed order; slower, more memory.",
    )
    fuse: bool = _setting(
        True, "Replay compiled functions and optimizer steps; without it their code runs each time."
    )
    kernels: str = _setting(
        "auto",
        "Compile hot replays to kernels: of NumPy arrays with llvmlite, of CuPy arrays in CUDA; "
        "`always` at once.",
        "auto",
        "off",
        "always",
    )
    contract: bool = _setting(
        True,
        "Let kernels on a GPU round a product and a sum once; without it they round like NumPy.",
    )
    kernel_cache: str = _setting(
        "",
        "The folder where machine code is kept: an absolute path, not from a file; `off`; or empty "
        "for the user's own.",
        kinds=(str,),
    )
    threads: int | None = _setting(
        None,
        "Threads of a large kernel; None for as many as there are processors to use.",
        kinds=(int, type(None)),
    )
    progress: str = _setting(
        "auto", "Show live progress in training; `auto` does so on a terminal.", "auto", "on", "off"
    )


FIELDS = {item.name: item for item in dataclasses.fields(Settings)}


def expected_of(name: str) -> str:
    """Say in words which values the setting takes."""
    choices = CHOICES.get(name) or FIELDS[name].metadata["choices"]
    if choices:
        return f"one of {', '.join(repr(choice) for choice in choices)}"
    if isinstance(FIELDS[name].default, bool):
        return "True or False"
    kinds = FIELDS[name].metadata["kinds"] or (str, int, type(None))
    words = {str: "a string", int: "an int", type(None): "None"}
    *first, last = [words[kind] for kind in kinds]
    return f"{', '.join(first)} or {last}" if first else last


def check_settings(where: str, values: Mapping[str, Any]) -> None:
    """Refuse names that are no settings and values that a setting does not take.

    Parameters
    ----------
    where : str
        The function, file or variable that the values come from, for the message.
    values : mapping of str to any
        Names and values.

    Raises
    ------
    SettingsError
        Names the first wrong entry and what was expected.
    """
    for name, value in values.items():
        if name not in FIELDS:
            message = (
                f"{where}({name}): got an unknown setting; expected one of {', '.join(FIELDS)}. "
                f"{suggest(name, FIELDS)}"
            )
            raise SettingsError(message.rstrip())
        if not _fits(name, value):
            hint = suggest(value, CHOICES.get(name) or FIELDS[name].metadata["choices"])
            message = (
                f"{where}({name}): got {describe(value)}; expected {expected_of(name)}. {hint}"
            )
            raise SettingsError(message.rstrip())


def _fits(name: str, value: Any) -> bool:
    choices = CHOICES.get(name) or FIELDS[name].metadata["choices"]
    if choices:
        return isinstance(value, str) and value in choices
    if isinstance(FIELDS[name].default, bool):
        return isinstance(value, bool)
    # a device may be the library's own object, but no truth value, which would pass as an index
    kinds = FIELDS[name].metadata["kinds"]
    return not isinstance(value, bool) and (not kinds or isinstance(value, kinds))
