"""PyTorch's record, and how its own record of derivatives is left aside."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import BACKENDS, is_mutable
from anygrad.errors import BackendError, MixedBackendError, TraceError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
TORCH = BACKENDS["torch"]


def test_devices_are_told_by_name():
    assert TORCH.devices()[0] == "cpu"
    assert TORCH.find_device("cpu") == TORCH.find_device(torch.device("cpu"))
    assert TORCH.find_device(None) == torch.get_default_device()
    with pytest.raises(BackendError, match=r"got 'cuda:9'; expected one of cpu"):
        TORCH.find_device("cuda:9")


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int16", "bool"])
def test_to_the_host_and_back(dtype):
    a = np.asarray([[0, 1], [2, 3]]).astype(dtype)[::-1]  # PyTorch has no negative strides
    a.setflags(write=False)
    x = TORCH.from_host(a, None)
    np.testing.assert_array_equal(TORCH.to_host(x), a)
    assert TORCH.to_host(x).dtype == a.dtype
    assert TORCH.to_host(TORCH.from_host(np.ones(()), None)).shape == ()


def test_a_new_tensor_shares_no_memory_with_the_users_array():
    a = np.ones(3)
    x = TORCH.from_host(a, None)
    x[0] = 5.0
    assert a[0] == 1.0


def test_lazy_conjugates_reach_the_host():
    z = torch.tensor([1 + 2j]).conj()
    np.testing.assert_array_equal(TORCH.to_host(z), [1 - 2j])


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), torch.tensor([0, 2, 0])),
        torch.tensor([1, 1, 0]),
        (torch.tensor([0, 1, 0]), torch.tensor([2, 2, 2])),
        (slice(0, 1), [1, 1, 1]),
        np.asarray([1, 1]),
    ],
    ids=["column", "row", "elements", "list", "NumPy's"],
)
def test_repeated_indices_add_up(key):
    out = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    host_key = (
        tuple(map(np.asarray, key))
        if isinstance(key, tuple) and torch.is_tensor(key[0])
        else (
            tuple(k if isinstance(k, slice) else np.asarray(k) for k in key)
            if isinstance(key, tuple)
            else np.asarray(key)
        )
    )
    expected = np.arange(6.0).reshape(2, 3)
    g = np.random.default_rng(0).normal(size=expected[host_key].shape)
    np.add.at(expected, host_key, g)
    np.testing.assert_array_equal(TORCH.add_at(out, key, torch.tensor(g)), expected)


def test_steps_on_parameters_that_require_grad_record_nothing_and_may_write():
    layer = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    optimizer = ag.optimizers.chain(ag.optimizers.clip_by_global_norm(1.0), ag.optimizers.sgd(0.5))
    state = optimizer.init([layer])
    grads = [torch.tensor([3.0, 4.0], dtype=torch.float64)]
    (new,), state = optimizer.step([layer], grads, state)
    assert not new.requires_grad
    np.testing.assert_allclose(new, [0.7, 1.6], rtol=1e-15)
    (same,), state = optimizer.step([layer], grads, state, donate=True)
    assert same is layer
    np.testing.assert_allclose(layer.detach(), [0.7, 1.6], rtol=1e-15)


def test_a_mixture_of_libraries_and_of_devices_is_named():
    x = torch.ones(3, dtype=torch.float64)
    with pytest.raises(MixedBackendError, match="torch and of numpy"):
        ag.grad(lambda x: (x * np.ones(3)).sum())(x)
    with pytest.raises(MixedBackendError, match="meta"):
        ag.grad(lambda x: (x @ torch.ones(3, device="meta", dtype=x.dtype)).sum())(x)


def test_tensors_can_be_written():
    assert is_mutable(torch.ones(3))


def test_every_write_into_a_kept_tensor_is_noticed():
    c = torch.ones(100_000, dtype=torch.float64)

    def f(x):
        y = (x * c).sum()
        c[77] += 1.0
        return y

    with pytest.raises(TraceError, match="overwritten"):
        ag.grad(f)(torch.ones(100_000, dtype=torch.float64))
    x = torch.ones(3, dtype=torch.float64)
    _, pullback = ag.vjp(lambda x: x * x, x)
    x[0] = 2.0
    with pytest.raises(TraceError, match="overwritten"):
        pullback(x)


def test_an_index_tensor_may_be_written_afterwards():
    index = torch.tensor([2, 0])

    def f(x):
        y = (x[index] * torch.tensor([1.0, 10.0], dtype=x.dtype)).sum()
        index[0] = 1
        return y

    g = ag.grad(f)(torch.zeros(3, dtype=torch.float64))
    np.testing.assert_array_equal(g, [10.0, 0.0, 1.0])
