"""Names for the leaves of a tree: ``decoder/w`` in files, ``params['decoder']['w']`` in errors."""

from __future__ import annotations

from typing import Any

import optree

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError
from anygrad.trees.structure import LEAF, NAMESPACE, flatten

__all__ = ["Path", "paths", "show_path"]


class Path(str):
    """The path of a leaf, ``decoder/w``; a string that remembers how Python spells it.

    Attributes
    ----------
    code : str
        The access in Python, ``['decoder']['w']`` or ``.decoder[0]``.
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, text: str, code: str) -> Path:
        """Make a path from its text and its spelling in Python."""
        path = super().__new__(cls, text)
        path.code = code
        return path

    def __getnewargs__(self) -> tuple[str, str]:
        """Let copy and pickle rebuild it."""
        return str(self), self.code


def paths(tree: Tree) -> list[Path]:
    """Name every leaf of a tree, in the order of the leaves.

    Keys, indices and field names are joined by ``/``; a ``/`` inside a key is written ``~1`` and a
    ``~`` is written ``~0``, as in JSON pointers, so that different leaves have different paths.

    Parameters
    ----------
    tree : tree
        Any tree.

    Returns
    -------
    list of Path
        Strings; ``""`` for a bare array.

    Raises
    ------
    ArgumentError
        If two leaves have the same path (a dict with the keys ``1`` and ``"1"``).

    References
    ----------
    RFC 6901, JavaScript Object Notation (JSON) Pointer, section 3.

    Examples
    --------
    >>> from anygrad import trees
    >>> trees.paths({"decoder": {"w": 1.0, "b": [2.0]}})
    ['decoder/b/0', 'decoder/w']
    """
    if flatten(tree)[1] is LEAF:
        return [Path("", "")]
    found = [_path_of(accessor) for accessor in optree.tree_accessors(tree, namespace=NAMESPACE)]
    if len(set(found)) < len(found):
        twice = next(path for index, path in enumerate(found) if path in found[:index])
        message = f"paths(tree): got two leaves with the path {twice!r}; expected different ones."
        raise ArgumentError(message)
    return found


def _path_of(accessor: optree.PyTreeAccessor) -> Path:
    return Path(
        "/".join(_step(entry) for entry in accessor),
        "".join(entry.codify("") for entry in accessor),
    )


def _step(entry: Any) -> str:
    code = entry.codify("")
    name = code[1:] if code.startswith(".") else str(entry.entry)
    return name.replace("~", "~0").replace("/", "~1")


def show_path(name: str, path: str) -> str:
    """Spell the path of a leaf as Python would, for messages.

    Parameters
    ----------
    name : str
        The argument that holds the tree.
    path : str
        From `paths`; of a plain string, digits are taken for indices and all else for keys.

    Returns
    -------
    str
        ``"params['decoder']['w']"``.

    Examples
    --------
    >>> from anygrad import trees
    >>> trees.show_path("params", "decoder/0/w")
    "params['decoder'][0]['w']"
    """
    if isinstance(path, Path):
        return name + path.code
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")] if path else []
    return name + "".join(f"[{step}]" if step.isdecimal() else f"[{step!r}]" for step in steps)
