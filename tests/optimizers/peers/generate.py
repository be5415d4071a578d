"""Write trajectories.json: what PyTorch's and optax's own optimizers do, step by step, in float64.

Run ``python tests/optimizers/peers/generate.py`` where torch and optax are installed. The tests
read the file only, so they need neither.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

STEPS, SIZE = 60, 6
KEPT = (1, 2, 3, 5, 10, 25, 26, 40, 60)
DROP = {"initial": 0.1, "factor": 0.1, "every": 25}  # a learning rate that falls during the run

# (optimizer, hyperparameters under our names); what is not given is the peer's own default
CASES = {
    "torch": [
        ("sgd", {}),
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
        ("sgd", {"learning_rate": DROP, "momentum": 0.9}),
        ("adagrad", {}),
        (
            "adagrad",
            {"lr_decay": 0.1, "initial_accumulator": 0.5, "weight_decay": 0.1, "eps": 0.01},
        ),
        ("rmsprop", {}),
        ("rmsprop", {"centered": True, "momentum": 0.9, "weight_decay": 0.1, "eps": 1e-3}),
        ("rmsprop", {"learning_rate": DROP, "decay": 0.9, "momentum": 0.5, "maximize": True}),
        ("adam", {}),
        ("adam", {"b1": 0.8, "b2": 0.99, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
        ("adam", {"learning_rate": DROP}),
        ("adamw", {}),
        ("adamw", {"learning_rate": DROP, "weight_decay": 0.3, "eps": 1e-3, "maximize": True}),
    ],
    "optax": [
        ("sgd", {"learning_rate": 0.1}),
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
        ("sgd", {"learning_rate": DROP, "momentum": 0.9}),
        ("adagrad", {"learning_rate": 0.1}),
        ("adagrad", {"learning_rate": DROP, "eps": 0.01, "initial_accumulator": 0.5}),
        ("rmsprop", {"learning_rate": 0.01}),
        ("rmsprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.9, "eps": 1e-3}),
        ("rmsprop", {"learning_rate": DROP, "momentum": 0.5, "decay": 0.99}),
        ("rmsprop", {"learning_rate": 0.01, "eps_in_sqrt": False, "eps": 1e-3}),
        ("adam", {"learning_rate": 0.01}),
        ("adam", {"learning_rate": DROP, "b1": 0.8, "b2": 0.99, "eps": 1e-3, "eps_root": 1e-3}),
        ("adamw", {"learning_rate": 0.01}),
        ("adamw", {"learning_rate": DROP, "weight_decay": 0.3, "eps": 1e-3}),
    ],
}


def make_gradients():
    """A fresh gradient each step, of sizes 1e-4 to 1e2; the last element is always zero."""
    draws = np.random.default_rng(7).standard_normal((STEPS, SIZE))
    return draws * [1e-4, 1e-2, 1.0, 1.0, 1e2, 0.0]


def rate_at(rate, step):
    if isinstance(rate, dict):
        return rate["initial"] * rate["factor"] ** (step // rate["every"])
    return rate


def run_torch(name, given, start, gradients):
    import torch

    kinds = {
        "sgd": torch.optim.SGD,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    names = {"decay": "alpha", "initial_accumulator": "initial_accumulator_value"}
    rate = given.get("learning_rate")
    keywords = {
        names.get(k, k): v for k, v in given.items() if k not in ("learning_rate", "b1", "b2")
    }
    if "b1" in given:
        keywords["betas"] = (given["b1"], given["b2"])
    if rate is not None:
        keywords["lr"] = rate_at(rate, 0)
    p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = kinds[name]([p], foreach=False, **keywords)
    for step, g in enumerate(gradients):
        if rate is not None:
            optimizer.param_groups[0]["lr"] = rate_at(rate, step)
        p.grad = torch.tensor(g)
        optimizer.step()
        yield p.detach().numpy().copy()


def run_optax(name, given, start, gradients):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    names = {"initial_accumulator": "initial_accumulator_value"}
    keywords = {names.get(k, k): v for k, v in given.items()}
    rate = keywords["learning_rate"]
    if isinstance(rate, dict):
        keywords["learning_rate"] = lambda step: (
            rate["initial"] * rate["factor"] ** (step // rate["every"])
        )
    optimizer = getattr(optax, name)(**keywords)
    p = jnp.asarray(start)
    state = optimizer.init(p)
    for g in gradients:
        updates, state = optimizer.update(jnp.asarray(g), state, p)
        p = optax.apply_updates(p, updates)
        yield np.asarray(p)


def main():
    gradients = make_gradients()
    start = np.linspace(-1.0, 1.5, SIZE)
    rows = []
    for peer, run in (("torch", run_torch), ("optax", run_optax)):
        for name, given in CASES[peer]:
            path = list(run(name, given, start, gradients))
            points = {str(step): path[step - 1].tolist() for step in KEPT}
            rows.append({"peer": peer, "optimizer": name, "given": given, "points": points})
    sources = {name: version(name) for name in ("torch", "optax", "jax", "numpy")}
    document = {
        "sources": sources,
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "trajectories": rows,
    }
    Path(__file__).with_name("trajectories.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
