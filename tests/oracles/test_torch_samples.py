"""Rows against PyTorch, on the samples with which PyTorch tests its own operators.

``torch.f(traced)`` goes to the row, so an operator is called exactly as PyTorch's tests call it:
broadcast and 0-d operands, empty ones, ones that are not contiguous, negative axes. The oracle is
PyTorch's autograd, in reverse and, by the double-backward trick, forward.
"""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import AnygradError
from anygrad.tracing.torch_functions import FUNCTIONS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("expecttest", reason="expecttest, which PyTorch's samples need, is missing")

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

pytestmark = pytest.mark.slow

# Not compared, and why.
LEFT = {
    "digamma": "PyTorch's trigamma is off by 5e-10; mpmath and SciPy agree with ours",
    "empty_like": "its values are arbitrary",
    "repeat_interleave": "its samples count on tensors of repeats, which are refused",
    "broadcast_tensors": "a tuple of all operands",
    "full_like": "constant",
    "ones_like": "constant",
    "zeros_like": "constant",
    "linalg_norm-subgradients_at_zero": "where no derivative exists ours is 0, as documented",
    "max-reduction_with_dim": "values and indices: refused with a sentence",
    "min-reduction_with_dim": "values and indices: refused with a sentence",
    "norm-nuc": "refused with a sentence",
    "round-decimals_3": "refused with a sentence",
    "round-decimals_neg_3": "refused with a sentence",
}
SHORT = {"float64": torch.float64, "complex128": torch.complex128}


def short_name(op):
    return op.name.rpartition(".")[2] if "nn.functional" in op.name else op.name.replace(".", "_")


def full_name(op):
    return f"{short_name(op)}-{op.variant_test_name}".rstrip("-")


OPS = {
    full_name(op): op
    for op in op_db
    if short_name(op) in FUNCTIONS
    and not {short_name(op), full_name(op)} & set(LEFT)
    and op.supports_autograd
}
CASES = [
    (name, dtype)
    for name, op in OPS.items()
    for dtype, own in SHORT.items()
    if own in op.supported_backward_dtypes("cpu")
]


def split(sample):
    """The floating tensors of a sample, and a function that calls with others in their place."""
    whole = (sample.input, sample.args, sample.kwargs)
    tensors = []

    def collect(part):
        if isinstance(part, torch.Tensor) and (part.is_floating_point() or part.is_complex()):
            tensors.append(part.detach())
        elif isinstance(part, (list, tuple)):
            [collect(p) for p in part]
        elif isinstance(part, dict):
            [collect(p) for p in part.values()]

    def replaced(part, given):
        if isinstance(part, torch.Tensor) and (part.is_floating_point() or part.is_complex()):
            return next(given)
        if isinstance(part, (list, tuple)):
            made = [replaced(p, given) for p in part]
            return type(part)(*made) if hasattr(part, "_fields") else type(part)(made)
        if isinstance(part, dict):
            return {k: replaced(p, given) for k, p in part.items()}
        return part

    collect(whole)
    return tensors, lambda leaves: replaced(whole, iter(leaves))


def compare(op, sample, dtype):
    """Whether the sample was compared; False if it was refused with a sentence."""
    tensors, rebuild = split(sample)

    def f(*leaves):
        first, args, kwargs = rebuild(leaves)
        y = op.op(first, *args, **kwargs)
        return y[0] if isinstance(y, (tuple, list)) else y

    if not tensors:
        return False
    leaves = [t.clone().requires_grad_() for t in tensors]
    expected = f(*leaves)
    if not expected.requires_grad:
        return False
    u = torch.linspace(0.5, 1.5, expected.numel(), dtype=torch.float64).reshape(expected.shape)
    u = u.to(expected.dtype)
    if expected.is_complex():
        u = u * (1.0 - 0.5j)
    gradients = torch.autograd.grad(expected, leaves, u, allow_unused=True)
    try:
        value, pullback = ag.vjp(f, *tensors)
        found = pullback(u)
    except (AnygradError, TypeError, NotImplementedError):
        return False
    close(value, expected.detach())
    for mine, theirs in zip(found, gradients, strict=True):
        close(mine, torch.zeros_like(mine) if theirs is None else theirs)
    if not torch.isfinite(value).all():  # the variance of nothing
        return True
    vs = [torch.cos(torch.arange(t.numel(), dtype=torch.float64)).reshape(t.shape) for t in tensors]
    vs = [v.to(t.dtype) for v, t in zip(vs, tensors, strict=True)]
    _, tangent = ag.jvp(f, tuple(tensors), tuple(vs))
    left = torch.sum(torch.real(torch.conj(u) * tangent))
    right = sum(torch.sum(torch.real(torch.conj(g) * v)) for g, v in zip(found, vs, strict=True))
    close(left, right)
    return True


def close(mine, theirs):
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(
        mine.resolve_conj().numpy(), theirs.resolve_conj().numpy(), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize(("name", "dtype"), CASES)
@pytest.mark.filterwarnings("ignore")  # PyTorch's samples warn of what they try on purpose
def test_rows_agree_with_torch_on_its_own_samples(name, dtype):
    op = OPS[name]
    samples = list(op.sample_inputs("cpu", SHORT[dtype], requires_grad=False))
    compared = sum(compare(op, sample, SHORT[dtype]) for sample in samples)
    assert compared, f"none of {len(samples)} samples was compared"


def test_most_functions_have_samples():
    named = {name.partition("-")[0] for name in OPS}
    assert len(named) >= 80
