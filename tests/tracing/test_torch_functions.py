"""``torch.f(traced)`` gives what PyTorch's own derivative gives."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MissingRuleError, TraceError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

X = torch.tensor([[0.3, -1.2, 0.7], [1.9, 0.4, -0.8]], dtype=torch.float64)
P = torch.tensor([[0.3, 1.2, 0.7], [1.9, 0.4, 0.8]], dtype=torch.float64)
INDEX = torch.tensor([[2, 0, 1], [1, 1, 0]])
F = torch.nn.functional if hasattr(torch, "nn") else None

CASES = {
    "sin": lambda x: torch.sin(x),
    "arctan": lambda x: torch.arctan(x),
    "square": lambda x: torch.square(x),
    "exp2": lambda x: torch.exp2(x),
    "operators": lambda x: P * x + x * P - P / (x + 3.0) + (P - x) ** 2 + P**x + (2.0 - x) / P,
    "matmul": lambda x: P @ torch.t(x),
    "matmul of vectors": lambda x: torch.dot(x[0], x[1]) + torch.mv(P, x[0]) @ x[:, 1],
    "add with alpha": lambda x: torch.add(P, x, alpha=3.0) * torch.sub(x, P, alpha=2),
    "other by keyword": lambda x: torch.mul(x, other=P) + torch.mul(input=P, other=x),
    "div": lambda x: torch.div(P, x),
    "sum of everything": lambda x: torch.sum(x * x),
    "sum of an axis": lambda x: torch.sum(x * x, 1, True),
    "sum by keywords": lambda x: torch.sum(x * x, dim=(0, 1), keepdim=False),
    "mean": lambda x: torch.mean(x * x, dim=0),
    "prod": lambda x: torch.prod(x, 1),
    "std": lambda x: torch.std(x, dim=1),
    "std of the population": lambda x: torch.std(x, dim=1, correction=0),
    "var": lambda x: torch.var(x),
    "var, unbiased": lambda x: torch.var(x, False),
    "amax": lambda x: torch.amax(x, dim=1, keepdim=True),
    "max": lambda x: torch.max(x) + torch.min(x),
    "max of two": lambda x: torch.max(x, P) * torch.minimum(x, P * 0.5),
    "clamp": lambda x: torch.clamp(x, -1.0, 0.5) + torch.clamp(x, min=0.35),
    "cat": lambda x: torch.cat([x, P * x], dim=1),
    "stack": lambda x: torch.stack((x, P), dim=2) ** 2,
    "where": lambda x: torch.where(x > 0, x * x, P),
    "unsqueeze": lambda x: torch.unsqueeze(x, 1) * P,
    "squeeze": lambda x: torch.squeeze(x[:1], 1) * torch.squeeze(x[:, :1], dim=1)[:, None],
    "transpose": lambda x: torch.transpose(x, 0, 1) * torch.permute(x, (1, 0)),
    "reshape": lambda x: torch.reshape(x, (3, 2)) * torch.flatten(x).reshape((3, 2)),
    "flatten": lambda x: torch.flatten(torch.stack((x, x * x)), 1),
    "flip": lambda x: torch.flip(x, (0, 1)) * x,
    "roll": lambda x: torch.roll(x, 1, dims=1) * x,
    "cumsum": lambda x: torch.cumsum(x, dim=1) * x,
    "cumprod": lambda x: torch.cumprod(x, 1),
    "diff": lambda x: torch.diff(x, dim=1) ** 2,
    "gather": lambda x: torch.gather(x, 1, INDEX) ** 2,
    "index_select": lambda x: torch.index_select(x, 1, INDEX[0]) ** 2,
    "repeat_interleave": lambda x: torch.repeat_interleave(x, 2, dim=0) ** 2,
    "unbind": lambda x: torch.unbind(x)[0] * torch.unbind(x, dim=0)[1],
    "norm": lambda x: torch.norm(x) * torch.linalg.vector_norm(x, ord=3, dim=1),
    "linalg norm": lambda x: torch.linalg.norm(x, dim=1),
    "outer": lambda x: torch.outer(x[0], x[1]),
    "tensordot": lambda x: torch.tensordot(x, P, dims=([0], [0])),
    "logsumexp": lambda x: torch.logsumexp(x, dim=1),
    "softmax": lambda x: torch.softmax(x, dim=1) * F.log_softmax(x, dim=0),
    "sigmoid": lambda x: torch.sigmoid(x) + torch.special.expit(x * 2.0),
    "softplus": lambda x: F.softplus(x) + F.softplus(x, beta=2.0),
    "relu": lambda x: F.relu(x) + torch.relu(x - 0.3),  # at 0 itself the derivative is 0
    "rsqrt": lambda x: torch.rsqrt(x * x + 1.0),
    "erf": lambda x: torch.erf(x) * torch.special.erfc(x) + torch.erfinv(0.2 * x),
    "gamma": lambda x: torch.lgamma(x * x + 1.0) + torch.i0(x),
    "special": lambda x: torch.special.i1e(x) * torch.special.ndtr(x) + torch.special.entr(x * x),
    "igamma": lambda x: torch.igamma(P * P + 1.0, x * x + 1.0) + torch.special.log_ndtr(x),
    "zeros_like": lambda x: torch.zeros_like(x) + x * torch.ones_like(x),
    "clone": lambda x: torch.clone(x) ** 2,
}


@pytest.mark.parametrize("name", CASES)
def test_torch_functions_of_traced_tensors_have_torchs_derivative(name):
    f = CASES[name]
    leaf = X.clone().requires_grad_()
    expected_value = f(leaf)
    weights = torch.linspace(0.5, 1.5, expected_value.numel(), dtype=torch.float64)
    weights = weights.reshape(expected_value.shape)
    (expected,) = torch.autograd.grad(expected_value, leaf, weights)

    value, pullback = ag.vjp(f, X)
    (found,) = pullback(weights)
    assert type(value) is type(found) is torch.Tensor
    np.testing.assert_allclose(value, expected_value.detach(), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    _, tangent = ag.jvp(f, (X,), (P,))
    np.testing.assert_allclose(
        float((tangent * weights).sum()), float((expected * P).sum()), rtol=1e-12
    )


def test_bessel_functions_have_the_derivative_that_torch_leaves_out():
    """PyTorch takes its bessel_j0 as a constant, in silence."""
    g = ag.grad(lambda x: torch.special.bessel_j0(x).sum())(X)
    np.testing.assert_allclose(g, -torch.special.bessel_j1(X), rtol=1e-14)


@pytest.mark.parametrize("listed", [False, True])
def test_einsum(listed):
    def f(x):
        operands = (x, x.T, P)
        parts = [operands] if listed else operands
        return torch.einsum("ij,jk,km->i", *parts).sum()

    leaf = X.clone().requires_grad_()
    f(leaf).backward()
    np.testing.assert_allclose(ag.grad(f)(X), leaf.grad, rtol=1e-12)


def test_comparisons_and_questions_are_answered_by_the_value():
    def f(x):
        assert torch.gt(x, 0.0).dtype == torch.bool
        assert torch.numel(x) == 6
        assert torch.is_floating_point(x)
        assert torch.equal(x, X)
        assert torch.allclose(x, X)
        return (x * (x > P)).sum()

    np.testing.assert_array_equal(ag.grad(f)(X), (X > P).double())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: P.clone().add_(x),
        lambda x: P.clone().__setitem__(0, x[0]),
        lambda x: torch.sin(x, out=P.clone()),
    ],
    ids=["add_", "setitem", "out"],
)
def test_writing_into_a_plain_tensor_raises(f):
    with pytest.raises(TraceError, match="plain tensor"):
        ag.grad(f)(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: torch.sort(x),
        lambda x: torch.max(x, 1),
        lambda x: torch.meshgrid(x[0], x[1]),
        lambda x: torch.linalg.svd(x),
        lambda x: torch.norm(x, p="nuc"),
        lambda x: F.gelu(x),
        lambda x: P[x],
    ],
    ids=["sort", "max", "meshgrid", "svd", "nuclear", "gelu", "index"],
)
def test_what_has_no_rule_or_another_meaning_is_named(f):
    with pytest.raises(MissingRuleError, match="torch"):
        ag.grad(f)(X)


def test_a_tensor_with_its_own_record_is_taken_by_its_value():
    leaf = X.clone().requires_grad_()
    g = ag.grad(lambda x: (x**2).sum())(leaf)
    np.testing.assert_array_equal(g, 2 * X)
    assert not g.requires_grad
    assert leaf.grad is None


def test_logsumexp_of_infinities():
    x = torch.tensor([-float("inf"), 0.0, 1.0], dtype=torch.float64)
    g = ag.grad(lambda x: torch.logsumexp(x, 0))(x)
    np.testing.assert_allclose(g, torch.softmax(x, 0), rtol=1e-14)
