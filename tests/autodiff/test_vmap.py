"""vmap: axes, trees, keywords, writing, decisions, nesting, on every backend; and its errors."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError, ShapeError, TraceError
from tests.support import assert_close, forbid_host_copies

X = np.random.default_rng(0).normal(size=(5, 3))
W = np.random.default_rng(1).normal(size=(3, 4))


def network(w, x):
    xp = ag.namespace(w, x)
    return xp.sum(xp.tanh(xp.matmul(x, w)) ** 2)


def test_per_example_gradients_on_every_backend(xp):
    w, x = xp.asarray(W), xp.asarray(X)
    with forbid_host_copies():
        grads = ag.vmap(ag.grad(network), in_axes=(None, 0))(w, x)
    loop = np.stack([ag.grad(network)(W, row) for row in X])
    assert_close(grads, loop)
    assert grads.device == w.device or xp.backend == "numpy"


def test_gradient_through_vmap_on_every_backend(xp):
    def total(w, x):
        return ag.namespace(w).sum(ag.vmap(network, (None, 0))(w, x))

    expected = ag.grad(lambda w: np.sum(np.tanh(X @ w) ** 2))(W)
    assert_close(ag.grad(total)(xp.asarray(W), xp.asarray(X)), expected)


def test_axes_may_stand_anywhere():
    f = ag.vmap(lambda a, b: a * b, in_axes=(1, -1), out_axes=-1)
    a, b = X, np.arange(6.0).reshape(2, 3)
    loop = np.stack([a[:, k][:2] * b[:, k] for k in range(3)], axis=-1)
    np.testing.assert_array_equal(f(a[:2], b), loop)


def test_axes_of_trees():
    params = {"w": W, "b": np.ones((5, 4))}
    f = ag.vmap(
        lambda p, x: {"y": x @ p["w"] + p["b"], "n": x.sum()},
        in_axes=({"w": None, "b": 0}, 0),
        out_axes={"y": 1, "n": 0},
    )
    out = f(params, X)
    np.testing.assert_allclose(out["y"], (X @ W + 1.0).T, rtol=1e-15)
    np.testing.assert_allclose(out["n"], X.sum(1), rtol=1e-15)


def test_dataclasses_are_mapped_whole():
    @dataclass
    class Pair:
        a: Any
        b: Any

    out = ag.vmap(lambda p: Pair(p.a + p.b, p.a))(Pair(X, 2.0 * X))
    np.testing.assert_allclose(out.a, 3.0 * X)


def test_keywords_are_mapped_over_axis_0():
    f = ag.vmap(lambda x, *, scale: x * scale)
    np.testing.assert_array_equal(f(X, scale=np.arange(5.0)), X * np.arange(5.0)[:, None])


def test_what_is_not_mapped_is_repeated_or_given_back():
    assert_close(ag.vmap(lambda x: W)(X), np.stack([W] * 5))
    assert ag.vmap(lambda x: W, out_axes=None)(X) is W
    assert ag.vmap(lambda x: (x, 3.0))(X)[1] == 3.0


def test_writing_into_new_arrays_and_into_arguments():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[:-1] * 2.0
        y[0] = x[2]
        x[0] = 7.0
        return y + x

    before = X.copy()
    by_hand = np.stack([[x[2] + 7.0, x[0] * 2 + x[1], x[1] * 2 + x[2]] for x in X])
    np.testing.assert_array_equal(ag.vmap(f)(X), by_hand)
    np.testing.assert_array_equal(X, before)


def test_a_view_is_not_read_after_its_base_was_written():
    def f(x):
        y = x * 1.0
        view = y[1:]
        y[1] = 0.0
        return view.sum()

    with pytest.raises(TraceError, match="view"):
        ag.vmap(f)(X)


def test_python_decides_where_all_examples_agree():
    f = ag.vmap(lambda x: x * 2.0 if (x > -10.0).all() else x)
    np.testing.assert_array_equal(f(X), 2.0 * X)
    with pytest.raises(TraceError, match=r"true for some examples.*xp\.where"):
        ag.vmap(lambda x: x if x[0] > 0 else -x)(X)


def test_masks_and_choices_differ_between_examples():
    np.testing.assert_array_equal(ag.vmap(lambda x: np.where(x > 0, x, 0.0))(X), X * (X > 0))
    best = ag.vmap(lambda x: x[np.argmax(x)])(X)
    np.testing.assert_array_equal(best, X.max(axis=1))
    np.testing.assert_array_equal(ag.vmap(np.sort)(X), np.sort(X, axis=1))
    with pytest.raises(MissingRuleError, match="batched form"):
        ag.vmap(lambda x: x[np.nonzero(x)[0]])(X)


def test_values_without_derivative_stay_one_for_each_example():
    def f(x):
        return np.sum(x * ag.stop_gradient(x) + x * ag.value(x))

    np.testing.assert_allclose(ag.vmap(ag.grad(f))(X), 2.0 * X)


def test_random_weights_are_the_same_for_every_example():
    seen = []

    def f(x):
        seen.append(np.random.default_rng(3).normal(size=3))
        return x * seen[-1]

    np.testing.assert_allclose(ag.vmap(f)(X), X * seen[0])
    assert len(seen) == 1  # one call for the whole batch


def test_any_order_and_depth():
    def f(x):
        return np.sum(np.sin(x) * x)

    slopes = ag.vmap(ag.grad(lambda r: np.sum(ag.vmap(np.sin)(r) * r)))(X)
    np.testing.assert_allclose(slopes, np.cos(X) * X + np.sin(X), rtol=1e-14)
    _, tangent = ag.jvp(lambda x: ag.grad(lambda x: np.sum(ag.vmap(f)(x)))(x), (X,), (X,))
    np.testing.assert_allclose(tangent, (2 * np.cos(X) - X * np.sin(X)) * X, rtol=1e-13)
    third = ag.vmap(ag.vmap(ag.grad(ag.grad(ag.grad(lambda x: x**5)))))(X)
    np.testing.assert_allclose(third, 60.0 * X**2, rtol=1e-13)


def test_captured_values_of_other_levels_are_no_part_of_the_batch():
    def outer(w):
        return np.sum(ag.vmap(lambda x: np.sum(x * w))(X))

    np.testing.assert_allclose(ag.grad(outer)(np.ones(3)), X.sum(axis=0), rtol=1e-14)
    found = ag.vmap(lambda a: ag.grad(lambda b: a * b * b)(3.0))(np.arange(4.0))
    np.testing.assert_array_equal(found, 6.0 * np.arange(4.0))


def test_an_empty_batch_and_one_example():
    assert ag.vmap(ag.grad(lambda x: np.sum(x**2)))(np.zeros((0, 3))).shape == (0, 3)
    np.testing.assert_array_equal(ag.vmap(np.sin)(X[:1]), np.sin(X[:1]))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ag.vmap(3), ArgumentError, "expected a function"),
        (lambda: ag.vmap(np.add, (0,))(X, X), ArgumentError, "1 entries for 2 arguments"),
        (lambda: ag.vmap(np.sin, (None,))(X), ArgumentError, "something to map over"),
        (lambda: ag.vmap(np.sin, 2)(X), ShapeError, r"shape \(5, 3\); expected axis 2"),
        (lambda: ag.vmap(np.add)(X, X[:4]), ShapeError, "4 examples along axis 0; expected 5"),
        (lambda: ag.vmap(np.sin)(2.0), ArgumentError, "expected an array to map over"),
        (lambda: ag.vmap(lambda t: t["a"], ({"b": 0},))({"a": X}), ArgumentError, "in_axes"),
        (lambda: ag.vmap(np.sin, out_axes=None)(X), ArgumentError, "differs between the examples"),
        (lambda: ag.vmap(np.sin, out_axes=5)(X), ArgumentError, "out_axes"),
    ],
)
def test_what_cannot_be_mapped_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_batch_that_left_its_vmap_says_so():
    kept = []
    ag.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(TraceError, match="transformation had ended"):
        np.sin(kept[0])


def test_an_exception_inside_leaves_nothing_behind():
    def failing(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ag.vmap(failing)(X)
    np.testing.assert_array_equal(ag.vmap(np.sin)(X), np.sin(X))


def test_masks_combine_and_choose_what_is_written():
    def f(x):
        y = x * 1.0
        y[(x > 0) & ~(x > 1) | (x < -1)] = 0.0
        return y

    np.testing.assert_array_equal(ag.vmap(f)(X), np.stack([f(x) for x in X]))

    def g(x):
        y = x * 1.0
        y[x > 0] = x[0]
        return y

    np.testing.assert_array_equal(ag.vmap(g)(X), np.stack([g(x) for x in X]))


def test_one_element_may_be_written_where_each_example_says():
    def f(x, i):
        y = x * 1.0
        y[i] = 7.0
        return np.sum(y**2)

    index = np.asarray([0, 2, 1, 1, 0])
    loop = [ag.value_and_grad(f)(x, i) for x, i in zip(X, index, strict=True)]
    values, grads = ag.vmap(ag.value_and_grad(f))(X, index)
    np.testing.assert_allclose(values, [v for v, _ in loop], rtol=1e-15)
    np.testing.assert_array_equal(grads, np.stack([g for _, g in loop]))
    with pytest.raises(TraceError, match="whether they repeat is not known"):
        ag.vmap(f)(X, np.stack([index, index], axis=1))


def test_threads_do_not_meet():
    def work(k):
        found = ag.vmap(ag.hessian(lambda x: k * np.sum(x**3)))(X)
        return float(np.max(np.abs(found - 6.0 * k * np.stack([np.diag(x) for x in X]))))

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(1, 65))) <= 1e-11


def test_a_worker_started_by_a_traced_function_belongs_to_it():
    def f(x):
        with ThreadPoolExecutor(2) as pool:
            halves = list(pool.map(lambda part: np.sum(np.sin(part)), (x[:2], x[2:])))
        return halves[0] * halves[1]

    expected = np.stack([ag.grad(f)(x) for x in X])
    np.testing.assert_allclose(ag.vmap(ag.grad(f))(X), expected, rtol=1e-14)


def test_registered_classes_are_mapped_whole():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    ag.extend.register_tree(
        Pair, lambda p: ({"a": p.a, "b": p.b}, None), lambda parts, _: Pair(**parts)
    )
    out = ag.vmap(lambda p: Pair(p.a * p.b, p.a))(Pair(X, 2.0 * X))
    np.testing.assert_allclose(out.a, 2.0 * X**2, rtol=1e-15)
