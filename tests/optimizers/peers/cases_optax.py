"""The cases run with optax: each function's defaults, every hyperparameter moved, its switches.

Each is (function of optax, optimizer, hyperparameters, both under our names); what is not given is
optax's own default.
"""

from tests.optimizers.peers.cases_torch import DROP

R = {"learning_rate": 0.01}
FALLING = {"learning_rate": DROP}
MOMENTS = {"b1": 0.8, "b2": 0.99, "eps": 1e-3}

_BY_FUNCTION = {
    "sgd": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "momentum": 0.9},
        {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True},
        {**FALLING, "momentum": 0.9},
        {**FALLING, "momentum": 0.9, "nesterov": True},
    ],
    "sign_sgd": [R, FALLING],
    "signum": [R, {**R, "momentum": 0.5}, {**FALLING, "momentum": 0.8}],
    "adagrad": [
        {"learning_rate": 0.1},
        {**FALLING, "eps": 1e-3, "initial_accumulator": 0.5},
        {"learning_rate": 0.1, "initial_accumulator": 0.0},
    ],
    "adadelta": [
        {"learning_rate": 1.0},
        {"learning_rate": 0.5, "decay": 0.95, "eps": 1e-3, "weight_decay": 0.1},
        {**FALLING, "decay": 0.8},
    ],
    "rmsprop": [
        R,
        {**R, "decay": 0.8, "eps": 1e-3, "initial_accumulator": 0.5, "momentum": 0.7},
        {**R, "centered": True, "momentum": 0.9, "eps": 1e-3},
        {**R, "eps_in_sqrt": False, "eps": 1e-3},
        {**R, "eps_in_sqrt": False, "eps": 1e-3, "centered": True},
        {**R, "bias_correction": True},
        {**R, "bias_correction": True, "centered": True, "initial_accumulator": 0.5, "eps": 1e-3},
        {**R, "momentum": 0.9, "nesterov": True},
        {**FALLING, "momentum": 0.5, "decay": 0.99},
        {**FALLING, "momentum": 0.5, "nesterov": True, "centered": True, "eps": 1e-3},
    ],
    "adam": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3},
        {**R, "nesterov": True},
        {**FALLING, **MOMENTS, "eps_root": 1e-3},
        FALLING,
    ],
    "adamw": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.3, "eps": 1e-3},
    ],
    "nadam": [R, {**R, **MOMENTS, "eps_root": 1e-3}, FALLING],
    "nadamw": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.3},
    ],
    "amsgrad": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3},
        {**R, "b2": 0.95, "bias_correction_mu": False},
        {**R, "b2": 0.95, "bias_correction_nu": False},
        {**FALLING, "b2": 0.95, "bias_correction_mu": False, "bias_correction_nu": False},
    ],
    "radam": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3, "threshold": 4.5},
        {**R, "nesterov": True},
        {**R, "threshold": 20.0, "b2": 0.95},
        {**FALLING, "eps": 1e-3},
    ],
    "adamax": [R, {**R, "b1": 0.8, "b2": 0.9, "eps": 1e-3}, FALLING],
    "adamaxw": [
        R,
        {**R, "b1": 0.8, "b2": 0.9, "eps": 1e-3, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.3},
    ],
    "adabelief": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3},
        {**R, "nesterov": True, "eps": 1e-8},
        {**FALLING, "eps": 1e-8, "eps_root": 1e-8},
    ],
    "yogi": [R, {**R, "b1": 0.8, "b2": 0.99, "eps": 1e-2}, FALLING],
    "adan": [
        R,
        {
            **R,
            **{"b1": 0.9, "b2": 0.8, "b3": 0.95, "eps": 1e-3, "eps_root": 1e-3},
            "weight_decay": 0.1,
        },
        {**FALLING, "weight_decay": 0.02},
    ],
    "ademamix": [
        R,
        {**R, **MOMENTS, "b3": 0.95, "alpha": 2.0, "eps_root": 1e-3, "weight_decay": 0.1},
        {**FALLING, "b3": 0.99},
    ],
    "lion": [
        R,
        {**R, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.3},
    ],
    "lamb": [
        R,
        {**R, **MOMENTS, "eps_root": 1e-3, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.01},
    ],
    "lars": [
        {"learning_rate": 1.0},
        {
            "learning_rate": 0.5,
            **{"weight_decay": 0.1, "trust_coefficient": 0.02, "eps": 1e-3, "momentum": 0.8},
        },
        {"learning_rate": 0.5, "trust_coefficient": 0.02, "nesterov": True},
        {**FALLING, "trust_coefficient": 0.1, "weight_decay": 0.01},
    ],
    "novograd": [
        R,
        {**R, "b1": 0.8, "b2": 0.5, "eps": 1e-3, "eps_root": 1e-3, "weight_decay": 0.1},
        {**FALLING, "weight_decay": 0.01},
    ],
    "adafactor": [
        {},
        {"min_dim_size_to_factor": 2},
        {**R, "min_dim_size_to_factor": 4},
        {
            **{"factored": False, "min_dim_size_to_factor": 2},
            **{"learning_rate": 0.1, "multiply_by_parameter_scale": False},
        },
        {
            "learning_rate": 0.1,
            **{"min_dim_size_to_factor": 2, "beta2_decay": -0.6, "decay_offset": -3},
            **{"d": 0.5, "momentum": 0.9, "weight_decay": 0.01, "eps1": 1e-3},
        },
        {**FALLING, "min_dim_size_to_factor": 2, "d": None},
    ],
    "muon": [
        R,
        {
            **R,
            **{"ns_coefficients": (3.4, -4.7, 2.0), "ns_steps": 4, "momentum": 0.8, "eps": 1e-3},
            **{"weight_decay": 0.1, "nesterov": False, "consistent_rms": 0.2},
            **{"adam_b1": 0.8, "adam_b2": 0.99, "adam_eps_root": 1e-3},
            **{"adam_weight_decay": 0.05, "adam_learning_rate": 0.05},
        },
        {**R, "ns_coefficients": "dion"},
        {**R, "adaptive": True},
        {**R, "preconditioning": "spectral"},
        {**R, "preconditioning": "aol"},
        {**R, "preconditioning": "schatten"},
        {**FALLING, "weight_decay": 0.1},
    ],
    "schedule_free_sgd": [
        {},
        {
            "learning_rate": 0.1,
            **{"warmup_steps": 8, "b1": 0.8, "weight_decay": 0.1, "weight_lr_power": 1.0},
        },
        {"learning_rate": 0.1, "weight_decay": 0.1},
        FALLING,
    ],
    "schedule_free_adamw": [
        {},
        {
            "learning_rate": 0.1,
            **{"warmup_steps": 8, **MOMENTS, "weight_decay": 0.1, "weight_lr_power": 1.0},
        },
        {"learning_rate": 0.01, "weight_decay": 0.1},
        {**FALLING, "eps": 1e-3},
    ],
    "prodigy": [
        {},
        {
            "learning_rate": 0.5,
            **{**MOMENTS, "b3": 0.97, "estim_lr0": 1e-3, "estim_lr_coef": 0.5},
            "weight_decay": 0.1,
        },
        {"safeguard_warmup": True, "estim_lr0": 1e-3},
        {**FALLING, "estim_lr0": 1e-2},
    ],
    "dog": [
        {},
        {"learning_rate": 0.5, "init_step": ("distance", 0.1), "eps": 1e-3, "weight_decay": 0.1},
        {"init_step": ("learning_rate", 1e-3)},
        {**FALLING, "init_step": ("heuristic", 0.01)},
    ],
    "dowg": [
        {},
        {"learning_rate": 0.5, "init_estim_sq_dist": 0.01, "eps": 1e-3, "weight_decay": 0.1},
        FALLING,
    ],
    "polyak_sgd": [
        {},
        {"max_learning_rate": 0.02, "scaling": 0.1, "f_min": 1.0, "eps": 0.5},
        {"f_min": 20.0, "variant": "sps+"},
        {"scaling": DROP},
    ],
    "lookahead": [  # around sgd
        {"learning_rate": 0.1, "sync_period": 5, "slow_step_size": 0.5},
        {"learning_rate": 0.1, "momentum": 0.9, "sync_period": 3, "slow_step_size": 0.8},
        {
            "learning_rate": 0.1,
            **{"momentum": 0.9, "sync_period": 5, "slow_step_size": 0.5, "reset_state": True},
        },
    ],
    # around sgd, with adv_optimizer = chain(normalize(), sgd(rho)); runs on the quadratic
    "sam": [
        {"learning_rate": 0.05, "rho": 0.1},
        {"learning_rate": 0.05, "momentum": 0.9, "rho": 0.1},
        {"learning_rate": 0.05, "momentum": 0.9, "rho": 0.1, "sync_period": 3},
        {"learning_rate": 0.05, "momentum": 0.9, "rho": 0.1, "opaque_mode": True},
        {"learning_rate": 0.05, "rho": 0.1, "sync_period": 3, "opaque_mode": True},
    ],
}

_DEFECTS = {
    "rprop": [
        R,
        {"learning_rate": 0.1, "etas": (0.3, 1.4), "step_sizes": (0.05, 0.15)},
    ],
    "adadelta": [{}],
    "muon": [{**R, "ns_coefficients": "dion", "ns_steps": 7}],
}
WHAT = {
    "rprop": "each step applies the update of the step before; the first moves nothing",
    "adadelta": "without a learning rate, the default, the sign is not turned: it ascends",
    "muon": "ns_steps above the number of coefficients runs only those; below it raises",
}

# functions that are a switch of another optimizer of ours
SWITCHED = {
    "nadamw": ("nadam", {"decoupled_weight_decay": True, "weight_decay": 1e-4}),
    "adamaxw": ("adamax", {"decoupled_weight_decay": True, "weight_decay": 1e-4}),
}


def _flat(table):
    for function, sets in table.items():
        name, switch = SWITCHED.get(function, (function, {}))
        yield from ((function, name, {**switch, **given}) for given in sets)


CASES = list(_flat(_BY_FUNCTION))
DEFECTS = list(_flat(_DEFECTS))
