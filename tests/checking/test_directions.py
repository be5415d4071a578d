"""Large inputs: directions find what is wrong, and halving leads to the element."""

import numpy as np
import pytest

import anygrad as ag
from anygrad import check_gradients
from anygrad.checking.procedure import EVERY, LEAVES
from tests.support import to_host

RNG = np.random.default_rng(11)
PARAMS = {
    "w": RNG.normal(size=(40, 50)),
    "layers": [RNG.normal(size=300), 1e-3 * RNG.normal(size=(2, 5))],
}


def f(params):
    xp = ag.namespace(params["w"])
    first, second = params["layers"]
    return xp.sum(xp.sin(params["w"])) / 10 + xp.sum(xp.exp(first)) + 1e-2 * xp.sum(second**3)


def slope(params):
    first, second = params["layers"]
    return {"w": np.cos(params["w"]) / 10, "layers": [np.exp(first), 3e-2 * second**2]}


def spoil(where, index, factor):
    found = slope(PARAMS)
    leaf = found["w"] if where == "w" else found["layers"][where]
    leaf[index] *= factor
    return found


def count(f):
    calls = []

    def counted(params):
        calls.append(1)
        return f(params)

    return counted, calls


def test_a_right_gradient_agrees_in_few_evaluations():
    counted, calls = count(f)
    report = check_gradients(counted, PARAMS, grad=slope)
    assert report.ok, str(report)
    assert (report.checked, report.directions, report.total) == (0, 2 + 3, 2310)
    assert [leaf.path for leaf in report.leaves] == [
        *("all leaves", "params['layers'][0]", "params['layers'][1]", "params['w']"),
    ]
    assert len(calls) < 5 * 70
    assert str(report).startswith("The gradient agrees with differences in the 5 directions")


