"""Trees of a known structure are taken apart as `flatten` does it, and no others."""

import collections
import copy

import numpy as np
import optree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import trees
from anygrad.trees.templates import LONG, builder, taker
from tests.trees.test_structure import Frozen, Layer, Moments

NAMES = st.sampled_from(["a", "b", "w", "0", ""])


class Name(str):
    """A string, and another type."""

    __slots__ = ()


class Zero(int):
    """Equal to an int, but sorted behind strings where keys are of several types."""

    __slots__ = ()


Zero.__qualname__ = "zero"


def node(inner):
    few = st.lists(inner, max_size=3)
    return (
        few
        | few.map(tuple)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.dictionaries(st.sampled_from([0, 1, True, "a", Name("a")]), inner, max_size=2)
        | st.dictionaries(NAMES, inner, max_size=2).map(collections.OrderedDict)
        | st.tuples(inner, inner).map(lambda pair: Moments(*pair))
        | st.tuples(inner, inner).map(lambda pair: Layer(*pair))
        | inner.map(Frozen)
        | st.tuples(inner, inner).map(lambda pair: [{"w": pair[0], "b": pair[1]}] * 3)
        | inner.map(lambda x: [x] * LONG)
    )


TREES = st.recursive(st.floats(allow_nan=False) | st.none(), node, max_leaves=12)


def taken(treedef, tree):
    """The leaves; None for another structure."""
    found = []
    if not taker(treedef)(tree, found):
        return None
    return found if {*map(type, found)} <= {float} else None


@given(TREES)
def test_leaves_come_as_flatten_gives_them(tree):
    leaves, treedef = trees.flatten(tree)
    found = taken(treedef, tree)
    assert len(found) == len(leaves)
    assert all(x is y for x, y in zip(found, leaves, strict=True))


@given(TREES, TREES)
def test_a_tree_is_taken_exactly_if_its_structure_is_the_same(tree, other):
    treedef = trees.flatten(tree)[1]
    leaves, structure = trees.flatten(other)
    found = taken(treedef, other)
    assert (found is not None) == (structure == treedef)
    assert found is None or found == leaves


@given(TREES, st.data())
def test_a_small_change_of_the_structure_is_seen(tree, data):
    leaves, treedef = trees.flatten(tree)
    if leaves:
        place = data.draw(st.integers(0, len(leaves) - 1))
        instead = data.draw(st.sampled_from([[1.0], None, {}, (1.0, 2.0), {"a": 1.0}]))
        changed = trees.unflatten(treedef, [*leaves[:place], instead, *leaves[place + 1 :]])
        assert taken(treedef, changed) is None


W = 1.0
CASES = {
    "one leaf more": ([W, W], [W, W, W]),
    "one leaf less": ([W, W], [W]),
    "a tuple": ([W, W], (W, W)),
    "a list": ((W, W), [W, W]),
    "a namedtuple": ((W, W), Moments(W, W)),
    "another key": ({"a": W, "b": W}, {"a": W, "c": W}),
    "one key": ({"a": W}, {"c": W}),
    "one key more": ({"a": W, "b": W}, {"a": W, "b": W, "c": W}),
    "an ordered dict": ({"a": W, "b": W}, collections.OrderedDict(a=W, b=W)),
    "another key below": ([{"a": W, "b": W}] * 3, [{"a": W, "b": W}] * 2 + [{"a": W, "c": W}]),
    "one key more below": ([{"a": W}] * 3, [{"a": W}] * 2 + [{"a": W, "c": W}]),
    "another type below": ([{"a": W}] * 3, [{"a": W}] * 2 + [collections.OrderedDict(a=W)]),
    "a leaf below": ([{"a": W}] * 3, [{"a": W}] * 2 + [W]),
    "one node more": ([{"a": W}] * 3, [{"a": W}] * 4),
    "leaves shifted": ([[W], [W, W]], [[W, W], [W]]),
    "None": ([W, None], [W, W]),
    "a field": ([Layer(W, W), W], [Layer(W, W, name="other"), W]),
    "a key below a dict": ({"a": {"w": W}, "b": {"w": W}}, {"a": {"w": W}, "c": {"w": W}}),
    "a key of another type": ({0: W, "a": W}, {Zero(0): W, "a": W}),
    "a node below a dict": ({"a": {"w": W}, "b": [W]}, {"a": {"w": W}, "c": [W]}),
}


@pytest.mark.parametrize(("tree", "other"), CASES.values(), ids=CASES)
def test_another_structure_is_refused(tree, other):
    treedef = trees.flatten(tree)[1]
    assert treedef != trees.flatten(other)[1]
    assert taken(treedef, tree) == trees.leaves(tree)
    assert taken(treedef, other) is None


@given(TREES, st.randoms(use_true_random=False))
def test_builders_put_together_what_unflatten_does(tree, random):
    leaves, treedef = trees.flatten(tree)
    row = [float(k) for k in range(2 * len(leaves) + 1)]
    places = list(range(1, len(leaves) + 1))
    for _ in range(2):
        before = list(row)
        built = builder(treedef, places)(row)
        expected = trees.unflatten(treedef, [row[place] for place in places])
        assert repr(built) == repr(expected)  # the order of the keys, too
        assert trees.flatten(built)[1] == treedef
        assert row == before
        random.shuffle(places)


def test_dicts_keep_the_order_of_their_keys():
    tree = {"z": [1.0] * LONG, "a": {"y": 2.0, "b": 3.0}}
    leaves, treedef = trees.flatten(tree)
    assert repr(builder(treedef, range(len(leaves)))(leaves)) == repr(tree)


def test_lists_are_new_ones():
    tree = {"a": [1.0] * LONG, "b": [(1.0,) * LONG], "c": 1.0}
    leaves, treedef = trees.flatten(tree)
    build = builder(treedef, range(len(leaves)))
    first, second = build(leaves), build(leaves)
    assert first == second == tree
    assert first["a"] is not second["a"]
    assert first["b"] is not second["b"]
    copied = copy.deepcopy(first)
    first["a"].append(2.0)
    assert second == build(leaves) == tree != first != copied


def test_arrays_are_not_looked_at():
    tree = [{"w": np.ones(2), "b": np.ones(1)}, {"w": np.ones(3), "b": np.ones(1)}]
    leaves, treedef = trees.flatten(tree)
    found = []
    assert taker(treedef)(tree, found)
    assert [id(x) for x in found] == [id(x) for x in leaves]
    assert optree.tree_structure(builder(treedef, [0, 1, 2, 3])(leaves)) is not None
