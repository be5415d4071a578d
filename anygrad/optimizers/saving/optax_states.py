"""Which field of which state of optax's is which slot of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.optimizers.saving.filling import RATE, STEP, Found, Source, count_of, rate_of
from anygrad.optimizers.saving.named import BFLOAT16, Value, list_some, value_of

__all__ = ["OPTAX", "read_optax"]

NEXT_STEP = "next_step"  # a count of the step to come, which starts at 1

# class of a state in optax: its fields and our slots; None for what follows from the rest
OPTAX: dict[str, dict[str, str | None]] = {
    "ScaleByAdamState": {"count": STEP, "mu": "m", "nu": "v|u"},  # nadam, radam, yogi, lamb; adamax
    "ScaleByAmsgradState": {"count": STEP, "mu": "m", "nu": "v", "nu_max": "v_max"},
    "ScaleByBeliefState": {"count": STEP, "mu": "m", "nu": "s"},
    "ScaleByAdanState": {"t": STEP, "m": "m", "v": "v", "n": "n", "g": "g_last"},
    "ScaleByAdemamixState": {
        "count": STEP,
        "count_m2": STEP,
        "m1": "m1",
        "m2": "m2",
        "nu": "v",
    },
    "ScaleByLionState": {"count": STEP, "mu": "m"},
    "EmaState": {"count": STEP, "ema": "m"},  # signum, adafactor
    "ScaleByNovogradState": {"count": STEP, "mu": "m", "nu": "n"},
    "ScaleByRmsState": {"nu": "v"},
    "ScaleByRmsWithCountState": {"count": STEP, "nu": "v"},
    "ScaleByRStdDevState": {"mu": "a", "nu": "v"},
    "ScaleByRStdDevWithCountState": {"count": STEP, "mu": "a", "nu": "v"},
    "ScaleByRssState": {"sum_of_squares": "s"},
    "ScaleByAdaDeltaState": {"e_g": "v", "e_x": "u"},
    "ScaleByRpropState": {"step_sizes": "size", "prev_updates": "g_last"},  # only its sign matters
    "FactoredState": {"count": STEP, "v_row": "v_row", "v_col": "v_col", "v": "v"},
    "MuonState": {"count": STEP, "mu": "b", "ns_coeffs": None},
    "TraceState": {"trace": "b"},  # sgd, rmsprop, lars
    "ScheduleFreeState": {
        "step_count": NEXT_STEP,
        "b1": None,
        "weight_sum": "weight_sum",
        "max_lr": "max_learning_rate",
        "z": "z",
    },
    "ProdigyState": {
        "count": STEP,
        "exp_avg": "m",
        "exp_avg_sq": "v",
        "grad_sum": "s",
        "params0": "p0",
        "estim_lr": "d_next",
        "numerator_weighted": "r",
    },
    "DoGState": {
        "is_init_step": None,
        "init_params": "p0",
        "max_dist": "r",
        "sum_sq_norm_grads": "n",
    },
    "DoWGState": {"init_params": "p0", "estim_sq_dist": "r", "weighted_sq_norm_grads": "n"},
    "ScaleByScheduleState": {"count": STEP},
    "WrappedScheduleState": {"count": STEP},
    "InjectHyperparamsState": {"count": STEP},
    "InjectStatefulHyperparamsState": {"count": STEP},
}

ROOTED = {  # ours are their roots
    "DoGState.sum_sq_norm_grads",
    "DoWGState.estim_sq_dist",
    "DoWGState.weighted_sq_norm_grads",
    "ScaleByNovogradState.nu",
}
ANEW = frozenset({"d", "eta"})  # what the next step computes before it reads it

TRACE = "TraceState"
FACTORED = "FactoredState"
INNER = ("inner_state", "inner_states")  # where a state of optax wraps others
BASE = "base_optimizer_state"  # the same, for what has numbers of its own


def read_optax(saved: Any) -> Found:
    """Read the nested tuples of a state."""
    found = Found("from_optax(saved)", anew=ANEW)
    for node, last in _walk(found.where, saved):
        _take_optax(found, node, last)
    return found


def _walk(where: str, node: Any, last: bool = False) -> Iterator[tuple[Any, bool]]:
    """The known states in one of optax, each with whether it comes last in a chain of several."""
    fields = getattr(node, "_fields", None)
    name = type(node).__name__
    wraps = (*INNER, BASE) if name in OPTAX else INNER
    inner = [field for field in wraps if fields is not None and field in fields]
    if fields is not None and name in OPTAX:
        yield node, last
        if not inner:
            return
    if inner:
        below = getattr(node, inner[0])
        # those of a partition stand side by side, those of a chain one after another
        for child in below.values() if isinstance(below, Mapping) else [below]:
            yield from _walk(where, child, last)
    elif isinstance(node, Mapping) or (fields is None and isinstance(node, (tuple, list))):
        children = list(node.values() if isinstance(node, Mapping) else node)
        for number, child in enumerate(children, 1):
            yield from _walk(where, child, len(children) > 1 and number == len(children))
    elif node is not None and (fields is None or trees.leaves(node)):
        what = f"a state of class {name}" if fields is not None else describe(node)
        message = (
            f"{where}: got {what}; expected states of optax, of which these are known: "
            f"{', '.join(OPTAX)}. {suggest(name, OPTAX)}"
        )
        raise ArgumentError(message.rstrip())


def _take_optax(found: Found, node: Any, last: bool) -> None:
    """Keep the fields of one state."""
    name = type(node).__name__
    rates = getattr(node, "hyperparams", {})
    if isinstance(rates, Mapping) and RATE in rates:
        found.rate = rate_of(f"{found.where}, {name}.hyperparams[{RATE!r}]", rates[RATE])
    lacking = sorted(set(OPTAX[name]).difference(node._fields))
    if lacking:
        message = (
            f"{found.where}: got a {name} without {list_some(lacking)}; expected the fields "
            f"{', '.join(OPTAX[name])}, as optax 0.2.8 has them."
        )
        raise ArgumentError(message)
    for attribute, slot in OPTAX[name].items():
        tree, label = getattr(node, attribute), f"{name}.{attribute}"
        if slot in (STEP, NEXT_STEP):
            first = int(slot == NEXT_STEP)
            count = count_of(f"{found.where}, {label}", tree, first) - first
            found.steps[f"{label}, state {len(found.steps)}"] = count
            continue
        pairs = zip(trees.paths(tree), trees.leaves(tree), strict=True) if slot else ()
        for path, leaf in pairs:
            place = trees.show_path(label, path)
            value = value_of(found.where, place, leaf)
            # optax fills the places of slots that a parameter has not with one number
            optional = name == FACTORED and value.array.shape == (1,)
            if name == TRACE and last and value.dtype != "bool":
                # what comes last has the learning rate in it, which has a minus sign there
                value = value.negate()
            if label in ROOTED:
                value = _root(f"{found.where}, {place}", value)
            found.add(slot or "", str(path), Source(value, place, optional))


def _root(place: str, value: Value) -> Value:
    """Take the square root, in float32 at least."""
    wide = value.widen("float32") if value.dtype in (BFLOAT16, "float16") else value
    if wide.dtype.startswith("float") and np.any(wide.array < 0.0):
        message = f"{place}: got a negative number; expected squares, >= 0."
        raise ArgumentError(message)
    return wide._replace(array=np.sqrt(wide.array))
