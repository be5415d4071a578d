"""Formulas of the suites that are not smooth, not double, or fenced in; `generate` reads them."""

from benchmarks.accuracy.formulas import Formula, Range, both, down, up

# The slope of f at x by formula; the hard cases below add noise, rounding or a branch of their own.
HARD = [
    ("log at 1e-3", lambda m, x: m.log(x), [1e-3]),
    ("sqrt at 1e-8", lambda m, x: m.sqrt(x), [1e-8]),
    ("sin at 1e6", lambda m, x: m.sin(x), [1e6]),
    ("x^2 at 1e8", lambda m, x: x * x, [1e8]),
    ("exp at 1", lambda m, x: m.exp(x), [1.0]),
    ("tan at 1.57", lambda m, x: m.tan(x), [1.57]),
    ("exp at 700", lambda m, x: m.exp(x), [700.0]),
    ("x^2 sin(1/x) at 0.01", lambda m, x: x * x * m.sin(1.0 / x), [0.01]),
    ("x log(x) at 1e-300", lambda m, x: x * m.log(x), [1e-300]),
    ("exp(1e4 x) at 0", lambda m, x: m.exp(1e4 * x), [0.0]),
    ("atan(1e3 (x - 1)) at 1", lambda m, x: m.atan(1e3 * (x - 1.0)), [1.0]),
    ("x |x| at 1e-5", lambda m, x: x * abs(x), [1e-5]),
    ("sin(1e8 x) at 1", lambda m, x: m.sin(1e8 * x), [1.0]),
    ("log at 1e-300 and 1e300", lambda m, x: m.log(x), [1e-300, 1e300]),
    ("asin at 0.9999999", lambda m, x: m.asin(x), [0.9999999]),
]
# sin at 1, computed badly
SINE = ("sin", lambda m, x: m.sin(x), [1.0])

NOISY = [
    Formula("sin(x)", lambda m, x: m.sin(x), both(0.05, 3.0)),
    Formula("exp(x)", lambda m, x: m.exp(x), both(0.05, 2.0)),
    Formula("1/(1 + x^2)", lambda m, x: 1.0 / (1.0 + x * x), both(0.05, 3.0)),
    Formula("x log(x)", lambda m, x: x * m.log(x), up(0.5, 5.0)),
]
SINGLE = [
    Formula("x^2", lambda m, x: x * x, both(1e-4, 1e4)),
    Formula("1/x", lambda m, x: 1.0 / x, up(1e-4, 1e4)),
    Formula("exp(x)", lambda m, x: m.exp(x), both(1e-3, 10.0)),
    Formula("log(x)", lambda m, x: m.log(x), up(1e-4, 1e4)),
    Formula("sqrt(x)", lambda m, x: m.sqrt(x), up(1e-4, 1e4)),
    Formula("sin(x)", lambda m, x: m.sin(x), both(1e-3, 10.0)),
    Formula("tanh(x)", lambda m, x: m.tanh(x), both(1e-3, 2.0)),
    Formula("atan(10 x)", lambda m, x: m.atan(10.0 * x), both(1e-3, 1.0)),
    Formula("x^0.7", lambda m, x: x**0.7, up(1e-4, 1e4)),
    Formula("sqrt(1 + x^2)", lambda m, x: m.sqrt(1.0 + x * x), both(1e-1, 1e3)),
]
KINK_AT = 1.0
KINKS = [
    Formula("|x - 1|", lambda m, x: abs(x - KINK_AT), both(1e-9, 0.3, KINK_AT)),
    Formula("|x - 1| + exp(x)", lambda m, x: abs(x - KINK_AT) + m.exp(x), both(1e-9, 0.3, KINK_AT)),
    Formula(
        "relu(x - 1) + sin(x)",
        lambda m, x: (abs(x - KINK_AT) + (x - KINK_AT)) / 2.0 + m.sin(x),
        both(1e-9, 0.3, KINK_AT),
    ),
    Formula("exp(-|x - 1|)", lambda m, x: m.exp(-abs(x - KINK_AT)), both(1e-9, 0.3, KINK_AT)),
]
EXTREME = [
    Formula("sqrt(x)", lambda m, x: m.sqrt(x), up(1e-300, 1e300)),
    Formula("log(x)", lambda m, x: m.log(x), up(1e-300, 1e300)),
    Formula("x^0.7", lambda m, x: x**0.7, up(1e-300, 1e300)),
    Formula("log(1 + 1/x)", lambda m, x: m.log1p(1.0 / x), up(1e-300, 1e145)),
]
# name, formula, bounds
BOUNDED = [
    ("exp on [0, 1]", lambda m, x: m.exp(x), (0.0, 1.0)),
    ("sin(3x) on [1, 2]", lambda m, x: m.sin(3.0 * x), (1.0, 2.0)),
    ("log on [1, 4]", lambda m, x: m.log(x), (1.0, 4.0)),
    ("sqrt on [2, 3]", lambda m, x: m.sqrt(x), (2.0, 3.0)),
    ("1/x on [0.5, 8]", lambda m, x: 1.0 / x, (0.5, 8.0)),
    ("atan on [-1, 1]", lambda m, x: m.atan(x), (-1.0, 1.0)),
]


def fence(bounds: tuple[float, float]) -> tuple[Range, ...]:
    """Points that crowd towards both bounds."""
    low, high = bounds
    return up(1e-9, 0.3 * (high - low), low) + down(1e-9, 0.3 * (high - low), high)
