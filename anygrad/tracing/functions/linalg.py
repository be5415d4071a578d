"""``numpy.linalg`` and ``xp.linalg`` of traced arrays: every function has its name there."""

from __future__ import annotations

from anygrad.tracing.functions.products import matrix_trace as trace
from anygrad.tracing.functions.products import norm, outer, tensordot, vecdot, vector_norm
from anygrad.tracing.functions.shapes import matrix_transpose
from anygrad.tracing.operations import TRACED

matmul = TRACED.matmul

SHARED = {
    "matmul": matmul,
    "matrix_transpose": matrix_transpose,
    "norm": norm,
    "outer": outer,
    "tensordot": tensordot,
    "trace": trace,
    "vecdot": vecdot,
    "vector_norm": vector_norm,
}
"""Functions that the main namespace, or another module beside this one, has too."""
