"""Leaves of a tree are recognised, all of them at once."""

import pickle
import random

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.native.assembly import GOLDEN
from anygrad.compiler.targets.native.entries import Slot, make_matcher
from tests.compiler.native.calling import F8, Other, frozen


def test_equal_types_of_elements_need_not_be_one_object(way):
    for first, second in ("lq", "LQ", "ql"):
        matches = make_matcher([Slot("array", 0, np.dtype(first), (2,))])
        other = pickle.loads(pickle.dumps(np.ones(2, second)))
        assert matches([np.ones(2, first)])
        assert matches([np.ones(2, second)]) == matches([other])
        assert matches([other]) == (np.dtype(first) == np.dtype(second))


def test_any_strides_can_be_asked_for(way):
    whole = np.arange(48.0).reshape(2, 4, 6)
    for x in (whole[:, ::2], whole.T, whole[::-1, :, 1:], whole[0, 0, 0:1], whole[1, 1, 1, ...]):
        matches = make_matcher([Slot("array", 0, F8, x.shape, x.strides)])
        assert matches([x])
        assert matches([x.copy("C")]) == (x.copy("C").strides == x.strides or x.size == 1)


def test_leaves_are_recognised(way):
    count = 4_000 if way == "quick" else 1_000
    shapes = [(k % 3 + 1, 2) for k in range(count)]
    kinds = [F8, np.dtype(np.float32)]
    leaves = [np.zeros(shape, kinds[k % 2]) for k, shape in enumerate(shapes)]
    slots = [Slot("array", 0, x.dtype, x.shape) for x in leaves]
    matches = make_matcher(slots)
    assert matches(leaves) is True
    assert matches(tuple(leaves)) is True
    for k in (0, count // 2, count - 1):
        others = list(leaves)
        others[k] = others[k].copy().view(Other)
        assert matches(others) is False
    assert matches(leaves[:-1]) is False
    assert matches([*leaves, leaves[0]]) is False


def test_only_lists_and_tuples_are_looked_into(way):
    class Listed(list):
        pass

    x = np.ones(2)
    matches = make_matcher([Slot("array", 0, F8, (2,))])
    for leaves in (Listed([x]), type("Pair", (tuple,), {})((x,)), {0: x}, x, None, iter([x]), "a"):
        assert matches(leaves) is False
    assert make_matcher([])([]) is True
    assert make_matcher([])(()) is True
    assert make_matcher([])([x]) is False
    with pytest.raises(TypeError):
        matches()
    with pytest.raises(TypeError):
        matches([x], [x])


def test_owners_of_their_memory_are_told_from_views(way):
    x = np.ones((2, 2))
    slots = [Slot("array", 0, F8, (2, 2))] * 2
    first = make_matcher(slots, [True, False])
    assert first([x, x.view()])
    assert not first([x.view(), x])
    assert not first([x[...], x])
    assert not first([frozen(x), x])
    assert first([x, frozen(x)])
    assert not first([np.frombuffer(bytearray(32)).reshape(2, 2), x])
    written = make_matcher([slots[0]._replace(kind="written")])
    assert written([x.view()])
    assert not written([frozen(x)])


def apart_in(count, shape=(1,)):
    """Arrays that are not one, and what recognises them if they are not."""
    arrays = [np.zeros(shape) for _ in range(count)]
    return arrays, make_matcher([Slot("array", 0, F8, shape)] * count, distinct=True)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 64, 65, 300])
def test_no_array_may_stand_twice_where_they_have_to_be_distinct(way, count):
    arrays, matches = apart_in(count)
    either = make_matcher([Slot("array", 0, F8, (1,))] * count)
    pick = random.Random(0)
    pairs = [(0, 1), (0, count - 1), (count - 2, count - 1)]
    pairs += [sorted(pick.sample(range(count), 2)) for _ in range(20)]
    for first, second in pairs:
        for one, other in ((first, second), (second, first)):
            twins = list(arrays)
            twins[one] = twins[other]
            assert either(twins) is True
            assert matches(twins) is False
            assert matches(tuple(twins)) is False
            assert matches(arrays) is True  # nothing stays of a call
            assert matches(arrays[::-1]) is True
    assert matches([arrays[0]] * count) is False


def test_distinct_arrays_are_objects_not_memory(way):
    (x, _), matches = apart_in(2)
    assert matches([x, x.view()]) is True
    assert matches([x, x[:]]) is True
    assert matches([x, x]) is False


def test_one_array_or_none_is_distinct(way):
    for count in (0, 1):
        arrays, matches = apart_in(count)
        assert matches(arrays) is True
        assert matches([*arrays, np.zeros(1)]) is False


def test_the_other_demands_hold_for_distinct_arrays(way):
    slots = [Slot("array", 0, F8, (2,))] * 2
    matches = make_matcher(slots, [True, False], distinct=True)
    x, y = np.zeros(2), np.zeros(2)
    assert matches([x, y]) is True
    assert matches([x.view(), y]) is False
    assert matches([x, y.view()]) is True
    assert matches([x, np.zeros(3)]) is False
    assert matches([x, None]) is False


@pytest.mark.parametrize("home", [0, 7, 14, 15])
def test_arrays_that_collide_are_told_apart(way, home):
    # four arrays have 16 slots: all of them begin at the same one, and may have to begin anew at 0
    count, bits = 4, 4
    made = [np.zeros(1) for _ in range(1000)]
    arrays = [x for x in made if (id(x) * GOLDEN) % 2**64 >> (64 - bits) == home][:count]
    assert len(arrays) == count
    matches = apart_in(count)[1]
    for first in range(count):
        for second in range(first):
            twins = list(arrays)
            twins[first] = twins[second]
            assert matches(twins) is False
            assert matches(arrays) is True


def test_many_arrays_in_any_order_are_told_apart(way):
    arrays, matches = apart_in(5000)
    random.Random(0).shuffle(arrays)
    assert matches(arrays) is True
    arrays[-1] = arrays[2500]
    assert matches(arrays) is False
