"""Fourier, cosine and sine transforms: NumPy's and SciPy's values, derivatives by differences."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TraceError
from anygrad.tracing.functions import FFT
from tests.support import assert_close
from tests.tracing.laws import LAWS, check_value

scipy_fft = pytest.importorskip("scipy.fft", reason="SciPy is not installed")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(3, 4))
Z = X + 1j * RNG.normal(size=(3, 4))

ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
OF_REALS = {"rfft", "ihfft", "rfftn", "rfft2", "ihfftn", "ihfft2"}
FUNCTIONS = {
    **{f"{name} {n}": (name, {"n": n}) for name in ONE_AXIS for n in (None, 1, 2, 3, 7)},
    **{f"{name} first axis": (name, {"axis": 0}) for name in ONE_AXIS},
    **{
        f"{name} {s} {axes}": (name, {"s": s, "axes": axes})
        for name in ("fftn", "ifftn", "rfftn", "irfftn")
        for s, axes in (
            (None, None),
            ((2, 5), (0, 1)),
            ((5, 2), (1, 0)),
            ((-1, 3), (0, 1)),
            (None, (0, 0)),
            ((2, 4), (1, 1)),
            ((2, 5, 3), (1, 1, 0)),
            (None, (-1,)),
        )
    },
    **{name: (name, {"norm": "ortho"}) for name in ("fft2", "ifft2", "rfft2", "irfft2")},
    **{
        f"{name} {axes}": (name, {"axes": axes})
        for name in ("fftshift", "ifftshift")
        for axes in (None, 0, (0, 1))
    },
}


def numpy_call(name, keywords):
    return lambda x: getattr(np.fft, name)(x, **keywords)


def operand(name, x=X, z=Z):
    return x if name in OF_REALS else z


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_transforms_of_numpy(case, law):
    name, keywords = FUNCTIONS[case]
    LAWS[law](numpy_call(name, keywords), operand(name))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", [n for n in (*ONE_AXIS, "fftn", "irfftn") if n not in OF_REALS])
def test_a_real_array_has_a_real_gradient(name, law):
    LAWS[law](numpy_call(name, {}), X)


@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("name", ONE_AXIS)
def test_every_norm_at_every_length(name, length, norm):
    keywords = {"norm": norm, **({"n": 1} if length == 1 and name in ("irfft", "hfft") else {})}
    x = RNG.normal(size=length)
    for law in ("value", "first_order"):
        LAWS[law](numpy_call(name, keywords), operand(name, x, x * (1 + 0.5j)))


def of_scipy(name, x):
    """SciPy's function for plain arrays, ours of that name for traced ones."""
    return FFT[name] if hasattr(x, "__anygrad_traced__") else getattr(scipy_fft, name)


COSINES = {
    f"{name} {kind} {norm} {orthogonalize} {n}": (name, (kind, n, -1, norm), orthogonalize)
    for name in ("dct", "idct", "dst", "idst")
    for kind in (1, 2, 3, 4)
    for norm, orthogonalize, n in (
        (None, None, None),
        ("ortho", None, 3),
        ("forward", None, 6),
        ("backward", True, None),
        ("ortho", False, None),
    )
}


@pytest.mark.parametrize("case", COSINES)
def test_cosine_and_sine_transforms(case):
    name, arguments, orthogonalize = COSINES[case]

    def f(x):
        return of_scipy(name, x)(x, *arguments, orthogonalize=orthogonalize)

    for law in ("value", "first_order", "precision"):
        LAWS[law](f, X)
    if orthogonalize is None:  # SciPy drops the keyword for complex values
        LAWS["value"](f, Z)
        LAWS["first_order"](f, Z)
    assert_close(ag.vmap(f)(X), np.stack([f(x) for x in X]))


@pytest.mark.parametrize("name", ["dctn", "idctn", "dstn", "idstn"])
@pytest.mark.parametrize(("s", "axes"), [(None, None), ((2, 5), (1, 0)), ((3,), None), (None, 0)])
def test_cosine_transforms_along_several_axes(name, s, axes):
    def f(x):
        return of_scipy(name, x)(x, 2, s, axes, "ortho")

    for law in ("value", "first_order", "second_order"):
        LAWS[law](f, X)


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("kind", [2, 3, 4])
def test_the_inverse_cosine_transform_is_the_inverse(kind, length):
    x = RNG.normal(size=length)
    value, _ = ag.vjp(lambda x: FFT["idct"](FFT["dct"](x, kind), kind), x)
    assert_close(value, x)


HALVED = ("hfft2", "ihfft2", "hfftn", "ihfftn")


