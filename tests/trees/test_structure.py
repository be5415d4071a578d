"""Trees come apart and go together again, whatever they are made of."""

import collections
import dataclasses
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.trees.structure import LEAF
from tests.support import assert_close

LEAVES = st.floats() | st.integers() | st.just(None)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


class Moments(NamedTuple):
    mean: Any
    variance: Any


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any = 0.0
    name: str = dataclasses.field(default="layer", metadata={"static": True})


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    inner: Any
    size: int = dataclasses.field(default=0, metadata={"static": True})


def same(a, b):
    return repr(a) == repr(b)  # nan equals itself this way


@given(TREES)
def test_unflatten_undoes_flatten(tree):
    leaves, treedef = trees.flatten(tree)
    assert same(trees.unflatten(treedef, leaves), tree)
    assert treedef.num_leaves == len(leaves)
    assert all(leaf is not None for leaf in leaves)


@given(TREES)
def test_paths_are_as_many_as_leaves_and_all_different(tree):
    paths = trees.paths(tree)
    assert len(set(paths)) == len(paths) == len(trees.leaves(tree))


@given(TREES)
def test_map_of_the_identity_changes_nothing(tree):
    assert same(trees.map(lambda leaf: leaf, tree), tree)


def test_a_bare_array_or_number_is_a_leaf(xp):
    for leaf in (xp.ones(3), 2.0, 1j, 3):
        for _ in range(2):  # the second time by the short way
            leaves, treedef = trees.flatten(leaf)
            assert leaves[0] is leaf
            assert treedef is LEAF
            assert trees.unflatten(treedef, leaves) is leaf


def test_none_is_an_empty_tree():
    leaves, treedef = trees.flatten(None)
    assert leaves == []
    assert trees.unflatten(treedef, []) is None
    assert trees.map(lambda leaf: leaf + 1, {"a": None, "b": 1.0}) == {"a": None, "b": 2.0}


def test_dicts_are_read_in_sorted_order_and_keep_their_own():
    tree = {"b": 1.0, "a": 2.0}
    assert trees.leaves(tree) == [2.0, 1.0]
    assert list(trees.map(lambda leaf: leaf, tree)) == ["b", "a"]


@pytest.mark.parametrize(
    "tree",
    [
        Moments(1.0, [2.0]),
        collections.OrderedDict(b=1.0, a=2.0),
        collections.defaultdict(float, b=1.0),
        collections.deque([1.0, 2.0]),
    ],
)
def test_the_containers_of_the_standard_library_keep_their_type(tree):
    back = trees.map(lambda leaf: leaf, tree)
    assert back == tree
    assert type(back) is type(tree)


def test_dataclasses_need_no_registration():
    tree = {"layers": [Layer(1.0, 2.0, "first"), Frozen(Layer(3.0), 7)]}
    assert trees.leaves(tree) == [1.0, 2.0, 3.0, 0.0]
    doubled = trees.map(lambda leaf: 2 * leaf, tree)
    assert doubled == {"layers": [Layer(2.0, 4.0, "first"), Frozen(Layer(6.0, 0.0), 7)]}
    assert trees.leaves(Frozen(5.0)) == [5.0]


def test_static_fields_belong_to_the_structure():
    assert trees.flatten(Layer(1.0, name="a"))[1] == trees.flatten(Layer(2.0, name="a"))[1]
    assert trees.flatten(Layer(1.0, name="a"))[1] != trees.flatten(Layer(1.0, name="b"))[1]
    hash(trees.flatten(Layer(1.0))[1])


def test_a_dataclass_is_rebuilt_without_its_checks():
    @dataclasses.dataclass
    class Checked:
        w: Any

        def __post_init__(self):
            assert self.w.shape == (2,), "the constructor was called"

    tree = Checked(np.ones(2))
    assert trees.map(lambda leaf: "anything", tree).w == "anything"


def test_a_dataclass_inside_one_seen_first_is_found():
    @dataclasses.dataclass
    class Inner:
        x: Any

    @dataclasses.dataclass
    class Outer:
        inner: Any

    assert trees.leaves([Outer([Inner(1.0), Inner(2.0)])]) == [1.0, 2.0]


def test_a_dataclass_seen_first_in_many_threads_is_registered_once():
    @dataclasses.dataclass
    class Shared:
        x: Any

    barrier, results = threading.Barrier(8), []

    def work():
        barrier.wait()
        results.append(trees.leaves({"a": Shared(1.0)}))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[1.0]] * 8


def test_other_classes_are_leaves_until_registered():
    class Pair:
        def __init__(self, x, y, label):
            self.x, self.y, self.label = x, y, label

    tree = [Pair(1.0, [2.0], "p")]
    assert trees.leaves(tree) == tree
    assert trees.leaves(tree[0]) == tree
    trees.register(
        Pair,
        lambda node: ({"x": node.x, "y": node.y}, node.label),
        lambda children, label: Pair(**children, label=label),
    )
    assert trees.leaves(tree) == [1.0, 2.0]
    assert trees.leaves(tree[0]) == [1.0, 2.0]
    assert trees.paths(tree) == ["0/x", "0/y/0"]
    back = trees.map(lambda leaf: -leaf, tree)[0]
    assert (back.x, back.y, back.label) == (-1.0, [-2.0], "p")
    with pytest.raises(ArgumentError, match=r"register\(kind\).*Pair"):
        trees.register(Pair, lambda node: ({}, None), lambda children, label: None)


def test_map_walks_trees_side_by_side(xp):
    params, grads = {"w": xp.ones(2), "b": 1.0}, {"w": xp.ones(2), "b": 2.0}
    assert_close(trees.map(lambda p, g: p - 0.5 * g, params, grads), {"w": [0.5, 0.5], "b": 0.0})
    assert trees.map(lambda p, g: p - g, 3.0, 1.0) == 2.0


def test_map_gives_what_stands_below_a_leaf_whole():
    assert trees.map(lambda p, s: s, {"w": 1.0}, {"w": {"m": 2.0}}) == {"w": {"m": 2.0}}
    assert trees.map(lambda p, s: s, {"w": 1.0}, {"w": None}) == {"w": None}


def test_unflatten_counts_the_leaves():
    treedef = trees.flatten({"a": 1.0, "b": 2.0})[1]
    with pytest.raises(ArgumentError, match="got 1 leaves; expected 2"):
        trees.unflatten(treedef, [1.0])
    with pytest.raises(ArgumentError, match="got 2 leaves; expected 1"):
        trees.unflatten(LEAF, [1.0, 2.0])
