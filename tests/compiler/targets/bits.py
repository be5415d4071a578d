"""Comparing a compiled function with the plain one, bit for bit."""

import numpy as np

import anygrad as ag


def assert_same_bits(found, wanted):
    """Types, dtypes, shapes and bits are equal; the sign of a nan says nothing."""
    for x, y in zip(ag.trees.leaves(found), ag.trees.leaves(wanted), strict=True):
        assert type(x) is type(y)
        assert x.dtype == y.dtype
        assert x.shape == y.shape
        if x.tobytes() != y.tobytes():
            assert x.dtype.kind in "fc"
            a, b = (np.array(v, ndmin=1).view(v.real.dtype) for v in (x, y))
            number = ~np.isnan(a)
            assert np.array_equal(number, ~np.isnan(b))
            assert a[number].tobytes() == b[number].tobytes()


def assert_replays(f, *args, **options):
    """Recorded and replayed, a function gives what it gives; returns what was compiled."""
    compiled = ag.compile(f, **options)
    with np.errstate(all="ignore"):
        wanted = f(*args)
        assert_same_bits(compiled(*args), wanted)
        assert_same_bits(compiled(*args), wanted)
    return compiled


def source(compiled, *args):
    """The text that is replayed."""
    with np.errstate(all="ignore"):
        return compiled.source(*args)
