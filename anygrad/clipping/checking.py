"""What the clips ask of their arguments, before any work."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from anygrad import trees
from anygrad.backends import backend_of, is_traced, namespace_of
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, DTypeError, describe, suggest
from anygrad.ranges import Range, check_number
from anygrad.trees.comparing import name_in
from anygrad.trees.placing import check_libraries

__all__ = ["LIMIT", "POLICIES", "Policy", "check_floating", "check_limit", "check_order"]

LIMIT = Range(low=0, open_low=True)
ORDER = Range(low=1)

POLICIES = ("propagate", "raise", "skip", "zero")

Policy: TypeAlias = Literal["propagate", "raise", "skip", "zero"]
"""What happens to inf and nan."""

FLOATING = ("real floating", "complex floating")


def check_policy(where: str, nonfinite: Any) -> None:
    """Refuse an unknown policy."""
    if nonfinite not in POLICIES:
        message = (
            f"{where}(nonfinite): got {describe(nonfinite)}; expected one of "
            f"{', '.join(POLICIES)}. {suggest(nonfinite, POLICIES)}"
        )
        raise ArgumentError(message.rstrip())


def check_limit(
    where: str, max_norm: Any, nonfinite: Any = "propagate", name: str = "max_norm"
) -> float:
    """Check the arguments of a clip by a norm, and return the limit as a float."""
    check_policy(where, nonfinite)
    return check_number(f"{where}({name})", max_norm, LIMIT)


def check_order(where: str, ord: Any) -> float:
    """Check the order p of a norm, and return it as a float."""
    return check_number(f"{where}(ord)", ord, ORDER, "For the largest element use math.inf.")


def check_floating(
    where: str,
    grads: Tree,
    kind: str | tuple[str, ...] = FLOATING,
    advice: str = "Convert it with xp.astype(x, xp.float64).",
) -> tuple[list[Array], Any]:
    """Refuse leaves that are no arrays of the kind, and arrays of two libraries.

    Returns
    -------
    leaves, treedef
        The tree, flattened.
    """
    found, treedef = trees.flatten(grads)
    if _is_all(found, kind):
        return found, treedef
    for number, g in enumerate(found):
        if backend_of(g) is not None and has_kind(namespace_of(g), g.dtype, kind):
            continue
        path = trees.show_path(name_in(where), trees.paths(grads)[number])
        wanted = "a real floating array" if kind == "real floating" else "a floating array"
        if backend_of(g) is None:
            advice = "Use ag.asarray."
        message = f"{where}: got {describe(g)} at {path}; expected {wanted}. {advice}"
        raise DTypeError(message)
    check_libraries(where, grads)
    return found, treedef


def _is_all(found: list[Any], kind: str | tuple[str, ...]) -> bool:
    """Tell quickly whether all leaves are arrays of one class and of the kind."""
    if len(set(map(type, found))) != 1 or is_traced(found[0]) or backend_of(found[0]) is None:
        return False
    xp = namespace_of(found[0])
    return all(has_kind(xp, dtype, kind) for dtype in {g.dtype for g in found})
