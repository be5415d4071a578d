"""The suites: functions, points and exact derivatives. Nothing here needs mpmath.

The points and derivatives of formulas are read from ``references.json``, which `generate` writes.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy import smooth, special_cases
from benchmarks.accuracy.formulas import FILE, Formula
from benchmarks.accuracy.noise import LAWS, noise


class Case(NamedTuple):
    """One function and its points.

    Attributes
    ----------
    name : str
    f : callable
        Works element by element on NumPy arrays.
    x, slopes : arrays
        Points, and the derivatives there; nan where there is none.
    flag : {"", "kink", "singular"}
        What a tool should say where there is no derivative.
    bounds : (low, high), optional
        ``f`` fails outside.
    unit : float, optional
        In what errors are measured, instead of relative to the slope: the amplitude of noise.
    """

    name: str
    f: Callable[[Any], Any]
    x: np.ndarray
    slopes: np.ndarray
    flag: str = ""
    bounds: tuple[float, float] | None = None
    unit: float | None = None


REFERENCES = json.loads(FILE.read_text())


def look_up(suite: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    x, slopes = REFERENCES[suite][name]
    return np.array(x), np.array(slopes)


def read(suite: str, table: list[Formula]) -> list[Case]:
    return [Case(f.name, f, *look_up(suite, f.name)) for f in table]


SMOOTH = read("smooth", smooth.TABLE)
HOLD_OUT = read("hold-out", [*smooth.TABLE, *smooth.FURTHER])
EXTREME = read("extreme", special_cases.EXTREME)


# Noise


def add_noise(f: Callable[[Any], Any], amplitude: float, law: str, x: Any) -> Any:
    return f(x) + amplitude * noise(x, law)


def make_noisy(amplitude: float, laws: tuple[str, ...] = LAWS) -> list[Case]:
    """Smooth functions of scale 1 with noise of this standard deviation, the laws in turn."""
    cases = []
    for k, case in enumerate(read("noisy", special_cases.NOISY)):
        law = laws[k % len(laws)]
        f = partial(add_noise, case.f, amplitude, law)
        cases.append(case._replace(name=f"{case.name}, {law} noise", f=f, unit=amplitude))
    return cases


NOISY = make_noisy


# Single precision, kinks, bounds


def in_single(f: Callable[[Any], Any], x: Any) -> Any:
    """What ``f`` gives for numbers of single precision, whatever a tool hands over."""
    return f(np.asarray(x, np.float32))


SINGLE = [
    case._replace(f=partial(in_single, case.f), x=case.x.astype(np.float32))
    for case in read("single", special_cases.SINGLE)
]


def on_the_kink(case: Case) -> Case:
    """The same function at the kink itself, where there is no slope."""
    return Case(f"{case.name} at 1", case.f, np.array([1.0]), np.array([np.nan]), flag="kink")


KINKS = read("kinks", special_cases.KINKS)
KINKS = KINKS + [on_the_kink(case) for case in KINKS]


def fence(f: Callable[[Any], Any], bounds: tuple[float, float], x: Any) -> Any:
    assert np.all((x >= bounds[0]) & (x <= bounds[1])), f"called outside {bounds}"
    return f(x)


BOUNDED = [
    Case(
        name,
        partial(fence, Formula(name, apply, ()), bounds),
        *look_up("bounded", name),
        bounds=bounds,
    )
    for name, apply, bounds in special_cases.BOUNDED
]


# Hard cases


def near_step(x: Any) -> Any:
    """A smooth function that jumps 0.1 away from the point."""
    return np.sin(x) + np.where(x > 1.1, 1.0, 0.0)


def aliased(x: Any) -> Any:
    """Noise that no ladder of powers of two sees at 1: 1e9 / 2^8 is nearly whole turns."""
    return np.sin(x) + 1e-6 * np.sin(1e9 * x + 0.3)


def make_hard() -> list[Case]:
    cases = [
        Case(name, Formula(name, apply, ()), *look_up("hard", name))
        for name, apply, _ in special_cases.HARD
    ]
    at, slope = look_up("hard", "sin")
    zero, none = np.array([0.0]), np.array([np.nan])
    sine = partial(in_single, Formula(*special_cases.SINE[:2], ()))
    return [
        *cases,
        Case("sin in single precision at 1", sine, at, slope),
        Case("sin + 1e-6 sin(1e9 x + 0.3) at 1", aliased, at, slope),
        Case("sin rounded to 6 decimals at 1", lambda x: np.round(np.sin(x), 6), at, slope),
        Case("a step 0.1 away from 1", near_step, at, slope),
        Case("relu at -1e-3", lambda x: np.maximum(x, 0.0), np.array([-1e-3]), np.array([0.0])),
        Case("|x| at 0", np.abs, zero, none, flag="kink"),
        Case("cbrt at 0", np.cbrt, zero, none, flag="singular"),
        Case("sqrt at 0", Formula("sqrt", lambda m, x: m.sqrt(x), ()), zero, none, "singular"),
        Case("x^1.5 at 0", Formula("x^1.5", lambda m, x: x**1.5, ()), zero, np.array([0.0])),
    ]


HARD = make_hard()
