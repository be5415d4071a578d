"""The table behind the generic tests: each optimizer in several settings, and each worked by hand.

The rows of a family stand in ``rows/``, in a module with the name of the family's module.
"""

from tests.optimizers.rows import adaptive, moments, momentum

PEERS = ("optax", "torch")
# Public transforms that are parts of a chain and no optimizers.
PARTS = [
    *("clip_by_global_norm", "clip_by_norm", "clip_by_value"),
    *("add_weight_decay", "chain", "from_formula", "scale", "scale_by_learning_rate"),
    *("freeze", "masked"),
]
ROWS = [row for family in (adaptive, moments, momentum) for row in family.ROWS]
