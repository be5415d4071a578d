"""What holds for every optimizer, in every setting of the table."""

import copy
import dataclasses
import inspect
import math

import numpy as np
import pytest

from anygrad import optimizers, schedules, trees
from anygrad.backends import device_of
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.optimizers import OPTIMIZERS, chain, clip_by_global_norm, info
from anygrad.optimizers.rules.factories import declaration_of
from anygrad.optimizers.slots import Number, Shared
from tests.optimizers.rows.row import bind
from tests.optimizers.table import PARTS, PEERS, ROWS
from tests.support import assert_close, forbid_host_copies, to_host

every_row = pytest.mark.parametrize("row", ROWS, ids=str)
START = np.asarray([1.0, -2.0, 0.5])
GRADIENTS = np.asarray([[0.3, -1.0, 2e-3], [0.1, 2.0, -1e-3], [-0.5, 0.25, 4e-3], [0.2, -0.1, 0.0]])


@dataclasses.dataclass
class Layer:
    w: object
    b: object
    name: str = dataclasses.field(metadata={"static": True}, default="layer")


def copied(tree):
    return trees.map(lambda leaf: np.array(to_host(leaf)), tree)


def make_params(xp, dtype=None):
    dtype = dtype or xp.float64
    return {
        "layers": [Layer(xp.asarray([[1.0, -2.0], [0.5, 3.0]], dtype=dtype), None)],
        "scalar": xp.asarray(0.5, dtype=dtype),
        "empty": xp.zeros((0, 2), dtype=dtype),
    }


def make_grads(params, step):
    """Gradients that depend on place and step, and on the parameters."""
    return trees.map(lambda p: 0.3 * p - 0.1 * (step + 1), params)


def numbers_of(row):
    """Entries of the state that follow the step count and no gradient: numbers of the host."""
    slots = declaration_of(OPTIMIZERS[row.name]).slots
    return ["step", "learning_rate", *(n for n, slot in slots.items() if isinstance(slot, Number))]


def singles_of(row):
    """Entries of the state that are no trees: numbers of the host, and what all leaves share."""
    slots = declaration_of(OPTIMIZERS[row.name]).slots
    return [*numbers_of(row), *(n for n, slot in slots.items() if isinstance(slot, Shared))]


def run(optimizer, params, state, steps, first=0, **keywords):
    for step in range(first, first + steps):
        params, state = optimizer.step(params, make_grads(params, step), state, **keywords)
    return params, state


def test_every_public_transform_is_an_optimizer_of_the_table_or_a_part():
    public = {
        name
        for name in optimizers.__all__
        if inspect.isfunction(found := getattr(optimizers, name))
        and inspect.signature(found).return_annotation in ("Transform", optimizers.Transform)
    }
    assert public == {*OPTIMIZERS, *PARTS}
    assert {row.name for row in ROWS} == set(OPTIMIZERS)
    assert list(OPTIMIZERS) == sorted(OPTIMIZERS)
    assert all(OPTIMIZERS[name] is getattr(optimizers, name) for name in OPTIMIZERS)


@every_row
def test_steps_equal_those_worked_by_hand(xp, row):
    optimizer = row.make()
    start, gradients = by_hand_of(row)
    params = {"p": xp.asarray(start)}
    state = optimizer.init(params)
    by_hand, memory = start, {}
    for t, g in enumerate(gradients, 1):
        params, state = optimizer.step(params, {"p": xp.asarray(g)}, state, **row.extra)
        by_hand = row.by_hand(by_hand, t, g, memory)
        assert_close(params, {"p": by_hand})
        # every slot that the worked example remembers is one of ours, under the same name
        kept = {k: state[k] for k in state if k not in ("step", "learning_rate")}
        remembered = {name: value for name, value in memory.items() if name[0] != "_"}
        assert kept.keys() == remembered.keys()
        for name, value in remembered.items():
            found = kept[name]["p"] if isinstance(kept[name], dict) else kept[name]
            if value is None:
                assert found is None
                continue
            assert_close(found, np.broadcast_to(value, found.shape))
        assert int(state["step"]) == t


