"""The calls of clips."""

from __future__ import annotations

import anygrad as ag
from anygrad.trees.placing import on_device_of
from tests.parity.table import REAL, Routine

clips = ag.clipping
POLICIES = ("zero", "skip", "raise")
RAISES = "documented: it raises where a value is not finite"


def _examples(xp, a):
    """Gradients of two examples: the leading axis of both leaves numbers them."""
    b = a.grads["b"]
    with on_device_of(b):
        return {"w": a.grads["w"], "b": ag.namespace(b).stack([b, 2.0 * b])}


def _parts(xp, a):
    """The norm of a tree in two parts, as two processes have it, and the scale both apply."""
    norms = [clips.global_norm(a.grads[name]) for name in ("b", "w")]
    norm = clips.combine_norms(norms)
    return norm, clips.apply_scale(a.grads, clips.clip_scale(norm, 0.5))


def _measured(xp, a):
    measured = clips.measure(a.grads, 0.5)
    return {"norm": measured.norm, "clipped": measured.clipped, "settled": measured.settle()}


CLIPPING: list[Routine] = [
    Routine("clipping.global_norm", lambda xp, a: clips.global_norm(a.grads)),
    *(
        Routine(
            f"clipping.global_norm, ord={order}",
            lambda xp, a, order=order: clips.global_norm(a.grads, ord=order),
            covers=("clipping.global_norm",),
        )
        for order in (1, 2.5, float("inf"))
    ),
    Routine("clipping.clip_by_global_norm", lambda xp, a: clips.clip_by_global_norm(a.grads, 0.5)),
    *(
        Routine(
            f"clipping.clip_by_global_norm, nonfinite={policy}",
            lambda xp, a, policy=policy: clips.clip_by_global_norm(a.grads, 0.5, nonfinite=policy),
            reads=RAISES if policy == "raise" else "",
            covers=("clipping.clip_by_global_norm",),
        )
        for policy in POLICIES
    ),
    Routine("clipping.clip_by_norm", lambda xp, a: clips.clip_by_norm(a.grads, 0.5)),
    Routine("clipping.clip_by_value", lambda xp, a: clips.clip_by_value(a.grads, 0.5), dtypes=REAL),
    Routine("clipping.clip_by_block_rms", lambda xp, a: clips.clip_by_block_rms(a.grads, 0.5)),
    Routine("clipping.clip_adaptively", lambda xp, a: clips.clip_adaptively(a.grads, a.tree, 0.1)),
    Routine(
        "clipping.clip_per_example", lambda xp, a: clips.clip_per_example(_examples(xp, a), 0.5)
    ),
    Routine("clipping.normalize", lambda xp, a: clips.normalize(a.grads)),
    Routine("clipping.normalize_leaves", lambda xp, a: clips.normalize_leaves(a.grads)),
    Routine(
        "clipping.combine_norms",
        _parts,
        covers=("clipping.combine_norms", "clipping.clip_scale", "clipping.apply_scale"),
    ),
    Routine("clipping.measure", _measured),
    Routine(
        "clipping.first_bad",
        lambda xp, a: [float(clips.first_bad(clips.measure(a.grads, 0.5).finite) is None)],
        reads="documented: it looks for the path of a bad leaf",
        device_kept=False,
    ),
]
