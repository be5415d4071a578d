"""The table behind the generic tests: each optimizer in several settings, and each worked by hand.

The rows of a family stand in ``rows/``, in a module with the name of the family's module.
"""

from tests.optimizers.rows import (
    adaptive,
    averaged_descent,
    distances,
    estimates,
    factored,
    layerwise,
    matrices,
    mixtures,
    moments,
    momentum,
    nesterov,
    polyak,
    rectification,
    resilient,
    schedule_free,
    second_moments,
    signs,
    trust_ratios,
    unitless,
)

PEERS = ("optax", "torch")
# Public transforms that are parts of a chain and no optimizers.
PARTS = [
    *("clip_by_global_norm", "clip_by_norm", "clip_by_value"),
    *("add_weight_decay", "chain", "from_formula", "scale", "scale_by_learning_rate"),
    *("freeze", "masked"),
    *("centralize", "scale_by_trust_ratio"),
    *("accumulate", "add_noise", "apply_if_finite", "averaged", "dynamic_loss_scale"),
    *("lookahead", "monitored", "sam", "stochastic_weight_average"),
    *("clip_adaptively", "clip_by_block_rms", "clip_by_quantile", "clip_by_zscore"),
    *("clip_per_example", "normalize", "normalize_leaves"),
]
FAMILIES = (
    adaptive,
    averaged_descent,
    distances,
    estimates,
    factored,
    layerwise,
    matrices,
    mixtures,
    moments,
    momentum,
    nesterov,
    polyak,
    rectification,
    resilient,
    schedule_free,
    second_moments,
    signs,
    trust_ratios,
    unitless,
)
ROWS = [row for family in FAMILIES for row in family.ROWS]
FIRST_ROWS = list({row.name: row for row in reversed(ROWS)}.values())
"""The first setting of each optimizer."""
