"""A tree that does not fit is refused with the place of the first difference."""

import dataclasses
from typing import Any

import pytest

from anygrad import trees
from anygrad.errors import ArgumentError, ShapeError


@dataclasses.dataclass
class Layer:
    w: Any
    name: str = dataclasses.field(default="a", metadata={"static": True})


def test_what_fits_passes(xp):
    tree = {"w": xp.ones((2, 3)), "b": [1.0, None], "c": Layer(xp.ones(1))}
    trees.check_same_structure("f(x)", tree, trees.zeros_like(tree))
    trees.check_same_structure("f(x)", 1.0, xp.asarray(1.0))


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        ({"w": 1.0}, {"v": 1.0}, "got nothing at grads['w']; expected 1.0"),
        ({"w": 1.0}, {"w": 1.0, "v": 2.0}, "got 2.0 at grads['v']; expected nothing"),
        ({"a": {"w": 1.0}}, {"a": {"w": [1.0]}}, "a list at grads['a']['w']; expected 1.0"),
        ({"a": [1.0, 2.0]}, {"a": [1.0]}, "nothing at grads['a'][1]"),
        ({"a": [1.0]}, {"a": (1.0,)}, "a tuple at grads['a']; expected a list"),
        ({"a": 1.0}, {"a": None}, "None at grads['a']; expected 1.0"),
        ({"a": None}, {"a": 1.0}, "1.0 at grads['a']; expected None"),
        (1.0, {"a": 1.0}, "a dict at grads; expected 1.0"),
        ([Layer([1.0])], [Layer([])], "nothing at grads[0].w[0]"),
        ([Layer(1.0)], [Layer(1.0, "b")], "Layer with other static fields at grads[0]"),
    ],
)
def test_the_first_difference_is_named(expected, got, words):
    with pytest.raises(ArgumentError) as caught:
        trees.check_same_structure("update(grads)", expected, got)
    assert words in str(caught.value)
    assert str(caught.value).startswith("update(grads): got ")


def test_a_leaf_of_another_shape_is_named(xp):
    expected, got = {"a": [xp.ones((2, 3))]}, {"a": [xp.ones((3, 2))]}
    with pytest.raises(ShapeError) as caught:
        trees.check_same_structure("update(grads)", expected, got)
    assert "got shape (3, 2) at grads['a'][0]; expected (2, 3)" in str(caught.value)


def test_map_and_flatten_up_to_name_the_difference_without_reading_arrays(xp):
    # the arrays stand where a message might print them, which the strict device refuses
    tree, other = {"w": xp.ones(2), "b": [xp.ones(2)]}, {"w": xp.ones(2), "b": xp.ones(2)}
    with pytest.raises(ArgumentError, match=r"got .* array of shape \(2,\).* at tree\['b'\]"):
        trees.map(lambda x, y: x, tree, other)
    with pytest.raises(ArgumentError, match=r"step\(grads\).*grads\['b'\]; expected a list"):
        trees.flatten_up_to(trees.flatten(tree)[1], other, where="step(grads)")
