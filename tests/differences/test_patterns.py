"""Patterns: read from whatever users have, and filled with values on any library."""

import sys
import types

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anygrad.backends import BACKENDS
from anygrad.differences.patterns import Pattern, assemble
from anygrad.errors import ArgumentError, ShapeError
from tests.support import allow_host_copies, assert_close, to_host

DENSE = np.asarray([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 4]])
PLACES = ([0, 0, 2, 2], [1, 3, 0, 3])

booleans = st.tuples(st.integers(0, 6), st.integers(0, 6)).flatmap(lambda s: arrays(bool, s))
squares = st.integers(0, 6).flatmap(lambda n: arrays(bool, (n, n)))


def read(given, shape=(3, 4)) -> Pattern:
    return Pattern.read("jacobian", given, shape)


def assert_places(pattern, places=PLACES):
    assert pattern.rows.dtype == pattern.columns.dtype == np.int64
    assert (pattern.rows.tolist(), pattern.columns.tolist()) == places


@pytest.mark.parametrize("dtype", ["bool", "int64", "float64"])
def test_the_non_zeros_of_an_array_of_any_library_are_entries(xp, dtype):
    given = xp.astype(xp.asarray(DENSE), getattr(xp, dtype))
    assert_places(read(given))


def test_nan_is_an_entry():
    assert read(np.asarray([[np.nan, 0.0]]), (1, 2)).count == 1


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_sparse_matrices_of_any_format_are_read(form, kind):
    assert_places(read(getattr(scipy.sparse, f"{form}_{kind}")(DENSE)))


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr"])
def test_stored_zeros_are_entries(form):
    values = [0.0, 1.0, 0.0, 0.0]
    stored = scipy.sparse.coo_array((values, PLACES), shape=(3, 4)).asformat(form)
    assert_places(read(stored))


@pytest.mark.parametrize(
    "pair",
    [
        PLACES,
        (np.asarray(PLACES[0], dtype=np.uint8), np.asarray(PLACES[1])),
        ((2, 0, 2, 0, 2), (3, 1, 0, 3, 3)),  # another order, one of them twice
        np.nonzero(DENSE),
    ],
    ids=["lists", "arrays", "disorder", "nonzero"],
)
def test_a_pair_of_rows_and_columns_is_read(pair):
    assert_places(read(tuple(pair)))


def test_a_pair_of_arrays_of_any_library_is_read(xp):
    assert_places(read(tuple(xp.asarray(part) for part in PLACES)))


def test_empty_patterns_are_read():
    assert read(([], [])).count == 0
    assert read(np.zeros((0, 4)), (0, 4)).density == 0.0
    assert read(np.zeros((3, 0)), (3, 0)).to_dense().shape == (3, 0)


def test_a_pattern_is_read_as_it_is():
    pattern = read(DENSE)
    assert read(pattern) is pattern
    with pytest.raises(ShapeError, match=r"got shape \(3, 4\); expected \(4, 4\)"):
        read(pattern, (4, 4))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (DENSE.T, ShapeError, r"got shape \(4, 3\); expected \(3, 4\), a row for each output"),
        (np.zeros(12), ShapeError, r"got shape \(12,\)"),
        (scipy.sparse.csr_array(DENSE.T), ShapeError, r"got shape \(4, 3\)"),
        (DENSE.tolist(), ArgumentError, "got a list of length 3; expected a 2-D array"),
        ("tridiagonal", ArgumentError, "got 'tridiagonal'"),
        (None, ArgumentError, "got None"),
        (np.ma.masked_array(DENSE), ArgumentError, "expected a 2-D array"),
        (([0, 1],), ArgumentError, r"expected two sequences of integers, \(rows, columns\)"),
        (([0], [1], [2]), ArgumentError, "expected two sequences"),
        (([0.0], [1.0]), ArgumentError, "expected two sequences"),
        (([True], [False]), ArgumentError, "expected two sequences"),
        (([[0, 1]], [[0, 1]]), ArgumentError, "expected two sequences"),
        (([[0], [1, 2]], [0, 1]), ArgumentError, "expected two sequences"),
        ((0, 1), ArgumentError, "expected two sequences"),
        (([0, 1], [0]), ShapeError, "got 2 rows and 1 columns"),
        (([0, 3], [0, 0]), ArgumentError, r"got the row 3; expected rows from 0 to 2"),
        (([0, 1], [0, -1]), ArgumentError, r"got the column -1; expected columns from 0 to 3"),
    ],
)
def test_anything_else_is_refused(given, error, words):
    with pytest.raises(error, match=rf"^jacobian\(sparsity\): .*{words}"):
        read(given)


