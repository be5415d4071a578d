"""Running one routine on one library, and measuring how far it is from NumPy."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from typing import Any

import numpy as np

import anygrad as ag
from tests.parity.routines import ROUTINES
from tests.parity.table import Inputs, Routine, make_inputs
from tests.support import forbid_host_copies, to_host, tolerance

BY_NAME = {str(routine): routine for routine in ROUTINES}
assert len(BY_NAME) == len(ROUTINES)


def compare(routine: Routine, xp: Any, dtype: str) -> float:
    """The largest difference to NumPy, relative to the largest entry of each array.

    Raises
    ------
    AssertionError
        If library, device, dtype or shape are not kept, an input is modified, a value is read on
        the host without being documented, or the difference is above the tolerance.
    """
    inputs = make_inputs(xp.asarray, dtype)
    before = [to_host(leaf).copy() for leaf in leaves(inputs)]
    with nullcontext() if routine.reads else forbid_host_copies():
        result = routine.call(xp.module, inputs)
    for leaf, was in zip(leaves(inputs), before, strict=True):
        np.testing.assert_array_equal(to_host(leaf), was, err_msg=f"{routine}: input modified")
    got, expected = leaves(result), on_numpy(routine, dtype)
    assert len(got) == len(expected), f"{routine}: {len(got)} leaves, not {len(expected)}"
    largest = 0.0
    for k, (leaf, want) in enumerate(zip(got, expected, strict=True)):
        where = f"{routine}, leaf {k}"
        if routine.device_kept:
            check_place(where, leaf, inputs.x, xp)
        have = to_host(leaf)
        assert have.shape == want.shape, f"{where}: shape {have.shape}, not {want.shape}"
        assert have.dtype == want.dtype, f"{where}: dtype {have.dtype}, not {want.dtype}"
        difference = relative_difference(have, want)
        allowed = tolerance(want.dtype, want.size, routine.condition)
        assert difference <= allowed, f"{where}: differs by {difference:.2e}, above {allowed:.2e}"
        largest = max(largest, difference)
    return largest


@functools.cache
def on_numpy(routine: Routine, dtype: str) -> list[np.ndarray]:
    """What NumPy gives."""
    return [np.array(leaf) for leaf in leaves(routine.call(np, make_inputs(np.array, dtype)))]


def check_place(where: str, leaf: Any, like: Any, xp: Any) -> None:
    """Library and device are those of the inputs; NumPy's own 0-d results may be its scalars."""
    kinds = (np.ndarray, np.generic) if xp.backend == "numpy" else (type(like),)
    assert isinstance(leaf, kinds), f"{where}: got {type(leaf)}; expected {type(like)}"
    if xp.backend != "numpy":
        assert leaf.device == like.device, f"{where}: on {leaf.device}, not on {like.device}"


def relative_difference(have: np.ndarray, want: np.ndarray) -> float:
    """The largest difference of elements over the largest element."""
    if not want.size:
        return 0.0
    if want.dtype.kind not in "fc":
        return 0.0 if np.array_equal(have, want) else np.inf
    assert np.array_equal(np.isfinite(have), np.isfinite(want))
    scale = float(np.max(np.abs(want))) or 1.0
    return float(np.max(np.abs(have - want))) / scale


def leaves(tree: Any) -> list[Any]:
    """The arrays and numbers of a result."""
    return ag.trees.leaves(tuple(tree) if isinstance(tree, Inputs) else tree)
