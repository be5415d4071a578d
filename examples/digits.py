"""A two-layer network learns to read handwritten digits; `anygrad demo` shows more of it."""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import anygrad as ag

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--backend", default="numpy", help="numpy or cupy")
ag.configure(backend=parser.parse_args().backend)

# 1,797 images of 8 x 8 pixels; the last 360 of a shuffled deck are for the exam.
rng = np.random.default_rng(0)
digits = load_digits()
order = rng.permutation(len(digits.target))
images = digits.data[order] / 16.0
labels = np.eye(10)[digits.target[order]]
training = {"image": ag.asarray(images[:-360]), "label": ag.asarray(labels[:-360])}
exam = {"image": ag.asarray(images[-360:]), "label": ag.asarray(labels[-360:])}

params = {
    "w1": ag.asarray(rng.standard_normal((64, 128)) / 8),
    "b1": ag.asarray(np.zeros(128)),
    "w2": ag.asarray(rng.standard_normal((128, 10)) / 12),
    "b2": ag.asarray(np.zeros(10)),
}


def scores(params, image):
    xp = ag.namespace(params["w1"])
    hidden = xp.tanh(image @ params["w1"] + params["b1"])
    return hidden @ params["w2"] + params["b2"]


def loss(params, batch):
    """Mean cross-entropy."""
    s = scores(params, batch["image"])
    xp = ag.namespace(s)
    s = s - xp.max(s, axis=1, keepdims=True)
    log_total = xp.log(xp.sum(xp.exp(s), axis=1))
    return xp.mean(log_total - xp.sum(s * batch["label"], axis=1))


def accuracy(params):
    xp = ag.namespace(params["w1"])
    right = xp.argmax(scores(params, exam["image"]), axis=1) == xp.argmax(exam["label"], axis=1)
    return {"accuracy": xp.mean(xp.astype(right, xp.float64))}


batches = ag.training.batches(training, 64, epochs=20, rng=0)
optimizer = ag.optimizers.chain(
    ag.optimizers.clip_by_global_norm(1.0),
    ag.optimizers.adamw(ag.schedules.warmup_cosine(5e-3, 40, len(batches)), weight_decay=0.1),
)
result = ag.fit(loss, params, batches, optimizer, evaluate=accuracy)
print(f"accuracy in the exam: {result.history['accuracy'][-1]:.3f}")
