"""Colourings: columns of one colour never meet, and every entry is read back from the product."""

import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anygrad.differences.colouring import (
    colour_columns,
    colour_star,
    recover_columns,
    recover_star,
)
from anygrad.differences.patterns import Pattern
from anygrad.errors import ShapeError


def read(dense) -> Pattern:
    return Pattern.read("test", np.asarray(dense), np.shape(dense))


def banded(n: int, width: int) -> Pattern:
    rows = np.repeat(np.arange(n), 2 * width + 1)
    columns = rows + np.tile(np.arange(-width, width + 1), n)
    inside = (columns >= 0) & (columns < n)
    return Pattern.of(rows[inside], columns[inside], (n, n))


def arrow(n: int, at: int) -> np.ndarray:
    """The identity with a full row and column."""
    dense = np.eye(n, dtype=bool)
    dense[at, :] = dense[:, at] = True
    return dense


def laplacian(side: int) -> Pattern:
    line = banded(side, 1).to_dense()
    eye = np.eye(side)
    return read(np.kron(line, eye) + np.kron(eye, line))


def number(colours) -> int:
    used = np.unique(colours[colours >= 0])
    np.testing.assert_array_equal(used, np.arange(used.size))  # no gaps
    return used.size


def seeds(colours) -> np.ndarray:
    """S, whose row j is the unit vector of the colour of column j, or empty."""
    seeded = np.zeros((colours.size, number(colours)))
    perturbed = np.nonzero(colours >= 0)[0]
    seeded[perturbed, colours[perturbed]] = 1
    return seeded


patterns = st.tuples(st.integers(0, 9), st.integers(0, 9)).flatmap(
    lambda shape: arrays(bool, shape, elements=st.sampled_from([False, False, False, True]))
)
graphs = st.integers(0, 12).flatmap(
    lambda n: arrays(bool, (n, n), elements=st.sampled_from([False] * 5 + [True]))
)


@pytest.mark.parametrize("width", [0, 1, 2, 7])
def test_a_band_takes_as_many_colours_as_it_is_wide(width):
    assert number(colour_columns(banded(50, width))) == 2 * width + 1


@pytest.mark.parametrize(
    ("dense", "colours"),
    [
        (arrow(20, 0), 20),  # a full row: all columns meet in it
        (np.eye(20) + (np.arange(20) == 0), 2),  # a full column only
        (np.ones((3, 7)), 7),
        (np.ones((7, 1)), 1),
        (np.kron(np.eye(4), np.ones((3, 3))), 3),
        (np.zeros((4, 5)), 0),
        (np.zeros((0, 3)), 0),
        (np.zeros((3, 0)), 0),
    ],
    ids=["arrow", "column", "wide", "tall", "blocks", "empty", "no rows", "no columns"],
)
def test_known_numbers_of_colours(dense, colours):
    assert number(colour_columns(read(dense))) == colours


def test_a_grid_takes_no_more_colours_than_its_fullest_row():
    assert number(colour_columns(laplacian(12))) == 5


def test_the_best_of_the_orders_is_kept():
    # columns of a crown, each of one side followed by its partner: the natural order pairs them
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    dense = np.zeros((len(pairs), 8))
    for row, (i, j) in enumerate(pairs):
        dense[row, 2 * i] = dense[row, 2 * j + 1] = 1
    assert number(colour_columns(read(dense))) == 2


# random patterns on which one order alone needs the fewest: natural, by degree, smallest last
@pytest.mark.parametrize(("seed", "others"), [(83, (9, 9)), (17, (8, 8)), (0, (8, 8))])
def test_no_order_alone_is_as_good_as_the_best_of_three(seed, others):
    dense = np.random.default_rng(seed).random((20, 20)) < 0.2
    assert number(colour_columns(read(dense))) < min(others)


def test_an_empty_column_is_never_perturbed():
    dense = banded(6, 1).to_dense()
    dense[:, [0, 3]] = False
    colours = colour_columns(read(dense))
    np.testing.assert_array_equal(colours < 0, [True, False, False, True, False, False])


