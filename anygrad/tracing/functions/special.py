"""``scipy.special`` of traced arrays: every function has its name there, ufuncs are rows."""

from __future__ import annotations

import math
from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops import ROWS
from anygrad.ops.bessel import slope_of_spherical
from anygrad.ops.shaping import is_complex, kind_of
from anygrad.ops.special_row import refused
from anygrad.tracing.functions.arguments import as_arrays, plain_axis, plain_keepdims, refuse
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import squeeze
from anygrad.tracing.level import (
    LIFTED,
    answer,
    lowest,
    plain_namespace,
    read_value,
    recorded,
    strip,
)
from anygrad.tracing.operations import TRACED


def _plain_only(name: str, operand: str, value: Any) -> Any:
    """An operand that nothing is differentiated by; it may still be a batch of `vmap`."""
    below = value
    while type(below) in LIFTED:
        if not below.t.maps and not below.t.records:
            raise refused(name, operand)
        below = below.v
    return value


def _read(x: Any) -> Any:
    """The value, on which what is recorded depends; of a batch all values."""
    return read_value(x) if type(x) in LIFTED and recorded(x) is not None else lowest(x)


def _whole(name: str, operand: str, value: Any) -> int:
    """A plain whole number."""
    number = _read(_plain_only(name, operand, value))
    if int(number) != number:
        message = f"{name}({operand}): got {number!r}; expected a whole number."
        raise ArgumentError(message)
    return int(number)


def _as_complex(z: Any) -> Any:
    """Real values as complex ones, for functions that have complex values only."""
    dtype = getattr(lowest(z), "dtype", None)
    if dtype is None or kind_of(dtype) == "complex":
        return z
    xp = plain_namespace(z)
    return astype(z, xp.complex64 if dtype == xp.float32 else xp.complex128)


# Sums of exponentials


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """The logarithm of a sum of exponentials, with weights ``b``, without overflow.

    Where everything is -inf, or has the weight 0, the derivative is 0.
    """
    if b is not None:
        a, b = as_arrays((a, b))
        a, b = TRACED.add(a, TRACED.zeros_like(b)), TRACED.add(b, TRACED.zeros_like(a))
        a = TRACED.where(b == 0, -math.inf, a)
    axis, keepdims = plain_axis(axis), plain_keepdims(keepdims)
    if 0 in a.shape:
        return _nothing_to_add(a, axis, keepdims, return_sign)
    if is_complex(lowest(a)) or is_complex(lowest(b)):
        return _complex_logsumexp(a, axis, b, keepdims, return_sign)
    value = strip(a)
    peak = TRACED.max(value, axis=axis, keepdims=True)
    largest = value == peak
    shift = TRACED.where(TRACED.isfinite(peak), peak, 0.0)
    terms = TRACED.exp(a - shift) if b is None else b * TRACED.exp(a - shift)
    # the largest terms apart: log1p keeps the digits of the small ones
    main = TRACED.sum(TRACED.where(largest, terms, 0.0), axis=axis, keepdims=True)
    rest = TRACED.sum(TRACED.where(largest, 0.0, terms), axis=axis, keepdims=True)
    y, sign = _log_of_sum(main, rest)
    y = y + shift
    if not return_sign:
        y = TRACED.where(sign < 0, math.nan, y)
        return y if keepdims else squeeze(y, axis)
    return (y, sign) if keepdims else (squeeze(y, axis), squeeze(sign, axis))


def _log_of_sum(main, rest):
    """The logarithm of ``|main + rest|`` and the sign; -inf for nothing, with the derivative 0."""
    total = strip(main + rest)
    nothing, apart = total == 0, (strip(main) != 0) & TRACED.isfinite(total)
    ratio = TRACED.where(apart & ~nothing, rest / TRACED.where(apart, main, 1.0), 0.0)
    beyond = strip(ratio) < -1.0
    log = TRACED.log1p(TRACED.where(beyond, -2.0 - ratio, ratio))
    log = log + TRACED.log(
        TRACED.abs(TRACED.where(nothing, 1.0, TRACED.where(apart, main, main + rest)))
    )
    return TRACED.where(nothing, -math.inf, log), TRACED.sign(total)


