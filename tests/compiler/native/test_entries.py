"""Entries call kernels with what these were made for, and with nothing else."""

import pickle
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.native.entries import Signature, Slot, make_entry, make_filler
from tests.compiler.native.calling import (
    F8,
    Number,
    Other,
    arrays,
    code,
    failing,
    frozen,
    misaligned,
    scale,
    scaling,
)


@pytest.mark.parametrize("releases", [False, True])
def test_kernel_gets_arrays_and_numbers(way, releases):
    x, y = arrays()
    assert scale(releases=releases)(x, y, 2.5) is None
    assert (y == 2.5 * x).all()


def test_what_a_kernel_answers_is_told(way):
    x, y = arrays()
    assert scale(answer=1)(x, y, 2.0) is True
    assert (y == 2 * x).all()
    assert scale(answer=1 << 40)(x, y, 2.0) is True


def test_range_is_the_one_of_the_signature(way):
    x, y = arrays()
    assert scale(start=2, stop=5)(x, y, 3.0) is None
    expected = np.full(12, -7.0)
    expected[2:5] = 3 * x.ravel()[2:5]
    assert (y.ravel() == expected).all()


def test_constants_stay_in_the_table_from_call_to_call(way):
    entry, (x, y) = scale(answer=-1), arrays()
    for a in (1.0, -1.0, 0.0):
        assert entry(x, y, a) is True
        assert (y == a * x).all()


OTHERS = {
    "shape": lambda x: np.ones((4, 3)),
    "more axes": lambda x: x[None],
    "fewer axes": lambda x: x.ravel(),
    "length": lambda x: np.ones((3, 5)),
    "strides": lambda x: np.asfortranarray(x),
    "step": lambda x: np.ones((3, 8))[:, ::2],
    "backwards": lambda x: x[::-1],
    "broadcast": lambda x: np.broadcast_to(x[0], x.shape),
    "size of elements": lambda x: x.astype(np.float32),
    "kind of elements": lambda x: x.astype(np.int64),
    "complex": lambda x: x.astype(complex),
    "objects": lambda x: x.astype(object),
    "order of bytes": lambda x: x.astype(">f8"),
    "structured": lambda x: x.view([("a", "f8")]),
    "dates": lambda x: x.astype("M8[s]"),
    "subclass": lambda x: x.view(Other),
    "alignment": misaligned,
    "list": lambda x: x.tolist(),
    "number": lambda x: 1.0,
    "scalar": lambda x: np.float64(1.0),
    "none": lambda x: None,
    "type": lambda x: np.ndarray,
}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_arrays_are_refused_and_nothing_is_written(way, other, place):
    given = [*arrays(), 2.0]
    given[place] = other(given[place])
    before = pickle.dumps(given)
    entry = scale()
    assert entry(*given) is False
    assert pickle.dumps(given) == before
    x, y = arrays()
    assert entry(x, y, 2.0) is None  # and it goes on
    assert (y == 2 * x).all()


def test_what_is_written_has_to_be_writeable(way):
    x, y = arrays()
    assert scale()(x, frozen(y), 2.0) is False
    assert scale()(frozen(x), y, 2.0) is None
    assert (y == 2 * x).all()


def test_number_of_arguments_has_to_fit(way):
    x, y = arrays()
    for given in ((), (x,), (x, y), (x, y, 2.0, 2.0), (x, y, 2.0, x, y)):
        assert scale()(*given) is False
    assert (y == -7).all()
    with pytest.raises(TypeError):
        scale()(x, y, a=2.0)


def test_equal_types_of_elements_need_not_be_one_object(way):
    y = np.full((3, 4), -7.0)
    for x in (
        pickle.loads(pickle.dumps(arrays()[0])),
        arrays()[0].view(np.dtype("f8", metadata={"a": 1})),
        arrays()[0].view(F8.newbyteorder("<")),
    ):
        assert x.dtype is not F8
        assert scale()(x, y, 2.0) is None
        assert (y == 2 * arrays()[0]).all()


