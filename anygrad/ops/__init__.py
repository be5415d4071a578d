"""The operation table: one row per operation, from which every derivative is made."""

from anygrad.ops import (
    bessel,
    convolving,
    decompositions,
    determinants,
    elementwise,
    fourier,
    gammas,
    hypergeometric,
    indexing,
    integrals,
    maps,
    matrix_functions,
    products,
    reductions,
    shapes,
    solving,
    special,
)
from anygrad.ops.plain import PlainNames
from anygrad.ops.row import ROWS, Case, Like, Row

__all__ = [
    "ROWS",
    "Case",
    "Like",
    "PlainNames",
    "Row",
    "bessel",
    "convolving",
    "decompositions",
    "determinants",
    "elementwise",
    "fourier",
    "gammas",
    "hypergeometric",
    "indexing",
    "integrals",
    "maps",
    "matrix_functions",
    "products",
    "reductions",
    "shapes",
    "solving",
    "special",
]
