"""A tree written as named arrays comes back as it was, on any backend."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anygrad import trees
from anygrad.autodiff import grad
from anygrad.backends import device_of
from anygrad.errors import ArgumentError, DTypeError, ShapeError, TraceError
from tests.support import to_host


@dataclasses.dataclass
class Layer:
    w: Any
    name: str = dataclasses.field(default="layer", metadata={"static": True})


def test_leaves_are_named_by_their_paths(xp):
    flat = trees.to_flat({"a": [Layer(xp.asarray([1.0, 2.0])), 3.0], "none": None, "a/b": 1j})
    assert {name: array.tolist() for name, array in flat.items()} == {
        "a/0/w": [1.0, 2.0],
        "a/1": 3.0,
        "a~1b": 1j,
    }
    assert {type(array) for array in flat.values()} == {np.ndarray}


def test_a_file_gives_back_the_tree_bit_by_bit(xp, tmp_path):
    values = np.random.default_rng(0).standard_normal((3, 2))
    tree = {
        "single": xp.asarray(values, dtype=xp.float32),
        "layers": (Layer(xp.asarray(values + 1j)), None),
        "scalar": xp.asarray(np.nan),
        "steps": np.asarray(7),
        "flag": True,
        "rate": 0.1,
    }
    np.savez(tmp_path / "run.npz", **trees.to_flat(tree))
    empty = trees.map(lambda leaf: leaf * 0, tree)
    with np.load(tmp_path / "run.npz") as flat:
        back = trees.from_flat(flat, like={**empty, "flag": False})
    assert trees.flatten(back)[1] == trees.flatten(tree)[1]
    for got, leaf in zip(trees.leaves(back), trees.leaves(tree), strict=True):
        assert type(got) is type(leaf)
        assert getattr(got, "dtype", None) == getattr(leaf, "dtype", None)
        assert not hasattr(leaf, "dtype") or device_of(got) == device_of(leaf)
        assert np.asarray(to_host(got)).tobytes() == np.asarray(to_host(leaf)).tobytes()


def test_a_bare_array_has_the_empty_name():
    flat = trees.to_flat(np.ones(2))
    assert list(flat) == [""]
    assert trees.from_flat(flat, like=np.zeros(2)).tolist() == [1.0, 1.0]


@given(st.dictionaries(st.text(max_size=3), st.floats(), max_size=4))
def test_any_keys_come_back(tree):
    assert repr(trees.from_flat(trees.to_flat(tree), like=tree)) == repr(tree)


def test_what_comes_back_shares_no_memory_with_what_was_given():
    flat = {"w": np.ones(2)}
    back = trees.from_flat(flat, like={"w": np.zeros(2)})
    back["w"][...] = 5.0
    assert flat["w"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("flat", "error", "words"),
    [
        ({"b": 1.0}, ArgumentError, r"got no 'layer/w'; expected .*'b', 'layer/w'"),
        ({"b": 1.0, "layer/v": 1.0}, ArgumentError, r"no 'layer/w' and 'layer/v', .*Did you mean"),
        ({"b": 1.0, "layer/w": [0, 1], "c": 0}, ArgumentError, r"got 'c', which the tree has not"),
        ({"b": 1.0, "layer/w": np.ones(3)}, ShapeError, r"\(3,\) for flat\['layer'\]\['w'\]"),
        ({"b": 1.0, "layer/w": np.ones(2, "f4")}, DTypeError, "float32 .*numpy array .*float64"),
        ({"b": [1.0], "layer/w": np.ones(2)}, ShapeError, r"got shape \(1,\) for flat\['b'\]"),
        ({"b": 1j, "layer/w": np.ones(2)}, DTypeError, r"complex128 for flat\['b'\].* of 2\.0"),
        (3, ArgumentError, r"from_flat\(flat\): got 3; expected a mapping"),
    ],
)
def test_what_does_not_fit_is_named(flat, error, words):
    with pytest.raises(error, match=words):
        trees.from_flat(flat, like={"b": 2.0, "layer": {"w": np.zeros(2)}})


def test_what_is_no_number_is_not_written():
    with pytest.raises(DTypeError, match=r"to_flat\(tree\): got 'x' at tree\['name'\]"):
        trees.to_flat({"name": "x"})
    with pytest.raises(TraceError, match=r"ag\.value"):
        grad(lambda x: trees.to_flat({"w": x})["w"])(1.0)
