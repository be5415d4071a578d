"""Arguments of a kind seen before are recognised, and nothing else is taken for them."""

import numpy as np
import pytest

import anygrad as ag
from anygrad import optimizers as opt
from anygrad import trees
from anygrad.compiler.targets.llvmlite import reason_against
from anygrad.optimizers import chain, recognizing
from anygrad.optimizers.recognizing import Recognizer
from tests.optimizers.compiling.stepping import (
    STEPS,
    check_same,
    copied,
    make_grads,
    make_params,
    run_both,
)

KERNELS = [
    "off",
    pytest.param("always", marks=pytest.mark.skipif(bool(reason_against()), reason="no llvmlite")),
]


def make_args(dtype=np.float64):
    params = copied(make_params(dtype))  # no views
    return copied((params, make_grads(params, 0), opt.adam(0.1).init(params)))


def with_leaf(change):
    """A change of one parameter, which is the last leaf of the parameters."""

    def changed(params, grads, state):
        return {**params, "w": change(params["w"])}, grads, state

    return changed


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    raw[...] = x
    return raw


def with_one_more(params, grads, state):
    state = {**state, "m": {**state["m"], "x": np.ones(2)}, "v": {**state["v"], "x": np.ones(2)}}
    return {**params, "x": np.ones(2)}, {**grads, "x": np.ones(2)}, state


def with_another_key(params, grads, state):
    def renamed(tree):
        return {"a": tree["b"], "s": tree["s"], "w": tree["w"]}

    state = {**state, "m": renamed(state["m"]), "v": renamed(state["v"])}
    return renamed(params), renamed(grads), state


OTHERS = {
    "another shape": with_leaf(lambda w: w.T.copy()),
    "another length": with_leaf(lambda w: w[:2].copy()),
    "more axes": with_leaf(lambda w: w[None].copy()),
    "another dtype": with_leaf(lambda w: w.astype(np.float32)),
    "other bytes": with_leaf(lambda w: w.astype(w.dtype.newbyteorder())),
    "another order": with_leaf(np.asfortranarray),
    "a step between": with_leaf(lambda w: np.repeat(w, 2, axis=1)[:, ::2]),
    "a subclass": with_leaf(lambda w: w.copy().view(np.recarray)),
    "a number": with_leaf(lambda w: 1.0),
    "a list": with_leaf(lambda w: [w, w.copy()]),
    "None": with_leaf(lambda w: None),
    "one leaf more": with_one_more,
    "another key": with_another_key,
}
UNALIGNED = {"unaligned": with_leaf(unaligned)}
NOT_OWN = {
    "a view": with_leaf(lambda w: w.copy()[...]),
    "the same array in grads": lambda p, g, s: (p, {**g, "w": p["w"]}, s),
    "the same array in params": lambda p, g, s: ({**p, "s": s["learning_rate"]}, g, s),
    "a view of another": lambda p, g, s: (p, {**g, "w": p["w"][...]}, s),
}
READ_ONLY = {"read-only": with_leaf(read_only)}


def recognizer(kernels, own):
    leaves, treedef = trees.flatten(make_args())
    made = Recognizer(leaves, treedef, own)
    with ag.use_settings(kernels=kernels):
        for _ in range(2):
            args = make_args()
            found, writeable = made.recognize(args)
            assert [id(x) for x in found] == [id(x) for x in trees.leaves(args)]
    assert writeable == (own and kernels == "always")
    return made


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kernels", KERNELS)
def test_what_is_of_another_kind_is_refused(kernels, own):
    made = recognizer(kernels, own)
    for name, change in OTHERS.items():
        assert made.recognize(change(*make_args())) is None, name
    assert made.recognize(make_args()) is not None


@pytest.mark.parametrize("kernels", KERNELS)
def test_memory_that_others_have_is_refused_where_arrays_are_written(kernels):
    for name, change in NOT_OWN.items():
        assert recognizer(kernels, True).recognize(change(*make_args())) is None, name
        assert recognizer(kernels, False).recognize(change(*make_args())) is not None, name


@pytest.mark.parametrize("kernels", KERNELS)
def test_what_is_said_to_be_writeable_is(kernels):
    made = recognizer(kernels, True)
    found = made.recognize(READ_ONLY["read-only"](*make_args()))
    assert found is None or not found[1]
    assert recognizer(kernels, False).recognize(READ_ONLY["read-only"](*make_args())) is not None


@ag.use_settings(kernels="auto")
def test_machine_code_comes_when_it_pays(monkeypatch):
    pytest.importorskip("llvmlite", reason="there is no machine code without it")
    args = make_args()
    leaves, treedef = trees.flatten(args)
    monkeypatch.setattr(recognizing, "MATCHED_AFTER", (3, 4 * len(leaves)))
    made = Recognizer(leaves, treedef, True)
    told = []
    for _ in range(5):
        told.append(made.recognize(args)[1])
    assert told == [False, False, False, False, True]


def test_elements_that_machine_code_does_not_know_are_compared():
    leaves = [np.ones(3, np.complex64), np.ones(2, np.float16)]
    treedef = trees.flatten(leaves)[1]
    made = Recognizer(leaves, treedef, True)
    with ag.use_settings(kernels="always"):
        for _ in range(3):
            assert made.recognize(copied(leaves))[1] is False
        assert made.recognize([leaves[0], leaves[0]]) is None
        assert made.recognize([leaves[1], leaves[0]]) is None


def test_unaligned_arrays_are_compared():
    args = UNALIGNED["unaligned"](*make_args())
    made = Recognizer(*trees.flatten(args), False)
    with ag.use_settings(kernels="always"):
        for _ in range(3):
            assert made.recognize(args) is not None


