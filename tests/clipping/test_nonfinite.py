import math

import numpy as np
import pytest

from anygrad import clipping
from anygrad.clipping.measuring import POLICIES
from anygrad.errors import NonFiniteError
from tests.clipping.trees import flat
from tests.support import assert_close, to_host


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
class TestNonFinite:
    def grads(self, xp, bad):
        return {"a": xp.asarray([6.0, 8.0]), "b": [xp.asarray([1.0, 0.0]), xp.asarray([bad, 0.0])]}

    def test_propagates_to_every_element(self, xp, bad):
        clipped, norm = clipping.clip_by_global_norm(self.grads(xp, bad), 1.0)
        assert np.isnan(flat(clipped)).all()
        np.testing.assert_equal(float(to_host(norm)), abs(bad))

    def test_zero_leaves_the_bad_elements_out(self, xp, bad):
        clipped, norm = clipping.clip_by_global_norm(self.grads(xp, bad), 1.0, nonfinite="zero")
        good = np.asarray([6.0, 8.0, 1.0, 0.0, 0.0, 0.0])
        assert_close(norm, np.asarray(math.sqrt(101)))
        np.testing.assert_allclose(flat(clipped), good / math.sqrt(101), rtol=1e-15)

    def test_skip_zeroes_the_tree(self, xp, bad):
        clipped, norm = clipping.clip_by_global_norm(self.grads(xp, bad), 1.0, nonfinite="skip")
        assert flat(clipped).tolist() == [0.0] * 6
        np.testing.assert_equal(float(to_host(norm)), abs(bad))

    def test_raise_names_the_first_bad_leaf(self, xp, bad):
        kind = "nan" if math.isnan(bad) else "inf"
        with pytest.raises(NonFiniteError, match=rf"got {kind} in grads\['b'\]\[1\]"):
            clipping.clip_by_global_norm(self.grads(xp, bad), 1.0, nonfinite="raise")

    @pytest.mark.parametrize("name", ["clip_by_norm", "clip_by_block_rms"])
    def test_leaf_by_leaf_each_policy_is_about_that_leaf(self, xp, bad, name):
        clip = getattr(clipping, name)
        alone = clip(xp.asarray([6.0, 8.0]), 1.0)
        for policy, value in (("propagate", math.nan), ("zero", 0.0), ("skip", 0.0)):
            clipped = clip(self.grads(xp, bad), 1.0, nonfinite=policy)
            assert_close(clipped["a"], to_host(alone))
            np.testing.assert_equal(to_host(clipped["b"][1]), np.full(2, value))
        with pytest.raises(NonFiniteError, match=rf"{name}\(grads\): got .* in grads\['b'\]\[1\]"):
            clip(self.grads(xp, bad), 1.0, nonfinite="raise")

    @pytest.mark.parametrize("ord", [1, 1.5, 3, math.inf])
    def test_policies_hold_in_every_order(self, xp, bad, ord):
        def clip(policy):
            return clipping.clip_by_global_norm(self.grads(xp, bad), 1.0, ord=ord, nonfinite=policy)

        clipped, norm = clip("propagate")
        assert np.isnan(flat(clipped)).all()
        np.testing.assert_equal(float(to_host(norm)), abs(bad))
        good = np.asarray([6.0, 8.0, 1.0, 0.0, 0.0, 0.0])
        assert_close(flat(clip("zero")[0]), good / np.linalg.norm(good, ord))
        assert flat(clip("skip")[0]).tolist() == [0.0] * 6

    def test_leaf_by_leaf_only_the_bad_leaf_is_lost(self, xp, bad):
        clipped = clipping.clip_by_norm(self.grads(xp, bad), 1.0)
        assert_close(clipped["a"], np.asarray([0.6, 0.8]))
        assert_close(clipped["b"][0], np.asarray([1.0, 0.0]))
        assert np.isnan(to_host(clipped["b"][1])).all()


def test_by_value_makes_infinities_the_limit_and_keeps_nan(xp):
    clipped = clipping.clip_by_value(xp.asarray([math.inf, -math.inf, math.nan]), 2.0)
    np.testing.assert_equal(to_host(clipped), np.asarray([2.0, -2.0, math.nan]))


def test_finite_gradients_pass_every_policy(xp):
    for policy in POLICIES:
        clipped, _ = clipping.clip_by_global_norm(xp.asarray([3.0, 4.0]), 1.0, nonfinite=policy)
        assert_close(clipped, np.asarray([0.6, 0.8]))