@given(booleans)
def test_a_pattern_gives_its_array_back(dense):
    pattern = read(dense, dense.shape)
    np.testing.assert_array_equal(pattern.to_dense(), dense)
    assert pattern.count == dense.sum()
    assert pattern.density == (dense.mean() if dense.size else 0)
    np.testing.assert_array_equal(pattern.transposed().to_dense(), dense.T)
    places = np.stack([pattern.rows, pattern.columns])
    np.testing.assert_array_equal(places, np.stack(np.nonzero(dense)))  # its order too


@given(squares)
def test_symmetrised_patterns_are_symmetric(dense):
    pattern = read(dense, dense.shape)
    assert pattern.symmetric == np.array_equal(dense, dense.T)
    assert pattern.symmetrised().symmetric
    np.testing.assert_array_equal(pattern.symmetrised().to_dense(), dense | dense.T)


def test_unions_have_the_entries_of_both():
    other = np.eye(3, 4)
    joined = read(DENSE).union(read(other))
    np.testing.assert_array_equal(joined.to_dense(), (DENSE != 0) | (other != 0))
    with pytest.raises(ShapeError, match=r"union\(other\)"):
        read(DENSE).union(read(DENSE).transposed())
    assert not read(DENSE).symmetric


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_matrices_come_on_the_device_of_the_values(xp, dtype):
    values = xp.asarray([1.0, 2.0, 3.0, 4.0], dtype=getattr(xp, dtype))
    found = assemble(read(DENSE), values, values, "dense")
    assert found.device == values.device
    assert_close(found, DENSE.astype(dtype), dtype=dtype)


def test_values_of_the_host_go_to_the_device(xp):
    like = xp.asarray([0.0])
    found = assemble(read(DENSE), np.asarray([1.0, 2.0, 3.0, 4.0]), like, "dense")
    assert type(found) is type(like)
    assert found.device == like.device
    assert_close(found, DENSE.astype(float))


def test_a_pattern_without_entries_gives_zeros(xp):
    values = xp.asarray([], dtype=xp.float64)
    for shape in ((2, 3), (0, 3), (2, 0)):
        found = assemble(read(([], []), shape), values, values, "dense")
        assert_close(found, np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_sparse_matrices_of_numpy_are_rows_of_scipy(dtype):
    values = np.asarray([1, 2, 3, 4], dtype=dtype)
    values.setflags(write=False)
    found = assemble(read(DENSE), values, values, "sparse")
    assert isinstance(found, scipy.sparse.csr_array)
    assert found.dtype == dtype
    assert found.has_canonical_format
    np.testing.assert_array_equal(found.toarray(), DENSE)
    found.data[0] = 9  # a copy, whatever the values were
    assert values[0] == 1


def test_zeros_stay_stored_so_that_the_pattern_is_kept():
    found = assemble(read(DENSE), np.zeros(4), np.zeros(4), "sparse")
    assert_places(read(found))


class Rows:
    """Stands for cupyx's ``csr_matrix``: what it is given, and what that makes on the host."""

    def __init__(self, data, shape, copy):
        self.given, self.copy = data, copy
        with allow_host_copies():
            data = tuple(to_host(part) for part in data)
        self.host = scipy.sparse.csr_matrix(data, shape=shape)

    def toarray(self):
        return self.host.toarray()


def test_sparse_matrices_of_cupy_are_rows_of_cupyx(cupy, monkeypatch):
    if getattr(cupy, "__lookalike__", False):  # it has no sparse matrices
        module = types.ModuleType("cupyx.scipy.sparse")
        module.csr_matrix = Rows
        monkeypatch.setitem(sys.modules, "cupyx.scipy.sparse", module)
    kind = BACKENDS["cupy"].sparse().csr_matrix
    values = cupy.asarray([1.0, 2.0, 3.0, 4.0])
    found = assemble(read(DENSE), values, values, "sparse")
    assert type(found) is kind
    if kind is Rows:
        assert found.copy
        assert {type(part) for part in found.given} == {cupy.ndarray}
    dense = found.toarray()
    np.testing.assert_array_equal(dense if kind is Rows else to_host(dense), DENSE)


def test_sparse_matrices_of_cupyx_are_read(cupy):
    if getattr(cupy, "__lookalike__", False):
        pytest.skip("the look-alike of CuPy has no sparse matrices; a GPU has them")
    sparse = BACKENDS["cupy"].sparse()
    for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix):
        assert_places(read(kind(cupy.asarray(DENSE, dtype=float))))


def test_libraries_without_sparse_matrices_say_what_to_use(xp):
    if BACKENDS[xp.backend].sparse is not None:
        pytest.skip(f"{xp.backend} has sparse matrices")
    values = xp.asarray([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ArgumentError, match=r"jacobian\(format\).*Use format='dense'"):
        assemble(read(DENSE), values, values, "sparse", where="jacobian")


def test_unknown_formats_are_refused():
    with pytest.raises(ArgumentError, match=r"assemble\(format\): got 'csr'; expected 'dense' or"):
        assemble(read(DENSE), np.ones(4), np.ones(4), "csr")