def by_hand_of(row):
    """Start and gradients, four or a multiple of four, in the shape that the row asks for."""
    if row.shape == START.shape:
        return START, np.tile(GRADIENTS, (row.rounds, 1))
    size = math.prod(row.shape)
    rng = np.random.default_rng(size)
    return rng.normal(size=row.shape), rng.normal(size=(4 * row.rounds, *row.shape))


@every_row
def test_complex_steps_equal_those_worked_by_hand(xp, row):
    optimizer = row.make()
    start, gradients = by_hand_of(row)
    start = start + 1j * start[::-1]
    params = xp.asarray(start)
    state = optimizer.init(params)
    by_hand, memory = start, {}
    for t, g in enumerate(gradients * (1 - 2j), 1):
        params, state = optimizer.step(params, xp.asarray(g), state, **row.extra)
        by_hand = row.by_hand(by_hand, t, g, memory)
    assert_close(params, by_hand)


@every_row
def test_update_added_to_params_is_step(xp, row):
    from anygrad.optimizers import apply_updates

    optimizer = row.make()
    params = make_params(xp)
    state = optimizer.init(params)
    updates, by_update = optimizer.update(make_grads(params, 0), state, params)
    stepped, by_step = optimizer.step(params, make_grads(params, 0), state)
    assert_close(apply_updates(params, updates), copied(stepped))
    assert_close(by_update, copied(by_step))


@pytest.mark.parametrize("row", [row for row in ROWS if row.finds_minimum], ids=str)
def test_quadratic_is_minimised(row):
    curvature, target = np.asarray([1.0, 10.0, 3.0]), np.asarray([0.5, -1.0, 2.0])
    peak = row.keywords["learning_rate"]
    optimizer = row.make(learning_rate=schedules.cosine(peak, 400))
    params = np.zeros(3)
    state = optimizer.init(params)
    for _ in range(400):
        params, state = optimizer.step(params, curvature * (params - target), state)
    # within a hundredth of the smallest distance at the start
    assert np.abs(params - target).max() < 0.005


@every_row
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_dtype_device_and_tree_are_kept(xp, row, dtype):
    kind = getattr(xp, dtype)
    real = xp.float32 if dtype in ("float32", "complex64") else xp.float64
    optimizer = row.make(learning_rate=schedules.constant(0.1))
    params = make_params(xp, kind)
    state = optimizer.init(params)
    stepped, after = run(optimizer, params, state, 2)
    stepped, after = run(optimizer, stepped, after, 2, donate=True)
    slots = [slot for slot in after if slot not in singles_of(row)]
    likes = [(after[slot], state[slot] if row.own_shapes else params) for slot in slots]
    for tree, like in ((stepped, params), *likes):
        assert trees.flatten(tree)[1] == trees.flatten(like)[1]
        for leaf, given in zip(trees.leaves(tree), trees.leaves(like), strict=True):
            assert type(leaf) is type(given)
            assert leaf.shape == given.shape
            assert device_of(leaf) == xp.device
            assert leaf.dtype == kind or (leaf.dtype == real and tree is not stepped)
    assert trees.flatten(after)[1] == trees.flatten(state)[1]
    assert after["step"].dtype == np.int64
    assert after["step"].shape == ()


@every_row
def test_float32_follows_float64(row):
    results = []
    for dtype in (np.float32, np.float64):
        params = START.astype(dtype)
        optimizer = row.make()
        results.append(run(optimizer, params, optimizer.init(params), 50)[0])
    assert_close(results[0], results[1].astype(np.float32), scale=row.loss_of_digits)


