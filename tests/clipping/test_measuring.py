import math

import numpy as np
import pytest

from anygrad import clipping, trees
from anygrad.backends import device_of
from anygrad.clipping.measuring import POLICIES
from anygrad.errors import ArgumentError, DTypeError, NonFiniteError
from tests.support import assert_close, to_host


def grads(xp, bad=1.0):
    return {
        "a": xp.asarray([3.0, 4.0]),
        "empty": xp.zeros((0,)),
        "deep": [xp.asarray(0.0), xp.asarray([[bad, 2.0]])],
    }


@pytest.mark.parametrize("policy", POLICIES)
def test_record_tells_what_happened(xp, policy):
    for max_norm, clipped in ((1.0, True), (100.0, False)):
        measured = clipping.measure(grads(xp), max_norm, policy)
        norm = math.sqrt(30)
        assert_close(measured.norm, np.asarray(norm))
        assert_close(measured.factor, np.asarray(min(1.0, max_norm / norm)))
        assert bool(to_host(measured.clipped)) is clipped
        settled = clipping.clip_by_global_norm(grads(xp), max_norm)[0]
        assert_close(measured.settle(), trees.map(to_host, settled))
        assert measured.clipped.shape == measured.norm.shape == ()


@pytest.mark.parametrize("policy", ["propagate", "zero", "skip"])
@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_flags_have_the_structure_and_name_the_bad_leaf(xp, policy, bad):
    finite = clipping.measure(grads(xp, bad), 1.0, policy).finite
    expected = {"a": True, "empty": True, "deep": [True, False]}
    assert {
        k: trees.map(lambda flag: bool(to_host(flag)), v) for k, v in finite.items()
    } == expected
    assert all(flag.shape == () for flag in trees.leaves(finite))
    assert all(device_of(flag) == xp.device for flag in trees.leaves(finite))
    assert clipping.first_bad(finite) == "deep/1"


def test_finite_gradients_have_no_bad_leaf(xp):
    for policy in POLICIES:
        finite = clipping.measure(grads(xp), 1.0, policy).finite
        assert trees.flatten(finite)[1] == trees.flatten(grads(xp))[1]
        assert clipping.first_bad(finite) is None


def test_what_is_finite_on_the_host_costs_one_flag():
    flags = trees.leaves(clipping.measure(grads(np), 1.0).finite)
    assert len({id(flag) for flag in flags}) == 1


def test_first_of_several_bad_leaves_is_named(xp):
    flags = {"decoder": {"w": xp.asarray(False), "b": xp.asarray(False)}, "a": xp.asarray(True)}
    assert clipping.first_bad(flags) == "decoder/b"
    assert clipping.first_bad(xp.asarray(False)) == ""
    assert clipping.first_bad({}) is None


def test_nonfinite_norm_is_not_called_clipped(xp):
    measured = clipping.measure(grads(xp, math.inf), 1.0, "skip")
    assert not to_host(measured.clipped)
    assert not to_host(measured.accept)
    assert to_host(measured.norm) == math.inf


def test_tree_without_elements(xp):
    for tree in ({}, {"w": xp.zeros((0, 2))}):
        measured = clipping.measure(tree, 1.0)
        assert float(to_host(measured.norm)) == 0.0
        assert not to_host(measured.clipped)
        assert clipping.first_bad(measured.finite) is None


def test_arguments_are_checked(xp):
    with pytest.raises(ArgumentError, match=r"measure\(max_norm\): got 0.0"):
        clipping.measure(grads(xp), 0.0)
    with pytest.raises(ArgumentError, match=r"measure\(nonfinite\): got 'drop'"):
        clipping.measure(grads(xp), 1.0, "drop")
    with pytest.raises(DTypeError, match=r"measure\(grads\)"):
        clipping.measure(xp.asarray([1]), 1.0)
    with pytest.raises(NonFiniteError, match=r"measure\(grads\): got nan in grads\['deep'\]\[1\]"):
        clipping.measure(grads(xp, math.nan), 1.0, "raise")


@pytest.mark.parametrize("ord", [1, 2, 3, math.inf])
@pytest.mark.parametrize("values", [[3.0, 4.0], [math.nan, 1.0], [], 3.0, [3e200]])
def test_what_is_told_is_arrays_never_scalars_of_numpy(values, ord):
    g = np.asarray(values)
    for policy in ("propagate", "zero", "skip"):
        measured = clipping.measure(g, 1.0, policy, ord=ord)
        told = [measured.norm, measured.clipped, measured.factor, measured.finite]
        settled, norm = clipping.clip_by_global_norm(g, 1.0, ord=ord, nonfinite=policy)
        unit, length = clipping.normalize(g, ord=ord, nonfinite=policy)
        for one in (*told, measured.settle(), settled, norm, unit, length):
            assert type(one) is np.ndarray
    assert type(clipping.measure([], 1.0, ord=ord).clipped) is np.ndarray
