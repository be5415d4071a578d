"""The training loop: gradient, update, record, and nothing hidden in between."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from anygrad import optimizers, trees
from anygrad.backends import backend_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.recording.history import History, copied
from anygrad.recording.progress import make_display
from anygrad.training.callbacks import Callback, Stop
from anygrad.training.gradients import Gradient
from anygrad.training.interrupts import Interrupts
from anygrad.training.log import Log, check_metrics
from anygrad.training.monitor import Monitor
from anygrad.training.plan import Plan
from anygrad.training.record import Record


@dataclass(frozen=True)
class Fit:
    """What a training run gives back.

    Attributes
    ----------
    params, state : tree of arrays
        After the last whole update; new arrays, yours.
    history : History
        Losses, learning rates, gradient norms and metrics by step.
    reason : {"finished", "stopped", "interrupted", "non-finite"}
        Why it ended: all steps done, by a callback, by Ctrl-C, or by a loss that is inf or nan.
    message : str
        The same as a sentence.
    """

    params: Tree
    state: Tree
    history: History
    reason: str
    message: str


def fit(
    loss: Callable[[Tree, Tree], Any] | None,
    params: Tree,
    batches: Iterable[Tree],
    optimizer: optimizers.Transform,
    *,
    steps: int | None = None,
    has_aux: bool = False,
    value_and_grad: Callable[[Tree, Tree], Any] | None = None,
    state: Tree = None,
    history: History | None = None,
    callbacks: Sequence[Callback] = (),
    evaluate: Callable[[Tree], dict[str, Any]] | None = None,
    monitor: Monitor | bool = False,
    log_every: int | None = None,
    nonfinite: str = "raise",
    progress: str | bool | None = None,
) -> Fit:
    """Minimise ``loss(params, batch)`` over mini-batches.

    Each step takes one batch: gradient, ``optimizer.step``, record. The device is waited for at
    the log points only. ``docs/training.md`` tells the whole story.

    Parameters
    ----------
    loss : callable
        ``loss(params, batch)`` gives a real array of shape (); with ``has_aux`` a pair of it and
        a dict of 0-d metrics, which the history keeps by name. None with ``value_and_grad``.
    params : tree of arrays
        Where to start; floating; never modified.
    batches : iterable of trees
        Such as ``training.batches(...)``; ``[data]`` trains on all data in each step.
    optimizer : Transform
        From ``anygrad.optimizers``.
    steps : int, optional
        Number of updates, >= 1; ``batches`` is passed over as often as it takes. By default one
        pass over ``batches``.
    has_aux : bool
        Whether ``loss`` (and ``value_and_grad``) gives metrics beside the loss.
    value_and_grad : callable, optional
        Your own gradient: ``(params, batch)`` to ``loss, grads``, or ``(loss, metrics), grads``.
    state : tree, optional
        Optimizer state of an earlier run to go on from; never modified.
    history : History, optional
        Of an earlier run to go on from; never modified. The new one begins with a copy of it.
    callbacks : sequence of callables
        Each gets a ``Record`` after each step and returns None or ``training.STOP``.
    evaluate : callable, optional
        ``evaluate(params)`` gives a dict of 0-d metrics, such as test accuracy, at log points.
    monitor : Monitor or bool
        Report vanishing, exploding and non-finite gradients at log points, in ``history.notes``
        and beside the progress.
    log_every : int, optional
        Steps between log points; by default an epoch, or as many as make ten steps.
    nonfinite : {"raise", "stop", "ignore"}
        What happens, at the next log point, after a loss that is inf or nan.
    progress : {"auto", "on", "off"} or bool, optional
        A bar in a terminal, plain lines elsewhere, on stderr; by default the setting.

    Returns
    -------
    Fit
        ``params``, ``state``, ``history``, ``reason``, ``message``. Ctrl-C returns it, too, with
        the parameters after the last whole update.

    Raises
    ------
    ArgumentError
        If an argument is out of range, or ``batches`` is empty.
    NonFiniteError
        If a loss is inf or nan and ``nonfinite="raise"``.

    Examples
    --------
    >>> def loss(x, batch):
    ...     return ((x - batch) ** 2).sum()
    >>> start, data = np.zeros(2), np.asarray([1.0, 2.0])
    >>> result = ag.fit(loss, start, [data], ag.optimizers.sgd(0.1), steps=200, progress=False)
    >>> result.params.round(6).tolist(), result.reason
    ([1.0, 2.0], 'finished')
    """
    check_optimizer(optimizer)
    callbacks = check_callbacks(callbacks)
    gradient = value_and_grad or Gradient(check_loss(loss), has_aux)
    plan = Plan(batches, steps, log_every)
    params = own(params)
    state = trees.map(copied, optimizer.init(params) if state is None else state)
    history = History() if history is None else check_history(history).copy()
    first, record = len(history), None
    display = make_display(progress, plan.steps, plan.epochs, plan.log_every)
    log = Log(history, display, monitor, nonfinite, evaluate)
    reason, message = "finished", ""
    try:
        with display, Interrupts() as interrupts:
            for step, epoch, batch in plan:
                is_log_point = plan.is_log_point(step)
                value, grads, metrics = split(gradient(params, batch), has_aux)
                if is_log_point:
                    log.watch(first + step, grads, params, state)
                kept = record is not None and record.taken
                with interrupts.held:
                    params, state = optimizer.step(params, grads, state, donate=not kept)
                    log.record(first + step, value, metrics, state)
                display.advance(step + 1)
                record = Record(first + step, epoch, value, params, state, history)
                if is_log_point and (bad := log.summarise(record, step + 1)):
                    reason, message = "non-finite", bad
                    break
                if stop := ask(callbacks, record):
                    reason, message = "stopped", stop.why
                    break
            if reason != "non-finite" and (bad := log.check()):
                reason, message = "non-finite", bad
    except KeyboardInterrupt:
        reason, message = "interrupted", f"interrupted after {len(history) - first} steps"
    return Fit(params, state, history, reason, message or plan.ending(len(history) - first))


def check_optimizer(optimizer: Any) -> None:
    """Refuse what can't step, such as a factory that was not called."""
    if not isinstance(optimizer, optimizers.Transform):
        message = (
            f"fit(optimizer): got {describe(optimizer)}; expected a Transform, such as "
            "ag.optimizers.adam(1e-3)."
        )
        raise ArgumentError(message)


