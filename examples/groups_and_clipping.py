"""Frozen, slow and fast parameters under one clip, and a bad batch that does no harm.

A small network reads a word and three numbers. Its embedding is known and stays; the rest of the
encoder learns slowly, the head fast, and no bias decays. One batch holds an infinite number.
"""

import argparse

import numpy as np

import anygrad as ag

STEPS, BAD = 300, 60
o = ag.optimizers


def predict(params, batch):
    encoder, head = params["encoder"], params["head"]
    words = encoder["embedding"][batch["word"]]
    hidden = np.tanh(words + batch["x"] @ encoder["w"] + encoder["b"])
    return hidden @ head["w"] + head["b"]


def loss(params, batch):
    return np.mean((predict(params, batch) - batch["y"]) ** 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    ag.configure(backend=parser.parse_args().backend)
    rng = np.random.default_rng(0)

    def network(size):
        encoder = {"embedding": rng.normal(size=(20, 8)), "w": rng.normal(size=(3, 8)), "b": size}
        head = {"w": rng.normal(size=8), "b": size[0]}
        return ag.trees.map(ag.asarray, {"encoder": encoder, "head": head})

    teacher, params = network(np.ones(8)), network(np.zeros(8))
    params["encoder"]["embedding"] = teacher["encoder"]["embedding"]  # known beforehand

    def make_batch(step):
        x, word = rng.normal(size=(64, 3)), rng.integers(20, size=64)
        batch = {"word": ag.asarray(word), "x": ag.asarray(x)}
        batch["y"] = predict(teacher, batch)
        if step == BAD:
            batch["x"][0, 0] = np.inf
        return batch

    rate = ag.schedules.warmup_cosine(peak=0.1, warmup_steps=10, steps=STEPS)
    optimizer = o.chain(
        o.freeze("encoder/embedding*"),
        o.clip_by_global_norm(1.0, nonfinite="skip"),
        o.adamw(
            rate,
            groups=[  # the first pattern that matches counts
                ("encoder/b", dict(learning_rate=0.5 * rate, weight_decay=0.0)),
                ("encoder/*", dict(learning_rate=0.5 * rate)),
                ("*/b", dict(weight_decay=0.0)),
            ],
        ),
    )
    state = optimizer.init(params)
    print("step    rate    loss    norm   scale  clipped")
    for step in range(1, STEPS + 1):
        with np.errstate(invalid="ignore"):  # infinity times zero, in the bad batch
            value, grads = ag.value_and_grad(loss)(params, make_batch(step))
        params, state = optimizer.step(params, grads, state)
        told = o.info(state)
        if step in (1, 5, 20, BAD, STEPS):
            shown = (told.learning_rate, value, told.norm, told.scale)
            numbers = " ".join(f"{float(ag.to_numpy(x)):7.3f}" for x in shown)
            print(f"{step:4} {numbers}  {bool(ag.to_numpy(told.clipped))}")
        if told.first_bad() is not None:  # this waits for the device
            print(f"     left out: the gradient of {told.first_bad()} is not finite")

    known, now = teacher["encoder"]["embedding"], params["encoder"]["embedding"]
    slots = [path for path in ag.trees.paths(state) if "embedding" in path]
    print(f"the embedding is as it was: {bool((known == now).all())}, and has {len(slots)} slots")


if __name__ == "__main__":
    main()
