"""Single elements: right gradients pass, wrong ones are found and their element named."""

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anygrad as ag
from anygrad import check_gradients
from anygrad.checking import judging, procedure
from anygrad.checking.measuring import Slopes
from anygrad.checking.subjects import Subject, rounding_of
from anygrad.errors import GradientError
from tests.checking.cases import DATA, HIDDEN, RIGHT, RNG, SHARP
from tests.support import to_host


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    f, slope, x = RIGHT[name]
    report = check_gradients(f, x, grad=slope)
    assert report.ok, str(report)
    assert report.cause == "agrees"
    assert report.checked == report.total == x.size
    assert report.raise_if_wrong() is report


@pytest.mark.parametrize("name", [*SHARP, "large value, small slope"])
def test_a_slope_off_by_a_thousandth_is_found_and_named(name):
    f, slope, x = RIGHT[name]
    for i in range(x.size):
        if name == "slopes of many scales" and i < 3:
            continue  # a thousandth of 1e-4, beside values of 1e6, is below the rounding of f
        factor = np.ones(x.size)
        factor[i] = 1.001
        report = check_gradients(f, x, grad=slope(x) * factor)
        assert not report.ok
        assert (report.wrong, report.worst.index) == (1, (i,))
        assert report.cause == "wrong rule"


def test_what_is_allowed_beside_the_bar_is_rtol():
    """By default 16 eps^(2/3), 5.9e-10 in double precision."""
    x = np.asarray([1.0, 2.0])

    def check(off, **options):
        slope = np.full(2, 3.0 * (1.0 + off))
        return check_gradients(lambda x: 3.0 * np.sum(x), x, grad=slope, **options).ok

    assert [check(5e-10), check(7e-10)] == [True, False]
    assert [check(9e-3, rtol=1e-2), check(1.1e-2, rtol=1e-2)] == [True, False]
    assert [check(0.0, rtol=0.0), check(1e-11, rtol=0.0)] == [True, False]


WRONG = {
    "factor": lambda g: 1.001 * g,
    "sign": lambda g: -g,
    "sign of one": lambda g: g * np.where(np.arange(g.size) == 7, -1, 1).reshape(g.shape),
    "transposed": np.transpose,
    "missing term": lambda g: g - np.where(np.arange(g.size) == 7, 0.1, 0).reshape(g.shape),
    "nan": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 7, np.nan, g),
    "inf": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 7, np.inf, g),
}


@pytest.mark.parametrize("evaluate", ["auto", "loop", "stacked", "vmap"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_fail_in_every_way_of_evaluating(name, evaluate):
    w = RNG.normal(size=(4, 4))
    m = DATA[:4]

    def f(params):
        return np.sum(np.sin(np.tensordot(m, params["w"], axes=(1, 0))), axis=(0, 1))

    right = {"w": m.T @ np.cos(m @ w)}
    assert check_gradients(f, {"w": w}, grad=right, evaluate=evaluate).ok
    report = check_gradients(f, {"w": w}, grad={"w": WRONG[name](right["w"])}, evaluate=evaluate)
    assert not report.ok
    assert report.worst.path == "params['w']"
    if report.wrong == 1:
        assert report.worst.index == (1, 3)
        assert "params['w'][1, 3]" in str(report)
        assert report.worst.numerical == pytest.approx(right["w"][1, 3], rel=1e-9)
    with pytest.raises(GradientError, match=r"The gradient is wrong in \d+ of the 16 elements"):
        report.raise_if_wrong()
    with pytest.raises(AssertionError):
        report.raise_if_wrong()


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(2, 8), st.sampled_from([1, 1e-5, 1e5]))
def test_no_false_alarm_for_random_smooth_functions(seed, n, scale):
    rng = np.random.default_rng(seed)
    m, x = rng.normal(size=(5, n)), rng.normal(size=n)

    def f(x):
        return scale * np.sum(np.tanh(m @ x) * np.arange(5.0))

    def slope(x):
        return scale * m.T @ ((1 - np.tanh(m @ x) ** 2) * np.arange(5.0))

    assert check_gradients(f, x, grad=slope).ok
    wrong = slope(x)
    k = int(np.argmax(np.abs(wrong)))
    wrong[k] *= 1.001
    report = check_gradients(f, x, grad=wrong)
    assert (report.wrong, report.worst.index) == (1, (k,))


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.sampled_from([np.float64, np.float32]))
def test_no_false_alarm_for_networks_of_rectifiers(seed, dtype):
    """Kinks at any distance from the point, in either precision."""
    rng = np.random.default_rng(seed)
    data, w, v = (rng.normal(size=s).astype(dtype) for s in ((10, 4), (4, 8), (8,)))

    def f(params):
        return np.mean(np.maximum(data @ params["w"], 0) @ params["v"])

    report = check_gradients(f, {"w": w, "v": v})
    assert report.verdict != "wrong", str(report)
    if dtype is np.float64:
        assert report.ok, str(report)


