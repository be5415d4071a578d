"""Trees: any nesting of dict, list, tuple, namedtuple and dataclass, mapped and measured."""

from __future__ import annotations

from anygrad.trees.arithmetic import dot, squared_norms, zeros_like
from anygrad.trees.comparing import check_same_structure
from anygrad.trees.flat import from_flat, to_flat
from anygrad.trees.host import to_numpy
from anygrad.trees.mapping import flatten_up_to, map
from anygrad.trees.measuring import norm, norms
from anygrad.trees.paths import Path, paths, show_path
from anygrad.trees.structure import flatten, leaves, register, unflatten

__all__ = [
    "Path",
    "check_same_structure",
    "dot",
    "flatten",
    "flatten_up_to",
    "from_flat",
    "leaves",
    "map",
    "norm",
    "norms",
    "paths",
    "register",
    "show_path",
    "squared_norms",
    "to_flat",
    "to_numpy",
    "unflatten",
    "zeros_like",
]
