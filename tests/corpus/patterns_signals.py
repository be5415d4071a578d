"""Signals: Fourier transforms, filters, windows, spectra, resampling."""

import numpy as np
from scipy import fft as sfft
from scipy import signal
from scipy.interpolate import CubicSpline

from tests.corpus.registry import pattern

N = 16
SIGNAL = np.sin(np.arange(N) * 0.9) + 0.3 * np.cos(np.arange(N) * 2.1) + 0.05


@pattern(SIGNAL)
def power_spectrum(x):
    X = np.fft.rfft(x * np.hanning(N))
    freqs = np.fft.rfftfreq(N, d=0.1)
    power = np.abs(X) ** 2
    return np.sum(freqs * power) / np.sum(power)


@pattern(SIGNAL)
def fourier_low_pass(x):
    X = np.fft.fft(x)
    f = np.fft.fftfreq(N)
    X[np.abs(f) > 0.2] = 0
    y = np.fft.ifft(X).real
    return np.sum(y**4)


@pattern(SIGNAL)
def discrete_fourier_transform_by_matrix(x):
    n = np.arange(N)
    W = np.exp(-2j * np.pi * np.outer(n, n) / N)
    X = W.dot(x)
    return np.abs(X[3]) + np.angle(X[1]) + X.imag[2] ** 2


@pattern(SIGNAL)
def recursive_fft(x):
    def fft(v):
        n = len(v)
        if n == 1:
            return np.asarray(v, dtype=complex)
        even, odd = fft(v[::2]), fft(v[1::2])
        factor = np.exp(-2j * np.pi * np.arange(n // 2) / n) * odd
        return np.concatenate([even + factor, even - factor])

    return np.sum(np.abs(fft(x))[:5])


@pattern(np.array([0.2, 0.5, 0.3]))
def fir_filter_by_convolve(h):
    y = np.convolve(SIGNAL, h, mode="same")
    z = np.convolve(h, [1.0, -1.0])
    return np.mean((y - SIGNAL) ** 2) + z @ z


@pattern(np.array([0.3, -0.5, 0.2]))
def iir_filter_by_loop(coef):
    b0, a1, a2 = coef
    y = np.zeros(N)
    for n in range(N):
        y[n] = b0 * SIGNAL[n]
        if n >= 1:
            y[n] -= a1 * y[n - 1]
        if n >= 2:
            y[n] -= a2 * y[n - 2]
    return np.sum(y**2)


@pattern(SIGNAL)
def cross_correlation_peak(x):
    lagged = np.correlate(x, np.roll(SIGNAL, 2), mode="full")
    k = np.argmax(lagged)
    a, b, c = lagged[k - 1 : k + 2]
    return b + 0.5 * (a - c) / (a - 2 * b + c)


@pattern(SIGNAL)
def short_time_spectrogram(x):
    frames = [x[i : i + 8] for i in range(0, N - 7, 4)]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(8) / 7)
    S = np.array([np.abs(np.fft.rfft(frame * window)) for frame in frames])
    return np.sum(np.log(S**2 + 1e-3)) + (S[1:] - S[:-1]).max()


@pattern(np.array([1.3, 0.4, 0.2]))
def sinusoid_fit_residual(params):
    amplitude, freq, phase = params
    t = np.arange(N) / 4.0
    model = amplitude * np.sin(2 * np.pi * freq * t + phase)
    return np.sqrt(np.mean((SIGNAL - model) ** 2))


@pattern(SIGNAL)
def goertzel_power(x):
    coeff = 2 * np.cos(2 * np.pi * 3 / N)
    s_prev, s_prev2 = 0.0, 0.0
    for sample in x:
        s = sample + coeff * s_prev - s_prev2
        s_prev2, s_prev = s_prev, s
    return s_prev2**2 + s_prev**2 - coeff * s_prev * s_prev2


@pattern(SIGNAL)
def haar_wavelet_threshold(x):
    approx, details = x, []
    while len(approx) > 2:
        even, odd = approx[0::2], approx[1::2]
        approx, detail = (even + odd) / np.sqrt(2), (even - odd) / np.sqrt(2)
        details.append(np.sign(detail) * np.maximum(np.abs(detail) - 0.1, 0))
    return sum(np.sum(d**2) for d in details) + np.prod(approx)


@pattern(SIGNAL)
def linear_resampling(x):
    t = np.linspace(0, N - 1, 25)
    resampled = np.interp(t, np.arange(N), x)
    return np.sum(resampled**2) + np.trapezoid(x, dx=0.1)


@pattern(np.array([0.35, 1.8, 2.05]))
def interpolation_at_moving_points(t):
    return np.interp(t, [0.0, 1.0, 2.0, 3.0], [1.0, 3.0, -1.0, 0.5]).sum()


@pattern(SIGNAL)
def analytic_signal_envelope(x):
    X = np.fft.fft(x)
    h = np.zeros(N)
    h[0] = h[N // 2] = 1
    h[1 : N // 2] = 2
    envelope = np.abs(np.fft.ifft(X * h))
    return envelope.std() / envelope.mean()


@pattern(SIGNAL)
def cepstrum_and_dct(x):
    log_power = np.log(np.abs(np.fft.fft(x)) ** 2 + 0.1)
    cepstrum = np.fft.ifft(log_power).real
    return cepstrum[1:5].sum() + sfft.dct(x, norm="ortho")[2] ** 2


@pattern(SIGNAL)
def fft_convolution_of_scipy(x):
    return signal.fftconvolve(x, np.array([0.2, 0.5, 0.3]), mode="valid").max() + x[0]


@pattern(np.array([0.5, 1.0, 0.3, -0.2, 0.4]))
def cubic_spline_of_scipy(values):
    spline = CubicSpline(np.arange(5.0), values)
    return float(spline(1.3)) + float(spline(2.6)) ** 2


@pattern(np.array([1.0, 0.2]))
def transfer_function_magnitude(params):
    wn, zeta = params
    w = np.logspace(-1, 1, 12)
    s = 1j * w
    H = wn**2 / (s**2 + 2 * zeta * wn * s + wn**2)
    magnitude_db = 20 * np.log10(np.abs(H))
    phase = np.unwrap(np.angle(H))
    return magnitude_db.max() + phase[-1] + np.mean(np.hypot(H.real, H.imag))


@pattern(np.array([0.4, 1.9, 1.2]))
def chirp_matched_filter(params):
    a, f0, rate = params
    t = np.linspace(0, 1, N)
    chirp = a * np.exp(2j * np.pi * (f0 * t + 0.5 * rate * t**2))
    reference = np.exp(2j * np.pi * (2 * t + 0.6 * t**2))
    spectrum = np.fft.fft(chirp, 32) * np.conj(np.fft.fft(reference, 32))
    compressed = np.fft.ifft(spectrum)
    return np.abs(compressed[0]) ** 2


@pattern(np.array([0.3, 0.7, 1.1, 1.6]))
def antenna_array_factor(phases):
    angles = np.linspace(-np.pi / 2, np.pi / 2, 9)
    af = 0
    for n, ph in enumerate(phases):
        af = af + np.exp(1j * (np.pi * n * np.sin(angles) + ph))
    pattern_power = np.abs(af) ** 2
    return -pattern_power[4] / np.sum(pattern_power)
