import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anygrad import clipping, trees
from anygrad.autodiff import grad
from anygrad.backends import device_of, namespace_of
from anygrad.clipping.measuring import POLICIES, scaled_norm
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError, NonFiniteError
from tests.support import assert_close, forbid_host_copies, to_host

elements = st.floats(-1e6, 1e6, allow_subnormal=False)
vectors = arrays(np.float64, st.integers(1, 6), elements=elements)
gradients = st.fixed_dictionaries({"w": vectors, "deep": st.tuples(vectors, vectors)})
limits = st.floats(1e-6, 1e6)
few = settings(max_examples=40)  # an example takes milliseconds


def flat(tree):
    return np.concatenate([np.ravel(to_host(leaf)) for leaf in trees.leaves(tree)])


# -- what the functions compute -------------------------------------------------------------------


def test_values_are_limited_on_both_sides(xp):
    g = xp.asarray([-3.0, -0.5, 0.0, 0.5, 3.0])
    assert_close(clipping.clip_by_value(g, 1.0), np.asarray([-1.0, -0.5, 0.0, 0.5, 1.0]))


def test_each_leaf_is_shrunk_by_itself(xp):
    grads = {"long": xp.asarray([6.0, 8.0]), "short": xp.asarray([0.3, 0.4])}
    clipped = clipping.clip_by_norm(grads, 1.0)
    assert_close(clipped, {"long": np.asarray([0.6, 0.8]), "short": np.asarray([0.3, 0.4])})


def test_all_leaves_are_shrunk_by_one_factor(xp):
    grads = {"w": xp.asarray([[2.0, 0.0], [0.0, 4.0]]), "b": (xp.asarray(4.0), None)}
    clipped, norm = clipping.clip_by_global_norm(grads, 1.5)  # norm 6, factor 1/4
    assert_close(norm, np.asarray(6.0))
    assert_close(clipped, {"w": np.asarray([[0.5, 0.0], [0.0, 1.0]]), "b": (np.asarray(1.0), None)})


def test_modulus_counts_for_complex_gradients(xp):
    g = xp.asarray([3.0 + 4.0j, 0.0 - 12.0j])
    clipped, norm = clipping.clip_by_global_norm(g, 1.3)
    assert_close(norm, np.asarray(13.0))
    assert_close(clipped, np.asarray([0.3 + 0.4j, -1.2j]))
    assert_close(clipping.clip_by_norm(g, 1.3), np.asarray([0.3 + 0.4j, -1.2j]))


def test_nothing_is_copied_to_the_host(xp):
    grads = {"w": xp.asarray([3.0, 4.0]), "b": xp.asarray(1.0)}
    with forbid_host_copies():
        clipping.global_norm(grads)
        clipping.clip_by_value(grads, 1.0)
        clipping.clip_by_norm(grads, 1.0)
        for policy in ("propagate", "zero", "skip"):
            clipping.clip_by_global_norm(grads, 1.0, nonfinite=policy)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_dtype_device_and_structure_are_kept(xp, dtype):
    kind = getattr(xp, dtype)
    grads = [{"a": xp.asarray([3.0, 4.0], dtype=kind)}, (xp.asarray(2.0, dtype=kind),)]
    results = [
        clipping.clip_by_norm(grads, 1.0),
        clipping.clip_by_global_norm(grads, 1.0)[0],
        clipping.clip_by_global_norm(grads, 1e9, nonfinite="skip")[0],
        clipping.clip_by_global_norm(grads, 1.0, nonfinite="zero")[0],
    ]
    if "float" in dtype:
        results.append(clipping.clip_by_value(grads, 1.0))
    norm = clipping.clip_by_global_norm(grads, 1.0)[1]
    assert norm.dtype == (xp.float32 if dtype in ("float32", "complex64") else xp.float64)
    assert norm.shape == ()
    assert device_of(norm) == xp.device
    for result in results:
        assert trees.flatten(result)[1] == trees.flatten(grads)[1]
        for leaf, like in zip(trees.leaves(result), trees.leaves(grads), strict=True):
            assert (leaf.dtype, leaf.shape) == (like.dtype, like.shape)
            assert type(leaf) is type(like)
            assert device_of(leaf) == xp.device


def test_norm_of_mixed_dtypes_is_the_widest_and_leaves_keep_theirs(xp):
    grads = [xp.asarray([3.0], dtype=xp.float32), xp.asarray([4.0], dtype=xp.float64)]
    clipped, norm = clipping.clip_by_global_norm(grads, 1.0)
    assert_close(norm, np.asarray(5.0))
    expected = [np.asarray([0.6], dtype=np.float32), np.asarray([0.8])]
    assert_close(clipped, expected)


