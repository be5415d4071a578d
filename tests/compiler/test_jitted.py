"""Programs on JAX's arrays are compiled by JAX once they are hot, and agree to rounding."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.targets.jitted import HOT, library_that_jits
from tests.support import assert_close, namespaces

pytestmark = pytest.mark.skipif(
    namespaces.reason_missing("jax") is not None, reason="JAX is not installed"
)
CALLS = HOT + 3  # recorded, plain, jitted, jitted again


@pytest.fixture
def asarray(request):
    if request.config.getoption("--backend") not in (None, "jax"):
        pytest.skip("another --backend is selected")
    return namespaces.open_namespace("jax").asarray


class Spy:
    """Counts what JAX compiles, and how often that is called."""

    def __init__(self, monkeypatch):
        import jax

        self.made = self.called = 0
        real = jax.jit

        def jit(f):
            self.made += 1
            compiled = real(f)

            def run(*args):
                self.called += 1
                return compiled(*args)

            return run

        monkeypatch.setattr(jax, "jit", jit)


def step(x, rate, t):
    xp = ag.namespace(x)
    y = xp.tanh(x) * rate / (1.0 - 0.999**t)
    if xp.sum(y) > 0:
        y = y * 2.0
    return xp.sum(y * y), y


def test_it_is_jitted_when_it_is_hot_and_numbers_are_inputs(asarray, monkeypatch):
    spy = Spy(monkeypatch)
    x = asarray(np.linspace(-1.0, 2.0, 5))
    compiled = ag.compile(step)
    for n in range(CALLS):
        found = compiled(x, 0.1, n + 1.5)
        assert_close(found, ag.trees.map(np.asarray, step(x, 0.1, n + 1.5)), scale=10)
        assert (spy.made, spy.called) == ((0, 0) if n < HOT else (1, n - HOT + 1))
    found, expected = compiled(x, 0.1, 2.0), step(x, 0.1, 2.0)
    assert [type(y) for y in found] == [type(y) for y in expected]
    assert [y.dtype for y in found] == [y.dtype for y in expected]


def test_what_python_decides_by_is_compared_afterwards(asarray, monkeypatch):
    spy = Spy(monkeypatch)
    x = asarray(np.linspace(-1.0, 2.0, 5))
    compiled = ag.compile(step)
    for n in range(2 * CALLS):
        sign = -1.0 if n % 2 else 1.0
        found = compiled(sign * x, 0.1, 3.0)
        assert_close(found, ag.trees.map(np.asarray, step(sign * x, 0.1, 3.0)), scale=10)
    assert spy.made == compiled.counts()[1] == 2
    assert spy.called > 4


def test_numbers_that_python_decides_by_are_compared_before(asarray):
    x = asarray(np.ones(3))
    compiled = ag.compile(lambda x, rate: x * rate if rate > 0.5 else x - rate)
    for rate in (*[0.25] * CALLS, *[0.75] * CALLS, 0.25):
        np.testing.assert_allclose(np.asarray(compiled(x, rate)), 0.75, rtol=1e-6)


def test_numbers_alone_are_computed_in_double_precision_outside(asarray):
    x = asarray(np.ones(2, np.float32))
    compiled = ag.compile(lambda x, t: (x * (1.0 - 0.999999**t), 1.0 - 0.999999**t))
    for _ in range(CALLS):
        array, number = compiled(x, 3.0)
    assert number == 1.0 - 0.999999**3.0
    assert type(number) is float
    np.testing.assert_allclose(np.asarray(array), number, rtol=1e-6)


def test_scalars_of_numpy_do_not_widen_arrays(asarray):
    x = asarray(np.ones(2, np.float32))
    compiled = ag.compile(lambda x, rate: x * rate)
    for _ in range(CALLS):
        assert compiled(x, np.float64(0.5)).dtype == (x * 0.5).dtype == x.dtype


def test_what_needs_values_within_is_replayed_plainly(asarray, monkeypatch):
    spy = Spy(monkeypatch)
    x = asarray(np.asarray([1.0, -2.0, 3.0]))
    compiled = ag.compile(lambda x: ag.namespace(x).sum(x[x > 0.0]))
    for _ in range(CALLS):
        assert float(compiled(x)) == 4.0
    assert spy.called <= 1  # JAX refuses a mask, whose length it does not know


def test_the_gradient_of_a_compiled_function_is_jitted_in_two_halves(asarray, monkeypatch):
    spy = Spy(monkeypatch)
    x = asarray(np.linspace(-1.0, 2.0, 5))
    gradient = ag.grad(ag.compile(lambda x: step(x, 0.1, 3.0)[0]))
    expected = np.asarray(ag.grad(lambda x: step(x, 0.1, 3.0)[0])(x))
    for _ in range(CALLS + 1):
        assert_close(gradient(x), expected, scale=10)
    assert spy.made == 2


def test_arrays_of_two_libraries_or_of_none_that_compiles_are_left_alone(asarray):
    x = np.ones(3)
    assert library_that_jits(ag.compile(lambda x: x + 1.0).ir(x)) is None
    assert library_that_jits(ag.compile(lambda x: x + 1.0).ir(asarray(x))).name == "jax"
