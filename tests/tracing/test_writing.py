"""copyto, put, place, putmask, put_along_axis, fill_diagonal into traced arrays."""

import numpy as np
import pytest

from anygrad.autodiff import grad, vjp, vmap
from anygrad.config import use_settings
from anygrad.errors import ArgumentError, DTypeError, ShapeError, TraceError
from tests.support import assert_close
from tests.tracing.laws import LAWS

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
V = np.array([0.5, -0.25, 2.0, 1.5])
MASK = X > 0.5
PLAIN = np.zeros((3, 4))
ORDER = np.argsort(X, axis=1)


def doubled(x):
    return x * 2.0


def into(write, make=doubled):
    """What stands in a new array after a function has written into it."""

    def f(x):
        y = make(x)
        assert write(x, y) is None
        return 0.1 * y * y + x.sum()

    return f


def cube(x):
    return x[:, :3, None] * x[:, None, :3]


CASES = {
    "copyto": into(lambda x, y: np.copyto(y, x * x)),
    "copyto of a row": into(lambda x, y: np.copyto(y, x[0])),
    "copyto of a number": into(lambda x, y: np.copyto(y, 2.0)),
    "copyto of plain values": into(lambda x, y: np.copyto(y, V)),
    "copyto where": into(lambda x, y: np.copyto(y, x * x, where=MASK)),
    "copyto where of a list": into(
        lambda x, y: np.copyto(y, x * x, where=[True, False, True, True])
    ),
    "copyto by name": into(lambda x, y: np.copyto(dst=y, src=x[1], casting="unsafe")),
    "put": into(lambda x, y: np.put(y, [0, 5, -1], x[0, :3])),
    "put in cycles": into(lambda x, y: np.put(y, np.array([[0, 5], [7, 3]]), x[0, :3])),
    "put too many": into(lambda x, y: np.put(y, [1, 2], x)),
    "put one": into(lambda x, y: np.put(y, 6, x[0, 0])),
    "put a number": into(lambda x, y: np.put(y, [6, 7], 2.5)),
    "put nothing": into(lambda x, y: np.put(y, np.array([], np.int64), x)),
    "put wrap": into(lambda x, y: np.put(y, [13, -14], x[0, :2], mode="wrap")),
    "put clip": into(lambda x, y: np.put(y, [-3, 40], x[0, :2], mode="clip")),
    "place": into(lambda x, y: np.place(y, MASK, x[:, 0])),
    "place one": into(lambda x, y: np.place(y, MASK, x[0, 0])),
    "place of plain values": into(lambda x, y: np.place(y, MASK, [1.0, 2.0])),
    "place by integers": into(lambda x, y: np.place(y, MASK * 3, x[:, 0])),
    "putmask": into(lambda x, y: np.putmask(y, MASK, x * x)),
    "putmask in cycles": into(lambda x, y: np.putmask(y, MASK, x[0, :3])),
    "putmask of a number": into(lambda x, y: np.putmask(y, MASK, x[0, 0])),
    "putmask by comparison": into(lambda x, y: np.putmask(y, y > 1.0, x[0])),
    "put_along_axis": into(lambda x, y: np.put_along_axis(y, ORDER, np.exp(x), axis=1)),
    "put_along_axis of a column": into(lambda x, y: np.put_along_axis(y, ORDER[:, :1], 2.0, 1)),
    "put_along_axis of a row": into(
        lambda x, y: np.put_along_axis(y, np.argmax(X, axis=0)[None], x[:1], axis=0)
    ),
    "fill_diagonal": into(lambda x, y: np.fill_diagonal(y, x[0, 0])),
    "fill_diagonal of values": into(lambda x, y: np.fill_diagonal(y, x[0])),
    "fill_diagonal in cycles": into(lambda x, y: np.fill_diagonal(y, x[0, :2])),
    "fill_diagonal tall": into(lambda x, y: np.fill_diagonal(y, x[0, 0]), lambda x: x.T * 2),
    "fill_diagonal very tall": into(
        lambda x, y: np.fill_diagonal(y, x[0]), lambda x: x.reshape(6, 2) * 2
    ),
    "fill_diagonal wrapped": into(
        lambda x, y: np.fill_diagonal(y, x[0], wrap=True), lambda x: x.reshape(6, 2) * 2
    ),
    "fill_diagonal of a cube": into(
        lambda x, y: np.fill_diagonal(y, x[0]), cube
    ),
    "a plain array into a traced one": into(lambda x, y: np.copyto(y, X[::-1])),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", CASES)
def test_every_function(name, law):
    LAWS[law](CASES[name], X)


@pytest.mark.parametrize("law", ["value", "first_order"])
@pytest.mark.parametrize("name", ["copyto where", "put", "place", "putmask", "fill_diagonal"])
def test_complex_arrays(name, law):
    LAWS[law](CASES[name], X + 0.5j * X[::-1])


def test_masks_that_differ_between_examples():
    batch = np.stack([X, -X, X[::-1]])
    for write in (
        lambda x, y: np.copyto(y, x * x, where=x > 0.5),
        lambda x, y: np.place(y, x > 0.5, x[0]),
        lambda x, y: np.putmask(y, x > 0.5, x[0]),
    ):
        f = into(write)
        assert_close(vmap(f)(batch), np.stack([f(x) for x in batch]))


def test_full_like_of_a_traced_array():
    def f(x):
        return np.sum(np.full_like(x, x[0, 1]) * x) + np.sum(
            np.full_like(x, x[0, 0], dtype=np.float32, shape=(2,))
        )

    g = grad(f)(X)
    expected = np.full((3, 4), X[0, 1])
    expected[0, 1] += X.sum()
    expected[0, 0] += 2.0
    np.testing.assert_allclose(g, expected, rtol=1e-6)  # one part is in single precision


def test_single_precision_stays():
    x = X.astype(np.float32)

    def f(x):
        y = x * 1.0
        np.copyto(y, np.float64(2.0) * V)
        np.put(y, [0, 1], [1, 2])
        np.fill_diagonal(y, np.arange(3))
        return y * x

    y, pullback = vjp(f, x)
    assert y.dtype == np.float32
    assert_close(y, f(x))
    assert pullback(y)[0].dtype == np.float32


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.copyto(PLAIN, x),
        lambda x: np.put(PLAIN, [0], x[0, 0]),
        lambda x: np.place(PLAIN, MASK, x),
        lambda x: np.putmask(PLAIN, MASK, x),
        lambda x: np.put_along_axis(PLAIN, ORDER, x, 1),
        lambda x: np.full_like(PLAIN, x[0, 0]),
        lambda x: np.full(3, x[0, 0], dtype=float),
    ],
)
def test_a_plain_destination_is_refused(write):
    before = PLAIN.copy()
    with use_settings(rebind=False), pytest.raises(TraceError, match="gradient would be lost"):
        vjp(write, X)
    assert_close(PLAIN, before)


