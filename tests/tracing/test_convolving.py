"""Convolution and correlation: NumPy's and SciPy's values, derivatives by differences."""

import tracemalloc

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.tracing.functions.convolving import SIGNAL
from tests.support import assert_close
from tests.tracing.laws import LAWS

RNG = np.random.default_rng(11)
A, B = RNG.normal(size=5), RNG.normal(size=3)
C = B + 1j * RNG.normal(size=3)
IMAGE, STAMP = RNG.normal(size=(4, 5)), RNG.normal(size=(2, 3))
MODES = ("full", "same", "valid")
NAMES = ("convolve", "correlate")

VECTORS = {
    "long first": (A, lambda f, x, mode: f(x, B, mode)),
    "long second": (A, lambda f, x, mode: f(B, x, mode)),
    "both": (A, lambda f, x, mode: f(x, x[1:3], mode)),
    "both, shorter first": (A, lambda f, x, mode: f(x[:2], x, mode)),
    "complex beside": (A, lambda f, x, mode: f(x, C, mode)),
    "complex": (A * (1 - 0.5j), lambda f, x, mode: f(x, C, mode)),
    "complex second": (C, lambda f, x, mode: f(A, x, mode)),
    "list": (A, lambda f, x, mode: f(x, [1, 2, 4], mode)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", VECTORS)
def test_vectors(case, name, mode, law):
    x, call = VECTORS[case]
    LAWS[law](lambda x: call(getattr(np, name), x, mode), x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_pair_of_lengths(name, mode):
    for n in range(1, 6):
        for m in range(1, 6):
            b = RNG.normal(size=m)
            for law in ("value", "first_order"):
                LAWS[law](lambda a, b=b: getattr(np, name)(a, b, mode), RNG.normal(size=n))
                LAWS[law](lambda a, b=b: getattr(np, name)(b, a, mode), RNG.normal(size=n))


@pytest.mark.parametrize("law", LAWS)
def test_a_number_is_a_vector_of_one_element(law):
    LAWS[law](lambda x: np.convolve(x, 2.0, "same") * np.convolve(3, x), A)


def test_default_modes_are_those_of_numpy():
    LAWS["value"](lambda a: np.convolve(a, B), A)
    LAWS["value"](lambda a: np.correlate(a, B), A)


def test_gradient_of_a_least_squares_fit_by_hand():
    """d/db |a * b - y|^2 is twice the correlation of the residual with a."""
    y = RNG.normal(size=7)
    g = ag.grad(lambda b: np.sum((np.convolve(A, b) - y) ** 2))(B)
    assert_close(g, 2 * np.correlate(np.convolve(A, B) - y, A, "valid"))


def test_a_short_kernel_is_differentiated_in_linear_memory():
    signal, kernel = RNG.normal(size=100_000), RNG.normal(size=50)

    def f(kernel):
        return np.sum(np.convolve(signal, kernel, "same") ** 2)

    tracemalloc.start()
    ag.grad(f)(kernel)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * signal.nbytes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_library_gives_the_same(name, mode, xp):
    def f(a, b):
        return getattr(ag.namespace(a), name)(a, b, mode)

    def g(a, b):
        return getattr(np, name)(a, b, mode)

    for b in (B, C):
        a = A.astype(b.dtype)
        expected, expected_pullback = ag.vjp(g, a, b)
        value, pullback = ag.vjp(f, xp.asarray(a), xp.asarray(b))
        assert_close(value, expected)
        assert_close(pullback(xp.asarray(expected)), expected_pullback(expected))


def of_scipy(name, x):
    """SciPy's function for plain arrays, ours of that name for traced ones."""
    signal = pytest.importorskip("scipy.signal", reason="SciPy is not installed")
    return SIGNAL[name] if hasattr(x, "__anygrad_traced__") else getattr(signal, name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SIGNAL)
@pytest.mark.parametrize("operand", [STAMP, IMAGE[:1, :], IMAGE * 1j], ids=["stamp", "row", "turn"])
def test_arrays_as_scipy_convolves_them(operand, name, mode):
    def f(x):
        same = operand if np.iscomplexobj(operand) else operand.astype(x.dtype)
        return of_scipy(name, x)(x, same, mode)

    for law in LAWS:
        if law != "precision" or not np.iscomplexobj(operand):
            LAWS[law](f, IMAGE)
    LAWS["first_order"](lambda x: of_scipy(name, x)(IMAGE, x, mode), operand)


@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_vectors_as_scipy_convolves_them(name, mode, method):
    for law in ("value", "first_order"):
        LAWS[law](lambda x: of_scipy(name, x)(x, B, mode, method), A)
        LAWS[law](lambda x: of_scipy(name, x)(x, A, mode, method), C)


def test_one_axis_as_scipy_convolves_it():
    for law in ("value", "first_order", "vmap"):
        LAWS[law](lambda x: of_scipy("fftconvolve", x)(x, IMAGE[:, :2], "same", axes=1), IMAGE)


REFUSED = {
    "mode": (lambda x: np.convolve(x, B, "some"), ArgumentError, r"convolve\(mode\).*'some'"),
    "empty": (lambda x: np.convolve(x, x[:0]), ShapeError, r"convolve\(v\)"),
    "matrix": (lambda x: np.correlate(x[:, None], B), ShapeError, r"correlate\(a\)"),
    "number": (lambda x: np.correlate(x, 2.0), ShapeError, r"correlate\(v\)"),
    "ranks": (lambda x: SIGNAL["convolve"](x, IMAGE), ShapeError, r"convolve\(in2\)"),
    "method": (lambda x: SIGNAL["convolve"](x, B, method="fast"), ArgumentError, "'direct'"),
    "neither covers": (
        lambda x: SIGNAL["fftconvolve"](x[None] * IMAGE, RNG.normal(size=(5, 2)), "valid"),
        ArgumentError,
        r"fftconvolve\(mode\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        ag.vjp(f, A)
