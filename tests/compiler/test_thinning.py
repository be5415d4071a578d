"""Loops keep what their derivatives read, and nothing else."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.program import Node, Program, Ref, Spec, spec_of
from anygrad.compiler.scanning import running
from anygrad.compiler.thinning import thin
from tests.compiler.loops import assert_same_bits
from tests.compiler.stencils import second

MANY = Spec("many")


@pytest.fixture
def stacks(monkeypatch):
    """How many results of steps were put under each other, since it was cleared."""
    counted = []
    put = running.Stack.put
    monkeypatch.setattr(
        running.Stack, "put", lambda self, k, y: (counted.append(k), put(self, k, y))[1]
    )
    return counted


def heat(u, _):
    v = u.copy()
    v[1:-1] = u[1:-1] + 0.2 * second(u)
    return v, None


def burgers(u, _):
    v = u.copy()
    v[1:-1] = u[1:-1] - 0.01 * u[1:-1] * (u[2:] - u[:-2])
    return v, None


def loss_of(step, **options):
    return lambda u: np.sum(ag.scan(step, u, None, length=20, **options)[0] ** 2)


def loop(u, step):
    for _ in range(20):
        u, _ = step(u, None)
    return u


@pytest.mark.parametrize("options", [{}, {"checkpoint": True}, {"checkpoint": 7}])
@pytest.mark.parametrize(("step", "kept"), [(heat, 0), (burgers, 20)])
def test_carries_are_kept_where_they_are_read(step, kept, options, stacks):
    x = np.random.default_rng(0).standard_normal(40)
    compiled = ag.compile(ag.grad(loss_of(step, **options)))
    eager = ag.grad(loss_of(step, **options))(x)
    compiled(x)
    stacks.clear()
    assert_same_bits(compiled(x), eager)
    assert (len(stacks) >= kept) if kept else not stacks
    for y in (x * 2.0, np.where(x > 0, -0.0, x)):
        assert_same_bits(compiled(y), ag.grad(loss_of(step, **options))(y))
    np.testing.assert_allclose(compiled(x), ag.grad(lambda u: np.sum(loop(u, step) ** 2))(x))


def test_what_is_asked_for_is_stacked(stacks):
    def f(u, w):
        def step(c, x):
            return c * 0.5 + x, (c, c * x)

        c, (a, _) = ag.scan(step, u, w)
        return c, a

    u, w = np.ones(3), np.arange(12.0).reshape(4, 3)
    compiled = ag.compile(f)
    compiled(u, w)
    stacks.clear()
    assert_same_bits(compiled(u, w), f(u, w))
    stacks.clear()
    compiled(u, w)
    assert len(stacks) == 4  # of one result of the four steps


def test_a_loop_with_several_ways_is_left_as_it_is():
    def step(c, x):
        return (c * 2.0 if x > 0.0 else c + x), None

    def f(c, xs):
        return ag.scan(step, c, xs)[0]

    compiled = ag.compile(ag.grad(f))
    for xs in (np.ones(4), np.array([1.0, -1.0, 2.0, -2.0]), -np.ones(4), np.ones(4)):
        for _ in range(2):
            assert_same_bits(compiled(1.5, xs), ag.grad(f)(1.5, xs))
    (loop,) = [node.function for node in ag.compile(f).ir(1.5, xs).nodes if node.name == "call"]
    loop([np.float64(1.5), -xs])
    assert loop.thinner({0}) == (loop, frozenset())


def test_second_derivatives_and_tangents():
    x = np.random.default_rng(1).standard_normal(30)
    for step in (heat, burgers):
        f = loss_of(step)

        def product(u, f=f):
            return ag.grad(lambda v: np.sum(ag.grad(f)(v) * u))(u)

        def tangent(u, f=f):
            return ag.jvp(ag.grad(f), (u,), (u * 0.5,))

        for g in (product, tangent):
            compiled = ag.compile(g)
            compiled(x)
            assert_same_bits(compiled(x), g(x))


class Loop:
    """Takes note of what is asked of it."""

    __name__ = "loop"

    def __init__(self, unread=frozenset()):
        self.unread, self.wanted = unread, "nothing"

    def thinner(self, wanted):
        self.wanted = wanted
        return self, self.unread

    def __call__(self, leaves):
        return leaves


def test_what_is_not_read_is_not_asked_for():
    first, second, third = Loop(), Loop(frozenset([1])), Loop()
    spec = spec_of(np.ones(3))
    nodes = (
        Node(Ref(1), "call", (Ref(0),), {}, first),
        Node(Ref(2), "part", (Ref(1), 0)),
        Node(Ref(3), "part", (Ref(1), 1)),
        Node(Ref(4), "call", (Ref(2), Ref(3)), {}, second),
        Node(Ref(5), "part", (Ref(4), 2)),
        Node(Ref(6), "call", (Ref(5),), {}, third),
    )
    specs = dict.fromkeys(range(7), spec) | {1: MANY, 4: MANY, 6: MANY}
    program = thin(Program((Ref(0),), nodes, (Ref(5), Ref(6)), specs, ("x",)))
    assert first.wanted == {0}
    assert second.wanted == {2}
    assert third.wanted is None
    assert [int(node.number) for node in program.nodes] == [1, 2, 4, 5, 6]
    assert program.nodes[2].operands == (Ref(2), None)
