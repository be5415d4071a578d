import itertools
import math
import os
import signal

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, NonFiniteError
from anygrad.optimizers import Transform, adamw, chain, clip_by_global_norm, sgd
from anygrad.training import (
    STOP,
    Monitor,
    batches,
    early_stopping,
    every,
    fit,
)
from tests.support import assert_close, forbid_host_copies, to_host


def quadratic(x, target):
    """Value and gradient of sum((x - target)**2), by hand."""
    xp = ag.namespace(x)
    return xp.sum((x - target) ** 2), 2.0 * (x - target)


def mean_quadratic(x, targets):
    """The same, averaged over a batch of numbers."""
    return np.mean((x - targets) ** 2), np.mean(2.0 * (x - targets), axis=0, keepdims=True)


def learn(params, data, optimizer, **keywords):
    keywords = {"value_and_grad": quadratic, "progress": False, **keywords}
    return fit(None, params, data, optimizer, **keywords)


def test_finds_the_minimum(xp):
    target = xp.asarray([1.0, -2.0])
    result = learn(xp.zeros(2), [target], sgd(0.25), steps=60)
    assert_close(result.params, target)
    assert result.reason == "finished"
    assert len(result.history) == 60


def test_differentiates_the_loss(xp):
    def loss(params, batch):
        return ag.namespace(params).sum((params - batch) ** 2)

    target, start = xp.asarray([1.0, -2.0]), xp.zeros(2)
    ours = fit(loss, start, [target], sgd(0.25), steps=5, progress=False)
    assert_close(ours.params, learn(start, [target], sgd(0.25), steps=5).params)


def test_losses_are_those_before_each_update(xp):
    # gradient descent with rate 1/4 halves the distance: losses 4, 1, 1/4
    result = learn(xp.zeros(1), [xp.asarray([2.0])], sgd(0.25), steps=3)
    assert result.history.losses.tolist() == [4.0, 1.0, 0.25]
    assert result.history.steps.tolist() == [0, 1, 2]


