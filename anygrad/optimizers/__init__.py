"""Optimizers: one formula each, and transforms that chain.

Every factory returns a `Transform` with ``init(params)``, ``update(grads, state, params)`` and
``step(params, grads, state)``. ``OPTIMIZERS`` lists the optimizers by name.
"""

from __future__ import annotations

from collections.abc import Callable

from anygrad.optimizers.adaptive import adagrad, rmsprop
from anygrad.optimizers.chains import chain
from anygrad.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from anygrad.optimizers.formula import from_formula
from anygrad.optimizers.masks import freeze, masked
from anygrad.optimizers.moments import adam, adamw, amsgrad
from anygrad.optimizers.momentum import sgd
from anygrad.optimizers.report import Info, info
from anygrad.optimizers.scaling import add_weight_decay, scale, scale_by_learning_rate
from anygrad.optimizers.transform import Transform, apply_updates

__all__ = [
    "OPTIMIZERS",
    "Info",
    "Transform",
    "adagrad",
    "adam",
    "adamw",
    "add_weight_decay",
    "amsgrad",
    "apply_updates",
    "chain",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "freeze",
    "from_formula",
    "info",
    "masked",
    "rmsprop",
    "scale",
    "scale_by_learning_rate",
    "sgd",
]

OPTIMIZERS: dict[str, Callable[..., Transform]] = {
    name: found for name, found in sorted(globals().items()) if hasattr(found, "declaration")
}
"""Every optimizer by its name, sorted; all take ``learning_rate``, ``groups`` and ``compat``."""
