"""A run whose gradient is replayed is the run without; what a replay would change stays."""

import random
import time

import numpy as np
import pytest

import anygrad as ag
from anygrad import training, trees
from anygrad.training import gradients
from anygrad.training.gradients import Gradient

BATCHES = [np.asarray([[1.0, 2.0], [0.5, -1.0]]) * k for k in (1.0, 0.5, -0.25)]
START = {"b": np.zeros(2), "w": np.asarray([0.3, -0.7])}


def square(params, batch):
    return ((params["w"] * batch + params["b"] - 1.0) ** 2).sum()


def with_metrics(params, batch):
    value = square(params, batch)
    return value, {"root": value**0.5}


def run(loss=square, steps=12, **keywords):
    optimizer = ag.optimizers.chain(
        ag.optimizers.clip_by_global_norm(1.0), ag.optimizers.adam(0.05)
    )
    keywords = {"batches": BATCHES, "steps": steps, "progress": False, **keywords}
    return ag.fit(loss, START, optimizer=optimizer, **keywords)


def plain(*args, **keywords):
    with ag.use_settings(fuse=False):
        return run(*args, **keywords)


def check_same(got, expected):
    for a, b in zip(
        trees.leaves((got.params, got.state)),
        trees.leaves((expected.params, expected.state)),
        strict=True,
    ):
        assert a.tobytes() == b.tobytes()
    assert list(got.history["loss"]) == list(expected.history["loss"])
    assert (got.reason, got.message) == (expected.reason, expected.message)


@pytest.fixture
def made(monkeypatch):
    """The gradients that fit made."""
    found = []

    def make(*args):
        found.append(Gradient(*args))
        return found[-1]

    monkeypatch.setattr("anygrad.training.loop.Gradient", make)
    return found


def test_a_run_that_is_replayed_equals_one_that_is_not_to_the_bit(made):
    check_same(run(), plain())
    assert made[0].replayed.counts() == (1, 1)
    assert not made[0].is_plain


def test_metrics_are_replayed(made):
    got, expected = run(with_metrics, has_aux=True), plain(with_metrics, has_aux=True)
    check_same(got, expected)
    assert list(got.history["root"]) == list(expected.history["root"])
    assert made[0].replayed.counts() == (1, 1)


def test_a_last_batch_that_is_smaller_has_a_program_of_its_own(made):
    batches = [*BATCHES, BATCHES[0][:1]]
    check_same(run(batches=batches, steps=20), plain(batches=batches, steps=20))
    assert made[0].replayed.counts() == (2, 2)


def test_a_loss_that_prints_goes_on_printing(made, capsys):
    def loss(params, batch):
        print("taken")
        return square(params, batch)

    run(loss)
    assert capsys.readouterr().out.count("taken") == 12
    assert made[0].is_plain


def test_a_loss_that_draws_from_a_generator_draws_as_often(made):
    def make():
        rng = np.random.default_rng(3)
        return lambda params, batch: square(params, batch + rng.normal(size=2))

    check_same(run(make()), plain(make()))
    assert made[0].is_plain


@pytest.mark.parametrize("draw", [np.random.random, random.random])
def test_a_loss_that_draws_from_the_global_state_draws_as_often(made, draw):
    def loss(params, batch):
        return square(params, batch * draw())

    results = []
    for go in (run, plain):
        np.random.seed(5)  # noqa: NPY002 - the state that such a loss draws from
        random.seed(5)
        results.append(go(loss))
    check_same(*results)


def test_a_loss_that_counts_is_called_in_every_step(made):
    calls = [0]

    def loss(params, batch):
        calls[0] += 1
        return square(params, batch) * calls[0]

    got = run(loss)
    assert calls == [12]
    calls[0] = 0
    check_same(got, plain(loss))


def test_a_loss_that_looks_at_the_clock_is_not_replayed(made):
    seen = []

    def loss(params, batch):
        return square(params, batch) + 0.0 * batch[0, 0] + time.perf_counter()

    seen = run(loss).history["loss"]
    assert len(set(map(float, seen))) == 12
    assert made[0].is_plain


def test_data_that_changes_between_steps_is_seen(made):
    data = {"target": 1.0}

    def loss(params, batch):
        return ((params["w"] * batch + params["b"] - data["target"]) ** 2).sum()

    def change(record):
        data["target"] = 1.0 + record.step

    results = []
    for go in (run, plain):
        data["target"] = 1.0
        results.append(go(loss, callbacks=[change]))
    check_same(*results)


def test_a_loss_that_branches_on_a_value_takes_each_branch(made):
    def loss(params, batch):
        if batch[0, 0] > 0:
            return square(params, batch)
        return 2.0 * square(params, -batch)

    check_same(run(loss), plain(loss))
    assert made[0].replayed.counts() == (1, 2)


def test_a_loss_that_cannot_be_recorded_runs_as_it_stands(made):
    def loss(params, batch):
        return square(params, batch) * len(set(np.unique(np.asarray(batch.tolist())).tolist()))

    check_same(run(loss), plain(loss))


def test_a_gradient_of_the_users_own_is_called_in_every_step():
    calls = []

    def own(params, batch):
        calls.append(1)
        return ag.value_and_grad(square)(params, batch)

    got = run(None, value_and_grad=own)
    assert len(calls) == 12
    check_same(got, plain())


def test_callbacks_may_keep_parameters_of_replayed_steps():
    kept = []
    got = run(callbacks=[lambda record: kept.append(record.params)])
    expected = []
    plain(callbacks=[lambda record: expected.append(record.params)])
    for a, b in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(a["w"], b["w"])
    assert len({float(params["w"][0]) for params in kept}) == 12
    np.testing.assert_array_equal(got.params["w"], kept[-1]["w"])


@pytest.mark.parametrize("nonfinite", ["stop", "ignore"])
def test_a_loss_that_is_not_finite_ends_the_run_as_before(nonfinite):
    batches = [*BATCHES * 3, BATCHES[0] * np.nan]
    keywords = {"batches": batches, "steps": 10, "nonfinite": nonfinite, "log_every": 1}
    got, expected = run(**keywords), plain(**keywords)
    assert (got.reason, got.message) == (expected.reason, expected.message)


def test_ctrl_c_in_a_loss_gives_the_parameters_after_the_last_whole_update():
    def interrupt(record):
        if record.step == 7:
            raise KeyboardInterrupt

    got, expected = run(callbacks=[interrupt]), plain(callbacks=[interrupt])
    assert got.reason == "interrupted"
    check_same(got, expected)


def test_the_monitor_sees_the_gradients_of_replayed_steps():
    keywords = {"monitor": training.Monitor(vanishing=0.9), "log_every": 2}
    assert run(**keywords).history.notes == plain(**keywords).history.notes


def test_errors_of_a_loss_are_its_own(made):
    def loss(params, batch):
        if len(seen) >= 0 and batch.shape[0] == 1:
            raise RuntimeError("one row")
        return square(params, batch)

    seen = []
    with pytest.raises(RuntimeError, match="one row"):
        run(loss, batches=[*BATCHES, BATCHES[0][:1]])


def test_streams_are_given_back(made):
    with gradients.Output() as output:
        pass
    assert not output.seen
