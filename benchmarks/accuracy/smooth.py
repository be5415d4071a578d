"""The smooth functions: tables of formulas over as many decades as double precision resolves.

A range ends where ``f``'s own rounding, eps |f| over its length scale, nears a millionth of the
slope: beyond it no method that only calls ``f`` can know the slope.
"""

from benchmarks.accuracy.formulas import Formula, both, down, up

TABLE = [
    Formula("x^2", lambda m, x: x * x, both(1e-12, 1e12)),
    Formula("x^3 - 2x", lambda m, x: x**3 - 2.0 * x, both(1e-12, 0.5) + both(1.2, 1e12)),
    Formula("x^5 + x", lambda m, x: x**5 + x, both(1e-12, 1e12)),
    Formula("1/x", lambda m, x: 1.0 / x, both(1e-12, 1e12)),
    Formula("1/x^3", lambda m, x: 1.0 / x**3, both(1e-12, 1e12)),
    Formula("1/(1 + x^2)", lambda m, x: 1.0 / (1.0 + x * x), both(1e-3, 1e12)),
    Formula("x/(1 + x^2)", lambda m, x: x / (1.0 + x * x), both(1e-12, 0.9) + both(1.1, 1e12)),
    Formula("(1 + x)/(2 + x)", lambda m, x: (1.0 + x) / (2.0 + x), up(1e-12, 1e4)),
    Formula("exp(x)", lambda m, x: m.exp(x), both(1e-12, 700.0)),
    Formula("exp(-x)", lambda m, x: m.exp(-x), both(1e-12, 100.0)),
    Formula("exp(1e4 x)", lambda m, x: m.exp(1e4 * x), both(1e-12, 1e-2)),
    Formula("expm1(x)", lambda m, x: m.expm1(x), up(1e-12, 700.0) + down(1e-12, 15.0)),
    Formula("log(x)", lambda m, x: m.log(x), up(1e-12, 1e12)),
    Formula("log1p(x)", lambda m, x: m.log1p(x), up(1e-12, 1e12) + down(1e-12, 0.999)),
    Formula("log(1 + x^2)", lambda m, x: m.log1p(x * x), both(1e-12, 1e12)),
    Formula("sqrt(x)", lambda m, x: m.sqrt(x), up(1e-12, 1e12)),
    Formula("cbrt(x)", lambda m, x: m.cbrt(x), both(1e-12, 1e12)),
    Formula("x^0.7", lambda m, x: x**0.7, up(1e-12, 1e12)),
    Formula("x^-1.5", lambda m, x: x**-1.5, up(1e-12, 1e12)),
    Formula("sqrt(1 + x^2)", lambda m, x: m.sqrt(1.0 + x * x), both(1e-3, 1e12)),
    Formula("sin(x)", lambda m, x: m.sin(x), both(1e-12, 1e6)),
    Formula("cos(x)", lambda m, x: m.cos(x), both(1e-3, 1e6)),
    Formula("tan(x)", lambda m, x: m.tan(x), both(1e-12, 1.57)),
    Formula("cos(1e3 x)", lambda m, x: m.cos(1e3 * x), both(1e-6, 10.0)),
    Formula("sinh(x)", lambda m, x: m.sinh(x), both(1e-12, 700.0)),
    Formula("cosh(x)", lambda m, x: m.cosh(x), both(1e-3, 700.0)),
    Formula("tanh(x)", lambda m, x: m.tanh(x), both(1e-12, 8.0)),
    Formula("atan(x)", lambda m, x: m.atan(x), both(1e-12, 1e4)),
    Formula("atan(1e3 x)", lambda m, x: m.atan(1e3 * x), both(1e-12, 1.0)),
    Formula("atan(1e3 (x - 1))", lambda m, x: m.atan(1e3 * (x - 1.0)), both(1e-12, 1.0, 1.0)),
    Formula("asinh(x)", lambda m, x: m.asinh(x), both(1e-12, 1e12)),
    Formula("asin(x)", lambda m, x: m.asin(x), up(1e-12, 0.9) + down(1e-7, 0.3, centre=1.0)),
    Formula("sigmoid(x)", lambda m, x: 1.0 / (1.0 + m.exp(-x)), up(1e-12, 15.0) + down(1e-12, 300)),
    Formula("softplus(x)", lambda m, x: m.log1p(m.exp(x)), up(1e-12, 300.0) + down(1e-12, 300.0)),
    Formula("logit(x)", lambda m, x: m.log(x / (1.0 - x)), up(1e-12, 0.9) + down(1e-6, 0.1, 1.0)),
    Formula("erf(x)", lambda m, x: m.erf(x), both(1e-12, 3.5)),
    Formula("erfc(x)", lambda m, x: m.erfc(x), up(1e-12, 20.0)),
    Formula("gamma(x)", lambda m, x: m.gamma(x), up(1e-6, 1.3) + up(1.6, 150.0)),
    Formula("lgamma(x)", lambda m, x: m.lgamma(x), up(1e-6, 1.3) + up(1.6, 1e9)),
    Formula("j0(x)", lambda m, x: m.j0(x), both(1e-2, 100.0)),
    Formula("gaussian of width 1e-3", lambda m, x: m.exp(-((1e3 * x) ** 2)), both(1e-6, 1e-2)),
    Formula("gaussian of width 1e3", lambda m, x: m.exp(-((1e-3 * x) ** 2)), both(1.0, 1e4)),
    Formula("x exp(-x^2)", lambda m, x: x * m.exp(-x * x), both(1e-12, 0.6) + both(0.8, 15.0)),
    Formula("x log(x)", lambda m, x: x * m.log(x), up(1e-12, 0.3) + up(0.4, 1e12)),
    Formula("x^x", lambda m, x: x**x, up(1e-6, 0.3) + up(0.4, 100.0)),
    Formula("sin(1/x)", lambda m, x: m.sin(1.0 / x), both(1e-2, 1e12)),
    Formula("x^2 sin(1/x)", lambda m, x: x * x * m.sin(1.0 / x), both(1e-2, 1e2)),
    Formula("exp(-x) sin(x)", lambda m, x: m.exp(-x) * m.sin(x), up(1e-12, 0.7) + up(0.9, 30.0)),
    Formula("exp(sin(x))", lambda m, x: m.exp(m.sin(x)), both(1e-12, 1e3)),
]

