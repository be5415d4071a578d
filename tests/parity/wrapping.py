"""The calls of the transforms around a transform, of the parts of chains, and of clips in them."""

from __future__ import annotations

from functools import partial

import anygrad as ag
from tests.parity.optimizing import two_steps
from tests.parity.table import REAL, Routine, times

o = ag.optimizers


def _named(name, make):
    return Routine(f"optimizers.{name}", two_steps(make))


def _inner():
    return o.sgd(0.1, momentum=0.9)


def _clipped(clip):
    return o.chain(clip, _inner())


def _limited(clip, xp, a):
    """Parameters after steps of growing gradients; the first limits in the state are infinite."""
    optimizer = _clipped(clip)
    params, state = a.tree, optimizer.init(a.tree)
    for step in range(5):
        grads = times(a.grads, 1.0 + step)
        params, state = optimizer.step(params, grads, state)
    return params


def _sam(xp, a):
    optimizer = o.sam(_inner(), 0.1)

    def value_and_grad(params):
        return 0.0, times(params, 0.5)

    params, state = a.tree, optimizer.init(a.tree)
    grads = value_and_grad(params)[1]
    return optimizer.step(params, grads, state, value_and_grad=value_and_grad)[0]


def _examples(xp, a):
    optimizer = _clipped(o.clip_per_example(0.5))
    grads = ag.trees.map(lambda g: g[None, ...], a.grads)
    return optimizer.step(a.tree, grads, optimizer.init(a.tree))[0]


def _evaluated(xp, a):
    optimizer = o.averaged(_inner(), 0.9)
    params, state = optimizer.step(a.tree, a.grads, optimizer.init(a.tree))
    return o.evaluation_params(params, state)


def _loss_scale(xp, a):
    optimizer = o.dynamic_loss_scale(_inner())
    state = optimizer.init(a.tree)
    scale = o.loss_scale(state)
    grads = times(a.grads, 32768.0)
    return {"scale": scale, "params": optimizer.step(a.tree, grads, state)[0]}


WRAPPING: list[Routine] = [
    _named("accumulate", lambda: o.accumulate(_inner(), 2)),
    _named("add_noise", lambda: o.chain(o.add_noise(0.01, seed=3), _inner())),
    _named("apply_if_finite", lambda: o.apply_if_finite(_inner(), 2)),
    _named("averaged", lambda: o.averaged(_inner(), 0.9)),
    _named(
        "stochastic_weight_average", lambda: o.stochastic_weight_average(_inner(), start=1, every=1)
    ),
    _named("lookahead", lambda: o.lookahead(_inner(), 2)),
    _named("monitored", lambda: o.monitored(_inner())),
    _named("freeze", lambda: o.chain(o.freeze("b"), _inner())),
    _named("masked", lambda: o.masked(_inner(), "w")),
    _named("centralize", lambda: _clipped(o.centralize())),
    _named("scale_by_trust_ratio", lambda: _clipped(o.scale_by_trust_ratio())),
    *(
        _named(name, partial(_clipped, part))
        for name, part in (
            ("clip_by_block_rms", o.clip_by_block_rms(0.5)),
            ("clip_adaptively", o.clip_adaptively(0.1)),
            ("normalize", o.normalize()),
            ("normalize_leaves", o.normalize_leaves()),
        )
    ),
    *(
        Routine(f"optimizers.{name}", partial(_limited, part), REAL)
        for name, part in (
            ("clip_by_quantile", o.clip_by_quantile(0.5, window=4)),
            ("clip_by_zscore", o.clip_by_zscore(warmup=2)),
        )
    ),
    Routine("optimizers.clip_per_example", _examples),
    Routine("optimizers.sam", _sam),
    Routine("optimizers.evaluation_params", _evaluated),
    Routine(
        "optimizers.dynamic_loss_scale",
        _loss_scale,
        covers=("optimizers.dynamic_loss_scale", "optimizers.loss_scale"),
    ),
]
