"""NumPy's remaining ufuncs and their like: values, derivatives by differences, special points."""

import math

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import DTypeError, MissingRuleError
from tests.support import assert_close
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

X = np.array([[0.31, -1.27, 0.73, 2.14], [1.93, 0.44, -0.86, 0.62], [-0.47, 1.13, 1.76, -2.38]])
V = np.array([0.5, -0.25, 2.0, 1.5])
WHOLE = np.array([0, 1, -2, 2])

SPELLINGS = {
    "deg2rad": lambda x: np.deg2rad(x) * np.radians(x),
    "rad2deg": lambda x: np.rad2deg(0.1 * x) * np.degrees(0.1 * x),
    "fmax": lambda x: np.fmax(x, V) * np.fmax(0.5, x),
    "fmin": lambda x: np.fmin(x, V) * np.fmin(x, 0.5),
    "fmod": lambda x: np.fmod(x, V),
    "fmod of constants": lambda x: np.fmod([7.5, -7.5, 3.0, 5.0], x),
    "divmod": lambda x: np.divmod(x, V),
    "divmod of Python": lambda x: divmod(x, 0.7),
    "modf": lambda x: np.modf(x),
    "float_power": lambda x: np.float_power(np.abs(x), V),
    "float_power of constants": lambda x: np.float_power(2.0, x),
    "ldexp": lambda x: np.ldexp(x, WHOLE) * np.ldexp(x, 1),
    "frexp": lambda x: np.frexp(3.0 * x)[0],
    "frexp exponent": lambda x: x * np.frexp(x)[1],
    "spacing": lambda x: x * np.spacing(x),
    "logaddexp2": lambda x: np.logaddexp2(x, V),
    "logaddexp2 of a number": lambda x: np.logaddexp2(0.5, x),
    "heaviside": lambda x: x * np.heaviside(x, 0.5),
    "heaviside by its value at 0": lambda x: np.heaviside([0.0, -1.0, 2.0, 0.0], x),
    "sinc": lambda x: np.sinc(x),
    "exp2": lambda x: np.exp2(x) * np.cbrt(np.abs(x)),
    "fix": lambda x: x * np.fix(x),
    "angle of real numbers": lambda x: x * np.angle(x) + x * np.angle(x, deg=True),
    "isposinf": lambda x: x * np.isposinf(x) + x * np.isneginf(x),
    "isreal": lambda x: x * np.isreal(x) + x * np.iscomplex(x),
    "nan_to_num": lambda x: np.nan_to_num(x),
    "real_if_close": lambda x: np.real_if_close(x),
    "round": lambda x: x * np.round(x, 1) + np.around(x, decimals=-1),
    "round method": lambda x: x.round(1) * x,
    "keywords": lambda x: np.fmax(x, 0.5, out=np.zeros_like(x), where=x > 0),
    "absolute": lambda x: np.absolute(x) * np.fabs(x) * np.positive(x) * np.sign(x),
}


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


COMPLEX = {
    "angle": lambda x: np.angle(x),
    "angle in degrees": lambda x: np.angle(x, True),
    "sinc": lambda x: np.sinc(0.4 * x),
    "float_power": lambda x: np.float_power(x, 2.5),
    "nan_to_num": lambda x: np.nan_to_num(x),
    "real_if_close": lambda x: np.real_if_close(x) * x,
    "parts": lambda x: np.real(x) * np.imag(x) * np.conjugate(x),
    "isreal": lambda x: x * np.isreal(x) + x * np.iscomplex(x),
    "round": lambda x: x * np.round(x, 1),
    "sign": lambda x: np.sign(x),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values(name, law):
    LAWS[law](COMPLEX[name], X + 1j * X[::-1])


# Special points -------------------------------------------------------------------------------


def test_sinc_is_smooth_everywhere():
    # sin(y) / y = 1 - y^2/6 + y^4/120 - ..., y = pi x
    p2, p4, p6 = -(math.pi**2) / 3.0, math.pi**4 / 5.0, -(math.pi**6) / 7.0
    f = np.sinc
    derivatives = [f]
    for _ in range(6):
        derivatives.append(ag.grad(derivatives[-1]))
    for derivative, expected in zip(derivatives, [1.0, 0.0, p2, 0.0, p4, 0.0, p6], strict=True):
        assert_close(derivative(np.array(0.0)), expected, scale=8.0)  # sixth powers of pi


@pytest.mark.parametrize("x", [1e-8, 1e-3, 0.1, 0.318, 0.3184, 1.0, 7.5])
def test_sinc_and_its_slope_keep_their_digits(x):
    mpmath = pytest.importorskip("mpmath", reason="mpmath is not installed")
    with mpmath.workdps(60):
        y = mpmath.pi * mpmath.mpf(x)
        slope = float(mpmath.pi * (y * mpmath.cos(y) - mpmath.sin(y)) / y**2)
    np.testing.assert_allclose(np.sinc(x), ag.vjp(lambda x: np.sinc(x), np.array(x))[0], atol=1e-16)
    np.testing.assert_allclose(ag.grad(lambda x: np.sinc(x))(x), slope, rtol=1e-14, atol=1e-15)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 5e-324, 1.7e308, 3.0])
