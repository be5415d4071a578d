"""The loop that `scan` stands for, as Python runs it, and steps to run."""

import numpy as np

from anygrad import trees


def plain_scan(step, init, xs=None, *, length=None, reverse=False, **_):
    """What `anygrad.scan` does, written as a loop; the results of the steps are arrays."""
    n = length if xs is None else len(trees.leaves(xs)[0])
    carry, ys = init, [None] * n
    for k in reversed(range(n)) if reverse else range(n):
        carry, ys[k] = step(carry, trees.map(lambda x, k=k: x[k], xs))
    leaves = [trees.leaves(y) for y in ys]
    stacked = [np.stack(parts) for parts in zip(*leaves, strict=True)]
    return carry, trees.unflatten(trees.flatten(ys[0])[1], stacked)


def assert_same_bits(found, expected):
    assert trees.flatten(found)[1] == trees.flatten(expected)[1]
    for a, b in zip(trees.leaves(found), trees.leaves(expected), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert a.tobytes() == b.tobytes(), (a, b)


def assert_close(found, expected, rtol=1e-12, atol=1e-12):
    for a, b in zip(trees.leaves(found), trees.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
