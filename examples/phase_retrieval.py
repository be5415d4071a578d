"""See through a microscope that records brightness only: the phase comes back from several masks.

A transparent specimen delays light and absorbs a little: its picture is complex. A camera behind a
lens sees the squared magnitude of its Fourier transform, once for each of a few random masks. That
fixes the specimen up to a global phase: power iterations find a start, L-BFGS on complex numbers
the rest, both by gradients of plain array code. For a GPU: --backend cupy --size 2048
Candes, Li, Soltanolkotabi (2015), Phase Retrieval via Wirtinger Flow, sections 2 and 4.
"""

import argparse
import importlib

import numpy as np

import anygrad as ag

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
parser.add_argument("--size", type=int, default=96, help="pixels along each side")
parser.add_argument("--masks", type=int, default=20)
options = parser.parse_args()
ag.configure(backend=options.backend)
rng = importlib.import_module(options.backend).random.default_rng(0)  # draws on the device
xp, norm = ag.namespace(), ag.namespace().linalg.vector_norm


def specimen(size, cells=20):
    """Round cells that delay light by up to a few radians, and absorb a tenth of that."""
    x = ag.asarray(np.linspace(-1.0, 1.0, size))
    delay = xp.zeros_like(x[:, None] * x)
    numbers = np.random.default_rng(1).uniform(-0.8, 0.8, (cells, 4)).tolist()
    for across, along, width, depth in numbers:
        reach = 0.05 + 0.15 * abs(width)
        away = (x[:, None] - across) ** 2 + (x - along) ** 2
        delay = delay + depth / 0.4 * xp.exp(-((away / reach**2) ** 2))
    return xp.exp((1j - 0.1) * delay)


def coded(shape):
    """Masks that turn by quarters, and dampen four pixels of five, and strengthen the others."""
    turns = ag.asarray(rng.integers(0, 4, size=shape))
    strong = ag.asarray(rng.random(shape)) < 0.2
    return xp.exp(0.5j * np.pi * turns) * xp.where(strong, 3.0**0.5, 0.5**0.5)


truth = specimen(options.size)
masks = coded((options.masks, options.size, options.size))


def brightness(image):
    """What the camera sees, (masks, size, size), by a unitary transform."""
    xp = ag.namespace(image)
    light = xp.fft.fftn(masks * image, axes=(1, 2), norm="ortho")
    return xp.real(light) ** 2 + xp.imag(light) ** 2


seen = brightness(truth)


def misfit(image):
    xp = ag.namespace(image)
    return 0.5 * xp.sum((brightness(image) - seen) ** 2) / options.masks


def overlap(image):
    """Its gradient is a matrix times the image; the first eigenvector is about the specimen."""
    xp = ag.namespace(image)
    return 0.5 * xp.sum(seen * brightness(image)) / options.masks


def distance(image):
    """From the specimen, relative, whatever the global phase, which no camera sees."""
    phase = xp.sum(xp.conj(image) * truth)
    apart = norm(image * (phase / xp.abs(phase)) - truth)
    return float(ag.to_numpy(apart / norm(truth)))


noise = ag.asarray(rng.standard_normal((2, options.size, options.size)))
image = noise[0] + 1j * noise[1]
length = (xp.sum(seen) / options.masks) ** 0.5  # the masks keep energy on average
multiply = ag.compile(ag.grad(overlap))
for _ in range(50):
    image = multiply(image)
    image = image * (length / norm(image))  # on the device, as the norm
print(f"start: off the specimen by {distance(image):.2f}")

result = ag.minimize(misfit, image, method="lbfgs", gtol=1e-6)
print(f"{result.nit} steps, {result.nfev} gradients: {result.message}")
print(f"end: off the specimen by {distance(result.x):.1e}")
assert distance(result.x) < 1e-3, "the descent got stuck: more masks are needed"
