"""The corpus can tell right from wrong: its differences, its comparison, its change of names."""

import dataclasses

import numpy as np
import pytest

import anygrad as ag
from tests.support import allow_host_copies

pytest.importorskip("scipy", reason="the patterns use SciPy as their authors do")

from tests.corpus import differences
from tests.corpus.loading import THEMES, cupy_patterns, patterns
from tests.corpus.test_corpus import assert_gradient


@dataclasses.dataclass
class Point:
    x: np.ndarray
    scale: float


def test_differences_of_a_tree():
    point = {"p": Point(np.array([1e-3, 40.0]), 2.0), "z": [np.array([1.0 + 2.0j])]}

    def f(t):
        return t["p"].scale * np.sum(np.sin(t["p"].x)) + np.sum(np.abs(t["z"][0]) ** 4)

    found, error = differences.gradient(f, point)
    np.testing.assert_allclose(found["p"].x, 2 * np.cos(point["p"].x), rtol=1e-9)
    np.testing.assert_allclose(found["p"].scale, np.sum(np.sin(point["p"].x)), rtol=1e-9)
    np.testing.assert_allclose(found["z"][0], 4 * 5.0 * point["z"][0], rtol=1e-9)
    assert max(np.max(e) for e in differences.flatten(error)) < 1e-7


@pytest.mark.parametrize("f", [abs, lambda x: max(x, 0.0), lambda x: np.floor(x) + x])
def test_a_kink_or_a_jump_at_the_point_is_noticed(f):
    _, error = differences.gradient(f, 0.0)
    assert error > 0.1


@pytest.mark.parametrize("result", [np.ones(1), 1, np.nan, 1j])
def test_a_value_that_is_no_finite_real_scalar_is_noticed(result):
    with pytest.raises(AssertionError, match="a pattern returns"):
        differences.value(result)


@pytest.mark.parametrize("factor", [1.0 + 1e-5, 0.0, np.nan])
def test_a_wrong_gradient_is_noticed(factor):
    point = np.array([0.3, 0.7])
    want, _ = differences.gradient(lambda x: np.sum(x**3), point)
    assert_gradient(ag.grad(lambda x: np.sum(x**3))(point), want, point, 1e-6)
    with pytest.raises(AssertionError):
        assert_gradient(want * factor, want, point, 1e-6)


def test_every_pattern_has_a_theme_of_its_file():
    modules = {entry.function.__module__.rpartition(".")[2] for entry in patterns().values()}
    assert modules == set(THEMES)


def test_under_cupys_names_numpy_is_not_reached(cupy):
    with allow_host_copies():
        functions = {name: entry.function for name, entry in cupy_patterns().items()}
    assert len(functions) > 0.9 * len(patterns())
    assert functions["fill_zeros_in_a_loop"].__globals__["np"] is cupy
    assert functions["fill_zeros_in_a_loop"] is not patterns()["fill_zeros_in_a_loop"].function
