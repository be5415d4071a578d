"""A hundred training steps of every optimizer, on NumPy and on another library, beside each other.

``python -m tests.parity.trajectories --backend cupy --json FILE``. Each optimizer of the registry,
in the first setting of the tests' table, steps in float64 from one start: on a separable problem
with gradients made of sums and products, and on a network. The largest relative difference of the
parameters at the first, tenth and last step is told beside what is allowed: 1e-10, or, where an
optimizer enlarges rounding errors more than that, thirty times what relative perturbations of the
gradients by one unit in the last place do on NumPy. Whether results are identical bit for bit is
told and not demanded.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import anygrad as ag
from tests.optimizers.table import FIRST_ROWS
from tests.support import open_for_program, open_namespace, to_host

STEPS = 100
LOOKED_AT = (1, 10)  # and the last one
LEAST, ENLARGED, SEEDS = 1e-10, 30.0, 3
EPS = float(np.finfo(np.float64).eps)
REFERENCE: dict[str, Any] = {"kernels": "off"}


@dataclasses.dataclass(frozen=True)
class Problem:
    """``grads(arrays, params, step)`` from arrays that lie where the parameters lie.

    ``pace`` is a factor on the learning rates of the table.
    """

    name: str
    params: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    grads: Callable[[dict, dict, int], dict]
    pace: float = 1.0

    def bring(self, row: Any) -> Callable[[], Any]:
        """What makes the optimizer of a row for this problem."""
        return lambda: row.make(learning_rate=self.pace * row.keywords["learning_rate"])


def separable() -> Problem:
    """Quartics around a centre, with noise of its own in every step: only sums and products."""
    rng = np.random.default_rng(0)
    shapes = {"w": (7, 5), "b": (6,), "scalar": ()}
    params = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    centres = {f"{name} centre": rng.normal(size=shape) for name, shape in shapes.items()}
    noise = {f"{name} noise": 0.1 * rng.normal(size=(9, *s)) for name, s in shapes.items()}

    def grads(arrays: dict, params: dict, step: int) -> dict:
        found = {}
        for name, p in params.items():
            away = p - arrays[f"{name} centre"]
            found[name] = (
                away + 0.25 * (away * (away * away)) + arrays[f"{name} noise"][step % 9, ...]
            )
        return found

    return Problem("separable", params, {**centres, **noise}, grads)


def network() -> Problem:
    """A network 6-8-3 with softmax, differentiated in reverse, on batches of data."""
    rng = np.random.default_rng(1)
    params = {
        "w1": rng.normal(size=(6, 8)) / 2,
        "b1": rng.normal(size=8),  # not zero: ratios of norms would be those of rounding errors
        "w2": rng.normal(size=(8, 3)) / 2,
        "b2": rng.normal(size=3),
    }
    arrays = {"x": rng.normal(size=(5, 16, 6)), "y": np.eye(3)[rng.integers(3, size=(5, 16))]}

    def loss(params: dict, x: Any, y: Any) -> Any:
        xp = ag.namespace(x, params["w1"])
        hidden = xp.tanh(xp.matmul(x, params["w1"]) + params["b1"])
        logits = xp.matmul(hidden, params["w2"]) + params["b2"]
        total = xp.log(xp.sum(xp.exp(logits), axis=1))
        return xp.mean(total - xp.sum(logits * y, axis=1))

    def grads(arrays: dict, params: dict, step: int) -> dict:
        k = step % 5
        return ag.grad(loss)(params, arrays["x"][k, ...], arrays["y"][k, ...])

    # at the full rate some trajectories are chaotic, and tell nothing
    return Problem("network", params, arrays, grads, pace=0.1)


PROBLEMS = (separable(), network())


def modes() -> dict[str, dict[str, Any]]:
    """Settings to step under; products and sums are rounded apart where that can be asked for."""
    found: dict[str, dict[str, Any]] = {"kernels off": {"kernels": "off"}}
    found["kernels"] = {"kernels": "always"}
    if "contract" in {field.name for field in dataclasses.fields(ag.settings())}:
        found["kernels, not contracted"] = {"kernels": "always", "contract": False}
    return found


def run(
    optimizer: Any,
    problem: Problem,
    asarray: Callable[[np.ndarray], Any],
    *,
    steps: int = STEPS,
    donate: bool = True,
    disturb: Callable[[Any], Any] = lambda g: g,
) -> list[np.ndarray]:
    """The parameters at some steps, on the host."""
    params = {name: asarray(p.copy()) for name, p in problem.params.items()}
    arrays = {name: asarray(a.copy()) for name, a in problem.arrays.items()}
    state, seen = optimizer.init(params), []
    for step in range(steps):
        grads = {n: disturb(g) for n, g in problem.grads(arrays, params, step).items()}
        params, state = optimizer.step(params, grads, state, donate=donate)
        if step + 1 in LOOKED_AT or step + 1 == steps:
            seen += [np.array(to_host(p)) for p in params.values()]
    return seen


def difference(got: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest one, relative to the largest element of each array; inf where one is nan."""
    largest = 0.0
    for have, want in zip(got, expected, strict=True):
        scale = float(np.max(np.abs(want))) or 1.0
        found = float(np.max(np.abs(have - want))) / scale
        largest = max(largest, found if np.isfinite(found) else np.inf)
    return largest


