"""The operation table: one row per operation, from which every derivative is made."""

from anygrad.ops import (
    convolving,
    elementwise,
    fourier,
    indexing,
    products,
    reductions,
    shapes,
    solving,
)
from anygrad.ops.plain import PlainNames
from anygrad.ops.row import ROWS, Case, Like, Row

__all__ = [
    "ROWS",
    "Case",
    "Like",
    "PlainNames",
    "Row",
    "convolving",
    "elementwise",
    "fourier",
    "indexing",
    "products",
    "reductions",
    "shapes",
    "solving",
]
