"""Tune a ridge regression by the derivative of its solution, and look at gradients one by one.

The inner problem is solved by its normal equations, which nothing traces; the derivative of the
error on held-out data by the strength of the penalty comes from the implicit function theorem.
"""

import argparse

import numpy as np

import anygrad as ag


def make_data(xp_of):
    rng = np.random.default_rng(0)
    weights = np.where(np.arange(20) < 5, 1.0, 0.0)
    inputs = rng.normal(size=(60, 20))
    outputs = inputs @ weights + rng.normal(size=60)
    return [xp_of(part) for part in (inputs[:30], outputs[:30], inputs[30:], outputs[30:])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", help="numpy or cupy")
    backend = parser.parse_args().backend
    with ag.use_backend(backend):
        x, y, held_x, held_y = make_data(ag.asarray)
        strength = ag.asarray(0.0)  # its logarithm
    xp = ag.namespace(x)

    def ridge(w, log_strength):
        names = ag.namespace(w, log_strength)
        residual = names.matmul(x, w) - y
        return names.sum(residual**2) + names.exp(log_strength) * names.sum(w * w)

    def solve(log_strength):
        eye = xp.eye(x.shape[1], dtype=x.dtype)
        matrix = xp.matmul(xp.matrix_transpose(x), x) + xp.exp(log_strength) * eye
        return xp.linalg.solve(matrix, xp.matmul(xp.matrix_transpose(x), y[:, None]))[:, 0]

    best = ag.implicit_root(ag.grad(ridge), solve)

    def held_out(log_strength):
        w = best(log_strength)
        names = ag.namespace(w)
        return names.mean((names.matmul(held_x, w) - held_y) ** 2)

    optimizer = ag.optimizers.adam(0.2)
    state = optimizer.init(strength)
    for step in range(41):
        error, slope = ag.value_and_grad(held_out)(strength)
        if step % 10 == 0:
            shown = [float(ag.to_numpy(part)) for part in (xp.exp(strength), error)]
            print(f"step {step:2}: penalty {shown[0]:8.3f}, error on held-out data {shown[1]:.5f}")
        strength, state = optimizer.step(strength, slope, state)

    def example_loss(w, row, target):
        return (ag.namespace(w, row).vecdot(row, w) - target) ** 2

    grads = ag.vmap(ag.grad(example_loss), in_axes=(None, 0, 0))(best(strength), x, y)
    norms = ag.to_numpy(xp.sqrt(xp.sum(grads * grads, axis=1)))
    print(f"{len(norms)} gradients, one an example: the largest norm is")
    print(f"{norms.max() / np.median(norms):.1f} times the median")


if __name__ == "__main__":
    main()
