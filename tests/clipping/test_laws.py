import math

import numpy as np
import pytest
from hypothesis import given

from anygrad import clipping, trees
from anygrad.clipping.measuring import POLICIES
from anygrad.clipping.norms import scaled_norm
from tests.clipping.trees import few, flat, gradients, limits
from tests.support import assert_close


@few
@given(gradients)
def test_scale_and_norm_agree(grads):
    divisor, ratio, finite = scaled_norm(trees.leaves(grads))
    assert finite.all()
    assert_close(divisor * ratio, np.asarray(trees.norm(grads)))
    assert_close(trees.norm(grads), np.asarray(math.hypot(*flat(grads))))


@few
@given(gradients, limits)
def test_norm_never_grows_and_ends_at_the_limit(grads, max_norm):
    clipped, norm = clipping.clip_by_global_norm(grads, max_norm)
    after = np.linalg.norm(flat(clipped))
    assert after == pytest.approx(min(max_norm, np.linalg.norm(flat(grads))), rel=1e-12, abs=1e-300)
    assert float(norm) == pytest.approx(np.linalg.norm(flat(grads)), rel=1e-12, abs=1e-150)


@few
@given(gradients, limits)
def test_direction_is_kept(grads, max_norm):
    before, after = flat(grads), flat(clipping.clip_by_global_norm(grads, max_norm)[0])
    scale = np.linalg.norm(before) * np.linalg.norm(after)
    assert before @ after == pytest.approx(scale, rel=1e-10, abs=1e-290)


@few
@given(gradients, limits)
def test_clipping_twice_is_clipping_once(grads, max_norm):
    once = clipping.clip_by_global_norm(grads, max_norm)[0]
    assert_close(clipping.clip_by_global_norm(once, max_norm)[0], once)
    once = clipping.clip_by_norm(grads, max_norm)
    assert_close(clipping.clip_by_norm(once, max_norm), once)
    once = clipping.clip_by_value(grads, max_norm)
    assert flat(clipping.clip_by_value(once, max_norm)).tolist() == flat(once).tolist()


@few
@given(gradients)
def test_short_gradients_are_unchanged_to_the_bit(grads):
    max_norm = 2 * float(np.linalg.norm(flat(grads))) + 1.0
    bits = flat(grads).tobytes()
    for policy in POLICIES:
        assert (
            flat(clipping.clip_by_global_norm(grads, max_norm, nonfinite=policy)[0]).tobytes()
            == bits
        )
    assert flat(clipping.clip_by_norm(grads, max_norm)).tobytes() == bits
    assert flat(clipping.clip_by_value(grads, max_norm)).tobytes() == bits


@few
@given(gradients, limits)
def test_elements_never_grow_nor_change_sign(grads, limit):
    before, after = flat(grads), flat(clipping.clip_by_value(grads, limit))
    assert np.array_equal(after, np.sign(before) * np.minimum(np.abs(before), limit))
