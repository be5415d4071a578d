"""Special functions under SciPy's names: at hard points, beside numbers, and what is refused."""

import types

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, BackendError, MissingRuleError, TraceError
from anygrad.ops import ROWS
from anygrad.tracing.functions import SPECIAL
from tests.support import assert_close, difference

special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
traced = types.SimpleNamespace(**SPECIAL)
INF = float("inf")


def slope(f, x, order=1):
    """The derivative of a function of one number, forward and reverse in turn."""
    for k in range(order):
        f = ag.grad(f) if k % 2 else (lambda x, f=f: ag.jvp(f, (x,), (1.0,))[1])
    with np.errstate(all="ignore"):  # of the parts that are not chosen, or not looked at
        return float(f(np.asarray(x)))


# Computed with mpmath 1.3 to 40 digits: function, point, order of the derivative, its value.
EXACT = [
    ("log_ndtr", -1000.0, 1, 1000.00099999800001),
    ("log_ndtr", -1000.0, 2, -0.99999900000599995),
    ("log_ndtr", -38.0, 1, 38.026279466575868988),
    ("log_ndtr", -38.0, 2, -0.99931034024653374113),
    ("log_ndtr", -5.0, 2, -0.96730356538288777465),
    ("log_ndtr", 0.5, 1, 0.50916043383703348583),
    ("log_ndtr", 0.5, 2, -0.51382456430363289677),
    ("log_ndtr", 10.0, 1, 7.6945986267064193463e-23),
    ("log_ndtr", 10.0, 2, -7.6945986267064193463e-22),
    ("erfcx", 100.0, 1, -0.000056410497625993184868),
    ("dawsn", 100.0, 1, -0.000050007501875656545475),
    ("rgamma", -2.0, 1, 2.0),
    ("rgamma", -2.0, 2, -3.69113734039386855757395163967),
    ("rgamma", 0.0, 1, 1.0),
    ("rgamma", -2.5, 1, 1.16698028563796548150576565792),
    ("digamma", 0.3, 1, 12.2453645461077313011666359605),
    ("digamma", 0.3, 2, -75.272536588726038917300307321),
    ("digamma", -0.5, 1, 8.93480220054467930941724549994),
    ("ellipk", 0.0, 1, 0.39269908169872415480783042291),
    ("ellipk", 0.0, 2, 0.441786466911064674158809225774),
    ("ellipk", 0.0, 3, 0.920388472731384737830852553695),
    ("ellipk", 0.9, 1, 4.70536400760697890589347091117),
    ("ellipe", 0.0, 1, -0.39269908169872415480783042291),
    ("ellipe", 0.0, 2, -0.147262155637021558052936408591),
    ("j1", 0.0, 1, 0.5),
    ("j1", 0.0, 2, 0.0),
    ("j1", 0.0, 3, -0.375),
    ("j1", 0.0, 5, 0.3125),
    ("i1", 0.0, 3, 0.375),
    ("exprel", 0.0, 1, 0.5),
    ("exprel", 0.0, 2, 1.0 / 3.0),
    ("exprel", 0.0, 3, 0.25),
    ("spence", 1.0, 1, -1.0),
    ("spence", 1.0, 2, 0.5),
]


@pytest.mark.parametrize(("name", "x", "order", "expected"), EXACT)
def test_derivatives_at_hard_points(name, x, order, expected):
    function = getattr(special, name)
    # third derivatives lose some digits, where series and closed forms are differentiated
    np.testing.assert_allclose(slope(function, x, order), expected, rtol=1e-12, atol=1e-14)


