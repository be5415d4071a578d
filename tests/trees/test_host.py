"""The explicit way to the host takes every array, and nothing that would lose a gradient."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError
from tests.support import assert_close


class Traced:
    """What the floors above promise of their traced arrays, and no more."""

    __anygrad_traced__ = True
    shape, dtype = (2,), np.dtype("float64")


def test_arrays_come_to_the_host_and_the_rest_stays(xp):
    tree = {"w": xp.asarray([1.0, 2.0], dtype=xp.float32), "step": 3, "name": "run", "none": None}
    host = ag.to_numpy(tree)
    assert type(host["w"]) is np.ndarray
    assert_close(host["w"], np.asarray([1.0, 2.0], dtype=np.float32))
    assert (host["step"], host["name"], host["none"]) == (3, "run", None)


def test_a_numpy_array_is_not_copied():
    x = np.ones(3)
    assert ag.to_numpy(x) is x


def test_a_traced_array_is_refused():
    with pytest.raises(TraceError, match=r"to_numpy\(tree\).*ag\.value"):
        ag.to_numpy([Traced()])
