"""The cases run with PyTorch: its own test table (common_optimizers.py) and more beside it.

Each is (optimizer, hyperparameters under our names); what is not given is PyTorch's own default.
"""

DROP = {"initial": 0.1, "factor": 0.1, "every": 25}  # a learning rate that falls during the run
LOW_DROP = {"initial": 0.01, "factor": 0.1, "every": 25}

_ADAM = [
    {},
    {"learning_rate": 0.01},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "maximize": True},
    {"weight_decay": 0.1, "amsgrad": True},
    {"learning_rate": 0.001, "amsgrad": True},
    {"learning_rate": 0.001, "b1": 0.9, "b2": 0.99, "amsgrad": True},
    {"learning_rate": 0.001, "b1": 0.9, "b2": 0.99},
    # beside the table
    {"learning_rate": DROP},
    {"learning_rate": DROP, "b1": 0.8, "b2": 0.95, "eps": 1e-3, "amsgrad": True},
    {"learning_rate": 0.05, "b1": 0.8, "b2": 0.99, "eps": 1e-3, "weight_decay": 0.3},
]

_BY_OPTIMIZER = {
    "sgd": [
        {},
        {"learning_rate": 0.01},
        {"learning_rate": 0.001},
        {"weight_decay": 0.5},
        {"momentum": 0.9},
        {"weight_decay": 0.1, "maximize": True},
        {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.9, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        # beside the table
        {"learning_rate": DROP, "momentum": 0.9},
        {"learning_rate": DROP, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.2},
        {"learning_rate": DROP, "momentum": 0.8, "nesterov": True, "maximize": True},
    ],
    "adagrad": [
        {},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "maximize": True},
        {"learning_rate": 0.1},
        {"initial_accumulator": 0.1, "weight_decay": 0.1},
        {"learning_rate": 0.1, "lr_decay": 0.5, "weight_decay": 0.1},
        {"learning_rate": 0.001},
        # beside the table
        {"learning_rate": DROP, "lr_decay": 0.1, "initial_accumulator": 0.5, "eps": 1e-3},
        {"learning_rate": 0.1, "eps": 1e-3},
    ],
    "adadelta": [
        {},
        {"learning_rate": 0.01},
        {"weight_decay": 0.1},
        {"maximize": True},
        {"weight_decay": 0.1, "maximize": True},
        {"decay": 0.95, "weight_decay": 0.9},
        {"learning_rate": 0.001},
        # beside the table
        {"eps": 1e-3},
        {"learning_rate": DROP, "decay": 0.8, "eps": 1e-3, "weight_decay": 0.1},
    ],
    "rmsprop": [
        {},
        {"learning_rate": 1e-3},
        {"weight_decay": 0.1},
        {"maximize": True},
        {"weight_decay": 0.1, "centered": True},
        {"maximize": True, "weight_decay": 0.1},
        {"weight_decay": 0.1, "centered": True, "momentum": 0.1},
        {"weight_decay": 0.1, "centered": True, "momentum": 0.1, "maximize": True},
        # beside the table
        {"centered": True, "momentum": 0.9, "weight_decay": 0.1, "eps": 1e-3},
        {"learning_rate": DROP, "decay": 0.9, "momentum": 0.5},
    ],
    "rprop": [
        {},
        {"learning_rate": 2e-4},
        {"etas": (0.5, 1.5)},
        {"step_sizes": (2e-6, 100)},
        {"maximize": True},
        {"learning_rate": 0.001},
        # beside the table: both limits of the step are reached
        {"learning_rate": 0.1, "etas": (0.3, 1.4), "step_sizes": (0.05, 0.15)},
        {"learning_rate": DROP},  # without effect: it is read once
    ],
    "adam": _ADAM,
    "adamw": _ADAM,
    "adamax": [
        {},
        {"learning_rate": 0.1},
        {"weight_decay": 0.1},
        {"maximize": True},
        {"weight_decay": 0.1, "maximize": True},
        {"weight_decay": 0.9, "maximize": True},
        {"weight_decay": 0.9},
        {"learning_rate": 0.001, "weight_decay": 0.9},
        # beside the table
        {"learning_rate": DROP, "eps": 1e-3},
        {"learning_rate": 0.05, "b1": 0.8, "b2": 0.9, "eps": 1e-3, "weight_decay": 0.2},
    ],
    "nadam": [
        {},
        {"learning_rate": 1e-3},
        {"momentum_decay": 6e-3},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "momentum_decay": 6e-3},
        {"weight_decay": 0.1, "momentum_decay": 6e-3, "decoupled_weight_decay": True},
        {"weight_decay": 0.1, "maximize": True},
        {"weight_decay": 0.9, "momentum_decay": 6e-3},
        {"weight_decay": 0.9, "momentum_decay": 6e-3, "decoupled_weight_decay": True},
        {
            "learning_rate": 0.001,
            "weight_decay": 0.9,
            "momentum_decay": 6e-3,
            "decoupled_weight_decay": True,
        },
        # beside the table
        {"learning_rate": DROP, "eps": 1e-3},
        {"learning_rate": 0.05, "b1": 0.8, "b2": 0.99, "eps": 1e-3, "momentum_decay": 1.0},
        {"learning_rate": DROP, "weight_decay": 0.3, "decoupled_weight_decay": True},
    ],
    "radam": [
        {},
        {"learning_rate": 2e-3},
        {"eps": 1e-6},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
        {"weight_decay": 0.1, "maximize": True},
        {"learning_rate": 0.001, "weight_decay": 0.1, "decoupled_weight_decay": True},
        # beside the table
        {"learning_rate": DROP, "eps": 1e-3},
        {"learning_rate": 0.05, "b1": 0.8, "b2": 0.9, "eps": 1e-3, "weight_decay": 0.2},
        {"learning_rate": DROP, "weight_decay": 0.3, "decoupled_weight_decay": True},
        {"learning_rate": 0.05, "b2": 0.6},  # never rectified: the length stays below 5
    ],
    "adafactor": [
        {},
        {"weight_decay": 0.1, "learning_rate": 0.01},
        {"weight_decay": 0.1, "maximize": True},
        {"beta2_decay": -1.0},
        {"d": 1.5},
        # beside the table
        {"learning_rate": 0.5, "beta2_decay": -0.6, "eps1": 1e-3, "eps2": 0.1, "d": 1.2},
        {"learning_rate": 0.5, "weight_decay": 0.1, "eps1": 0.1, "eps2": 1e-2},
        {"learning_rate": DROP, "weight_decay": 0.3, "eps2": 0.05},
    ],
    "muon": [
        {},
        {"learning_rate": 0.01},
        {"learning_rate": 0.001},
        {"weight_decay": 0.2},
        {"momentum": 0.8},
        {"ns_steps": 6},
        {"ns_coefficients": (3.4, -4.7, 2.0)},
        # beside the table
        {"learning_rate": 0.1, "nesterov": False, "weight_decay": 0.0, "eps": 1e-3},
        {"learning_rate": DROP, "adjust_learning_rate": "match_rms_adamw"},
        {"learning_rate": 0.1, "adjust_learning_rate": "original", "momentum": 0.5, "eps": 50.0},
    ],
    "asgd": [
        {},
        {"lambd": 0.1},
        {"learning_rate": 0.02},
        {"t0": 100},
        {"maximize": True},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "maximize": True},
        {"learning_rate": 0.001, "weight_decay": 0.1, "maximize": True},
        # beside the table: the averaging begins, and the learning rate falls
        {"t0": 10, "lambd": 0.1, "alpha": 0.5, "learning_rate": 0.02},
        {"t0": 0, "lambd": 0.01, "learning_rate": LOW_DROP, "weight_decay": 0.1},
    ],
}

CASES = [(name, given) for name, sets in _BY_OPTIMIZER.items() for given in sets]
