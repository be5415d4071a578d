"""Stencils: weights and accuracy follow from the nodes."""

import math

import pytest

from anygrad.differences.stencils import METHODS, Stencil, find_stencil, make_stencil
from anygrad.errors import ArgumentError

# Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids,
# tables 1 and 3.
KNOWN = [
    ((-1, 1), 1, (-0.5, 0.5), 2),
    ((0, 1), 1, (-1.0, 1.0), 1),
    ((-1, 0), 1, (-1.0, 1.0), 1),
    ((-1, 0, 1), 2, (1.0, -2.0, 1.0), 2),
    ((0, 1, 2), 2, (1.0, -2.0, 1.0), 1),
    ((-2, -1, 0, 1, 2), 1, (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12), 4),
    ((0, 1, 2), 1, (-1.5, 2.0, -0.5), 2),
]


@pytest.mark.parametrize(("nodes", "order", "weights", "accuracy"), KNOWN)
def test_weights_and_accuracy_are_those_of_the_tables(nodes, order, weights, accuracy):
    stencil = Stencil(nodes, order)
    assert stencil.weights == pytest.approx(weights, abs=0, rel=1e-15)
    assert stencil.accuracy == accuracy


@pytest.mark.parametrize("accuracy", range(1, 9))
@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("method", METHODS)
def test_every_order_and_accuracy_has_the_shortest_stencil_of_its_side(method, order, accuracy):
    stencil = make_stencil(method, order, accuracy)
    sign = {"forward": 1, "backward": -1, "central": 0}[method]
    assert all(sign * node >= 0 for node in stencil.nodes)
    if method == "central":
        assert stencil.nodes == tuple(-node for node in reversed(stencil.nodes))
        assert stencil.accuracy == accuracy + accuracy % 2
    else:
        assert stencil.accuracy == accuracy
        assert len(stencil.nodes) == order + accuracy


@pytest.mark.parametrize("method", METHODS)
def test_stencils_of_every_accuracy_are_exact_for_polynomials_they_should_be(method):
    for order in range(1, 9):
        for accuracy in range(1, 9):
            stencil = make_stencil(method, order, accuracy)
            for power in range(order + stencil.accuracy):
                total = sum(
                    weight * node**power
                    for node, weight in zip(stencil.nodes, stencil._exact_weights, strict=True)
                )
                assert total == (math.factorial(order) if power == order else 0)


def test_unknown_methods_and_orders_are_refused():
    with pytest.raises(ArgumentError, match=r"gradient\(method\): got 'centre'.*Did you mean"):
        find_stencil("gradient", "centre")
    with pytest.raises(ArgumentError, match="expected an integer from 1 to 8"):
        find_stencil("derivative", "central", 9)
    with pytest.raises(ArgumentError, match="first derivatives only"):
        find_stencil("derivative", "complex", 2)
