"""Write values.json: what the schedules of PyTorch, optax, Keras and others give, in float64.

Run ``python -m tests.schedules.peers.generate`` where all of them are installed (torch, optax,
keras, pytorch_optimizer). The tests read the file only, so they need none.
"""

import json
import os
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tests.schedules.peers import cases

STEPS, RATE = 60, 0.3


def make_optimizer():
    import torch

    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE, momentum=0.9)


def run(make, steps, slots=("lr",)):
    optimizer = make_optimizer()
    scheduler = make(optimizer)
    found = []
    for step in range(steps):
        found.append([float(optimizer.param_groups[0][slot]) for slot in slots])
        if step + 1 < steps:
            optimizer.step()
            scheduler.step()
    return [list(column) for column in zip(*found, strict=True)]


def torch_rows():
    import torch

    t = torch.optim.lr_scheduler
    for ours, make, *rest in cases.TORCH:
        yield "torch", ours, run(partial(make, t), *rest or [STEPS])[0]
    for rate, momentum, make in cases.TORCH_PAIRS:
        rates, momenta = run(partial(make, t), STEPS, ("lr", "momentum"))
        yield "torch", rate, rates
        yield "torch", momentum, momenta


def optax_rows():
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)  # without it, all of optax is in float32
    for ours, make in cases.OPTAX:
        schedule = make(optax)
        yield "optax", ours, [float(schedule(np.int64(step))) for step in range(STEPS)]


def keras_rows():
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch

    double = partial(torch.tensor, dtype=torch.float64)

    for ours, make in cases.KERAS:
        schedule = make(keras.optimizers.schedules, double)
        yield "keras", ours, [float(schedule(step)) for step in range(STEPS)]


def pytorch_optimizer_rows():
    import pytorch_optimizer

    for ours, make in cases.WSD:
        rates = run(partial(make, pytorch_optimizer), STEPS)[0]
        yield "pytorch_optimizer", ours, rates
    rex, rates = pytorch_optimizer.REXScheduler(make_optimizer(), 50, RATE, 0.01), []
    for rex.step_t in range(STEPS):
        rates.append(rex.get_linear_lr())
    yield "pytorch_optimizer", "rex(0.3, 50, final=0.01)", rates


def plateau_rows():
    import torch

    draws = np.random.default_rng(11)
    falling = 2.0 * np.exp(-np.arange(STEPS) / 15.0) + 0.1 * draws.standard_normal(STEPS) + 0.5
    falling[30] = np.nan
    for given in cases.PLATEAUS:
        metrics = falling if given.get("mode") != "max" else 4.0 - falling
        named = {"min_lr" if name == "min_factor" else name: v for name, v in given.items()}
        if "min_lr" in named:
            named["min_lr"] *= RATE
        optimizer = make_optimizer()
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0.0, **named)
        rates = []
        for metric in metrics:
            scheduler.step(metric)
            rates.append(optimizer.param_groups[0]["lr"])
        shown = [None if np.isnan(metric) else float(metric) for metric in metrics]
        yield {"given": given, "metrics": shown, "rates": rates}


def main():
    packages = ("torch", "optax", "jax", "keras", "pytorch_optimizer", "numpy")
    rows = [*torch_rows(), *optax_rows(), *keras_rows(), *pytorch_optimizer_rows()]
    written = {
        "versions": {name: version(name) for name in packages},
        "schedules": [dict(zip(("peer", "ours", "values"), row, strict=True)) for row in rows],
        "plateaus": {"initial_rate": RATE, "rows": list(plateau_rows())},
    }
    path = Path(__file__).with_name("values.json")
    path.write_text(json.dumps(written, indent=1) + "\n")
    print(f"{path}: {len(rows)} schedules of {written['versions']}")


if __name__ == "__main__":
    main()