def test_leaves_may_lie_on_several_devices():
    strict = pytest.importorskip("array_api_strict")
    devices = [strict.Device("device1"), strict.Device("device2")]
    # float32, for the second pretended device has no float64
    pairs = zip([3.0, 4.0], devices, strict=True)
    grads = [strict.asarray([x], dtype=strict.float32, device=device) for x, device in pairs]
    clipped, norm = clipping.clip_by_global_norm(grads, 1.0, nonfinite="skip")
    assert [device_of(leaf) for leaf in clipped] == devices
    assert device_of(norm) == devices[0]
    assert_close(clipped, [np.asarray([x], dtype=np.float32) for x in (0.6, 0.8)])


def test_leaves_are_clipped_on_the_device_where_they_lie(lookalike):
    # arrays made in between, such as copies of scalars, would lie on the current device: the first
    with lookalike.cuda.Device(1):
        there = lookalike.asarray([3.0, -4.0])
    grads = {"here": lookalike.asarray([3.0, 4.0]), "there": there, "number": there[0]}
    clips = {
        "value": lambda: clipping.clip_by_value(grads, 1.0),
        "norm": lambda: clipping.clip_by_norm(grads, 1.0),
        **{
            policy: lambda policy=policy: clipping.clip_by_global_norm(
                grads, 1.0, nonfinite=policy
            )[0]
            for policy in POLICIES
        },
    }
    for name, clip in clips.items():
        devices = {key: device_of(leaf).id for key, leaf in clip().items()}
        assert devices == {"here": 0, "there": 1, "number": 1}, name
    for tree in (grads["there"], grads["there"][:0], [grads["number"], grads["here"]]):
        norms = (clipping.global_norm(tree), clipping.clip_by_global_norm(tree, 1.0)[1])
        assert [norm.device.id for norm in norms] == [1, 1]
    expected = {"here": [1.0, 1.0], "there": [1.0, -1.0], "number": 1.0}
    assert_close(clips["value"](), {key: np.asarray(leaf) for key, leaf in expected.items()})


def test_clipping_differentiates(xp):
    weights = xp.asarray([1.0, 2.0, 3.0])
    clips = [
        lambda g: clipping.clip_by_global_norm([g], 1.0)[0][0],
        lambda g: clipping.clip_by_global_norm([g], 1.0)[1] * g,
        lambda g: clipping.global_norm(g) * g,
        lambda g: clipping.clip_by_norm(g, 1.0),
        lambda g: clipping.clip_by_value(g, 1.0),
    ]
    for clip in clips:
        for values in ([0.6, 0.8, 2.0], [0.06, 0.08, 0.2]):
            slope = grad(lambda g: namespace_of(g).sum(clip(g) * weights))  # noqa: B023
            x = np.asarray(values)
            # central differences in plain NumPy on the values of the same clip
            h = 1e-6
            by_hand = [
                to_host(weights)
                @ (to_host(clip(xp.asarray(x + e))) - to_host(clip(xp.asarray(x - e))))
                for e in h * np.eye(3)
            ]
            assert_close(
                slope(xp.asarray(x)), np.asarray(by_hand) / (2 * h), scale=1e5
            )  # h^2 + eps/h


def test_clipping_differentiates_at_zero(xp):
    for clip in (
        lambda g: clipping.clip_by_global_norm(g, 1.0)[0],
        lambda g: clipping.clip_by_norm(g, 1.0),
    ):
        slope = grad(lambda g: namespace_of(g).sum(clip(g)))  # noqa: B023
        assert_close(slope(xp.zeros((2,))), np.ones(2))


# -- range ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "values", "max_norm", "expected", "norm"),
    [
        ("float32", [3e20, 4e20], 1.0, [0.6, 0.8], 5e20),
        ("float32", [3e38, 3e38], 1.0, [math.sqrt(0.5)] * 2, math.inf),
        ("float32", [3e38, -3e38], 1e-5, [1e-5 * math.sqrt(0.5), -1e-5 * math.sqrt(0.5)], math.inf),
        ("float32", [1.5e38, 2e38], 1e-5, [0.6e-5, 0.8e-5], 2.5e38),
        ("float32", [3e-30, 4e-30], 1e-30, [0.6e-30, 0.8e-30], 5e-30),
        ("float32", [3e-30, 4e-30], 1.0, [3e-30, 4e-30], 5e-30),
        ("float64", [3e200, 4e200], 1.0, [0.6, 0.8], 5e200),
        ("float64", [1.7e308, 1.7e308], 1e-3, [1e-3 * math.sqrt(0.5)] * 2, math.inf),
        ("float64", [3e-200, 4e-200], 1e-200, [0.6e-200, 0.8e-200], 5e-200),
    ],
)
def test_large_and_small_gradients_are_clipped_right(xp, dtype, values, max_norm, expected, norm):
    g = xp.asarray(values, dtype=getattr(xp, dtype))
    for clipped, got in (
        clipping.clip_by_global_norm(g, max_norm),
        (clipping.clip_by_norm(g, max_norm), clipping.global_norm(g)),
    ):
        assert_close(got, np.asarray(norm, dtype=dtype))
        # relative, for an absolute tolerance would pass zeros here
        np.testing.assert_allclose(to_host(clipped), expected, rtol=1e-6)
        assert clipped.dtype == g.dtype


