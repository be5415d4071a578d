"""Every leaf has a name that no other has, and that a person can read."""

import copy
import dataclasses
import pickle
from typing import Any, NamedTuple

import pytest

from anygrad import trees
from anygrad.errors import ArgumentError


class Moments(NamedTuple):
    mean: Any
    variance: Any


@dataclasses.dataclass
class Layer:
    w: Any


TREE = {
    "decoder": {"w": 1.0, "b": [2.0, (3.0, None)]},
    "norm": Moments(4.0, 5.0),
    "out": Layer(6.0),
}


def test_paths_join_keys_indices_and_field_names():
    assert trees.paths(TREE) == [
        "decoder/b/0",
        "decoder/b/1/0",
        "decoder/w",
        "norm/mean",
        "norm/variance",
        "out/w",
    ]


def test_show_path_spells_what_python_would_run():
    shown = [trees.show_path("TREE", path) for path in trees.paths(TREE)]
    assert shown[1] == "TREE['decoder']['b'][1][0]"
    assert shown[3] == "TREE['norm'].mean"
    assert [eval(text) for text in shown] == trees.leaves(TREE)


def test_show_path_of_a_plain_string():
    assert trees.show_path("params", "decoder/0/w") == "params['decoder'][0]['w']"
    assert trees.show_path("params", "a~1b") == "params['a/b']"
    assert trees.show_path("x", "") == "x"


def test_a_bare_leaf_has_the_empty_path():
    assert trees.paths(1.0) == [""]
    assert trees.show_path("x", trees.paths(1.0)[0]) == "x"
    assert trees.paths(None) == []


def test_slashes_in_keys_do_not_make_two_leaves_one():
    tree = {"a/b": 1.0, "a": {"b": 2.0}, "a~1b": 3.0}
    assert sorted(trees.paths(tree)) == ["a/b", "a~01b", "a~1b"]


def test_keys_that_are_the_same_text_are_refused():
    with pytest.raises(ArgumentError, match="'1'"):
        trees.paths({"1": 1.0, 1: 2.0})


def test_a_path_survives_copy_and_pickle():
    path = trees.paths({"a": [1.0]})[0]
    for again in (copy.copy(path), pickle.loads(pickle.dumps(path))):
        assert again == path
        assert trees.show_path("t", again) == "t['a'][0]"