@pytest.mark.parametrize("name", [*HALVED, "fft2", "rfftn", "irfft"])
def test_signatures_of_scipy(name):
    where = -1 if name == "irfft" else (0, 1)

    def f(x):
        copy = 1.0 * x  # SciPy may really overwrite it
        return of_scipy(name, x)(copy, None, where, "ortho", True, 1, plan=None)

    for law in ("value", "first_order"):
        LAWS[law](f, operand(name))
    with pytest.raises(MissingRuleError, match=r"plan.*expected None"):
        ag.vjp(lambda x: FFT[name](x, plan="a plan"), operand(name))


def test_functions_of_scipy_are_reached():
    for law in ("value", "first_order"):
        LAWS[law](lambda x: scipy_fft.dct(x, norm="ortho") ** 2, X)
        LAWS[law](lambda x: scipy_fft.irfft2(scipy_fft.rfft2(x, workers=1) ** 2), X)


def test_gradient_of_a_power_spectrum_is_the_autocorrelation():
    """d/dx sum w |X|^2 = 2 n Re ifft(w X), by hand."""
    x, w = RNG.normal(size=8), RNG.normal(size=8)
    g = ag.grad(lambda x: np.sum(w * np.abs(np.fft.fft(x)) ** 2))(x)
    assert_close(g, 2 * 8 * np.real(np.fft.ifft(w * np.fft.fft(x))))


@pytest.mark.parametrize("name", [*ONE_AXIS, "fftn", "rfft2"])
def test_gradients_of_torch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = operand(name)
    weights = RNG.normal(size=np.shape(getattr(np.fft, name)(x)))
    g = ag.grad(lambda x: np.sum(weights * np.abs(getattr(np.fft, name)(x)) ** 2))(x)
    t = torch.tensor(x, requires_grad=True)
    loss = (torch.tensor(weights) * getattr(torch.fft, name)(t).abs() ** 2).sum()
    (theirs,) = torch.autograd.grad(loss, t)
    assert_close(g, theirs.resolve_conj().numpy())


STANDARD = ("fft", "ifft", "fftn", "ifftn", "rfft", "irfft", "rfftn", "irfftn", "hfft", "ihfft")


@pytest.mark.parametrize("name", STANDARD)
def test_every_library_gives_the_same(name, xp):
    x = operand(name)
    expected, expected_pullback = ag.vjp(numpy_call(name, {}), x)
    value, pullback = ag.vjp(lambda x: getattr(ag.namespace(x).fft, name)(x), xp.asarray(x))
    assert_close(value, expected)
    assert_close(pullback(xp.asarray(expected)), expected_pullback(expected))


def test_shifts_and_cosines_on_every_library(xp):
    def f(fft, x):
        return fft.fftshift(fft.fft(x)) * fft.ifftshift(fft.fft(x), axes=0)

    expected, expected_pullback = ag.vjp(lambda x: f(np.fft, x), Z)
    value, pullback = ag.vjp(lambda x: f(ag.namespace(x).fft, x), xp.asarray(Z))
    assert_close(value, expected)
    assert_close(pullback(xp.asarray(expected)), expected_pullback(expected))
    kinds = (1,) if xp.name == "jax" else (1, 2, 3, 4)  # JAX compiles every new shape
    for name in ("dct", "dst"):
        for kind in kinds:
            value, _ = ag.vjp(lambda x, name=name, kind=kind: FFT[name](x, kind), xp.asarray(X))
            assert_close(value, getattr(scipy_fft, name)(X, kind))


REFUSED = {
    "norm": (lambda x: np.fft.fft(x, norm="unitary"), ArgumentError, r"fft\(norm\)"),
    "out": (lambda x: np.fft.fft(x, out=Z.copy()), TraceError, r"fft\(out\)"),
    "no points": (lambda x: np.fft.fft(x, n=0), ArgumentError, r"fft\(n\).*at least 1"),
    "half of nothing": (lambda x: np.fft.irfft(x[:, :1]), ArgumentError, r"irfft\(n\)"),
    "lengths": (lambda x: np.fft.fftn(x, (2, 2), (0,)), ArgumentError, r"fftn\(s\).*one for each"),
    "no axes": (lambda x: np.fft.rfftn(x, axes=()), ArgumentError, r"rfftn\(axes\)"),
    "complex": (lambda x: np.fft.rfft(x * 1j), DTypeError, r"rfft\(x\).*complex128"),
    "axis": (lambda x: np.fft.fft(x, axis=2), ShapeError, "axis"),
    "type": (lambda x: FFT["dct"](x, 5), ArgumentError, r"dct\(type\).*1, 2, 3 or 4"),
    "one point": (lambda x: FFT["dct"](x[:, :1], 1), ArgumentError, "at least 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        ag.vjp(f, X)


def test_no_axes_change_nothing():
    check_value(lambda x: np.fft.fftn(x, axes=()), X)
