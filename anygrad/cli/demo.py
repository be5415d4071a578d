"""``anygrad demo``: a small network learns handwritten digits, from gradient check to picture."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import anygrad as ag
from anygrad import plots
from anygrad.backends import Array, Tree, device_of, import_package, namespace_of
from anygrad.errors import ArgumentError
from anygrad.ranges import check_count

HIDDEN = 128
CLASSES = 10
TEST_SIZE = 360  # of 1,797 images
SPLIT_SEED = 0  # every run has the same test images
BATCH_SIZE = 64
CHECKED = (
    400  # parameters whose gradient is checked; each takes ten evaluations of the loss or more
)
CHECKED_IMAGES = 4
MAX_NORM = 1.0
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 0.1
WARM_UP = 0.1  # of all steps
SHOWN = 48  # test images in the picture, mistakes first


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``anygrad demo``."""
    parser.add_argument("--backend", help="numpy or cupy; default: the setting")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the images; default 40")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches; default 0")
    parser.add_argument("--output", default="digits.png", help="the picture; default digits.png")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; the status is 0 when the gradient was right and the network trained.

    Raises
    ------
    AnygradError
        If the backend can't be used, a package is absent or an option is out of range.
    """
    epochs = check_count("--epochs", arguments.epochs, low=1)
    seed = check_count("--seed", arguments.seed)
    folder = Path(arguments.output).resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        message = f"--output: got {arguments.output!r}; expected a file in a folder one can write."
        raise ArgumentError(message)
    for package in ("sklearn", "matplotlib"):
        import_package(package, where="anygrad demo", extra="train")
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    # These matrices are too small to be shared among cores: waiting for each other costs more.
    with ag.use_backend(arguments.backend or ag.settings().backend), threadpool_limits(1):
        return demonstrate(epochs, seed, arguments.output)


def demonstrate(epochs: int, seed: int, output: str) -> int:
    """Load, check the gradient, train, draw, and tell the accuracy in the last line."""
    training, test = load_digits()
    params = new_network(np.random.default_rng(seed))
    print(f"digits: {training['image'].shape[0]:,} images to learn from, {TEST_SIZE} to test with")
    if not gradient_is_right(params, training):
        return 1
    batches = ag.training.batches(training, BATCH_SIZE, epochs=epochs, rng=seed)
    start = time.perf_counter()
    fit = ag.fit(
        loss,
        params,
        batches,
        new_optimizer(len(batches)),
        evaluate=lambda params: {"accuracy": accuracy(params, test)},
        monitor=True,
    )
    if fit.reason != "finished":
        print(fit.message, file=sys.stderr)
    final = float(ag.to_numpy(accuracy(fit.params, test)))
    facts = f"{len(fit.history)} steps in {time.perf_counter() - start:.1f} s, {place(params)}"
    print(f"trained: {facts}")
    draw(fit, test, f"test accuracy {final:.3f}, {facts}", output)
    print(f"picture: {output}")
    print(f"test accuracy {final:.3f}")
    return 0


def load_digits() -> tuple[Tree, Tree]:
    """Split scikit-learn's 8 x 8 images into training and test trees, on the configured device."""
    from sklearn import datasets

    digits: Any = datasets.load_digits()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits.target))
    test, training = order[:TEST_SIZE], order[TEST_SIZE:]
    return select(digits, training), select(digits, test)


def select(digits: Any, rows: np.ndarray) -> Tree:
    """Images with grey values from 0 to 1 beside one-hot labels."""
    image, label = digits["data"][rows] / 16.0, np.eye(CLASSES)[digits["target"][rows]]
    return {"image": ag.asarray(image), "label": ag.asarray(label)}


def new_network(rng: np.random.Generator) -> Tree:
    """Two layers; weights with the variance that keeps a rectifier's output in scale (He 2015)."""
    sizes = [64, HIDDEN, CLASSES]
    return [
        {
            "weight": ag.asarray(rng.standard_normal((fan_in, fan_out)) * (2.0 / fan_in) ** 0.5),
            "bias": ag.asarray(np.zeros(fan_out)),
        }
        for fan_in, fan_out in itertools.pairwise(sizes)
    ]


def scores(params: Tree, images: Array) -> Array:
    """Unnormalised log-probability of each class."""
    xp = namespace_of(images, params[0]["weight"])
    hidden = xp.maximum(xp.matmul(images, params[0]["weight"]) + params[0]["bias"], 0.0)
    return xp.matmul(hidden, params[1]["weight"]) + params[1]["bias"]


def loss(params: Tree, batch: Tree) -> Array:
    """Mean cross-entropy."""
    logits = scores(params, batch["image"])
    xp = namespace_of(logits)
    logits = logits - xp.max(logits, axis=1, keepdims=True)
    log_total = xp.log(xp.sum(xp.exp(logits), axis=1))
    return xp.mean(log_total - xp.sum(logits * batch["label"], axis=1))


def predict(params: Tree, images: Array) -> Array:
    """Most probable class of each image."""
    logits = scores(params, images)
    return namespace_of(logits).argmax(logits, axis=1)


def accuracy(params: Tree, data: Tree) -> Array:
    """Part of the images that are recognised; 0-d, on the device."""
    image, label = data["image"], data["label"]
    xp = namespace_of(image)
    right = predict(params, image) == xp.argmax(label, axis=1)
    return xp.mean(xp.astype(right, image.dtype))


def new_optimizer(steps: int) -> ag.optimizers.Transform:
    """Clip, then AdamW with a warm-up and a cosine back to zero."""
    warm_up = max(1, round(WARM_UP * steps))
    return ag.optimizers.chain(
        ag.optimizers.clip_by_global_norm(MAX_NORM),
        ag.optimizers.adamw(
            ag.schedules.warmup_cosine(LEARNING_RATE, warm_up, steps), weight_decay=WEIGHT_DECAY
        ),
    )


def gradient_is_right(params: Tree, training: Tree) -> bool:
    """Compare the gradient with numerical differences on a few images, and say so."""
    few = {name: array[:CHECKED_IMAGES, ...] for name, array in training.items()}
    report = ag.check_gradients(loss, params, few, samples=CHECKED)
    if not report.ok:
        print(f"gradient: {report}")
        return False
    print(f"gradient: agrees with numerical differences at {report.checked} parameters")
    print(f"          worst {report.worst}")
    return True


def place(params: Tree) -> str:
    """Backend and device of the parameters."""
    return f"{ag.settings().backend} on {device_of(params[0]['weight'])}"


def draw(fit: ag.training.Fit, test: Tree, subtitle: str, output: str) -> None:
    """Write the curves and a grid of test images, mistakes first."""
    data = ag.to_numpy(test)
    predicted = ag.to_numpy(predict(fit.params, test["image"]))
    truth = np.argmax(data["label"], axis=1)
    shown = np.argsort(predicted == truth, kind="stable")[:SHOWN]
    mistakes = int(np.sum(predicted != truth))
    plots.training_summary(
        fit.history,
        data["image"][shown].reshape(-1, 8, 8),
        predicted[shown],
        truth[shown],
        output,
        title="Handwritten digits, learned with anygrad",
        subtitle=f"{subtitle}. Test images with their predictions, the {mistakes} mistakes first.",
        columns=("loss", "gradient_norm", "accuracy"),
        marks={"gradient_norm": MAX_NORM},
    )