VALUES = {
    "fmax": lambda x: np.fmax(x, x[::-1]),
    "fmin": lambda x: np.fmin(x, 0.5),
    "modf": lambda x: np.modf(x),
    "frexp": lambda x: np.frexp(x),
    "ldexp": lambda x: np.ldexp(x, [2000, 3, 1, 1, 1, -1080, 1023, 1024, 2090, -2000, -5000]),
    "heaviside": lambda x: np.heaviside(x, 0.3),
    "sinc": lambda x: np.sinc(x[:2]),
    "nan_to_num": lambda x: np.nan_to_num(x),
    "nan_to_num of numbers": lambda x: np.nan_to_num(x, nan=7.0, posinf=8.0, neginf=-9.0),
    "isposinf": lambda x: np.isposinf(x) | np.isneginf(x),
    "fmod": lambda x: np.fmod([5.5, -5.5, 6.0, -6.0], [4.0, 4.0, -4.0, 2.5]) * x[5],
}


@pytest.mark.parametrize("name", VALUES)
def test_values_at_special_points_are_numpys(name):
    check_value(VALUES[name], SPECIAL)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_spacing_at_special_points():
    x = SPECIAL[:-2]
    value = ag.vjp(lambda x: np.spacing(x), x)[0]
    np.testing.assert_array_equal(value, np.spacing(x))


@pytest.mark.parametrize("seed", range(3))
def test_mantissa_and_exponent_of_numbers_beside_powers_of_two(seed):
    exponents = np.random.default_rng(seed).integers(-1070, 1020, 50)
    powers = np.ldexp(1.0, exponents)
    x = np.concatenate([powers, np.nextafter(powers, 0.0), np.nextafter(powers, np.inf)])
    check_value(lambda x: np.frexp(x), x)
    (g,) = ag.vjp(lambda x: np.frexp(x)[0], powers[exponents > -1000])[1](
        np.ones(50)[: sum(exponents > -1000)]
    )
    assert_close(g, 0.5 / powers[exponents > -1000])


def test_the_other_number_counts_where_one_is_nan():
    a, b = np.array([np.nan, 1.0, np.nan, 2.0]), np.array([3.0, np.nan, np.nan, 2.0])
    for function in (np.fmax, np.fmin):
        ga, gb = ag.vjp(lambda a, b, f=function: f(a, b), a, b)[1](np.ones(4))
        assert_close(ga[:2], [0.0, 1.0])
        assert_close(gb[:2], [1.0, 0.0])
        assert_close(ga[3:], [0.5])
        assert_close(gb[3:], [0.5])


def test_replaced_elements_have_no_derivative():
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    assert_close(ag.grad(lambda x: np.sum(np.nan_to_num(x)))(x), [1.0, 0.0, 0.0, 0.0])

    def in_place(x):
        y = 2.0 * x
        np.nan_to_num(y, copy=False, nan=3.0)
        return np.sum(y[:2] ** 2)

    assert_close(ag.grad(in_place)(x), [8.0, 0.0, 0.0, 0.0])


