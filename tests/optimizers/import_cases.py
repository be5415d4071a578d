"""The optimizers whose states are imported, in the words of both sides."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from anygrad import optimizers as o

SHAPES = {"layer": {"w": (2, 3), "b": (2,)}, "scale": ()}
MATRICES = {"w": (2, 3), "a": (4, 2)}
DEEP = {"w": (2, 3), "k": (3, 2, 4), "b": (2,)}

R = {"learning_rate": 0.01}
FALLING = {"learning_rate": lambda step: 0.1 / (1 + step)}


class Case(NamedTuple):
    """An optimizer in the words of both sides."""

    ours: Callable[..., Any]
    given: Mapping[str, Any] = R
    theirs: str = ""  # if its name is another
    renamed: Mapping[str, str] = {}
    counted_by_us: bool = False
    shapes: Mapping[str, Any] = SHAPES
    ours_only: Mapping[str, Any] = {}  # what the peer's name says
    theirs_only: Mapping[str, Any] = {}

    @property
    def peer(self):
        return self.theirs or self.ours.__name__

    def keywords(self):
        given = {self.renamed.get(name, name): value for name, value in self.given.items()}
        return {**given, **self.theirs_only}

    def optimizer(self, compat):
        return self.ours(**self.given, **self.ours_only, compat=compat)

    def grads(self):
        return [draw(self.shapes, 100 + step) for step in range(10)]


def draw(shapes, seed):
    rng = np.random.default_rng(seed)

    def fill(node):
        if isinstance(node, dict):
            return {name: fill(below) for name, below in node.items()}
        return np.asarray(rng.standard_normal(node))

    return fill(shapes)


TORCH_CASES = {
    "adam": Case(o.adam, {**R, "weight_decay": 0.1}),
    "adamw": Case(o.adamw, theirs="AdamW"),
    "amsgrad": Case(o.adam, {**R, "amsgrad": True}),
    "amsgrad by name": Case(o.amsgrad, theirs="Adam", theirs_only={"amsgrad": True}),
    "nadam": Case(o.nadam, theirs="NAdam"),
    "nadam with decay": Case(
        o.nadam,
        {**R, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1},
        "NAdam",
    ),
    # rectified from step 6 on
    "radam": Case(o.radam, theirs="RAdam"),
    "adamax": Case(o.adamax),
    "sgd": Case(o.sgd, counted_by_us=True, theirs="SGD"),
    "momentum": Case(o.sgd, {**R, "momentum": 0.9}, "SGD", counted_by_us=True),
    "dampened": Case(o.sgd, {**R, "momentum": 0.9, "dampening": 0.5}, "SGD", counted_by_us=True),
    "rmsprop": Case(o.rmsprop, theirs="RMSprop"),
    "rmsprop whole": Case(o.rmsprop, {**R, "centered": True, "momentum": 0.5}, "RMSprop"),
    "adagrad": Case(o.adagrad, {**R, "lr_decay": 0.1}),
    "adadelta": Case(o.adadelta, {"learning_rate": 1.0, "decay": 0.8}, renamed={"decay": "rho"}),
    "rprop": Case(o.rprop),
    # averages from step 3 on
    "asgd": Case(o.asgd, {**R, "lambd": 0.1, "t0": 2.0}, "ASGD"),
    "adafactor": Case(o.adafactor, shapes=DEEP),
    "muon": Case(o.muon, theirs="Muon", shapes=MATRICES, counted_by_us=True),
}


DECAY = {**R, "weight_decay": 0.1}
NESTEROV = {**R, "nesterov": True}
BUFFER = {**R, "momentum": 0.9}
OPTAX_CASES = {
    "adam": Case(o.adam, {**R, "b1": 0.8}),
    "adamw": Case(o.adamw, DECAY),
    "falling": Case(o.adam, FALLING),
    "amsgrad": Case(o.amsgrad),
    "adamax": Case(o.adamax),
    "adamaxw": Case(o.adamax, DECAY, "adamaxw", ours_only={"decoupled_weight_decay": True}),
    # which needs no product of momenta: theirs is constant
    "nadam": Case(o.adam, theirs="nadam", ours_only={"nesterov": True}),
    "nadamw": Case(o.adamw, DECAY, "nadamw", ours_only={"nesterov": True}),
    "radam": Case(o.radam),
    "radam falling": Case(o.radam, {**FALLING, "nesterov": True}),
    "adabelief": Case(o.adabelief),
    "yogi": Case(o.yogi),
    "adan": Case(o.adan, {**DECAY, "eps": 1e-3}),
    "ademamix": Case(o.ademamix, DECAY),
    "lion": Case(o.lion, DECAY),
    "sign_sgd": Case(o.sign_sgd, counted_by_us=True),
    "sign_sgd falling": Case(o.sign_sgd, FALLING),
    "signum": Case(o.signum, BUFFER, renamed={"momentum": "beta"}),
    "lamb": Case(o.lamb, DECAY),
    "lars": Case(o.lars, {"learning_rate": 1.0, "weight_decay": 0.1}, counted_by_us=True),
    "lars falling": Case(o.lars, {**FALLING, "nesterov": True}),
    "novograd": Case(o.novograd, DECAY),
    "sgd": Case(o.sgd, counted_by_us=True),
    "momentum": Case(o.sgd, {**BUFFER, "nesterov": True}, counted_by_us=True),
    "falling momentum": Case(o.sgd, {**FALLING, "momentum": 0.9}),
    "rmsprop": Case(o.rmsprop, counted_by_us=True),
    "rmsprop whole": Case(o.rmsprop, {**BUFFER, "centered": True}, counted_by_us=True),
    "falling rmsprop": Case(o.rmsprop, {**FALLING, "momentum": 0.9, "nesterov": True}),
    "rmsprop corrected": Case(o.rmsprop, {**R, "bias_correction": True}),
    "rmsprop all corrected": Case(
        o.rmsprop, {**BUFFER, "nesterov": True, "bias_correction": True, "centered": True}
    ),
    "adagrad": Case(o.adagrad, counted_by_us=True),
    "adadelta": Case(
        o.adadelta,
        {"learning_rate": 0.5, "decay": 0.8},
        renamed={"decay": "rho"},
        counted_by_us=True,
    ),
    "adafactor": Case(
        o.adafactor, {"learning_rate": 0.1, "min_dim_size_to_factor": 2}, shapes=DEEP
    ),
    "adafactor whole": Case(
        o.adafactor,
        {"learning_rate": 0.1, "min_dim_size_to_factor": 3, "momentum": 0.9, "weight_decay": 0.01},
        renamed={"weight_decay": "weight_decay_rate"},
        shapes=DEEP,
    ),
    "muon": Case(o.muon, {**FALLING, "weight_decay": 0.1}),
    "muon of matrices": Case(o.muon, {**R, "nesterov": False}, shapes=MATRICES),
    "schedule_free_sgd": Case(o.schedule_free_sgd, DECAY),
    "schedule_free_sgd warming": Case(o.schedule_free_sgd, {**R, "warmup_steps": 8, "b1": 0.8}),
    "schedule_free_adamw": Case(o.schedule_free_adamw, DECAY),
    "prodigy": Case(o.prodigy, {"learning_rate": 1.0, "estim_lr0": 1e-3, "weight_decay": 0.1}),
    "prodigy safe": Case(o.prodigy, {"safeguard_warmup": True, "b3": 0.9}, renamed={"b3": "beta3"}),
    "dog": Case(o.dog, {"weight_decay": 0.1}, counted_by_us=True),
    "dog from a rate": Case(o.dog, {"init_step": ("learning_rate", 1e-3)}, counted_by_us=True),
    "dowg": Case(o.dowg, {"init_estim_sq_dist": 0.01}, counted_by_us=True),
    "dowg falling": Case(o.dowg, FALLING),
    "polyak_sgd": Case(o.polyak_sgd, {"max_learning_rate": 0.02}, counted_by_us=True),
    "polyak_sgd falling": Case(o.polyak_sgd, {"scaling": FALLING["learning_rate"], "f_min": 0.5}),
}

# above a second, for JAX compiles them
LONG = {"muon", "muon of matrices", "adafactor", "adafactor whole"}