@given(patterns)
def test_columns_of_one_colour_share_no_row(dense):
    colours = colour_columns(read(dense))
    for a, b in combinations(np.nonzero(colours >= 0)[0], 2):
        assert colours[a] != colours[b] or not np.any(dense[:, a] & dense[:, b])
    np.testing.assert_array_equal(colours >= 0, dense.any(axis=0))


@given(patterns, st.integers(0, 100))
def test_every_entry_is_read_back_from_the_product(dense, seed):
    pattern = read(dense)
    colours = colour_columns(pattern)
    matrix = np.where(dense, np.random.default_rng(seed).normal(size=dense.shape), 0)
    product = matrix @ seeds(colours)
    found = product.ravel()[recover_columns(pattern, colours)]
    np.testing.assert_array_equal(found, matrix[pattern.rows, pattern.columns])


@pytest.mark.parametrize("at", [0, 50, 99])
def test_an_arrow_takes_two_colours_of_a_star(at):
    assert number(colour_star(read(arrow(100, at)))) == 2


@pytest.mark.parametrize(
    ("pattern", "colours"),
    [
        (banded(30, 1), 3),  # a path of four vertices or more
        (banded(3, 1), 2),
        (read(np.ones((6, 6))), 6),
        (read(np.eye(5)), 1),
        (read(np.zeros((5, 5))), 1),  # the diagonal counts as present
        (read(np.zeros((0, 0))), 0),
    ],
    ids=["path", "short path", "complete", "diagonal", "empty", "nothing"],
)
def test_known_numbers_of_star_colours(pattern, colours):
    assert number(colour_star(pattern)) == colours


@given(graphs)
def test_neighbours_differ_and_no_path_of_four_has_two_colours(dense):
    pattern = read(dense | dense.T)
    colours = colour_star(pattern)
    number(colours)
    joined = pattern.to_dense() & ~np.eye(len(dense), dtype=bool)
    edges = np.argwhere(joined)
    assert all(colours[a] != colours[b] for a, b in edges)
    for b, c in edges:  # a - b - c - d
        for a in np.nonzero(joined[b])[0]:
            for d in np.nonzero(joined[c])[0]:
                if len({a, b, c, d}) == 4:
                    assert len({colours[v] for v in (a, b, c, d)}) > 2


@given(graphs, st.integers(0, 100), st.booleans())
def test_every_entry_of_a_hessian_is_read_back_from_the_product(dense, seed, diagonal):
    dense = dense | dense.T
    pattern = read(dense | np.eye(len(dense), dtype=bool) if diagonal else dense)
    colours = colour_star(pattern)
    matrix = np.random.default_rng(seed).normal(size=dense.shape)
    # the diagonal is filled even where the pattern lacks it: no other entry may be read there
    matrix = np.where(dense | np.eye(len(dense), dtype=bool), matrix + matrix.T, 0)
    product = matrix @ seeds(colours)
    found = product.ravel()[recover_star(pattern, colours)]
    np.testing.assert_array_equal(found, matrix[pattern.rows, pattern.columns])


@pytest.mark.parametrize("dense", [np.triu(np.ones((3, 3))), np.ones((2, 3))])
def test_star_colours_need_a_symmetric_pattern(dense):
    with pytest.raises(ShapeError, match=r"colour_star\(pattern\).*symmetrised"):
        colour_star(read(dense))


def test_the_same_pattern_always_gets_the_same_colours():
    pattern = laplacian(5)
    np.testing.assert_array_equal(colour_columns(pattern), colour_columns(pattern))
    np.testing.assert_array_equal(colour_star(pattern), colour_star(pattern))


@pytest.mark.slow
def test_a_hundred_thousand_columns_take_seconds():
    n = 100_000
    rows = np.random.default_rng(0).integers(0, n, 5 * n)
    pattern = Pattern.of(rows, np.repeat(np.arange(n), 5), (n, n))
    start = time.perf_counter()
    colours = colour_columns(pattern)
    star = colour_star(pattern.symmetrised())
    assert time.perf_counter() - start < 60  # measured: 0.4 and 5; machines are shared
    assert number(colours) < 25
    assert number(star) < 25
    places = recover_columns(pattern, colours)
    assert np.unique(places).size == pattern.count
