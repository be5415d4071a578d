"""Which arrays can be cut into segments of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.numpy import NUMPY
from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.segments.joins import is_array
from anygrad.compiler.targets.spaces import is_flat

__all__ = ["LONGEST", "MAKERS", "fits", "is_arithmetic", "is_candidate"]

LONGEST = 16
"""Rows that the longest segment has at least."""
EXACT_TO = 1 << 53
"""Integers up to which a double holds each."""

ARITHMETIC = frozenset(("add", "subtract", "multiply", "divide", "negative"))
"""Rows that cost less than to write what they give and to read it again."""
MAKERS = frozenset(("setitem", "concat", "scatter"))
"""Rows that put pieces behind each other."""


def is_candidate(node: Node, specs: dict[int, Spec]) -> bool:
    """Whether an array is one from whose rows a segment can be cut."""
    spec = specs[node.number]
    if spec.kind != "array" or spec.library is not NUMPY or not spec.shape:
        return False
    if spec.dtype not in (np.float32, np.float64) or spec.shape[0] <= LONGEST:
        return False
    return is_flat(spec.shape, spec.dtype, spec.strides)


def is_arithmetic(node: Node, specs: dict[int, Spec]) -> bool:
    """Whether a node is cheap, and each of its rows depends on the same rows of operands."""
    if node.name not in ARITHMETIC or node.keywords or not is_candidate(node, specs):
        return False
    return all([fits(x, specs[node.number], specs) for x in node.operands])


def fits(x: Any, spec: Spec, specs: dict[int, Spec]) -> bool:
    """Whether the rows of an operand are known: as many as there are, or one for all."""
    if not is_array(x, specs):
        if type(x) is Ref:
            return specs[x].kind == "number" or specs[x].dtype == spec.dtype
        if type(x) is int:
            return abs(x) <= EXACT_TO
        return type(x) is float or getattr(x, "dtype", None) == spec.dtype
    own = specs[x] if type(x) is Ref else x
    if own.dtype != spec.dtype:
        return False
    return own.shape == spec.shape or len(own.shape) < len(spec.shape) or own.shape[0] == 1