def check_loss(loss: Any) -> Callable[[Tree, Tree], Any]:
    """Refuse a loss that can't be called."""
    if not callable(loss):
        message = (
            f"fit(loss): got {describe(loss)}; expected a callable of (params, batch). Only with "
            "value_and_grad may it be None."
        )
        raise ArgumentError(message)
    return loss


def own(params: Tree) -> Tree:
    """Copy the parameters, so that they may be updated in place."""
    for leaf, path in zip(trees.leaves(params), trees.paths(params), strict=True):
        if backend_of(leaf) is None:
            message = (
                f"fit({trees.show_path('params', path)}): got {describe(leaf)}; expected an array. "
                "ag.asarray makes one."
            )
            raise ArgumentError(message)
    return trees.map(copied, params)


def split(result: Any, has_aux: bool) -> tuple[Array, Tree, dict[str, Any]]:
    """Loss, gradients, metrics; what the history keeps must not be a view of a parameter."""
    value, grads = result
    if not has_aux:
        return copied(value), grads, {}
    value, metrics = value
    check_metrics("loss", metrics)
    return copied(value), grads, {name: copied(metric) for name, metric in metrics.items()}


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Refuse what can't be called, and a callback that was given alone."""
    if not isinstance(callbacks, Iterable):
        message = (
            f"fit(callbacks): got {describe(callbacks)}; expected a sequence of callables. For one "
            "callback write callbacks=[callback]."
        )
        raise ArgumentError(message)
    found = list(callbacks)
    for number, callback in enumerate(found):
        if not callable(callback):
            message = (
                f"fit(callbacks): got {describe(callback)} at position {number}; expected a "
                "callable of one record."
            )
            raise ArgumentError(message)
    return found


def check_history(history: Any) -> History:
    """Refuse what is no history, such as the list of its losses."""
    if not isinstance(history, History):
        message = (
            f"fit(history): got {describe(history)}; expected a training.History, such as "
            "result.history of an earlier run."
        )
        raise ArgumentError(message)
    return history


def ask(callbacks: Sequence[Callback], record: Record) -> Stop | None:
    """Call every callback; the first ``Stop`` counts."""
    answers = [callback(record) for callback in callbacks]
    for number, answer in enumerate(answers):
        if answer is not None and not isinstance(answer, Stop):
            message = (
                f"fit(callbacks): got {describe(answer)} from the callback at position {number}; "
                "expected None or training.STOP."
            )
            raise ArgumentError(message)
    return next((answer for answer in answers if answer is not None), None)
