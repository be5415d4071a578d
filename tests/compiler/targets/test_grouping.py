"""Groups of elementwise operations."""

import numpy as np

import anygrad as ag
from anygrad.compiler.grouping import group
from anygrad.compiler.program import Ref


def groups_of(f, *args):
    program = ag.compile(f).ir(*args)
    return group(program), program


def names(one):
    return [node.name for node in one.nodes]


def test_a_chain_is_one_group_with_its_sum():
    x = np.ones((3, 4))
    grouping, _ = groups_of(lambda x: np.sum(np.sin(x) * x + 1.0), x)
    (one,) = grouping.groups
    assert names(one) == ["sin", "multiply", "add", "sum"]
    assert one.shape == (3, 4)
    assert one.operands == (Ref(0),)
    assert one.results == ()
    assert grouping.reasons == {}


def test_operands_may_be_broadcast():
    grouping, _ = groups_of(lambda x, y, s: np.exp(x + y) * s, np.ones((3, 4)), np.ones(4), 2.0)
    (one,) = grouping.groups
    assert names(one) == ["add", "exp", "multiply"]
    assert len(one.operands) == 3


def test_a_value_that_goes_through_a_sum_is_of_another_group():
    def f(x):
        y = np.sin(x) + 1.0
        return y * np.sum(y) - x

    grouping, program = groups_of(f, np.ones(5))
    first, second = grouping.groups
    assert names(first) == ["sin", "add", "sum"]
    assert names(second) == ["multiply", "subtract"]
    assert first.results == (program.nodes[1].number,)


def test_scalars_computed_beside_do_not_part_a_group():
    grouping, _ = groups_of(lambda x, t: np.sin(x) / (1.0 - 0.9**t) + x, np.ones(5), 3.0)
    (one,) = grouping.groups
    assert names(one) == ["sin", "divide", "add"]
    assert sorted(set(grouping.reasons.values())) == ["a scalar"]


def test_every_group_can_run_after_what_it_needs():
    def f(x):
        y = np.sin(x)
        for _ in range(4):
            y = np.tanh(y + np.flip(y * 2.0, axis=0)) * np.mean(y) + np.cumulative_sum(y + x)
        return np.sum(y * x)

    grouping, program = groups_of(ag.grad(f), np.linspace(0, 1, 6))
    of = {int(n.number): k for k, g in enumerate(grouping.groups, 1) for n in g.nodes}
    edges = {
        (of.get(ref, -int(ref)), of.get(n.number, -int(n.number)))
        for n in program.nodes
        for ref in n.uses()
    }
    edges = {(a, b) for a, b in edges if a != b}
    left = {x for edge in edges for x in edge}
    while left:
        ready = {x for x in left if not any(b == x and a in left for a, b in edges)}
        assert ready, "a cycle"
        left -= ready


def test_what_is_in_no_group_has_a_reason():
    def f(x):
        return np.flip(x, axis=0) * 2.0, x @ x, float(np.sum(x) > 0) if np.sum(x) > 0 else 0.0

    grouping, program = groups_of(f, np.ones(4))
    assert grouping.groups == ()
    assert set(grouping.reasons) == {int(node.number) for node in program.nodes}
    assert "flip is not elementwise" in grouping.reasons.values()
    assert "alone: nothing of its shape beside it" in grouping.reasons.values()
    assert "a guard is no array operation" in grouping.reasons.values()


def test_a_group_prints_its_nodes():
    grouping, _ = groups_of(lambda x: np.sin(x) + x, np.ones(3))
    assert str(grouping.groups[0]) == (
        "group [3] of %0: float64[3]\n"
        "  %1 = sin(%0): float64[3]\n"
        "  %2 = add(%1, %0): float64[3]\n"
        "  gives %2"
    )