def test_params_and_state_of_the_caller_are_left_alone(xp):
    start, target = xp.asarray(np.zeros(3)), xp.asarray([1.0, 2.0, 3.0])
    optimizer = adamw(0.1)
    first = learn(start, [target], optimizer, steps=3)
    params, m = to_host(first.params).copy(), to_host(first.state["m"]).copy()
    learn(first.params, [target], optimizer, steps=3, state=first.state)
    assert_close(start, np.zeros(3))
    assert_close(target, np.asarray([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(to_host(first.params), params)
    np.testing.assert_array_equal(to_host(first.state["m"]), m)


def test_going_on_is_the_same_as_not_stopping(xp):
    start, target, optimizer = xp.zeros(2), xp.asarray([1.0, 2.0]), adamw(0.1)
    whole = learn(start, [target], optimizer, steps=7)
    half = learn(start, [target], optimizer, steps=3)
    rest = learn(half.params, [target], optimizer, steps=4, state=half.state, history=half.history)
    np.testing.assert_array_equal(to_host(rest.params), to_host(whole.params))
    np.testing.assert_array_equal(rest.history.losses, whole.history.losses)
    assert rest.history.steps.tolist() == list(range(7))
    assert half.history.losses.tolist() == whole.history.losses[:3].tolist()


@pytest.mark.parametrize("stop", [1, 5, 6, 10])  # an epoch has 5 batches
def test_going_on_with_batches_is_the_same_as_not_stopping(xp, stop):
    data = xp.asarray(np.arange(13.0))

    def run(params, steps=None, first_step=0, **keywords):
        made = batches(data, 3, epochs=3, rng=0, first_step=first_step)
        seen = []
        result = learn(
            *(params, made, chain(clip_by_global_norm(1.0), adamw(0.1))),
            value_and_grad=lambda x, batch: (ag.namespace(x).sum(x - batch[0]), x - batch[0]),
            callbacks=[lambda record: seen.append((record.step, record.epoch, record.summary))],
            log_every=5,
            steps=steps,
            **keywords,
        )
        points = [step for step, _, summary in seen if summary is not None]
        return result, [(step, epoch) for step, epoch, _ in seen], points

    whole, seen, points = run(xp.zeros(1))
    half, seen_first, _ = run(xp.zeros(1), steps=stop)
    rest, seen_then, points_then = run(
        half.params, first_step=stop, state=half.state, history=half.history
    )
    np.testing.assert_array_equal(to_host(rest.params), to_host(whole.params))
    np.testing.assert_array_equal(rest.history.losses, whole.history.losses)
    assert seen_first + seen_then == seen
    assert points_then == [step for step in points if step >= stop]


def test_epochs_of_an_earlier_run_are_counted(capsys):
    rest = batches(np.arange(6.0), 2, epochs=4, rng=0, first_step=6)
    keywords = {"value_and_grad": mean_quadratic, "progress": "on", "log_every": 3}
    learn(np.zeros(1), rest, sgd(0.1), **keywords)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 3/4", "epoch 4/4"]


def test_the_history_that_is_gone_on_from_is_left_alone(xp):
    start, data = xp.zeros(1), [xp.asarray([2.0])]
    first = learn(start, data, sgd(0.25), steps=2)
    first.history.notes.append((0, "ours"))
    second = learn(first.params, data, sgd(0.25), steps=1, history=first.history)
    assert first.history.losses.tolist() == [4.0, 1.0]
    assert second.history.losses.tolist() == [4.0, 1.0, 0.25]
    second.history.notes.append((2, "theirs"))
    assert first.history.notes == [(0, "ours")]


def test_a_state_that_is_no_dict_tells_nothing_of_itself():
    optimizer = Transform(lambda params: (), lambda grads, state, params: (-0.25 * grads, state))
    history = learn(np.zeros(1), [np.asarray([2.0])], optimizer, steps=2).history
    assert history.names == ["loss", "gradient_norm"]


def test_nothing_waits_for_the_device_between_log_points(xp):
    target = xp.asarray([1.0, 2.0])

    def counted():
        """Batches that come with host copies forbidden, up to the next log point."""
        for step in itertools.count():
            if (step + 1) % 5 == 0:
                yield target
                continue
            with forbid_host_copies():
                yield target

    optimizer = chain(clip_by_global_norm(1.0), adamw(0.1))
    result = learn(xp.zeros(2), counted(), optimizer, steps=20, log_every=5, monitor=True)
    assert np.all(np.isfinite(result.history.losses))


def test_history_holds_rates_and_norms(xp):
    optimizer = chain(clip_by_global_norm(1.0), sgd(ag.schedules.exponential(0.5, 0.5)))
    history = learn(xp.zeros(1), [xp.asarray([3.0])], optimizer, steps=3).history
    assert_close(history.learning_rates, [0.5, 0.25, 0.125])
    # the gradient 2 (x - 3) before clipping: x = 0, 0.5, 0.75
    assert_close(history.gradient_norms, [6.0, 5.0, 4.5])


def test_without_clipping_norms_are_taken_at_log_points(xp):
    history = learn(xp.zeros(1), [xp.asarray([3.0])], sgd(0.25), steps=4, log_every=2).history
    assert history.steps_of("gradient_norm").tolist() == [1, 3]
    assert_close(history.gradient_norms, [3.0, 0.75])


def test_one_pass_by_default():
    data = batches(np.arange(10.0), 4, epochs=3, rng=0)
    result = learn(np.zeros(1), data, sgd(0.01), value_and_grad=mean_quadratic)
    assert len(result.history) == len(data) == 9


def test_steps_repeat_the_batches_or_cut_them_short():
    data = [np.asarray([1.0]), np.asarray([2.0])]
    assert len(learn(np.zeros(1), data, sgd(0.1), steps=5).history) == 5
    assert len(learn(np.zeros(1), data, sgd(0.1), steps=1).history) == 1
    endless = batches(np.arange(4.0), 2, epochs=None, rng=0)
    result = learn(np.zeros(1), endless, sgd(0.1), steps=7, value_and_grad=mean_quadratic)
    assert len(result.history) == 7


def test_an_iterator_that_ends_early_ends_the_run():
    data = iter([np.asarray([1.0]), np.asarray([2.0])])
    result = learn(np.zeros(1), data, sgd(0.1), steps=5)
    assert (len(result.history), result.reason) == (2, "finished")
    assert "2 of 5" in result.message


def test_epochs_are_counted():
    epochs = []
    data = batches(np.arange(6.0), 2, epochs=2, rng=0)
    callbacks = [lambda record: epochs.append(record.epoch)]
    learn(np.zeros(1), data, sgd(0.1), callbacks=callbacks, value_and_grad=mean_quadratic)
    assert epochs == [0, 0, 0, 1, 1, 1]


def test_a_callback_stops_after_its_step():
    seen = []

    def callback(record):
        seen.append(record.step)
        return STOP if record.step == 3 else None

    result = learn(np.zeros(1), [np.ones(1)], sgd(0.1), steps=10, callbacks=[callback])
    assert seen == [0, 1, 2, 3]
    assert (result.reason, result.message) == ("stopped", STOP.why)
    assert len(result.history) == 4


def test_what_a_callback_keeps_is_never_written_over(xp):
    kept, losses = [], []

    def keep(record):
        if record.step % 2:  # in between, fit writes into its own arrays
            kept.append((record.params, to_host(record.params).copy(), record.state))

    target = xp.asarray([1.0, 2.0])
    result = learn(xp.zeros(2), [target], adamw(0.1), steps=8, callbacks=[keep])
    for params, copy, _ in kept:
        np.testing.assert_array_equal(to_host(params), copy)
        losses.append(float(np.sum((copy - [1.0, 2.0]) ** 2)))
    # params after step k give the loss of step k + 1
    assert_close(np.asarray(losses[:-1]), result.history.losses[[2, 4, 6]])
    assert len({id(state) for _, _, state in kept}) == 4


def test_arrays_are_reused_where_nobody_keeps_them():
    seen = set()

    def value_and_grad(params, batch):
        seen.add(params.__array_interface__["data"][0])
        return quadratic(params, batch)

    learn(np.zeros(1000), [np.ones(1000)], sgd(0.1), steps=20, value_and_grad=value_and_grad)
    assert len(seen) == 1


def test_a_loss_that_is_a_parameter_keeps_its_history(xp):
    # the 0-d loss is the parameter's own array, which the update then writes over
    def value_and_grad(params, batch):
        return (params, {"same": params}), ag.namespace(params).ones_like(params)

    result = learn(
        xp.asarray(3.0), [None], sgd(1.0), steps=3, value_and_grad=value_and_grad, has_aux=True
    )
    assert result.history.losses.tolist() == [3.0, 2.0, 1.0]
    assert result.history["same"].tolist() == [3.0, 2.0, 1.0]


def test_metrics_beside_the_loss_are_recorded(xp):
    def value_and_grad(x, target):
        value, grads = quadratic(x, target)
        return (value, {"distance": value**0.5}), grads

    seen = []
    history = learn(
        xp.zeros(1),
        [xp.asarray([2.0])],
        sgd(0.25),
        steps=4,
        log_every=2,
        has_aux=True,
        value_and_grad=value_and_grad,
        callbacks=[lambda record: seen.append(record.summary)],
    ).history
    assert_close(history["distance"], [2.0, 1.0, 0.5, 0.25])
    assert seen[0] is None
    assert_close(seen[1]["distance"], 1.5)  # means since the last log point
    assert_close(seen[3]["distance"], 0.375)
    assert_close(seen[3]["loss"], (0.25 + 0.0625) / 2)


def test_evaluation_runs_at_log_points_and_may_keep_the_params(xp):
    kept = []

    def evaluate(params):
        kept.append(params)
        return {"size": ag.namespace(params).sum(params)}

    data = [xp.asarray([2.0])]
    result = learn(xp.zeros(1), data, sgd(0.25), steps=4, log_every=2, evaluate=evaluate)
    assert result.history.steps_of("size").tolist() == [1, 3]
    assert_close(result.history["size"], [1.5, 1.875])
    assert_close(to_host(kept[0]), [1.5])


def test_early_stopping_ends_the_run_and_has_the_best():
    noise = iter([0.0, 0.0, 9.0, 9.0, 9.0, 9.0])

    def value_and_grad(x, batch):
        value, grads = quadratic(x, batch)
        return value + next(noise), grads

    stopper = early_stopping(patience=2)
    result = learn(
        *(np.zeros(1), [np.ones(1)], sgd(0.25)),
        steps=6,
        log_every=1,
        callbacks=[stopper],
        value_and_grad=value_and_grad,
    )
    assert result.reason == "stopped"
    assert "best 0.25 at step 1" in result.message
    assert len(result.history) == 4
    assert_close(stopper.best_params, [0.75])


def explode(params, batch):
    """A loss that is nan from its fourth step on."""
    explode.calls += 1
    return np.float64(1.0 if explode.calls < 4 else math.nan), np.ones_like(params)


@pytest.fixture(autouse=True)
def forget_calls():
    explode.calls = 0


def test_a_loss_that_is_not_finite_raises_at_the_log_point():
    seen = []
    with pytest.raises(NonFiniteError, match=r"nan at step 3 \(before it 1\)"):
        learn(
            *(np.zeros(1), [None], sgd(0.1)),
            steps=20,
            log_every=5,
            value_and_grad=explode,
            callbacks=[lambda record: seen.append(record.history)],
        )
    history = seen[0]
    assert len(history) == 5
    np.testing.assert_array_equal(history.losses, [1, 1, 1, math.nan, math.nan])


def test_a_loss_that_is_not_finite_may_stop_the_run():
    run = {"steps": 20, "log_every": 5, "value_and_grad": explode}
    result = learn(np.zeros(1), [None], sgd(0.1), nonfinite="stop", **run)
    assert (result.reason, result.message) == ("non-finite", "the loss is nan at step 3")
    assert len(result.history) == 5


def test_a_loss_that_is_not_finite_may_be_ignored():
    run = {"steps": 20, "log_every": 5, "value_and_grad": explode}
    result = learn(np.zeros(1), [None], sgd(0.1), nonfinite="ignore", **run)
    assert (result.reason, len(result.history)) == ("finished", 20)


def test_losses_after_the_last_log_point_are_checked():
    with pytest.raises(NonFiniteError, match="step 3"):
        learn(*(np.zeros(1), iter([None] * 6), sgd(0.1)), log_every=100, value_and_grad=explode)


def test_an_exception_leaves_the_history_usable(xp):
    seen = []

    def fail_at_third(record):
        seen.append(record.history)
        if record.step == 2:
            raise RuntimeError("of the caller")

    with pytest.raises(RuntimeError, match="of the caller"):
        learn(
            *(xp.zeros(1), [xp.asarray([2.0])], sgd(0.25)),
            steps=9,
            callbacks=[fail_at_third],
        )
    assert seen[0].losses.tolist() == [4.0, 1.0, 0.25]


def test_an_interrupt_returns_what_there_is(xp):
    def interrupt(record):
        if record.step == 2:
            raise KeyboardInterrupt

    data = [xp.asarray([2.0])]
    result = learn(xp.zeros(1), data, sgd(0.25), steps=9, callbacks=[interrupt])
    assert (result.reason, result.message) == ("interrupted", "interrupted after 3 steps")
    assert_close(result.params, [1.75])
    assert len(result.history) == 3


def test_an_interrupt_in_an_update_lets_it_finish():
    def update(grads, state, params):
        if state["count"] == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return -0.25 * grads, {"count": state["count"] + 1}

    optimizer = Transform(lambda params: {"count": np.asarray(0)}, update)
    result = learn(np.zeros(1), [np.asarray([2.0])], optimizer, steps=9)
    assert (result.reason, result.message) == ("interrupted", "interrupted after 3 steps")
    assert_close(result.params, [1.75])
    assert int(result.state["count"]) == len(result.history) == 3


def test_the_monitor_names_each_leaf_once_and_notes_every_log_point(capsys):
    def value_and_grad(params, batch):
        return np.float64(1.0), {"a": np.asarray([1.0]), "b": np.asarray([1e-9])}

    params = {"a": np.zeros(1), "b": np.zeros(1)}
    run = {"steps": 6, "log_every": 2, "value_and_grad": value_and_grad, "progress": "on"}
    result = learn(params, [None], sgd(0.1), monitor=True, **run)
    assert [step for step, _ in result.history.notes] == [1, 3, 5]
    assert all("params['b']" in note for _, note in result.history.notes)
    assert capsys.readouterr().err.count("params['b']") == 1
    calm = learn(params, [None], sgd(0.1), monitor=Monitor(vanishing=1e-12), **run)
    assert calm.history.notes == []


def test_float32_stays_float32(xp):
    start = xp.zeros(2, dtype=xp.float32)
    target = xp.asarray([1.0, 2.0], dtype=xp.float32)
    optimizer = chain(clip_by_global_norm(1.0), adamw(0.1))
    result = learn(start, [target], optimizer, steps=3)
    assert result.params.dtype == xp.float32


def test_every_nth_step_only():
    seen = []
    callback = every(2, lambda record: seen.append(record.step))
    learn(np.zeros(1), [np.ones(1)], sgd(0.1), steps=5, callbacks=[callback])
    assert seen == [1, 3]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"steps": 0}, r"fit\(steps\).*0"),
        ({"steps": 2.5}, r"fit\(steps\).*2\.5"),
        ({"log_every": 0}, r"fit\(log_every\)"),
        ({"nonfinite": "warn"}, r"fit\(nonfinite\).*'warn'"),
        ({"monitor": 1e-7}, r"fit\(monitor\)"),
        ({"progress": "loud"}, r"fit\(progress\).*'loud'"),
        ({"value_and_grad": None}, r"fit\(loss\)"),
        ({"batches": []}, r"fit\(batches\).*no batch"),
        ({"batches": iter([])}, r"fit\(batches\).*no batch"),
        ({"batches": 3}, r"fit\(batches\)"),
        ({"batches": {"x": np.ones(3)}}, r"fit\(batches\): got a dict .*\[data\]"),
        ({"batches": "data"}, r"fit\(batches\): got 'data'"),
        ({"callbacks": [STOP.__repr__, 3]}, r"fit\(callbacks\): got 3 at position 1"),
        ({"callbacks": print}, r"fit\(callbacks\): got .*print.*callbacks=\[callback\]"),
        (
            {"callbacks": [lambda record: None, lambda record: True]},
            r"fit\(callbacks\): got True from the callback at position 1; expected None or",
        ),
        (
            {"callbacks": [lambda record: type(STOP)]},
            "got the class Stop from the callback at position 0",
        ),
        ({"history": [1.0]}, r"fit\(history\): got \[1.0\]; expected a training.History"),
        ({"optimizer": sgd}, r"fit\(optimizer\).*adam"),
        ({"optimizer": 0.1}, r"fit\(optimizer\).*0\.1"),
        ({"params": {"a": 1.0}}, r"params\['a'\]"),
        ({"evaluate": lambda params: 1.0}, r"fit\(evaluate\)"),
        ({"evaluate": lambda params: {"loss": 1.0}}, "'loss' is taken"),
        ({"has_aux": True}, r"fit\(loss\)"),
    ],
)
def test_what_cannot_work_is_refused(keywords, words):
    call = {
        **{"loss": None, "params": np.zeros(1), "batches": [np.ones(1)], "optimizer": sgd(0.1)},
        **{"value_and_grad": quadratic, "progress": False, "steps": 3},
        **keywords,
    }
    if keywords.get("has_aux"):
        call["value_and_grad"] = lambda x, b: ((np.float64(1.0), 3.0), np.ones(1))
    with pytest.raises(ArgumentError, match=words):
        fit(**call)
