import math

import numpy as np
import pytest

from anygrad import clipping, trees
from anygrad.backends import device_of
from anygrad.clipping.measuring import POLICIES
from anygrad.errors import ArgumentError, DTypeError, MixedBackendError
from tests.clipping.trees import waves
from tests.support import assert_close, to_host


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


def test_two_ends_may_be_named(xp):
    g = xp.asarray([-3.0, -0.5, 0.5, 3.0])
    clipped = clipping.clip_by_value(g, 2.0, low=-1.0)
    assert_close(clipped, np.asarray([-1.0, -0.5, 0.5, 2.0]))
    assert_close(clipping.clip_by_value(g, 0.0, low=-1.0), np.asarray([-1.0, -0.5, 0.0, 0.0]))
    for limit, low in ((-2.0, -1.0), (math.nan, 0.0), (1.0, math.nan)):
        with pytest.raises(ArgumentError, match=r"clip_by_value\((low|limit)\): got"):
            clipping.clip_by_value(g, limit, low=low)


def test_root_mean_square_of_each_leaf_is_limited(xp):
    # optax 0.2.8, clip_by_block_rms(0.5), float64
    expected = {
        "w": [
            [0.5829724466483582, 0.629962714363398, 0.09776816771463419],
            [-0.5243139814499582, -0.6643442740672691, -0.19357950488772352],
        ],
        "b": [0.5801627275746614, -0.48286576752551374, -0.17827660430936046, 0.6312442573529278],
    }
    grads = {
        "w": xp.asarray(waves(2, 3)),
        "b": xp.asarray(waves(4, frequency=2.0)),
    }
    assert_close(clipping.clip_by_block_rms(grads, 0.5), expected)
    short = xp.asarray([0.1, -0.9])  # sqrt(0.41)
    assert_close(clipping.clip_by_block_rms(short, 0.65), np.asarray([0.1, -0.9]))
    with pytest.raises(ArgumentError, match=r"clip_by_block_rms\(threshold\): got 0.0"):
        clipping.clip_by_block_rms(grads, 0.0)


def test_modulus_counts_for_complex_gradients(xp):
    g = xp.asarray([3.0 + 4.0j, 0.0 - 12.0j])
    clipped, norm = clipping.clip_by_global_norm(g, 1.3)
    assert_close(norm, np.asarray(13.0))
    assert_close(clipped, np.asarray([0.3 + 0.4j, -1.2j]))
    assert_close(clipping.clip_by_norm(g, 1.3), np.asarray([0.3 + 0.4j, -1.2j]))


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
        "rms": lambda: clipping.clip_by_block_rms(grads, 0.1),
        "cubes": lambda: clipping.clip_by_global_norm(grads, 1.0, ord=3)[0],
        "units": lambda: clipping.clip_adaptively(grads, grads, 0.1),
        "direction": lambda: clipping.normalize(grads)[0],
        "directions": lambda: clipping.normalize_leaves(grads),
        "scale": lambda: clipping.apply_scale(grads, clipping.clip_scale(there[0], 1.0)),
        "settled": lambda: clipping.measure(grads, 1.0, "skip").settle(),
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
    vectors = {"there": there, "here": grads["here"]}
    clipped, norms = clipping.clip_per_example(vectors, 1.0, nonfinite="skip")
    assert {key: device_of(leaf).id for key, leaf in clipped.items()} == {"here": 0, "there": 1}
    assert norms.device.id == 0
    for flag in trees.leaves(clipping.measure([there, grads["here"]], 1.0, "zero").finite):
        assert flag.device.id == 1
    for tree in (grads["there"], grads["there"][:0], [grads["number"], grads["here"]]):
        norms = (clipping.global_norm(tree), clipping.clip_by_global_norm(tree, 1.0)[1])
        assert [norm.device.id for norm in norms] == [1, 1]
    expected = {"here": [1.0, 1.0], "there": [1.0, -1.0], "number": 1.0}
    assert_close(clips["value"](), {key: np.asarray(leaf) for key, leaf in expected.items()})


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


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_infinities_become_the_largest_number_if_the_limit_is_beyond_it(dtype):
    largest = float(np.finfo(dtype).max)
    g = np.asarray([np.inf, -np.inf, 1.0, np.nan], dtype=dtype)
    np.testing.assert_array_equal(
        clipping.clip_by_value(g, 1e300), np.asarray([largest, -largest, 1.0, np.nan], dtype=dtype)
    )
    np.testing.assert_array_equal(clipping.clip_by_value(g, np.inf), g)
    assert clipping.clip_by_value(g[:3], 1e300, low=0.5).tolist() == [largest, 0.5, 1.0]


def test_infinities_of_torch_become_the_largest_number_too():
    torch = pytest.importorskip("torch", reason="has bfloat16")
    for dtype in (torch.float16, torch.bfloat16):
        g = torch.asarray([math.inf, -math.inf, 1.0], dtype=dtype)
        largest = torch.finfo(dtype).max
        assert clipping.clip_by_value(g, 1e300).tolist() == [largest, -largest, 1.0]


def test_clips_run_inside_jit():
    jax = pytest.importorskip("jax", reason="compiles the clip")
    grads = jax.numpy.ones(100, dtype="float32")
    clipped, norm = jax.jit(lambda g: clipping.clip_by_global_norm(g, 2.5))(grads)
    assert_close(clipped, np.full(100, 0.25, dtype=np.float32))
    assert_close(norm, np.asarray(10.0, dtype=np.float32))
