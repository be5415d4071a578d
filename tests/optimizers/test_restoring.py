"""What fits is taken by name, what does not keeps its value, and the report says which is which."""

import dataclasses

import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import backend_of, device_of
from anygrad.errors import ArgumentError, DTypeError
from anygrad.optimizers import (
    adam,
    adamw,
    add_weight_decay,
    chain,
    clip_by_global_norm,
    rmsprop,
    scale,
    sgd,
)
from anygrad.optimizers.saving.files import save
from anygrad.optimizers.saving.restoring import Difference, Restoration, restore
from tests.support import assert_close, to_host

ADAM = adam(0.1)


def start(xp=np, dtype=None):
    dtype = dtype or xp.float64
    return {"w": xp.asarray([1.0, -2.0], dtype=dtype), "b": xp.asarray(0.5, dtype=dtype)}


def trained(optimizer, params, steps=3):
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = optimizer.step(params, params, state)
    return state


def same(left, right):
    return all(
        np.array_equal(to_host(a), to_host(b))
        for a, b in zip(trees.leaves(left), trees.leaves(right), strict=True)
    )


def test_the_same_optimizer_takes_everything(xp):
    state = trained(ADAM, start(xp))
    restored, report = restore(state, like=ADAM.init(start(xp)))
    assert same(restored, state)
    assert report.complete
    assert set(report.matched) == set(map(str, trees.paths(state)))
    assert str(report) == "restored 6 of 6 leaves"


def test_restored_leaves_are_new_and_of_the_library_and_device_of_like(xp):
    state = trained(ADAM, {"w": np.asarray([1.0, 2.0])})
    like = ADAM.init({"w": xp.asarray([1.0, 2.0])})
    restored, _ = restore(state, like=like)
    assert_close(restored["m"], trees.to_numpy(state["m"]))
    for leaf, wanted in zip(trees.leaves(restored), trees.leaves(like), strict=True):
        assert backend_of(leaf) is backend_of(wanted)
        assert device_of(leaf) == device_of(wanted)
    assert restored["m"]["w"] is not state["m"]["w"]


def test_what_was_restored_may_be_donated_without_a_trace_in_what_was_saved():
    state = trained(ADAM, start())
    before = trees.map(np.array, state)
    restored, _ = restore(state, like=ADAM.init(start()))
    ADAM.step(start(), start(), restored, donate=True)
    assert same(state, before)


@pytest.mark.parametrize("form", ["tree", "names", "npz", "file"])
def test_a_tree_names_an_archive_and_a_file_are_the_same(tmp_path, form):
    optimizer = chain(clip_by_global_norm(1.0), ADAM)
    params = {"layer": start(), "a/b~c": np.ones(2)}
    saved = state = trained(optimizer, params)
    if form == "names":
        saved = trees.to_flat(state)
    elif form == "npz":
        np.savez(tmp_path / "run.npz", **trees.to_flat({"x": state}))
        archive = np.load(tmp_path / "run.npz")
        with archive:
            saved = {name.removeprefix("x/"): archive[name] for name in archive}
    elif form == "file":
        saved = tmp_path / "run.safetensors"
        save(saved, state)
    restored, report = restore(saved, like=optimizer.init(params))
    assert report.complete
    assert same(restored, state)


def test_an_open_archive_is_a_mapping_of_names(tmp_path):
    state = trained(ADAM, {"w": np.ones(2)})
    np.savez(tmp_path / "run.npz", **{"m/w": state["m"]["w"], "step": state["step"]})
    with np.load(tmp_path / "run.npz") as archive:
        restored, report = restore(archive, like=ADAM.init({"w": np.ones(2)}))
    assert report.matched == ("m/w", "step")
    assert same(restored["m"], state["m"])


def test_a_tree_without_nesting_may_have_slashes_in_its_keys():
    restored, report = restore({"a/b": np.ones(2)}, like={"a/b": np.zeros(2)})
    assert report.complete
    assert restored["a/b"].tolist() == [1.0, 1.0]


CLIP = tuple(f"clip_by_global_norm/{name}" for name in ("finite/b", "finite/w", "norm", "scale"))


def test_a_clip_put_in_front_keeps_the_rest():
    before = chain(add_weight_decay(lambda step: 0.1), ADAM)
    after = chain(clip_by_global_norm(1.0), add_weight_decay(lambda step: 0.1), ADAM)
    state = trained(before, start())
    like = after.init(start())
    restored, report = restore(state, like=like)
    assert same({k: restored[k] for k in state}, state)
    assert report.missing == CLIP
    assert restored["clip_by_global_norm"]["norm"] is like["clip_by_global_norm"]["norm"]
    assert not report.complete
    assert f"missing, kept: {', '.join(CLIP)}" in str(report)