MORE = {  # by mpmath, too
    "ellipkinc at m = 0": (lambda m: special.ellipkinc(0.7, m), 0.0, 1, 0.0518187837514424774175),
    "twice": (lambda m: special.ellipkinc(0.7, m), 0.0, 2, 0.0199544603964427376781575),
    "ellipkinc": (lambda m: special.ellipkinc(0.7, m), 0.6, 1, 0.0673066655055844945491529),
    "ellipeinc": (lambda m: special.ellipeinc(0.7, m), 0.0, 2, -0.00665148679881424589271919),
    "struve": (lambda x: special.struve(1, x), 2.0, 1, 0.467476985366314833990251039557),
    "modstruve": (lambda x: special.modstruve(1, x), 2.0, 1, 1.38605386430758775236666050123),
    "hyp2f1": (
        lambda z: special.hyp2f1(0.5, 1.5, 2.5, z),
        0.4,
        2,
        0.850455074189934363438330675336,
    ),
    "lambertw": (lambda x: np.real(special.lambertw(x)), 0.0, 2, -2.0),
    "lambertw at 1": (
        lambda x: np.real(special.lambertw(x)),
        1.0,
        1,
        0.36189625663488922147759261448,
    ),
    "sine integral": (lambda x: special.sici(x)[0], 0.0, 3, -1.0 / 3.0),
    "sinh integral": (lambda x: special.shichi(x)[0], 0.0, 3, 1.0 / 3.0),
    "spherical_jn": (lambda x: traced.spherical_jn(0, x), 0.0, 2, -1.0 / 3.0),
    "jv": (lambda x: special.jv(0, x), 0.0, 4, 0.375),
    "legendre at 1": (lambda x: special.eval_legendre(3, x), 1.0, 1, 6.0),
    "degree 0": (lambda x: special.eval_hermite(0, x), 0.3, 1, 0.0),
    "order 0": (lambda x: special.expn(1, x), 1.0, 2, 2.0 * np.exp(-1.0)),
    "boxcox, power 0": (lambda p: special.boxcox(np.e, p), 0.0, 1, 0.5),
    "inv_boxcox, power 0": (lambda p: special.inv_boxcox(1.0, p), 0.0, 1, -0.5 * np.e),
    "polygamma": (lambda x: traced.polygamma(1, x), 0.3, 1, -75.272536588726038917300307321),
}


@pytest.mark.parametrize("name", MORE)
def test_derivatives_of_functions_with_parameters(name):
    f, x, order, expected = MORE[name]
    np.testing.assert_allclose(slope(f, x, order), expected, rtol=1e-12, atol=1e-13)


def test_second_derivatives_are_finite_in_both_tails():
    x = np.asarray([-1e100, -1e10, 40.0, 1e160])
    with np.errstate(over="ignore"):
        second = ag.jvp(ag.grad(lambda x: np.sum(special.log_ndtr(x))), (x,), (np.ones(4),))[1]
    np.testing.assert_allclose(second, [-1.0, -1.0, 0.0, 0.0], rtol=1e-12)


POLYNOMIALS = [row for row in ROWS.values() if row.name.startswith("eval_")]


@pytest.mark.parametrize("row", POLYNOMIALS, ids=lambda row: row.name)
def test_polynomials_of_degree_0_are_constant_and_of_degree_1_linear(row):
    parameters = (1.5,) * (len(row.rules) - 2)
    function = getattr(special, row.name)
    assert slope(lambda x: function(0, *parameters, x), 0.3) == 0.0
    assert slope(lambda x: function(np.asarray(0), *parameters, x), 0.3) == 0.0
    assert slope(lambda x: function(1, *parameters, x), 0.3, order=2) == 0.0


@pytest.mark.parametrize("name", ["i0e", "i1e", "k0e", "k1e"])
def test_scaled_bessel_functions_do_not_overflow(name):
    x = 2000.0
    found = slope(getattr(special, name), x)
    root = (np.pi / (2 * x)) ** 0.5 if name[0] == "k" else (2 * np.pi * x) ** -0.5
    # -1 / (2 x) to first order, DLMF 10.40.1 and 10.40.2
    np.testing.assert_allclose(found, -root / (2 * x), rtol=1e-3)


def test_logistic_functions_at_extremes():
    x = np.asarray([-800.0, -40.0, 40.0, 800.0])
    tail = np.exp(-40.0)
    g = ag.grad(lambda x: np.sum(special.expit(x)))(x)
    np.testing.assert_allclose(g, [0.0, tail, tail, 0.0], rtol=1e-14)
    g = ag.grad(lambda x: np.sum(special.log_expit(x)))(x)
    np.testing.assert_allclose(g, [1.0, 1.0, tail, 0.0], rtol=1e-14)
    with np.errstate(divide="ignore"):
        g = ag.vjp(special.logit, np.asarray([0.0, 0.5, 1.0]))[1](np.ones(3))[0]
    np.testing.assert_array_equal(g, [INF, 4.0, INF])


