"""Arrays of CuPy that are donated to a step, and that somebody else reads in the same step."""

import numpy as np
import pytest

import anygrad as ag
from tests.support import assert_close, to_host

NAMES = [f"w{k}" for k in range(9)]
USUAL = 8  # steps after which arguments are recognised by what they were


def draw(seed):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=12) for name in NAMES}


CHANGES = {
    "a parameter": lambda params, grads: params["w1"],
    "a view of a parameter": lambda params, grads: params["w1"][:],
    "another gradient": lambda params, grads: grads["w1"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_written_in_a_step_is_read_before(cupy, change):
    optimizer = ag.optimizers.adam(0.1)
    with ag.use_settings(kernels="always"):
        params = ag.trees.map(cupy.asarray, draw(0))
        plain = draw(0)
        state, plain_state = optimizer.init(params), optimizer.init(plain)
        for step in range(USUAL + 4):
            grads = ag.trees.map(cupy.asarray, draw(step))
            if step >= USUAL:
                grads["w2"] = CHANGES[change](params, grads)
            seen = {name: to_host(g).copy() for name, g in grads.items()}
            plain, plain_state = optimizer.step(plain, seen, plain_state)
            params, state = optimizer.step(params, grads, state, donate=True)
            assert_close(params, plain)


def test_arguments_of_two_trees_in_turn_are_told_apart(cupy):
    optimizer = ag.optimizers.adam(0.1)
    trees = [ag.trees.map(cupy.asarray, draw(seed)) for seed in (0, 1)]
    plain = [draw(0), draw(1)]
    with ag.use_settings(kernels="always"):
        states = [optimizer.init(tree) for tree in trees]
        plain_states = [optimizer.init(tree) for tree in plain]
        for step in range(2 * USUAL):
            k = step // 3 % 2
            grads = draw(step)
            # the gradient of one tree is a parameter of the other, which stays as it is
            given = {**ag.trees.map(cupy.asarray, grads), "w2": trees[1 - k]["w1"]}
            grads["w2"] = plain[1 - k]["w1"]
            plain[k], plain_states[k] = optimizer.step(plain[k], grads, plain_states[k])
            trees[k], states[k] = optimizer.step(trees[k], given, states[k], donate=True)
            assert_close(trees[k], plain[k])
            assert_close(trees[1 - k], plain[1 - k])