WRONG = {
    "in the middle": ("w", (17, 33), 1.01, "params['w']"),
    "the first": ("w", (0, 0), -1.0, "params['w']"),
    "in a leaf of small slopes": (1, (1, 4), 1.5, "params['layers'][1]"),
    "the last of a leaf": (0, (299,), 0.99, "params['layers'][0]"),
    "nan": (0, (7,), np.nan, "params['layers'][0]"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_halving_leads_to_the_wrong_element(name, seed):
    where, index, factor, path = WRONG[name]
    counted, calls = count(f)
    report = check_gradients(counted, PARAMS, grad=spoil(where, index, factor), seed=seed)
    assert report.verdict == "wrong"
    worst = report.worst
    assert (worst.path, worst.index, worst.part) == (path, index, "")
    assert worst.cause == "wrong rule"
    assert "halving one leads to the element below" in str(report)
    assert " of the 1 " not in str(report)
    assert len(calls) < (5 + 12 + 2) * 70  # log2(2000) is 11


def test_many_wrong_elements_lead_to_one_of_them():
    wrong = slope(PARAMS)
    wrong["w"] = wrong["w"] * 1.001
    report = check_gradients(f, PARAMS, grad=wrong)
    assert (report.worst.path, report.worst.verdict) == ("params['w']", "wrong")
    assert report.worst.part == ""
    assert report.worst.automatic == pytest.approx(1.001 * report.worst.numerical, rel=1e-6)


def test_options_choose_directions_and_samples():
    report = check_gradients(f, PARAMS, grad=slope, directions=3, samples=20)
    assert (report.checked, report.directions) == (20, 3)
    report = check_gradients(f, PARAMS, grad=slope, directions=3)
    assert (report.checked, report.directions) == (0, 3 + 3)
    small = check_gradients(lambda x: np.sum(x**3), np.ones(5), directions=2)
    assert small.ok
    assert (small.checked, small.directions) == (0, 2)


@pytest.mark.parametrize(("leaves", "directions"), [(LEAVES, 2 + LEAVES), (LEAVES + 1, 2)])
def test_each_of_not_too_many_leaves_gets_a_direction_of_its_own(leaves, directions):
    x = [np.full(40, 0.5)] * leaves
    report = check_gradients(lambda t: sum(np.sum(a) for a in t), x, grad=[np.ones(40)] * leaves)
    assert report.ok
    assert (report.checked, report.directions) == (0, directions)


@pytest.mark.parametrize("more", [0, 1])
def test_up_to_a_thousand_elements_are_checked_one_by_one(more):
    x = np.full(EVERY + more, 0.5)
    report = check_gradients(np.sum, x, grad=np.ones(x.size))
    assert (report.checked, report.directions) == ((0, 2) if more else (EVERY, 0))


def test_empty_leaves_get_no_direction():
    x = {"a": np.ones(1500), "b": np.ones((0, 3))}
    report = check_gradients(lambda t: np.sum(t["a"]), x, grad={"a": np.ones(1500), "b": x["b"]})
    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["all leaves", "t['a']"]


def test_seeds_give_other_directions():
    first, again, other = (
        check_gradients(f, PARAMS, grad=slope, seed=seed).elements[0].automatic
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.slow  # JAX compiles every operation of the ladder
def test_trees_of_any_backend_and_complex_elements(xp):
    z = xp.asarray(RNG.normal(size=9) + 1j * RNG.normal(size=9), dtype=xp.complex128)
    tree = {"z": z, "x": xp.asarray(RNG.normal(size=3))}

    def f(t):
        xp = ag.namespace(t["z"])
        return xp.sum(xp.real(t["z"]) ** 2 * xp.imag(t["z"])) + xp.sum(xp.sin(t["x"]))

    report = check_gradients(f, tree, directions=1)
    assert report.ok, str(report)
    assert (report.total, report.directions) == (21, 3)
    re, im = np.real(to_host(z)), np.imag(to_host(z))
    slopes = 2 * re * im + 1j * re**2
    slopes[7] += 0.01j
    wrong = {"z": xp.asarray(slopes), "x": xp.cos(tree["x"])}
    worst = check_gradients(f, tree, grad=wrong, directions=1).worst
    assert (worst.path, worst.index, worst.part) == ("t['z']", (7,), "imaginary")


def test_single_precision_is_checked_along_directions():
    x = RNG.normal(size=2000).astype(np.float32)
    report = check_gradients(lambda x: np.sum(np.sin(x) * x), x)
    assert report.ok, str(report)
    g = np.sin(x) + x * np.cos(x)
    g[1234] += 1.0
    worst = check_gradients(lambda x: np.sum(np.sin(x) * x), x, grad=g).worst
    assert (worst.verdict, worst.path) == ("wrong", "x")


def test_a_direction_across_kinks_or_jumps_is_no_wrong_rule():
    x = np.zeros(2000)
    report = check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.sign)
    assert report.verdict != "wrong", str(report)
    report = check_gradients(lambda x: np.sum(np.abs(x)), x, grad=np.full(2000, 1e3))
    assert (report.verdict, report.cause) == ("inconclusive", "noise"), str(report)
    assert "f has kinks along this direction" in report.worst.explanation
    report = check_gradients(lambda x: np.sum(np.floor(x)), x, grad=np.zeros_like)
    assert report.verdict == "inconclusive", str(report)


def test_directions_whose_bars_hide_the_slope_are_inconclusive():
    x = RNG.normal(size=2000)
    report = check_gradients(lambda x: 1e17 + np.sum(np.sin(x)), x, grad=lambda x: 1.01 * np.cos(x))
    assert report.verdict == "inconclusive"
    assert report.cause in ("step", "noise")


# of the later seeds the directions nearly cancel: the slope is small beside its parts
@pytest.mark.parametrize("seed", [*range(5), 8, 34, 48, 56])
def test_the_rounding_of_directions_to_the_dtype_of_the_point_is_no_error(seed):
    # at 0 all that rounds is the direction, by 3e-8 of the slope
    x, c = np.zeros(50, dtype=np.float32), np.linspace(1.0, 2.0, 50)
    report = check_gradients(
        lambda x: np.sum(x.astype(float) * c),
        x,
        grad=lambda x: c,
        directions=2,
        rtol=0.0,
        seed=seed,
    )
    assert report.verdict != "wrong", str(report)
