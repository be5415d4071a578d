"""Ways to organise a program: classes, closures, generators, caches, settings, configuration."""

import contextlib
import copy
import functools
import operator
from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from tests.corpus.registry import pattern

GRAVITY = 9.81
DEFAULTS = {"mass": 1.5, "friction": 0.1}
VERBOSE = False
counter = 0
CALLS = []


def set_gravity(value):
    global GRAVITY
    GRAVITY = value


@pattern(0.7)
def global_constant_changed(v):
    old = GRAVITY
    set_gravity(1.62)
    height = v**2 / (2 * GRAVITY)
    set_gravity(old)
    return height


@pattern(np.array([0.7, 0.2]))
def global_counter_of_calls(x):
    global counter
    counter += 1
    CALLS.append(x.shape)
    return np.sum(x**2) + len(CALLS[-1])


@dataclass
class Oscillator:
    mass: float
    stiffness: float
    damping: float = 0.1
    name: str = field(default="spring", metadata={"static": True})

    @property
    def frequency(self):
        return np.sqrt(self.stiffness / self.mass)

    def energy(self, x, v):
        return 0.5 * self.mass * v**2 + 0.5 * self.stiffness * x**2


@pattern(Oscillator(mass=1.2, stiffness=3.4))
def dataclass_of_parameters(o):
    assert o.name == "spring"
    return o.energy(0.3, 0.8) + o.frequency * o.damping


Params = namedtuple("Params", ["slope", "offset"])


@pattern(Params(np.array([0.4, 1.0]), 0.3))
def namedtuple_of_parameters(p):
    scaled = p._replace(offset=p.offset * 2)
    return np.sum(np.tanh(scaled.slope) + scaled.offset)


@pattern(np.array([0.4, 1.0]))
def dataclass_made_inside(x):
    osc = Oscillator(mass=x[0], stiffness=x[1])
    copied = copy.deepcopy(DEFAULTS)
    copied.update(mass=x[0] * 2)
    return osc.energy(x[1], 1.0) + copied["mass"] * copied["friction"]


class Kernel:
    registry = {}  # noqa: RUF012 - as people write it

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        Kernel.registry[cls.__name__.lower()] = cls

    def __init__(self, scale):
        self.scale = scale

    def __add__(self, other):
        return lambda r: self(r) + other(r)


class Gaussian(Kernel):
    def __call__(self, r):
        return np.exp(-((r / self.scale) ** 2))


class Exponential(Kernel):
    def __call__(self, r):
        return np.exp(-np.abs(r) / self.scale)


@pattern(np.array([0.5, 1.5]))
def class_hierarchy_from_a_registry(scales):
    kernels = [Kernel.registry[name](s) for name, s in zip(["gaussian", "exponential"], scales)]  # noqa: B905
    r = np.linspace(0, 2, 7)
    return np.sum((kernels[0] + kernels[1])(r))


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __abs__(self):
        return np.hypot(self.x, self.y)

    @classmethod
    def polar(cls, r, phi):
        return cls(r * np.cos(phi), r * np.sin(phi))


@pattern(np.array([1.0, 0.5, 2.0]))
def vector_class_with_operators(p):
    v = Vector.polar(p[0], p[1]) + 2 * Vector(p[2], p[0])
    return abs(v)


class Dual:
    """Forward differentiation by hand, inside the function."""

    def __init__(self, re, eps=0.0):
        self.re, self.eps = re, eps

    def __mul__(self, other):
        return Dual(self.re * other.re, self.re * other.eps + self.eps * other.re)

    def sin(self):
        return Dual(np.sin(self.re), np.cos(self.re) * self.eps)


@pattern(0.6)
def dual_numbers_inside(x):
    d = Dual(x, 1.0)
    return (d * d.sin()).eps


@functools.cache
def grid(n):
    return np.linspace(0.0, 1.0, n)


@functools.lru_cache(maxsize=128)
def binomial(n, k):
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)


@pattern(np.array([0.3, 0.6, 0.1, 0.9]))
def cached_constants(c):
    t = grid(5)
    return sum(c[k] * binomial(3, k) * t**k * (1 - t) ** (3 - k) for k in range(4)).sum()


def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **keywords):
        if VERBOSE:
            print(f"{f.__name__}{args}")
        return f(*args, **keywords)

    return wrapper


def repeated(times):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(x):
            for _ in range(times):
                x = f(x)
            return x

        return wrapper

    return decorate


@repeated(3)
def contraction(x):
    return np.cos(x) + 0.1 * x


@pattern(np.array([0.3, 0.9]))
@logged
def decorated_functions(x):
    return contraction(x).sum()


@pattern(np.array([0.3, 0.9, 1.4]))
def reduce_partial_and_operator(x):
    power = functools.partial(np.power, x)
    product = functools.reduce(operator.mul, x)
    total = functools.reduce(lambda a, b: a + b * 0.5, x, 0.0)
    return power(2).sum() + product + total + operator.itemgetter(1)(x)


