"""A program of a function and its pullback is cut in two, with little to keep in between."""

import numpy as np

import anygrad as ag
from anygrad.compiler.splitting import split
from anygrad.compiler.targets import MISSED, print_program

X, G = np.linspace(0.5, 2.0, 6).reshape(2, 3), np.linspace(1.0, 2.0, 6).reshape(2, 3)


def halves_of(f, *args, early=1):
    """The halves, and what they give; the last argument is the late one."""
    program = ag.compile(f).ir(*args)
    halves = split(program, 1, early)
    first, second = print_program(halves.first), print_program(halves.second)

    def run(*args):
        out = first(*args[:-1])
        if out is MISSED:
            return out
        return (*out[:early], *second(*halves.kept((*args[:-1], *out)), args[-1]))

    for a, b in zip(run(*args), f(*args), strict=True):
        assert np.array_equal(a, b)
    return halves, run


def names(program):
    return [node.name for node in program.nodes]


def test_what_only_the_second_half_needs_is_done_there():
    halves, _ = halves_of(lambda x, g: (np.sum(np.sin(x)), np.cos(x) * g), X, G)
    assert names(halves.first) == ["sin", "sum"]
    assert names(halves.second) == ["cos", "multiply"]
    assert len(halves.first.outputs) == 1  # nothing is kept but the argument


def test_what_is_kept_does_not_become_more():
    def f(x, y, g):
        a, b = np.exp(x), np.exp(y)
        return np.sum(a) + np.sum(b), (a * b) * g

    halves, _ = halves_of(f, X, X + 1.0, G)
    assert len(halves.first.outputs) == 2  # the product, and neither factor
    assert names(halves.second) == ["multiply"]


def test_a_reduction_stays_where_its_operand_is():
    def f(x, g):
        y = np.exp(x)
        return np.sum(y), np.sum(y * y, axis=0) * g

    halves, _ = halves_of(f, X, G)
    assert "sum" not in names(halves.second)


def test_views_are_made_anew():
    def f(x, g):
        y = np.exp(x)
        return np.sum(y.T @ y), y @ g.T, y.T @ g

    halves, _ = halves_of(f, X, G)
    assert len(halves.first.outputs) == 2
    assert names(halves.second).count("permute_dims") >= 2


def test_guards_keep_what_they_ask_and_are_in_their_half():
    def f(x, g):
        if np.sum(np.cos(x)) > 0:
            x = x * 2.0
        if np.sum(g) > 0:
            g = g * 3.0
        return np.sum(x), np.cos(x) * g

    halves, run = halves_of(f, X * 0.1, G)
    assert names(halves.first).count("guard") == names(halves.second).count("guard") == 1
    assert run(X + 2.0, G) is MISSED


def test_a_result_may_be_an_argument_or_a_constant():
    halves, run = halves_of(lambda x, g: (x, 1.0 * g, 2.0, g), X, G, early=1)
    assert len(halves.second.outputs) == 3
    assert not np.shares_memory(run(X, G)[0], X)