def test_a_part_that_was_removed_is_left_over():
    state = trained(chain(clip_by_global_norm(1.0), ADAM, scale(lambda step: 0.5)), start())
    after = chain(ADAM, scale(lambda step: 0.5))
    restored, report = restore(state, like=after.init(start()))
    assert same(restored, {"adam": state["adam"], "scale": state["scale"]})
    assert report.left_over == CLIP
    assert report.missing == report.mismatched == ()


@pytest.mark.parametrize("clip", [True, False], ids=["clip", "two counters"])
def test_alone_and_in_a_chain_are_the_same_both_ways(clip):
    front = clip_by_global_norm(1.0) if clip else scale(lambda step: 1.0)
    in_chain = chain(front, ADAM)
    state = trained(ADAM, start())
    restored, report = restore(state, like=in_chain.init(start()))
    assert same(restored["adam"], state)
    assert report.renamed == (("", "adam"),)
    assert not report.left_over
    assert "renamed: all to adam" in str(report)

    back, report = restore(restored, like=ADAM.init(start()))
    assert same(back, state)
    assert report.renamed == (("adam", ""),)
    assert report.missing == ()
    assert "renamed: adam to the top" in str(report)


def test_alone_fits_no_other_optimizer_of_a_chain():
    state = trained(rmsprop(0.1), start())
    like = chain(clip_by_global_norm(1.0), ADAM).init(start())
    restored, report = restore(state, like=like)
    assert same(restored, like)
    assert report.matched == report.renamed == ()


def test_alone_is_not_guessed_among_two_parts_that_fit():
    state = trained(ADAM, start())
    two = chain(ADAM, scale(2.0), adamw(0.1))
    restored, report = restore(state, like=two.init(start()))
    assert report.matched == ()
    restored, report = restore(state, like=two.init(start()), rename={"": "adamw"})
    assert same(restored["adamw"], state)
    assert report.left_over == ()


def test_a_part_with_another_name_is_taken_when_told_and_offered_when_not():
    state = trained(chain(clip_by_global_norm(1.0), ADAM), start())
    after = chain(clip_by_global_norm(1.0), adamw(0.1))
    restored, report = restore(state, like=after.init(start()))
    assert same(restored["clip_by_global_norm"], state["clip_by_global_norm"])
    assert same(restored["adamw"], after.init(start())["adamw"])
    assert str(report).endswith(
        "adamw has the entries of adam: to take them, pass rename={'adam': 'adamw'}."
    )
    restored, report = restore(state, like=after.init(start()), rename={"adam": "adamw"})
    assert same(restored["adamw"], state["adam"])
    assert report.complete
    assert report.advice == ""


def test_a_leaf_can_be_renamed_and_the_longest_start_wins():
    state = {"adam": {"m": {"old": np.ones(2)}, "v": {"old": np.full(2, 2.0)}}}
    like = {"top": {"m": {"new": np.zeros(2)}, "v": {"old": np.zeros(2)}}}
    rename = {"adam": "top", "adam/m/old": "top/m/new"}
    restored, report = restore(state, like=like, rename=rename)
    assert report.complete
    assert restored["top"]["m"]["new"].tolist() == [1.0, 1.0]


def test_a_parameter_added_and_one_removed():
    state = trained(ADAM, {"w": np.ones(2), "old": np.ones(2)})
    like = ADAM.init({"w": np.ones(2), "new": np.ones(3)})
    restored, report = restore(state, like=like)
    assert same(restored["m"]["w"], state["m"]["w"])
    assert restored["m"]["new"] is like["m"]["new"]
    assert report.missing == ("m/new", "v/new")
    assert report.left_over == ("m/old", "v/old")
    assert int(restored["step"]) == 3


def test_a_slot_added_by_a_switch_is_missing():
    state = trained(sgd(0.1), start())
    _, report = restore(state, like=sgd(0.1, momentum=0.9).init(start()))
    assert report.matched == ("learning_rate", "step")
    assert report.missing == ("b/b", "b/w")


def test_another_shape_keeps_the_value_of_like():
    state = trained(ADAM, {"w": np.ones((2, 3))})
    like = ADAM.init({"w": np.ones((3, 2))})
    restored, report = restore(state, like=like)
    assert restored["m"]["w"] is like["m"]["w"]
    assert report.mismatched == (
        Difference("m/w", "float64 of shape (2, 3)", "float64 of shape (3, 2)"),
        Difference("v/w", "float64 of shape (2, 3)", "float64 of shape (3, 2)"),
    )
    assert report.left_over == ()
    assert "m/w is float64 of shape (2, 3), not float64 of shape (3, 2)" in str(report)


