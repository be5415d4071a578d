"""einsum and other products in all of NumPy's spellings: NumPy's values, derivatives that hold."""

import random
import warnings

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, vjp, vmap
from anygrad.errors import ArgumentError, DTypeError, ShapeError, TraceError
from tests.support import assert_close
from tests.tracing.laws import LAWS, check_value

X = np.random.default_rng(0).normal(size=(3, 3))
Z = X + 1j * np.random.default_rng(1).normal(size=(3, 3))
A = np.random.default_rng(2).normal(size=(3, 4))
T = np.random.default_rng(3).normal(size=(2, 3, 3))
V = np.array([0.5, -0.25, 2.0])
PLAIN = np.zeros(3)

EINSUM = {
    "implicit product": lambda x: np.einsum("ij,jk", x, A),
    "implicit order is alphabetical": lambda x: np.einsum("ba", x) * np.einsum("aB", x),
    "trace": lambda x: np.einsum("ii", x),
    "diagonal": lambda x: np.einsum("ii->i", x),
    "diagonal beside an axis": lambda x: np.einsum("iij->ji", x[:, :, None] * x[:, None, :]),
    "diagonal of three axes": lambda x: np.einsum("iii->i", x[:, :, None] * x[:, None, :]),
    "diagonal in a product": lambda x: np.einsum("ii,ij->j", x, x),
    "transpose": lambda x: np.einsum("ij->ji", x),
    "sum of all": lambda x: np.einsum("ij->", x),
    "sum of rows": lambda x: np.einsum("ij->i", x),
    "elementwise": lambda x: np.einsum("ij,ij->ij", x, x),
    "inner product": lambda x: np.einsum("ij,ij->", x, x),
    "rows with rows": lambda x: np.einsum("bi,bi->b", x, x),
    "outer": lambda x: np.einsum("i,j->ji", x[0], x[1]),
    "matrix and vector": lambda x: np.einsum("ij,j", x, V),
    "vector and matrix": lambda x: np.einsum("i,ij", V, x),
    "batch of products": lambda x: np.einsum("bij,bjk->bik", T * x, T),
    "batch of vectors": lambda x: np.einsum("bij,bj->ib", T * x, T[:, 0] * x[0]),
    "batch in the middle": lambda x: np.einsum("ibj,jkb->kib", T * x, x[:, :, None] * V),
    "two axes summed": lambda x: np.einsum("bij,ji->b", T, x),
    "a label that only one has": lambda x: np.einsum("ij,kl->il", x, A),
    "ellipsis": lambda x: np.einsum("...ij,jk->...ik", T * x, A),
    "ellipsis of two lengths": lambda x: np.einsum("...i,...i->...", T * x, x),
    "ellipsis first": lambda x: np.einsum("i...->...", x),
    "ellipsis implicit": lambda x: np.einsum("...i,i", T * x, V),
    "ellipsis of nothing": lambda x: np.einsum("...ij->ij...", x),
    "length 1 broadcasts": lambda x: np.einsum("ij,jk->ik", x[:, :1], A),
    "length 1 kept": lambda x: np.einsum("ij,ij->ij", x[:, :1], x),
    "length 1 of both": lambda x: np.einsum("ij,ij->ij", x[:, :1], x[:, 1:2]),
    "numbers": lambda x: np.einsum(",ij", 2.0, x),
    "0-d operands": lambda x: np.einsum(",->", x[0, 0], x[1, 1]),
    "spaces": lambda x: np.einsum(" i j , j k -> k i", x, A),
    "capitals": lambda x: np.einsum("Ab,bc->cA", x, A),
    "list operand": lambda x: np.einsum("i,ij", [1.0, 2.0, 3.0], x),
    "integers": lambda x: np.einsum("i,ij", np.arange(3), x),
    "sublists": lambda x: np.einsum(x, [0, 1], A, [1, 2], [2, 0]),
    "sublists implicit": lambda x: np.einsum(x, [0, 1], A, [1, 2]),
    "sublists with ellipsis": lambda x: np.einsum(T * x, [..., 1], x, [1, 2], [..., 2]),
    "sublists of high numbers": lambda x: np.einsum(x, [51, 30]),
    "three": lambda x: np.einsum("ij,jk,kl->il", x, x, A),
    "three, one axis": lambda x: np.einsum("i,i,i->i", x[0], x[1], x[2]),
    "four": lambda x: np.einsum("ij,jk,kl,li", x, x, x, x, optimize=True),
    "optimal": lambda x: np.einsum("ij,jk,kl->il", x, x, x[:, :2], optimize="optimal"),
    "greedy with a limit": lambda x: np.einsum(
        "ij,jk,kl->il", x, x, x[:, :2], optimize=("greedy", 9)
    ),
    "a given path": lambda x: np.einsum(
        "ij,jk,kl->il", x, x, x[:, :2], optimize=["einsum_path", (1, 2), (0, 1)]
    ),
    "a path of one step": lambda x: np.einsum(
        "ij,jk,kl->il", x, x, x[:, :2], optimize=["einsum_path", (0, 1, 2)]
    ),
    "the path that NumPy gives": lambda x: np.einsum(
        "ij,jk,kl->il", x, x, x[:, :2], optimize=np.einsum_path("ij,jk,kl->il", x, x, x[:, :2])[0]
    ),
    "plain operands first": lambda x: np.einsum("ij,jk,kl->il", X, X, x),
    "out": lambda x: (lambda y: np.einsum("ij->j", x, out=y) * y)(np.zeros_like(x[0])),
    "an empty axis": lambda x: np.einsum("ij,jk->ik", x[:, :0], x[:0]) + x,
}
PRODUCTS = {
    "dot of a number": lambda x: np.dot(2.0, x) + np.dot(x[0, 0], x),
    "dot of higher ranks": lambda x: np.dot(T * x, T),
    "dot of a vector and more": lambda x: np.dot(x[0], T),
    "dot out": lambda x: (lambda y: np.dot(x, A, out=y) * y)(np.zeros_like(x[:, :1] + A)),
    "inner of higher ranks": lambda x: np.inner(T * x, x),
    "inner of a number": lambda x: np.inner(2.0, x),
    "outer flattens": lambda x: np.outer(x, A),
    "outer out": lambda x: (lambda y: np.outer(x[0], x[1], out=y) * y)(np.zeros_like(x)),
    "vdot": lambda x: np.vdot(x, x * x),
    "tensordot keywords": lambda x: np.tensordot(a=x, b=A, axes=1),
    "tensordot of an integer of NumPy's": lambda x: np.tensordot(x, A, np.int64(1)),
    "tensordot 0": lambda x: np.tensordot(x, V, 0),
    "tensordot pairs": lambda x: np.tensordot(T * x, T, axes=([0, 2], [0, 1])),
    "matvec": lambda x: np.matvec(T * x, x[:2]),
    "matvec of one vector": lambda x: np.matvec(T * x, V),
    "vecmat": lambda x: np.vecmat(x[:2], T * x),
    "vecdot": lambda x: np.vecdot(x, T * x),
    "vecdot axis": lambda x: np.vecdot(x, x * x, axis=0),
    "vecdot axis of other ranks": lambda x: np.vecdot(V, x, axis=0),
    "vecdot keepdims": lambda x: np.vecdot(x, x, keepdims=True),
    "matmul axes": lambda x: np.matmul(x, A, axes=[(0, 1), (0, 1), (1, 0)]),
    "vecdot axes": lambda x: np.vecdot(x, T * x, axes=[0, 1]),
    "cross": lambda x: np.cross(x, x[::-1]),
    "cross broadcasts": lambda x: np.cross(V, x),
    "cross axes": lambda x: np.cross(x, A[:, :3], axisa=0, axisb=1, axisc=0),
    "cross axis": lambda x: np.cross(x, x @ x, axis=0),
    "trace out": lambda x: np.trace(T * x, out=np.zeros_like(x[0])) * x,
    "trace dtype": lambda x: np.trace(x, 1, dtype=x.dtype),
}
CASES = {**EINSUM, **PRODUCTS}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", CASES)
def test_every_spelling(name, law):
    LAWS[law](CASES[name], X)


