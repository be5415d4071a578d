"""The calls of optimizers, of the parts of their chains, and of schedules."""

from __future__ import annotations

import numpy as np

import anygrad as ag
from anygrad.optimizers import OPTIMIZERS
from anygrad.optimizers.rules.factories import declaration_of
from anygrad.optimizers.slots import Number
from tests.optimizers.table import FIRST_ROWS
from tests.parity.table import REAL, Routine

parts = ag.optimizers


# What a state keeps on the host: counts, rates, and the numbers that follow only these.
HOST_ENTRIES = {
    *("step", "learning_rate", "micro_step", "count"),
    *(
        name
        for make in OPTIMIZERS.values()
        for name, slot in declaration_of(make).slots.items()
        if isinstance(slot, Number)
    ),
}


def two_steps(make, donate=False):
    def call(xp, a):
        optimizer = make()
        params = _own(a.tree) if donate else a.tree
        state = optimizer.init(params)
        if donate:
            state = _own(state)
        for _ in range(2):
            params, state = optimizer.step(params, a.grads, state, donate=donate, value=1.0)
        return {"params": params, "state": without_host_entries(state)}

    return call


def _own(tree):
    """Copies that the routine may write into; step counts and learning rates are NumPy's."""

    def copy(leaf):
        if isinstance(leaf, np.ndarray):
            return leaf.copy()
        return ag.namespace(leaf).asarray(leaf, device=leaf.device, copy=True)

    return ag.trees.map(copy, tree)


def without_host_entries(state):
    """The arrays of a state; step counts and learning rates are NumPy's by design."""
    if not isinstance(state, dict):
        return state
    return {k: without_host_entries(v) for k, v in state.items() if k not in HOST_ENTRIES}


def _update(make):
    def call(xp, a):
        optimizer = make()
        updates, _ = optimizer.update(a.grads, optimizer.init(a.tree), a.tree)
        return {"updates": updates, "params": ag.optimizers.apply_updates(a.tree, updates)}

    return call


def _chain():
    return parts.chain(
        parts.clip_by_global_norm(0.5),
        parts.add_weight_decay(0.01),
        parts.scale(0.5),
        parts.scale_by_learning_rate(0.1),
    )


def _info(xp, a):
    optimizer = _chain()
    _, state = optimizer.step(a.tree, a.grads, optimizer.init(a.tree))
    found = ag.optimizers.info(state)
    return {"norm": found.norm, "scale": found.scale}


def _momentum_formula(xp, g, b, *, learning_rate):
    b = 0.9 * b - learning_rate * g
    return b, b


def _schedules():
    s = ag.schedules
    return {
        "constant": s.constant(0.1),
        "cosine": s.cosine(0.1, 10),
        "cosine_restarts": s.cosine_restarts(0.1, 3),
        "cyclic": s.cyclic(0.1, 0.2, 2),
        "exponential": s.exponential(0.1, 0.9),
        "interpolated": s.interpolated([0.1, 0.2], [4]),
        "inverse_sqrt": s.inverse_sqrt(0.1, 2),
        "inverse_time": s.inverse_time(0.1, 0.5),
        "join": s.join([s.constant(0.1), s.constant(0.2)], [1]),
        "linear": s.linear(0.1, 0.0, 10),
        "multi_step": s.multi_step(0.1, 0.5, [1]),
        "one_cycle": s.one_cycle(0.1, 10),
        "one_cycle_momentum": s.one_cycle_momentum(0.95, 0.85, 10),
        "piecewise": s.piecewise([0.1, 0.2], [1]),
        "polynomial": s.polynomial(0.1, 0.0, 10, power=2.0),
        "rex": s.rex(0.1, 10),
        "step": s.step(0.1, 0.5, 2),
        "warmup": s.warmup(0.1, 2),
        "warmup_cosine": s.warmup_cosine(0.1, 2, 10),
        "warmup_stable_decay": s.warmup_stable_decay(0.1, 2, 2, 4),
    }


def _clips():
    return parts.chain(parts.clip_by_norm(0.5), parts.clip_by_value(0.3), parts.sgd(0.1))


def _clipped_adam(policy):
    rate = ag.schedules.warmup_cosine(0.1, 2, 10)
    clip = parts.clip_by_global_norm(0.5, nonfinite=policy)
    return parts.chain(clip, parts.adam(rate, groups=[("b", {"learning_rate": 0.01})]))


def _calls_of(row):
    """Steps, steps in place and updates of one optimizer."""
    covers = (f"optimizers.{row.name}",)
    yield Routine(f"optimizers.{row}: step", two_steps(row.make), covers=covers)
    donated = two_steps(row.make, donate=True)
    yield Routine(f"optimizers.{row}: step, donated", donated, covers=covers)
    covers += ("optimizers.apply_updates",)
    yield Routine(f"optimizers.{row}: update", _update(row.make), dtypes=REAL, covers=covers)


OPTIMIZING: list[Routine] = [
    *(call for row in FIRST_ROWS for call in _calls_of(row)),
    *(
        Routine(
            f"optimizers.{name}, compat={peer!r}",
            two_steps(
                lambda name=name, peer=peer: OPTIMIZERS[name](learning_rate=0.1, compat=peer)
            ),
            dtypes=REAL,
            covers=(f"optimizers.{name}",),
        )
        for name in OPTIMIZERS
        for peer in declaration_of(OPTIMIZERS[name]).peers
    ),
    *(
        Routine(
            f"schedules.{name} in a step",
            two_steps(lambda name=name: ag.optimizers.sgd(_schedules()[name])),
            dtypes=REAL,
            covers=(f"schedules.{name}",),
        )
        for name in _schedules()
    ),
    Routine(
        "optimizers.chain of parts",
        two_steps(_chain),
        covers=(
            *("optimizers.chain", "optimizers.clip_by_global_norm", "optimizers.scale"),
            *("optimizers.add_weight_decay", "optimizers.scale_by_learning_rate"),
        ),
    ),
    Routine(
        "optimizers.chain of clips",
        two_steps(_clips),
        dtypes=REAL,
        covers=("optimizers.chain", "optimizers.clip_by_norm", "optimizers.clip_by_value"),
    ),
    *(
        Routine(
            f"optimizers.chain of clip and adam, nonfinite={policy}, donated",
            two_steps(lambda policy=policy: _clipped_adam(policy), donate=True),
            covers=("optimizers.chain", "optimizers.clip_by_global_norm", "optimizers.adam"),
            reads="documented: it raises where a value is not finite" if policy == "raise" else "",
        )
        for policy in ("propagate", "zero", "skip", "raise")
    ),
    Routine("optimizers.info", _info),
    Routine(
        "optimizers.from_formula",
        two_steps(
            lambda: ag.optimizers.from_formula(_momentum_formula, slots=["b"], learning_rate=0.1)
        ),
    ),
    Routine(
        "optimizers with groups",
        two_steps(lambda: ag.optimizers.adamw(0.1, groups=[("b", {"weight_decay": 0.0})])),
        dtypes=REAL,
        covers=("optimizers.adamw",),
    ),
]
