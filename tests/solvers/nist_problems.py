"""The 27 nonlinear regression problems of NIST's StRD: data files beside this, models here."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "nist"


def bennett5(x, b):
    return b[0] * (b[1] + x) ** (-1.0 / b[2])


def saturation(x, b):
    return b[0] * (1.0 - np.exp(-b[1] * x))


def chwirut(x, b):
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def danwood(x, b):
    return b[0] * x ** b[1]


def enso(x, b):
    found = b[0]
    for period, c, s in ((12.0, b[1], b[2]), (b[3], b[4], b[5]), (b[6], b[7], b[8])):
        angle = 2.0 * math.pi * x / period
        found = found + c * np.cos(angle) + s * np.sin(angle)
    return found


def eckerle4(x, b):
    return b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def gauss(x, b):
    first = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
    second = b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)
    return b[0] * np.exp(-b[1] * x) + first + second


def cubics(x, b):
    above = b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3
    return above / (1.0 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def quadratics(x, b):
    return (b[0] + b[1] * x + b[2] * x**2) / (1.0 + b[3] * x + b[4] * x**2)


def lanczos(x, b):
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def mgh09(x, b):
    return b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3])


def mgh10(x, b):
    return b[0] * np.exp(b[1] / (x + b[2]))


def mgh17(x, b):
    return b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4])


def misra1b(x, b):
    return b[0] * (1.0 - (1.0 + b[1] * x / 2.0) ** -2.0)


def misra1c(x, b):
    return b[0] * (1.0 - (1.0 + 2.0 * b[1] * x) ** -0.5)


def misra1d(x, b):
    return b[0] * b[1] * x / (1.0 + b[1] * x)


def nelson(x, b):
    return b[0] - b[1] * x[:, 0] * np.exp(-b[2] * x[:, 1])


def rat42(x, b):
    return b[0] / (1.0 + np.exp(b[1] - b[2] * x))


def rat43(x, b):
    return b[0] / (1.0 + np.exp(b[1] - b[2] * x)) ** (1.0 / b[3])


def roszman1(x, b):
    return b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / math.pi


MODELS = {
    "Bennett5": bennett5,
    "BoxBOD": saturation,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": danwood,
    "ENSO": enso,
    "Eckerle4": eckerle4,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubics,
    "Kirby2": quadratics,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Misra1a": saturation,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Nelson": nelson,
    "Rat42": rat42,
    "Rat43": rat43,
    "Roszman1": roszman1,
    "Thurber": cubics,
}


@dataclass(frozen=True)
class Problem:
    """What a file holds: data, two starts, and the certified results."""

    name: str
    x: np.ndarray
    y: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]
    params: np.ndarray
    deviations: np.ndarray
    sum_of_squares: float

    def residuals(self, b):
        y = np.log(self.y) if self.name == "Nelson" else self.y
        return MODELS[self.name](self.x, b) - y


def load(name: str) -> Problem:
    """Read a file: parameters are the lines ``b1 = start start value deviation``."""
    lines = (FOLDER / f"{name}.dat").read_text().splitlines()
    rows = [line.split("=")[1].split() for line in lines if re.match(r"\s*b\d\s*=", line)]
    table = np.asarray([[float(v) for v in row] for row in rows if len(row) == 4])
    squares = next(float(line.split(":")[1]) for line in lines if "Sum of Squares" in line)
    first = max(k for k, line in enumerate(lines) if line.startswith("Data:")) + 1
    data = np.asarray([[float(v) for v in line.split()] for line in lines[first:] if line.strip()])
    x = data[:, 1] if data.shape[1] == 2 else data[:, 1:]
    starts = table[:, 0], table[:, 1]
    return Problem(name, x, data[:, 0], starts, table[:, 2], table[:, 3], squares)


def matching_digits(found: np.ndarray, certified: np.ndarray) -> float:
    """The log relative error, its minimum over the elements; 11, all that is certified, at most."""
    error = np.abs(found - certified) / np.abs(certified)
    return float(min(11.0, np.min(-np.log10(np.maximum(error, 1e-11)))))