@pytest.mark.parametrize("law", ["value", "first_order", "second_order"])
@pytest.mark.parametrize("name", CASES)
def test_every_spelling_of_complex_arrays(name, law):
    LAWS[law](CASES[name], Z)


def cross_of_plane_vectors(x):
    with warnings.catch_warnings():  # NumPy's own: vectors of 2 components will go
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.cross(x[:, :2], x[::-1, 1:]) + np.cross(x[:, :2], x)[:, 2]


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy 2.5 has no plane vectors"
)
@pytest.mark.parametrize("law", LAWS)
def test_cross_of_plane_vectors(law):
    LAWS[law](cross_of_plane_vectors, X)


def random_subscripts(seed):
    """Subscripts and shapes that NumPy takes, of all kinds; None where it does not."""
    pick = random.Random(seed)
    lengths = {c: pick.choice([1, 2, 3]) for c in "abcdE"}
    terms = [
        "".join(pick.choices("abcdE", k=pick.randint(0, 3))) for _ in range(pick.randint(1, 4))
    ]
    pool = sorted(set("".join(terms)))
    output = "".join(pick.sample(pool, pick.randint(0, len(pool))))
    dots = pick.random() < 0.3
    texts, shapes = [], []
    for term in terms:
        own = {c: lengths[c] if pick.random() < 0.8 else 1 for c in term}
        shape, text = [own[c] for c in term], term
        if dots and pick.random() < 0.7:
            place, width = pick.randint(0, len(term)), pick.randint(0, 2)
            shape[place:place] = [2, 3][2 - width :]
            text = f"{term[:place]}...{term[place:]}"
        texts.append(text)
        shapes.append(tuple(shape))
    subscripts = ",".join(texts)
    if pick.random() < 0.7:
        subscripts += f"->{'...' if dots else ''}{output}"
    try:
        np.einsum(subscripts, *[np.ones(shape) for shape in shapes])
    except ValueError:
        return None
    return subscripts, shapes, pick.choice([False, True, "optimal"])


