"""Noise that is a function of the bits of x: one point has one value, neighbours share nothing."""

import numpy as np
from scipy.special import ndtri

LAWS = ("uniform", "normal")


def mix(bits: np.ndarray) -> np.ndarray:
    """Scramble 64-bit integers (Steele, Lea, Flood 2014, splitmix64)."""
    with np.errstate(over="ignore"):
        bits = bits + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def noise(x: np.ndarray, law: str = "uniform") -> np.ndarray:
    """One number of mean 0 and standard deviation 1 for each element of ``x``."""
    return shape(mix(np.ascontiguousarray(x, np.float64).view(np.uint64)), law)


def noise_of_columns(x: np.ndarray, law: str = "uniform") -> np.ndarray:
    """One number for each column of ``x``, of shape (n, ...), from all the bits of the column."""
    bits = np.ascontiguousarray(x, np.float64).view(np.uint64)
    total = np.zeros(bits.shape[1:], np.uint64)
    for row in bits:
        total = mix(total ^ row)
    return shape(total, law)


def shape(bits: np.ndarray, law: str) -> np.ndarray:
    fraction = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return ndtri(fraction) if law == "normal" else np.sqrt(12.0) * (fraction - 0.5)
