"""Derivatives and batches of compiled functions: those of the function, and replayed."""

import threading
import types

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError
from tests.support import assert_close, forbid_host_copies

RNG = np.random.default_rng(3)
X, W, V = RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=(3, 4))
ROUNDS = 4  # run and recorded, then recorded in other forms or replayed


def energy(x, w):
    xp = ag.namespace(x, w)
    h = xp.tanh(xp.multiply(x, w))
    for _ in range(2):
        h = xp.sin(h) * h + 0.5
    return xp.sum(h * h)


def rows(x, w):
    xp = ag.namespace(x, w)
    return xp.sum(xp.exp(-x * x) * w, axis=1)


TRANSFORMED = {
    "grad": lambda f, x, w, v: ag.grad(f)(x, w),
    "value_and_grad": lambda f, x, w, v: ag.value_and_grad(f, (0, 1))(x, w),
    "jvp": lambda f, x, w, v: ag.jvp(f, (x, w), (v, w)),
    "jvp of one": lambda f, x, w, v: ag.jvp(lambda x: f(x, w), (x,), (v,)),
    "linearize": lambda f, x, w, v: ag.linearize(lambda x: f(x, w), x)[1](v),
    "hvp": lambda f, x, w, v: ag.hvp(lambda x: f(x, w), x, v),
    "hessian": lambda f, x, w, v: ag.hessian(f, 1)(x, w),
    "vmap": lambda f, x, w, v: ag.vmap(f, (0, None))(x[:, None, :], w),
    "vmap of grad": lambda f, x, w, v: ag.vmap(ag.grad(f), (0, None))(x[:, None, :], w),
    "grad of vmap": lambda f, x, w, v: ag.grad(
        lambda x: ag.namespace(x).sum(ag.vmap(f, (0, None))(x[:, None, :], w))
    )(x),
    "grad of jvp": lambda f, x, w, v: ag.grad(lambda x: ag.jvp(lambda w: f(x, w), (w,), (w,))[1])(
        x
    ),
    "grad of grad": lambda f, x, w, v: ag.grad(lambda x: ag.namespace(x).sum(ag.grad(f)(x, w) * v))(
        x
    ),
    "inside": lambda f, x, w, v: ag.grad(lambda x: ag.namespace(x).sin(f(x, w)))(x),
}


def assert_same(found, expected):
    """Equal to the bit, in the same structure, of the same classes.

    To rounding where functions are those of a compiler: JAX's, or that of CuPy's kernels.
    """
    found, structure = ag.trees.flatten(found)
    expected, wanted = ag.trees.flatten(expected)
    assert structure == wanted
    for a, b in zip(found, expected, strict=True):
        assert type(a) is type(b)
        if hasattr(a, "shape"):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            library = type(a).__module__.partition(".")[0]
            a, b = ag.to_numpy(a), ag.to_numpy(b)
            if library.startswith("jax"):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
                continue
            if library == "cupy":
                assert_close(a, b)
                continue
            a, b = a.tobytes(), b.tobytes()
        assert a == b


def agree(change, f, *args, rounds=ROUNDS):
    """Compare a transformation of the compiled function with one of the function itself."""
    compiled, expected = ag.compile(f), change(f, *args)
    for _ in range(rounds):
        assert_same(change(compiled, *args), expected)
    return compiled


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_compiled_function_is_transformed_as_the_function_itself(quick_xp, name):
    if quick_xp.name == "strict" and name == "grad of jvp":
        pytest.skip("array-api-strict refuses plain * traced, which the rule writes")
    args = [quick_xp.asarray(a) for a in (X, W, V)]
    agree(TRANSFORMED[name], energy, *args)


def test_jacobians_in_both_modes_are_those_of_the_function():
    for mode in ("forward", "reverse"):
        agree(lambda f, x, w, mode=mode: ag.jacobian(f, (0, 1), mode)(x, w), rows, X, W)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_soon_the_code_is_not_run_any_more(name, monkeypatch):
    compiled = ag.compile(energy)
    expected = [TRANSFORMED[name](compiled, X, W, V) for _ in range(3)][2]

    def refuse(*args, **kw):
        raise AssertionError("the code is run again")

    monkeypatch.setattr("anygrad.compiler.paths.record", refuse)
    monkeypatch.setattr("anygrad.compiler.derived.Record", refuse)
    monkeypatch.setattr("anygrad.compiler.derived.Derived._as_written", refuse)
    assert_same(TRANSFORMED[name](compiled, X, W, V), expected)


