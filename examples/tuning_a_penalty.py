"""Tune the penalty of a logistic regression by the derivative of its solution.

The error on held-out data is a function of the penalty through the weights that minimise the
training loss. Its derivative comes from the implicit function theorem, so the outer minimiser needs
a handful of fits; a grid of penalties checks it.
"""

import argparse

import numpy as np
from sklearn.datasets import load_breast_cancer

import anygrad as ag

GRID = np.linspace(-10.0, 2.0, 25)  # logarithms of the penalty


def read_data(to_array):
    """Half of the tumours to train on, half held out; standardised features, signs as targets."""
    data = load_breast_cancer()
    features = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    signs = 2.0 * data.target - 1.0
    order = np.random.default_rng(0).permutation(len(signs))
    halves = order[::2], order[1::2]
    return [(to_array(features[half]), to_array(signs[half])) for half in halves]


def misfit(weights, data):
    """Mean logistic loss."""
    features, signs = data
    xp = ag.namespace(weights)
    margins = xp.matmul(features, weights) * signs
    return xp.mean(xp.logaddexp(-margins, xp.zeros_like(margins)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    with ag.use_backend(parser.parse_args().backend):
        train, held_out = read_data(ag.asarray)
        zero, first = ag.asarray(np.zeros(30)), ag.asarray(0.0)

    def training_loss(weights, log_penalty):
        xp = ag.namespace(weights, log_penalty)
        return misfit(weights, train) + 0.5 * xp.exp(log_penalty) * xp.sum(weights * weights)

    fits = []

    def error(log_penalty):
        fit = ag.minimize(training_loss, zero, args=(log_penalty,), gtol=1e-10)
        fits.append(fit.nfev)
        return misfit(fit.x, held_out)

    print("log penalty  error on held-out data")

    def show(now):
        print("{:11.4f}  {:.8f}".format(*(float(ag.to_numpy(part)) for part in (now.x, now.fun))))

    best = ag.minimize(error, first, gtol=1e-6, callback=show)
    found, count = float(ag.to_numpy(best.x)), len(fits)
    print(f"{best.message}\n{count} fits, {sum(fits)} evaluations of the training loss")

    errors = [float(ag.to_numpy(error(first + point))) for point in GRID]
    print(f"best of the grid of {len(GRID)}: {GRID[np.argmin(errors)]:.2f}, {min(errors):.8f}")
    assert float(ag.to_numpy(best.fun)) <= min(errors)
    slope = ag.grad(error)(first)
    ahead, behind = (float(ag.to_numpy(error(first + step))) for step in (1e-4, -1e-4))
    print(
        f"slope at 0: {float(ag.to_numpy(slope)):.8f}; by differences {(ahead - behind) / 2e-4:.8f}"
    )
    print(f"penalty {np.exp(found):.5f}")


if __name__ == "__main__":
    main()
