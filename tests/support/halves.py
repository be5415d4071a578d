"""The dtypes of half precision, which libraries have in different places or not at all."""

from typing import Any

import numpy as np
import pytest

from anygrad.backends.dtypes import is_bfloat16

HALVES = ["float16", "bfloat16"]


def half(xp: Any, name: str) -> Any:
    """The dtype of this name; where there is none, the test is skipped."""
    found = getattr(xp, name, None)
    if found is None and xp.backend == "cupy":  # CuPy takes those of ml_dtypes
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
        found = np.dtype(getattr(ml_dtypes, name))
        assert is_bfloat16(found)
    if found is None:
        pytest.skip(f"{xp.backend} has no {name}")
    return found