def test_entropies_at_zero():
    """The first slope of xlogy(0, 0) is the limit of log y, the second 0; that of entr is +inf."""
    zero, two = np.asarray([0.0]), np.asarray([2.0])
    with np.errstate(divide="ignore"):
        assert ag.grad(lambda x: np.sum(special.xlogy(x, zero)))(zero) == -INF
        assert ag.grad(lambda x: np.sum(special.entr(x)))(zero) == INF
        assert ag.grad(lambda x: np.sum(special.rel_entr(x, two)))(zero) == -INF
    assert ag.grad(lambda y: np.sum(special.xlogy(zero, y)))(zero) == 0.0
    assert ag.grad(lambda y: np.sum(special.xlog1py(zero, y)))(-two / 2) == 0.0
    assert ag.grad(lambda y: np.sum(special.rel_entr(zero, y)))(zero) == 0.0
    assert ag.grad(lambda y: np.sum(special.kl_div(zero, y)))(two) == 1.0
    mixed = ag.jvp(lambda x: ag.grad(lambda y: np.sum(special.xlogy(x, y)))(two), (zero,), (two,))
    np.testing.assert_array_equal(mixed[1], [1.0])


def test_gamma_is_nan_at_its_poles_as_scipys_is():
    with np.errstate(invalid="ignore"):
        assert np.isnan(slope(special.gamma, -1.0))
        assert slope(special.gamma, 0.0) == -INF


def test_losses_on_both_sides_of_the_bend():
    r = np.asarray([-3.0, -0.5, 0.0, 0.5, 3.0])
    g = ag.grad(lambda r: np.sum(special.huber(1.0, r)))(r)
    np.testing.assert_array_equal(g, [-1.0, -0.5, 0.0, 0.5, 1.0])
    g = ag.grad(lambda d: np.sum(special.huber(d, r)))(1.0)
    assert g == 4.0
    g = ag.grad(lambda r: np.sum(special.pseudo_huber(1.0, r)))(np.asarray([1e200, 0.0]))
    np.testing.assert_array_equal(g, [1.0, 0.0])


# Every row with several operands, numbers beside an array; the operands are in all domains.
PAIRS = [row for row in ROWS.values() if row.special and len(row.rules) == 2]


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    "kind", [float, np.float64, np.float32, np.asarray], ids=lambda k: k.__name__
)
def test_numbers_beside_a_traced_array(row, kind):
    low, high = row.cases[0].low, row.cases[0].high
    x = np.linspace(0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high, 3)
    for k in (0, 1):
        if row.refuses(k):
            continue
        other = max(row.cases[0].orders[0], 1) if row.refuses(1 - k) else 0.4 * low + 0.6 * high
        if not row.name.startswith("eval_hermite"):  # whole degrees only
            other = kind(np.round(other, 2))
        if row.cases[0].complex:
            x = x + 0.1j

        def f(x, k=k, other=other):
            return getattr(traced, row.name)(*((x, other) if k == 0 else (other, x)))

        def plain(x, k=k, other=other):
            return np.asarray(f(x))

        value, pullback = ag.vjp(f, x)
        assert_close(value, plain(x))
        expected = difference(plain, x, np.ones_like(x))
        scale = max(1.0, np.max(np.abs(expected)))
        found = np.conj(pullback(np.ones_like(value))[0])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * scale)
        np.testing.assert_allclose(
            ag.jvp(f, (x,), (np.ones_like(x),))[1], expected, rtol=0, atol=1e-8 * scale
        )


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2.0)], ids=["int", "float", "float64"])
@pytest.mark.parametrize("name", ["gammainc", "jv", "xlogy", "zeta", "yn"])
def test_the_dtype_is_that_of_scipy_and_a_gradient_keeps_its_own(name, number):
    x = np.asarray([1.5, 2.5], dtype=np.float32)
    function = getattr(special, name)
    value, pullback = ag.vjp(lambda x: SPECIAL[name](number, x), x)
    assert value.dtype == function(number, x).dtype
    assert pullback(np.ones_like(value))[0].dtype == np.float32


def test_half_precision_is_widened_by_scipy_and_the_gradient_is_half_again():
    x = np.asarray([0.5, 1.5], dtype=np.float16)
    value, pullback = ag.vjp(special.erf, x)
    assert value.dtype == special.erf(x).dtype
    assert pullback(np.ones_like(value))[0].dtype == np.float16


REFUSED = [
    (row, k)
    for row in ROWS.values()
    for k in range(4)
    if row.refuses(k) and not row.name.startswith("eval_hermite")  # whole degrees, never traced
]