def test_modulus_beyond_the_range_is_no_obstacle(xp):
    g = xp.asarray([3e38 + 3e38j], dtype=xp.complex64)  # |g| = 4.2e38 > 3.4e38
    clipped, _ = clipping.clip_by_global_norm(g, 1.0)
    assert_close(clipped, np.asarray([math.sqrt(0.5) * (1 + 1j)], dtype=np.complex64))


@pytest.mark.parametrize("empty", [{}, None, (), {"w": None}])
def test_tree_without_leaves_has_norm_zero(empty):
    clipped, norm = clipping.clip_by_global_norm(empty, 1.0)
    assert clipped == empty
    assert float(norm) == 0.0


def test_zero_gradients_and_empty_arrays_pass(xp):
    grads = {"zero": xp.zeros((2, 2)), "empty": xp.zeros((0, 3))}
    for policy in POLICIES:
        clipped, norm = clipping.clip_by_global_norm(grads, 1.0, nonfinite=policy)
        assert_close(clipped, {"zero": np.zeros((2, 2)), "empty": np.zeros((0, 3))})
        assert float(to_host(norm)) == 0.0
    assert_close(clipping.clip_by_norm(grads, 1.0), {k: to_host(v) for k, v in grads.items()})


@few
@given(gradients)
def test_scale_and_norm_agree(grads):
    divisor, ratio, finite = scaled_norm(grads)
    assert finite
    assert_close(divisor * ratio, np.asarray(trees.norm(grads)))
    assert_close(trees.norm(grads), np.asarray(math.hypot(*flat(grads))))


# -- laws -----------------------------------------------------------------------------------------


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


# -- inf and nan ----------------------------------------------------------------------------------


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


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, "1", None, True])
def test_limit_must_be_positive(limit):
    g = np.ones(2)
    with pytest.raises(ArgumentError, match=r"clip_by_value\(limit\): got .*expected a number > 0"):
        clipping.clip_by_value(g, limit)
    with pytest.raises(ArgumentError, match=r"clip_by_norm\(max_norm\): got"):
        clipping.clip_by_norm(g, limit)
    with pytest.raises(ArgumentError, match=r"clip_by_global_norm\(max_norm\): got"):
        clipping.clip_by_global_norm(g, limit)


def test_infinite_limit_never_clips():
    g = np.asarray([1e300, -2.0])
    assert clipping.clip_by_global_norm(g, math.inf)[0].tolist() == g.tolist()


def test_unknown_policy_gets_a_suggestion():
    with pytest.raises(ArgumentError, match=r"nonfinite\): got 'skipp'.*Did you mean 'skip'"):
        clipping.clip_by_global_norm(np.ones(2), 1.0, nonfinite="skipp")


def test_integers_are_refused_by_path(xp):
    grads = {"w": [xp.asarray([1, 2])]}
    for clip in (clipping.clip_by_value, clipping.clip_by_norm, clipping.clip_by_global_norm):
        with pytest.raises(DTypeError, match=r"grads\['w'\]\[0\]; expected a .*floating array"):
            clip(grads, 1.0)


def test_numbers_are_no_arrays():
    for clip in (clipping.clip_by_value, clipping.clip_by_norm, clipping.clip_by_global_norm):
        with pytest.raises(DTypeError, match=r"got 3.0 at grads\['w'\]; .*Use ag\.asarray\."):
            clip({"w": 3.0}, 1.0)


def test_complex_numbers_have_no_order_to_clip_by(xp):
    with pytest.raises(DTypeError, match="use clip_by_norm"):
        clipping.clip_by_value(xp.asarray([1.0 + 1.0j]), 1.0)


def test_two_libraries_in_one_tree_are_named():
    strict = pytest.importorskip("array_api_strict")
    grads = [np.ones(2), strict.ones(2)]
    with pytest.raises(MixedBackendError, match=r"numpy.*strict"):
        clipping.clip_by_global_norm(grads, 1.0)


@pytest.mark.parametrize("max_norm", [1.0, 100.0])
def test_what_was_passed_is_neither_changed_nor_returned(max_norm):
    g = np.asarray([3.0, 4.0])
    for clipped in (
        clipping.clip_by_global_norm(g, max_norm)[0],
        clipping.clip_by_norm(g, max_norm),
        clipping.clip_by_value(g, max_norm),
    ):
        assert not np.shares_memory(clipped, g)
    assert g.tolist() == [3.0, 4.0]
