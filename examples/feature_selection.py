"""Which measurements tell a malignant tumour from a benign one? A path of l1 penalties answers.

Logistic regression on the breast-cancer data of scikit-learn: the stronger the penalty, the fewer
of the thirty features keep a weight. The picture shows the weights along the path.
"""

import argparse

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

import anygrad as ag

STRENGTHS = np.geomspace(0.3, 1e-3, 24)
SHOWN = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    backend = parser.parse_args().backend
    data = load_breast_cancer()
    standard = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    with ag.use_backend(backend):
        features, signs = ag.asarray(standard), ag.asarray(1.0 - 2.0 * data.target)
        params = {"weights": ag.asarray(np.zeros(30)), "offset": ag.asarray(0.0)}

    def loss(p):
        xp = ag.namespace(p["weights"])
        margins = (xp.matmul(features, p["weights"]) + p["offset"]) * signs
        return xp.mean(xp.logaddexp(-margins, xp.zeros_like(margins)))

    path, evaluations = [], 0
    for strength in STRENGTHS:
        penalty = {"weights": ag.solvers.proximal.l1(float(strength)), "offset": None}
        result = ag.solvers.proximal_gradient(loss, params, penalty, gtol=1e-5)
        assert result.success, result.message
        params = result.x  # the start of the next one
        evaluations += result.nfev
        path.append(ag.to_numpy(params["weights"]))
    path = np.stack(path)
    print(f"{len(STRENGTHS)} penalties, {evaluations} evaluations")

    entered = np.argmax(path != 0.0, axis=0) + len(STRENGTHS) * ~np.any(path != 0.0, axis=0)
    order = np.argsort(entered, kind="stable")[:SHOWN]
    print(f"the first {SHOWN} features to get a weight, and the penalty where they do:")
    for k in order:
        print(f"  {data.feature_names[k]:22} {STRENGTHS[entered[k]]:.4f}")
    for k in (0, len(STRENGTHS) // 2, len(STRENGTHS) - 1):
        print(f"penalty {STRENGTHS[k]:.4f}: {np.sum(path[k] != 0.0)} features")
    draw(path, data.feature_names, order)


def draw(path, names, order):
    """The weights over the penalty, the first features by name."""
    axes = Figure(figsize=(7.0, 4.5), layout="constrained").subplots()
    axes.plot(STRENGTHS, path, color="0.8", linewidth=0.8)
    for k in order:
        axes.plot(STRENGTHS, path[:, k], label=names[k])
    axes.set(xscale="log", xlabel="strength of the l1 penalty", ylabel="weight")
    axes.invert_xaxis()
    axes.legend(frameon=False)
    axes.figure.savefig("feature_selection.png", dpi=150)


if __name__ == "__main__":
    main()
