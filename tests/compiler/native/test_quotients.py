"""Division by a number that all elements share gives the bits of a division."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from tests.compiler.native.running import count, quietly

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1e-310, 2.0**-900, 2.0**900, 1e308]
DIVISORS = [3.0, -7.0, 0.1, np.pi, 0.25, -(2.0**40), 1e50, 1e-50, 2.0**-100, 2.0**100, 2.0**101]
DIVISORS += [np.nextafter(2.0, 0.0), np.nextafter(2.0, 3.0), 1.0 - 2.0**-53, *SPECIAL]


def numerators(rng, n=20_000):
    """Ordinary numbers, all bits, and special ones among them."""
    ordinary = rng.standard_normal(n) * np.exp(rng.uniform(-600, 600, n))
    mixed = np.where(rng.random(n) < 0.01, rng.choice(SPECIAL, n), rng.standard_normal(n))
    whole = rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)
    return np.concatenate([ordinary, mixed, whole])


def assert_divides(quotient, x, y):
    with np.errstate(all="ignore"):
        got, wanted = quotient(), x / y
    same = got.view(np.uint64) == wanted.view(np.uint64)
    wrong = ~(same | (np.isnan(got) & np.isnan(wanted)))
    assert not np.any(wrong), (x[wrong][:3], y)


@ag.use_settings(kernels="always")
def test_by_a_number_that_is_handed_over():
    rng = np.random.default_rng(0)
    compiled = ag.compile(lambda x, y: (x / y, x * 2.0))
    x = numerators(rng)
    random = rng.standard_normal(40) * 2.0 ** rng.integers(-90, 90, 40)
    quietly(compiled, x, 3.0)
    for y in map(float, [*DIVISORS, *random]):
        assert_divides(lambda y=y: quietly(compiled, x, y)[0], x, y)
    assert count(compiled, x, 3.0)


@pytest.mark.parametrize("y", DIVISORS, ids=repr)
@ag.use_settings(kernels="always")
def test_by_a_constant(y):
    x = numerators(np.random.default_rng(1), 2_000)
    compiled = ag.compile(lambda x: (x / y, x * 2.0))
    quietly(compiled, x)
    assert_divides(lambda: quietly(compiled, x)[0], x, y)
