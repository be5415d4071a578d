"""Habits of code that grew: optional arguments, retries, logs, memos, tools of Python."""

import bisect
import concurrent.futures
import copy
import heapq
import itertools
import json
import logging
import random
import statistics
import time
import types
import warnings

import numpy as np

from tests.corpus.registry import pattern

logger = logging.getLogger(__name__)
SPD = np.array([[2.0, 0.4], [0.4, 1.0]])


@pattern(0.4, np.array([0.4, 1.2]))
def scalar_or_sequence(x):
    scalar = np.ndim(x) == 0 or np.isscalar(x) or not hasattr(x, "__len__")
    values = np.atleast_1d(x) if scalar else x
    y = np.sum(np.tanh(values) * np.arange(1, len(values) + 1))
    return y if scalar else y / len(values)


def density(x, mean=None, cov=None, *, log=False):
    mean = np.zeros(len(x)) if mean is None else mean
    cov = np.eye(len(x)) if cov is None else np.asarray(cov)
    r = x - mean
    value = -0.5 * r @ np.linalg.solve(cov, r)
    return value if log else np.exp(value)


@pattern(np.array([0.4, 1.2]))
def optional_arguments(x):
    return density(x) + density(x, cov=SPD, log=True) + density(x, x[::-1] * 0.5)


@pattern(np.array([0.4, 0.9]))
def cholesky_with_growing_jitter(p):
    K = np.array([[1.0, p[1]], [p[1], 0.5]]) * p[0]
    jitter = 1e-6
    while True:
        try:
            L = np.linalg.cholesky(K + jitter * np.eye(2))
            break
        except np.linalg.LinAlgError:
            jitter *= 10
            if jitter > 1e3:
                raise
    return np.log(np.diag(L)).sum()


@pattern(np.array([0.4, 1.2]))
def logging_and_json(x):
    loss = np.sum(x**2)
    logger.info("loss %.4f at %s", loss, x)
    record = json.dumps({"loss": float(loss), "x": x.tolist(), "n": len(x)})
    assert json.loads(record)["n"] == 2
    return loss * x[0]


@pattern(np.array([0.4, 1.2]))
def warning_and_timing(x):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if np.linalg.norm(x) > 1:
            warnings.warn("the step is large", stacklevel=2)
        result = np.prod(x) ** 2
    assert time.perf_counter() >= start
    return result


@pattern(np.array([0.4, 1.2, 0.7]))
def random_with_seeds(x):
    random.seed(4)
    noise = [random.gauss(0, 1) for _ in x]
    rng = np.random.RandomState(0)
    order = rng.permutation(3)
    return np.sum(x[order] * np.array(noise)) ** 2 + rng.rand() * x[0]


@pattern(np.array([0.4, 1.2, 0.7]))
def tools_of_python(x):
    running = list(itertools.accumulate(x, lambda a, b: a * 0.5 + b))
    largest = heapq.nlargest(2, x)
    pairs = sum(a * b for a, b in itertools.product(x, repeat=2))
    k = bisect.bisect([0.0, 0.5, 1.0], x[0])
    return running[-1] + sum(largest) + pairs + x[k]


@pattern(np.array([0.4, 1.2, 0.7]))
def statistics_of_python(x):
    return statistics.mean(x) + statistics.pstdev(x) + statistics.median(x)


@pattern(np.array([0.4, 1.2, 0.7]))
def threads_over_items(x):
    def work(k):
        return np.sin(x[k]) * k

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(work, range(3)))
    return sum(results)


