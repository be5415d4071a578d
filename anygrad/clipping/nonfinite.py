"""What becomes of inf and nan before a norm is taken, and where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.scaling import as_array, zero_for
from anygrad.errors import NonFiniteError
from anygrad.tracing.level import read_value, recorded
from anygrad.trees.placing import on_device_of, together

__all__ = ["finite_flags", "first_bad", "raise_if_nonfinite", "zero_nonfinite"]


def first_bad(finite: Tree) -> str | None:
    """Name the first leaf that was not finite; waits for the device.

    Parameters
    ----------
    finite : tree of arrays of bool
        One flag of shape () for each leaf, as ``Measured.finite`` and ``ag.optimizers.info`` give
        them.

    Returns
    -------
    str or None
        Its path as `anygrad.trees.paths` writes it, ``"decoder/w"``, and ``""`` if the tree is one
        bare flag. None if all are true.

    Examples
    --------
    >>> finite = {"decoder": {"b": np.asarray(True), "w": np.asarray(False)}}
    >>> ag.clipping.first_bad(finite)
    'decoder/w'
    """
    flags = trees.leaves(finite)
    if not flags:
        return None
    told = trees.to_numpy(together(flags, flags[0])).tolist()  # one copy to the host
    return None if all(told) else trees.paths(finite)[told.index(False)]


def finite_flags(found: Sequence[Array]) -> Array | None:
    """Tell of each leaf that is not empty whether it is finite, at home with the first of them."""
    full = [g for g in found if 0 not in g.shape]
    if not full:
        return None
    flags = []
    for g in full:
        xp = namespace_of(g)
        with on_device_of(g):
            flags.append(xp.asarray(xp.all(xp.isfinite(g))))
    return together(flags, full[0])


def zero_nonfinite(g: Array) -> Array:
    """Put 0 where an element is inf or nan."""
    xp = namespace_of(g)
    with on_device_of(g):
        return as_array(xp, xp.where(xp.isfinite(g), g, zero_for(xp, g)), g)


def raise_if_nonfinite(where: str, grads: Tree, flags: Array | None) -> None:
    """Name the first leaf whose flag is down; waits for the device. None: all are known finite."""
    if flags is None:
        return
    told = _fetch(flags).tolist()
    if all(told):
        return
    full = [number for number, g in enumerate(trees.leaves(grads)) if 0 not in g.shape]
    number = full[told.index(False)]
    g = trees.leaves(grads)[number]
    has_nan = bool(_fetch(namespace_of(g).any(namespace_of(g).isnan(g))))
    path = trees.show_path("grads", trees.paths(grads)[number])
    message = (
        f"{where}(grads): got {'nan' if has_nan else 'inf'} in {path}; expected "
        "finite gradients. Lower the learning rate, or pass nonfinite='skip' to leave it out."
    )
    raise NonFiniteError(message)


def _fetch(x: Array) -> Any:
    """Bring values to the host; what is recorded holds for these alone."""
    return trees.to_numpy(x if recorded(x) is None else read_value(x))
