"""Rules of one's own hold under every transformation, and what they get wrong is said."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError, TraceError
from tests.support import assert_close, forbid_host_copies

X = np.random.default_rng(0).normal(size=4)
W = np.random.default_rng(1).normal(size=4)
BATCH = np.random.default_rng(2).normal(size=(3, 4))


def plain(x, w):
    xp = ag.namespace(x, w)
    return xp.sum(xp.tanh(x * w)) + xp.sum(x**2 * w)


def by_vjp(factor=1.0):
    @ag.custom_vjp
    def f(x, w):
        return plain(x, w)

    def backward(kept, g):
        x, w = kept
        slope = 1.0 - ag.namespace(x, w).tanh(x * w) ** 2
        return factor * g * (slope * w + 2.0 * x * w), factor * g * (slope * x + x**2)

    f.defvjp(lambda x, w: (plain(x, w), (x, w)), backward)
    return f


def by_jvp(factor=1.0):
    @ag.custom_jvp
    def f(x, w):
        return plain(x, w)

    def rule(primals, tangents):
        (x, w), (dx, dw) = primals, tangents
        xp = ag.namespace(x, w, dx, dw)
        slope = 1.0 - xp.tanh(x * w) ** 2
        moved = (slope * w + 2.0 * x * w) * dx + (slope * x + x**2) * dw
        return f(x, w), factor * xp.sum(moved)

    f.defjvp(rule)
    return f


MADE = {"vjp": by_vjp, "jvp": by_jvp, "checkpoint": lambda: ag.checkpoint(plain)}

# Every transformation, and some of their compositions, as functions of f.
TRANSFORMED = {
    "value": lambda f, x, w, b: f(x, w),
    "grad": lambda f, x, w, b: ag.grad(f, (0, 1))(x, w),
    "jvp": lambda f, x, w, b: ag.jvp(f, (x, w), (w, x)),
    "jvp of one": lambda f, x, w, b: ag.jvp(lambda x: f(x, w), (x,), (w,)),
    "vjp": lambda f, x, w, b: ag.vjp(f, x, w)[1](2.0),
    "linearize": lambda f, x, w, b: ag.linearize(lambda x: f(x, w), x)[1](w),
    "jacobian": lambda f, x, w, b: ag.jacobian(f, (0, 1))(x, w),
    "hessian": lambda f, x, w, b: ag.hessian(f)(x, w),
    "hvp": lambda f, x, w, b: ag.hvp(lambda x: f(x, w), x, w),
    "grad of grad": lambda f, x, w, b: ag.grad(lambda x: ag.namespace(x).sum(ag.grad(f)(x, w) * w))(
        x
    ),
    "third": lambda f, x, w, b: ag.jacobian(ag.hessian(f))(x, w),
    "vmap": lambda f, x, w, b: ag.vmap(f, (0, None))(b, w),
    "vmap of the other": lambda f, x, w, b: ag.vmap(f, (None, 0))(x, b),
    "vmap of grad": lambda f, x, w, b: ag.vmap(ag.grad(f, (0, 1)), (0, None))(b, w),
    "grad of vmap": lambda f, x, w, b: ag.grad(
        lambda b, w: ag.namespace(b).sum(ag.vmap(f, (0, None))(b, w)), (0, 1)
    )(b, w),
    "jvp of vmap": lambda f, x, w, b: ag.jvp(lambda b: ag.vmap(f, (0, None))(b, w), (b,), (b,)),
    "vmap of hessian": lambda f, x, w, b: ag.vmap(ag.hessian(f), (0, None))(b, w),
    "grad of vmap of grad": lambda f, x, w, b: ag.grad(
        lambda w: ag.namespace(w).sum(ag.vmap(ag.grad(f), (0, None))(b, w) ** 2)
    )(w),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", TRANSFORMED)
def test_rules_hold_under_every_transformation(name, made):
    expected = TRANSFORMED[name](plain, X, W, BATCH)
    found = TRANSFORMED[name](MADE[made](), X, W, BATCH)
    assert_close(found, ag.trees.map(np.asarray, expected), scale=100)  # sums of third derivatives


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", ["grad", "jvp", "hessian", "vmap of grad", "grad of vmap"])
def test_rules_on_every_backend(name, made, xp):
    if xp.name == "strict" and made == "jvp":
        pytest.skip("array-api-strict refuses plain * traced, which the rule writes")
    inputs = [xp.asarray(a) for a in (X, W, BATCH)]
    with forbid_host_copies():
        found = TRANSFORMED[name](MADE[made](), *inputs)
    assert_close(found, ag.trees.map(np.asarray, TRANSFORMED[name](plain, X, W, BATCH)), scale=100)


@pytest.mark.parametrize("make", [by_vjp, by_jvp])
def test_it_is_the_rule_that_is_used(make):
    np.testing.assert_allclose(ag.grad(make(2.0))(X, W), 2.0 * ag.grad(plain)(X, W), rtol=1e-14)
    np.testing.assert_allclose(
        ag.jvp(make(2.0), (X, W), (W, X))[1], 2.0 * ag.jvp(plain, (X, W), (W, X))[1], rtol=1e-14
    )


def test_trees_several_results_static_arguments_and_keywords():
    @ag.custom_vjp
    def f(params, name, k=2):
        assert name == "static"
        return {"a": params["x"] * k, "b": np.sum(params["x"])}

    def forward(params, name, k=2):
        return f(params, name, k), k

    def backward(k, g):
        return {"x": g["a"] * k + g["b"]}, None, None

    f.defvjp(forward, backward)
    found = ag.grad(lambda p: np.sum(f(p, "static", k=3)["a"] ** 2))({"x": X})
    np.testing.assert_allclose(found["x"], 18.0 * X, rtol=1e-15)
    found = ag.grad(lambda p: f(p, "static")["b"] * 1.0)({"x": X})
    np.testing.assert_array_equal(found["x"], np.ones(4))
    assert f.__name__ == "f"


def test_integers_of_the_result_carry_nothing():
    @ag.custom_jvp
    def f(x):
        return x * 2.0, np.argmax(ag.value(x))

    f.defjvp(lambda p, t: (f(*p), (t[0] * 2.0, np.zeros(()))))
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(f(x)[0] * x))(X), 4.0 * X)


def test_complex_adjoints():
    @ag.custom_vjp
    def f(z):
        return z * z

    f.defvjp(lambda z: (z * z, z), lambda z, g: (g * np.conj(2.0 * z),))
    z = X + 1j * W
    np.testing.assert_allclose(
        ag.grad(lambda z: np.sum(np.real(f(z) * (1 - 2j))))(z),
        ag.grad(lambda z: np.sum(np.real(z * z * (1 - 2j))))(z),
        rtol=1e-14,
    )


def without_rule():
    return ag.custom_vjp(lambda x: x)(X)


def wrong_structure():
    f = ag.custom_vjp(lambda x: np.sum(x))
    f.defvjp(lambda x: (np.sum(x), None), lambda kept, g: g)
    return ag.grad(f)(X)


def wrong_shape():
    f = ag.custom_vjp(lambda x: np.sum(x))
    f.defvjp(lambda x: (np.sum(x), None), lambda kept, g: (g * np.ones(3),))
    return ag.grad(f)(X)


def captured():
    def outer(x):
        f = ag.custom_vjp(lambda y: np.sum(y * x))
        f.defvjp(lambda y: (np.sum(y * x), None), lambda kept, g: (g * x,))
        return f(x)

    return ag.grad(outer)(X)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (without_rule, ArgumentError, r"call defvjp"),
        (lambda: ag.custom_jvp(np.sin)(X), ArgumentError, r"call defjvp"),
        (lambda: ag.custom_vjp(3), ArgumentError, "expected a function"),
        (wrong_structure, ShapeError, "expected a tuple with one cotangent"),
        (wrong_shape, ShapeError, r"expected shape \(4,\)"),
        (captured, TraceError, "Pass it as an argument"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_plain_numbers_beside_arrays_have_the_tangent_zero():
    f = by_jvp()
    np.testing.assert_allclose(
        ag.grad(lambda x: f(x, 2.0))(X), ag.grad(lambda x: plain(x, 2.0))(X), rtol=1e-14
    )
    g = by_vjp()
    np.testing.assert_allclose(
        ag.grad(lambda x: g(x, 2.0))(X), ag.grad(lambda x: plain(x, 2.0))(X), rtol=1e-14
    )
