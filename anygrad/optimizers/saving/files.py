"""Files of optimizer states, and of any other tree of arrays: safetensors, written whole.

How the leaves are laid out in them, and what the header says, is in `layout`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.backends import import_package
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest
from anygrad.files import written_whole
from anygrad.optimizers.saving.layout import (
    HEADER,
    Address,
    check_stored,
    decode,
    encode,
    read_header,
    write_header,
)
from anygrad.optimizers.saving.named import (
    Value,
    compare,
    describe_leaf,
    like_leaf,
    list_some,
    values_of,
)

__all__ = ["load", "read_file", "read_metadata", "save"]

RESERVED = "__metadata__"  # the format's own key
EXTRA = "train"


class FileContent(NamedTuple):
    """What a file holds: the leaves by path, and the caller's metadata."""

    values: dict[str, Value]
    metadata: dict[str, str]


def save(path: Address, state: Tree, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a tree of arrays to a file, whole or not at all.

    Each leaf is stored under its path, such as ``adam/m/layer/w``, with shape and dtype, in the
    format safetensors, which holds arrays and text only and runs no code when it is read. A reader
    sees the old file or the new one, never half of either. Waits for the device.

    Parameters
    ----------
    path : str or path
        Its folder must exist; an older file is replaced. ``.safetensors`` is the usual suffix.
    state : tree of arrays and numbers
        Such as the state of an optimizer, or ``{"params": params, "state": state}``; any library
        and device; bool, integer, floating (bfloat16 too) or complex.
    metadata : mapping of str to str, optional
        Text to keep in the file; `read_metadata` gives it back.

    Raises
    ------
    ArgumentError
        If ``metadata`` is no mapping of text to text, or two leaves have the same path.
    DTypeError
        If a leaf is no array or number, or has a dtype that files cannot hold.
    MissingPackageError
        If safetensors is not installed.
    FileNotFoundError
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from anygrad.optimizers.saving.files import load, save
    >>> optimizer = ag.optimizers.adam(0.1)
    >>> params = {"w": np.asarray([1.0, -2.0])}
    >>> params, state = optimizer.step(params, params, optimizer.init(params))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.safetensors", state)
    ...     loaded = load(f"{folder}/run.safetensors", like=optimizer.init(params))
    >>> int(loaded["step"]), loaded["m"]["w"]
    (1, array([ 0.1, -0.2]))
    """
    package = import_package("safetensors.numpy", where="save", extra=EXTRA)
    texts = _check_metadata(metadata)
    values = values_of("save(state)", state)
    if RESERVED in values:
        message = f"save(state): got the key {RESERVED!r}; expected another, it is the format's."
        raise ArgumentError(message)
    arrays = {name: encode(value) for name, value in values.items()}
    texts[HEADER] = write_header(values, arrays)
    content = package.save(arrays, metadata=texts)
    with written_whole(path) as file:
        file.write(content)


def load(path: Address, like: Tree) -> Tree:
    """Read a tree that `save` wrote.

    Parameters
    ----------
    path : str or path
        The file.
    like : tree of arrays and numbers
        ``optimizer.init(params)`` for a state. Gives structure, shapes, dtypes, libraries and
        devices; its values are not used.

    Returns
    -------
    tree
        New arrays with the values of the file, bit by bit, on the devices of those of ``like``.
        The library need not be the one that was saved.

    Raises
    ------
    ArgumentError
        If the file was not written by `save` or is damaged, or a leaf is missing or left over.
    ShapeError
        If a leaf has another shape than that of ``like``; names both.
    DTypeError
        If it has another dtype.
    MissingPackageError
        If safetensors is not installed.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    anygrad.optimizers.saving.restoring.restore : Takes what fits and keeps the rest of ``like``.

    Examples
    --------
    >>> import tempfile
    >>> from anygrad.optimizers.saving.files import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.safetensors", {"w": np.asarray([1.0, -0.0])})
    ...     load(f"{folder}/run.safetensors", like={"w": np.zeros(2)})
    {'w': array([ 1., -0.])}
    """
    values = read_file("load", path).values
    leaves, structure = trees.flatten(like)
    paths = trees.paths(like)
    _check_names(path, values, paths)
    for name, leaf in zip(paths, leaves, strict=True):
        _check_fit(path, name, values[name], leaf)
    pairs = zip(paths, leaves, strict=True)
    return trees.unflatten(structure, [like_leaf(values[name], leaf) for name, leaf in pairs])


def read_metadata(path: Address) -> dict[str, str]:
    """Read the text that was given to `save`.

    Parameters
    ----------
    path : str or path
        A file that `save` wrote.

    Returns
    -------
    dict of str to str
        As passed; empty if nothing was.

    Raises
    ------
    ArgumentError
        If the file was not written by `save`, or is damaged.
    MissingPackageError
        If safetensors is not installed.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from anygrad.optimizers.saving.files import read_metadata, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.safetensors", {"w": np.ones(2)}, metadata={"epoch": "3"})
    ...     read_metadata(f"{folder}/run.safetensors")
    {'epoch': '3'}
    """
    return read_file("read_metadata", path, arrays=False).metadata


def read_file(where: str, path: Address, *, arrays: bool = True) -> FileContent:
    """Read a file of `save` as named values; ``where`` is the public name, for messages."""
    package: Any = import_package("safetensors", where=where, extra=EXTRA)
    if not Path(path).is_file():
        raise FileNotFoundError(errno.ENOENT, "There is no such file", str(path))
    try:
        with package.safe_open(os.fspath(path), framework="np") as file:
            texts = dict(file.metadata() or {})
            dtypes = read_header(where, path, texts.pop(HEADER, None))
            names = list(file.keys()) if arrays else []
            found = {name: file.get_tensor(name) for name in names}
    except (package.SafetensorError, TypeError, AttributeError) as error:  # the last two: a dtype
        message = (
            f"{where}(path): got {str(path)!r}, which is no whole safetensors file ({error}); "
            "expected one that save wrote. Take an older copy."
        )
        raise ArgumentError(message) from error
    if arrays:
        check_stored(where, path, dtypes, found)
    values = {name: decode(array, dtypes.get(name)) for name, array in found.items()}
    return FileContent(values, texts)


def _check_metadata(metadata: Any) -> dict[str, str]:
    if metadata is None:
        return {}
    if isinstance(metadata, Mapping) and all(
        isinstance(text, str) for item in metadata.items() for text in item
    ):
        if HEADER not in metadata:
            return dict(metadata)
        message = f"save(metadata): got the key {HEADER!r}; expected another, it is the file's own."
        raise ArgumentError(message)
    message = (
        f"save(metadata): got {describe(metadata)}; expected a mapping of text to text. Write "
        "numbers with str, or put them into the tree."
    )
    raise ArgumentError(message)


def _check_names(path: Address, values: Mapping[str, Value], wanted: list[Any]) -> None:
    missing = [str(name) for name in wanted if name not in values]
    left_over = sorted(set(values).difference(wanted))
    if not missing and not left_over:
        return
    parts = [f"without {list_some(map(repr, missing))}"] if missing else []
    parts += [f"with {list_some(map(repr, left_over))}, left over"] if left_over else []
    hint = suggest(missing[0], left_over) if missing else ""
    message = (
        f"load(path, like): got the file {str(path)!r} {' and '.join(parts)}; expected the leaves "
        f"of like, {list_some(map(repr, map(str, wanted)))}. {hint} Make the optimizer as it was, "
        "or take what fits with restore(path, like)."
    )
    raise ArgumentError(message.replace("  ", " "))


def _check_fit(path: Address, name: Any, value: Value, leaf: Any) -> None:
    problem = compare(value, leaf)
    if problem == "same":
        return
    advice = (
        "Were the parameters others?"
        if problem == "shape"
        else "restore(path, like) widens dtypes."
    )
    message = (
        f"load(path, like): got {value} for {str(name)!r} in {str(path)!r}; expected "
        f"{describe_leaf(leaf)}, as at {trees.show_path('like', name)}. {advice}"
    )
    raise (ShapeError if problem == "shape" else DTypeError)(message)
