"""Images and optics: blur, total variation, warps, projections, propagation of fields."""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from tests.corpus.registry import pattern

ii, jj = np.meshgrid(np.arange(6), np.arange(6), indexing="ij")
IMAGE = np.sin(ii * 0.8) * np.cos(jj * 0.5) + 0.1 * ii + 1.5
NOISY = IMAGE + 0.1 * np.sin(7 * ii + 3 * jj)


@pattern(NOISY)
def total_variation_denoising(u):
    dx = u[1:, :-1] - u[:-1, :-1]
    dy = u[:-1, 1:] - u[:-1, :-1]
    tv = np.sum(np.sqrt(dx**2 + dy**2 + 1e-3))
    return 0.5 * np.sum((u - IMAGE) ** 2) + 0.1 * tv


@pattern(NOISY)
def anisotropic_variation_with_diff(u):
    return np.abs(np.diff(u, axis=0)).sum() + np.abs(np.diff(u, axis=1)).sum()


@pattern(np.array([1.1]))
def blur_width_estimation(sigma):
    k = np.arange(-2, 3)
    kernel = np.exp(-(k**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(IMAGE, 2, mode="edge")
    rows = np.array([np.convolve(r, kernel, mode="valid") for r in padded])
    both = np.apply_along_axis(lambda c: np.convolve(c, kernel, mode="valid"), 0, rows)
    return np.sum((both - NOISY) ** 2)


@pattern(IMAGE)
def fourier_deconvolution_residual(u):
    psf = np.zeros((6, 6))
    psf[:2, :2] = 0.25
    otf = np.fft.fft2(psf)
    blurred = np.real(np.fft.ifft2(np.fft.fft2(u) * otf))
    return np.linalg.norm(blurred - NOISY) ** 2 + 0.01 * np.linalg.norm(np.fft.fftshift(u))


@pattern(IMAGE)
def gaussian_filter_of_scipy_ndimage(u):
    return np.sum(gaussian_filter(u, sigma=1.0) ** 2)


@pattern(np.array([0.3, -0.2]))
def map_coordinates_of_scipy_ndimage(shift):
    coords = np.array([ii + shift[0], jj + shift[1]])
    return np.sum((map_coordinates(IMAGE, coords, order=1, mode="nearest") - NOISY) ** 2)


def bilinear(image, y, x):
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    y0, x0 = np.clip(y0, 0, image.shape[0] - 2), np.clip(x0, 0, image.shape[1] - 2)
    wy, wx = y - y0, x - x0
    top = image[y0, x0] * (1 - wx) + image[y0, x0 + 1] * wx
    bottom = image[y0 + 1, x0] * (1 - wx) + image[y0 + 1, x0 + 1] * wx
    return top * (1 - wy) + bottom * wy


@pattern(np.array([0.1, 0.3, -0.2]))
def rigid_registration(params):
    angle, ty, tx = params
    c, s = np.cos(angle), np.sin(angle)
    y, x = ii[1:-1, 1:-1] - 2.5, jj[1:-1, 1:-1] - 2.5
    warped = bilinear(IMAGE, c * y - s * x + 2.5 + ty, s * y + c * x + 2.5 + tx)
    return ((warped - NOISY[1:-1, 1:-1]) ** 2).mean()


@pattern(IMAGE)
def sobel_edges(image):
    Kx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    h, w = image.shape
    G = np.zeros((h - 2, w - 2))
    for i in range(h - 2):
        for j in range(w - 2):
            patch = image[i : i + 3, j : j + 3]
            G[i, j] = np.sqrt((patch * Kx).sum() ** 2 + (patch * Kx.T).sum() ** 2)
    return G.mean()


@pattern(NOISY)
def structural_similarity(u):
    mu_x, mu_y = u.mean(), IMAGE.mean()
    vx, vy = u.var(), IMAGE.var()
    cov = ((u - mu_x) * (IMAGE - mu_y)).mean()
    c1, c2 = 0.01**2, 0.03**2
    ssim = ((2 * mu_x * mu_y + c1) * (2 * cov + c2)) / ((mu_x**2 + mu_y**2 + c1) * (vx + vy + c2))
    psnr = 10 * np.log10(IMAGE.max() ** 2 / np.mean((u - IMAGE) ** 2))
    return 1 - ssim - 0.01 * psnr


@pattern(NOISY)
def normalised_cross_correlation(u):
    a = (u - np.mean(u)) / (np.std(u) * u.size)
    b = (IMAGE - np.mean(IMAGE)) / np.std(IMAGE)
    return np.correlate(a.ravel(), b.ravel())[0]


@pattern(NOISY)
def mutual_information_soft_bins(u):
    centres = np.linspace(0, 3.5, 5)
    wa = np.exp(-((u.reshape(-1, 1) - centres) ** 2) / 0.5)
    wb = np.exp(-((IMAGE.reshape(-1, 1) - centres) ** 2) / 0.5)
    joint = wa.T @ wb
    p = joint / joint.sum()
    px, py = p.sum(axis=1), p.sum(axis=0)
    return np.sum(p * np.log(p / np.outer(px, py)))


@pattern(IMAGE)
def radon_projections(u):
    total = 0.0
    for k in range(4):
        sinogram = np.rot90(u, k).sum(axis=0) * np.arange(6)
        diagonal = np.array([np.trace(np.rot90(u, k), offset=o) for o in range(-2, 3)])
        total += np.sum(sinogram**2) + np.sum(diagonal**2) * 0.1
    return total


@pattern(np.array([0.2, 0.5, -0.3]))
def zernike_phase_retrieval(z):
    y, x = np.mgrid[-1:1:8j, -1:1:8j]
    r2 = x**2 + y**2
    pupil = (r2 <= 1).astype(float)
    phase = z[0] * (2 * r2 - 1) + z[1] * (x**2 - y**2) + z[2] * 2 * x * y
    field = pupil * np.exp(1j * phase)
    psf = np.abs(np.fft.fftshift(np.fft.fft2(field))) ** 2
    psf /= psf.sum()
    return -psf[4, 4] + np.sum(psf**2)


@pattern(IMAGE * np.exp(0.3j * ii))
def ptychography_amplitude_loss(obj):
    probe = np.exp(-((ii[:4, :4] - 1.5) ** 2 + (jj[:4, :4] - 1.5) ** 2) / 4)
    loss = 0.0
    for y, x in [(0, 0), (0, 2), (2, 1)]:
        exit_wave = probe * obj[y : y + 4, x : x + 4]
        amplitude = np.abs(np.fft.fft2(exit_wave, norm="ortho"))
        loss += np.sum((amplitude - 0.7) ** 2)
    return loss


@pattern(np.array([0.6, 1.4]))
def angular_spectrum_propagation(params):
    z, aperture = params
    n, dx, wavelength = 8, 0.5, 0.6
    x = (np.arange(n) - n / 2) * dx
    X, Y = np.meshgrid(x, x)
    u0 = np.exp(-(X**2 + Y**2) / aperture**2) + 0j
    fx = np.fft.fftfreq(n, dx)
    FX, FY = np.meshgrid(fx, fx)
    kz = 2 * np.pi * np.sqrt(np.maximum(1 / wavelength**2 - FX**2 - FY**2, 0))
    u = np.fft.ifft2(np.fft.fft2(u0) * np.exp(1j * kz * z))
    intensity = (u * np.conj(u)).real
    return intensity[n // 2, n // 2] + intensity.max()


@pattern(np.array([0.12, 0.2, 0.15]))
def thin_film_reflectance(thickness):
    n = [1.0, 1.45, 2.3, 1.45, 1.52]
    wavelength = 0.55
    M = np.eye(2, dtype=complex)
    for nj, d in zip(n[1:-1], thickness, strict=True):
        delta = 2 * np.pi * nj * d / wavelength
        layer = np.array(
            [[np.cos(delta), 1j * np.sin(delta) / nj], [1j * nj * np.sin(delta), np.cos(delta)]]
        )
        M = M @ layer
    B, C = M @ np.array([1, n[-1]])
    r = (n[0] * B - C) / (n[0] * B + C)
    return abs(r) ** 2


@pattern(np.array([50.0, -80.0, 10.0]))
def lens_system_abcd(params):
    f1, f2, d = params
    lens = lambda f: np.array([[1, 0], [-1 / f, 1]])
    space = lambda L: np.array([[1, L], [0, 1]])
    system = lens(f2) @ space(d) @ lens(f1)
    return -1 / system[1, 0] / 100


@pattern(np.array([0.4, 0.3, 0.3]))
def colour_conversion_with_gamma(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    M = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = M @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.cbrt(xyz)
    L, a, b = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    return np.sqrt((L - 50) ** 2 + (a - 3) ** 2 + (b - 2) ** 2)


@pattern(IMAGE / 4)
def alpha_compositing_and_masks(alpha):
    over = np.zeros_like(alpha)
    for layer in (IMAGE, NOISY):
        over = layer * alpha + over * (1 - alpha)
    bright = over > over.mean()
    return over[bright].sum() - 0.5 * over[~bright].sum()


@pattern(NOISY)
def nonlocal_means_patch_weights(u):
    patches = [u[i : i + 2, j : j + 2].flatten() for i in range(0, 5, 2) for j in range(0, 5, 2)]
    P = np.stack(patches)
    D = np.sum(P**2, 1)[:, None] + np.sum(P**2, 1)[None] - 2 * P @ P.T
    Wt = np.exp(-D / 2)
    denoised = (Wt @ P) / Wt.sum(axis=1, keepdims=True)
    return np.sum((denoised - P) ** 2)
