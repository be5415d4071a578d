"""Handwritten digits at scale: each batch is drawn, shifted and spoiled with noise on the device.

A compiled step writes into the memory of what it replaces; nothing in the loop waits for the device
but the lines it prints. For a GPU: --backend cupy --width 4096 --batch 8192 --copies 4000
"""

import argparse
import importlib
import time

import numpy as np
from sklearn.datasets import load_digits

import anygrad as ag

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
parser.add_argument("--width", type=int, default=256, help="of both hidden layers")
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--copies", type=int, default=100, help="of each image, no two alike")
options, o = parser.parse_args(), ag.optimizers
ag.configure(backend=options.backend, dtype="float32")
rng = importlib.import_module(options.backend).random.default_rng(0)  # draws on the device

# 1,797 images of 8 x 8 pixels in a dark frame of 12 x 12; the last 360 are for the exam
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
framed = np.pad(digits.images[order] / 16.0, ((0, 0), (2, 2), (2, 2))).astype(np.float32)
images = ag.asarray(framed.reshape(-1, 144))
labels = ag.asarray(np.eye(10, dtype=np.float32)[digits.target[order]])
count = len(digits.target) - 360
# row k: the pixels of a window of 10 x 10 at the k-th of nine places in the frame
windows = np.lib.stride_tricks.sliding_window_view(np.arange(144).reshape(12, 12), (10, 10))
windows = ag.asarray(windows.reshape(9, 100))


def draw(size):
    """A batch of shifted images with noise, and labels."""
    rows = ag.asarray(rng.integers(0, count, size=size))
    shifted = images[rows[:, None], windows[ag.asarray(rng.integers(0, 9, size=size))]]
    noise = ag.asarray(rng.standard_normal((size, 100), dtype=np.float32))
    return shifted + 0.1 * noise, labels[rows]


def layer(inputs, outputs):
    weights = ag.asarray(rng.standard_normal((inputs, outputs), dtype=np.float32))
    return {"w": weights / inputs**0.5, "b": ag.asarray(np.zeros(outputs, np.float32))}


def scores(params, image):
    xp = ag.namespace(image)
    for part in params[:-1]:
        image = xp.tanh(image @ part["w"] + part["b"])
    return image @ params[-1]["w"] + params[-1]["b"]


def loss(params, image, label):
    """Mean cross-entropy."""
    s = scores(params, image)
    xp = ag.namespace(s)
    s = s - xp.max(s, axis=1, keepdims=True)
    return xp.mean(xp.log(xp.sum(xp.exp(s), axis=1)) - xp.sum(s * label, axis=1))


def improve(params, state, image, label):
    value, grads = ag.value_and_grad(loss)(params, image, label)
    return value, *optimizer.step(params, grads, state)


steps = max(options.copies * count // options.batch, 20)
rate = ag.schedules.warmup_cosine(0.16 / options.width**0.5, steps // 10, steps)
optimizer = o.chain(o.clip_by_global_norm(1.0), o.adamw(rate, weight_decay=0.1))
train = ag.compile(improve, donate=("params", "state"))
params = [layer(100, options.width), layer(options.width, options.width), layer(options.width, 10)]
state = optimizer.init(params)
for step in range(steps):
    value, params, state = train(params, state, *draw(options.batch))
    if step % (steps // 5) == 0:
        print(f"step {step:5d} of {steps}: loss {float(ag.to_numpy(value)):.4f}")
    if step == 9:  # recorded, and kernels compiled
        ag.to_numpy(value)  # waits for the device
        start = time.perf_counter()
ag.to_numpy(value)
seconds = time.perf_counter() - start

print(f"{(steps - 10) * options.batch / seconds:,.0f} images a second")
answers = ag.to_numpy(scores(params, images[count:][:, windows[4]])).argmax(axis=1)
accuracy = np.mean(answers == digits.target[order][count:])
print(f"accuracy in the exam: {accuracy:.3f}")
assert accuracy >= 0.97, "the network has not learned to read"
