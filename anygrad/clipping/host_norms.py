"""Norms of arrays whose values lie on the host anyway: plain sums of squares, looked at.

They count unless squares left the range of their dtype; then `scaled_norm` does it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from anygrad.backends import backend_of, is_traced
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace
from anygrad.clipping.norms import at_least_single, cast, norm_dtype
from anygrad.trees.kinds import library_of

__all__ = ["host_limits", "host_norm", "host_norms_of_rows", "on_host"]


def on_host(found: Sequence[Array]) -> bool:
    """Tell whether the values of all leaves can be looked at for nothing."""
    samples = {type(g): g for g in found}.values()
    return all(not is_traced(g) and _looks_at(backend_of(g)) for g in samples)


def _looks_at(backend: Any) -> bool:
    return backend is not None and backend.host_dot is not None


def host_norm(found: Sequence[Array]) -> float | None:
    """Take the joint 2-norm of leaves on the host; None if a square left the range of its dtype."""
    total = lost = 0.0
    for kin, smallest in _by_dtype(found):
        # by BLAS: no temporary arrays, and no warning when it overflows
        total += sum(np.asarray(list(map(np.vdot, kin, kin))).real.tolist())
        lost += smallest * sum([g.size for g in kin])
    return math.sqrt(total) if lost <= total < math.inf else None


def host_norms_of_rows(found: Sequence[Array]) -> np.ndarray | None:
    """Take the joint 2-norm of each row of matrices on the host, as a column; None as above."""
    total, lost = np.zeros((found[0].shape[0], 1)), 0.0
    for kin, smallest in _by_dtype(found):
        for g in kin:
            with np.errstate(over="ignore", invalid="ignore"):
                total += np.vecdot(g, g).real[:, None]
            lost += smallest * g.shape[1]
    return np.sqrt(total) if np.all((lost <= total) & (total < math.inf)) else None


def _by_dtype(found: Sequence[Array]) -> Iterator[tuple[Sequence[Array], float]]:
    """Go through the leaves of each dtype, in the precision of the widest and float32 at least.

    With them comes the most that underflow of a square can have taken away; where a sum of squares
    is larger than as many of these as it has terms, it is right to the last place but one.
    """
    xp = library_of(found)
    dtypes = {g.dtype for g in found}
    for dtype in dtypes:
        kin = found if len(dtypes) == 1 else [g for g in found if g.dtype == dtype]
        wide = at_least_single(xp, dtype)
        if len(dtypes) > 1:
            wide = xp.result_type(wide, norm_dtype(found))
        kin = kin if wide == dtype else [cast(xp, g, wide) for g in kin]
        yield kin, _smallest_normal(xp, wide)


def host_limits(found: Sequence[Array]) -> tuple[Any, float]:
    """Find the dtype of the norm, and the smallest scale that has all digits in every leaf."""
    return _limits_of(library_of(found), frozenset({g.dtype for g in found}))


@cache
def _limits_of(xp: Namespace, dtypes: frozenset[Any]) -> tuple[Any, float]:
    dtype = norm_dtype([xp.zeros(0, dtype=dtype) for dtype in dtypes])
    return dtype, max(_smallest_normal(xp, at_least_single(xp, kind)) for kind in dtypes)


@cache
def _smallest_normal(xp: Namespace, dtype: Any) -> float:
    return float(float_limits(xp, dtype).smallest_normal)