def test_no_machine_code_is_made_where_it_is_off(monkeypatch):
    monkeypatch.setattr(recognizing, "MATCHED_AFTER", (1, 1))
    args = make_args()
    made = Recognizer(*trees.flatten(args), True)
    with ag.use_settings(kernels="off"):
        for _ in range(3):
            assert made.recognize(args)[1] is False


@pytest.mark.parametrize("kernels", KERNELS)
def test_nodes_without_leaves_are_told_apart(kernels):
    made = Recognizer(*trees.flatten([{"w": np.ones(2)}, {}]), True)
    with ag.use_settings(kernels=kernels):
        for other in ([], None, ()):
            assert made.recognize([{"w": np.ones(2)}, {}]) is not None
            assert made.recognize([{"w": np.ones(2)}, other]) is None


@pytest.mark.parametrize("kernels", KERNELS)
def test_steps_that_donate_and_steps_that_do_not_take_turns(kernels):
    optimizer = opt.adam(0.1)
    with ag.use_settings(kernels=kernels):
        for step in range(4 * STEPS):
            args, same = make_args(), make_args()
            donate = step % 2 == 0
            got = optimizer.step(*args, donate=donate)
            with ag.use_settings(fuse=False):
                expected = optimizer.step(*same, donate=donate)
            check_same(got, expected)
            check_same(args, same)
    assert all([kind.recognizers for kind in optimizer._replays.kinds])


@pytest.mark.parametrize("kernels", KERNELS)
def test_updates_and_steps_take_turns(kernels):
    optimizer = opt.adam(0.1)
    with ag.use_settings(kernels=kernels):
        for _ in range(2 * STEPS):
            params, grads, state = make_args()
            got = optimizer.update(grads, state, params), optimizer.step(params, grads, state)
            with ag.use_settings(fuse=False):
                expected = (
                    optimizer.update(grads, state, params),
                    optimizer.step(params, grads, state),
                )
            check_same(got, expected)


MAKE = {
    "adam": lambda: opt.adam(0.1),
    "momentum": lambda: opt.sgd(0.1, momentum=0.9),
    "clip": lambda: chain(opt.clip_by_global_norm(1.0), opt.adamw(0.05)),
    "accumulate": lambda: opt.accumulate(opt.sgd(0.1, momentum=0.9), 2),
}


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_recognised_steps_are_those_without_replay(make, donate, kernels):
    optimizer = make()
    with ag.use_settings(kernels=kernels):
        run_both(optimizer, copied(make_params()), donate=donate, steps=STEPS + 8)
    assert [x.own for x in optimizer._replays.kinds[0].recognizers] == [donate]
    assert optimizer._replays.kinds[0].recognizers[0]._replays or kernels == "off"


def outcome(optimizer, args, donate):
    try:
        return optimizer.step(*args, donate=donate)
    except Exception as error:
        return type(error), str(error)


def passed_on(found, given):
    return [[x is y for y in trees.leaves(given)] for x in trees.leaves(found)]


def warmed(kernels, donate):
    optimizer = opt.adam(0.1)
    params, grads, state = make_args()
    for _ in range(STEPS):
        params, state = optimizer.step(params, grads, state, donate=donate)
    assert len(optimizer._replays.kinds) == 1
    assert optimizer._replays.kinds[0].recognizers
    return optimizer


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("donate", [False, True])
def test_other_arguments_have_the_results_that_they_have_without_replay(donate, kernels):
    with ag.use_settings(kernels=kernels):
        optimizer = warmed(kernels, donate)
        for name, change in {**OTHERS, **UNALIGNED, **NOT_OWN, **READ_ONLY}.items():
            for _ in range(2):
                args, same = change(*make_args()), change(*make_args())
                got = outcome(optimizer, args, donate)
                with ag.use_settings(fuse=False):
                    expected = outcome(optimizer, same, donate)
                check_same(args, same, name)
                if type(got[0]) is type:
                    assert got == expected, name
                else:
                    check_same(got, expected, name)
                    assert passed_on(got, args) == passed_on(expected, same), name


@pytest.mark.parametrize("kernels", KERNELS)
def test_views_are_recognised_too_and_stay_where_they_are(kernels):
    flat = np.arange(12.0)
    params = {"a": flat[:6].reshape(2, 3), "b": flat[6:]}
    frozen = read_only(np.ones(12))
    grads = {"a": frozen[:6].reshape(2, 3), "b": frozen[6:]}
    optimizer = opt.adam(0.1)
    state = optimizer.init(params)
    plain = copied((params, state))
    with ag.use_settings(kernels=kernels):
        for _ in range(STEPS):
            with ag.use_settings(fuse=False):
                plain = optimizer.step(plain[0], grads, plain[1], donate=True)
            stepped, state = optimizer.step(params, grads, state, donate=True)
            assert stepped["a"].base is flat
            check_same((stepped, state), plain)
    assert [x.own for x in optimizer._replays.kinds[0].recognizers] == [False]


def test_arrays_with_and_without_memory_of_their_own_take_turns():
    optimizer = opt.adam(0.1)
    plain = opt.adam(0.1)
    args, same = make_args(), make_args()
    for step in range(2 * STEPS):
        given = [tuple(a) for a in (args, same)]
        if step % 2:
            given = [(p, trees.map(lambda g: g[...], g), s) for p, g, s in given]
        params, state = optimizer.step(*given[0], donate=True)
        with ag.use_settings(fuse=False):
            expected = plain.step(*given[1], donate=True)
        check_same((params, state), expected)
        args, same = (params, args[1], state), (expected[0], same[1], expected[1])
    assert [x.own for x in optimizer._replays.kinds[0].recognizers] == [True, False]
