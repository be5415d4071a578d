"""Sharpen a photograph: total variation keeps the edges that a plain inverse would drown in noise.

The blur is a convolution, carried out and differentiated through the Fourier transform; FISTA adds
the penalty by its proximal operator. The picture shows blurred, sharpened and original image.
"""

import argparse

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

import anygrad as ag

SIZE, WIDTH, NOISE, STRENGTH = 128, 2.0, 0.01, 8e-4


def photograph():
    """Grey values in [0, 1] of a piece of a photograph."""
    colours = load_sample_image("china.jpg") / 255.0
    return colours[100 : 100 + SIZE, 240 : 240 + SIZE].mean(axis=2)


def blur_of_width(width):
    """The Fourier transform of a Gaussian that blurs; real, for it is symmetric."""
    frequencies = np.fft.fftfreq(SIZE)
    across = np.exp(-2.0 * (np.pi * width * frequencies) ** 2)
    return across[:, None] * across[None, :]


def signal_to_noise(image, truth):
    """Peak signal to noise ratio in decibels."""
    return -10.0 * np.log10(np.mean((ag.to_numpy(image) - truth) ** 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    backend = parser.parse_args().backend
    truth, kernel = photograph(), blur_of_width(WIDTH)
    noise = NOISE * np.random.default_rng(0).normal(size=truth.shape)
    spoiled = np.fft.ifft2(kernel * np.fft.fft2(truth)).real + noise
    with ag.use_backend(backend):
        seen, spectrum = ag.asarray(spoiled), ag.asarray(kernel)

    def misfit(image):
        xp = ag.namespace(image)
        blurred = xp.real(xp.fft.ifftn(xp.fft.fftn(image) * spectrum))
        return 0.5 * xp.sum((blurred - seen) ** 2)

    smooth = ag.solvers.proximal.total_variation_2d(STRENGTH)
    result = ag.solvers.proximal_gradient(misfit, seen, smooth, gtol=2e-3)
    print(result.message)
    for name, image in (("blurred", seen), ("sharpened", result.x)):
        print(f"{name:9} image: {signal_to_noise(image, truth):.2f} dB")
    draw({"blurred": spoiled, "sharpened": ag.to_numpy(result.x), "original": truth})


def draw(images):
    """The images side by side."""
    figure = Figure(figsize=(9.0, 3.3), layout="constrained")
    for axes, (name, image) in zip(figure.subplots(1, len(images)), images.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)
        axes.set_title(name)
        axes.set_axis_off()
    figure.savefig("deblurring.png", dpi=150)


if __name__ == "__main__":
    main()