@every_row
def test_donated_step_computes_the_same_in_the_memory_it_is_given(xp, row):
    optimizer = row.make()
    params = make_params(xp)
    kept, kept_state = run(optimizer, params, optimizer.init(params), 3)
    owned = trees.map(lambda p: xp.module.asarray(p, copy=True), params)
    state = optimizer.init(owned)
    donated, donated_state = run(optimizer, owned, state, 3, donate=True)
    assert_close(donated, copied(kept))
    assert_close(donated_state, copied(kept_state))
    for slot in state:
        for before, after in zip(
            trees.leaves(state[slot]), trees.leaves(donated_state[slot]), strict=True
        ):
            assert before is after or slot in singles_of(row) or not xp.writable
    for before, after in zip(trees.leaves(owned), trees.leaves(donated), strict=True):
        assert before is after or not xp.writable


@every_row
def test_nothing_is_changed_unless_donated(row):
    optimizer = row.make()
    params = {"w": START.copy(), "s": np.asarray(2.0)}
    params, state = run(optimizer, params, optimizer.init(params), 2)
    grads = make_grads(params, 0)
    before = copy.deepcopy((params, grads, state))
    optimizer.step(params, grads, state)
    optimizer.update(grads, state, params)
    assert_close((params, grads, state), before)


@every_row
def test_read_only_arrays_are_replaced_when_donated(row):
    optimizer = row.make()
    params = START.copy()
    params.setflags(write=False)
    stepped, _ = optimizer.step(params, GRADIENTS[0], optimizer.init(params), donate=True)
    assert stepped is not params
    assert_close(params, START)


@every_row
def test_saved_and_resumed_equals_uninterrupted(xp, row, tmp_path):
    optimizer = row.make(learning_rate=schedules.cosine(0.1, 20))
    params = make_params(xp)
    at_five, state = run(optimizer, params, optimizer.init(params), 5)
    np.savez(tmp_path / "state.npz", **trees.to_flat(state))
    with np.load(tmp_path / "state.npz") as flat:
        resumed = trees.from_flat(flat, like=optimizer.init(params))
    straight, straight_state = run(optimizer, params, optimizer.init(params), 10)
    continued, continued_state = run(optimizer, at_five, resumed, 5, first=5)
    for got, expected in ((continued, straight), (continued_state, straight_state)):
        for name, array in trees.to_flat(expected).items():
            found = trees.to_flat(got)[name]
            if "cupy" in xp.name:  # a kernel adds in another order than CuPy by itself
                assert_close(found, array)
            else:
                assert found.tobytes() == array.tobytes()


@every_row
def test_schedule_changes_numbers_only(row):
    params = {"w": START}
    shapes = []
    rate = row.keywords["learning_rate"]
    for learning_rate in (rate, schedules.constant(rate), schedules.step(rate, 0.5, 2)):
        optimizer = row.make(learning_rate=learning_rate)
        state = optimizer.init(params)
        for _ in range(5):
            _, state = optimizer.step(params, {"w": GRADIENTS[0]}, state)
            kinds = [(leaf.dtype, leaf.shape) for leaf in trees.leaves(state)]
            shapes.append((trees.flatten(state)[1], kinds))
    assert all(shape == shapes[0] for shape in shapes)


@every_row
def test_constant_schedule_equals_its_number(row):
    params = {"w": START}
    rate = row.keywords["learning_rate"]
    number = run(row.make(), params, row.make().init(params), 5)
    schedule = row.make(learning_rate=schedules.constant(rate))
    assert_close(run(schedule, params, schedule.init(params), 5), number)


@every_row
def test_hundred_steps_are_those_of_numpy(xp, row):
    def trajectory(params):
        optimizer = chain(clip_by_global_norm(0.5), row.make())
        state = optimizer.init(params)
        for step in range(100):
            # the sign changes, for a variance near zero (centered) would magnify rounding errors
            grads = 0.3 * params + 0.2 * (-1) ** step
            params, state = optimizer.step(params, grads, state)
        return params

    got = to_host(trajectory(xp.asarray(START)))
    expected = trajectory(START)
    # the promise of the library for double precision, tighter than the general tolerance
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@every_row
def test_step_copies_nothing_to_the_host(xp, row):
    optimizer = chain(clip_by_global_norm(0.5, nonfinite="skip"), row.make())
    params = make_params(xp)
    with forbid_host_copies():
        run(optimizer, params, optimizer.init(params), 2)


