"""The two ways out of a trace that are meant: treat a value as a constant, or look at it."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.backends import is_mutable
from anygrad.tracing import LIFTED, names_for
from anygrad.tracing.level import strip
from anygrad.trees.placing import on_device_of


def stop_gradient(x: Any) -> Any:
    """Treat a value as a constant: it passes unchanged, its derivative is zero.

    Parameters
    ----------
    x : tree of arrays
        Traced or not.

    Returns
    -------
    tree of arrays
        The same values, without influence on any derivative.

    Examples
    --------
    >>> import anygrad as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return trees.map(_value, x)


def value(x: Any) -> Any:
    """Look at the plain value of a traced array, at your own responsibility.

    What is computed from it is a constant for every derivative.

    Parameters
    ----------
    x : tree of arrays
        Traced or not.

    Returns
    -------
    tree of arrays
        Plain arrays of the user's library.

    Examples
    --------
    >>> import anygrad as ag
    >>> ag.grad(lambda x: x * float(ag.value(x)))(3.0)
    np.float64(3.0)
    """
    return trees.map(_value, x)


def _value(x: Any) -> Any:
    """The plain value, copied: the tape may hold the array itself, where a write would reach it."""
    if type(x) not in LIFTED:
        return x
    bottom = strip(x)
    if type(bottom) in LIFTED:  # a batch of vmap: a value for each example
        return bottom
    if not is_mutable(bottom):
        return bottom
    with on_device_of(bottom):
        return names_for(bottom).asarray(bottom, copy=True)
