"""Stencils: weights and accuracy follow from the nodes."""

import pytest

from anygrad.differences.stencils import STENCILS, Stencil, find_stencil
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


@pytest.mark.parametrize(("method", "sign"), [("forward", 1), ("backward", -1)])
def test_one_sided_stencils_stay_on_their_side(method, sign):
    for stencil in STENCILS[method].values():
        assert all(sign * node >= 0 for node in stencil.nodes)


def test_unknown_methods_and_orders_are_refused():
    with pytest.raises(ArgumentError, match=r"gradient\(method\): got 'centre'.*Did you mean"):
        find_stencil("gradient", "centre")
    with pytest.raises(ArgumentError, match="expected 1 or 2"):
        find_stencil("derivative", "central", 3)
    with pytest.raises(ArgumentError, match="first derivatives only"):
        find_stencil("derivative", "complex", 2)