def test_a_diagonal_of_a_plain_array_is_refused_as_a_number_would_be():
    with use_settings(rebind=False), pytest.raises(TraceError, match=r"ag\.value"):
        vjp(lambda x: np.fill_diagonal(PLAIN, x[0, 0]), X)


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: np.copyto(y[0], x[1]),
        lambda x, y: np.put(y[0], [1], x[0, 0]),
        lambda x, y: np.place(y.T, MASK.T, x),
        lambda x, y: np.putmask(y[:2], MASK[:2], x[:2]),
        lambda x, y: np.put_along_axis(y[:1], ORDER[:1], x[:1], 1),
        lambda x, y: np.fill_diagonal(y[:, :3], x[0]),
    ],
)
def test_a_write_through_a_view_is_refused(write):
    with use_settings(rebind=False), pytest.raises(TraceError, match="view"):
        vjp(into(write), X)


@pytest.mark.parametrize(
    ("write", "error", "match"),
    [
        (lambda x, y: np.copyto(y[0], x), ShapeError, "broadcasts to"),
        (lambda x, y: np.copyto(y, 1j * x), DTypeError, "complex128|'same_kind'"),
        (lambda x, y: np.copyto(y, x, where=MASK * 1), DTypeError, "booleans"),
        (lambda x, y: np.put(y, [0, 0], x[0]), TraceError, "repeated"),
        (lambda x, y: np.put(y, [12], x[0]), ArgumentError, "0 to 11"),
        (lambda x, y: np.put(y, [1], x[0], mode="first"), ArgumentError, "'wrap'"),
        (lambda x, y: np.put(y, [1], x[0][:0]), ArgumentError, "empty"),
        (lambda x, y: np.put(y, x[0], x[0]), TraceError, "integers of the host"),
        (lambda x, y: np.place(y, MASK[0], x), ShapeError, "as many elements"),
        (lambda x, y: np.place(y, MASK, []), ArgumentError, "empty"),
        (lambda x, y: np.putmask(y, MASK[0], x), ShapeError, "as many elements"),
        (lambda x, y: np.put_along_axis(y, ORDER * 0, x, 1), TraceError, "repeated"),
        (lambda x, y: np.put_along_axis(y, [0], x, 1), ShapeError, "2 axes"),
        (lambda x, y: np.fill_diagonal(y[0], x[0]), ShapeError, "expected a matrix"),
        (lambda x, y: np.fill_diagonal(x[:, :, None] * V, x[0]), ShapeError, "one length"),
    ],
)
def test_what_is_refused(write, error, match):
    with use_settings(rebind=False), pytest.raises(error, match=match):
        vjp(into(write), X)