@every_row
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_skipped_step_leaves_params_and_slots(xp, row, bad):
    optimizer = chain(clip_by_global_norm(0.5, nonfinite="skip"), row.make())
    params = {"a": xp.asarray([1.0, 2.0]), "b": xp.asarray(3.0)}
    params, state = run(optimizer, params, optimizer.init(params), 2)
    before, before_state = copied(params), copied(state)[row.name]
    grads = {"a": xp.asarray([1.0, bad]), "b": xp.asarray(3.0)}
    for donate in (False, True):
        params, state = optimizer.step(params, grads, state, donate=donate)
        assert state[row.name]["step"] == before_state["step"] + 1
        before_state |= {name: state[row.name][name] for name in numbers_of(row)}
        assert_close(params, before)
        assert_close(state[row.name], before_state)
        assert not np.isfinite(to_host(info(state).norm))
    assert_close(optimizer.update(grads, state, params)[0], trees.map(np.zeros_like, before))
    continued, _ = optimizer.step(params, make_grads(params, 0), state)
    assert np.isfinite(to_host(continued["a"])).all()


@every_row
def test_zero_gradients_give_finite_steps(row):
    optimizer = row.make()
    params, _ = run_zeros(optimizer, np.asarray([1.0, 0.0]))
    assert np.isfinite(params).all()


def run_zeros(optimizer, params):
    state = optimizer.init(params)
    for _ in range(2):
        params, state = optimizer.step(params, np.zeros_like(params), state)
    return params, state