@pytest.mark.parametrize(("row", "k"), REFUSED, ids=lambda x: getattr(x, "name", x))
def test_an_operand_without_a_formula_is_refused(row, k):
    args = [np.asarray(1.0)] * len(row.rules)

    def f(a):
        with np.errstate(all="ignore"):
            return getattr(traced, row.name)(*args[:k], a, *args[k + 1 :])

    with pytest.raises(MissingRuleError, match=rf"{row.name}\(.*no formula"):
        ag.jvp(f, (args[k],), (args[k],))
    with pytest.raises(MissingRuleError, match=rf"{row.name}\(.*ag\.value"):
        ag.vjp(f, args[k])[1](np.asarray(1.0))


def test_an_order_may_be_traced_where_nothing_is_differentiated_by_it():
    x = np.asarray([0.5, 1.5])
    orders = np.asarray([0.0, 1.0])
    found = ag.vmap(ag.grad(lambda x, v: special.jv(v, x), argnums=0))(x, orders)
    np.testing.assert_allclose(found, special.jvp(orders, x), rtol=1e-14)
    g = ag.grad(lambda x: special.jv(ag.value(x), x))(0.5)
    np.testing.assert_allclose(g, special.jvp(0.5, 0.5), rtol=1e-14)


OTHERS = {
    "complex digamma": (lambda z: np.real(special.digamma(z)), r"psi\(x\).*complex"),
    "complex ive": (lambda z: np.real(special.ive(1, z)), r"ive\(x\).*complex"),
    "lpmv": (lambda z: np.real(special.lpmv(1, 2, np.real(z))), "lpmv"),
    "Riemann's zeta": (lambda z: special.zeta(np.real(z)), "zeta"),
    "tolerance": (lambda z: np.real(traced.lambertw(z, tol=1e-3)), r"lambertw\(tol\)"),
    "exact": (lambda z: traced.comb(np.real(z), 2, exact=True), r"comb\(exact\)"),
    "order": (lambda z: traced.polygamma(np.real(z), 0.5), r"polygamma\(n\)"),
    "spherical order": (lambda z: traced.spherical_jn(np.real(z), 0.5), r"spherical_jn\(n\)"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_has_no_derivative_is_named(name):
    f, words = OTHERS[name]
    with pytest.raises(MissingRuleError, match=words):
        ag.grad(f)(1.5 + 0.5j)


def test_results_are_not_written_into_plain_arrays():
    out = np.zeros(2)
    with pytest.raises(TraceError, match="out"):
        ag.grad(lambda x: np.sum(special.erf(x, out)))(np.ones(2))
    with pytest.raises(TraceError, match="out"):
        ag.grad(lambda x: np.sum(traced.zeta(2, x, out=out)))(np.ones(2))


def test_a_library_without_the_function_is_named():
    xp = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    with pytest.raises(BackendError, match=r"erf\(operands\): got arrays of array_api_strict"):
        ag.grad(lambda x: xp.sum(traced.erf(x)))(xp.asarray([0.5]))


# Sums of exponentials

X = np.asarray([0.4, 1.3, 2.2])
COMPOSED = {
    "polygamma": lambda s, x: s.polygamma(2, x),
    "polygamma of orders": lambda s, x: s.polygamma(np.asarray([0, 1, 2]), x),
    "multigammaln": lambda s, x: s.multigammaln(x + 2.0, 3),
    "zeta": lambda s, x: s.zeta(2.5, x),
    "comb": lambda s, x: s.comb(x + 3.0, 2),
    "comb with repetition": lambda s, x: s.comb(x, 2, repetition=True),
    "softplus": lambda s, x: s.softplus(x),
    "radian": lambda s, x: s.radian(x, 30.0, 10.0 * x),
    "wofz": lambda s, x: np.real(s.wofz(x)),
    "lambertw": lambda s, x: np.imag(s.lambertw(x, -1)),
    "hankel1": lambda s, x: np.imag(s.hankel1(0, x)),
    "hankel2e": lambda s, x: np.imag(s.hankel2e(1, x)),
    **{f"{n}": lambda s, x, n=n: getattr(s, n)(1, x, 2) for n in ("jvp", "yvp", "ivp", "kvp")},
    "h1vp": lambda s, x: np.real(s.h1vp(1, x)),
    **{
        f"{n} {d}": lambda s, x, n=n, d=d: getattr(s, n)(2, x, derivative=d)
        for n in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn")
        for d in (False, True)
    },
    "order 0": lambda s, x: s.spherical_jn(0, x, derivative=True),
    "airy": lambda s, x: sum(s.airy(x)),
    "sici": lambda s, x: sum(s.sici(x)),
    "shichi": lambda s, x: sum(s.shichi(x)),
    "fresnel": lambda s, x: sum(s.fresnel(x)),
    "ellipj": lambda s, x: sum(s.ellipj(x, 0.3)),
    **{
        n: lambda s, x, n=n: getattr(s, n)(3, 0.3 * x)
        for n in ("eval_sh_legendre", "eval_sh_chebyt", "eval_sh_chebyu")
    },
    "eval_chebyc": lambda s, x: s.eval_chebyc(3, 0.8 * x),
    "eval_chebys": lambda s, x: s.eval_chebys(3, 0.8 * x),
    "eval_gegenbauer": lambda s, x: s.eval_gegenbauer(0.5, 0.75, 0.4 * x),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_functions_made_of_rows_are_scipys(name):
    f = COMPOSED[name]
    if name == "softplus" and not hasattr(special, "softplus"):
        pytest.skip("this SciPy has no softplus")
    v = np.asarray([1.0, -0.5, 0.25])
    value, tangent = ag.jvp(lambda x: f(traced, x), (X,), (v,))
    assert_close(value, np.asarray(f(special, X)), scale=10.0)  # recurrences cancel a digit
    expected = difference(lambda x: f(special, x), X, v)
    scale = max(1.0, np.max(np.abs(expected)))
    np.testing.assert_allclose(tangent, expected, rtol=0, atol=1e-8 * scale)
    g = ag.grad(lambda x: np.sum(f(traced, x)))(X)
    np.testing.assert_allclose(np.sum(g * v), np.sum(expected), rtol=0, atol=1e-8 * scale)


def test_multigammaln_raises_outside_its_domain_as_scipys_does():
    with pytest.raises(ArgumentError, match=r"multigammaln\(a\)"):
        ag.grad(lambda a: traced.multigammaln(a, 4))(1.5)
    with pytest.raises(ArgumentError, match=r"multigammaln\(d\)"):
        ag.grad(lambda a: traced.multigammaln(a, 2.5))(9.5)


def test_numpys_i0_is_the_row():
    np.testing.assert_allclose(slope(np.i0, 1.5), special.i1(1.5), rtol=1e-15)


def test_gammasgn_is_constant():
    x = np.asarray([-0.5, 1.5])
    g = ag.grad(lambda x: np.sum(special.gammasgn(x) * np.exp(special.gammaln(x))))(x)
    np.testing.assert_allclose(g, special.gamma(x) * special.psi(x), rtol=1e-14)


def test_complex_second_derivatives_of_analytic_functions():
    z = np.asarray([0.4 + 0.3j, 1.2 - 0.5j])

    def first(z):
        return ag.jvp(special.erf, (z,), (np.ones_like(z),))[1]

    second = ag.jvp(first, (z,), (np.ones_like(z),))[1]
    np.testing.assert_allclose(second, -2 * z * first(z), rtol=1e-14)


def test_user_code_with_functions_that_are_no_ufuncs():
    from scipy.special import logsumexp, softmax

    def f(x):
        return logsumexp(x) + np.sum(softmax(x) * special.polygamma(1, x))

    v = np.asarray([1.0, -0.5, 0.25])
    expected = difference(f, X, v)
    np.testing.assert_allclose(np.sum(ag.grad(f)(X) * v), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["erf", "ellipk", "ellipkm1", "expit", "gammaln", "psi", "exp2"])
def test_functions_of_cupyx_are_told_by_identity(cupy, name):
    """CuPy's ellipk is called ellipkm1, and the reverse."""
    import cupyx.scipy.special

    x = np.asarray([0.2, 0.6])
    there = getattr(cupyx.scipy.special, name)
    g = ag.grad(lambda x: there(x).sum())(cupy.asarray(x))
    assert isinstance(g, cupy.ndarray)
    assert_close(g, ag.grad(lambda x: np.sum(getattr(special, name)(x)))(x), scale=10.0)


def test_kernels_of_cupyx_without_a_rule_are_named(cupy):
    import cupyx.scipy.special

    with pytest.raises(MissingRuleError, match="zetac"):
        ag.grad(lambda x: cupyx.scipy.special.zetac(x).sum())(cupy.ones(2))
    x = cupy.ones(2)
    one, two = ag.vjp(lambda x: cupyx.scipy.special.sici(x), x)[0]
    assert_close(one, special.sici(np.ones(2))[0])
    assert_close(two, special.sici(np.ones(2))[1])