# Only among the points held out: nothing is tuned on these.
FURTHER = [
    Formula("sin(1e9 x)", lambda m, x: m.sin(1e9 * x), both(1e-15, 1e-7)),
    Formula("sin(1e-9 x)", lambda m, x: m.sin(1e-9 * x), both(1e-3, 1e11)),
    Formula("tanh(1e9 x)", lambda m, x: m.tanh(1e9 * x), both(1e-15, 5e-9)),
    Formula("exp(1e-9 x)", lambda m, x: m.exp(1e-9 * x), both(1e3, 1e11)),
    Formula("log(log(x))", lambda m, x: m.log(m.log(x)), up(1e-6, 1e12, centre=1.0)),
    Formula("x^2.5", lambda m, x: x**2.5, up(1e-12, 1e12)),
    Formula("atan(1e6 (x - 1))", lambda m, x: m.atan(1e6 * (x - 1.0)), both(1e-12, 1e-3, 1.0)),
    Formula("exp(-1/x)", lambda m, x: m.exp(-1.0 / x), up(2e-3, 1e3)),
    Formula("sqrt(x) sin(x)", lambda m, x: m.sqrt(x) * m.sin(x), up(1e-12, 1e3)),
    Formula("x^3/(exp(x) - 1)", lambda m, x: x**3 / m.expm1(x), up(1e-9, 2.5) + up(3.0, 300.0)),
    Formula(
        "(x - 1)(x - 2)(x - 3)", lambda m, x: (x - 1.0) * (x - 2.0) * (x - 3.0), both(1e-6, 1e6)
    ),
    Formula("j1(x)", lambda m, x: m.j1(x), both(1e-9, 100.0)),
    Formula("digamma(x)", lambda m, x: m.digamma(x), up(1e-6, 1e6)),
    Formula("lambertw(x)", lambda m, x: m.lambertw(x), up(1e-9, 1e9) + down(1e-9, 0.36)),
    Formula("ellipk(x)", lambda m, x: m.ellipk(x), up(1e-9, 0.9) + down(1e-6, 0.1, 1.0)),
    Formula("ndtr(x)", lambda m, x: m.ndtr(x), up(1e-12, 5.0) + down(1e-12, 30.0)),
    Formula("e1(x)", lambda m, x: m.e1(x), up(1e-9, 100.0)),
    Formula("log(cosh(x))", lambda m, x: m.log(m.cosh(x)), both(1e-1, 300.0)),
]
