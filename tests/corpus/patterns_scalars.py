"""Functions of numbers: the math module, branches, loops until convergence, checks of types."""

import cmath
import math

import numpy as np

from tests.corpus.registry import pattern


@pattern(0.7, -1.3)
def damped_oscillation(t):
    return math.exp(-0.3 * abs(t)) * math.cos(2 * math.pi * t)


@pattern(np.array([0.4, 1.2]))
def math_functions_of_entries(x):
    return math.sin(x[0]) * math.log(x[1]) + math.sqrt(x[0] ** 2 + x[1] ** 2)


@pattern(np.array([1.5, 0.5, -0.25]))
def float_of_entries(theta):
    a, b, c = float(theta[0]), float(theta[1]), float(theta[2])
    return a * math.exp(b) - c**2


@pattern(2.0, 50.0)
def newton_square_root(a):
    x = a
    while abs(x * x - a) > 1e-14 * a:
        x = 0.5 * (x + a / x)
    return x


@pattern(3.7)
def continued_fraction(x):
    def fraction(k):
        if k > 12:
            return x
        return x + k / fraction(k + 1)

    return fraction(1)


@pattern(0.3, 0.9)
def kepler_equation(e):
    M = 0.8
    E = M
    for _ in range(100):
        dE = (E - e * math.sin(E) - M) / (1 - e * math.cos(E))
        E -= dE
        if abs(dE) < 1e-15:
            break
    return math.cos(E) - e


@pattern(0.25, 0.75, 3.0)
def smoothstep(x):
    if x <= 0:
        return 0.0 * x
    if x >= 2:
        return 1.0 * x
    t = x / 2
    return t * t * (3 - 2 * t)


@pattern(np.array([2.0, 3.0, 4.0]))
def heron_area(sides):
    a, b, c = sides
    s = (a + b + c) / 2
    area2 = s * (s - a) * (s - b) * (s - c)
    if area2 < 0:
        raise ValueError("not a triangle")
    return math.sqrt(area2)


@pattern(1.8, -0.4)
def exception_as_branch(x):
    try:
        return math.log(x) + x
    except ValueError:
        return x**3


@pattern(5.3)
def gamma_by_stirling(x):
    # shift the argument up, then Stirling's series
    shift = 0.0
    while x < 10:
        shift = shift + math.log(x)
        x = x + 1
    series = 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5)
    return (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi) + series - shift


@pattern(0.6)
def erf_by_series(x):
    total, term, n = 0.0, x, 0
    while abs(term) > 1e-17:
        total += term / (2 * n + 1)
        n += 1
        term *= -x * x / n
    return 2 / math.sqrt(math.pi) * total


@pattern(np.array([0.3, 0.7]))
def library_special_functions(x):
    return math.erf(x[0]) + math.gamma(x[1] + 1) + math.lgamma(x[0] + 2) + math.atan2(x[0], x[1])


@pattern(np.array([3.0, 4.0, 12.0]))
def hypot_of_many(v):
    return math.hypot(*v) + math.dist(v, [0.0, 1.0, 2.0]) + math.hypot(v[0], v[1])


@pattern(np.array([0.2, 0.5, 0.9]))
def fsum_and_prod(p):
    return math.fsum(p) * math.prod(1 - pi for pi in p)


@pattern(37.5, 104.0)
def temperature_conversion(celsius):
    fahrenheit = celsius * 9 / 5 + 32
    kelvin = celsius + 273.15
    label = f"{fahrenheit:.1f} F = {kelvin:.2f} K"
    assert label.endswith("K")
    return fahrenheit / kelvin


@pattern(0.37, 2.81)
def table_lookup_with_int_index(x):
    table = [0.0, 1.0, 4.0, 9.0, 16.0]
    i = int(x)
    frac = x - i
    return table[i] * (1 - frac) + table[i + 1] * frac + round(float(x), 1) * 0.0


@pattern(np.array([1.0, 2.5]), 1.7)
def scalar_or_array(x):
    if isinstance(x, np.ndarray):
        return np.sum(x**2)
    if isinstance(x, float):
        return x**3
    raise TypeError(f"expected a float or an array, got {type(x).__name__}")


@pattern(0.45)
def degrees_and_radians(lat):
    phi = math.radians(math.degrees(lat) + 10.0)
    return math.tan(phi) + math.sinh(phi) - math.asin(lat) * math.acosh(1.5 + lat)


@pattern(1.3)
def complex_impedance(omega):
    R, L, C = 2.0, 0.7, 0.3
    Z = R + 1j * omega * L + 1 / (1j * omega * C)
    return abs(Z)


@pattern(0.8)
def cmath_phase_shift(omega):
    H = 1 / (1 + cmath.exp(1j * omega) * 0.5)
    return H.real**2 - H.imag


@pattern(np.array([4.0, 1.0, 3.0]))
def builtin_min_max_sum(x):
    return max(x) - min(x) + 0.1 * sum(x) + max(x[1], 0.5) * abs(x[2])


@pattern(1.234)
def divmod_wrapping(angle):
    turns = (angle + math.pi) // (2 * math.pi)
    wrapped = angle - turns * 2 * math.pi
    return wrapped**2 + math.fmod(angle, 1.0) + (7 * angle) % 2


@pattern(0.3)
def logistic_map(r):
    x = 0.4
    for _ in range(20):
        x = (3 + r) * x * (1 - x)
    return x