def test_the_automatic_gradient_is_right_on_every_backend(quick_xp):
    xp = quick_xp
    params = {"w": xp.asarray([[0.1, -0.2], [0.3, 0.4]]), "b": xp.asarray([0.5, -0.6])}
    data = xp.asarray([[1.0, 2.0], [-1.0, 0.5], [0.3, 0.2]])

    def loss(params, data):
        xp = ag.namespace(params["w"], data)
        return xp.mean(xp.tanh(xp.matmul(data, params["w"]) + params["b"]) ** 2)

    report = check_gradients(loss, params, data)
    assert report.ok, str(report)
    assert report.total == 6
    assert report.modes.forward == pytest.approx(report.modes.reverse, rel=1e-12)
    both = check_gradients(loss, params, data, argnums=(0, 1))
    assert both.ok, str(both)
    assert both.total == 12


def test_single_precision_on_every_backend(quick_xp):
    xp = quick_xp
    x = xp.asarray([0.1, -0.2, 1.3], dtype=xp.float32)

    def f(x):
        xp = ag.namespace(x)
        return xp.sum(xp.exp(x) * x)

    assert check_gradients(f, x).ok


def test_complex_points_on_every_backend(quick_xp):
    xp = quick_xp
    z = xp.asarray([1.0 + 2.0j, -0.5 + 0.1j], dtype=xp.complex128)

    def f(z):
        xp = ag.namespace(z)
        return xp.sum(xp.real(z) ** 2 * xp.imag(z))

    report = check_gradients(f, z)
    assert report.ok, str(report)
    assert report.total == 4
    slopes = xp.asarray([4.0 + 1.0j, -0.1 + 0.5j], dtype=xp.complex128)
    for options in ({}, {"samples": 4}):
        report = check_gradients(f, z, grad=slopes, **options)
        worst = report.worst
        assert (report.wrong, worst.index, worst.part) == (1, (1,), "imaginary")
        assert "z[1] (imaginary part)" in str(report)
    assert to_host(slopes)[1] == -0.1 + 0.5j


def test_numbers_and_several_arguments_are_named_as_in_the_signature():
    def f(a, scale, bias=0.0):
        return np.sum(a) * scale**2 + bias

    a = np.asarray([1.0, 2.0])
    assert check_gradients(f, a, 2.0, 1.0, argnums=(0, 1, 2)).ok
    wrong = (np.asarray([4.0, 4.0]), 12.0, 2.0)
    report = check_gradients(f, a, 2.0, 1.0, argnums=(0, 1, 2), grad=wrong)
    assert (report.wrong, report.worst.path, report.worst.index) == (1, "bias", ())
    report = check_gradients(lambda *args: args[1] ** 2, 1.0, 3.0, argnums=1, grad=5.0)
    assert report.worst.path == "args[1]"
    report = check_gradients(lambda *args, scale=2.0: scale * args[0], 1.0, grad=5.0)
    assert report.worst.path == "args[0]"

    def positional(first, /, second):
        return first * second

    report = check_gradients(positional, 3.0, 4.0, argnums=(1,), grad=(5.0,))
    assert (report.wrong, report.worst.path) == (1, "second")
    assert Subject.of("f", max, (1.0, 2.0), 1).leaves[0][0] == "args[1]"  # it tells no signature


