"""The same idioms under CuPy's names, on a GPU or its look-alike; nothing waits for the device."""

import math

import numpy as np
import pytest

import anygrad as ag
from tests.support import allow_host_copies, assert_close, forbid_host_copies

X = np.array([0.3, 0.7, 1.1])


def programs(cp):
    """Functions of a CuPy array of three elements, by name."""
    a = cp.asarray(np.arange(9.0).reshape(3, 3))

    def filled(x):
        z = cp.zeros(3)
        for i in range(3):
            z[i] = x[i] * x[i - 1]
        return cp.sum(z * z)

    def recurrence(x):
        z = cp.zeros(20)
        z[0] = x[0]
        for i in range(1, 20):
            z[i] = 0.5 * z[i - 1] + x[1]
        return cp.sum(z)

    def views(x):
        z = cp.zeros((2, 3))
        row = z[0]
        row[1] = x[0]
        z[1][2] = x[1] * 2
        z.T[0] = x[:2]
        return cp.sum(z.ravel() * cp.arange(6.0)) + cp.sum(row * x)

    def copied(x):
        w = a.copy()
        w[0] = x
        w[1, 1] = x[0] * 2
        return cp.sum(w * w)

    def scattered(x):
        y = cp.zeros(4)
        cp.add.at(y, cp.asarray([0, 1, 1]), x)
        return cp.sum(y * y * cp.arange(4.0))

    def in_place(x):
        z = cp.ones(3)
        z += x
        z[1:] *= x[0]
        cp.copyto(z[:1], x[2:])
        return cp.sum(z * z)

    def solved(x):
        matrix = a + cp.eye(3) * (x[0] + 10.0)
        return cp.sum(cp.linalg.solve(matrix, x)) + cp.linalg.norm(matrix)

    return {
        "filled": filled,
        "recurrence": recurrence,
        "views": views,
        "copied": copied,
        "scattered": scattered,
        "in place": in_place,
        "solved": solved,
        "array": lambda x: cp.sum(cp.array([x[0], x[1] * x[2], 3.0]) ** 2),
        "asarray": lambda x: cp.linalg.norm(cp.asarray(x) - 1.0) + cp.sum(cp.ascontiguousarray(x)),
        "full_like": lambda x: cp.sum(cp.full_like(x, x[0]) * x) + cp.sum(cp.zeros_like(a) + x),
        "products": lambda x: cp.sum(cp.matmul(a, x) ** 2) + cp.sum(cp.dot(a, x)) + a.dot(x).sum(),
        "einsum": lambda x: cp.einsum("ij,i,j", a, x, x) + cp.sum(cp.tensordot(a, x, 1)),
        "joins": lambda x: cp.sum(cp.concatenate([x, x**2]) * cp.arange(6.0)),
        "stacks": lambda x: cp.sum(cp.stack([x, x * x])[1]) + cp.sum(cp.expand_dims(x, 0) @ a),
        "sums": lambda x: cp.sum(cp.cumsum(x) ** 2) + cp.mean(x) * cp.prod(x) + cp.std(x),
        "choices": lambda x: cp.sum(cp.where(x > 0.5, x, 0.0)) + cp.sum(cp.clip(x, 0.4, 1.0)),
        "sorted": lambda x: cp.sum(cp.sort(-x) * cp.arange(3.0)) + cp.median(x),
        "transformed": lambda x: cp.sum(cp.abs(cp.fft.fft(x)) ** 2) + cp.sum(cp.roll(x, 1) * x),
        "broadcast": lambda x: cp.sum(cp.broadcast_to(x, (2, 3)) * cp.tile(x, (2, 1))),
    }


NAMES = (
    *("filled", "recurrence", "views", "copied", "scattered", "in place", "solved", "array"),
    *("asarray", "full_like", "products", "einsum", "joins", "stacks", "sums", "choices"),
    *("sorted", "transformed", "broadcast"),
)


def test_every_program_is_tested(cupy):
    assert set(programs(cupy)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_idioms_under_cupys_names(cupy, name):
    f = programs(cupy)[name]
    x = cupy.asarray(X)
    with forbid_host_copies():
        gradient = ag.grad(f)(x)
        _, tangent = ag.jvp(f, (x,), (cupy.ones(3),))
    assert isinstance(gradient, cupy.ndarray)

    @allow_host_copies()
    def at(point):
        return float(f(cupy.asarray(point)))

    h = 1e-3
    slopes = [
        (8 * (at(X + h * v) - at(X - h * v)) - (at(X + 2 * h * v) - at(X - 2 * h * v))) / (12 * h)
        for v in np.eye(3)
    ]
    with allow_host_copies():
        np.testing.assert_allclose(cupy.asnumpy(gradient), slopes, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(float(tangent), sum(slopes), rtol=1e-8, atol=1e-8)


def test_a_mask_of_the_device_may_choose_what_is_overwritten(cupy):
    def f(x):
        y = x * 2.0
        y[x > 0.5] = 0.0
        return cupy.sum(y * y)

    with forbid_host_copies():
        gradient = ag.grad(f)(cupy.asarray(X))
    with allow_host_copies():
        assert_close(cupy.asnumpy(gradient), [8 * X[0], 0.0, 0.0])


def test_the_module_of_an_array_is_found_in_the_usual_way(cupy):
    def f(x):
        xp = cupy.get_array_module(x)
        z = xp.zeros(3)
        z[0] = x[1]
        return xp.sum(z * x)

    gradient = ag.grad(f)(cupy.asarray(X))
    with allow_host_copies():
        assert_close(cupy.asnumpy(gradient), [X[1], X[0], 0.0])


def test_numbers_of_the_device_stay_there(cupy):
    """``float`` and ``math`` of a traced number need no look at it."""
    with forbid_host_copies():
        gradient = ag.grad(lambda x: float(x[0]) * math.sin(x[1]) + math.sqrt(x[2]))(
            cupy.asarray(X)
        )
    with allow_host_copies():
        expected = [np.sin(X[1]), X[0] * np.cos(X[1]), 0.5 / np.sqrt(X[2])]
        assert_close(cupy.asnumpy(gradient), expected)


def test_arrays_of_the_function_stay_on_the_device(cupy):
    value, _ = ag.vjp(lambda x: {"z": cupy.zeros(3) + 1.0, "x": x}, cupy.asarray(X))
    assert type(value["z"]) is cupy.ndarray
