"""JAX's record: immutable arrays, 32 bits unless told otherwise, its own transformations around."""

import subprocess
import sys

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import BACKENDS, is_mutable
from anygrad.errors import BackendError, MissingRuleError, MixedBackendError, TraceError
from tests.support import open_namespace

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy
JAX = BACKENDS["jax"]
INDEX = [0, 0, 2]


@pytest.fixture(autouse=True)
def double_precision():
    open_namespace("jax")


def test_devices_are_told_by_index():
    assert len(JAX.devices()) == len(jax.devices())
    assert JAX.find_device(0) == JAX.find_device(jax.devices()[0]) == jax.devices()[0]
    with pytest.raises(BackendError, match="got 99; expected an index from 0 to"):
        JAX.find_device(99)


def test_results_stay_on_a_second_device():
    x = JAX.from_host(np.asarray([1.0, 2.0]), 1)
    g = ag.grad(lambda x: (x**2).sum())(x)
    assert g.device == x.device == jax.devices()[1]


def test_zeros_of_a_number_stay_on_its_device():
    x = JAX.from_host(np.asarray(2.0), 1)
    with ag.use_settings(warn_unused=False):
        assert ag.grad(lambda x, y: y * 2.0)(x, x).device == x.device
    optimizer = ag.optimizers.adam(0.1)
    new, _ = optimizer.step(x, x, optimizer.init(x))
    assert new.device == x.device


def test_64_bits_are_refused_where_jax_would_cut_them():
    program = (
        "import numpy as np, anygrad as ag\n"
        "with ag.use_backend('jax', dtype='float32'):\n"
        "    print(ag.asarray([1.0]).dtype)\n"
        "with ag.use_backend('jax'):\n"
        "    try: ag.asarray([1.0])\n"
        "    except ag.errors.DTypeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "float32"
    assert "jax_enable_x64" in second


def test_arrays_are_not_written_and_steps_ignore_donation():
    x = jnp.asarray([1.0, 2.0])
    assert not is_mutable(x)
    optimizer = ag.optimizers.adam(0.1)
    new, _ = optimizer.step(x, x, optimizer.init(x), donate=True)
    np.testing.assert_array_equal(x, [1.0, 2.0])
    assert not np.array_equal(new, x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x.at[0].set(x[1] ** 2) * x).sum(),
        lambda x: (x.at[jnp.asarray(INDEX)].add(x * x) ** 2).sum(),
        lambda x: (x.at[1:].add(2.0) ** 2).sum(),
        lambda x: (x.at[1:].get() ** 3).sum(),
        lambda x: (jnp.zeros(3).at[jnp.asarray(INDEX)].add(1.0) * x).sum(),
        lambda x: (x[jnp.asarray(INDEX)] ** 2).sum(),
    ],
    ids=["set", "add", "add a number", "get", "plain", "read"],
)
def test_at_gives_what_jax_gives(f):
    x = jnp.asarray([1.0, 2.0, 3.0])
    np.testing.assert_allclose(ag.grad(f)(x), jax.grad(f)(x), rtol=1e-15)


def test_at_is_jaxs_and_knows_its_limits():
    x = jnp.asarray([1.0, 2.0, 3.0])
    with pytest.raises(MissingRuleError, match=r"x\.at\[key\]\.max"):
        ag.grad(lambda x: x.at[0].max(2.0).sum())(x)
    with pytest.raises(TraceError, match="repeated indices"):
        ag.grad(lambda x: x.at[np.asarray([0, 0])].set(2.0).sum())(x)
    with pytest.raises(AttributeError, match="'at'"):
        ag.grad(lambda x: x.at[0].set(2.0).sum())(np.ones(3))


def test_assignment_is_functional_and_leaves_older_values_alone():
    def written(x):
        y, z = x * 2, x * x
        first, rest = y[:2], z[1:]
        y += 1
        z[0] = x[2]
        return (first * y[:2]).sum() + (rest * z[:2]).sum()

    def built(x):
        y, z = x * 2, x * x
        first, rest = y[:2], z[1:]
        y = y + 1
        z = z.at[0].set(x[2])
        return (first * y[:2]).sum() + (rest * z[:2]).sum()

    x = jnp.asarray([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(ag.grad(written)(x), jax.grad(built)(x))


def test_gradients_and_steps_run_inside_jit():
    def loss(x):
        xp = ag.namespace(x)
        return xp.sum(xp.sin(x) * x) + xp.max(x)

    optimizer = ag.optimizers.adam(0.1)
    x = jnp.asarray([0.3, 1.2])
    state = optimizer.init(x)

    @jax.jit
    def gradient_and_step(x):
        g = ag.grad(loss)(x)
        return g, optimizer.step(x, g, state)[0]

    g, new = gradient_and_step(x)
    np.testing.assert_allclose(
        g, jax.grad(lambda x: jnp.sum(jnp.sin(x) * x) + x.max())(x), rtol=1e-14
    )
    np.testing.assert_allclose(new, optimizer.step(x, g, state)[0], rtol=1e-14)


def test_jaxs_transformations_go_around_ours():
    f = ag.grad(lambda x: (x**3).sum())
    np.testing.assert_allclose(jax.jacobian(f)(jnp.asarray([1.0, 2.0])), [[6.0, 0.0], [0.0, 12.0]])
    np.testing.assert_allclose(jax.vmap(f)(jnp.ones((4, 2))), 3.0 * np.ones((4, 2)))


def test_a_mixture_of_libraries_is_named():
    with pytest.raises(MixedBackendError, match="jax and of numpy"):
        ag.grad(lambda x: (x * np.ones(3)).sum())(jnp.ones(3))
