"""Densities and probabilities of ``scipy.stats``, by the special functions that they are made of.

Each is a function of the standardised variable; location and scale are applied around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.tracing.functions.arguments import as_own_arrays
from anygrad.tracing.level import strip
from anygrad.tracing.operations import TRACED

T = TRACED
_LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)


def _inside(z: Any, low: float, value: Any) -> Any:
    """A log-density from a lower bound on; below it, -inf."""
    return T.where(strip(z) >= low, value, -math.inf)


_LOG_DENSITIES: dict[str, Callable[..., Any]] = {
    "norm": lambda z: -0.5 * z * z - _LOG_ROOT_2_PI,
    "expon": lambda z: _inside(z, 0.0, -z),
    "gamma": lambda z, a: _inside(z, 0.0, T.xlogy(a - 1.0, z) - z - T.gammaln(a)),
    "chi2": lambda z, df: _inside(
        z, 0.0, T.xlogy(0.5 * df - 1.0, 0.5 * z) - 0.5 * z - T.gammaln(0.5 * df) - math.log(2.0)
    ),
    "beta": lambda z, a, b: T.xlogy(a - 1.0, z) + T.xlog1py(b - 1.0, -z) - T.betaln(a, b),
    "t": lambda z, df: (
        T.gammaln(0.5 * (df + 1.0))
        - T.gammaln(0.5 * df)
        - 0.5 * T.log(df * math.pi)
        - 0.5 * (df + 1.0) * T.log1p(z * z / df)
    ),
    "cauchy": lambda z: -T.log1p(z * z) - math.log(math.pi),
    "laplace": lambda z: -T.abs(z) - math.log(2.0),
    "logistic": lambda z: -z - 2.0 * T.logaddexp(T.zeros_like(z), -z),
}
"""The logarithms of standard densities (DLMF 7.18, 8.2; Johnson, Kotz, Balakrishnan 1994)."""

_LOG_MASSES: dict[str, Callable[..., Any]] = {
    "poisson": lambda k, mu: T.xlogy(k, mu) - T.gammaln(k + 1.0) - mu,
    "bernoulli": lambda k, p: T.xlogy(k, p) + T.xlog1py(1.0 - k, -p),
    "binom": lambda k, n, p: (
        T.gammaln(n + 1.0)
        - T.gammaln(k + 1.0)
        - T.gammaln(n - k + 1.0)
        + T.xlogy(k, p)
        + T.xlog1py(n - k, -p)
    ),
}

_PROBABILITIES: dict[str, dict[str, Callable[..., Any]]] = {
    "norm": {
        "cdf": lambda z: T.ndtr(z),
        "sf": lambda z: T.ndtr(-z),
        "logcdf": lambda z: T.log_ndtr(z),
        "logsf": lambda z: T.log_ndtr(-z),
    },
    "expon": {"cdf": lambda z: -T.expm1(-z), "sf": lambda z: T.exp(-z), "logsf": lambda z: -z},
    "gamma": {"cdf": lambda z, a: T.gammainc(a, z), "sf": lambda z, a: T.gammaincc(a, z)},
    "chi2": {
        "cdf": lambda z, df: T.gammainc(0.5 * df, 0.5 * z),
        "sf": lambda z, df: T.gammaincc(0.5 * df, 0.5 * z),
    },
    "beta": {"cdf": lambda z, a, b: T.betainc(a, b, z)},
    "cauchy": {"cdf": lambda z: 0.5 + T.atan(z) / math.pi},
    "logistic": {"cdf": lambda z: T.expit(z), "sf": lambda z: T.expit(-z)},
}
_QUANTILES: dict[str, Callable[..., Any]] = {
    "norm": lambda q: T.ndtri(q),
    "expon": lambda q: -T.log1p(-q),
    "logistic": lambda q: T.logit(q),
    "cauchy": lambda q: T.tan(math.pi * (q - 0.5)),
}


def _split(where: str, names: tuple[str, ...], args: tuple, kw: dict[str, Any]) -> list[Any]:
    """Shape parameters, location and scale, by position or by keyword, in this order."""
    expected = (*names, "loc", "scale")
    given = dict(zip(expected, args, strict=False)) | kw
    known = {"loc": 0.0, "scale": 1.0} | given
    if len(args) > len(expected) or set(known) != set(expected):
        message = (
            f"{where}(parameters): got {', '.join(given) or 'none'} and {len(args)} by position; "
            f"expected {', '.join(expected)}."
        )
        raise ArgumentError(message)
    return [known[name] for name in expected]


def _shapes(f: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the shape parameters, as SciPy has them."""
    return f.__code__.co_varnames[1 : f.__code__.co_argcount]


def _standardised(where: str, f: Callable[..., Any], density: bool, exponential: bool) -> Any:
    def of(x: Any, *args: Any, **kw: Any) -> Any:
        parts = as_own_arrays((x, *_split(where, _shapes(f), args, kw)))
        x, *parameters, loc, scale = parts
        y = f((x - loc) / scale, *parameters)
        if density:
            y = y - T.log(scale)
        return T.exp(y) if exponential else y

    return of


def _mass(where: str, f: Callable[..., Any], exponential: bool) -> Any:
    def of(k: Any, *args: Any, **kw: Any) -> Any:
        parts = as_own_arrays((k, *_split(where, _shapes(f), args, kw)))
        k, *parameters, loc, _ = parts
        y = f(k - loc, *parameters)
        return T.exp(y) if exponential else y

    return of


def _quantile(where: str, f: Callable[..., Any], upper: bool) -> Any:
    def of(q: Any, *args: Any, **kw: Any) -> Any:
        q, loc, scale = as_own_arrays((q, *_split(where, (), args, kw)))
        return f(1.0 - q if upper else q) * scale + loc

    return of


def _methods() -> dict[tuple[str, str], Callable[..., Any]]:
    found: dict[tuple[str, str], Callable[..., Any]] = {}
    for name, f in _LOG_DENSITIES.items():
        found[name, "logpdf"] = _standardised(f"{name}.logpdf", f, True, False)
        found[name, "pdf"] = _standardised(f"{name}.pdf", f, True, True)
    for name, f in _LOG_MASSES.items():
        found[name, "logpmf"] = _mass(f"{name}.logpmf", f, False)
        found[name, "pmf"] = _mass(f"{name}.pmf", f, True)
    for name, functions in _PROBABILITIES.items():
        for method, f in functions.items():
            found[name, method] = _standardised(f"{name}.{method}", f, False, False)
    for name, f in _QUANTILES.items():
        found[name, "ppf"] = _quantile(f"{name}.ppf", f, False)
        found[name, "isf"] = _quantile(f"{name}.isf", f, True)
    return found


DISTRIBUTIONS = _methods()
"""(distribution, method) of ``scipy.stats`` -> the function of traced values."""
