"""Every function of NumPy and SciPy that is traced: the values of one call never stay in the next.

Each is called first with one array, then with others that differ in values only, chosen so that
what depends on values changes: sorted or not, with zeros, repeated, negative and missing ones.
Two of these for each function, in turn; with --slow all of them.
"""

import importlib
import inspect
import math
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import AnygradError
from tests.compiler.agreement import assert_agrees, outcome, paths_of, use_plain_target

pytest.importorskip("scipy", reason="the tables have SciPy's functions")

TRACING = Path(__file__).parents[1] / "tracing"
MODULES = sorted(path.stem for path in TRACING.glob("test_*.py"))
UNUSED = ("test_foreign_operands", "test_never_silent", "test_torch_functions")
X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
SQUARE = X[:, :3]
POINTS = (X, SQUARE, X[0], np.abs(X) + 0.1, SQUARE @ SQUARE.T + 3.0 * np.eye(3), np.asarray(0.7))
# What NumPy computes in another order than the rows under grad, or writes where it is told to.
OF_NAMESPACES = ("test_standard", "test_in_place", "test_singular_matrices", "test_sparse")
NOT_COMPARED = {
    **{
        f"test_ufunc_methods:{name}.at{end}": "collected, not one after the other"
        for name in ("add", "subtract")
        for end in ("", " of rows", " of plain values")
    },
    "test_keywords:sum initial traced": "the function itself asks whether it is traced",
    "test_quantiles:median overwrite_input": "which of two zeros is in the middle, +0 or -0",
    "test_writing:fill_diagonal tall": "sums in another order of memory",
    "test_scipy_linalg:matrix_rank": "an error of what no result needs",
}


def functions(module):
    """The functions of one array in the tables of a module, by name."""
    found = {}
    for table, entries in vars(module).items():
        if not isinstance(entries, dict) or table.startswith("__") or table == "LAWS":
            continue
        for name, f in entries.items():
            f = next(filter(callable, f), None) if isinstance(f, tuple) else f
            if callable(f) and not inspect.isclass(f):
                found.setdefault(str(name), f)
    return found


def point_of(f, module):
    """An array that the function takes."""
    own = [getattr(module, name, None) for name in ("X", "A", "V", "POINT", "S", "Z")]
    for x in [x for x in own if isinstance(x, np.ndarray) and x.size] + [*POINTS]:
        if outcome(f, x)[1] is None:
            return x
    return None


def others(x):
    """Arrays of the same kind whose values take other ways."""
    if x.dtype.kind not in "fc":
        return [np.array(x[::-1])]
    made = [-x, np.zeros_like(x), np.flip(x, -1).copy() if x.ndim else 0.5 * x]
    if x.dtype.kind == "f":
        made += [np.sort(x, axis=-1) if x.ndim else x - 1.0, np.round(x)]
    gaps = x.copy()
    gaps.reshape(-1)[0] = np.nan
    return [*made, gaps]


def two_of(found, k):
    return [found[(2 * k + n) % len(found)] for n in range(2)]


def loss_of(f):
    def loss(x):
        parts = [
            y for y in ag.trees.leaves(f(x)) if getattr(y, "dtype", np.dtype(int)).kind in "fc"
        ]
        return sum(np.sum(np.real(y) * np.cos(1.0 + np.real(y))) for y in parts)

    return loss


@pytest.fixture(autouse=True)
def plain_target(monkeypatch):
    use_plain_target(monkeypatch)


@pytest.mark.parametrize("module", [name for name in MODULES if name not in UNUSED])
def test_functions_agree_where_other_values_take_other_ways(module, request):
    imported, compared = importlib.import_module(f"tests.tracing.{module}"), 0
    every = request.config.getoption("--slow")
    for k, (name, f) in enumerate(functions(imported).items()):
        x = point_of(f, imported)
        if x is None or f"{module}:{name}" in NOT_COMPARED:
            continue
        calls = [(x,), *[(y,) for y in (others(x) if every else two_of(others(x), k))]]
        for g in (f, ag.grad(loss_of(f))) if x.dtype.kind in "fc" else (f,):
            try:
                assert_agrees(g, *calls)
                compared += 1
            except AnygradError:  # loud
                continue
            except AssertionError as error:
                raise AssertionError(f"{module}:{name}: {error}") from error
    assert compared or len(functions(imported)) < 3 or module in OF_NAMESPACES


