"""Complete the docstring of an optimizer with what is the same for all of them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from anygrad.optimizers.slots import When

if TYPE_CHECKING:
    from anygrad.optimizers.rules.factories import Declaration

__all__ = ["complete"]

SHARED: dict[str, str] = {
    "learning_rate": "float or schedule{default}\n    >= 0.",
    "b1": "float or schedule{default}\n    Decay of the mean gradient, in [0, 1).",
    "b2": "float or schedule{default}\n    Decay of the mean squared gradient, in [0, 1).",
    "eps": "float or schedule{default}\n    >= 0, added to the root.",
    "eps_root": "float or schedule{default}\n    >= 0, added under the root.",
    "weight_decay": (
        "float or schedule{default}\n"
        "    >= 0. Coupled (L2): ``weight_decay * p`` is added to the gradient."
    ),
    "decoupled_weight_decay": (
        "bool{default}\n"
        "    Whether the decay goes past the gradient: ``p -= learning_rate * weight_decay * p``."
    ),
    "fixed_decay": (
        "bool{default}\n    Whether decoupled decay is not multiplied by the learning rate."
    ),
    "maximize": "bool{default}\n    Climb rather than descend; weight decay still shrinks.",
    "groups": (
        "list of (pattern, dict)\n"
        "    Other hyperparameters for the leaves whose path matches; the first match wins."
    ),
}
"""What a parameter means that many optimizers have."""

DECOUPLED = (
    "float or schedule{default}\n"
    "    >= 0. Decoupled: ``learning_rate * weight_decay * p`` is subtracted from ``p``."
)
RAISES = """Raises
------
ArgumentError
    If a value is outside its range; names it.
"""
SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)


def complete(docstring: str, declaration: Declaration) -> str:
    """Add parameters that the docstring leaves out, results and errors, in numpydoc's order."""
    text = inspect.cleandoc(docstring)
    heads = list(SECTION.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    sections = {
        head[1]: text[head.start() : end].rstrip() + "\n"
        for head, end in zip(heads, ends, strict=True)
    }
    opening = text[: heads[0].start()].rstrip() if heads else text
    own = _entries(sections.pop("Parameters", ""))
    parts = [
        opening + "\n",
        "Parameters\n----------\n" + _parameters(own, declaration),
        "Returns\n-------\nTransform\n    " + _returns(declaration),
        RAISES,
        *sections.values(),
    ]
    return "\n".join(parts)


def _entries(section: str) -> dict[str, str]:
    """Entries of a section by the first name each of them describes, and by the others empty."""
    entries: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", "\n".join(section.splitlines()[2:])):
        names = entry.partition(" : ")[0].split(", ")
        entries |= dict.fromkeys(names, "") | {names[0]: entry.rstrip()}
    return entries


def _parameters(own: dict[str, str], declaration: Declaration) -> str:
    listed = []
    for name in (*declaration.defaults, "groups", "compat"):
        entry = own[name] if name in own else f"{name} : {_describe(name, declaration)}"
        listed += [entry] if entry else []
    return "\n".join(listed) + "\n"


def _describe(name: str, declaration: Declaration) -> str:
    if name == "compat":
        return _compat(declaration)
    if name == "groups":
        return SHARED[name]
    decoupled = declaration.fixed.get("decoupled_weight_decay")
    text = DECOUPLED if name == "weight_decay" and decoupled else SHARED[name]
    default: Any = declaration.defaults[name]
    shown = f"{default:g}" if isinstance(default, float) else repr(default)
    return text.format(default="" if default is None else f", default {shown}")


def _compat(declaration: Declaration) -> str:
    if not declaration.peers:
        return "None\n    There is no peer to follow."
    names = ", ".join(f'"{peer}"' for peer in sorted(declaration.peers, reverse=True))
    what = "Take the switches of this peer, and its defaults for what is missing."
    return f"{{None, {names}}}\n    {what}"


def _returns(declaration: Declaration) -> str:
    names = ["``step``", "``learning_rate``"]
    for name, slot in declaration.slots.items():
        condition = f" (with {slot.hyperparameter})" if isinstance(slot, When) else ""
        names.append(f"``{name}``{condition}")
    return f"State: {', '.join(names)}.\n"