class State(dict):
    """A dict with attributes, as many projects have one."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


@pattern(np.array([0.4, 1.2]))
def attribute_dictionary(x):
    s = State(position=x, velocity=x * 0)
    space = types.SimpleNamespace(dt=0.1, steps=5)
    for _ in range(space.steps):
        s.velocity = s.velocity - space.dt * s.position
        s.position = s.position + space.dt * s["velocity"]
    saved = State(copy.deepcopy(dict(s)))
    return np.sum(saved.position**2)


class Grid:
    """A container with its own indexing."""

    def __init__(self, values):
        self._values = np.asarray(values, dtype=float)

    def __len__(self):
        return len(self._values)

    def __getitem__(self, k):
        return self._values[k % len(self)]

    def __setitem__(self, k, value):
        self._values[k % len(self)] = value

    def __iter__(self):
        return iter(self._values)


@pattern(np.array([0.4, 1.2, 0.7]))
def container_with_periodic_index(x):
    g = Grid(x)
    g[4] = g[-1] * g[3]
    return sum(v**2 for v in g) + len(g) * g[5]


class Base:
    scale = 2.0

    def __init__(self, x):
        self.x = x

    def value(self):
        return self.scale * np.sum(self.x)


class Derived(Base):
    scale = 3.0

    def value(self):
        return super().value() + np.prod(self.x)

    @staticmethod
    def penalty(v):
        return np.abs(v).sum()

    @property
    def total(self):
        return self.value() + self.penalty(self.x)


@pattern(np.array([0.4, -1.2]))
def inheritance_and_super(x):
    return Derived(x).total + getattr(Base(x), "value")()  # noqa: B009 - as people write it


@pattern(np.array([0.4, 1.2]))
def formula_from_a_string(x):
    code = compile("np.exp(-a) * np.sin(b)", "<formula>", "eval")
    return eval(code, {"np": np}, {"a": x[0], "b": x[1]})


@pattern(np.array([0.4, 1.2]))
def memo_dictionary_of_results(x):
    memo = {}

    def fibonacci(n):
        if n not in memo:
            memo[n] = x[n] if n < 2 else fibonacci(n - 1) * x[0] + fibonacci(n - 2)
        return memo[n]

    return fibonacci(10)


@pattern(np.array([3.0, 1.0, 2.0]))
def bubble_sort_and_swaps(x):
    y = list(x)
    swapped = True
    while swapped:
        swapped = False
        for i in range(len(y) - 1):
            if y[i] > y[i + 1]:
                y[i], y[i + 1] = y[i + 1], y[i]
                swapped = True
    return y[0] + 2 * y[1] + y[2] ** 2


@pattern(np.array([0.4, 1.2]))
def early_exits_and_else_of_loops(x):
    for k in range(1, 50):
        term = x[0] ** k / k
        if term < 1e-3:
            break
    else:
        raise RuntimeError("no convergence")
    total = sum(x[0] ** j / j for j in range(1, k + 1))
    return total if x[1] > 1 else -total


@pattern(np.array([0.4, 1.2, 3.0, 0.1]))
def unpacking_in_many_ways(x):
    a, *middle, b = x
    (c, d), e = x[:2], x[2:]
    first, second = x.reshape(2, 2)
    head, tail = x[0], x[1:]
    return a * b + sum(middle) * c + d * e[1] + first @ second + head * tail.sum()


@pattern(np.array([0.4, 1.2], dtype=np.float32).astype(float))
def dtype_of_the_input_is_kept(x):
    w = np.array([1, 2], dtype=x.dtype)
    mask = (x > 1).astype(x.dtype)
    zeros = np.zeros(2, dtype=x.dtype)
    return np.dot(w, x * mask) + (zeros + x).astype(np.result_type(x, w)).sum() ** 2


@pattern({"weights": np.array([0.4, 1.2]), "bias": 0.3})
def loop_over_named_parameters(params):
    total = 0.0
    for name, value in sorted(params.items()):
        factor = 0.1 if name.endswith("bias") else 1.0
        total += factor * np.sum(np.square(value))
    updated = {**params, "bias": params["bias"] - 0.1 * total}
    shapes = {k: np.shape(v) for k, v in params.items()}
    assert shapes["weights"] == (2,)
    return updated["bias"] * np.max(updated["weights"])