def test_some_elements_of_complex_points():
    z = np.asarray([1.0 + 2.0j, -0.5 + 0.1j, 0.3 - 1.0j])

    def f(z):
        return np.sum(np.real(z) ** 2 * np.imag(z) + np.exp(np.imag(z)))

    slope = 2 * z.real * z.imag + 1j * (z.real**2 + np.exp(z.imag))
    for samples in (1, 2, 3, 5):
        report = check_gradients(f, z, grad=slope, samples=samples)
        assert report.ok, str(report)
        assert report.checked == samples
    report = check_gradients(f, z, grad=slope + np.asarray([0.0, 0.0, 0.1j]), samples=5)
    assert (report.wrong, report.worst.index, report.worst.part) == (1, (2,), "imaginary")


def test_leaves_none_of_whose_elements_are_checked_are_copied_for_every_call():
    x = {"a": np.ones(2), "b": np.ones(2)}

    def f(t):
        t["b"] *= 2.0
        return t["a"][0] ** 2 * np.sum(t["b"])

    slope = {"a": np.asarray([8.0, 0.0]), "b": np.full(2, 2.0)}
    report = check_gradients(f, x, grad=slope, samples=1)
    assert report.ok, str(report)
    assert report.checked == 1


def test_a_plain_number_is_as_precise_as_the_point():
    for dtype in (np.float32, np.float64):
        subject = Subject.of("f", np.sum, (np.ones(2, dtype),), 0)
        assert rounding_of(subject, 3.0) == np.finfo(dtype).eps
        assert rounding_of(subject, np.float64(3.0)) == np.finfo(np.float64).eps
        assert rounding_of(subject, np.float32(3.0)) == np.finfo(np.float32).eps


def test_samples_check_a_part_spread_over_all(quick_xp):
    xp = quick_xp
    x = {"a": xp.zeros(20), "b": xp.ones(20)}
    calls = []

    def f(t):
        calls.append(1)
        return xp.sum(t["a"]) + xp.sum(t["b"] ** 3)

    slopes = {"a": xp.ones(20), "b": 3 * xp.ones(20)}
    report = check_gradients(f, x, grad=slopes, samples=5)
    assert report.ok
    assert (report.checked, report.total) == (5, 40)
    assert len(calls) <= 12 * 5 + 7
    assert "5 of 40 elements" in str(report)
    assert {element.index for element in report.elements} == {(0,), (10,), (19,), (9,)}
    assert check_gradients(f, x, grad=slopes, samples=1000).checked == 40
    wrong = {"a": xp.ones(20), "b": 4 * xp.ones(20)}
    report = check_gradients(f, x, grad=wrong, samples=5)
    assert report.worst.path == "t['b']"


def test_a_kink_is_named_and_any_slope_between_passes():
    x = np.asarray([1.0, 0.0])
    for slope, ok in {0.0: True, 0.7: True, -1.0: True, 1.2: False, -1.1: False}.items():
        report = check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.asarray([1.0, slope]))
        assert report.ok == ok
        assert report.kinks == 1
    assert (report.cause, report.verdict) == ("kink", "wrong")
    sentence = "kink here: its slope is -1 to the left and 1 to the right"
    assert sentence in report.worst.explanation
    assert sentence in str(report)
    assert check_gradients(lambda x: np.sum(x**2), x).kinks == 0


def test_beside_a_kink_only_the_slope_of_that_side_passes():
    x = np.asarray([1e-6, -2e-5])
    assert check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.asarray([1.0, -1.0])).ok
    for slopes in ([0.999, -1.0], [1.0, 1.0], [0.0, -1.0]):
        assert not check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.asarray(slopes)).ok


def test_a_side_that_agrees_without_being_sharp_leaves_doubt(monkeypatch):
    """Kinks on both sides may mislead the ladder: what one side supports is not called wrong."""
    one, none = np.ones(1), np.zeros(1, dtype=bool)
    slopes = Slopes(2.1 * one, 1e-3 * one, 0.0 * one, none, none, none, none)
    monkeypatch.setattr(procedure, "measure_all", lambda subject, evaluate: slopes)
    monkeypatch.setattr(judging, "measure_side", lambda subject, k, side: (2.0, 9.0))
    report = check_gradients(lambda x: np.sum(x**2), one)
    assert (report.verdict, report.cause) == ("inconclusive", "step")
    assert "kinks" in report.worst.explanation
    monkeypatch.setattr(judging, "measure_side", lambda subject, k, side: (2.1, 9.0))
    assert check_gradients(lambda x: np.sum(x**2), one).verdict == "wrong"


