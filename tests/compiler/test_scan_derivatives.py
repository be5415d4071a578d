"""Derivatives of a loop, in any nesting, are those of the loop written in Python."""

import functools
import gc
import tracemalloc

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError
from tests.compiler.loops import assert_close, plain_scan

R = np.random.default_rng(0)
XS = R.normal(size=(7, 2))
W = np.asarray([0.3, -0.7])


def recurrent(scan, w, start, **options):
    """A loss that depends on what the step closes over, on the first carry, and on the rows."""

    def step(carry, x):
        h, k = carry
        h = np.tanh(h * w + x)
        h = h * 0.5 if np.sum(x) > 0 else h
        return (h, k + 1), {"h": h * w[0], "k": k * np.sum(h**2)}

    (h, _), ys = scan(step, (start, 0), XS * start[0], **options)
    return np.sum(h**3) + np.sum(ys["h"] ** 2) + ys["k"][3] * np.sum(ys["k"])


@pytest.fixture(params=[{}, {"checkpoint": 3, "reverse": True}], ids=["all kept", "some kept"])
def losses(request):
    both = (ag.scan, plain_scan)
    return [functools.partial(recurrent, scan, **request.param) for scan in both]


TRANSFORMATIONS = {
    "grad": lambda f: ag.grad(f, (0, 1))(W, W),
    "value_and_grad": lambda f: ag.value_and_grad(f, 1)(W, W),
    "jvp": lambda f: ag.jvp(f, (W, W), (W + 1.0, W)),
    "vjp": lambda f: ag.vjp(f, W, W)[1](np.asarray(1.0)),
    "linearize": lambda f: ag.linearize(lambda w: f(w, W), W)[1](W),
    "hessian": lambda f: ag.hessian(lambda w: f(w, w))(W),
    "reverse over reverse": lambda f: ag.jacobian(ag.grad(lambda w: f(w, w)))(W),
    "forward over forward": lambda f: ag.jvp(
        lambda w: ag.jvp(lambda v: f(v, w), (w,), (W,))[1], (W,), (W,)
    ),
    "hvp": lambda f: ag.hvp(lambda w: f(w, W), W, W),
    "checkpoint": lambda f: ag.grad(ag.checkpoint(lambda w: f(w, w)))(W),
    "vmap": lambda f: ag.vmap(f, (0, None))(np.stack([W, 2 * W, W - 1]), abs(W)),
    "vmap of grad": lambda f: ag.vmap(ag.grad(f, (0, 1)), (0, None))(np.stack([W, 2 * W]), abs(W)),
    "grad of vmap": lambda f: ag.grad(
        lambda w: np.sum(ag.vmap(lambda v: f(v * w, abs(W)))(np.stack([W, 2 * W])))
    )(W),
    "vmap of vmap": lambda f: ag.vmap(
        ag.vmap(lambda a, b: f(W * a, abs(W) * b), (None, 0)), (0, None)
    )(np.arange(3.0), np.arange(1.0, 3.0)),
    "vmap of hessian": lambda f: ag.vmap(ag.hessian(lambda w: f(w, abs(W))))(np.stack([W, 2 * W])),
    "compiled": lambda f: ag.compile(ag.grad(f, (0, 1)))(W, W),
    "compiled hessian": lambda f: ag.compile(ag.hessian(f))(W, W),
    "compiled vmap": lambda f: ag.compile(ag.vmap(ag.grad(f), (0, None)))(np.stack([W, W]), abs(W)),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_every_transformation_agrees(name, losses):
    found, expected = map(TRANSFORMATIONS[name], losses)
    assert_close(found, expected)


class Layer:
    def __init__(self, w):
        self.w = w

    def __call__(self, c, x):
        return np.tanh(c * self.w + x), c * self.w


def closed_over(scan, kind):
    def f(w):
        parts = {"nested": [{"w": w}], "derived": np.exp(w)}

        def inner(c):
            return c * parts["nested"][0]["w"] + parts["derived"]

        steps = {
            "attribute": Layer(w * 2.0),
            "nested": lambda c, x: (inner(c) * x, c),
            "partial": functools.partial(lambda v, c, x: (c * v + x, c), w),
            "default": lambda c, x, v=w: (c * v + x, c),
            "returned": lambda c, x: (w, w),
            "unused carry": lambda c, x: (c, w * x),
        }
        carry, ys = scan(steps[kind], np.ones(2), np.arange(1.0, 4.0))
        return np.sum(carry) + np.sum(ys**2)

    return f


@pytest.mark.parametrize(
    "kind", ["attribute", "nested", "partial", "default", "returned", "unused carry"]
)
def test_closed_over_values_are_differentiated_wherever_they_are_kept(kind):
    found, expected = (ag.grad(closed_over(scan, kind))(W) for scan in (ag.scan, plain_scan))
    assert_close(found, expected)
    assert np.any(found != 0.0)


def branch_reads_another(scan):
    def f(w, v):
        step = lambda c, x: (c * v if c > 2.0 else c + w * x, c)
        return scan(step, 0.5, np.ones(6))[1].sum()

    return f


def test_a_branch_taken_later_may_close_over_further_values():
    found, expected = (
        ag.grad(branch_reads_another(s), (0, 1))(1.0, 0.25) for s in (ag.scan, plain_scan)
    )
    assert_close(found, expected)
    assert found[1] != 0.0


@ag.custom_vjp
def straight(x):
    return np.round(x)


straight.defvjp(lambda x: (np.round(x), x), lambda x, g: (g * np.cos(x),))


@ag.custom_jvp
def cubed(x):
    return x * x * x


cubed.defjvp(lambda xs, ts: (cubed(*xs), 30.0 * xs[0] ** 2 * ts[0]))


def partly_zero(x, y):
    return paired(x, y)


@ag.custom_vjp
def paired(x, y):
    return x * y


paired.defvjp(lambda x, y: (x * y, y), lambda y, g: (g * y, None))

INSIDE = {
    "custom_vjp": lambda c, w, x: straight(c * w) + c * x,
    "custom_jvp": lambda c, w, x: cubed(c * w) * 0.1 + x,
    "rule with None": lambda c, w, x: paired(c, w) + w * x,
    "stop_gradient": lambda c, w, x: ag.stop_gradient(c) * w + c * 0.1 + x,
    "value": lambda c, w, x: float(ag.value(np.sum(x))) * w * c,
    "checkpoint": ag.checkpoint(lambda c, w, x: np.sin(c * w) + x),
    "grad": lambda c, w, x: c - 0.1 * ag.grad(lambda z: np.sum(np.sin(z * w) * x))(c),
    "jvp": lambda c, w, x: ag.jvp(lambda z: np.sin(z * w), (c,), (c * x,))[1],
    "vmap": lambda c, w, x: ag.vmap(lambda a, b: a * np.sin(b) + x)(c, w),
    "library function": lambda c, w, x: c * w / np.linalg.norm(c + w) + x,
}


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("order", ["grad", "hessian", "jvp", "vmap"])
def test_rules_and_transformations_within_the_step_count(name, order):
    def loss(scan):
        step = lambda w: lambda c, x: (INSIDE[name](c, w, x), c)
        return lambda w: np.sum(scan(step(w), w + 1.0, np.asarray([0.5, -0.25, 1.0]))[1] ** 2)

    take = {
        "grad": lambda f: ag.grad(f)(W),
        "hessian": lambda f: ag.hessian(f)(W),
        "jvp": lambda f: ag.jvp(f, (W,), (W + 1.0,)),
        "vmap": lambda f: ag.vmap(ag.grad(f))(np.stack([W, W + 1.0])),
    }[order]
    assert_close(take(loss(ag.scan)), take(loss(plain_scan)))


def test_loops_nest():
    def loss(scan):
        def outer(w, c, x):
            return scan(lambda d, y: (np.sin(d * w) + c * x, d * y), c, np.arange(3.0))

        return lambda w: np.sum(scan(functools.partial(outer, w), w, np.ones(4))[1])

    for take in (ag.grad, ag.hessian, lambda f: ag.compile(ag.grad(f))):
        assert_close(take(loss(ag.scan))(W), take(loss(plain_scan))(W))


def test_integers_index_and_count():
    def loss(scan):
        step = lambda w: lambda c, i: ((c[0] + w[i] * w[c[1]], 1 - c[1]), c[0] * w[i])
        return lambda w: scan(step(w), (0.0, 0), np.asarray([0, 1, 1, 0]))[0][0] ** 2

    assert_close(ag.grad(loss(ag.scan))(W), ag.grad(loss(plain_scan))(W))
    assert_close(ag.hessian(loss(ag.scan))(W), ag.hessian(loss(plain_scan))(W))
    of_batch = np.stack([W, 2 * W])
    assert_close(
        ag.vmap(ag.grad(loss(ag.scan)))(of_batch), ag.vmap(ag.grad(loss(plain_scan)))(of_batch)
    )


def test_complex_carries():
    def loss(scan):
        return lambda w: np.abs(scan(lambda c, x: (c * w + x, c), 1.0 + 0j, np.ones(3))[0]) ** 2

    assert_close(ag.grad(loss(ag.scan))(1.0 + 2.0j), ag.grad(loss(plain_scan))(1.0 + 2.0j))


def test_examples_that_disagree_on_a_branch_are_refused():
    step = lambda c, x: (c * 2.0 if c > 1.0 else c + x, c)
    f = lambda start: ag.scan(step, start, np.ones(3))[0]
    np.testing.assert_array_equal(ag.vmap(f)(np.asarray([2.0, 3.0])), [16.0, 24.0])
    with pytest.raises(TraceError, match=r"xp\.where"):
        ag.vmap(f)(np.asarray([0.0, 3.0]))


def test_arrays_overwritten_before_the_way_back_are_noticed():
    xs, data = np.ones(4), np.ones(5000)
    step = lambda w: lambda c, x: (c * w * np.sum(data * c) * 1e-3 + x, c)
    for overwritten in (xs, data):
        _, pull = ag.vjp(lambda w: ag.scan(step(w), 1.0, xs)[0], np.asarray(0.5))
        overwritten[0] = 7.0
        with pytest.raises(TraceError, match="overwritten"):
            pull(np.asarray(1.0))


def test_traced_values_do_not_escape_from_the_step():
    kept = []

    def step(c, x):
        kept.append(c * x)
        return c, x

    def f(w):
        ag.scan(step, w, np.ones(3))
        return np.sum(kept[0] * w)

    with pytest.raises(TraceError, match="after its transformation had ended"):
        ag.grad(f)(W)


def carries_at_peak(n, size, **options):
    def f(c):
        return np.sum(ag.scan(lambda c, _: (np.sin(c) * c, None), c, length=n, **options)[0])

    x = np.ones(size)
    gc.collect()
    tracemalloc.start()
    with ag.use_settings(kernels="off"):  # a compiler that is imported takes memory, too
        ag.grad(f)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / x.nbytes


def test_memory_grows_as_told():
    assert 100 < carries_at_peak(100, 4000) < 125
    assert carries_at_peak(400, 4000, checkpoint=True) < 100
    assert carries_at_peak(100, 4000, checkpoint=2) < 75


def test_auto_keeps_less_where_carries_are_large(monkeypatch):
    monkeypatch.setattr("anygrad.compiler.scanning.scans.LARGE", 50 * 8 * 4000)
    assert carries_at_peak(100, 4000) < 55
