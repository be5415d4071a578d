"""check_gradients: right gradients pass, wrong ones are found and their element named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anygrad as ag
from anygrad import checking
from anygrad.checking import check_gradients
from anygrad.errors import ArgumentError, DTypeError, GradientError, MissingRuleError, ShapeError
from tests.support import to_host

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(20, 4))
TARGET = RNG.normal(size=20)
LABELS = (TARGET > 0).astype(float)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_slope(x):
    g = np.zeros_like(x)
    g[1:] = 200 * (x[1:] - x[:-1] ** 2)
    g[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    return g


def logistic(w):
    t = DATA @ w
    return np.mean(np.logaddexp(0, t) - LABELS * t)


def logistic_slope(w):
    return DATA.T @ (1 / (1 + np.exp(-DATA @ w)) - LABELS) / len(LABELS)


# Function, gradient by hand, point; where false alarms are likely: slopes of zero, values large
# beside their slopes, minima, scales, kinks, noise of single precision.
RIGHT = {
    "rosenbrock": (rosenbrock, rosenbrock_slope, RNG.uniform(-2, 2, 12)),
    "rosenbrock at its minimum": (rosenbrock, rosenbrock_slope, np.ones(12)),
    "least squares": (
        lambda w: np.sum((DATA @ w - TARGET) ** 2),
        lambda w: 2 * DATA.T @ (DATA @ w - TARGET),
        RNG.normal(size=4),
    ),
    "least squares at its minimum": (
        lambda w: np.sum((DATA @ w - TARGET) ** 2),
        lambda w: 2 * DATA.T @ (DATA @ w - TARGET),
        np.linalg.lstsq(DATA, TARGET)[0],
    ),
    "equations at their solution": (
        lambda x: np.sum((DATA[:4] @ x - TARGET[:4]) ** 2),
        lambda x: 2 * DATA[:4].T @ (DATA[:4] @ x - TARGET[:4]),
        np.linalg.solve(DATA[:4], TARGET[:4]),
    ),
    "logistic": (logistic, logistic_slope, RNG.normal(size=4)),
    "zero slopes": (lambda x: np.sum(x**4), lambda x: 4 * x**3, np.zeros(3)),
    "large value, small slope": (lambda x: 1e8 + np.sum(np.sin(x)), np.cos, RNG.normal(size=5)),
    "tiny values": (lambda x: 1e-200 * np.sum(x**2), lambda x: 2e-200 * x, RNG.normal(size=5)),
    "huge values": (lambda x: 1e200 * np.sum(x**2), lambda x: 2e200 * x, RNG.normal(size=5)),
    "unused elements": (lambda x: x[0] ** 2, lambda x: 2 * x * [1, 0, 0], RNG.normal(size=3)),
    "constant": (lambda x: 3.0 + 0 * x[0], np.zeros_like, RNG.normal(size=3)),
    "nothing but zero": (lambda x: 0 * x[0], np.zeros_like, np.zeros(3)),
    "slopes of many scales": (
        lambda x: np.sum(10.0 ** np.arange(-6, 7) * np.sin(x)),
        lambda x: 10.0 ** np.arange(-6, 7) * np.cos(x),
        RNG.normal(size=13),
    ),
    "an offset, and no slope": (
        lambda x: 1e3 + np.sum(x**3),
        lambda x: 3 * x**2,
        np.zeros(2),
    ),
    "a point of inflection": (lambda x: np.sum(x**3), lambda x: 3 * x**2, np.zeros(2)),
    "slopes below the last digit": (lambda x: 1 + x[0] ** 4, lambda x: 4 * x**3, np.full(1, 1e-6)),
    "one relu at zero": (
        lambda x: 3 + np.maximum(x[0], 0),
        lambda x: 1.0 * (x > 0),
        np.zeros(1),
    ),
    "a kink between the steps": (
        lambda x: np.sum(np.abs(x)),
        np.sign,
        np.asarray([8e-6, 1, -2, 3]),
    ),
    "kinks at the point": (lambda x: np.sum(np.abs(x)), np.sign, np.asarray([0.0, 1.0, -2.0, 0.0])),
    "relu at zero": (
        lambda x: np.sum(np.maximum(x, 0) * [1.0, 2.0, 3.0]),
        lambda x: (x > 0) * [1.0, 2.0, 3.0],
        np.asarray([0.0, 1.0, -1.0]),
    ),
    "kinks beside the point": (
        lambda x: np.sum(np.abs(x)),
        np.sign,
        np.asarray([1e-6, -2e-5, 1e-9]),
    ),
    "steep": (
        lambda x: np.sum(np.exp(50 * x)),
        lambda x: 50 * np.exp(50 * x),
        RNG.normal(size=4) / 10,
    ),
    "many": (
        lambda x: np.sum(np.tanh(x) ** 2),
        lambda x: 2 * np.tanh(x) / np.cosh(x) ** 2,
        RNG.normal(size=500),
    ),
    "single precision": (
        lambda x: np.sum(np.sin(x) * x),
        lambda x: np.sin(x) + x * np.cos(x),
        RNG.normal(size=50).astype(np.float32),
    ),
    "single precision, many": (
        lambda x: np.mean(np.exp(x)),
        lambda x: np.exp(x) / np.float32(x.size),
        RNG.normal(size=1000).astype(np.float32),
    ),
    "single precision inside": (
        lambda x: float(np.sum(np.sin(x.astype(np.float32)).astype(np.float32))),
        np.cos,
        np.full(4, 1e3),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    f, slope, x = RIGHT[name]
    report = check_gradients(f, x, gradient=slope)
    assert report.ok, str(report)
    assert report.checked == report.total == x.size
    assert report.raise_if_wrong() is report


# Where differences can resolve a thousandth of every slope.
SHARP = [
    "rosenbrock",
    "least squares",
    "logistic",
    "tiny values",
    "huge values",
    "slopes of many scales",
]


@pytest.mark.parametrize("name", [*SHARP, "large value, small slope"])
def test_a_slope_off_by_a_thousandth_is_found_and_named(name):
    f, slope, x = RIGHT[name]
    large = 0.1 if name == "large value, small slope" else 1e-3
    for i in range(x.size):
        if name == "slopes of many scales" and i < 6:
            continue  # a thousandth of 0.1, beside values of 1e6, is below the rounding of f
        factor = np.ones(x.size)
        factor[i] = 1 + large
        report = check_gradients(f, x, gradient=slope(x) * factor)
        assert not report.ok
        assert (report.wrong, report.worst.index) == (1, (i,))


WRONG = {
    "factor": lambda g: 1.001 * g,
    "sign": lambda g: -g,
    "sign of one": lambda g: g * np.where(np.arange(g.size) == 7, -1, 1).reshape(g.shape),
    "transposed": np.transpose,
    "missing term": lambda g: g - np.where(np.arange(g.size) == 7, 0.1, 0).reshape(g.shape),
    "nan": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 7, np.nan, g),
    "inf": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 7, np.inf, g),
}


@pytest.mark.parametrize("evaluate", ["auto", "loop", "stacked"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_fail_in_every_way_of_evaluating(name, evaluate):
    w = RNG.normal(size=(4, 4))
    m = DATA[:4]

    def f(params):
        return np.sum(np.sin(np.tensordot(m, params["w"], axes=(1, 0))), axis=(0, 1))

    right = {"w": m.T @ np.cos(m @ w)}
    assert check_gradients(f, {"w": w}, gradient=right, evaluate=evaluate).ok
    report = check_gradients(
        f, {"w": w}, gradient={"w": WRONG[name](right["w"])}, evaluate=evaluate
    )
    assert not report.ok
    assert report.worst.path == "params['w']"
    if report.wrong == 1:
        assert report.worst.index == (1, 3)
        assert "params['w'][1, 3]" in str(report)
        assert report.worst.numerical == pytest.approx(right["w"][1, 3], rel=1e-6)
    with pytest.raises(GradientError, match=r"The gradient is wrong in \d+ of the 16 elements"):
        report.raise_if_wrong()
    with pytest.raises(AssertionError):
        report.raise_if_wrong()


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 8), st.sampled_from([1, 1e-5, 1e5]))
def test_no_false_alarm_for_random_smooth_functions(seed, n, scale):
    rng = np.random.default_rng(seed)
    m, x = rng.normal(size=(5, n)), rng.normal(size=n)

    def f(x):
        return scale * np.sum(np.tanh(m @ x) * np.arange(5.0))

    def slope(x):
        return scale * m.T @ ((1 - np.tanh(m @ x) ** 2) * np.arange(5.0))

    assert check_gradients(f, x, gradient=slope).ok
    wrong = slope(x)
    k = int(np.argmax(np.abs(wrong)))
    wrong[k] *= 1.001
    report = check_gradients(f, x, gradient=wrong)
    assert (report.wrong, report.worst.index) == (1, (k,))


def test_the_automatic_gradient_is_right_on_every_backend(xp):
    params = {"w": xp.asarray([[0.1, -0.2], [0.3, 0.4]]), "b": xp.asarray([0.5, -0.6])}
    data = xp.asarray([[1.0, 2.0], [-1.0, 0.5], [0.3, 0.2]])

    def loss(params, data):
        xp = ag.namespace(params["w"], data)
        return xp.mean(xp.tanh(xp.matmul(data, params["w"]) + params["b"]) ** 2)

    report = check_gradients(loss, params, data)
    assert report.ok, str(report)
    assert report.total == 6
    assert report.forward == pytest.approx(report.reverse, rel=1e-12)
    both = check_gradients(loss, params, data, argnums=(0, 1))
    assert both.ok, str(both)
    assert both.total == 12


def test_single_precision_on_every_backend(xp):
    x = xp.asarray([0.1, -0.2, 1.3], dtype=xp.float32)

    def f(x):
        xp = ag.namespace(x)
        return xp.sum(xp.exp(x) * x)

    assert check_gradients(f, x).ok


def test_complex_points_on_every_backend(xp):
    z = xp.asarray([1.0 + 2.0j, -0.5 + 0.1j], dtype=xp.complex128)

    def f(z):
        xp = ag.namespace(z)
        return xp.sum(xp.real(z) ** 2 * xp.imag(z))

    report = check_gradients(f, z)
    assert report.ok, str(report)
    assert report.total == 4
    slopes = xp.asarray([4.0 + 1.0j, -0.1 + 0.5j], dtype=xp.complex128)
    report = check_gradients(f, z, gradient=slopes)
    assert (report.wrong, report.worst.index, report.worst.part) == (1, (1,), "imaginary")
    assert "z[1] (imaginary part)" in str(report)
    assert to_host(slopes)[1] == -0.1 + 0.5j


def test_numbers_and_several_arguments_are_named_as_in_the_signature():
    def f(a, scale, bias=0.0):
        return np.sum(a) * scale**2 + bias

    a = np.asarray([1.0, 2.0])
    assert check_gradients(f, a, 2.0, 1.0, argnums=(0, 1, 2)).ok
    wrong = (np.asarray([4.0, 4.0]), 12.0, 2.0)
    report = check_gradients(f, a, 2.0, 1.0, argnums=(0, 1, 2), gradient=wrong)
    assert (report.wrong, report.worst.path, report.worst.index) == (1, "bias", ())
    report = check_gradients(lambda *args: args[1] ** 2, 1.0, 3.0, argnums=1, gradient=5.0)
    assert report.worst.path == "args[1]"


def test_samples_check_a_part_spread_over_all(xp):
    x = {"a": xp.zeros(20), "b": xp.ones(20)}
    calls = []

    def f(t):
        calls.append(1)
        return xp.sum(t["a"]) + xp.sum(t["b"] ** 3)

    slopes = {"a": xp.ones(20), "b": 3 * xp.ones(20)}
    report = check_gradients(f, x, gradient=slopes, samples=5)
    assert report.ok
    assert (report.checked, report.total) == (5, 40)
    assert len(calls) <= 4 * 5 + 7
    assert "5 of 40 elements" in str(report)
    assert check_gradients(f, x, gradient=slopes, samples=1000).checked == 40
    wrong = {"a": xp.ones(20), "b": 4 * xp.ones(20)}
    report = check_gradients(f, x, gradient=wrong, samples=5)
    assert report.worst.path == "t['b']"


def test_a_kink_is_named_and_any_slope_between_passes():
    x = np.asarray([1.0, 0.0])
    f = {0.0: True, 0.7: True, -1.0: True, 1.2: False}
    for slope, ok in f.items():
        report = check_gradients(lambda x: np.sum(np.abs(x)), x, gradient=np.asarray([1.0, slope]))
        assert report.ok == ok
        assert report.kinks == 1
    assert "kink here: its slope is -1 to the left and 1 to the right" in report.worst.cause
    assert check_gradients(lambda x: np.sum(x**2), x).kinks == 0


def test_an_edge_of_the_domain_and_a_gradient_that_is_not_finite_are_named():
    x = np.asarray([1.0, 0.0])

    def f(x):
        return np.sum(np.sqrt(np.maximum(x, 0.0)) + np.where(x < 0, np.nan, 0.0))

    report = check_gradients(f, x, gradient=np.asarray([0.5, 1.0]))
    assert not report.ok
    assert "edge of the domain" in report.worst.cause
    report = check_gradients(f, x, gradient=np.asarray([0.5, np.inf]))
    assert report.worst.cause == "The gradient is not finite"
    assert check_gradients(f, x[:1], gradient=np.asarray([0.5])).worst.cause == ""


def test_modes_that_disagree_fail(monkeypatch):
    x = np.asarray([1.0, 2.0])
    right = checking.jvp

    def wrong_jvp(f, primals, tangents):
        value, tangent = right(f, primals, tangents)
        return value, 1.001 * tangent

    monkeypatch.setattr(checking, "jvp", wrong_jvp)
    report = check_gradients(lambda x: np.sum(np.sin(x)), x)
    assert report.wrong == 0
    assert not report.ok
    assert report.verdict == "wrong"
    assert "agrees" not in str(report)
    with pytest.raises(GradientError, match="Forward and reverse mode disagree"):
        report.raise_if_wrong()


def test_a_missing_forward_rule_leaves_the_modes_uncompared(monkeypatch):
    def no_rule(f, primals, tangents):
        raise MissingRuleError("none")

    monkeypatch.setattr(checking, "jvp", no_rule)
    report = check_gradients(lambda x: np.sum(np.sin(x)), np.ones(2))
    assert report.ok
    assert report.forward is None


def test_a_wrong_automatic_gradient_is_found(monkeypatch):
    right = checking.value_and_grad

    def wrong(f, argnums):
        def run(*args):
            value, slopes = right(f, argnums)(*args)
            return value, 1.001 * slopes

        return run

    monkeypatch.setattr(checking, "value_and_grad", wrong)
    report = check_gradients(lambda x: np.sum(x**3), np.asarray([1.0, 2.0]))
    assert report.wrong == 2
    assert not report.modes_agree


def count_calls():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2) + 1e-6 * len(calls)

    return f


def use_up(data):
    def f(x):
        data[...] *= 0.999
        return np.sum(data * x)

    return f


def draw(rng):
    return lambda x: np.sum(x**2 * (rng.uniform(size=x.shape) > 0.3))


@pytest.mark.parametrize("evaluate", ["auto", "loop"])
@pytest.mark.parametrize("slope", [lambda x: 2 * x, lambda x: -x, np.zeros_like, None])
@pytest.mark.parametrize(
    "make",
    [count_calls, lambda: use_up(np.ones(20)), lambda: draw(np.random.default_rng(5))],
    ids=["counting", "using data up", "random"],
)
def test_a_function_of_several_values_at_one_point_is_inconclusive(make, slope, evaluate):
    x = np.linspace(1.0, 2.0, 20)
    report = check_gradients(make(), x, gradient=slope, evaluate=evaluate)
    assert (report.ok, report.verdict, report.repeatable) == (False, "inconclusive", False)
    assert len(set(report.values)) > 1
    assert str(report).startswith("f gives different values at the same point: ")
    assert "agrees" not in str(report)
    with pytest.raises(GradientError, match="different values at the same point"):
        report.raise_if_wrong()


def test_a_function_that_changes_its_data_leaves_that_of_the_caller():
    x, data = np.ones(3), np.ones(3)

    def f(x, data):
        data *= 0.5
        return np.sum(data * x)

    report = check_gradients(f, x, data, gradient=lambda x, data: data)
    assert (report.verdict, report.repeatable) == ("inconclusive", False)
    assert data.tolist() == [1.0, 1.0, 1.0]


def test_rounding_that_differs_from_call_to_call_is_no_different_value():
    """As sums on a GPU that add in any order."""
    rng = np.random.default_rng(2)
    signs = np.where(np.arange(2000) % 2, 1.0, -1.0)

    def f(x):
        order = rng.permutation(2000)
        return float(np.cumsum((signs * np.exp(x))[order])[-1])

    x = np.linspace(-1.0, 1.0, 2000)
    assert f(x) != f(x)
    report = check_gradients(f, x, gradient=lambda x: signs * np.exp(x), samples=50)
    assert report.ok, str(report)


# Bars above the slopes: differences cannot tell a right gradient from a wrong one.
HIDDEN = {
    "jumps": (lambda x: np.sum(np.floor(x)), np.asarray([1.0, 2.0]), "not smooth"),
    "a jump beside a slope": (
        lambda x: np.floor(x[0]) + x[1] ** 2,
        np.asarray([1.0, 2.0]),
        "not smooth",
    ),
    "noise": (
        lambda x: np.sum(x**2) + 1e-3 * np.sin(1e9 * np.sum(x) ** 2),
        np.asarray([1.0, 2.0, 3.0]),
        "not smooth",
    ),
    "waves": (lambda x: np.sum(np.sin(1e7 * x)), np.asarray([0.3, 0.5, 0.7]), "not smooth"),
    "an offset": (lambda x: 1e13 + np.sum(np.sin(x)), np.asarray([0.1, 0.2]), "rounding"),
    "an offset in single precision": (
        lambda x: np.float32(1e6) + np.sum(np.sin(x), axis=0),
        np.asarray([0.1, 0.2], dtype=np.float32),
        "rounding",
    ),
}


@pytest.mark.parametrize("slope", [0.5, -3.0, 20.0, 1e4])
@pytest.mark.parametrize("name", HIDDEN)
def test_a_wrong_gradient_does_not_hide_behind_a_large_bar(name, slope):
    f, x, cause = HIDDEN[name]
    report = check_gradients(f, x, gradient=np.full_like(x, slope))
    assert not report.ok
    assert "agrees" not in str(report)
    if report.verdict == "inconclusive":
        assert report.inconclusive >= 1
        assert cause in report.worst.cause
        assert str(report).startswith("The check is inconclusive in ")
        with pytest.raises(GradientError, match="inconclusive"):
            report.raise_if_wrong()


def test_noise_that_looks_like_truncation_is_inconclusive():
    # slopes of 15 over h and 120 over 4h, as x^3 might have, but both neighbours lie below
    h = 2.0**-17
    values = {-4: -460, -1: -590, 0: 0, 1: -560, 4: 500}

    def f(x):
        return h * values[round((float(x[0]) - 1.0) / h)]

    report = check_gradients(f, np.ones(1), gradient=np.full(1, -15.0))
    assert report.worst.numerical == 15.0
    assert report.verdict == "inconclusive"


def test_an_unresolved_element_is_named_only_where_none_is_wrong():
    f, x, _ = HIDDEN["a jump beside a slope"]
    report = check_gradients(f, x, gradient=np.asarray([0.0, 4.0]))
    assert (report.verdict, report.inconclusive) == ("inconclusive", 1)
    assert (report.worst.index, report.worst.resolved) == ((0,), False)
    report = check_gradients(f, x, gradient=np.asarray([0.0, 1e6]))
    assert (report.verdict, report.worst.index) == ("wrong", (1,))


@pytest.mark.parametrize("evaluate", ["auto", "stacked", "loop"])
@pytest.mark.parametrize("samples", [None, 2])
def test_functions_that_write_into_their_argument_are_checked(evaluate, samples):
    if evaluate == "stacked" and samples:
        samples = None
    x = {"w": np.asarray([[1.0, 2.0], [-0.5, 0.3]]), "b": np.asarray(1.5)}
    kept = {name: leaf.copy() for name, leaf in x.items()}

    def f(t):
        t["w"] *= 2.0
        t["b"] *= 2.0
        return np.sum(t["w"] ** 2, axis=(0, 1)) + t["b"] ** 3

    def slope(t):
        t["w"] *= 8.0
        t["b"] *= 24.0 * t["b"]
        return t

    report = check_gradients(f, x, gradient=slope, evaluate=evaluate, samples=samples)
    assert report.ok, str(report)
    right = {"w": 8 * kept["w"], "b": 24 * kept["b"] ** 2}
    assert check_gradients(f, x, gradient=right, evaluate=evaluate, samples=samples).ok
    wrong = {"w": 8.01 * kept["w"], "b": 24 * kept["b"] ** 2}
    report = check_gradients(f, x, gradient=wrong, evaluate=evaluate, samples=samples)
    assert report.verdict == "wrong"
    for name, leaf in x.items():
        assert leaf.tolist() == kept[name].tolist()


def test_the_automatic_gradient_of_a_writing_function_leaves_the_array():
    x = np.asarray([1.0, 2.0, -0.5])

    def f(x):
        plain = ag.value(x)
        plain *= 0.0
        y = x
        y = y * 2.0
        return np.sum(y**2)

    report = check_gradients(f, x)
    assert x.tolist() == [1.0, 2.0, -0.5]
    assert report.total == 3


def test_a_report_reads_as_sentences():
    report = check_gradients(lambda x: np.sum(x**3), np.asarray([1.0, 2.0]))
    assert str(report).startswith("The gradient agrees with central differences in the 2 elements")
    report = check_gradients(
        lambda x: np.sum(x**3), np.asarray([1.0, 2.0]), gradient=np.asarray([3.0, 11.0])
    )
    first, second = str(report).splitlines()
    assert first == "The gradient is wrong in 1 of the 2 elements checked."
    assert second.startswith("Worst is x[1]: automatic 11, numerical 12")
    assert second.endswith("error bars apart.")


def test_bad_input_is_refused():
    x = np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"check_gradients\(gradient\).*\(3, 2\).*\(2, 3\)"):
        check_gradients(np.sum, x, gradient=x.T)
    with pytest.raises(ArgumentError, match=r"check_gradients\(gradient\)"):
        check_gradients(np.sum, x, gradient={"x": x})
    with pytest.raises(DTypeError, match="int64"):
        check_gradients(np.sum, np.ones(2, dtype=int))
    with pytest.raises(ArgumentError, match=r"check_gradients\(argnums\)"):
        check_gradients(np.sum, x, argnums=1)
    with pytest.raises(ArgumentError, match=r"check_gradients\(rtol\)"):
        check_gradients(np.sum, x, rtol=-1.0)
    with pytest.raises(ArgumentError, match=r"check_gradients\(samples\)"):
        check_gradients(np.sum, x, samples=0)
    with pytest.raises(ArgumentError, match=r"check_gradients\(evaluate\)"):
        check_gradients(np.sum, x, evaluate="none")


def test_it_is_public():
    assert ag.check_gradients is check_gradients
    assert ag.differences.gradient is not None
