"""What a dtype is: the library's answer, and ours of the bfloat16 that NumPy does not know."""

import numpy as np
import pytest

from anygrad.backends.dtypes import float_limits, has_kind, is_bfloat16

KINDS = [
    *("bool", "signed integer", "unsigned integer", "integral", "real floating"),
    *("complex floating", "numeric", ("integral", "real floating"), ("bool", "complex floating")),
]


@pytest.fixture
def bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    return np.dtype(ml_dtypes.bfloat16)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", ["bool", "uint8", "int64", "float16", "float64", "complex64"])
def test_the_library_answers_of_what_it_knows(name, kind):
    assert has_kind(np, np.dtype(name), kind) == np.isdtype(np.dtype(name), kind)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_bfloat16_is_what_float16_is(bfloat16, kind):
    assert has_kind(np, bfloat16, kind) == np.isdtype(np.dtype("float16"), kind)
    assert has_kind(np, bfloat16, bfloat16)
    assert not has_kind(np, bfloat16, np.dtype("float16"))


def test_limits_of_bfloat16_are_those_of_ml_dtypes(bfloat16):
    import ml_dtypes

    ours, theirs = float_limits(np, bfloat16), ml_dtypes.finfo(bfloat16)
    for name in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, name) == float(getattr(theirs, name)), name
    assert ours.dtype == bfloat16
    assert float_limits(np, np.dtype("float16")).max == 65504


def test_no_other_dtype_is_bfloat16(bfloat16):
    import ml_dtypes

    assert is_bfloat16(bfloat16)
    others = ["float16", "float32", "V2", "uint16", ml_dtypes.float8_e5m2, ml_dtypes.int4]
    assert not any(is_bfloat16(np.dtype(other)) for other in others)
    assert not any(is_bfloat16(other) for other in (np.float16, float, None, "bfloat16"))
