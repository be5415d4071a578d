"""Clipping an exploding gradient: a recurrence that multiplies fifty times by the same weight.

At a weight of 1.2 the gradient is 7e9. One plain step throws the weight out of sight; with the
joint norm clipped to 1 the same optimizer walks down to the answer.
"""

import argparse

import anygrad as ag

STEPS = 50


def loss(params):
    """How far the state ends from 2."""
    state = params["start"]
    for _ in range(STEPS):
        state = params["weight"] * state
    return (state - 2.0) ** 2


def train(optimizer, params, steps):
    """Walk downhill; report every now and then what the optimizer saw."""
    state = optimizer.init(params)
    for step in range(1, steps + 1):
        value, grads = ag.value_and_grad(loss)(params)
        params, state = optimizer.step(params, grads, state)
        if step in (1, 20, steps):
            norm = ag.to_numpy(ag.clipping.global_norm(grads))
            weight, now = ag.to_numpy((params["weight"], value))
            print(
                f"  step {step:3}: loss {now:9.3g}, gradient norm {norm:9.3g}, weight {weight:9.4g}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    ag.configure(backend=parser.parse_args().backend)
    start = {"start": ag.asarray(1.0), "weight": ag.asarray(1.2)}
    descend = ag.optimizers.sgd(ag.schedules.cosine(0.02, 300))

    print("one plain step:")
    train(descend, start, 1)
    print("clipped to a norm of 1:")
    clipped = ag.optimizers.chain(ag.optimizers.clip_by_global_norm(1.0), descend)
    train(clipped, start, 300)

    print("a gradient whose squares leave the range of float32 keeps its direction:")
    grads = ag.asarray([3e20, 4e20], dtype="float32")
    short, norm = ag.clipping.clip_by_global_norm(grads, 1.0)
    print(f"  norm {ag.to_numpy(norm):.3g}, clipped {ag.to_numpy(short)}")


if __name__ == "__main__":
    main()
