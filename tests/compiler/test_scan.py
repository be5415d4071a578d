"""``scan`` does what the loop does, to the bit; it refuses what would be another loop."""

import math

import numpy as np
import pytest

import anygrad as ag
from anygrad import trees
from anygrad.compiler.scanning.loops import Loop
from anygrad.compiler.scanning.running import Runner
from anygrad.errors import ArgumentError, ShapeError, TraceError
from tests.compiler.loops import assert_same_bits, plain_scan
from tests.support.namespaces import OFF_HOST

R = np.random.default_rng(0)
ROWS = {"a": R.normal(size=(23, 3)), "b": R.normal(size=23)}


def branching(carry, x):
    h, k = carry
    h = np.tanh(h * x["b"] + x["a"])
    if np.sum(h) > 0:
        h = h * 0.9
    return (h, k + 1), {"o": h * k, "s": np.sum(h), "none": None}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("checkpoint", ["auto", 5, True])
def test_values_are_those_of_the_loop(reverse, checkpoint):
    found = ag.scan(branching, (np.ones(3), 0), ROWS, reverse=reverse, checkpoint=checkpoint)
    assert_same_bits(found, plain_scan(branching, (np.ones(3), 0), ROWS, reverse=reverse))


STEPS = {
    "no carry": (lambda c, x: ((), x * 2.0), (), np.arange(3.0)),
    "swapped carry": (
        lambda c, x: ((c[1], c[0]), c[0] + x),
        (np.ones(2), np.zeros(2)),
        np.arange(3.0),
    ),
    "handed through": (lambda c, x: (c, c), np.arange(3.0), np.arange(4.0)),
    "float32": (lambda c, x: (c * 0.5 + x, c), np.float32(1.0), np.ones(3, np.float32)),
    "integers": (lambda c, x: (c * 3 + x, c // 2), np.arange(3), np.arange(5)),
    "booleans": (lambda c, x: (c & (x > 0), ~c), np.asarray(True), np.asarray([1.0, -1.0, 2.0])),
    "library functions": (
        lambda c, x: (c / np.linalg.norm(c) + x, np.var(c)),
        np.arange(3.0),
        R.normal(size=(4, 3)),
    ),
    "functions of Python": (lambda c, x: (math.sin(c) * x, c), np.float64(0.5), np.ones(4)),
    "several results": (
        lambda c, x: (np.linalg.svd(c)[0] + x, np.linalg.eigh(c @ c.T)[1]),
        np.eye(2) + 1.0,
        R.normal(size=(4, 2, 2)),
    ),
    "strided rows": (lambda c, x: (np.sum(x) + c, x @ x), 0.0, R.normal(size=(6, 8)).T[:, ::2]),
    "written buffer": (
        lambda c, x: (buffered(c, x), np.sum(c)),
        np.ones(3),
        np.arange(4.0),
    ),
}


def buffered(c, x):
    out = np.zeros(3)
    out[0] = c[1] * x
    out[1:] = c[:2]
    return out


@pytest.mark.parametrize("name", STEPS)
def test_all_kinds_of_steps(name):
    step, init, xs = STEPS[name]
    assert_same_bits(ag.scan(step, init, xs), plain_scan(step, init, xs))


def test_the_body_is_printed_anew_where_the_order_of_memory_changes():
    step = lambda c, x: (c * 0.5 + x, np.sum(c * c))
    init = R.normal(size=(64, 200))[:, ::2]  # what follows has no gaps
    assert_same_bits(ag.scan(step, init, np.ones(3)), plain_scan(step, init, np.ones(3)))
    loop = Loop("loop", lambda closed, c, x: ([c[0] * 0.5], []), 0, 1, 4, False)
    runner = Runner(loop)
    runner([init])
    assert [key[1][1] for key in runner.ways] == [init.strides, (800, 8)]


def test_a_length_takes_the_place_of_rows():
    carry, ys = ag.scan(lambda c, x: (c * 2.0, x), 1.0, length=5)
    assert (carry, ys) == (32.0, None)
    with ag.use_settings(fuse=False):
        assert ag.scan(lambda c, x: (c * 2.0, x), 1.0, length=5) == (32.0, None)


def test_no_steps_give_the_first_carry_and_empty_results():
    init = np.ones(3)
    carry, ys = ag.scan(lambda c, x: (c + x, {"y": c[:2] * 2}), init, np.ones((0, 3)))
    np.testing.assert_array_equal(carry, init)
    assert not np.shares_memory(carry, init)
    assert ys["y"].shape == (0, 2)
    f = lambda w: np.sum(ag.scan(lambda c, x: (c + x, c), w, np.ones((0, 3)))[0])
    np.testing.assert_array_equal(ag.grad(f)(init), np.ones(3))


def test_numbers_become_arrays_of_the_dtype_that_the_step_gives():
    carry, _ = ag.scan(lambda c, x: (c * 0.5 + x, None), 1, np.ones(3, np.float32))
    assert carry.dtype == np.float32
    carry, _ = ag.scan(lambda c, x: ((c[0] + x, c[1] + 1), None), (0.0, 0), np.ones(3))
    assert (carry, [type(c) for c in carry]) == ((3.0, 3), [np.float64, np.int64])


def test_the_step_is_run_once_for_each_way_through_its_code():
    calls = []

    def step(c, x):
        calls.append(1)
        return (c * 0.5 if c > 1.0 else c + x), None

    assert (
        ag.scan(step, np.float64(0.0), np.ones(50))[0]
        == plain_scan(lambda c, x: ((c * 0.5 if c > 1.0 else c + x), x), 0.0, np.ones(50))[0]
    )
    assert len(calls) <= 2 + 50  # the loop beside it runs its own step
    assert len(calls) == 2


def test_a_step_that_goes_another_way_each_time_runs_as_a_loop():
    step = lambda c, x: (c + ag.value(x).item(), c)
    assert_same_bits(ag.scan(step, 0.0, np.arange(100.0)), plain_scan(step, 0.0, np.arange(100.0)))
    carry, _ = ag.scan(lambda c, x: (c + plain_number(x), c), 0.0, np.arange(4.0))
    assert carry == 6.0
    slope = ag.grad(lambda w: ag.scan(lambda c, x: (c * w + int(x), 1.0), 0.0, np.arange(60.0))[0])
    expected = sum(k * m * 0.5 ** (m - 1) for k in range(60) for m in [59 - k] if m)
    np.testing.assert_allclose(slope(0.5), expected)


def plain_number(x):
    return {"": float}[""](ag.value(x))  # the type itself, called where nothing can tell


def test_results_share_no_memory_with_arguments_constants_or_each_other():
    a, xs, constant = np.ones(2), np.ones((3, 2)), np.ones(2)
    carry, _ = ag.scan(lambda c, x: ((c[0], c[0]), x), (a, a), xs)
    assert not np.shares_memory(*carry)
    assert not np.shares_memory(carry[0], a)
    assert not np.shares_memory(ag.scan(lambda c, x: (x, x), a, xs)[0], xs)
    carry, ys = ag.scan(lambda c, x: (constant, constant), a, xs)
    assert not np.shares_memory(carry, constant)
    assert not np.shares_memory(ys, constant)


def test_every_library_runs_it(quick_xp):
    xp = quick_xp
    w = xp.asarray([0.5, -0.25])
    asked = xp.name not in OFF_HOST  # a branch reads the device

    def loss(scan, w, xs):
        def step(c, x):
            nx = ag.namespace(c + w)
            c = nx.sin(c * w + x)
            return (c * 0.5 if asked and c[0] > 0.0 else c), nx.sum(c * c)

        carry, ys = scan(step, xs[0, :], xs)
        nx = ag.namespace(carry)
        return nx.sum(carry) + nx.sum(ys)

    def loop(step, c, xs):
        ys = []
        for k in range(xs.shape[0]):
            c, y = step(c, xs[k, :])
            ys.append(y)
        return c, ag.namespace(ys[0]).stack(ys)

    xs = xp.asarray(R.normal(size=(5, 2)))
    for transform in (
        lambda f: f,
        lambda f: ag.grad(f, (0, 1)),
        lambda f: ag.jacobian(ag.grad(f, (0, 1))),
        lambda f: ag.compile(ag.value_and_grad(f, (0, 1))),
    ):
        found = transform(lambda w, xs: loss(ag.scan, w, xs))(w, xs)
        expected = transform(lambda w, xs: loss(loop, w, xs))(w, xs)
        for a, b in zip(trees.leaves(found), trees.leaves(expected), strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(ag.to_numpy(a), ag.to_numpy(b), rtol=1e-12, atol=1e-14)


def counted(c, x):
    return (c[0] + x, c[1] + 1), None


REFUSED = {
    "no pair": (lambda c, x: c + x, 1.0, np.ones(3), {}, ArgumentError, r"a tuple \(carry, y\)"),
    "three": (lambda c, x: (c, x, x), 1.0, np.ones(3), {}, ArgumentError, r"a tuple \(carry, y\)"),
    "structure": (lambda c, x: ((c, x), x), 1.0, np.ones(3), {}, ArgumentError, "structure"),
    "dtype": (lambda c, x: (c + x, x), np.float32(1), np.ones(3), {}, ShapeError, "as carry"),
    "shape": (
        lambda c, x: ({"a": c["a"] + x}, x),
        {"a": np.ones(1)},
        np.ones((3, 2)),
        {},
        ShapeError,
        r"carry\['a'\]",
    ),
    "no array": (lambda c, x: (c, "y"), 1.0, np.ones(3), {}, ArgumentError, "returned 'y'"),
    "no init": (lambda c, x: (c, x), {"a": "s"}, np.ones(3), {}, ArgumentError, r"init\['a'\]"),
    "no length": (lambda c, x: (c, x), 1.0, None, {}, ArgumentError, "length="),
    "negative": (lambda c, x: (c, x), 1.0, None, {"length": -1}, ArgumentError, "0 or more"),
    "fraction": (lambda c, x: (c, x), 1.0, None, {"length": 2.0}, ArgumentError, "an integer"),
    "length": (lambda c, x: (c, x), 1.0, np.ones(3), {"length": 2}, ShapeError, "expected 2"),
    "lengths": (
        lambda c, x: (c, x),
        1.0,
        (np.ones(3), np.ones(2)),
        {},
        ShapeError,
        r"xs\[1\]\): got 2 rows; expected 3",
    ),
    "numbers": (lambda c, x: (c, x), 1.0, [1.0, 2.0], {}, ArgumentError, r"xs\[0\]"),
    "no axis": (lambda c, x: (c, x), 1.0, np.float64(2), {}, ShapeError, "an axis 0"),
    "interval": (
        lambda c, x: (c, x),
        1.0,
        np.ones(3),
        {"checkpoint": 0},
        ArgumentError,
        "checkpoint",
    ),
    "no step": (3, 1.0, np.ones(3), {}, ArgumentError, "a function of a carry and a row"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_loop_is_refused_by_name(name):
    step, init, xs, more, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        ag.scan(step, init, xs, **more)


def writes_carry(c, x):
    c[0] = x[1]
    return c, x


def adds_to_carry(c, x):
    c += x
    return c, x


def scales_row(c, x):
    x *= 2.0
    return c, x


@pytest.mark.parametrize("step", [writes_carry, adds_to_carry, scales_row])
def test_a_step_that_writes_into_its_arguments_is_refused(step):
    init, xs = np.ones(2), np.ones((3, 2))
    with pytest.raises(TraceError, match="writes into its argument"):
        ag.scan(step, init, xs)
    np.testing.assert_array_equal(init, np.ones(2))
    np.testing.assert_array_equal(xs, np.ones((3, 2)))


def test_results_that_change_are_refused():
    def structure(c, x):
        return (c + x, c) if c > 1.0 else (c + x, (c, c))

    def shape(c, x):
        return (c + x, np.ones(1)) if c > 1.0 else (c + x, np.ones(3))

    for step, message in ((structure, "one structure"), (shape, "shape")):
        with pytest.raises((ArgumentError, ShapeError), match=message):
            ag.scan(step, 0.0, np.ones(4))