@pytest.mark.parametrize("name", ["grad", "jvp", "hvp", "vmap of grad", "grad of grad"])
def test_nothing_is_copied_to_the_host(name, quick_xp):
    args = [quick_xp.asarray(a) for a in (X, W, V)]
    compiled = ag.compile(energy)
    with forbid_host_copies():
        for _ in range(ROUNDS):
            TRANSFORMED[name](compiled, *args)


def test_rules_of_ones_own_are_used():
    @ag.custom_vjp
    def doubled(x):
        return np.sum(x)

    doubled.defvjp(lambda x: (np.sum(x), x), lambda x, g: (2.0 * g * x,))

    def f(x):
        return doubled(x) + np.sum(x * ag.stop_gradient(x))

    for change in (lambda f, x: ag.grad(f)(x), lambda f, x: ag.jvp(f, (x,), (x,))):
        agree(change, f, W)
    compiled = ag.compile(f)
    np.testing.assert_array_equal([ag.grad(compiled)(W) for _ in range(3)][2], 2.0 * W + W)


def test_another_way_through_the_code_has_another_derivative():
    def f(x):
        return np.sum(x * x) if np.sum(x) > 0 else np.sum(3.0 * x)

    gradient = ag.grad(ag.compile(f))
    for x in (W, -W, W, -W, -W, W) if np.sum(W) > 0 else (-W, W, -W, W, W, -W):
        assert_same(gradient(x), ag.grad(f)(x))


def test_a_guard_that_asks_a_cotangent_is_asked_again():
    @ag.custom_vjp
    def signed(x):
        return x * 1.0

    signed.defvjp(lambda x: (x, None), lambda kept, g: (g if np.sum(g) > 0 else 5.0 * g,))
    compiled = ag.compile(signed)
    for scale in (1.0, 1.0, -1.0, 1.0, -1.0):
        found = ag.grad(lambda x, s=scale: np.sum(compiled(x)) * s)(W)
        np.testing.assert_array_equal(found, np.full(4, scale if scale > 0 else -5.0))


def test_a_result_that_is_not_used_gives_no_cotangent():
    def f(x):
        return np.log(x), 2.0 * x, np.sqrt(x)

    x = np.asarray([0.0, 1.0])
    compiled = ag.compile(f)
    with np.errstate(divide="ignore"):
        for k in (1, 1, 2, 1, 2, 2):
            for n in (f, compiled):
                found = ag.grad(lambda x, n=n, k=k: np.sum(n(x)[k] * 1.0))(x)
                if n is f:
                    expected = found
            assert_same(found, expected)
    assert np.isinf(found[0])


def test_trees_keywords_static_arguments_numbers_and_integers():
    def f(params, rate, *, n, which, shift):
        x = params["x"] * rate if which == "scaled" else params["x"]
        for _ in range(n):
            x = x * x
        index = params["index"]
        return {"loss": np.sum(x[index]) + shift, "index": index + 1, "name": "loss", "none": None}

    def change(f, which, n, rate):
        params = {"x": W, "index": np.asarray([0, 2])}
        given = {"n": n, "which": which, "shift": 0.5}

        def loss(x, rate):
            found = f({**params, "x": x}, rate, **given)
            assert found["name"] == "loss"
            np.testing.assert_array_equal(found["index"], [1, 3])
            return found["loss"]

        return ag.value_and_grad(loss, (0, 1))(W, rate)

    compiled = ag.compile(f, static=("which",))
    for _ in range(2):
        for which in ("scaled", "plain"):
            for n in (1, 2):
                for rate in (0.5, 0.25):
                    args = (which, n, rate)
                    with ag.use_settings(warn_unused=False):
                        assert_same(change(compiled, *args), change(f, *args))


def test_dicts_in_another_order_are_another_function():
    def f(parts):
        return sum(parts.values()) * 1.0

    x = np.float64(1.0)
    for parts in ({"a": 1e16, "b": 1.0, "c": -1e16}, {"c": -1e16, "a": 1e16, "b": 1.0}) * 3:
        given = {k: np.float64(v) for k, v in parts.items()}
        assert_same(ag.value_and_grad(ag.compile(f))(given), ag.value_and_grad(f)(given))
    compiled = ag.compile(f)
    for parts in ({"a": 1e16, "b": x, "c": -1e16}, {"c": -1e16, "a": 1e16, "b": x}) * 3:
        found = ag.grad(lambda b, p=parts: compiled({**p, "b": b}))(x)
        assert_same(found, ag.grad(lambda b, p=parts: f({**p, "b": b}))(x))
        value = ag.jvp(lambda b, p=parts: compiled({**p, "b": b}), (x,), (x,))[0]
        assert value == f(parts)


