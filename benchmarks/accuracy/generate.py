"""Compute the reference derivatives with mpmath and write ``references.json``.

``python -m benchmarks.accuracy.generate``; needed only where a formula or a range has changed.
The references are derivatives of the exact function at the double, rounded once.
"""

import json
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

from benchmarks.accuracy import smooth, special_cases
from benchmarks.accuracy.formulas import FILE, NUMERIC, Formula, pick_points

DIGITS = 50
EXACT = SimpleNamespace(**{name: getattr(mp, name) for name in vars(NUMERIC) if hasattr(mp, name)})
EXACT.lgamma = mp.loggamma
EXACT.ndtr = lambda x: mp.erfc(-x / mp.sqrt(2)) / 2
EXACT.cbrt = lambda x: -mp.cbrt(-x) if mp.re(x) < 0 else mp.cbrt(x)
EXACT.j0 = lambda x: mp.besselj(0, x)
EXACT.j1 = lambda x: mp.besselj(1, x)


def differentiate(apply: Callable[[Any, Any], Any], x: float) -> float:
    """A central difference in twice the digits; the step is relative, so that 1e-300 works."""
    with mp.workdps(DIGITS):
        at = mpf(x)
        step = (abs(at) or mpf(1)) * mpf(10) ** -(DIGITS + 3)
        return float(mp.diff(lambda t: apply(EXACT, t), at, h=step))


def integrate(apply: Callable[[Any, Any], Any], x: float) -> float:
    """The second way: Cauchy's integral on a small circle, through complex arithmetic."""
    with mp.workdps(3 * DIGITS):
        at = mpf(x)
        radius = (abs(at) or mpf(1)) * mpf(10) ** -20
        turns = [mp.expjpi(mpf(k) / 4) for k in range(8)]
        total = mp.fsum(apply(EXACT, at + radius * turn) / turn for turn in turns)
        return float(mp.re(total) / (8 * radius))


def refer(apply: Callable[[Any, Any], Any], points: Iterable[float]) -> list[list[float]]:
    points = list(points)
    return [points, [differentiate(apply, x) for x in points]]


def refer_table(table: list[Formula], salt: str, **options: Any) -> dict[str, list[list[float]]]:
    return {f.name: refer(f.apply, pick_points(f, salt, **options)) for f in table}


def refer_single() -> dict[str, list[list[float]]]:
    return {
        f.name: refer(f.apply, [float(np.float32(x)) for x in pick_points(f, "single", 10)])
        for f in special_cases.SINGLE
    }


def refer_bounded() -> dict[str, list[list[float]]]:
    found = {}
    for name, apply, (low, high) in special_cases.BOUNDED:
        ranges = special_cases.fence((low, high))
        inside = pick_points(Formula(name, apply, ranges), "bounded", 8)
        found[name] = refer(apply, [low, *inside, (low + high) / 2, high])
    return found


def check(apply: Callable[[Any, Any], Any], points: list[float], slopes: list[float]) -> int:
    """Compare every fifth reference with the second way; return how many were compared."""
    sample = list(zip(points, slopes, strict=True))[::5]
    for x, slope in sample:
        other = integrate(apply, x)
        if abs(other - slope) > 3e-16 * abs(slope):
            raise ArithmeticError(f"at {x!r}: mp.diff gives {slope!r}, Cauchy's integral {other!r}")
    return len(sample)


def main() -> None:
    every = [*smooth.TABLE, *smooth.FURTHER]
    hard = [*special_cases.HARD, special_cases.SINE]
    references = {
        "smooth": refer_table(smooth.TABLE, "smooth"),
        "hold-out": refer_table(every, "hold-out", count=20),
        "hard": {name: refer(apply, points) for name, apply, points in hard},
        "noisy": refer_table(special_cases.NOISY, "noisy", count=100),
        "single": refer_single(),
        "kinks": refer_table(special_cases.KINKS, "kinks"),
        "bounded": refer_bounded(),
        "extreme": refer_table(special_cases.EXTREME, "extreme"),
    }
    compared = 0
    for f in every:
        compared += check(f.apply, *references["hold-out"][f.name])
    for f in special_cases.EXTREME:
        compared += check(f.apply, *references["extreme"][f.name])
    write(references)
    total = sum(len(row[0]) for suite in references.values() for row in suite.values())
    print(f"mpmath {mpmath.__version__}: {total} references, {compared} of them in two ways")
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} KB")


def write(references: dict[str, Any]) -> None:
    """One function a line, so that a change of one shows as such."""
    suites = []
    for suite, rows in references.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
        suites.append(f' "{suite}": {{\n' + ",\n".join(lines) + "\n }")
    FILE.write_text("{\n" + ",\n".join(suites) + "\n}\n")


if __name__ == "__main__":
    main()