@pytest.mark.parametrize("row", [row for row in ROWS if not row.whole_tree], ids=str)
def test_groups_have_their_own_learning_rate(row):
    rate = row.keywords["learning_rate"]
    grouped = row.make(groups=[("slow/*", {"learning_rate": rate / 2}), ("*", {})])
    halved = row.make(learning_rate=rate / 2)
    params = {"slow": {"w": START}, "w": START}
    got, _ = run(grouped, params, grouped.init(params), 3)
    assert_close(got["w"], run(row.make(), START, row.make().init(START), 3)[0])
    assert_close(got["slow"]["w"], run(halved, START, halved.init(START), 3)[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
class TestErrors:
    def make(self, name, **keywords):
        made = OPTIMIZERS[name](**{"learning_rate": 0.1, **keywords})
        return bind(made, {"value": 1.0})  # which some optimizers ask for

    def test_negative_learning_rate(self, name):
        climbs = "maximize" in declaration_of(OPTIMIZERS[name]).defaults
        advice = "maximize" if climbs else ""
        with pytest.raises(ArgumentError, match=rf"{name}\(learning_rate\): got -0.1.*{advice}"):
            self.make(name, learning_rate=-0.1)

    def test_unknown_peer(self, name):
        with pytest.raises(
            ArgumentError, match=rf"{name}\(compat\): got 'keras'; expected None"
        ) as e:
            self.make(name, compat="keras")
        named = [peer for peer in PEERS if repr(peer) in str(e.value)]
        assert named == list(declaration_of(OPTIMIZERS[name]).peers)

    def test_no_default_learning_rate(self, name):
        declared = declaration_of(OPTIMIZERS[name])
        for compat, peer in ((None, {}), *declared.peers.items()):
            if {**declared.defaults, **peer}["learning_rate"] is not None:
                OPTIMIZERS[name](compat=compat)
                continue
            owner = f"{compat} has" if compat else "there is"
            with pytest.raises(
                ArgumentError, match=rf"{name}\(learning_rate\): got nothing.*{owner} no default"
            ):
                OPTIMIZERS[name](compat=compat)

    def test_switch_that_is_no_bool(self, name):
        if "maximize" not in declaration_of(OPTIMIZERS[name]).defaults:
            return
        with pytest.raises(ArgumentError, match=rf"{name}\(maximize\): got 1; expected True or"):
            self.make(name, maximize=1)

    def test_integer_parameters(self, name):
        with pytest.raises(DTypeError, match=rf"{name}.init\(params\['w'\]\[0\]\).*int64"):
            self.make(name).init({"w": [np.asarray([1, 2])]})

    def test_parameter_that_is_no_array(self, name):
        with pytest.raises(ArgumentError, match=rf"{name}.init\(params\['w'\]\): got 'x'"):
            self.make(name).init({"w": "x"})

    def test_gradients_of_another_structure(self, name):
        optimizer = self.make(name)
        params = {"a": START, "b": START}
        state = optimizer.init(params)
        with pytest.raises(ArgumentError, match=rf"{name}.step\(grads\).*grads\['b'\]"):
            optimizer.step(params, {"a": START}, state)
        with pytest.raises(ArgumentError, match=rf"{name}.update\(grads\).*grads\['b'\]"):
            optimizer.update({"a": START}, state, params)

    def test_gradients_of_another_shape(self, name):
        optimizer = self.make(name)
        params = {"a": START}
        with pytest.raises(ShapeError, match=r"grads\['a'\]; expected \(3,\)"):
            optimizer.step(params, {"a": START[:, None]}, optimizer.init(params))

    def test_state_of_another_optimizer(self, name):
        optimizer = self.make(name)
        with pytest.raises(ArgumentError, match=rf"{name}\(state\): got step, other"):
            optimizer.step(START, START, {"step": np.asarray(0), "other": START})

    def test_state_that_is_none(self, name):
        optimizer = self.make(name)
        with pytest.raises(ArgumentError, match=rf"{name}\(state\): got None; expected step.*init"):
            optimizer.step(START, START, None)

    def test_state_of_a_chain(self, name):
        alone = self.make(name)
        clipped = chain(clip_by_global_norm(1.0), alone)
        state = clipped.init(START)
        with pytest.raises(ArgumentError, match=rf"{name}\(state\).*pass state\['{name}'\]"):
            alone.step(START, START, state)
        with pytest.raises(ArgumentError, match=rf"chain\(state\).*its name, {{'{name}': state}}"):
            clipped.step(START, START, state[name])
        alone.step(START, START, state[name])
        clipped.step(START, START, {name: state[name]})

    def test_update_without_params(self, name):
        optimizer = self.make(name)
        with pytest.raises(ArgumentError, match=rf"{name}.update\(params\): got nothing; .*Pass"):
            optimizer.update(START, optimizer.init(START))

    def test_keyword_of_another_library(self, name):
        with pytest.raises(TypeError, match=rf"{name}\(lr\): .*Write learning_rate\."):
            OPTIMIZERS[name](lr=0.1)

    def test_unknown_name_in_a_group(self, name):
        with pytest.raises(ArgumentError, match=r"got 'learning_rat' for '\*'.*Did you mean"):
            self.make(name, groups=[("*", {"learning_rat": 0.1})])

    def test_value_out_of_range_in_a_group(self, name):
        with pytest.raises(ArgumentError, match=rf"{name}\(learning_rate\): got -1"):
            self.make(name, groups=[("*", {"learning_rate": -1})])

    def test_pattern_that_matches_nothing(self, name):
        optimizer = self.make(name, groups=[("*/bais", {})])
        with pytest.raises(
            ArgumentError, match=r"'\*/bais', which matches no parameter.*layer/bias"
        ):
            optimizer.init({"layer": {"bias": START, "w": START}})

    def test_schedule_that_leaves_the_range(self, name):
        optimizer = self.make(name, learning_rate=lambda step: 0.1 - step)
        state = optimizer.init(START)
        params, state = optimizer.step(START, START, state)
        with pytest.raises(ArgumentError, match=r"got -0.9 from the schedule at step 1"):
            optimizer.step(params, START, state)
