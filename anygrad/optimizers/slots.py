"""Slots: what an optimizer keeps from step to step, and how each of them starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from anygrad.backends import device_of
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array, Namespace

__all__ = [
    "Number",
    "Shared",
    "Slot",
    "When",
    "copy",
    "real_full",
    "real_scalar",
    "real_zeros",
    "zeros",
]

Start: TypeAlias = Callable[..., Any]
"""``start(xp, p, **hyperparameters)``: an array of any shape, or None where the leaf ``p`` needs
none."""


@dataclass(frozen=True)
class When:
    """A slot that exists only where a hyperparameter is not 0 (or False) in some group.

    Attributes
    ----------
    hyperparameter : str
        Its name.
    start : callable
        How the slot starts.
    """

    hyperparameter: str
    start: Start


@dataclass(frozen=True)
class Number:
    """A number of the host, in double precision: one for each group of hyperparameters.

    It follows the step count and the hyperparameters, never an array; a formula takes and returns
    it as a Python float. In the state it is an array of shape (1 + number of groups,).

    A number that is no argument of the formula stays as it started.

    Attributes
    ----------
    start : float or callable
        Before the first step; or ``start(**hyperparameters)``, from those of the first step.
    """

    start: float | Callable[..., float]

    def begin(self, **hyperparameters: Any) -> float:
        """Tell the value before the first step."""
        return self.start(**hyperparameters) if callable(self.start) else self.start


@dataclass(frozen=True)
class Shared:
    """A 0-d array for the whole tree, on the device; the reduction of the optimizer renews it.

    Attributes
    ----------
    start : callable
        ``start(params, **hyperparameters)``, with the tree: a number or a 0-d array.
    """

    start: Callable[..., Any]


Slot: TypeAlias = Start | When | Number | Shared | None
"""How a slot starts; None for one that is not kept at all."""


def zeros(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start like ``p``, at zero."""
    return xp.zeros_like(p)


def copy(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start as ``p`` itself."""
    return xp.asarray(p, copy=True)


def real_zeros(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start for squares: real where ``p`` is complex, at zero."""
    return real_full(xp, p, 0.0)


def real_full(xp: Namespace, p: Array, value: float, shape: tuple[int, ...] | None = None) -> Array:
    """Start for squares at ``value``; in the shape of ``p`` if no other is given."""
    shape = p.shape if shape is None else shape
    return xp.full(shape, value, dtype=real_dtype(xp, p), device=device_of(p))


def real_scalar(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start for one real number of the whole array, at zero."""
    return real_full(xp, p, 0.0, ())


def real_dtype(xp: Namespace, p: Array) -> Any:
    """Dtype of ``|p|``."""
    if not has_kind(xp, p.dtype, "complex floating"):
        return p.dtype
    return xp.float32 if p.dtype == xp.complex64 else xp.float64
