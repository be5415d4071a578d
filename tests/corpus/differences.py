"""The expected gradients: central differences of the plain function, without anygrad.

The formula has fourth order, f' = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h (Fornberg 1988,
table 1). It is taken at four steps; of the two closest neighbours the finer one is the answer and
their distance its error, so that a function too rough for its differences is noticed.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = (2.0**-8, 2.0**-10, 2.0**-12, 2.0**-14)  # times the size of the entry


def gradient(f: Callable[[Any], Any], point: Any) -> tuple[Any, Any]:
    """Gradient of ``f`` at a tree of NumPy arrays and numbers, and its error, as such trees.

    A complex entry z has the gradient df/dRe z + i df/dIm z.
    """
    leaves = flatten(point)
    found, errors = [], []
    for place, leaf in enumerate(leaves):

        def moved(new, place=place):
            return value(f(rebuild(point, [*leaves[:place], new, *leaves[place + 1 :]])))

        pairs = [_derivatives(moved, leaf, index) for index in np.ndindex(np.shape(leaf))]
        found.append(np.array([d for d, _ in pairs]).reshape(np.shape(leaf)))
        errors.append(np.array([e for _, e in pairs]).reshape(np.shape(leaf)))
    return rebuild(point, found), rebuild(point, errors)


def value(result: Any) -> float:
    """The value of a pattern as a Python float; it must be one finite real number."""
    array = np.asarray(result)
    assert array.shape == (), f"a pattern returns a scalar, not an array of shape {array.shape}"
    assert array.dtype.kind == "f", f"a pattern returns a real number, not {array.dtype}"
    assert np.isfinite(array), f"a pattern returns a finite number, not {array}"
    return float(array)


def _derivatives(moved, leaf, index) -> tuple[complex, float]:
    real = _derivative(moved, leaf, index, 1.0)
    if not np.iscomplexobj(leaf):
        return real
    imaginary = _derivative(moved, leaf, index, 1j)
    return real[0] + 1j * imaginary[0], max(real[1], imaginary[1])


def _derivative(moved, leaf, index, direction) -> tuple[float, float]:
    entries = np.asarray(leaf)
    size = max(abs(entries[index]), 0.01 * np.abs(entries).max()) or 1.0
    found = [_central(moved, leaf, index, direction, step * size) for step in STEPS]
    distances = [abs(a - b) for a, b in itertools.pairwise(found)]
    best = int(np.argmin(distances))
    return found[best + 1], max(distances[best], _kink(moved, leaf, index, direction, size))


def _kink(moved, leaf, index, direction, size) -> float:
    """Jump of the derivative at the point, which central differences do not see; 0 if it is small.

    The second difference over h is jump + h f'' + O(h^3); two steps give the jump.
    """
    h = 2.0**-12 * size
    middle = moved(leaf)
    outer, inner = (
        (
            _at(moved, leaf, index, direction * d)
            - 2 * middle
            + _at(moved, leaf, index, -direction * d)
        )
        / d
        for d in (h, h / 2)
    )
    jump = abs(2 * inner - outer)
    return jump if jump > 1e-3 * abs(_central(moved, leaf, index, direction, h)) + 1e-6 else 0.0


def _central(moved, leaf, index, direction, h) -> float:
    def at(distance):
        return _at(moved, leaf, index, distance * direction)

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def _at(moved, leaf, index, displacement) -> float:
    if not isinstance(leaf, np.ndarray):
        return moved(type(leaf)(leaf + displacement))
    new = leaf.copy()
    new[index] += displacement
    return moved(new)


def flatten(tree: Any) -> list:
    """The arrays and numbers of a tree of dicts, lists, tuples and dataclasses."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in flatten(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for child in tree for leaf in flatten(child)]
    if dataclasses.is_dataclass(tree):
        return [leaf for name in _names(tree) for leaf in flatten(getattr(tree, name))]
    return [tree]


def rebuild(tree: Any, leaves: list) -> Any:
    """A tree like ``tree`` with other leaves, in the order of `flatten`."""
    return _rebuild(tree, iter(leaves))


def _rebuild(tree, leaves):
    if isinstance(tree, dict):
        return {key: _rebuild(child, leaves) for key, child in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_rebuild(child, leaves) for child in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_rebuild(child, leaves) for child in tree)
    if dataclasses.is_dataclass(tree):
        parts = {name: _rebuild(getattr(tree, name), leaves) for name in _names(tree)}
        return dataclasses.replace(tree, **parts)
    return next(leaves)


def _names(tree) -> list[str]:
    """Fields that hold leaves; those marked static are configuration."""
    return [f.name for f in dataclasses.fields(tree) if not f.metadata.get("static")]
