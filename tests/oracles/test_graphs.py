"""Random programs: reverse = differences, forward = reverse, second order, every library alike."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import anygrad as ag
from anygrad.ops import ROWS
from tests.oracles.programs import Program, programs
from tests.parity.test_planted_faults import plant_rule
from tests.support import assert_close, open_namespace

QUIET = ag.use_settings(warn_unused=False)
FEW, MANY = 60, 3000


def repeated(examples):
    return settings(
        max_examples=examples,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.function_scoped_fixture,
        ],
    )


def gradient_of(program, inputs):
    with QUIET:
        return ag.grad(program.function, tuple(range(len(inputs))))(*inputs)


def directions(program, seed):
    rng = np.random.default_rng(seed)
    return tuple(np.asarray(rng.normal(size=x.shape)) for x in program.inputs)


def slope(program, vs):
    """A difference quotient of fourth order and its error bar, from two steps."""
    f = program.function

    def at(t):
        return float(f(*(x + t * v for x, v in zip(program.inputs, vs, strict=True))))

    def quotient(h):
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    coarse, fine = quotient(2e-3), quotient(1e-3)
    return fine, abs(coarse - fine) + 1e-9 * max(1.0, abs(fine))


def inner(a, b):
    return sum(float(np.sum(x * y)) for x, y in zip(a, b, strict=True))


def check_first_order(program: Program):
    vs = directions(program, 1)
    with np.errstate(all="ignore"):
        expected, bar = slope(program, vs)
    assume(np.isfinite(expected))
    assume(bar < 1e-5 * max(1.0, abs(expected)))  # no kink between the points
    gradients = gradient_of(program, program.inputs)
    for g, x in zip(gradients, program.inputs, strict=True):
        assert np.shape(g) == x.shape
    found = inner(gradients, vs)
    assert abs(found - expected) <= 10 * bar
    value, tangent = ag.jvp(program.function, program.inputs, vs)
    plain = float(program.function(*program.inputs))
    assert abs(float(value) - plain) <= 1e-13 * max(1.0, abs(plain))  # sums in memory order
    size = sum(float(np.sum(np.abs(g * v))) for g, v in zip(gradients, vs, strict=True))
    assert abs(float(tangent) - found) <= 1e-12 * max(1.0, size)


def check_second_order(program: Program):
    vs, ws = directions(program, 1), directions(program, 2)

    def pulled(*xs):
        return gradient_of(program, xs)

    with np.errstate(all="ignore"):
        _, forward_over_reverse = ag.jvp(pulled, program.inputs, vs)

        def slope_along(*xs):
            return sum(ag.namespace(*xs).sum(g * w) for g, w in zip(pulled(*xs), ws, strict=True))

        with QUIET:
            reverse_over_reverse = ag.grad(slope_along, tuple(range(len(vs))))(*program.inputs)
    left, right = inner(forward_over_reverse, ws), inner(reverse_over_reverse, vs)
    assume(np.isfinite(left))
    assume(np.isfinite(right))
    size = sum(float(np.sum(np.abs(h * w))) for h, w in zip(forward_over_reverse, ws, strict=True))
    size += sum(float(np.sum(np.abs(h * v))) for h, v in zip(reverse_over_reverse, vs, strict=True))
    assert abs(left - right) <= 1e-10 * max(1.0, size)  # H is symmetric


def check_batches(program: Program):
    """vmap is the loop, of the program, of its gradient, and of a Hessian's product."""
    several = [np.stack([x, 0.5 * x + 0.1, -x]) for x in program.inputs]
    f, places = program.function, tuple(range(len(several)))

    def product(*xs):
        return ag.jvp(ag.grad(f, places), xs, xs)[1]

    def values(*xs):
        return f(*xs)

    with np.errstate(all="ignore"), QUIET:
        for made in (values, ag.grad(f, places), product):
            loop = [made(*(b[n] for b in several)) for n in range(3)]
            assume(all(np.all(np.isfinite(x)) for result in loop for x in ag.trees.leaves(result)))
            found = ag.vmap(made)(*several)
            for k, leaf in enumerate(ag.trees.leaves(found)):
                expected = np.stack([np.asarray(ag.trees.leaves(result)[k]) for result in loop])
                assert leaf.shape == expected.shape
                scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
                assert np.max(np.abs(leaf - expected), initial=0.0) <= 1e-11 * scale


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(programs(length=4).filter(lambda program: "] =" not in repr(program)))
def test_first_second_and_batched_derivatives_are_those_of_jax(program):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    open_namespace("jax")
    assume(not any(sign in repr(program) for sign in ("+=", "*=", "-=")))
    f, places, vs = program.function, tuple(range(len(program.inputs))), directions(program, 1)
    arrays = tuple(map(jax.numpy.asarray, program.inputs))
    close_to(gradient_of(program, program.inputs), jax.grad(f, places)(*arrays))

    def product(grad):
        return lambda *xs: grad(f, places)(*xs)

    with QUIET:
        mine = ag.jvp(product(ag.grad), program.inputs, vs)[1]
        theirs = jax.jvp(product(jax.grad), arrays, tuple(map(jax.numpy.asarray, vs)))[1]
        close_to(mine, theirs)
        several = [np.stack([x, 0.5 * x + 0.1]) for x in program.inputs]
        stacked = [jax.numpy.asarray(x) for x in several]
        close_to(ag.vmap(ag.grad(f, places))(*several), jax.vmap(jax.grad(f, places))(*stacked))


