"""Code as users have it: filled arrays, helpers, special functions, decompositions, transforms."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.gradients import chain
from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target

COUNT, POINTS, SAMPLES = 1000, 200, 4096


def filled(np: Any, x: Any) -> Any:
    """An array filled element by element from its neighbours."""
    n = len(x)
    z = np.zeros(n)
    for i in range(1, n):
        z[i] = x[i] * x[i - 1]
    return np.sum(z * z)


def filled_by_hand(x: np.ndarray) -> np.ndarray:
    z = x[1:] * x[:-1]
    gradient = np.zeros_like(x)
    gradient[1:] += 2.0 * z * x[:-1]
    gradient[:-1] += 2.0 * z * x[1:]
    return gradient


def make_filling(lab: Lab) -> Race:
    point = np.linspace(0.1, 1.0, 60 if lab.on_gpu else COUNT)
    x = lab.array(point)

    def make_torch() -> Any:
        torch, leaf = lab.torch(), lab.tensor(point)

        class Names:
            sum = torch.sum
            zeros = partial(torch.zeros, dtype=leaf.dtype, device=leaf.device)

        def gradient() -> Any:
            x = leaf.detach().requires_grad_()
            return torch.autograd.grad(filled(Names, x), x)[0]

        return gradient

    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(partial(filled, lab.library)), x)),
            Contestant(
                "undifferentiated",
                lambda: partial(filled, lab.library, x),
                expected=np.asarray([filled(np, point)]),
            ),
            Contestant("torch eager", make_torch, "torch"),
        ],
        filled_by_hand(point),
        targets=[Target("torch eager", 1.0)],
    )


def make_reach(lab: Lab) -> Race:
    """The same gradient with and without rebinding: what the copy of the code costs."""
    x = lab.array(np.asarray([0.3, 0.7, 1.1]))
    gradient = ag.grad(lambda x: np.sum(chain(np, x, count=200)))
    without = ag.use_settings(rebind=False)(gradient)
    return Race(
        [
            Contestant("anygrad", lambda: partial(gradient, x)),
            Contestant("rebind=False", lambda: partial(without, x)),
        ],
        np.asarray(ag.to_numpy(without(x))),
        targets=[Target("rebind=False", 1.05)],
    )


def likelihood(np: Any, linalg: Any, distances: Any, y: Any, theta: Any) -> Any:
    """The negative log-likelihood of a Gaussian process with a squared exponential kernel."""
    covariance = np.exp(-0.5 * distances * theta[0]) * theta[1] + theta[2] * np.eye(POINTS)
    factor = linalg.cholesky(covariance)
    alpha = linalg.solve(covariance, y[:, None])[:, 0]
    return 0.5 * np.sum(y * alpha) + np.sum(np.log(np.diagonal(factor)))


def likelihood_by_hand(distances: np.ndarray, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, equation 5.9."""
    kernel = np.exp(-0.5 * distances * theta[0])
    covariance = kernel * theta[1] + theta[2] * np.eye(POINTS)
    inverse = np.linalg.inv(covariance)
    alpha = inverse @ y
    inner = inverse - np.outer(alpha, alpha)
    parts = (-0.5 * distances * kernel * theta[1], kernel, np.eye(POINTS))
    return np.asarray([0.5 * np.sum(inner * part) for part in parts])


def make_likelihood(lab: Lab) -> Race:
    rng = np.random.default_rng(0)
    places = rng.uniform(0.0, 10.0, POINTS)
    distances, y = (places[:, None] - places[None, :]) ** 2, np.sin(places)
    theta = np.asarray([1.5, 0.8, 0.1])
    there = [lab.array(part) for part in (distances, y, theta)]

    def make_torch() -> Any:
        torch = lab.torch()
        tensors = [lab.tensor(part) for part in (distances, y)]
        leaf = lab.tensor(theta)

        class Names:
            exp, sum, log, diagonal = torch.exp, torch.sum, torch.log, torch.diagonal
            eye = partial(torch.eye, dtype=leaf.dtype, device=leaf.device)

        def gradient() -> Any:
            x = leaf.detach().requires_grad_()
            return torch.autograd.grad(likelihood(Names, torch.linalg, *tensors, x), x)[0]

        return gradient

    def make_jax() -> Any:
        jax = lab.jax()
        arrays = [jax.numpy.asarray(part) for part in (distances, y, theta)]
        f = partial(likelihood, jax.numpy, jax.numpy.linalg, *arrays[:2])
        made = jax.jit(jax.grad(f))
        return lambda: jax.block_until_ready(made(arrays[2]))

    f = partial(likelihood, lab.library, lab.library.linalg, *there[:2])
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(f), there[2])),
            Contestant("by hand", lambda: partial(likelihood_by_hand, distances, y, theta)),
            Contestant("torch eager", make_torch, "torch"),
            Contestant("jax jit", make_jax, "jax"),
        ],
        likelihood_by_hand(distances, y, theta),
        rtol=1e-8,
        targets=[Target("torch eager", 1.0)],
    )


def misfit(np: Any, fft: Any, transfer: Any, measured: Any, image: Any) -> Any:
    """How far a blurred signal is from what was measured: the data term of a deconvolution."""
    blurred = fft.irfft(fft.rfft(image) * transfer, SAMPLES)
    return np.sum((blurred - measured) ** 2)


def make_misfit(lab: Lab) -> Race:
    rng = np.random.default_rng(0)
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.0) ** 2)
    transfer = np.fft.rfft(np.roll(np.pad(kernel / kernel.sum(), (0, SAMPLES - 17)), -8))
    measured, image = rng.normal(size=SAMPLES), rng.normal(size=SAMPLES)
    there = [lab.array(part) for part in (transfer, measured, image)]

    def by_hand() -> np.ndarray:
        residual = np.fft.irfft(np.fft.rfft(image) * transfer, SAMPLES) - measured
        return 2.0 * np.fft.irfft(np.fft.rfft(residual) * np.conj(transfer), SAMPLES)

    def make_torch() -> Any:
        torch = lab.torch()
        tensors = [lab.tensor(part) for part in (transfer, measured)]
        leaf = lab.tensor(image)

        def gradient() -> Any:
            x = leaf.detach().requires_grad_()
            return torch.autograd.grad(misfit(torch, torch.fft, *tensors, x), x)[0]

        return gradient

    f = partial(misfit, lab.library, lab.library.fft, *there[:2])
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.grad(f), there[2])),
            Contestant("by hand", lambda: by_hand),
            Contestant("torch eager", make_torch, "torch"),
        ],
        by_hand(),
        targets=[Target("torch eager", 1.0)],
    )


ROWS = [
    Row("rebinding on 200 operations", make_reach),
    Row("filling 1000 elements in a loop", make_filling),
    Row("likelihood of a Gaussian process, 200 points", make_likelihood),
    Row("deconvolution, 4096 samples", make_misfit),
]
