"""Laws for a function of one array, written as users write it: plain arrays give NumPy's result."""

import numpy as np

from anygrad.autodiff import grad, jvp, vjp, vmap
from tests.ops.sampling import direction, inner
from tests.support import assert_close, difference


def parts(y):
    """The results of a function that gives several, or the one."""
    return list(y) if isinstance(y, (list, tuple)) else [y]


def single(f):
    """The function with its results joined, where it gives several."""

    def joined(x):
        found = parts(f(x))
        return found[0] if len(found) == 1 else np.concatenate([np.ravel(y) for y in found])

    return joined


def check_value(f, x, scale=1.0):
    """Value, shape, dtype and kind of sequence are NumPy's."""
    expected = f(x)
    value, _ = vjp(f, x)
    assert isinstance(value, (list, tuple)) == isinstance(expected, (list, tuple))
    assert len(parts(value)) == len(parts(expected))
    for a, b in zip(parts(value), parts(expected), strict=True):
        assert_close(a, np.asarray(b), scale=scale)


def check_first_order(f, x):
    """Forward mode is the difference quotient, reverse mode the adjoint of forward mode."""
    f = single(f)
    v = direction(np.random.default_rng(1), x)
    value, tangent = jvp(f, (x,), (v,))
    quotient = difference(f, x, v)
    scale = max(1.0, float(np.max(np.abs(quotient), initial=0.0)))
    # a fourth-order difference with step 1e-3 is good to 1e-11 or so
    np.testing.assert_allclose(tangent, quotient, rtol=0, atol=1e-8 * scale)
    u = direction(np.random.default_rng(2), np.asarray(value))
    (g,) = vjp(f, x)[1](u)
    assert g.shape == x.shape
    assert g.dtype == x.dtype
    size = max(1.0, float(np.sum(np.abs(g * v))))
    assert abs(inner(g, v) - inner(u, tangent)) <= 1e-12 * size


def check_second_order(f, x):
    """The gradient of a curved function of the result differentiates again."""
    f = single(f)

    def slopes(x):
        return grad(lambda x: np.sum(np.real(np.sin(0.05 * f(x)))))(x)

    v = direction(np.random.default_rng(1), x)
    _, tangent = jvp(slopes, (x,), (v,))
    np.testing.assert_allclose(tangent, difference(slopes, x, v), rtol=0, atol=1e-8)
    w = direction(np.random.default_rng(3), x)
    (twice,) = vjp(slopes, x)[1](w)
    assert abs(inner(twice, v) - inner(w, tangent)) <= 1e-11


def check_precision(f, x):
    """Single precision has NumPy's dtypes, and a gradient in single precision."""
    x = x.astype(np.complex64 if np.iscomplexobj(x) else np.float32)
    check_value(f, x)
    value, pullback = vjp(single(f), x)
    (g,) = pullback(np.ones_like(value))
    assert g.dtype == x.dtype


def check_vmap(f, x):
    """A batch gives what a loop gives, and so do the gradients."""
    f = single(f)
    batch = np.stack([x, 0.5 * x, x[..., ::-1]])

    def slopes(x):
        return grad(lambda x: np.sum(np.real(np.sin(0.05 * f(x)))))(x)

    for g in (f, slopes):
        assert_close(vmap(g)(batch), np.stack([np.asarray(g(x)) for x in batch]))


LAWS = {
    law.__name__.removeprefix("check_"): law
    for law in (check_value, check_first_order, check_second_order, check_precision, check_vmap)
}