def check_random(seed):
    found = random_subscripts(seed)
    if found is None:
        return
    subscripts, shapes, optimize = found
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=shape) for shape in shapes]
    tangents = [rng.normal(size=shape) for shape in shapes]

    def f(*values):
        return np.einsum(subscripts, *values, optimize=optimize)

    expected = f(*values)
    y, pullback = vjp(f, *values)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12, err_msg=subscripts)
    assert y.shape == expected.shape
    _, tangent = jvp(f, tuple(values), tuple(tangents))
    # linear in each operand: the tangent is the sum of NumPy's values with one operand replaced
    parts = [f(*values[:k], t, *values[k + 1 :]) for k, t in enumerate(tangents)]
    np.testing.assert_allclose(tangent, sum(parts), rtol=1e-11, atol=1e-11, err_msg=subscripts)
    u = rng.normal(size=expected.shape)
    pulled = sum(np.sum(g * t) for g, t in zip(pullback(u), tangents, strict=True))
    np.testing.assert_allclose(pulled, np.sum(u * tangent), rtol=1e-10, atol=1e-10)


def test_random_subscripts():
    for seed in range(150):
        check_random(seed)


@pytest.mark.slow
def test_many_random_subscripts():
    for seed in range(150, 3000):
        check_random(seed)


def test_einsum_on_every_backend(xp):
    def f(x):
        ns = x.__array_namespace__()
        y = ns.einsum("bij,jk->bik", ns.stack([x, x * x]), x)
        return ns.sum(ns.einsum("...ii->...", y) * ns.einsum("ij,ij->j", x, x)[0])

    def g(x):
        y = np.einsum("bij,jk->bik", np.stack([x, x * x]), x)
        return np.sum(np.einsum("...ii->...", y) * np.einsum("ij,ij->j", x, x)[0])

    assert_close(grad(f)(xp.asarray(X)), grad(g)(X))


def test_the_order_of_contraction_of_a_batch_is_that_of_one_example():
    seen = []

    def f(x):
        seen.append(np.einsum_path("ij,jk,kl->il", x, x, A)[0])
        return np.einsum("ij,jk,kl->il", x, x, A)

    vmap(f)(np.stack([X, X]))
    assert seen == [np.einsum_path("ij,jk,kl->il", X, X, A)[0]]


