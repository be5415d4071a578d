import pytest

from anygrad import clipping
from tests.support import forbid_host_copies


def calls(xp):
    grads = {"w": xp.asarray([[3.0, 4.0], [1.0, -2.0]]), "b": xp.asarray([1.0, 2.0])}
    norm = xp.asarray(5.0)
    for ord in (1, 1.5, 2, 3, float("inf")):
        yield lambda ord=ord: clipping.global_norm(grads, ord=ord)
        yield lambda ord=ord: clipping.clip_by_norm(grads, 1.0, ord=ord)
    for policy in ("propagate", "zero", "skip"):
        yield lambda policy=policy: clipping.clip_by_norm(grads, 1.0, nonfinite=policy)
        yield lambda policy=policy: clipping.clip_by_block_rms(grads, 1.0, nonfinite=policy)
        yield lambda policy=policy: clipping.clip_by_global_norm(grads, 1.0, nonfinite=policy)
        yield lambda policy=policy: clipping.clip_adaptively(grads, grads, 0.1, nonfinite=policy)
        yield lambda policy=policy: clipping.clip_per_example(grads, 1.0, nonfinite=policy)
        yield lambda policy=policy: clipping.normalize(grads, nonfinite=policy)
        yield lambda policy=policy: clipping.normalize_leaves(grads, nonfinite=policy)
        yield lambda policy=policy: clipping.measure(grads, 1.0, policy).finite
    yield lambda: clipping.clip_by_value(grads, 1.0)
    yield lambda: clipping.combine_norms([norm, norm])
    yield lambda: clipping.apply_scale(grads, clipping.clip_scale(norm, 1.0))
    yield lambda: clipping.measure(grads, 1.0).factor


def test_nothing_is_copied_to_the_host(xp):
    with forbid_host_copies():
        for call in calls(xp):
            call()


@pytest.mark.off_host
def test_an_error_costs_one_copy_not_one_a_leaf(xp):
    grads = {str(k): xp.asarray([1.0]) for k in range(20)}
    copies = []
    original = clipping.nonfinite.trees.to_numpy

    def counted(tree):
        copies.append(tree)
        return original(tree)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clipping.nonfinite.trees, "to_numpy", counted)
        clipping.clip_by_global_norm(grads, 0.1, nonfinite="raise")
        assert len(copies) == 1