def _complex_logsumexp(a, axis, b, keepdims, return_sign):
    peak = TRACED.max(TRACED.real(strip(a)), axis=axis, keepdims=True)
    shift = TRACED.where(TRACED.isfinite(peak), peak, 0.0)
    terms = TRACED.exp(a - shift) if b is None else b * TRACED.exp(a - shift)
    total = TRACED.sum(terms, axis=axis, keepdims=True)
    if not return_sign:
        y = TRACED.log(total) + shift
        return y if keepdims else squeeze(y, axis)
    size = TRACED.abs(total)
    y, sign = TRACED.log(size) + shift, total / TRACED.where(strip(size) == 0, 1.0, size)
    return (y, sign) if keepdims else (squeeze(y, axis), squeeze(sign, axis))


def _nothing_to_add(a, axis, keepdims, return_sign):
    total = TRACED.sum(a, axis=axis, keepdims=keepdims)
    y = TRACED.where(TRACED.isfinite(strip(total)), -math.inf, total)
    return (y, TRACED.sign(strip(y))) if return_sign else y


def softmax(x, axis=None):
    """Exponentials divided by their sum."""
    axis = plain_axis(axis)
    y = TRACED.exp(x - TRACED.max(strip(x), axis=axis, keepdims=True))
    return y / TRACED.sum(y, axis=axis, keepdims=True)


def log_softmax(x, axis=None):
    """The logarithm of `softmax`, without underflow."""
    axis = plain_axis(axis)
    peak = TRACED.max(strip(x), axis=axis, keepdims=True)
    shifted = x - TRACED.where(TRACED.isfinite(peak), peak, 0.0)
    return shifted - TRACED.log(TRACED.sum(TRACED.exp(shifted), axis=axis, keepdims=True))


def softplus(x, **kw):
    """The logarithm of 1 + e^x."""
    refuse("softplus", kw.pop("out", None), mask=kw.pop("where", None))
    if kw:
        message = f"softplus({next(iter(kw))}): got a keyword that no rule takes. Leave it out."
        raise MissingRuleError(message)
    return TRACED.logaddexp(x, 0.0)


# Gamma functions


def zeta(x, q=None, out=None):
    """The Hurwitz zeta function, differentiable by ``q``."""
    refuse("zeta", out)
    if q is None:
        _plain_only("zeta", "x", x)
        return TRACED.zeta(x, 1.0)
    return TRACED.zeta(x, q)


def polygamma(n, x):
    """The n-th derivative of psi, DLMF 5.15.1; like SciPy's, it has float64 values."""
    n = _plain_only("polygamma", "n", n)
    (x,) = as_arrays((x,))
    x = astype(x, plain_namespace(x).float64)
    if isinstance(n, int | float):
        if n == 0:
            return TRACED.psi(x)
        return (-1.0) ** (n + 1) * math.gamma(n + 1.0) * TRACED.zeta(n + 1.0, x)
    order = astype(n, plain_namespace(x).float64)
    sign = 1.0 - 2.0 * TRACED.remainder(order + 1.0, 2.0)
    higher = (
        sign * TRACED.gamma(order + 1.0) * TRACED.zeta(TRACED.where(n == 0, 2.0, order + 1.0), x)
    )
    return TRACED.where(n == 0, TRACED.psi(x), higher)


def multigammaln(a, d):
    """The logarithm of the multivariate gamma function, DLMF 35.3.4."""
    d = _whole("multigammaln", "d", d)

    def is_small(value: Any) -> bool:
        return bool((value <= 0.5 * (d - 1)).any())

    if answer(a, is_small):
        message = (
            f"multigammaln(a): got a value of at most {0.5 * (d - 1)}; expected more, for d = {d}."
        )
        raise ArgumentError(message)
    total = d * (d - 1) * 0.25 * math.log(math.pi)
    for j in range(d):
        total = total + TRACED.gammaln(a - 0.5 * j)
    return total


def comb(N, k, *, exact=False, repetition=False):
    """Combinations of real numbers, by `binom`; 0 outside 0 <= k <= N."""
    if exact:
        message = "comb(exact): got True; expected False, whole numbers have no derivative."
        raise MissingRuleError(message)
    if repetition:
        whole = N + k - 1
        none = (strip(k) == 0) & (strip(N) >= 0)
        return TRACED.where(none, 1.0, TRACED.binom(whole, k))
    inside = (strip(k) <= strip(N)) & (strip(N) >= 0) & (strip(k) >= 0)
    return TRACED.where(inside, TRACED.binom(N, k), 0.0)


# Functions of complex values


def wofz(z):
    """The Faddeeva function."""
    return TRACED.wofz(_as_complex(z))