def close_to(mine, theirs):
    for a, b in zip(mine, theirs, strict=True):
        b = np.asarray(b)
        assume(np.all(np.isfinite(b)))
        assert np.shape(a) == b.shape
        scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
        assert np.max(np.abs(a - b), initial=0.0) <= 1e-11 * scale


@repeated(FEW)
@given(programs(length=5))
def test_batches_of_random_programs_are_the_loop(program):
    check_batches(program)


@pytest.mark.slow
@repeated(MANY // 3)
@given(programs(length=8))
def test_many_batches(program):
    check_batches(program)


@repeated(FEW)
@given(programs())
def test_gradients_of_random_programs_are_difference_quotients(program):
    check_first_order(program)


@repeated(FEW)
@given(programs(length=4))
def test_second_derivatives_of_random_programs_are_symmetric(program):
    check_second_order(program)


@repeated(20)
@given(programs(length=5))
def test_random_programs_give_the_same_on_every_library(xp, program):
    if xp.name == "jax":
        pytest.skip("every program has new shapes, which JAX would compile one by one")
    there = tuple(xp.asarray(x) for x in program.inputs)
    assert_close(list(gradient_of(program, there)), list(map(np.asarray, reference(program))))


def reference(program):
    return gradient_of(program, program.inputs)


@repeated(FEW)
@given(programs())
def test_float32_follows_float64(program):
    single = tuple(x.astype(np.float32) for x in program.inputs)
    exact = gradient_of(program, tuple(x.astype(np.float64) for x in single))
    scale = max(float(np.max(np.abs(g), initial=0.0)) for g in exact)
    assume(scale < 1e3)
    vs = directions(program, 1)
    with np.errstate(all="ignore"):
        assume(slope(program, vs)[1] < 1e-5)
    for g, e in zip(gradient_of(program, single), exact, strict=True):
        assert g.dtype == np.float32
        assert np.max(np.abs(g - e), initial=0.0) <= 1e-3 * max(1.0, scale)


@pytest.mark.slow
@repeated(MANY)
@given(programs(length=10))
def test_many_programs_of_first_order(program):
    check_first_order(program)


@pytest.mark.slow
@repeated(MANY // 3)
@given(programs(length=6))
def test_many_programs_of_second_order(program):
    check_second_order(program)


FAULTS = {
    "off by a thousandth": (
        "tanh",
        lambda xp, t, y, _x: t * (1.001 - y * y),
    ),
    "a factor forgotten": ("square", lambda xp, t, _y, x: t * x),
    "an order forgotten": (
        "flip",
        lambda xp, g, _shape, *, axis: g,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_planted_faults(fault, monkeypatch):
    name, rule = FAULTS[fault]
    original = ROWS[name]

    @settings(max_examples=150, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(programs().filter(lambda program: name in repr(program)))
    def search(program):
        check_first_order(program)

    search()  # nothing to find yet
    plant_rule(monkeypatch, name, rule)
    assert ROWS[name] is not original
    with pytest.raises(AssertionError):
        search()


@given(st.data())
@settings(max_examples=5)
def test_programs_print_as_they_run(data):
    program = data.draw(programs())
    scope = {"np": np, "ag": ag, "integers": None}
    text = repr(program).replace("np.array(", "np.np.array(").replace("np.np.", "np.")
    from tests.oracles.programs import integers

    scope["integers"] = integers
    exec(text, scope)
    inputs = [scope[f"v{k}"] for k in range(len(program.inputs))]
    np.testing.assert_allclose(scope["f"](*inputs), program.function(*program.inputs), rtol=1e-6)
