"""Functions whose gradients are hard to check: by false alarms, or by bars that hide the slope."""

import numpy as np

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(20, 4))
TARGET = RNG.normal(size=20)
LABELS = (TARGET > 0).astype(float)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_slope(x):
    g = np.zeros_like(x)
    g[1:] = 200 * (x[1:] - x[:-1] ** 2)
    g[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    return g


def logistic(w):
    t = DATA @ w
    return np.mean(np.logaddexp(0, t) - LABELS * t)


def logistic_slope(w):
    return DATA.T @ (1 / (1 + np.exp(-DATA @ w)) - LABELS) / len(LABELS)


# Function, gradient by hand, point; where false alarms are likely: slopes of zero, values large
# beside their slopes, minima, scales, kinks, noise of single precision.
RIGHT = {
    "rosenbrock": (rosenbrock, rosenbrock_slope, RNG.uniform(-2, 2, 12)),
    "rosenbrock at its minimum": (rosenbrock, rosenbrock_slope, np.ones(12)),
    "least squares": (
        lambda w: np.sum((DATA @ w - TARGET) ** 2),
        lambda w: 2 * DATA.T @ (DATA @ w - TARGET),
        RNG.normal(size=4),
    ),
    "least squares at its minimum": (
        lambda w: np.sum((DATA @ w - TARGET) ** 2),
        lambda w: 2 * DATA.T @ (DATA @ w - TARGET),
        np.linalg.lstsq(DATA, TARGET)[0],
    ),
    "equations at their solution": (
        lambda x: np.sum((DATA[:4] @ x - TARGET[:4]) ** 2),
        lambda x: 2 * DATA[:4].T @ (DATA[:4] @ x - TARGET[:4]),
        np.linalg.solve(DATA[:4], TARGET[:4]),
    ),
    "logistic": (logistic, logistic_slope, RNG.normal(size=4)),
    "zero slopes": (lambda x: np.sum(x**4), lambda x: 4 * x**3, np.zeros(3)),
    "large value, small slope": (lambda x: 1e8 + np.sum(np.sin(x)), np.cos, RNG.normal(size=5)),
    "tiny values": (lambda x: 1e-200 * np.sum(x**2), lambda x: 2e-200 * x, RNG.normal(size=5)),
    "huge values": (lambda x: 1e200 * np.sum(x**2), lambda x: 2e200 * x, RNG.normal(size=5)),
    "unused elements": (lambda x: x[0] ** 2, lambda x: 2 * x * [1, 0, 0], RNG.normal(size=3)),
    "constant": (lambda x: 3.0 + 0 * x[0], np.zeros_like, RNG.normal(size=3)),
    "nothing but zero": (lambda x: 0 * x[0], np.zeros_like, np.zeros(3)),
    "slopes of many scales": (
        lambda x: np.sum(10.0 ** np.arange(-6, 7) * np.sin(x)),
        lambda x: 10.0 ** np.arange(-6, 7) * np.cos(x),
        RNG.normal(size=13),
    ),
    "an offset, and no slope": (
        lambda x: 1e3 + np.sum(x**3),
        lambda x: 3 * x**2,
        np.zeros(2),
    ),
    "a point of inflection": (lambda x: np.sum(x**3), lambda x: 3 * x**2, np.zeros(2)),
    "slopes below the last digit": (lambda x: 1 + x[0] ** 4, lambda x: 4 * x**3, np.full(1, 1e-6)),
    "one relu at zero": (
        lambda x: 3 + np.maximum(x[0], 0),
        lambda x: 1.0 * (x > 0),
        np.zeros(1),
    ),
    "a kink between the steps": (
        lambda x: np.sum(np.abs(x)),
        np.sign,
        np.asarray([8e-6, 1, -2, 3]),
    ),
    "kinks at the point": (lambda x: np.sum(np.abs(x)), np.sign, np.asarray([0.0, 1.0, -2.0, 0.0])),
    "relu at zero": (
        lambda x: np.sum(np.maximum(x, 0) * [1.0, 2.0, 3.0]),
        lambda x: (x > 0) * [1.0, 2.0, 3.0],
        np.asarray([0.0, 1.0, -1.0]),
    ),
    "kinks beside the point": (
        lambda x: np.sum(np.abs(x)),
        np.sign,
        np.asarray([1e-6, -2e-5, 1e-9]),
    ),
    "steep": (
        lambda x: np.sum(np.exp(50 * x)),
        lambda x: 50 * np.exp(50 * x),
        RNG.normal(size=4) / 10,
    ),
    "many": (
        lambda x: np.sum(np.tanh(x) ** 2),
        lambda x: 2 * np.tanh(x) / np.cosh(x) ** 2,
        RNG.normal(size=500),
    ),
    "single precision": (
        lambda x: np.sum(np.sin(x) * x),
        lambda x: np.sin(x) + x * np.cos(x),
        RNG.normal(size=50).astype(np.float32),
    ),
    "single precision, many": (
        lambda x: np.mean(np.exp(x)),
        lambda x: np.exp(x) / np.float32(x.size),
        RNG.normal(size=1000).astype(np.float32),
    ),
    "single precision inside": (
        lambda x: float(np.sum(np.sin(x.astype(np.float32)).astype(np.float32))),
        np.cos,
        np.full(4, 1e3),
    ),
}

# Where differences can resolve a thousandth of every slope.
SHARP = [
    "rosenbrock",
    "least squares",
    "logistic",
    "tiny values",
    "huge values",
    "slopes of many scales",
]

# Bars above the slopes: differences cannot tell a right gradient from a wrong one.
HIDDEN = {
    "jumps": (lambda x: np.sum(np.floor(x)), np.asarray([1.0, 2.0]), "not smooth"),
    "a jump beside a slope": (
        lambda x: np.floor(x[0]) + x[1] ** 2,
        np.asarray([1.0, 2.0]),
        "not smooth",
    ),
    "noise": (
        lambda x: np.sum(x**2) + 1e-3 * np.sin(1e9 * np.sum(x) ** 2),
        np.asarray([1.0, 2.0, 3.0]),
        "not smooth",
    ),
    "waves": (lambda x: np.sum(np.sin(1e7 * x)), np.asarray([0.3, 0.5, 0.7]), "not smooth"),
    "an offset": (lambda x: 1e13 + np.sum(np.sin(x)), np.asarray([0.1, 0.2]), "rounding"),
    "an offset in single precision": (
        lambda x: np.float32(1e6) + np.sum(np.sin(x), axis=0),
        np.asarray([0.1, 0.2], dtype=np.float32),
        "rounding",
    ),
}
