"""Averages of the parameters over the steps, for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import conform
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.masters import arrive
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    check_state,
    check_transform,
    count_on,
    host_count,
    replace,
    wide_copy,
)
from anygrad.ranges import Range, check_count, check_number
from anygrad.tracing.level import hosted
from anygrad.trees.placing import on_device_of

__all__ = ["averaged", "stochastic_weight_average"]

DECAY = Range(low=0, high=1, open_high=True)


def averaged(
    transform: Transform, decay: float = 0.999, *, debias: bool = True, every: int = 1
) -> Transform:
    """Keep an exponential moving average of the parameters that a transform makes.

    ``average = (1 - w) average + w p`` with the parameters ``p`` after the step; ``w`` is 1 for the
    first of them, and then ``1 - decay``, or with ``debias`` for the n-th
    ``(1 - decay) / (1 - decay^n)``. Training goes on as without it; `evaluation_params` gives the
    average.

    Parameters
    ----------
    transform : Transform
        A whole optimizer; a part that follows this one in a chain would not be seen.
    decay : float
        In [0, 1). The average reaches back over about ``1 / (1 - decay)`` samples.
    debias : bool
        Weigh the first samples like all others. Without it the first one keeps the weight
        ``decay^(n-1)``, which is near 1 for long.
    every : int
        Steps from one sample to the next, >= 1.

    Returns
    -------
    Transform
        State: ``count`` of steps, an integer of the host; ``average``, like the parameters, of
        float32 copies for those in half precision; and ``inner``, the state of ``transform``. Until
        the first sample the average is the last parameters.

    Raises
    ------
    ArgumentError
        If ``transform`` is none, ``decay`` is outside [0, 1), or ``every`` is no positive integer.

    Notes
    -----
    With ``debias`` the average is that of ``optax.ema(decay, debias=True)`` fed with parameters:
    one that starts at zero, divided by ``1 - decay^n``. Without, it is that of PyTorch's
    ``AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))``, which starts as a copy of
    the first parameters that it is shown. A step that is left out counts with the parameters as
    they stayed, and so does each call of an `accumulate` inside: put that outside, or give
    ``every`` its ``steps``.

    References
    ----------
    Polyak, Juditsky (1992), Acceleration of stochastic approximation by averaging, for averages;
    Kingma, Ba (2015), Adam, sec. 3 for the correction and sec. 7.2 for parameters.

    Examples
    --------
    >>> optimizer = ag.optimizers.averaged(ag.optimizers.sgd(1.0), 0.5)
    >>> params = np.asarray([1.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(2):
    ...     params, state = optimizer.step(params, np.asarray([-3.0]), state)
    >>> params, ag.optimizers.evaluation_params(params, state)  # 4, 7: (4/4 + 7/2) / (3/4)
    (array([7.]), array([6.]))
    """
    check_transform("averaged", transform)
    decay = check_number("averaged(decay)", decay, DECAY)
    every = check_count("averaged(every)", every, low=1)

    def weigh(count: int) -> float | None:
        n, rest = divmod(count, every)
        if n == 0 or (n == 1 and rest == 0):
            return 1.0
        if rest:
            return None
        return (1.0 - decay) / (1.0 - decay**n) if debias else 1.0 - decay

    described = f"{decay}, debias={debias}, every={every}"
    rule = AverageRule(transform, weigh, "averaged", described)
    return from_rule(rule, "averaged", per_example=transform.per_example)


def stochastic_weight_average(transform: Transform, start: int, every: int = 1) -> Transform:
    """Keep the plain mean of the parameters from some step on.

    ``average = average + (p - average) / n`` for the n-th sample: the parameters after ``start``
    steps, and then after each ``every`` more. Used with a constant or cyclic learning rate in the
    last quarter of training; `evaluation_params` gives the mean.

    Parameters
    ----------
    transform : Transform
        A whole optimizer; a part that follows this one in a chain would not be seen.
    start : int
        Steps before the first sample, >= 1.
    every : int
        Steps from one sample to the next, >= 1; the length of a cycle of the learning rate.

    Returns
    -------
    Transform
        State: as that of `averaged`. Until the first sample the average is the last parameters.

    Raises
    ------
    ArgumentError
        If ``transform`` is none, or ``start`` or ``every`` is no positive integer.

    Notes
    -----
    The mean is that of PyTorch's ``AveragedModel`` with ``update_parameters`` called at these
    steps. Of an `accumulate` inside each call counts as a step, so put that outside. Running
    statistics of batch normalisation, if there are any, belong to other parameters: take them anew
    with the averaged ones.

    References
    ----------
    Izmailov et al. (2018), Averaging weights leads to wider optima and better generalization,
    algorithm 1, which takes the point at the start for the first sample too.

    Examples
    --------
    >>> optimizer = ag.optimizers.stochastic_weight_average(ag.optimizers.sgd(1.0), start=2)
    >>> params = np.asarray([0.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(4):
    ...     params, state = optimizer.step(params, np.asarray([-1.0]), state)
    >>> params, ag.optimizers.evaluation_params(params, state)  # mean of 2, 3, 4
    (array([4.]), array([3.]))
    """
    name = "stochastic_weight_average"
    check_transform(name, transform)
    start = check_count(f"{name}(start)", start, low=1)
    every = check_count(f"{name}(every)", every, low=1)

    def weigh(count: int) -> float | None:
        n, rest = divmod(count - start, every)
        if n < 0:
            return 1.0
        return None if rest else 1.0 / (n + 1)

    described = f"start={start}, every={every}"
    rule = AverageRule(transform, weigh, name, described)
    return from_rule(rule, name, per_example=transform.per_example)


class AverageRule:
    """Averages what the parameters become.

    Attributes
    ----------
    inner : Transform
        What makes the steps.
    weigh : callable
        ``weigh(count)``: weight of the parameters after that many steps; None where they are no
        sample.
    """

    def __init__(
        self, inner: Transform, weigh: Callable[[int], float | None], name: str, described: str
    ):
        self.inner = inner
        self.weigh = weigh
        self._name, self._described = name, described

    def __repr__(self) -> str:
        return f"{self._name}({self.inner!r}, {self._described})"

    def init(self, params: Tree) -> State:
        """Start with the parameters themselves."""
        average = trees.map(wide_copy, params)
        return {"count": host_count(0), "average": average, INNER: self.inner.init(params)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Apply the transform, and average the parameters that its updates lead to."""
        check_state(self._name, state, "count", "average", INNER)
        (count, counted), average = count_on(state["count"]), state["average"]
        weight = hosted(self._weigh, count)
        is_sample, is_first = bool(weight > 0.0), bool(weight == 1.0)
        flow, inner = advance(self.inner, flow, state[INNER], params, donate, extra)
        flow = Flow(flow.settle(), None, flow.accept)
        if is_sample:
            weight = 1.0 if is_first else weight
            new = arrive(params, flow.updates, inner)
            mixed = trees.map(lambda a, p: mix(a, p, weight), average, new)
            average = replace(average, mixed, donate)
        return flow, {"count": counted, "average": average, INNER: inner}

    def _weigh(self, count: int) -> float:
        weight = self.weigh(count)
        return 0.0 if weight is None else weight


def mix(average: Array, p: Array, weight: float) -> Array:
    """Compute ``(1 - weight) average + weight p`` in the precision of the average."""
    xp = namespace_of(average, p)
    with on_device_of(average):
        if weight == 1.0:
            return xp.astype(p, average.dtype, copy=True)
        return conform(xp, (1.0 - weight) * average + weight * p, average)