def test_a_wider_dtype_is_taken_and_a_narrower_one_is_not():
    state = trained(ADAM, start(dtype=np.float32))
    restored, report = restore(state, like=ADAM.init(start()))
    assert restored["m"]["w"].dtype == np.float64
    assert np.array_equal(restored["m"]["w"], state["m"]["w"])
    assert Difference("m/b", "float32 of shape ()", "float64 of shape ()") in report.widened
    assert report.complete
    assert "m/b" in report.matched
    assert "widened: m/b from float32 of shape () to float64 of shape ()" in str(report)

    _, report = restore(trained(ADAM, start()), like=ADAM.init(start(dtype=np.float32)))
    assert [difference.path for difference in report.mismatched] == ["m/b", "m/w", "v/b", "v/w"]
    assert report.matched == ("learning_rate", "step")


@pytest.mark.parametrize(
    ("saved", "like", "fits"),
    [
        ("float16", "float32", True),
        ("float16", "float64", True),
        ("complex64", "complex128", True),
        ("int32", "int64", True),
        ("int64", "float64", False),
        ("float64", "complex128", False),
        ("bool", "float32", False),
        ("uint64", "int64", False),
    ],
)
def test_only_conversions_that_keep_every_number_are_made(saved, like, fits):
    array = np.asarray([0, 1], dtype=saved)
    restored, report = restore({"x": {"y": array}}, like={"x": {"y": np.full(2, 7, dtype=like)}})
    assert bool(report.matched) == fits
    assert restored["x"]["y"].dtype == like
    assert restored["x"]["y"].tolist() == ([0, 1] if fits else [7, 7])


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_bfloat16_widens_to_the_same_numbers(library):
    pytest.importorskip(library, reason=f"bfloat16 arrays of {library}")
    from tests.support import open_namespace

    xp = open_namespace(library)
    numbers = [1.0, -0.0, 3.140625, float("inf"), 2.0**-130]
    saved = {"x": [xp.asarray(numbers, dtype=xp.bfloat16)]}
    for dtype in (np.float32, np.float64):
        restored, report = restore(saved, like={"x": [np.zeros(5, dtype=dtype)]})
        assert report.complete
        assert restored["x"][0].tolist() == numbers
        assert np.signbit(restored["x"][0][1])
    restored, report = restore(saved, like={"x": [xp.zeros((5,), dtype=xp.bfloat16)]})
    assert report.widened == ()
    assert restored["x"][0].dtype == xp.bfloat16
    _, report = restore({"x": [np.zeros(5, dtype=np.float32)]}, like=saved)
    assert len(report.mismatched) == 1


def test_masters_of_half_precision_do_not_hide_the_part():
    state = {"step": np.asarray(3), "m": np.ones(2), "master": np.ones(2)}
    like = {"clip": {"norm": np.ones(())}, "adam": {"step": np.asarray(0), "m": np.zeros(2)}}
    restored, report = restore(state, like=like)
    assert int(restored["adam"]["step"]) == 3
    assert report.left_over == ("master",)


def test_the_report_is_short_and_cannot_be_changed():
    like = {f"w{number:03}": np.zeros(2) for number in range(200)}
    _, report = restore({"v": {"x": np.zeros(1)}}, like={"m": like})
    assert len(str(report)) < 300
    assert "(200 in all)" in str(report)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.matched = ()
    assert Restoration().complete


def test_what_is_no_state_is_refused():
    for saved in (None, {}, object()):
        if saved == {}:
            assert restore(saved, like={"x": np.ones(1)})[1].missing == ("x",)
        elif saved is None:
            with pytest.raises(
                ArgumentError, match=r"restore\(saved\): got None; expected a state"
            ):
                restore(saved, like={"x": np.ones(1)})
        else:
            with pytest.raises(DTypeError, match=r"restore\(saved\)"):
                restore(saved, like={"x": np.ones(1)})


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "run.safetensors").write_bytes(b"text" * 9)
    with pytest.raises(ArgumentError, match=r"restore\(path\): got .*no whole safetensors file"):
        restore(tmp_path / "run.safetensors", like={})


def test_renaming_what_is_not_there_is_refused():
    state = trained(ADAM, start())
    words = r"restore\(rename\): got 'adma', with .* Did you mean 'adam'"
    with pytest.raises(ArgumentError, match=words):
        restore({"adam": state}, like={"adam": state}, rename={"adma": "adam"})
    with pytest.raises(
        ArgumentError, match=r"restore\(rename\): got \['adam'\]; expected a mapping"
    ):
        restore({"adam": state}, like={"adam": state}, rename=["adam"])
    tree = {"a": {"x": np.ones(1)}, "b": {"x": np.ones(1)}}
    with pytest.raises(ArgumentError, match=r"got 'a/x' and 'b/x' for the same path 'b/x'"):
        restore(tree, like=tree, rename={"a": "b"})