def lambertw(z, k=0, tol=1e-8):
    """The branch ``k`` of the inverse of w e^w, with complex values."""
    if _read(tol) != 1e-8:
        message = f"lambertw(tol): got {tol!r}; expected 1e-08, no rule takes another."
        raise MissingRuleError(message)
    return TRACED.lambertw(_as_complex(z), _plain_only("lambertw", "k", k))


def _hankel(name: str) -> Any:
    def hankel(v, z):
        return getattr(TRACED, name)(v, _as_complex(z))

    hankel.__name__ = hankel.__qualname__ = name
    return hankel


hankel1, hankel1e = _hankel("hankel1"), _hankel("hankel1e")
hankel2, hankel2e = _hankel("hankel2"), _hankel("hankel2e")


# Derivatives of Bessel functions of a given order: DLMF 10.6.7, 10.29.5


def _derivatives(name: str, kernel: str, sign: float, factor: float) -> Any:
    function = globals().get(kernel) or getattr(TRACED, kernel)

    def derivative(v, z, n=1):
        n = _whole(name, "n", n)
        terms = (sign**k * math.comb(n, k) * function(v - n + 2 * k, z) for k in range(n + 1))
        return sum(terms) * (factor**n / 2.0**n)

    derivative.__name__ = derivative.__qualname__ = name
    return derivative


jvp = _derivatives("jvp", "jv", -1.0, 1.0)
yvp = _derivatives("yvp", "yv", -1.0, 1.0)
ivp = _derivatives("ivp", "iv", 1.0, 1.0)
kvp = _derivatives("kvp", "kv", 1.0, -1.0)
h1vp = _derivatives("h1vp", "hankel1", -1.0, 1.0)
h2vp = _derivatives("h2vp", "hankel2", -1.0, 1.0)


def _spherical(name: str) -> Any:
    """A spherical Bessel function or its derivative."""

    def spherical(n, z, derivative=False):
        n = _plain_only(name, "n", n)
        if not derivative:
            return getattr(TRACED, name)(n, z)
        return slope_of_spherical(TRACED, name, n, z)

    spherical.__name__ = spherical.__qualname__ = name
    return spherical


spherical_jn, spherical_yn = _spherical("spherical_jn"), _spherical("spherical_yn")
spherical_in, spherical_kn = _spherical("spherical_in"), _spherical("spherical_kn")


# Functions of several results: each is a row


def _together(name: str, *rows: str) -> Any:
    functions = [getattr(TRACED, row) for row in rows]

    def together(*operands):
        return tuple(function(*operands) for function in functions)

    together.__name__ = together.__qualname__ = name
    return together


airy = _together("airy", "airy_ai", "airy_aip", "airy_bi", "airy_bip")
ellipj = _together("ellipj", "ellipj_sn", "ellipj_cn", "ellipj_dn", "ellipj_ph")
fresnel = _together("fresnel", "fresnel_s", "fresnel_c")
shichi = _together("shichi", "sinh_integral", "cosh_integral")
sici = _together("sici", "sine_integral", "cosine_integral")


def radian(d, m, s):
    """An angle in degrees, minutes and seconds in radians."""
    return (d + m / 60.0 + s / 3600.0) * (math.pi / 180.0)


# Shifted and scaled Chebyshev and Legendre polynomials: DLMF 18.1.3, 18.7


def eval_sh_legendre(n, x):
    """The Legendre polynomials on [0, 1]."""
    return TRACED.eval_legendre(n, 2.0 * x - 1.0)


def eval_sh_chebyt(n, x):
    """The Chebyshev polynomials of the first kind on [0, 1]."""
    return TRACED.eval_chebyt(n, 2.0 * x - 1.0)


def eval_sh_chebyu(n, x):
    """The Chebyshev polynomials of the second kind on [0, 1]."""
    return TRACED.eval_chebyu(n, 2.0 * x - 1.0)


def eval_chebyc(n, x):
    """The Chebyshev polynomials of the first kind on [-2, 2]."""
    return 2.0 * TRACED.eval_chebyt(n, 0.5 * x)


def eval_chebys(n, x):
    """The Chebyshev polynomials of the second kind on [-2, 2]."""
    return TRACED.eval_chebyu(n, 0.5 * x)


SHARED = {
    **{name: getattr(TRACED, name) for name, row in ROWS.items() if row.special},
    "cbrt": TRACED.cbrt,
    "digamma": TRACED.psi,
    "exp2": TRACED.exp2,
    "expm1": TRACED.expm1,
    "jn": TRACED.jv,
    "log1p": TRACED.log1p,
    "round": TRACED.round,
}
"""The rows; SciPy has some of them in its namespace that others have in the main one."""