@pattern(np.array([0.3, 0.9, 1.4]))
def nonlocal_accumulator(x):
    total, steps = 0.0, 0

    def add(value):
        nonlocal total, steps
        total = total * 0.9 + value
        steps += 1

    for value in x:
        add(value**2)
    return total / steps


def scan(step, carry, xs):
    for x in xs:
        carry = step(carry, x)
        yield carry


@pattern(np.array([0.3, 0.9, 1.4]))
def generators_and_scan(x):
    states = list(scan(lambda c, v: 0.5 * c + np.sin(v), 0.0, x))
    squares = (s * s for s in states)
    return sum(squares) + next(v for v in x if v > 0.5) + any(v > 1 for v in x) * x[0]


@pattern(np.array([0.3, 0.9, 1.4, 0.2]))
def dictionary_bookkeeping(x):
    groups = defaultdict(list)
    for i, v in enumerate(x):
        groups["even" if i % 2 == 0 else "odd"].append(v)
    means = {name: sum(vs) / len(vs) for name, vs in groups.items()}
    ordered = OrderedDict(sorted(means.items()))
    counts = Counter(len(vs) for vs in groups.values())
    return np.prod(list(ordered.values())) * counts[2]


class Mode(Enum):
    LINEAR = "linear"
    CUBIC = "cubic"


@pattern(np.array([0.3, 0.9]))
def match_on_modes(x):
    def apply(mode, v):
        match mode:
            case Mode.LINEAR:
                return v
            case Mode.CUBIC:
                return v**3
            case _:
                raise ValueError(mode)

    return sum(apply(mode, v) for mode, v in zip(Mode, x, strict=True))


@pattern(np.array([0.3, 0.9]))
def context_manager_and_finally(x):
    @contextlib.contextmanager
    def scaled(v, factor):
        yield v * factor

    total = 0.0
    try:
        with scaled(x, 2.0) as y, np.errstate(divide="ignore"):
            total += np.sum(y**2)
            if total > 1e6:
                raise OverflowError
    except OverflowError:
        total = 0.0
    else:
        total += x[0]
    finally:
        total = total * 1.0
    return total


@pattern(np.array([0.3, 0.9]))
def printing_and_formatting(x):
    message = f"x = {x}, first {x[0]:.3f}, {x[1]:5.2e}, norm {np.linalg.norm(x):8.4f}"
    print(message, repr(x[0]), str(x), np.round(x, 2))
    key = "%.1f" % float(x[0])  # noqa: UP031
    table = {key: 2.0}
    return table["0.3"] * x.sum()


@pattern(np.array([0.3, 0.9]))
def checks_of_shapes_and_values(x):
    if not isinstance(x, np.ndarray):
        raise TypeError("x must be an array")
    if x.ndim != 1 or x.shape != (2,) or len(x) != x.size:
        raise ValueError(f"bad shape {x.shape}")
    if not np.all(np.isfinite(x)) or np.any(x < 0):
        raise ValueError("bad values")
    assert x.dtype == np.float64
    assert np.issubdtype(x.dtype, np.floating)
    assert np.allclose(x, x)
    assert not np.array_equal(x, x + 1)
    np.testing.assert_array_less(x, 10)
    return np.sum(np.where(np.isclose(x, 0.7), x**2, x))


class Model:
    """Parameters are unpacked into attributes, and the state is kept between calls."""

    def __init__(self, n):
        self.n = n
        self.theta = np.zeros(n)
        self.history = []

    def set_params(self, **params):
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def loss(self):
        value = np.sum((self.theta - np.arange(self.n)) ** 2) * getattr(self, "weight", 1.0)
        self.history.append(value)
        return value


@pattern(np.array([0.3, 0.9, 0.1]))
def model_with_attributes(x):
    model = Model(3).set_params(theta=x, weight=x[0])
    first = model.loss()
    model.theta = model.theta - 0.1 * first
    model.theta[0] = 2 * x[2]
    return model.loss() + model.history[0]


@pattern({"a": 0.5, "b": [np.array([1.0, 2.0]), (0.3, np.array([[0.1]]))]})
def nested_parameters(p):
    first, (scale, matrix) = p["b"]
    return p["a"] * first.sum() + scale * matrix[0, 0] + np.ravel(matrix)[0]


@pattern(np.array([0.2, 0.4, 0.6]))
def star_arguments(x):
    def quadratic(a, b=0.0, *rest, scale=1.0, **options):
        return scale * (a**2 + b) + sum(rest) + options.get("shift", 0.0)

    return quadratic(*x, **{"scale": x[1], "shift": x[2] ** 2}) + max(*x, key=lambda v: -v)


@pattern(np.array([0.2, 0.4, 0.6]))
def comprehension_of_functions(x):
    basis = [lambda t, k=k: np.cos(k * t) for k in range(3)]
    design = np.array([[b(t) for b in basis] for t in (0.1, 0.5)])
    lookup = {name: f for name, f in zip("sct", [np.sin, np.cos, np.tanh], strict=True)}
    return np.sum(design @ x) + lookup["t"](x[0]) + sum(map(lookup["s"], x))
