"""Python that decides by values: every way is recorded, and taken when its turn comes."""

import linecache
import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.kinds import PATHS
from anygrad.compiler.targets import MISSED
from anygrad.errors import ArgumentError, RetraceWarning, TraceError

UP, DOWN = np.array([1.0, 2.0, 3.0]), np.array([-1.0, -2.0, -3.0])


def paths_of(compiled):
    return sum(len(kind.paths) for kind in compiled._kinds.values())


def outcome(f, args):
    """What a call gives, or the error it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return f(*args)
    except Exception as error:
        return type(error).__name__, str(error)


def agree(f, *arguments, paths=None):
    """Compare with the function itself, in turns, so that what was recorded is used again."""
    compiled = ag.compile(f)
    for args in (*arguments, *arguments, *reversed(arguments)):
        found, expected = outcome(compiled, args), outcome(f, args)
        assert type(found) is type(expected), (args, found, expected)
        assert repr(found) == repr(expected), args
    if paths is not None:
        assert paths_of(compiled) == paths
    return compiled


def doubled_until_large(x):
    n = 0
    while np.sum(x) < 20:
        x = x * 2
        n += 1
    return x * n


def asserted(x):
    if not np.all(x > 0):
        raise AssertionError("negative")
    return x + 1


def matched(x):
    match np.sum(x):
        case 6.0:
            return x * 1
        case v if v < 0:
            return x * 2
        case _:
            return x * 3


def newton(x):
    y = x[0] * 0.5 + 1.0
    for _ in range(50):
        new = y - (y * y - x[0]) / (2.0 * y)
        if abs(new - y) < 1e-12:
            break
        y = new
    return y


CASES = {
    "if": (lambda x: x * 2 if np.sum(x) > 0 else x * 3, [(UP,), (DOWN,)], 2),
    "while": (doubled_until_large, [(UP,), (UP * 4,), (UP * 0.1,)], 3),
    "break": (newton, [(UP,), (UP * 100,)], 2),
    "in": (lambda x: x * 2 if 2.0 in x else x + 0, [(UP,), (DOWN,)], 2),
    "in_list": (lambda x: x * 2 if x[0] in [1.0, 5.0] else x + 0, [(UP,), (DOWN,)], 2),
    "any": (lambda x: x * 2 if any(v > 2 for v in x) else x + 0, [(UP,), (DOWN,)], 2),
    "all": (lambda x: x * 2 if all(x > 0) else x + 0, [(UP,), (DOWN,)], 2),
    "min": (lambda x: min(x[0], x[1], x[2]), [(UP,), (DOWN,)], 2),
    "max_of_iterable": (lambda x: max(x), [(UP,), (DOWN,)], 2),
    "sorted": (lambda x: np.stack(sorted(x)), [(UP,), (DOWN,), (UP[[1, 0, 2]],)], 3),
    "assert": (asserted, [(UP,), (DOWN,)], 1),
    "match": (matched, [(UP,), (DOWN,), (UP * 2,)], 3),
    "chained": (lambda x: x * 2 if 0 < x[0] < 2 else x + 0, [(UP,), (DOWN,), (UP * 3,)], 3),
    "and_or": (
        lambda x: x * 2 if x[0] > 0 and (x[1] > 3 or x[2] > 3) else x + 0,
        [(UP,), (DOWN,), (UP * 3,)],
        3,
    ),
    "one_element": (lambda x: x * 2 if np.sum(x, keepdims=True) > 0 else x, [(UP,), (DOWN,)], 2),
    "ambiguous": (lambda x: x * 2 if x > 0 else x, [(UP,), (DOWN,)], 0),
    "float": (lambda x: x * float(x[1]), [(UP,), (DOWN,)], 1),
    "item": (lambda x: x * x[1].item(), [(UP,), (DOWN,)], 1),
    "tolist": (lambda x: x * x.tolist()[1], [(UP,), (DOWN,)], 1),
    "asarray": (lambda x: np.asarray(x) * 2, [(UP,), (DOWN,)], 1),
    "int": (lambda x: np.ones(3) * int(x[0]), [(UP,), (DOWN,), (UP * 1.5,)], None),
    "index_by_value": (lambda x: UP[int(np.argmax(x))] * x, [(UP,), (DOWN,)], 2),
    "list_by_value": (lambda x: [10, 20, 30][int(x[0]) - 1] * x, [(UP,), (UP[::-1].copy(),)], 2),
    "argmax": (lambda x: x[np.argmax(x)], [(UP,), (DOWN,)], 1),
    "mask": (lambda x: x[x > 1.5], [(UP,), (DOWN,), (UP * 2,)], 3),
    "nonzero": (lambda x: np.nonzero(x > 1.5)[0], [(UP,), (DOWN,), (UP * 2,)], 3),
    "nan": (lambda x: x * 2 if np.isnan(x[0]) else x + 0, [(UP,), (UP * np.nan,)], 2),
    "round": (lambda x: round(x[0] * 1.26, 1), [(UP,), (DOWN,)], None),
    "number": (
        lambda x, k: x * k if k > 1 else x / k,
        [(UP, 2.0), (UP, 0.5), (UP, -1.0), (UP, 0.0), (UP, float("inf"))],
        2,
    ),
    "nan_number": (lambda x, k: x * 2 if k != k else x * k, [(UP, 1.0), (UP, np.nan)], 2),
    "signed_zero": (
        lambda x, k: x * 2 if np.copysign(1.0, k) < 0 else x + 0,
        [(UP, 0.0), (UP, -0.0)],
        2,
    ),
    "kinds_of_numbers": (
        lambda x, k: x * k if k > 1 else x / k,
        [(UP, 2), (UP, 2.0), (UP, True), (UP, np.int64(2)), (UP, np.float32(2)), (UP, 2 + 0j)],
        None,
    ),
    "isinstance": (
        lambda x, k: x * 2 if isinstance(k, int) else x * k,
        [(UP, 1), (UP, 2), (UP, 3), (UP, 4), (UP, 1.0), (UP, True)],
        None,
    ),
    "none": (lambda x, k: x + 0 if k is None else x * k, [(UP, None), (UP, 2.0)], 2),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_function_itself(name):
    f, arguments, paths = CASES[name]
    agree(f, *arguments, paths=paths)


INTS = {
    "factor": lambda x, n: x * n + n,
    "power": lambda x, n: x ** abs(n) + 2**n,
    "range": lambda x, n: sum((x * k for k in range(n)), x),
    "shape": lambda x, n: np.zeros(abs(n)) + x[0],
    "index": lambda x, n: x[n % 3],
    "slice": lambda x, n: x[: n % 3],
    "list": lambda x, n: [10, 20, 30][n % 3] * x,
    "dict": lambda x, n: {0: 1.0, 1: 2.0}.get(n, 3.0) * x,
    "bits": lambda x, n: x * (n & 1) + (n << 2) + n // 2 + n % 3,
    "divmod": lambda x, n: x * divmod(n, 3)[1],
    "every_third": lambda x, n: x * 2 if n % 3 == 0 else x + n,
    "axis": lambda x, n: np.sum(np.stack([x, x]), axis=n % 2),
    "format": lambda x, n: x * len(f"{n:03d}"),
    "alone": lambda x, n: n * 2 + 1,
    "quotient": lambda x, n: (n / 2, n // 2),
}


@pytest.mark.parametrize("name", INTS)
def test_integers_that_take_many_values_agree(name):
    agree(INTS[name], *[(UP, n) for n in (1, 2, 3, 4, 5, 7, 0, 6, 11)])


def test_an_integer_is_an_input_from_its_third_value_on():
    compiled = ag.compile(lambda x, n: x * n)
    for n in range(200):
        np.testing.assert_array_equal(compiled(UP, n), UP * n)
    assert paths_of(compiled) == 3


def test_an_integer_that_decides_each_time_is_static_again():
    compiled = ag.compile(lambda x, n: sum((x * k for k in range(n)), x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(3, 40):
            assert compiled(UP, n) is not None
        for n in range(3, 40):
            expected = sum((UP * k for k in range(n)), UP)
            np.testing.assert_array_equal(compiled(UP, n), expected)
    assert all(len(kind.paths) <= 1 for kind in compiled._kinds.values())


def test_large_integers_keep_their_digits():
    agree(lambda n: n * n + 1, (3,), (10**30,), (7,), (2**70,), (-5,))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 0, x, 0.0).data,
        lambda x: x.tobytes(),
        lambda x: x.ctypes.data,
    ],
    ids=["data", "tobytes", "ctypes"],
)
def test_what_would_leave_the_program_is_refused_with_the_line(f):
    with pytest.raises((TraceError, AttributeError)):
        ag.compile(f)(UP)


def test_the_line_of_the_user_is_kept_with_a_guard():
    def f(x):
        if np.sum(x) > 0:  # decides
            return x * 2
        return x

    guard = ag.compile(f).ir(UP).guards[0]
    assert guard.line.file == __file__
    assert "# decides" in linecache.getline(__file__, guard.line.number)


def grown(x):
    y = x * 1.0
    for _ in range(int(x[0])):  # decides here
        y = y * 2.0
    return y


def test_more_ways_than_are_kept_end_in_a_warning_with_the_line():
    compiled = ag.compile(grown)

    def call_all():
        for k in range(3 * PATHS):
            x = np.array([float(k), 1.0])
            np.testing.assert_array_equal(compiled(x), grown(x))

    with pytest.warns(RetraceWarning, match="decides here") as warned:
        call_all()
    assert len(warned) == 1
    assert paths_of(compiled) == PATHS


def test_the_ways_that_are_known_are_replayed_after_the_warning():
    compiled = ag.compile(grown)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(PATHS + 1):
            compiled(np.array([float(k), 1.0]))
    kind = next(iter(compiled._kinds.values()))
    before = kind.replays
    np.testing.assert_array_equal(compiled(np.array([3.0, 1.0])), [24.0, 8.0])
    assert kind.replays == before + 1


def test_a_guard_that_fails_late_has_written_nothing():
    def f(x, y):
        z = x * 2.0
        if y[0] > 0:
            return z + y
        return z - y

    compiled = ag.compile(f, donate=0)
    compiled(UP.copy(), UP)
    program = compiled.ir(UP.copy(), UP)
    path = next(iter(compiled._kinds.values())).paths[0]
    assert program.guards
    x = UP.copy()
    assert path.run(x, DOWN) is MISSED
    np.testing.assert_array_equal(x, UP)


def test_nothing_but_donated_memory_is_written_where_guards_flip():
    def f(x, y):
        z = np.exp(x) * y
        if np.sum(z) > 0:
            z = z * 2
        if np.max(y) > 2:
            return z + x
        return z - x

    compiled = ag.compile(f, donate=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        x, y = rng.normal(size=5), rng.normal(size=5) * 2
        expected, kept = f(x, y), y.copy()
        given = x.copy()
        found = compiled(given, y)
        np.testing.assert_array_equal(found, expected)
        assert found is given
        np.testing.assert_array_equal(y, kept)
    assert paths_of(compiled) >= 3


def test_derivatives_follow_the_branch_of_their_point():
    def f(x):
        return np.sum(x**2) if x[0] > 0 else np.sum(x**3)

    compiled = ag.compile(ag.grad(f))
    for x in (UP, DOWN, UP * 2, DOWN * 2):
        np.testing.assert_array_equal(compiled(x), ag.grad(f)(x))
    assert paths_of(compiled) == 2


def test_a_value_that_is_read_as_a_whole_is_told_from_the_other_zero():
    f = ag.compile(lambda x: (np.copysign(1.0, ag.value(x)), x + 0.0)[0])
    assert [float(f(np.float64(x))) for x in (0.0, -0.0, 0.0)] == [1.0, -1.0, 1.0]


def test_text_that_is_made_of_a_value_is_made_anew():
    table = {"1": 10.0, "2": 20.0}
    f = ag.compile(lambda x, k: x * table[f"{k:.0f}"])
    assert [float(f(np.float64(1.0), k)) for k in (1.0, 2.0, 1.0)] == [10.0, 20.0, 10.0]
    g = ag.compile(lambda x: np.sum(x) * len(f"{ag.value(x)}"))
    assert g(np.zeros(1)) == 0.0
    assert repr(ag.compile(lambda x: (repr(x), x)[0])(np.float64(2.0))) == repr(repr(np.float64(2)))


def test_a_value_as_a_key_is_refused_by_name():
    f = ag.compile(lambda x: {0: 1.0}.get(int(np.argmax(x)), 2.0) * x)
    with pytest.raises(TraceError, match="as a key of a dict"):
        f(np.ones(2))

    def caught(x):
        try:
            return {x[0]: x}
        except TypeError:
            return x

    with pytest.raises(TraceError, match="as a key of a dict"):
        ag.compile(caught)(np.ones(2))


def test_recordings_that_are_of_no_use_end():
    def f(x):
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            return x * 2.0

    compiled, x = ag.compile(f), np.zeros((2, 2))
    assert not compiled(x).any()
    with pytest.warns(RetraceWarning, match="runs uncompiled.*raised an error"):
        assert not compiled(x).any()
    assert not compiled(x).any()
    with pytest.raises(ArgumentError, match="raised an error in it"):
        compiled.ir(x)


def test_errors_that_the_function_asks_for_are_raised():
    def f(x):
        try:
            with np.errstate(divide="raise"):
                return 1.0 / x
        except FloatingPointError:
            return x

    compiled = ag.compile(f)
    assert compiled(np.ones(2)).tolist() == [1.0, 1.0]
    with pytest.warns(RetraceWarning, match=r"errstate|raised an error"):
        assert compiled(np.zeros(2)).tolist() == [0.0, 0.0]