def sensitivity(make: Callable[[], Any], problem: Problem, expected: list, steps: int) -> float:
    """How far NumPy's own trajectory moves when gradients are off by a unit in the last place."""
    moved = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)

        def disturb(g: Any, rng: Any = rng) -> Any:
            return g * (1.0 + EPS * rng.choice([-1.0, 1.0], size=np.shape(g)))

        got = run(make(), problem, np.asarray, steps=steps, donate=False, disturb=disturb)
        moved.append(difference(got, expected))
    return max(moved)


def measure(
    backend: str, names: list[str] | None = None, steps: int = STEPS
) -> Iterator[dict[str, Any]]:
    """One row for each optimizer, problem and mode."""
    xp = open_namespace(backend)
    for row in FIRST_ROWS:
        if names is not None and row.name not in names:
            continue
        for problem in PROBLEMS:
            with ag.use_settings(**REFERENCE):
                make = problem.bring(row)
                expected = run(make(), problem, np.asarray, steps=steps, donate=False)
                moved = sensitivity(make, problem, expected, steps)
            allowed = max(LEAST, ENLARGED * moved)
            for mode, settings in modes().items():
                told = {"optimizer": row.name, "problem": problem.name, "mode": mode}
                yield {**told, **judge(make, problem, xp, settings, expected, allowed, steps)}


def judge(
    make: Callable[[], Any],
    problem: Problem,
    xp: Any,
    settings: dict[str, Any],
    expected: list,
    allowed: float,
    steps: int = STEPS,
) -> dict[str, Any]:
    """How far one trajectory is from NumPy's, and whether that is allowed."""
    told = {"difference": None, "allowed": allowed, "identical": False, "reason": ""}
    try:
        with ag.use_settings(**settings):
            got = run(make(), problem, xp.asarray, steps=steps, donate=xp.writable)
    except Exception as error:  # the table shows what failed, and the others go on
        return {**told, "reason": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    found = difference(got, expected)
    same = all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    far = "" if found <= allowed else f"differs by {found:.1e}, above {allowed:.1e}"
    return {**told, "difference": found, "identical": same, "reason": far}


def summarise(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each problem and mode, and one for each failure."""
    lines = []
    for problem, mode in dict.fromkeys((row["problem"], row["mode"]) for row in rows):
        here = [row for row in rows if (row["problem"], row["mode"]) == (problem, mode)]
        found = [row["difference"] for row in here if row["difference"] is not None]
        differ = [row["optimizer"] for row in here if not row["identical"]]
        line = (
            f"{problem}, {mode}: {len(here)} optimizers, at most {max(found, default=np.nan):.1e}"
        )
        lines.append(f"{line}; {len(here) - len(differ)} bit for bit")
        if 0 < len(differ) < len(here):
            lines.append(f"  not bit for bit: {', '.join(differ)}")
    loose = sorted({row["optimizer"] for row in rows if row["allowed"] > LEAST})
    lines.append(f"allowed more than {LEAST:.0e}: {', '.join(loose) or 'none'}")
    named = [(f"{row['optimizer']}, {row['problem']}, {row['mode']}", row) for row in rows]
    return lines + [f"FAILED {name}: {row['reason']}" for name, row in named if row["reason"]]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 if a trajectory fails or goes astray."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.trajectories")
    parser.add_argument("--backend", default="cupy", help="cupy, cupy-lookalike, torch, ...")
    parser.add_argument("--optimizer", action="append", help="only this one; repeatable")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if open_for_program(options.backend) is None:
        return 2
    from tests.parity.report import device_name, version_of

    rows = list(measure(options.backend, options.optimizer, options.steps))
    print("\n".join(summarise(rows)))
    if options.json is not None:
        about = {
            "made": datetime.date.today().isoformat(),
            "backend": options.backend,
            "version": version_of(options.backend),
            "device": device_name(options.backend, open_namespace(options.backend).device),
            "steps": options.steps,
        }
        options.json.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return 1 if any(row["reason"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