# Reads of values, one by one ------------------------------------------------------------------


def caught(x):
    try:
        return np.linalg.cholesky(x) * 2.0
    except np.linalg.LinAlgError:
        return x * 3.0


def test_errors_that_the_function_catches():
    good = X @ X.T
    assert_agrees(caught, (good,), (-good,), (2.0 * good,), (-good,), (good,))


def test_a_refusal_that_the_function_catches_is_loud():
    def f(x):
        try:
            return x * x.__array__()
        except TypeError:
            return x

    with pytest.raises(ag.errors.TraceError):
        ag.compile(f)(X)


def rewritten_numbers(x):
    table = np.array([1, 2, 3, 4])
    y = x * table
    table[0] = 100
    return y + x * table


def rewritten_mask(x):
    mask = np.ones(4, bool)
    mask[1] = False
    y = x * mask
    mask[1] = True
    return y + np.sum(x[:, mask])


def rewritten_index(x):
    index = np.arange(3)
    y = x[:, index]
    index += 1
    return y + x[:, index]


def rewritten_list(x):
    index = [0, 1]
    y = x[:, index]
    index[0] = 2
    return y + x[:, index]


def rewritten_large(x):
    table = np.arange(12_000)
    y = x[0, 0] * table
    table += 1
    return y + x[0, 0] * table


@pytest.mark.parametrize(
    "f", [rewritten_numbers, rewritten_mask, rewritten_index, rewritten_list, rewritten_large]
)
def test_constants_that_are_rewritten_are_what_they_were(f):
    assert_agrees(f, (X,), (2.0 * X,), (-X,))


def test_a_value_that_is_rewritten_after_a_derivative_has_used_it():
    def outer(a):
        a = a * 1.0

        def inner(x):
            y = np.sum(x * x * a)
            a[0] = 100.0
            return y

        return np.sum(ag.grad(inner)(np.array([1.0, 2.0])))

    expected = ag.jvp(outer, (np.array([3.0, 4.0]),), (np.zeros(2),))[0]  # 2 x a, summed
    assert expected == 22.0
    compiled = ag.compile(outer)
    assert [compiled(np.array([3.0, 4.0])) for _ in range(2)] == [22.0, 22.0]


def test_errors_of_values_are_raised_in_replays_too():
    def f(x):
        return np.histogram(x, 3)[0]

    compiled = assert_agrees(f, (X,), (X * np.nan,), (2.0 * X,))
    assert paths_of(compiled) == [1]


READS = {
    "float": lambda x: float(x[0, 0]) * x,
    "item": lambda x: x[0, 0].item() * x,
    "tolist": lambda x: sum(x[0].tolist()) * x,
    "int": lambda x: int(x[0, 0] * 10.0) * x,
    "math": lambda x: math.exp(x[0, 0]) * math.hypot(*x[0, :2]) + x,
    "floor": lambda x: math.floor(x[0, 0]) * x,
    "argmax": lambda x: x[np.argmax(x[:, 0])] * x[np.argmin(x)],
    "nonzero": lambda x: x[np.nonzero(x > 0.0)],
    "mask": lambda x: x[x > 0.5] * 2.0,
    "unique": lambda x: np.unique(np.round(x)),
    "allclose": lambda x: x * 2.0 if np.allclose(x, 0.0) else x,
    "array_equal": lambda x: x * 2.0 if np.array_equal(x, -x) else x,
    "isinstance": lambda x: x if isinstance(x[0, 0], float) else -x,
    "roots": lambda x: np.roots(x[0]),
    "count": lambda x: np.ones(np.count_nonzero(x > 0.0)) * x[0, 0],
    "repeat": lambda x: np.repeat(x[0], np.abs(np.round(x[1])).astype(int)),
    "write": lambda x: np.where(x > 0, x, 0.0) + fill(np.zeros((3, 4)), x > 0.0, x),
    "sorted": lambda x: np.asarray(sorted(x[0])) * x,
    "max": lambda x: max(x[0]) * x,
    "table": lambda x: np.arange(40.0)[np.abs(np.round(10.0 * x)).astype(int)] * x,
    "where alone": lambda x: x[np.where(x < 0.0)],
    "interval": lambda x: np.searchsorted(np.sort(x[0]), x[1]),
    "stop_gradient": lambda x: ag.stop_gradient(x) * x,
    "value": lambda x: ag.value(x) * x,
}
SAME = ("float", "item", "tolist", "math", "argmax", "interval", "stop_gradient", "value", "floor")