def test_strides_that_do_not_matter_are_not_compared(way):
    row = np.arange(4.0)
    odd = np.lib.stride_tricks.as_strided(row, (1, 4), (1234, 8))
    y = np.empty((1, 4))
    assert scale(shape=(1, 4))(odd, y, 3.0) is None
    assert (y == 3 * row).all()
    empty = np.empty((0, 3), order="F")
    assert scale(shape=(0, 3))(empty, np.empty((0, 6))[:, ::2], 1.0) is None
    assert scale(shape=(0, 3))(empty, np.empty((0, 4)), 1.0) is False


def test_arrays_without_axes(way):
    x, y = np.array(3.0), np.array(0.0)
    assert scale(shape=())(x, y, 2.0) is None
    assert y == 6
    assert scale(shape=())(3.0, y, 2.0) is False


@pytest.mark.parametrize(
    "number",
    [
        2.5,
        -1.0,
        -0.0,
        float("inf"),
        7,
        -1,
        2**53 + 1,
        True,
        np.float32(0.1),
        np.float16(0.1),
        np.longdouble(1) / 3,
        np.int8(-1),
        np.uint64(2**63),
        np.bool_(True),
        Fraction(1, 3),
        Number(-1.0),
        type("Real", (float,), {})(4.5),
        type("Index", (), {"__index__": lambda self: 3})(),
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_numbers_are_what_python_makes_of_them(way, number):
    x, y = np.ones(1), np.zeros(1)
    assert scale(shape=(1,))(x, y, number) is None
    assert y.tobytes() == np.float64(float(number)).tobytes()


@pytest.mark.parametrize(
    "other",
    [
        *(None, "1.0", b"1", 1j, np.complex64(1), np.complex128(1), np.clongdouble(1), [1.0]),
        *(np.array(1.0), np.ones(1), np.str_("1"), object(), float),
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_what_is_no_number_is_refused(way, other):
    x, y = arrays()
    assert scale()(x, y, other) is False
    assert (y == -7).all()


@pytest.mark.parametrize(
    ("number", "error"), [(10**400, OverflowError), (Number(then=failing), LookupError)]
)
def test_errors_of_a_number_are_passed_on(way, number, error):
    entry, (x, y) = scale(), arrays()
    for _ in range(3):
        with pytest.raises(error):
            entry(x, y, number)
        assert (y == -7).all()
    assert entry(x, y, 2.0) is None
    assert (y == 2 * x).all()


def test_many_arguments(way):
    count = 10_000 if way == "quick" else 1_000
    leaves = [np.array([float(k % 7)]) for k in range(count)]
    out = np.zeros(1)
    slots = (Slot("written", 0, F8, (1,)), *[Slot("array", k + 1, F8, (1,)) for k in range(count)])
    signature = Signature(slots, (0,) * (count + 1), 1, count + 1, False, ())
    entry = make_entry(code().addresses["total"], signature)
    assert entry(out, *leaves) is None
    assert out[0] == sum(k % 7 for k in range(count))
    out[0] = -7.0
    leaves[-1] = np.ones(2)
    assert entry(out, *leaves) is False
    assert entry(out, *leaves[:-1]) is False
    assert out[0] == -7


def test_tables_that_do_not_fit_are_refused(way):
    fill, (x, y) = make_filler(scaling()), arrays()
    words = np.zeros(8, np.uint64)
    for table in (
        np.zeros(3, np.uint64),
        np.zeros(5, np.uint64),
        np.zeros(4, np.int64),
        np.zeros((4, 1), np.uint64),
        words[::2],
        frozen(np.zeros(4, np.uint64)),
        misaligned(np.zeros(4, np.uint64)),
        np.zeros(4, np.uint64).view(Other),
        [0, 0, 0, 0],
        None,
    ):
        assert fill(table, x, y, 2.0) is False
    assert not words.any()
    table = words[:4]
    assert fill() is False
    assert fill(table) is False
    assert fill(table, x, y) is False
    assert fill(table, x, y, 2.0, 2.0) is False
    assert fill(table, x.T, y, 2.0) is False
    with pytest.raises(LookupError):
        fill(table, x, y, Number(then=failing))
    assert fill(table, x, y, 2.0) is True