def test_a_long_chain_is_contracted_in_pairs():
    n = 40  # all at once this would be 40^5 products
    x = np.eye(n)
    assert_close(grad(lambda x: np.einsum("ij,jk,kl,lm,mi", x, x, x, x, x))(x), 5 * np.eye(n))


def test_precision_of_mixed_operands_is_numpys():
    x = X.astype(np.float32)
    check_value(lambda x: np.einsum("ij,jk", x, A), x)
    check_value(lambda x: np.einsum("ij,jk", x, np.ones((3, 2), np.int64)), x)
    check_value(lambda x: np.einsum("ij,jk", x, x, dtype=np.float64), x)
    check_value(lambda x: np.einsum("ij->j", x, dtype=np.float16, casting="unsafe"), x)
    assert grad(lambda x: np.sum(np.einsum("ij,jk", x, A)))(x).dtype == np.float32


def write_into_a_transpose(x):
    y = x * 2.0
    np.einsum("ij->ji", y)[0] = 1.0
    return np.sum(y)


def write_into_a_diagonal(x):
    y = x * 2.0
    np.einsum("ii->i", y)[:2] = 1.0
    return np.sum(y)


@pytest.mark.parametrize("f", [write_into_a_transpose, write_into_a_diagonal])
def test_views_stay_views(f):
    with pytest.raises(TraceError, match="view"):
        grad(f)(X)


def test_products_are_no_views():
    def f(x):
        y = np.einsum("bij,jk->ikb", T * x, x)
        y[0] = 1.0
        return np.sum(y)

    assert grad(f)(X).shape == (3, 3)


@pytest.mark.parametrize(
    ("f", "error", "match"),
    [
        (lambda x: np.einsum("ijk", x), ArgumentError, "operand 0, which has 2 axes"),
        (lambda x: np.einsum("i,j", x), ArgumentError, "expected 2, one for each"),
        (lambda x: np.einsum("ij->k", x), ArgumentError, "output 'k'"),
        (lambda x: np.einsum("ij->ii", x), ArgumentError, "each label once"),
        (lambda x: np.einsum("...j->j", x), ArgumentError, "ellipsis of 1 axes"),
        (lambda x: np.einsum("i.j", x), ArgumentError, "expected letters"),
        (lambda x: np.einsum("ij->j->i", x), ArgumentError, "one '->'"),
        (lambda x: np.einsum("ij,jk", x, x[:2]), ShapeError, "lengths 3 and 2 for the label"),
        (lambda x: np.einsum("ii", x[:, :1]), ShapeError, "lengths 3 and 1"),
        (lambda x: np.einsum(x, [0, 52]), ArgumentError, "0 to 51"),
        (lambda x: np.einsum(x, 3), ArgumentError, "list of integers"),
        (lambda x: np.einsum("i,i,i", *x, optimize="fast"), ArgumentError, "optimize"),
        (
            lambda x: np.einsum("i,i,i", *x, optimize=["einsum_path", (0, 1)]),
            ArgumentError,
            "contract all",
        ),
        (lambda x: np.einsum("ij", x, order="F"), ArgumentError, "order"),
        (lambda x: np.einsum("ij->i", x, dtype=np.float32), DTypeError, "'safe'"),
        (lambda x: np.einsum("ij->i", x, out=np.zeros_like(x)), ShapeError, r"out\): got an array"),
        (lambda x: np.einsum("ij->i", x, out=PLAIN), TraceError, "gradient would be lost"),
        (lambda x: np.dot(x, x, out=X), TraceError, "gradient would be lost"),
        (lambda x: np.vecdot(x, x[:, :1]), ShapeError, "one length"),
        (lambda x: np.matvec(x, x[:, :2]), ShapeError, "one length"),
        (lambda x: np.vecmat(x[:, :2], x), ShapeError, "one length"),
        (lambda x: np.cross(x[:, :1], x), ShapeError, "2 or 3"),
        (lambda x: np.tensordot(x, x[:2], 1), ShapeError, "equal lengths"),
    ],
)
def test_what_is_refused(f, error, match):
    with pytest.raises(error, match=match):
        vjp(f, X)
