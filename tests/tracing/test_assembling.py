"""Arrays put together and taken apart: NumPy's values, derivatives by differences."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import (
    ArgumentError,
    DTypeError,
    MissingRuleError,
    ShapeError,
    TraceError,
)
from tests.support import assert_close
from tests.support.host_copies import allow_host_copies
from tests.tracing.laws import LAWS, check_value

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))
V = RNG.normal(size=4)
CUBE = X.reshape(1, 3, 4)
MASK = np.array([True, False, True])

SPELLINGS = {
    "split": lambda x: np.split(x, 3),
    "split at": lambda x: np.split(x, [1, 2, 9], axis=1),
    "split at the end": lambda x: np.split(x, np.array([1, -1]), axis=-1),
    "array_split": lambda x: np.array_split(x, 3, axis=1),
    "array_split into too many": lambda x: np.array_split(x, 5),
    "hsplit": lambda x: np.hsplit(x, 2),
    "hsplit of a vector": lambda x: np.hsplit(x[0], 2),
    "vsplit": lambda x: np.vsplit(x, [1]),
    "dsplit": lambda x: np.dsplit(x[None], 4),
    "delete": lambda x: np.delete(x, 5),
    "delete columns": lambda x: np.delete(x, [0, -1], axis=1),
    "delete slice": lambda x: np.delete(x, slice(0, 3, 2), axis=1),
    "delete mask": lambda x: np.delete(x, MASK, axis=0),
    "delete all": lambda x: np.delete(x, slice(None), axis=1),
    "insert": lambda x: np.insert(x, 2, 5.0),
    "insert row": lambda x: np.insert(x, 1, V, axis=0),
    "insert traced row": lambda x: np.insert(X * 1j, -1, x[0] * x[1], axis=0),
    "insert column": lambda x: np.insert(x, 1, [1.0, 2.0, 3.0], axis=1),
    "insert columns at one place": lambda x: np.insert(x, [1], x[:, :2] ** 2, axis=1),
    "insert at several": lambda x: np.insert(x, [0, 2, 2], x[:, 1:], axis=1),
    "insert at a slice": lambda x: np.insert(x, slice(1, 3), x[:, :2], axis=1),
    "insert at a slice of one": lambda x: np.insert(x, slice(1, 2), x[:, :2], axis=1),
    "insert at a mask": lambda x: np.insert(x, MASK, x[:1], axis=0),
    "insert nothing": lambda x: np.insert(x, [], 0.0, axis=0),
    "append": lambda x: np.append(x, x[0] ** 2),
    "append rows": lambda x: np.append(x, [[1.0, 2.0, 3.0, 4.0]], axis=0),
    "append number": lambda x: np.append(x, 5.0),
    "block": lambda x: np.block([[x, x[:, :1]], [np.ones((1, 4)), x[:1, :1] ** 2]]),
    "block of one list": lambda x: np.block([x[0], 1.0, x[1, :2]]),
    "block of ranks": lambda x: np.block([[[x]], [[x * x]]]),
    "block of one array": lambda x: np.block(x),
    "dstack": lambda x: np.dstack([x, x * x]),
    "dstack vectors": lambda x: np.dstack([x[0], V, x[1]]),
    "column_stack": lambda x: np.column_stack([x[:, 0], x, np.arange(3)]),
    "column_stack numbers": lambda x: np.column_stack([x[0, 0], x[1, 1]]),
    "atleast_3d": lambda x: np.atleast_3d(x[0, 0], x[0], x, x[None]),
    "atleast_2d": lambda x: np.atleast_2d(x[0, 0], x[0], x),
    "diag": lambda x: np.diag(x),
    "diag above": lambda x: np.diag(x, 2),
    "diag below": lambda x: np.diag(x, -1),
    "diag outside": lambda x: np.diag(x, 9),
    "diag of a vector": lambda x: np.diag(x[0], 1) + np.diag(x[1], -1),
    "diagflat": lambda x: np.diagflat(x, -1),
    "diagonal": lambda x: np.diagonal(x, 1),
    "diagonal axes": lambda x: np.diagonal(x[None] * x[:2, None, :1], -1, 2, 0),
    "kron": lambda x: np.kron(x, x[:2] ** 2),
    "kron of ranks": lambda x: np.kron(x[0], x),
    "kron number": lambda x: np.kron(3.0, x),
    "vander": lambda x: np.vander(x[0]),
    "vander increasing": lambda x: np.vander(x[0], 6, increasing=True),
    "vander of few": lambda x: np.vander(x[0] * x[1], 2),
    "rot90": lambda x: np.rot90(x),
    "rot90 twice": lambda x: np.rot90(x, 2),
    "rot90 back": lambda x: np.rot90(x, k=-1),
    "rot90 axes": lambda x: np.rot90(x[None], 1, (2, 0)),
    "rot90 never": lambda x: np.rot90(x, 4),
    "fliplr": lambda x: np.fliplr(x),
    "flipud": lambda x: np.flipud(x),
    "flip by keyword": lambda x: np.flip(m=x, axis=0),
    "rollaxis": lambda x: np.rollaxis(x[None], 2),
    "rollaxis to the end": lambda x: np.rollaxis(x[None], 0, 3),
    "moveaxis": lambda x: np.moveaxis(x[None], (0, 2), (1, 0)),
    "resize": lambda x: np.resize(x, (5, 4)),
    "resize to less": lambda x: np.resize(x, 3),
    "resize to nothing": lambda x: np.resize(x, (0, 3)),
    "resize of nothing": lambda x: np.resize(x[:0], 3),
    "reshape F": lambda x: np.reshape(x, (2, 6), order="F"),
    "method reshape F": lambda x: x.reshape((-1, 2), order="F"),
    "ravel F": lambda x: x.ravel("F"),
    "flatten F": lambda x: x.flatten("F"),
    "roll both": lambda x: np.roll(x, (1, -2), axis=(0, 1)),
    "roll twice": lambda x: np.roll(x, (1, 2), axis=1),
    "roll one shift": lambda x: np.roll(x, 1, axis=(0, 1)),
    "roll flat": lambda x: np.roll(x, -7),
    "tile": lambda x: np.tile(A=x, reps=np.array([2, 1, 3])),
    "repeat list of one": lambda x: np.repeat(x, [2], axis=0),
    "repeat none": lambda x: np.repeat(x, np.array([1, 0, 2]), 0),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1, :2]),
    "meshgrid sparse": lambda x: np.meshgrid(x[0], 3.0, x[:, 0], indexing="ij", sparse=True),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[0], 1.0),
    "unstack": lambda x: np.unstack(x, axis=1),
    "take wrapped": lambda x: np.take(x, [5, -9], axis=1, mode="wrap"),
    "take clipped": lambda x: np.take(x, [5, -9], axis=1, mode="clip"),
    "stack of numbers": lambda x: np.stack([x[0, 0], 1.5, 2]),
    "stack dtype": lambda x: np.stack([x, x], dtype=np.complex128),
    "hstack of numbers": lambda x: np.hstack([x[0], 1.5, [2, 3]]),
    "vstack dtype": lambda x: np.vstack([x[0], np.arange(4)], dtype=np.complex128),
    "concatenate integers": lambda x: np.concatenate([x[0], np.arange(2)]),
    "diff of ends": lambda x: np.diff(x, prepend=0, append=x[:, :1]),
    "diff not once": lambda x: np.diff(x, n=0),
    "expand_dims": lambda x: np.expand_dims(x, (0, -1)),
    "method diagonal": lambda x: x.diagonal(1),
    "method flat": lambda x: x.flat[3:7] * sum(x.flat),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("law", ["value", "first_order"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_complex_values(name, law):
    LAWS[law](SPELLINGS[name], X + 1j * X[::-1])


# Orders of memory, which the examples of a batch do not have each.
@pytest.mark.parametrize("order", ["A", "K", "C", "F"])
def test_orders_of_memory(order):
    for law in ("value", "first_order", "second_order"):
        for axes in ((0, 1, 2), (2, 1, 0), (0, 2, 1)):
            LAWS[law](lambda x, axes=axes: np.ravel(np.transpose(x, axes), order=order), CUBE)
            LAWS[law](lambda x, axes=axes: np.transpose(x, axes).flatten(order), CUBE)
            if order != "K":  # NumPy refuses it
                LAWS[law](lambda x, a=axes: np.reshape(np.transpose(x, a), (6, 2), order), CUBE)


WIDTHS = (0, 2, (1, 0), ((1, 2), (0, 3)), 7)
MODES = {
    "constant": [{}, {"constant_values": (1.5, -2)}, {"constant_values": ((1, 2), (3, 4))}],
    "edge": [{}],
    "wrap": [{}],
    "linear_ramp": [{}, {"end_values": 2}, {"end_values": ((1,), (-1.5,))}],
    "reflect": [{}, {"reflect_type": "odd"}],
    "symmetric": [{}, {"reflect_type": "odd"}],
    "maximum": [{}, {"stat_length": 2}],
    "minimum": [{}, {"stat_length": (1, 2)}],
    "mean": [{}, {"stat_length": ((2, 3), (1, 9))}],
    "median": [{}, {"stat_length": 3}, {"stat_length": 2}],
}
PADS = [
    pytest.param(width, mode, kw, id=f"{mode}-{width}-{kw}".replace(" ", ""))
    for mode, keywords in MODES.items()
    for kw in keywords
    for width in WIDTHS
]


@pytest.mark.parametrize(("width", "mode", "kw"), PADS)
def test_pads(width, mode, kw):
    for name, law in LAWS.items():
        if name != "vmap" or width == 2:
            law(lambda x: np.pad(x, width, mode, **kw), X)


def test_pads_by_name_of_axis_and_of_one_element():
    for law in ("value", "first_order"):
        LAWS[law](lambda x: np.pad(x, {0: (1, 2)}), X)
        LAWS[law](lambda x: np.pad(x, {-1: 2}, mode="edge"), X)
        LAWS[law](lambda x: np.pad(x, 3, mode="reflect", reflect_type="odd"), X[:1, :1])
        LAWS[law](lambda x: np.pad(x, 3, mode="symmetric", reflect_type="odd"), X[:1, :1])


def test_what_is_padded_with_may_be_traced():
    def f(c):
        ramp = np.pad(X * c, 1, "linear_ramp", end_values=(c, 2.0))
        return np.pad(X * c, 1, constant_values=((1.0, c), (c, 3.0))) + ramp

    for law in ("value", "first_order", "second_order", "precision"):
        LAWS[law](f, np.asarray(1.5))


def test_an_empty_border_is_zero_and_a_nan_stays_in_the_median():
    value, _ = ag.vjp(lambda x: np.pad(x, 1, "empty"), X)
    assert_close(value, np.pad(X, 1))
    check_value(lambda x: np.pad(x, 2, "median"), np.array([1.0, np.nan, 2.0]))


def test_constants_of_padding_have_no_part_in_the_gradient():
    g = ag.grad(lambda x: np.sum(np.pad(x, 2, "edge")))(np.array([1.0, 2.0, 3.0]))
    assert_close(g, [3.0, 1.0, 3.0])


ANGLES = np.cumsum(RNG.uniform(-4, 4, size=(3, 6)), axis=1)


@pytest.mark.parametrize("keywords", [{}, {"axis": 0}, {"period": 3.0}, {"discont": 3.5}], ids=str)
def test_unwrapping_moves_by_whole_periods(keywords):
    for law in LAWS.values():
        law(lambda x: np.unwrap(x, **keywords), ANGLES)
    g = ag.grad(lambda x: np.sum(np.unwrap(x, **keywords) * ANGLES))(ANGLES)
    assert_close(g, ANGLES)


def test_a_jump_of_half_a_period_stays_as_numpy_has_it():
    check_value(lambda x: np.unwrap(x, period=4.0), np.array([0.0, 2.0, 0.0, -2.0, 4.0]))


@pytest.mark.parametrize("trim", ["fb", "f", "b", "B"])
@pytest.mark.parametrize(
    "x", [[0.0, 0, 1, 0, 2, 0], [0.0, 0], [1.0, 2], [[0.0, 0, 0], [0, 1, 0]]], ids=str
)
def test_zeros_around_are_trimmed(x, trim):
    check_value(lambda x: np.trim_zeros(x, trim), np.array(x))


def test_trimming_keeps_the_derivative_of_the_rest():
    g = ag.grad(lambda x: np.sum(np.trim_zeros(x, axis=1) ** 2))(np.array([[0.0, 3], [0, 2]]))
    assert_close(g, [[0.0, 6], [0, 4]])
    with pytest.raises(MissingRuleError, match="vmap"):
        ag.vmap(lambda x: np.trim_zeros(x))(X)


NUMBERS = {
    "stack": lambda x: np.stack([x[0], 1.5]),
    "integer": lambda x: np.stack([x[0], 2]),
    "complex": lambda x: np.stack([x[0], 2j]),
    "hstack": lambda x: np.hstack([x, 1.5]),
    "append": lambda x: np.append(x, 1.5),
    "block": lambda x: np.block([x, 1.5]),
    "diff": lambda x: np.diff(x, prepend=1.5),
    "kron": lambda x: np.kron(x, 2.0),
    "meshgrid": lambda x: np.meshgrid(x, 2.0)[1] * x,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_joined_in_the_dtype_that_numpy_makes_of_them(name):
    x = X[0].astype(np.float32)
    check_value(NUMBERS[name], x)
    value, pullback = ag.vjp(NUMBERS[name], x)
    assert pullback(np.ones_like(value))[0].dtype == np.float32


# What the standard has not: the functions of traced arrays serve every library.
ANYWHERE = {
    "pad": lambda xp, x: xp.pad(x, 1, mode="reflect") * xp.pad(x, 1, constant_values=1.5),
    "pad odd": lambda xp, x: xp.pad(x, ((0, 0), (9, 0)), mode="symmetric", reflect_type="odd"),
    "ramp": lambda xp, x: xp.pad(x, ((1, 2), (0, 3)), mode="linear_ramp", end_values=2.0),
    "median": lambda xp, x: xp.pad(x, ((1, 0), (0, 0)), mode="median"),
    "block": lambda xp, x: xp.block([[x, x[:, :1]], [x[:1, :], x[:1, :1]]]),
    "insert": lambda xp, x: xp.insert(x, [0, 2], x[:1, :], axis=0),
    "delete": lambda xp, x: xp.delete(x, [0, -1], axis=1),
    "diag": lambda xp, x: xp.diag(x[0, :], 1) @ xp.diag(x[0, :], -1) + xp.diag(x, 1)[0],
    "kron": lambda xp, x: xp.kron(x, x[:1, :]),
    "vander": lambda xp, x: xp.vander(x[0, :], 3),
    "turn": lambda xp, x: xp.rot90(x) @ xp.flipud(x),
    "split": lambda xp, x: (
        xp.array_split(x, 3, axis=1)[0] * xp.dsplit(xp.expand_dims(x, axis=0), 2)[0][0, 0, 0]
    ),
    "stack": lambda xp, x: xp.dstack([x, xp.append(x[:1, :], x[1:, :], axis=0)]),
    "F": lambda xp, x: xp.reshape(x, (2, 6), order="F"),
    "unwrap": lambda xp, x: xp.unwrap(x * 9.0, axis=0),
    "resize": lambda xp, x: xp.resize(x, (5, 3)),
    "take": lambda xp, x: xp.take(x, [5, -9], axis=1, mode="wrap"),
}


@pytest.mark.parametrize("name", ANYWHERE)
def test_every_library_gives_the_same(name, xp):
    def f(x):
        return ANYWHERE[name](ag.namespace(x), x)

    expected, expected_pullback = ag.vjp(f, X)
    assert_close(expected, ANYWHERE[name](np, X))
    value, pullback = ag.vjp(f, xp.asarray(X))
    assert_close(value, expected)
    assert_close(pullback(xp.asarray(expected)), expected_pullback(expected))


def test_trimming_reads_on_the_host(xp):
    if xp.name == "strict":
        pytest.skip("a shape that depends on values would be read on the host")
    with allow_host_copies():
        value, _ = ag.vjp(lambda x: ag.namespace(x).trim_zeros(x), xp.asarray([0.0, 2.0, 0.0]))
    assert_close(value, [2.0])


REFUSED = {
    "sections": (lambda x: np.split(x, 2), ArgumentError, r"split.*divisor"),
    "no sections": (lambda x: np.array_split(x, 0), ArgumentError, "at least 1"),
    "dsplit": (lambda x: np.dsplit(x, 2), ShapeError, r"dsplit.*3 axes"),
    "vsplit": (lambda x: np.vsplit(x[0], 2), ShapeError, r"vsplit.*2 axes"),
    "block tuple": (lambda x: np.block([(x, x)]), TypeError, r"tuple"),
    "block depths": (lambda x: np.block([x, [x]]), ArgumentError, r"block.*depth"),
    "block empty": (lambda x: np.block([[x], []]), ArgumentError, r"block.*empty"),
    "traced into integers": (
        lambda x: np.insert(np.arange(3), 1, x[0, 0]),
        ArgumentError,
        r"insert\(values\).*int64",
    ),
    "complex into reals": (
        lambda x: np.insert(X, 0, x[0] * 1j, axis=0),
        DTypeError,
        r"insert\(values\).*imaginary",
    ),
    "device positions": (
        lambda x: np.delete(x, x[0]),
        MissingRuleError,
        r"delete\(obj\)",
    ),
    "diag": (lambda x: np.diag(x[None]), ShapeError, r"diag\(v\)"),
    "diagonal": (lambda x: np.diagonal(x, 0, 1, -1), ArgumentError, r"diagonal\(axis2\)"),
    "vander": (lambda x: np.vander(x), ShapeError, r"vander\(x\)"),
    "rot90": (lambda x: np.rot90(x, 1, (0, 0)), ArgumentError, r"rot90\(axes\)"),
    "moveaxis": (lambda x: np.moveaxis(x, (0, 0), (0, 1)), ArgumentError, r"moveaxis\(source\)"),
    "moveaxis count": (lambda x: np.moveaxis(x, 0, (0, 1)), ArgumentError, r"moveaxis\(dest"),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 0)), ArgumentError, r"expand_dims\(axis\)"),
    "meshgrid": (lambda x: np.meshgrid(x, indexing="yx"), ArgumentError, r"meshgrid\(indexing\)"),
    "order": (lambda x: np.reshape(x, (2, 6), order="K"), ArgumentError, r"reshape\(order\)"),
    "order in a batch": (ag.vmap(lambda x: np.ravel(x, "K")), ArgumentError, r"ravel\(order\)"),
    "resize": (lambda x: np.resize(x, (-1, 2)), ArgumentError, r"resize\(new_shape\)"),
    "casting": (
        lambda x: np.stack([x, x], dtype=np.float32, casting="safe"),
        DTypeError,
        r"stack\(casting\).*safe",
    ),
    "no casting": (
        lambda x: np.concatenate([x, x.astype(np.float32)], casting="no"),
        DTypeError,
        r"concat\(casting\)",
    ),
    "to integers": (lambda x: np.stack([x], dtype=int), DTypeError, r"stack\(casting\)"),
    "diff": (lambda x: np.diff(x, n=-1), ArgumentError, r"diff\(n\)"),
    "take": (lambda x: np.take(x, [0], mode="round"), ArgumentError, r"take\(mode\)"),
    "pad mode": (lambda x: np.pad(x, 1, "mirror"), ArgumentError, r"pad\(mode\).*'mirror'"),
    "pad function": (lambda x: np.pad(x, 1, lambda *_: None), MissingRuleError, r"pad\(mode\)"),
    "pad keyword": (lambda x: np.pad(x, 1, "edge", stat_length=2), ArgumentError, "stat_length"),
    "pad width": (lambda x: np.pad(x, -1), ArgumentError, r"pad\(pad_width\)"),
    "pad float": (lambda x: np.pad(x, 1.5), ArgumentError, r"pad\(pad_width\)"),
    "pad type": (
        lambda x: np.pad(x, 1, "reflect", reflect_type="even odd"),
        ArgumentError,
        r"pad\(reflect_type\)",
    ),
    "pad length": (lambda x: np.pad(x, 1, "mean", stat_length=0), ArgumentError, "stat_length"),
    "trim": (lambda x: np.trim_zeros(x, "xf"), ArgumentError, r"trim_zeros\(trim\)"),
    "period": (
        lambda x: np.unwrap(x, period=x[0, 0]),
        MissingRuleError,
        r"unwrap\(period\)",
    ),
    **{
        method: (lambda x, method=method: getattr(x, method)(), TraceError, method)
        for method in ("tobytes", "view", "byteswap", "tofile", "dumps", "resize")
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_arguments_and_ways_out_are_refused(case):
    f, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        ag.vjp(f, X)


def test_questions_about_memory_are_answered():
    def f(x):
        assert (x.nbytes, x.itemsize, x.strides) == (X.nbytes, X.itemsize, X.strides)
        assert x.flags.c_contiguous
        assert x.T.flags.f_contiguous
        x.setflags(write=False)
        return np.sum(x)

    ag.grad(f)(X)
    with pytest.raises(TraceError, match=r"strides.*vmap"):
        ag.vmap(lambda x: x * x.strides[0])(X)


def test_filling_and_putting_are_writes():
    def f(x):
        y = x * 1.0
        y.fill(x[0, 0])
        y.put([1, -1], [5.0, x[1, 1]])
        return np.sum(y * X)

    def g(x):
        y = x * 1.0
        y[...] = x[0, 0]
        y[0, 1], y[2, 3] = 5.0, x[1, 1]
        return np.sum(y * X)

    assert_close(ag.grad(f)(X), ag.grad(g)(X))
    _, tangent = ag.jvp(f, (X,), (V * np.ones((3, 1)),))
    assert_close(tangent, ag.jvp(g, (X,), (V * np.ones((3, 1)),))[1])
