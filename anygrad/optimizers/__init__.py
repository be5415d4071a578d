"""Optimizers: one formula each, and transforms that chain.

Every factory returns a `Transform` with ``init(params)``, ``update(grads, state, params)`` and
``step(params, grads, state)``. ``OPTIMIZERS`` lists the optimizers by name.
"""

from __future__ import annotations

from collections.abc import Callable

from anygrad.optimizers.chains import chain
from anygrad.optimizers.clips.examples import clip_per_example
from anygrad.optimizers.clips.joint import (
    clip_adaptively,
    clip_by_global_norm,
    clip_by_value,
    normalize,
)
from anygrad.optimizers.clips.leafwise import clip_by_block_rms, clip_by_norm, normalize_leaves
from anygrad.optimizers.clips.quantiles import clip_by_quantile
from anygrad.optimizers.clips.zscores import clip_by_zscore
from anygrad.optimizers.evaluating import evaluation_params
from anygrad.optimizers.families.adaptive import adagrad, rmsprop
from anygrad.optimizers.families.averaged_descent import asgd
from anygrad.optimizers.families.distances import dog, dowg
from anygrad.optimizers.families.estimates import prodigy
from anygrad.optimizers.families.factored import adafactor
from anygrad.optimizers.families.layerwise import novograd
from anygrad.optimizers.families.matrices import muon
from anygrad.optimizers.families.mixtures import ademamix
from anygrad.optimizers.families.moments import adam, adamw, amsgrad
from anygrad.optimizers.families.momentum import sgd
from anygrad.optimizers.families.nesterov import adan, nadam
from anygrad.optimizers.families.polyak import polyak_sgd
from anygrad.optimizers.families.rectification import radam
from anygrad.optimizers.families.resilient import rprop
from anygrad.optimizers.families.schedule_free import schedule_free_adamw, schedule_free_sgd
from anygrad.optimizers.families.second_moments import adabelief, adamax, yogi
from anygrad.optimizers.families.signs import lion, sign_sgd, signum
from anygrad.optimizers.families.trust_ratios import lamb, lars
from anygrad.optimizers.families.unitless import adadelta
from anygrad.optimizers.formula import from_formula
from anygrad.optimizers.masks import freeze, masked
from anygrad.optimizers.report import Info, info
from anygrad.optimizers.saving.files import load, read_metadata, save
from anygrad.optimizers.saving.importing import from_optax, from_torch
from anygrad.optimizers.saving.restoring import Difference, Restoration, restore
from anygrad.optimizers.transform import Transform, apply_updates
from anygrad.optimizers.wrappers.accumulating import accumulate
from anygrad.optimizers.wrappers.averaging import averaged, stochastic_weight_average
from anygrad.optimizers.wrappers.looking_ahead import lookahead
from anygrad.optimizers.wrappers.loss_scaling import dynamic_loss_scale, loss_scale
from anygrad.optimizers.wrappers.monitoring import monitored
from anygrad.optimizers.wrappers.noise import add_noise
from anygrad.optimizers.wrappers.scaling import (
    add_weight_decay,
    centralize,
    scale,
    scale_by_learning_rate,
    scale_by_trust_ratio,
)
from anygrad.optimizers.wrappers.sharpness import sam
from anygrad.optimizers.wrappers.skipping import apply_if_finite

__all__ = [
    "OPTIMIZERS",
    "Difference",
    "Info",
    "Restoration",
    "Transform",
    "accumulate",
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adan",
    "add_noise",
    "add_weight_decay",
    "ademamix",
    "amsgrad",
    "apply_if_finite",
    "apply_updates",
    "asgd",
    "averaged",
    "centralize",
    "chain",
    "clip_adaptively",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_quantile",
    "clip_by_value",
    "clip_by_zscore",
    "clip_per_example",
    "dog",
    "dowg",
    "dynamic_loss_scale",
    "evaluation_params",
    "freeze",
    "from_formula",
    "from_optax",
    "from_torch",
    "info",
    "lamb",
    "lars",
    "lion",
    "load",
    "lookahead",
    "loss_scale",
    "masked",
    "monitored",
    "muon",
    "nadam",
    "normalize",
    "normalize_leaves",
    "novograd",
    "polyak_sgd",
    "prodigy",
    "radam",
    "read_metadata",
    "restore",
    "rmsprop",
    "rprop",
    "sam",
    "save",
    "scale",
    "scale_by_learning_rate",
    "scale_by_trust_ratio",
    "schedule_free_adamw",
    "schedule_free_sgd",
    "sgd",
    "sign_sgd",
    "signum",
    "stochastic_weight_average",
    "yogi",
]

OPTIMIZERS: dict[str, Callable[..., Transform]] = {
    name: found for name, found in sorted(globals().items()) if hasattr(found, "declaration")
}
"""Every optimizer by its name, sorted; all take ``learning_rate``, ``groups`` and ``compat``."""
