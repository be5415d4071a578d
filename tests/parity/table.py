"""What a call of the table is, and the inputs that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import anygrad as ag
from anygrad.trees.placing import on_device_of

REAL = ("float64", "float32")
BOTH = (*REAL, "complex128", "complex64")
_X = np.asarray([[0.5, 1.25, 0.8], [1.5, 0.3, 2.0]])
_V = np.asarray([[0.75, -0.5, 1.0], [0.25, 1.5, -1.25]])
_B = np.asarray([0.4, -0.7, 1.1])


class Inputs(NamedTuple):
    """The arrays that a routine is called with."""

    x: Any
    v: Any
    tree: dict[str, Any]
    grads: dict[str, Any]


def times(tree: Any, factor: float) -> Any:
    """A tree times a number, each leaf on its own device."""

    def multiply(leaf: Any) -> Any:
        with on_device_of(leaf):
            return leaf * factor

    return ag.trees.map(multiply, tree)


def make_inputs(make: Callable[[np.ndarray], Any], dtype: str) -> Inputs:
    """The inputs in one dtype; ``make`` turns a NumPy array into one of the library."""

    def cast(a):
        a = a + 1j * a[..., ::-1] if dtype.startswith("complex") else a
        return make(np.ascontiguousarray(a).astype(dtype))

    return Inputs(
        cast(_X), cast(_V), {"w": cast(_X), "b": cast(_B)}, {"w": cast(_V), "b": cast(_B * _B)}
    )


@dataclass(frozen=True)
class Routine:
    """One call of a public routine.

    Attributes
    ----------
    name : str
        The public name, with what is special about this call behind it.
    call : callable
        ``call(xp, inputs)``: a tree of arrays and numbers.
    dtypes : tuple of str
        What it takes.
    reads : str
        Why it may read values on the host; "" where it must not.
    condition : float
        How much it enlarges rounding errors of the functions that it calls.
    device_kept : bool
        Whether results are arrays like the inputs (else: host arrays or numbers).
    covers : tuple of str
        The public names that it shows; without it, its own name.
    libraries, devices : str
        Why it takes arrays of two libraries, or of two devices of one, as two arguments; "" where
        it must refuse them. A tree of two libraries is an argument of two libraries.
    crosses : str
        Which operation brings the leaves of a tree together, so that they may not even lie on
        several devices of one library; "" where they may.
    """

    name: str
    call: Callable[[Any, Inputs], Any]
    dtypes: tuple[str, ...] = BOTH
    reads: str = ""
    condition: float = 1.0
    device_kept: bool = True
    covers: tuple[str, ...] = ()
    libraries: str = ""
    devices: str = ""
    crosses: str = ""

    @property
    def public(self) -> tuple[str, ...]:
        """The public names that the call shows."""
        return self.covers or (self.name,)

    def __str__(self) -> str:
        return self.name