def test_auxiliary_results_come_out_plain():
    def f(x):
        y = np.sum(x * x)
        return y, {"count": np.sum(x > 0), "kept": ag.stop_gradient(y), "x": x}

    compiled = ag.compile(f)
    for _ in range(ROUNDS):
        found = ag.value_and_grad(compiled, has_aux=True)(W)
        assert_same(found, ag.value_and_grad(f, has_aux=True)(W))
        assert not np.shares_memory(found[0][1]["x"], W)


def test_what_does_not_depend_on_the_variables_can_be_looked_at():
    def f(x):
        return np.sum(x * x), np.sum(ag.stop_gradient(x))

    compiled = ag.compile(f)

    def looked(x):
        value, total = compiled(x)
        return value * float(total)

    for _ in range(ROUNDS):
        np.testing.assert_allclose(ag.grad(looked)(W), 2.0 * W * np.sum(W), rtol=1e-15)


def test_traced_values_that_a_function_closes_over_keep_their_derivative():
    def outer(w, x):
        hidden = {"w": w}  # not a cell that holds a traced value by itself
        cell = ag.compile(lambda x: np.sum(x * w))
        deep = ag.compile(lambda x: np.sum(x * hidden["w"]))
        return cell(x) + 2.0 * deep(x) + 3.0 * cell(np.ones(4)) + deep(w)

    def plain(w, x):
        return np.sum(x * w) + 2.0 * np.sum(x * w) + 3.0 * np.sum(w) + np.sum(w * w)

    found, expected = (ag.grad(f, (0, 1))(W, X[0]) for f in (outer, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    found, expected = (ag.jvp(f, (W, X[0]), (V[0], V[1])) for f in (outer, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:.*it uses a traced value that is no argument")
def test_traced_values_that_are_found_in_objects_keep_their_derivative():
    holder = types.SimpleNamespace(w=W)

    def f(x):
        return np.sum(x * x * holder.w)

    def used(f):
        def outer(w, x):
            holder.w = w
            try:
                return f(x) + f(w)
            finally:
                holder.w = W

        return outer

    compiled = ag.compile(f)
    for _ in range(2):
        for change in (
            lambda f: ag.grad(used(f), (0, 1))(W, X[0]),
            lambda f: ag.jvp(used(f), (W, X[0]), (V[0], V[1])),
            lambda f: ag.jvp(lambda x: ag.grad(lambda w: used(f)(w, x))(W), (X[0],), (V[0],)),
            lambda f: ag.grad(lambda x: np.sum(ag.grad(lambda w: used(f)(w, x))(W)))(X[0]),
        ):
            found, expected = ag.trees.leaves(change(compiled)), ag.trees.leaves(change(f))
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-13)


def test_what_changes_around_the_function_changes_its_derivative():
    rates = {"rate": 2.0}
    gradient = ag.grad(ag.compile(lambda x: rates["rate"] * np.sum(x * x)))
    for rate in (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 2.0):
        rates["rate"] = rate
        np.testing.assert_array_equal(gradient(W), rate * (W + W))


def test_variables_of_several_levels_meet():
    compiled = ag.compile(energy)

    def mixed(f):
        return lambda x, w: ag.grad(lambda x: ag.jvp(lambda w: f(x, w), (w,), (w,))[1])(x)

    for _ in range(ROUNDS):
        found = ag.vmap(mixed(compiled), (0, None))(X, W)
        assert_same(found, ag.vmap(mixed(energy), (0, None))(X, W))


def test_results_of_which_some_do_not_depend_on_the_variables_nest():
    def f(x):
        return np.sum(x * x * x), ag.stop_gradient(x), np.arange(3)

    def used(f):
        def loss(x):
            cube, kept, _ = f(x)
            return cube * np.sum(kept)

        return lambda x: np.sum(ag.grad(loss)(x) ** 2)

    agree(lambda f, x: ag.grad(used(f))(x), f, W)


def test_an_empty_batch():
    compiled = ag.compile(lambda x: np.sum(np.exp(x)))
    for _ in range(ROUNDS):
        assert ag.vmap(compiled)(np.ones((0, 3))).shape == (0,)
        assert ag.vmap(ag.grad(compiled))(np.ones((0, 3))).shape == (0, 3)


def test_complex_and_single_precision(quick_xp):
    def f(z):
        xp = ag.namespace(z)
        return xp.sum(xp.real(xp.exp(z) * z))

    for dtype in ("complex128", "float32"):
        z = quick_xp.asarray(X[0].astype(dtype))
        agree(lambda f, z: ag.value_and_grad(f)(z), f, z)


def test_a_pullback_may_be_called_again_and_gives_new_arrays():
    compiled = ag.compile(lambda x: (np.sin(x), x))
    plain = ag.vjp(compiled.function, W)[1]
    for _ in range(ROUNDS):
        _, pullback = ag.vjp(compiled, W)
        for scale in (1.0, 2.0, 3.0):
            g = (np.full(4, scale), np.ones(4))
            first, second = pullback(g)[0], pullback(g)[0]
            assert_same(first, plain(g)[0])
            assert not np.shares_memory(first, second)
            assert not np.shares_memory(first, g[0])
    batch = (np.eye(4), np.ones((4, 4)))
    assert_same(ag.vmap(pullback)(batch), ag.vmap(plain)(batch))


def test_arrays_overwritten_before_the_backward_pass_are_noticed():
    compiled = ag.compile(lambda x, c: np.sum(x * c))
    for _ in range(ROUNDS):
        c = np.ones(4)

        def f(x, c=c):
            y = compiled(x, c)
            c[:] = 5.0
            return y

        with pytest.raises(TraceError, match="overwritten"):
            ag.grad(f)(W)


def test_writing_into_a_traced_argument_is_refused():
    @ag.compile
    def f(x):
        x[0] = 0.0
        return np.sum(x)

    for change in (ag.grad, lambda f: lambda x: ag.jvp(f, (x,), (x,))):
        with pytest.raises(TraceError, match="writes into its argument"):
            change(f)(W.copy())


def test_a_compiled_derivative_of_a_compiled_function():
    compiled = ag.compile(energy)
    both = ag.compile(ag.value_and_grad(compiled))
    for _ in range(ROUNDS):
        assert_same(both(X, W), ag.value_and_grad(energy)(X, W))
        assert_same(compiled(X, W), energy(X, W))


def test_threads_share_the_halves():
    gradient = ag.grad(ag.compile(energy))
    inputs = [X + k for k in range(4)]
    expected = [ag.grad(energy)(x, W) for x in inputs]
    failures = []

    def work(k):
        for _ in range(40):
            if not np.array_equal(gradient(inputs[k], W), expected[k]):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_many_shapes_are_not_kept():
    compiled = ag.compile(lambda x: np.sum(x * x))
    derived_kept = "anygrad.compiler.derived.KEPT"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derived_kept, 4)
        for n in range(1, 9):
            ag.grad(compiled)(np.ones(n))
    assert len(compiled._derived.halves) == 4


RATE = {"value": 0.5}
TABLE = np.ones(3)


def test_a_pullback_is_that_of_what_the_forward_pass_has_read():
    compiled = ag.compile(lambda x: np.sum(RATE["value"] * x * x))
    for _ in range(ROUNDS):
        RATE["value"] = 0.5
        try:
            _, pull = ag.vjp(compiled, np.ones(3))
            RATE["value"] = 4.0
            assert pull(1.0)[0].tolist() == [1.0, 1.0, 1.0]
        finally:
            RATE["value"] = 0.5


def test_a_pullback_of_a_replay_is_that_of_what_it_has_read():
    compiled = ag.compile(lambda x: np.sum(RATE["value"] * x * x))
    for _ in range(ROUNDS):
        ag.grad(compiled)(np.ones(3))
    _, pull = ag.vjp(compiled, np.ones(3))
    try:
        RATE["value"] = 4.0
        assert pull(1.0)[0].tolist() == [1.0, 1.0, 1.0]
    finally:
        RATE["value"] = 0.5


def test_a_pullback_is_refused_where_an_array_was_overwritten_since():
    compiled = ag.compile(lambda x: np.sum(TABLE * x * x))
    for _ in range(ROUNDS):
        _, pull = ag.vjp(compiled, np.ones(3))
        try:
            TABLE[:] = 4.0
            with pytest.raises(TraceError, match=r"overwritten|TABLE"):
                pull(1.0)
        finally:
            TABLE[:] = 1.0
        ag.grad(compiled)(np.ones(3))


KEPT = {}


def test_a_function_compiled_within_a_transformation_sees_what_has_changed():
    def scaled(x):
        return np.sum(TABLE * x * x)

    def f(x):
        if "scaled" not in KEPT:
            KEPT["scaled"] = ag.compile(scaled)
        return KEPT["scaled"](ag.value(x)) * np.sum(x)

    KEPT.clear()
    try:
        for k in (1.0, 2.0, 3.0):
            TABLE[:] = k
            assert ag.grad(f)(np.ones(3)).tolist() == [3.0 * k] * 3
    finally:
        TABLE[:] = 1.0