def fill(y, mask, x):
    y[mask] = x[mask]
    return y


@pytest.mark.parametrize("name", READS)
def test_reads_of_values_agree(name):
    f = READS[name]
    compiled = assert_agrees(f, (X,), *[(y,) for y in others(X)], (X,))
    if name in SAME:
        assert max(paths_of(compiled)) == 1  # an operation of the program, and no guard
    if name not in ("unique", "roots", "repeat", "interval"):
        assert_agrees(ag.grad(lambda x: np.sum(f(x) * 1.0)), (X,), (-X,), (X + 0.5,), (X,))


NUMBERS = (1.5, -2.0, 0.0, -0.0, float("nan"), 1e308)
OF_NUMBERS = {
    "a negative number to a power": lambda k: (-1.0) ** k if k == k and abs(k) < 9 else 0.0,
    "round": lambda k: round(k, 1),
    "clip": lambda k: np.clip(k, 0, 1),
    "float64": lambda k: (np.float64(k), np.float32(k)),
    "sum": lambda k: sum([0.1, k, 1e100, -1e100]),
    "type": lambda k: 1 if type(k) is float else 2,
    "methods": lambda k: k.is_integer(),
    "text": lambda k: (f"{k:.2f}", str(k), repr((k,))),
}


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_functions_of_numbers_agree(name):
    assert_agrees(OF_NUMBERS[name], *[(k,) for k in NUMBERS], *[(k,) for k in NUMBERS])


def test_python_adds_integers_among_floats_as_it_does():
    calls = [(k,) for k in (1, 2, 3, 4, 0, -1)]
    assert_agrees(lambda k: sum([k, 0.1, 1e100, -1e100, 0.2]), *calls, *calls)


ZEROS = (np.array([-0.0, 0.0, 2.0]), np.array([0.0, -0.0, -1.0]))


def test_clipping_tells_the_zeros_apart():
    def f(x):
        return np.clip(x, 0, 1), x.clip(-0.0, 0.0), np.clip(x, -x, x), np.clip(x, 0, None)

    assert_agrees(f, *[(x,) for x in ZEROS], *[(x,) for x in ZEROS])


def test_powers_of_complex_arrays_are_those_of_the_operator():
    z = np.array([1.5 + 0.3j, -2.0j, complex(1e200, 1e200)])
    assert_agrees(lambda z: (z**0.5, z**2, z**-1, (-2.0) ** z.real[:2]), (z,), (z[::-1].copy(),))


def test_functions_of_the_namespace_are_numpys_own_to_the_last_bit():
    def f(a, b):
        xp = ag.namespace(a, b)
        return xp.vecdot(a, b), xp.linalg.vector_norm(a), xp.std(b), xp.fft.rfft(a)

    calls = np.random.default_rng(0).normal(size=(4, 2, 21))
    compiled = assert_agrees(f, *[tuple(call) for call in calls])
    names = {node.name for node in compiled.ir(*calls[0]).nodes}
    assert names <= {"host", "guard", "part"}
