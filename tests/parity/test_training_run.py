"""A hundred training steps give the same numbers on every backend, and by hand."""

import functools
import math

import numpy as np

import anygrad as ag
from tests.support import to_host

STEPS, WARM_UP, PEAK = 100, 10, 1e-2
MAX_NORM, DECAY = 0.6, 0.05
# The promise of the library for double precision: relative to the largest entry of each array.
PARITY = 1e-12


def problem():
    """A network 6-16-3 with softmax, and data, in NumPy."""
    rng = np.random.default_rng(0)
    params = {
        "hidden": {"w": rng.standard_normal((6, 16)) / 2, "b": np.zeros(16)},
        "output": {"w": rng.standard_normal((16, 3)) / 4, "b": np.zeros(3)},
    }
    data = {"x": rng.standard_normal((80, 6)), "y": np.eye(3)[rng.integers(0, 3, 80)]}
    return params, data


def loss(params, batch):
    xp = ag.namespace(batch["x"], params["output"]["w"])
    # a function, not @: an array of array-api-strict refuses every foreign operand of an operator
    hidden = xp.tanh(xp.matmul(batch["x"], params["hidden"]["w"]) + params["hidden"]["b"])
    logits = hidden @ params["output"]["w"] + params["output"]["b"]
    logits = logits - xp.max(logits, axis=1, keepdims=True)
    log_total = xp.log(xp.sum(xp.exp(logits), axis=1))
    return xp.mean(log_total - xp.sum(logits * batch["y"], axis=1))


def to_backend(xp, tree):
    if isinstance(tree, dict):
        return {name: to_backend(xp, branch) for name, branch in tree.items()}
    return xp.asarray(tree)


def train(xp, **keywords):
    params, data = (to_backend(xp, tree) for tree in problem())
    batches = ag.training.batches(data, 16, epochs=STEPS // 5, rng=3)
    optimizer = ag.optimizers.chain(
        ag.optimizers.clip_by_global_norm(MAX_NORM),
        ag.optimizers.adamw(ag.schedules.warmup_cosine(PEAK, WARM_UP, STEPS), weight_decay=DECAY),
    )
    result = ag.fit(loss, params, batches, optimizer, progress=False, **keywords)
    return result


@functools.cache
def by_hand():
    """The same run written out: chain rule, clipping, AdamW (Loshchilov, Hutter 2019, alg. 2)."""
    params, data = problem()
    w1, b1, w2, b2 = (params[k][n] for k in ("hidden", "output") for n in ("w", "b"))
    p = [w1, b1, w2, b2]
    m, v = [np.zeros_like(x) for x in p], [np.zeros_like(x) for x in p]
    losses, norms, step = [], [], 0
    for epoch in range(STEPS // 5):
        order = np.random.default_rng([3, epoch]).permutation(80)
        for start in range(0, 80, 16):
            rows = order[start : start + 16]
            x, y = data["x"][rows], data["y"][rows]
            h = np.tanh(x @ p[0] + p[1])
            e = np.exp(h @ p[2] + p[3])
            probabilities = e / np.sum(e, axis=1, keepdims=True)
            losses.append(-np.mean(np.sum(y * np.log(probabilities), axis=1)))
            d2 = (probabilities - y) / 16
            d1 = (d2 @ p[2].T) * (1 - h * h)
            grads = [x.T @ d1, np.sum(d1, axis=0), h.T @ d2, np.sum(d2, axis=0)]
            norms.append(math.sqrt(sum(float(np.sum(g * g)) for g in grads)))
            scale = min(1.0, MAX_NORM / norms[-1])
            if step < WARM_UP:
                rate = PEAK * step / WARM_UP
            else:
                part = (step - WARM_UP) / (STEPS - WARM_UP)
                rate = PEAK * (1 + math.cos(math.pi * part)) / 2
            step += 1
            for k, g in enumerate(grads):
                m[k] = 0.9 * m[k] + 0.1 * scale * g
                v[k] = 0.999 * v[k] + 0.001 * (scale * g) ** 2
                m_hat, v_hat = m[k] / (1 - 0.9**step), v[k] / (1 - 0.999**step)
                p[k] = p[k] - rate * (m_hat / (np.sqrt(v_hat) + 1e-8) + DECAY * p[k])
    return p, np.asarray(losses), np.asarray(norms)


def largest_relative_difference(actual, expected):
    actual, expected = to_host(actual), to_host(expected)
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))


def leaves(params):
    return [params[k][n] for k in ("hidden", "output") for n in ("w", "b")]


def test_a_training_run_is_the_one_written_by_hand(xp):
    result = train(xp)
    params, losses, norms = by_hand()
    assert len(result.history) == len(losses) == STEPS
    assert norms.min() < MAX_NORM < norms.max()  # some steps are clipped, some are not
    assert losses[-5:].mean() < 0.8 * losses[:5].mean()  # and it learns
    assert largest_relative_difference(result.history.losses, losses) <= PARITY
    assert largest_relative_difference(result.history.gradient_norms, norms) <= PARITY
    for actual, expected in zip(leaves(result.params), params, strict=True):
        assert largest_relative_difference(actual, expected) <= PARITY


@functools.cache
def on_numpy():
    return train(np)


def test_a_training_run_is_the_same_on_every_backend(xp):
    result, reference = train(xp), on_numpy()
    for actual, expected in zip(leaves(result.params), leaves(reference.params), strict=True):
        assert type(actual) is type(xp.zeros(1))
        assert largest_relative_difference(actual, expected) <= PARITY
    assert largest_relative_difference(result.history.losses, reference.history.losses) <= PARITY


def test_keeping_every_parameter_changes_no_bit(xp):
    kept = []
    callbacks = [lambda record: kept.append((record.params, record.state))]
    result, reference = train(xp, steps=15, callbacks=callbacks), train(xp, steps=15)
    for kept_leaf, leaf, plain in zip(
        leaves(kept[-1][0]), leaves(result.params), leaves(reference.params), strict=True
    ):
        np.testing.assert_array_equal(to_host(kept_leaf), to_host(leaf))
        np.testing.assert_array_equal(to_host(leaf), to_host(plain))