def test_complex_infinities_are_replaced_in_each_part():
    x = np.array([complex(1.0, np.inf), complex(np.nan, -2.0), 3.0 + 4.0j])
    check_value(lambda x: np.nan_to_num(x), x)
    (g,) = ag.vjp(lambda x: np.nan_to_num(x), x)[1](np.array([1.0 + 1j] * 3))
    assert_close(g, [1.0, 1j, 1.0 + 1j])


def test_real_parts_if_all_are_close_to_real():
    x = np.array([1.0 + 1e-15j, 2.0])
    check_value(lambda x: np.real_if_close(x), x)
    check_value(lambda x: np.real_if_close(x, tol=1e-16), x)
    assert_close(ag.vjp(lambda x: np.real_if_close(x), x)[1](np.ones(2))[0], [1.0 + 0j, 1.0 + 0j])


def test_the_angle_of_0_has_no_slope():
    (g,) = ag.vjp(lambda z: np.angle(z), np.array([0j, 1j]))[1](np.ones(2))
    assert_close(g, [0j, -1.0 + 0j])
    assert_close(ag.grad(lambda x: np.sum(x + np.angle(x)))(np.array([0.0, -1.0])), [1.0, 1.0])


ANYWHERE = {
    "fmax": lambda xp, x: xp.fmax(x, x[:1, :]) * xp.fmin(x, 0.5),
    "fmod": lambda xp, x: xp.fmod(x, 0.7) * xp.modf(x)[0],
    "frexp": lambda xp, x: xp.frexp(x)[0] * xp.ldexp(x, 3),
    "heaviside": lambda xp, x: x * xp.heaviside(x, 0.5),
    "sinc": lambda xp, x: xp.sinc(x),
    "logaddexp2": lambda xp, x: xp.logaddexp2(x, x * x),
    "nan_to_num": lambda xp, x: xp.nan_to_num(x),
    "round": lambda xp, x: x * xp.round(x, 1),
    "float_power": lambda xp, x: xp.float_power(abs(x), 1.5),
    "angle": lambda xp, x: xp.angle(xp.astype(x, xp.complex128) * (1.0 + 2.0j)),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


# A ufunc of NumPy's differentiates, or is constant; or it is refused, with a sentence.

REFUSED = ("bitwise_count", "gcd", "lcm", "isnat")  # of integers and of dates
POINTS = {"arccosh": 1.5 + X**2, "arctanh": X / 3.0, "arcsin": X / 3.0, "arccos": X / 3.0}
UFUNCS = sorted({f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}.items())
OF_INTEGERS = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift")
OF_MATRICES = ("matmul", "matvec", "vecmat", "vecdot")


@pytest.mark.parametrize(
    ("name", "ufunc"),
    [(n, f) for n, f in UFUNCS if n not in (*REFUSED, *OF_INTEGERS, *OF_MATRICES) and f.nin < 3],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_ufunc_has_numpys_value_and_a_slope_or_is_constant(name, ufunc):
    x = POINTS.get(
        name, np.abs(X) if "log" in name or name in ("sqrt", "power", "float_power") else X
    )
    second = [np.array([1, 2, 3, 2]) if name == "ldexp" else np.array([0.6, 1.1, 2.3, 0.9])]
    if "float" not in "".join(ufunc.types) and not any(set("fd") & set(t) for t in ufunc.types):
        pytest.skip("takes no floating numbers")

    def f(x):
        return ufunc(x, *second[: ufunc.nin - 1])

    check_value(f, x)
    for k in range(ufunc.nout):

        def smooth(x, k=k):
            y = f(x) if ufunc.nout == 1 else f(x)[k]
            return 1.0 * y if np.asarray(ag.value(y)).dtype.kind == "f" else x

        check_first_order(smooth, x)


@pytest.mark.parametrize("name", REFUSED)
def test_ufuncs_of_integers_are_refused_with_a_sentence(name):
    ufunc = getattr(np, name)
    with pytest.raises(MissingRuleError, match=f"{name}.*no derivative rule"):
        ag.vjp(lambda x: ufunc(*[x] * ufunc.nin), X)


def test_exponents_are_integers():
    with pytest.raises(DTypeError, match=r"x2.*integers"):
        ag.vjp(lambda x: np.ldexp(1.0, x), X)
    with pytest.raises(DTypeError, match="no sign"):
        ag.vjp(lambda x: np.isposinf(x), X + 1j)
