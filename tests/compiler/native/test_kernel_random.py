"""Random programs: with kernels at once they give the bits that they give without."""

import warnings

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.tracing import TRACED
from tests.compiler.native.running import copies, count, quietly, wild
from tests.compiler.targets.bits import assert_same_bits

DTYPES = ["float64", "float64", "float64", "float32", "float32", "int32", "int64", "uint8", "bool"]
ONE = ["negative", "abs", "square", "sqrt", "floor", "sign", "isnan", "logical_not", "trunc"]
TWO = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "copysign"]
TESTS = ["less", "greater_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor"]


def any_shape(rng, shape):
    """The shape, or one that broadcasts to it."""
    if rng.random() < 0.6:
        return shape
    cut = shape[rng.integers(0, len(shape) + 1) :]
    return tuple([1 if rng.random() < 0.3 else n for n in cut])


def any_input(rng, shape):
    x = np.asarray(wild(any_shape(rng, shape), str(rng.choice(DTYPES)), rng.integers(1000)))
    if x.ndim and rng.random() < 0.3:
        axis = rng.integers(x.ndim)
        x = np.concatenate([x, x], axis)[(slice(None),) * axis + (slice(None, None, 2),)]
    return np.asfortranarray(x) if rng.random() < 0.2 else x


def any_number(rng):
    return [2, -1.5, 0.1, True, np.float32(0.3), np.float64(7.0), 0][rng.integers(7)]


def any_operation(rng):
    """A function of three values."""
    kind, way, axis = rng.random(), int(rng.integers(6)), int(rng.integers(3))
    two, test, one = [names[rng.integers(len(names))] for names in (TWO, TESTS, ONE)]
    number, dtype = any_number(rng), np.dtype(DTYPES[rng.integers(len(DTYPES))])
    if kind < 0.3:
        return lambda x, y, _z: getattr(TRACED, two)(x, y)
    if kind < 0.4:
        return lambda x, _y, _z: getattr(TRACED, two)(x, number)
    if kind < 0.5:
        return lambda x, _y, _z: getattr(TRACED, two)(number, x)
    if kind < 0.6:
        return lambda x, y, _z: getattr(TRACED, test)(x, y)
    if kind < 0.7:
        return lambda x, _y, _z: getattr(TRACED, one)(x)
    if kind < 0.78:
        return lambda x, y, z: TRACED.where(TRACED.less(x, y), y, z)
    if kind < 0.84:
        return lambda x, _y, _z: x if _loses(x, dtype) else TRACED.astype(x, dtype=dtype)
    if kind < 0.92:
        return lambda x, _y, _z: view(x, way, axis % len(x.shape))
    return lambda x, _y, _z: reduced(x, way, (None, len(x.shape) - 1, 0)[axis])


def _loses(x, dtype):
    """Whether numbers are cast to integers, which may not have them."""
    return dtype.kind in "iu" and x.dtype.kind == "f"


def view(x, way, axis):
    before = (slice(None),) * axis
    if way == 0:
        return x[(*before, slice(None, None, -1))]
    if way == 1:
        return x[(*before, slice(0, 1))]
    if way == 2:
        return TRACED.permute_dims(x, axes=tuple(range(len(x.shape)))[::-1])
    if way == 3:
        return TRACED.reshape(TRACED.reshape(x, shape=(-1,)), shape=tuple(x.shape))
    if way == 4:
        return TRACED.broadcast_to(x[(*before, slice(0, 1))], shape=tuple(x.shape))
    return TRACED.flip(x, axis=axis)


def reduced(x, way, axis):
    if x.dtype == bool:
        return (TRACED.any if way % 2 else TRACED.all)(x, axis=axis, keepdims=True)
    if way == 5 and x.dtype.kind == "f":  # zeros of both signs have no order among themselves
        return TRACED.max(TRACED.abs(x), axis=axis, keepdims=True)
    return (TRACED.sum if way % 2 else TRACED.mean)(x, axis=axis, keepdims=bool(way < 4))


def any_program(rng, args):
    """A function of so many values: operations that NumPy does not refuse, and what is returned."""
    values, steps = list(args), []
    for _ in range(rng.integers(3, 20)):
        operation = any_operation(rng)
        places = [len(values) - 1 - int(k) % len(values) for k in rng.integers(0, 6, 3)]
        try:
            values.append(operation(*[values[k] for k in places]))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError, IndexError):
            continue
        steps.append((operation, places))
    made = range(len(args), len(values)) or [0]
    given = sorted({*[made[k] for k in rng.integers(0, len(made), 3)], made[-1]})

    def f(*args):
        values = list(args)
        for operation, places in steps:
            values.append(operation(*[values[k] for k in places]))
        return tuple([values[k] for k in given])

    return f


def assert_random_program_agrees(seed):
    """The number of kernels of the program with this number."""
    rng = np.random.default_rng([seed, 1])
    shape = tuple([int(n) for n in rng.choice([1, 2, 3, 5, 17, 40, 300], rng.integers(1, 4))])
    while np.prod(shape) > 6000:
        shape = shape[1:]
    args = [any_input(rng, shape) for _ in range(rng.integers(1, 4))]
    found = {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = any_program(rng, args)
        donate = tuple([k for k in range(len(args)) if rng.random() < 0.3])
        for setting in ("off", "always"):
            with ag.use_settings(kernels=setting):
                compiled = ag.compile(f, donate=donate) if donate else ag.compile(f)
                for _ in range(2):
                    found[setting] = quietly(compiled, *copies(args))
                number = count(compiled, *args)
        assert_same_bits(found["always"], found["off"])
        assert_same_bits(found["always"], f(*args))
        return number


@pytest.mark.parametrize("part", range(6))
def test_random_programs(part):
    numbers = [assert_random_program_agrees(seed) for seed in range(50 * part, 50 * part + 50)]
    assert sum(number > 0 for number in numbers) > 25


@pytest.mark.slow
@pytest.mark.parametrize("part", range(30))
def test_many_random_programs(part):
    for seed in range(1000 + 100 * part, 1100 + 100 * part):
        assert_random_program_agrees(seed)
