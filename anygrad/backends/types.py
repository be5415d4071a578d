"""The names that annotations use for arrays, namespaces and trees."""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An array of any supported library."""

Namespace: TypeAlias = Any
"""A module, or an object like one, that follows the Array API standard 2024.12."""

Device: TypeAlias = Any
"""What the array library calls a device: a string, an int, or its own object."""

Tree: TypeAlias = Any
"""One array, or any nesting of dict, list, tuple, namedtuple and dataclass of arrays."""