def test_on_every_backend(xp):
    def f(x):
        ns = x.__array_namespace__()
        y = x * 1.0
        ns.copyto(y, x * x, where=x > 0.5)
        ns.putmask(y, x < -1.0, x[0, :2])
        ns.fill_diagonal(y, x[1, :3])
        return ns.sum(y * x)

    assert_close(grad(f)(xp.asarray(X)), grad(f)(X))


# Into arrays that the function makes itself: rebinding makes them take traced values.


def sums_into_new_arrays(x):
    y = np.zeros(4)
    np.add(x[0], V, out=y)
    np.divide(y, V, out=y, where=V > 0)
    np.einsum("ij,ij->j", x, x, out=y)
    np.sum(np.outer(x, V), axis=0, out=y)
    np.cumsum(y * x[0], out=y)
    np.multiply(y, y, y)
    return 0.01 * y


def scatters_into_new_arrays(x):
    y = np.zeros((2, 3))
    np.add.at(y[1], [0, 1, 1, 2], x[0])
    np.multiply.at(y, ([1, 1], [0, 0]), x[1, :2])
    np.subtract.at(y[0], slice(0, 2), x[2, 0])
    return y


def assignments_into_new_arrays(x):
    y = np.zeros((4, 4))
    np.copyto(y, x[0])
    np.copyto(y[1], x[1] * x[1], where=V > 0)
    np.put(y, [8, 9], x[2, :2])
    np.fill_diagonal(y[2:, 2:], x[0, 0])
    np.place(y[3], V > 1, x[1])
    np.put_along_axis(y, np.zeros((4, 1), np.int64), x.ravel()[:4, None], 1)
    return y * x[0]


def views_as_outputs(x):
    y = np.zeros((2, 4))
    np.add(x[0], x[1], out=y[0])
    np.add.reduce(x * x, out=y[1])
    return y * y


def filled_likewise(x):
    return np.full_like(np.zeros(3), x[0, 0]) * np.full(3, x[0, 1])


def in_part_traced(x):
    y = np.zeros(4)
    y[:2] = x[0, :2]
    np.exp(y, out=y)
    np.add(V, V, out=y, where=V > 1)
    return y * y


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "f",
    [
        *(sums_into_new_arrays, scatters_into_new_arrays, assignments_into_new_arrays),
        *(views_as_outputs, filled_likewise, in_part_traced),
    ],
)
def test_arrays_made_by_the_function_itself(f, law):
    LAWS[law](f, X)
