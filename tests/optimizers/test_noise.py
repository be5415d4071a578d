import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import add_noise, chain, sgd
from tests.support import assert_close, to_host

SHAPES = {"w": (40, 50), "b": (2000,), "s": ()}


def noise(xp, eta=1.0, gamma=0.55, seed=7, steps=1, dtype=None):
    """What is added to zeros, at each step."""
    part = add_noise(eta, gamma, seed=seed)
    dtype = dtype or xp.float64
    zeros = {name: xp.zeros(shape, dtype=dtype) for name, shape in SHAPES.items()}
    state = part.init(zeros)
    found = []
    for _ in range(steps):
        updates, state = part.update(zeros, state, zeros)
        found.append(trees.map(to_host, updates))
    return found


def test_every_library_adds_the_same(xp):
    assert_close(noise(xp, steps=2), noise(np, steps=2))


def test_numbers_are_those_of_philox():
    # dicts are taken in the order of their keys: b is leaf 0, s 1, w 2
    philox = np.random.Philox(key=[7, 0], counter=[0, 0, 2, 1])
    expected = np.random.Generator(philox).standard_normal((40, 50)) / np.sqrt(2.0**0.55)
    assert_close(noise(np, steps=2)[1]["w"], expected)


def test_leaves_steps_and_seeds_are_independent():
    first, second = noise(np, gamma=0.0, steps=2)
    other = noise(np, gamma=0.0, seed=8)[0]
    columns = [first["w"].ravel(), first["b"], second["w"].ravel(), other["w"].ravel()]
    correlations = np.corrcoef(columns) - np.eye(4)
    assert np.abs(correlations).max() < 0.1  # four standard deviations of 2000 samples


def test_variance_fades():
    found = noise(np, eta=0.3, gamma=1.0, steps=4)
    for step, drawn in enumerate(found):
        variance = np.var(drawn["w"])
        assert abs(variance / (0.3 / (1 + step)) - 1.0) < 0.15  # four standard deviations


def test_parts_of_complex_gradients_are_independent(xp):
    drawn = noise(xp, dtype=xp.complex128)[0]["w"].ravel()
    assert abs(np.var(drawn.real) - 1.0) < 0.15
    assert abs(np.var(drawn.imag) - 1.0) < 0.15
    assert abs(np.corrcoef(drawn.real, drawn.imag)[0, 1]) < 0.1


def test_no_noise_is_no_change():
    grads = np.asarray([1.0, -2.0])
    part = add_noise(0.0, seed=0)
    assert_close(part.update(grads, part.init(grads), grads)[0], grads)


def test_noise_is_added_to_the_gradients(xp):
    params = xp.asarray([0.0, 0.0])
    optimizer = chain(add_noise(0.01, seed=1), sgd(1.0))
    stepped, _ = optimizer.step(params, xp.asarray([1.0, 2.0]), optimizer.init(params))
    philox = np.random.Philox(key=[1, 0], counter=[0, 0, 0, 0])
    expected = np.asarray([1.0, 2.0]) + 0.1 * np.random.Generator(philox).standard_normal(2)
    assert_close(stepped, -expected)


@pytest.mark.parametrize("given", [{"eta": -1.0}, {"gamma": -1.0}, {"seed": -1}, {"seed": 2**64}])
def test_numbers_are_checked(given):
    (name,) = given
    with pytest.raises(ArgumentError, match=rf"add_noise\({name}\): got"):
        add_noise(**{"eta": 1.0, "seed": 1, **given})


def test_variance_below_the_range_is_none():
    part = add_noise(1.0, 400.0, seed=1)
    grads = np.asarray([1.0, -2.0])
    updates, _ = part.update(grads, {"count": np.asarray(10**9)}, grads)
    assert_close(updates, grads)