def test_an_edge_of_the_domain_and_a_gradient_that_is_not_finite_are_named():
    x = np.asarray([1.0, 0.0])

    def f(x):
        return np.sum(np.sqrt(np.maximum(x, 0.0)) + np.where(x < 0, np.nan, 0.0))

    report = check_gradients(f, x, grad=np.asarray([0.5, 1.0]))
    assert (report.verdict, report.cause) == ("inconclusive", "edge")
    assert "edge of the domain" in report.worst.explanation
    report = check_gradients(f, x, grad=np.asarray([0.5, np.inf]))
    assert (report.verdict, report.worst.explanation) == ("wrong", "The gradient is not finite")
    assert check_gradients(f, x[:1], grad=np.asarray([0.5])).worst.explanation == ""


def test_a_slope_at_the_edge_that_one_side_tells_is_compared():
    def f(x):
        return np.sum(np.where(x < 0, np.nan, np.abs(x) ** 1.5 + 2.0 * x))

    assert check_gradients(f, np.zeros(1), grad=np.full(1, 2.0)).ok
    assert check_gradients(f, np.zeros(1), grad=np.full(1, 2.01)).verdict == "wrong"


def test_a_function_that_is_not_finite_at_the_point_says_so():
    report = check_gradients(lambda x: np.sum(x) * np.nan, np.ones(2), grad=np.ones(2))
    assert (report.verdict, report.cause) == ("inconclusive", "edge")
    assert "f is not finite at the point" in str(report)


CAUSES = {"jumps": "noise", "a jump beside a slope": "noise", "an offset": "step"}


@pytest.mark.parametrize("slope", [0.5, -3.0, 20.0, 1e4])
@pytest.mark.parametrize("name", HIDDEN)
def test_a_wrong_gradient_does_not_hide_behind_a_large_bar(name, slope):
    f, x, words = HIDDEN[name]
    report = check_gradients(f, x, grad=np.full_like(x, slope))
    assert not report.ok
    assert "agrees" not in str(report)
    if report.verdict == "inconclusive":
        assert report.inconclusive >= 1
        assert words in report.worst.explanation
        assert report.cause == CAUSES.get(name, report.cause)
        assert str(report).startswith("The check is inconclusive in ")
        with pytest.raises(GradientError, match="inconclusive"):
            report.raise_if_wrong()


def test_jumps_and_lost_digits_are_inconclusive_whatever_the_gradient():
    for name, slope in {"jumps": 0.0, "an offset in single precision": 1.0}.items():
        f, x, _ = HIDDEN[name]
        assert check_gradients(f, x, grad=np.full_like(x, slope)).verdict == "inconclusive"


def test_noise_of_known_size_leaves_a_clearly_wrong_slope_wrong():
    def f(x):  # the same noise at the same point
        noise = np.random.default_rng(crc32(np.asarray(x).tobytes())).normal()
        return np.sum(x**2) + 1e-8 * noise

    x = np.asarray([1.0, 2.0, 3.0])
    right = check_gradients(f, x, grad=2 * x)
    assert right.verdict != "wrong", str(right)
    report = check_gradients(f, x, grad=2.1 * x)
    assert (report.verdict, report.wrong) == ("wrong", 3)
    assert "f is noisy" in report.worst.explanation


def test_an_unresolved_element_is_named_only_where_none_is_wrong():
    f, x, _ = HIDDEN["a jump beside a slope"]
    report = check_gradients(f, x, grad=np.asarray([0.0, 4.0]))
    assert (report.verdict, report.inconclusive) == ("inconclusive", 1)
    assert (report.worst.index, report.worst.verdict) == ((0,), "inconclusive")
    report = check_gradients(f, x, grad=np.asarray([0.0, 1e6]))
    assert (report.verdict, report.worst.index) == ("wrong", (1,))
