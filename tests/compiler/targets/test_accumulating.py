"""Gradients of functions that read their argument part by part."""

import time

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.accumulating import Sum, accumulate
from anygrad.compiler.program import Node, Program, Ref, spec_of
from anygrad.compiler.targets import print_program
from anygrad.compiler.targets.plain import print_plain
from tests.compiler.targets.bits import assert_replays, assert_same_bits, source


def chain(x):
    total = 0.0
    for k in range(len(x) - 1):
        total = total + x[k] * x[k + 1] ** 2
    return total + np.sum(x[3:] * x[:-3])


def test_parts_are_added_in_place_in_the_same_order():
    x = np.random.default_rng(0).standard_normal(30)
    x[4], x[7] = -0.0, 0.0
    compiled = assert_replays(ag.grad(chain), x)
    assert source(compiled, x).count("scatter") == 0


def test_sums_of_parts_and_wholes():
    def f(x):
        y = np.sin(x)
        return x[0] * x[1] * y[1] + np.sum(y[2:] * x[2]) + x[0] * x[-1] + np.sum(x * y)

    def rows(x):
        return np.sum(x[0] * x[1]) + np.sum(x[:, 1] ** 2) + x[1, 2] + np.sum(x[[0, 0, 1]] * x[1])

    x = np.random.default_rng(1).standard_normal(6)
    assert_replays(ag.grad(f), x)
    assert_replays(ag.grad(rows), x.reshape(2, 3))
    assert_replays(ag.grad(rows), x.reshape(2, 3).astype(np.float32))


def test_signs_of_zeros_stay():
    def f(x, g):
        return x[0] * g[0] + x[0] * g[1] + x[1] * g[2] + np.sum(x * g[3])

    x = np.zeros(4)
    for g in (np.full(4, -0.0), np.array([-0.0, 0.0, -0.0, -1.0]), np.array([1.0, -1.0, 0, -0.0])):
        program = ag.compile(ag.grad(f)).ir(x, g)
        found, wanted = print_program(program)(x, g), print_plain(program)(x, g)
        assert_same_bits(found, wanted)


def made(outputs):
    """Three parts are added up; outputs are numbers of values."""
    spec = spec_of(np.zeros(4))
    scatter = [
        Node(Ref(k), "scatter", (Ref(0),), {"key": slice(k, k + 1), "shape": (4,)})
        for k in (1, 2, 3)
    ]
    nodes = (
        *scatter,
        Node(Ref(4), "add", (Ref(1), Ref(2))),
        Node(Ref(5), "add", (Ref(4), Ref(3))),
    )
    specs = {0: spec_of(np.zeros(1)), **dict.fromkeys(range(1, 6), spec)}
    return Program((Ref(0),), nodes, tuple(map(Ref, outputs)), specs)


@pytest.mark.parametrize("outputs", [(5,), (5, 4), (5, 1), (5, 3), (4,), (1, 2, 3, 4, 5)])
def test_what_else_is_needed_of_a_sum_is_left(outputs):
    program, x = made(outputs), np.array([1.5])
    changed = accumulate(program)
    assert ("call" in [node.name for node in changed.nodes]) == (outputs in ((5,), (5, 1)))
    assert_same_bits(print_program(program)(x), print_plain(program)(x))


def test_the_time_grows_with_the_number_of_parts_not_with_its_square(record_property):
    def seconds(n):
        compiled, x = ag.compile(ag.grad(chain)), np.ones(n)
        compiled(x)
        best = 1.0
        for _ in range(3):
            start = time.perf_counter()
            compiled(x)
            best = min(best, time.perf_counter() - start)
        return best

    ratio = seconds(200) / seconds(25)
    record_property("ratio", ratio)
    assert ratio < 20  # 8 times the parts


def test_the_node_means_the_same_to_every_target():
    compiled = ag.compile(ag.grad(chain))
    x = np.random.default_rng(2).standard_normal(8)
    program = compiled.ir(x)
    assert not any(type(node.function) is Sum for node in program.nodes)
    assert_same_bits(print_program(program)(x), print_plain(program)(x))
