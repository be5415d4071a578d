"""Arrays made in rebound code behave as NumPy's: values, views, derivatives; random programs."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.config import use_settings
from anygrad.errors import DTypeError, TraceError
from tests.support import assert_close, difference

X = np.array([0.3, 0.7, 1.1])


@use_settings(warn_unused=False)
def check(f, x=X):
    """Value, gradient and tangent of f are those of the same code on plain arrays."""
    value, gradient = ag.value_and_grad(f)(x)
    assert_close(value, np.asarray(f(x)))
    slopes = np.array([difference(f, x, v) for v in np.eye(x.size)])
    np.testing.assert_allclose(gradient, slopes, rtol=1e-8, atol=1e-8)
    tangent = ag.jvp(f, (x,), (np.arange(1.0, 1.0 + x.size),))[1]
    np.testing.assert_allclose(tangent, slopes @ np.arange(1.0, 1.0 + x.size), rtol=1e-8, atol=1e-8)


# Programs -----------------------------------------------------------------------------------------

STATEMENTS = (
    "z[{i}] = x[{k}]",
    "z[{i}] = 2.0",
    "z[{i}, {j}] = x[{k}] * {c}",
    "z[{i}, {j}] = {c}",
    "z[{i}, {j}] = z[{j}, {i}] + x[{k}]",
    "z[{i}] = z[{j}] * x[{k}]",
    "z[{i}] = x",
    "z[{i}] = t",
    "z[{i}] = u",
    "t[{j}] = {c}",
    "t *= x",
    "u[:] = {c}",
    "z[:, {j}] = x * {c}",
    "z[:, {j}] += x",
    "z[{i}] += {c}",
    "z[{i}][{j}] = x[{k}]",
    "z[{i}][{j}] *= {c}",
    "z += x",
    "z *= {c}",
    "z[z < {c}] = 0.25",
    "z[[0, 2]] = x[{k}]",
    "z[1:, :2] -= x[{k}]",
    "w = z[{i}]",
    "w = z[1:]",
    "w = z.T",
    "w = z.T[{i}]",
    "w = z[::-1]",
    "w = z.ravel()",
    "w = z.reshape(9)",
    "w = z.copy()",
    "w = z[[{i}, {j}]]",
    "w[{m}] = x[{k}]",
    "w[{m}] = {c}",
    "w += x[{k}]",
    "w *= {c}",
    "w[...] = {c}",
    "s = s + np.sum(z * x)",
    "s = s + np.sum(w * w)",
    "s = s + z[{i}, {j}] * {c}",
    "s = s + np.linalg.norm(z)",
    "z = z + 0.5",
    "z = np.full((3, 3), {c})",
    "z, w = w * np.ones((3, 1)) if w.ndim == 1 and w.size == 3 else z, z",
)


def program(rng, length=9):
    """The source of a function that writes into an array in random ways."""
    lines = ["def f(x):", "    s = 0.0", "    z = np.zeros((3, 3))", "    w = z[0]"]
    lines += ["    t = x * 1.5", "    u = np.ones(3)"]
    for _ in range(length):
        i, j, k, m = [*rng.integers(0, 3, 3).tolist(), int(rng.integers(0, 2))]
        statement = STATEMENTS[rng.integers(len(STATEMENTS))]
        lines.append(
            "    " + statement.format(i=i, j=j, k=k, m=m, c=round(rng.uniform(0.5, 1.5), 2))
        )
    lines.append(
        "    return s + np.sum(z * z) + np.sum(w * np.arange(1.0, w.size + 1).reshape(w.shape))"
    )
    return "\n".join(lines)


def run_program(seed):
    source = program(np.random.default_rng(seed))
    names = {"np": np, "__name__": "programs"}
    exec(source, names)
    f = names["f"]
    try:
        with np.errstate(all="ignore"):
            plain = f(X.copy())
    except (ValueError, IndexError):
        return False  # no program of NumPy either
    if not np.isfinite(plain) or abs(plain) > 1e6:
        return False
    slopes = [[difference(f, X, v, h) for v in np.eye(3)] for h in (1e-3, 1e-4)]
    if not np.allclose(*slopes, rtol=1e-6, atol=1e-6):
        return False  # a comparison changes its mind nearby
    try:
        check(f)
    except TraceError as error:
        if "view" not in str(error) and "overwritten" not in str(error):
            raise AssertionError(source) from error
        return None  # a view of a traced array, which is no buffer
    except AssertionError as error:
        raise AssertionError(source) from error
    return True


@pytest.mark.parametrize("block", range(6))
def test_random_programs_of_writes_are_as_in_numpy(block):
    outcomes = [run_program(seed) for seed in range(50 * block, 50 * (block + 1))]
    assert outcomes.count(True) >= 30
    assert outcomes.count(None) <= 5


@pytest.mark.slow
def test_many_random_programs_of_writes_are_as_in_numpy():
    outcomes = [run_program(seed) for seed in range(1000, 4000)]
    assert outcomes.count(True) >= 1800


# Cases --------------------------------------------------------------------------------------------


def test_a_view_taken_before_a_write_shows_it():
    def f(x):
        z = np.zeros((2, 3))
        row, column, turned = z[0], z[:, 1], z.T
        z[0, 1] = x[0]
        z[1] = x * x
        return np.sum(row * x) + np.sum(column) * x[1] + np.sum(turned[1] ** 2)

    check(f)


def test_a_write_through_a_view_reaches_the_array_and_its_other_views():
    def f(x):
        z = np.ones((3, 3))
        middle = z[1]
        z[0][2] = x[0]
        z.T[0] = x
        z.reshape(-1)[4] = x[1] * 3.0
        z[::-1][0, 1] = x[2]
        return np.sum(z * np.arange(9.0).reshape(3, 3)) + np.sum(middle**2)

    check(f)


def test_reshapes_that_numpy_copies_do_not_swallow_a_write():
    def f(x):
        z = np.zeros((2, 3))
        z.T.reshape(-1)[0] = x[0]  # a copy in NumPy: z stays zero
        return np.sum(z) + x[0]

    with pytest.raises(TraceError, match="view"):
        ag.grad(f)(X)


def test_a_name_for_the_same_array_is_the_same_array():
    def f(x):
        z = np.zeros(3)
        same = z
        z[:] = x
        same[0] = 5.0 * x[1]
        return np.sum(z**2)

    check(f)


def test_memory_used_again_is_not_changed_behind_the_tape():
    def f(x):
        buffer, total = np.zeros(3), 0.0
        for k in range(3):
            buffer[:] = k + 1.0
            total = total + np.sum(buffer * x)
        return total

    check(f)


def test_elements_may_be_read_while_others_wait_to_be_written():
    def f(x):
        z = np.zeros(30)
        z[0] = x[0]
        for i in range(1, 30):
            z[i] = 0.5 * z[i - 1] + x[1] * np.cos(0.1 * i * x[2])
        z[3] = z[4] + 1.0
        z[3] = 7.0
        return z[-1] + np.sum(z)

    check(f)


def test_values_that_are_changed_later_were_stored_as_they_were():
    row = np.array([1.0, 2.0, 3.0])

    def f(x):
        z = np.zeros((6, 3))
        z[0] = x
        for k in range(2):
            row[:] = k + 1.0
            z[1 + k] = row  # a plain array that is used again
        y = x * 2.0
        z[3] = y
        y[0] = 7.0
        grid = np.outer(x, x) * 1.0
        z[4] = grid[1]
        grid[1, 0] = 5.0
        x[1] = 4.0
        z[5] = x
        return np.sum(z * np.arange(18.0).reshape(6, 3)) + np.sum(y * grid[1])

    check(lambda x: f(x * 1.0))
    for row_of in (lambda x: x[0], lambda x: x[0] * 1.0):

        def g(x, row_of=row_of):
            z = np.zeros((2, 3))
            z[0] = row_of(x)
            x[0, 0] = 9.0
            return np.sum(z[0] * x[0])

        batch = np.stack([np.outer(X, X), np.outer(X, X) + 1.0])
        by_hand = np.stack([np.sum(b[0] * np.array([9.0, *b[0, 1:]])) for b in batch])
        assert_close(ag.vmap(lambda b: g(b * 1.0))(batch), by_hand)


def test_filling_takes_operations_in_proportion_to_the_length():
    from anygrad.tracing import TRACED

    written = []
    original = TRACED.setitem

    def counted(*args, **kw):
        written.append(1)
        return original(*args, **kw)

    def f(x):
        z = np.zeros(200)
        for i in range(200):
            z[i] = x[i % 3]
        return np.sum(z)

    TRACED.setitem = counted
    try:
        ag.grad(f)(X)
    finally:
        TRACED.setitem = original
    assert len(written) <= 1


def test_in_place_operators_and_output_arguments():
    def f(x):
        z = np.zeros(3)
        z += x
        z *= 2.0
        z[0] -= x[1]
        z /= np.array([1.0, 2.0, 4.0])
        z **= 2
        y = np.zeros(3)
        np.add(np.ones(3), np.ones(3), out=y)
        y[1] = x[2]
        return np.sum(z * y)

    check(f)


@pytest.mark.parametrize("value", [1.5, np.float64(1.5), np.array(1.5), [1.0, 2.0, 3.0]])
def test_plain_values_before_and_after_traced_ones(value):
    def f(x):
        z = np.zeros((2, 3))
        z[0] = value
        z[1, 2] = x[0]
        z[1] = value
        z[0, 0] = x[1]
        return np.sum(z**2) + np.sum(z @ x)

    check(f)


def test_buffers_without_traced_values_serve_as_plain_arrays():
    def f(x):
        a = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
        values = np.linalg.eigvalsh(a)
        index = int(np.argmax(a[1]))
        assert isinstance(a, np.ndarray)
        assert a.shape == (3, 3)
        assert a.ndim == 2
        assert len(a) == 3
        assert a.dtype == np.float64
        assert a.tolist()[0] == [2.0, 1.0, 0.0]
        assert a[0, 0].item() == 2.0
        assert a.flags.c_contiguous
        assert f"{a[1, 1]:.1f}" == "3.0"
        assert str(a)
        assert repr(a)
        assert np.asarray(a) is a
        assert np.array_equal(a, a.copy())
        assert np.all(a >= 0)
        assert sorted(a[0]) == [0.0, 1.0, 2.0]
        a.sort()
        return np.sum(a * x) * values[0] + x[index] * float(a[0, 0] + 1.0)

    check(f)


def test_what_c_code_gets_cannot_be_written_in_vain():
    plain = {}

    def f(x):
        z = np.zeros(3)
        plain["z"] = memoryview_of(z)
        z[0] = x[0]
        return np.sum(z)

    ag.grad(f)(X)
    with pytest.raises(ValueError, match="read-only"):
        plain["z"][0] = 1.0


memoryview_of = np.ma.asarray  # any function of a library that takes a view of the array


def test_a_complex_value_in_a_real_array_is_refused():
    def f(x):
        z = np.zeros(3)
        z[0] = x[0] * 1j
        return np.sum(z)

    with pytest.raises(DTypeError, match="imaginary"):
        ag.grad(f)(X)


def test_repeated_indices_are_refused():
    def f(x):
        z = np.zeros(3)
        z[[0, 0]] = x[:2]
        return np.sum(z)

    with pytest.raises(TraceError, match="repeated"):
        ag.grad(f)(X)


def test_float32_stays_and_integers_hold_no_traced_values():
    def f(x):
        z = np.zeros(3, dtype=np.float32)
        z[1] = x[0]
        return np.sum(z * x)

    assert ag.grad(f)(X.astype(np.float32)).dtype == np.float32

    def g(x):
        z = np.zeros(3, dtype=int)
        z[0] = x[0]
        return np.sum(z * x)

    with pytest.raises(TraceError, match="integer_array"):
        ag.grad(g)(X)


def test_every_transformation_sees_through_buffers():
    def f(x):
        z = np.zeros(3)
        for i in range(3):
            z[i] = x[i] ** 2 * x[i - 1]
        z[1:] *= x[0]
        return np.sum(z * z)

    def plain(x):
        z = x**2 * np.roll(x, 1)
        z = np.concatenate([z[:1], z[1:] * x[0]])
        return np.sum(z * z)

    assert_close(ag.grad(f)(X), ag.grad(plain)(X))
    assert_close(ag.hessian(f)(X), ag.hessian(plain)(X))
    assert_close(ag.jvp(ag.grad(f), (X,), (X,))[1], ag.jvp(ag.grad(plain), (X,), (X,))[1])
    batch = np.stack([X, X + 0.5, X * 2])
    assert_close(ag.vmap(ag.grad(f))(batch), np.stack([ag.grad(plain)(x) for x in batch]))
    assert_close(ag.grad(lambda b: np.sum(ag.vmap(f)(b)))(batch), ag.vmap(ag.grad(plain))(batch))
    assert_close(ag.jacobian(lambda x: filled(x))(X), np.diag(2 * X))


def filled(x):
    z = np.empty(3)
    for i in range(3):
        z[i] = x[i] ** 2
    return z


def test_inner_derivatives_write_into_arrays_of_the_outer_function():
    def f(x):
        rows = np.zeros((2, 3))
        rows[0] = ag.grad(lambda y: np.sum(y**3))(x)
        rows[1] = ag.grad(lambda y: np.sum(filled(y) * x))(x)
        return np.sum(rows[0] * rows[1])

    def plain(x):
        return np.sum(3 * x**2 * (2 * x * x))

    assert_close(ag.grad(f)(X), ag.grad(plain)(X))


def test_results_are_plain_arrays_in_every_tree():
    value, _ = ag.vjp(lambda x: {"a": filled(x), "b": [np.zeros(2), x]}, X)
    assert type(value["a"]) is np.ndarray
    assert type(value["b"][0]) is np.ndarray
    (_, more), _ = ag.value_and_grad(lambda x: (np.sum(x), np.zeros(2)), has_aux=True)(X)
    assert type(more) is np.ndarray
