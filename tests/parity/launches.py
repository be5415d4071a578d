"""Every kind of kernel once, on small arrays and against NumPy, for a checker of memory to watch.

``python -m tests.parity.launches --backend cupy`` runs them; with ``--tool memcheck`` or ``--tool
racecheck`` it runs itself under NVIDIA's compute-sanitizer, and ends with status 77 and a reason
where that is absent. Memory then comes from the driver, array by array: within CuPy's pool, one
array's end is another one's beginning, and nobody sees a kernel that writes there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import anygrad as ag
from tests.support import open_for_program, to_host, tolerance

ABSENT = 77  # the status that says: not run, and why
FOLDERS = ("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer")
CONDITION = 16.0  # a chain of some functions enlarges rounding errors
ODD, ALIGNED, LONG = 1013, 1024, 300_007


@dataclass(frozen=True)
class Launch:
    """A function of arrays, compiled unless it does that itself, and arrays of NumPy for it.

    ``shares``: threads of a block exchange values. ``empty``: there is nothing to launch.
    """

    name: str
    function: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    shares: bool = False
    compiled: bool = True
    empty: bool = False


def draw(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype.startswith("complex"):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    return (rng.normal(size=shape) * (10 if dtype.startswith("int") else 1)).astype(dtype)


def wave(x: Any, y: Any) -> Any:
    return np.tanh(x * y + 0.5) - np.exp(-x * x)


def several(x: Any, y: Any) -> Any:
    return x * y + 1.0, x - 0.5 * y, (x > y) & (x > 0.0)


def whole(x: Any) -> Any:
    return np.sum(x * x), np.mean(x), np.max(x), np.any(x > 2.0), np.all(x < 9.0)


def rows_of(x: Any) -> Any:
    return np.sum(x * x, axis=1), np.max(np.abs(x), axis=0), np.mean(x, axis=1, keepdims=True) + x


def whole_numbers(a: Any, b: Any) -> Any:
    return a * b - 3, np.where(a > b, a, b), a // (np.abs(b) + 1)


def elementwise() -> list[Launch]:
    """Sizes that do and do not divide into vectors, layouts, dtypes."""
    pairs = {
        f"{n} of {dtype}": (draw(n, dtype=dtype), draw(n, dtype=dtype, seed=1))
        for dtype in ("float16", "float32", "float64", "complex64", "complex128")
        for n in (ODD, ALIGNED)
    }
    made = [Launch(f"elementwise, {name}", wave, pair) for name, pair in pairs.items()]
    x, y = draw(ODD), draw(ODD, seed=1)
    grid, row = draw(37, 41), draw(41, seed=1)
    return [
        *made,
        Launch("several outputs", several, (x, y)),
        Launch("not aligned", lambda x, y: wave(x[1:], y[:-1]), (x, y)),
        Launch("every other element", lambda x, y: wave(x[::2], y[::-2]), (x, y)),
        Launch("transposed", lambda a: wave(a.T, a.T * 0.5), (grid,)),
        Launch("broadcast", wave, (grid, row)),
        Launch("one element", wave, (draw(1), draw(1, seed=1))),
        Launch("no dimension", wave, (np.array(0.3), np.array(-0.7))),
        Launch("nothing", wave, (draw(0), draw(0)), empty=True),
        Launch("integers", whole_numbers, (draw(ODD, dtype="int64"), draw(ODD, dtype="int64"))),
        Launch("gradient", ag.grad(lambda x, y: np.sum(wave(x, y)), argnums=(0, 1)), (x, y)),
    ]


def reductions() -> list[Launch]:
    """To one number, in one stage and in two, and along an axis."""
    return [
        *(
            Launch(f"reductions of {n} {dtype}", whole, (draw(n, dtype=dtype),), shares=True)
            for dtype in ("float32", "float64")
            for n in (1, ODD, LONG)
        ),
        Launch("reductions along an axis", rows_of, (draw(37, 513),), shares=True),
        Launch("reductions of long rows", rows_of, (draw(3, 20_011),), shares=True),
    ]


def steps() -> list[Launch]:
    """Optimizers, with one leaf, few and more than a table by value holds, and behind a clip."""
    o = ag.optimizers
    clipped = o.chain(o.clip_by_global_norm(0.5), o.adamw(0.01))
    return [
        step("Adam, one leaf", o.adam(0.01), 1, ODD),
        step("Adam, leaves of many sizes", o.adam(0.01), 40, ODD),
        step("Adam, 1100 leaves", o.adam(0.01), 1100, 23),
        step("clip and AdamW", clipped, 40, ODD, shares=True),
        step("LAMB", o.lamb(0.01), 5, ODD, shares=True),
    ]


def step(name: str, optimizer: Any, leaves: int, size: int, shares: bool = False) -> Launch:
    """Three steps, the later ones in place; leaf k is shorter by k elements, but has one."""

    def call(x: Any) -> Any:
        params = [x[: max(1, x.shape[0] - k)] * 1.0 for k in range(leaves)]
        state = optimizer.init(params)
        for _ in range(3):
            grads = [p * 0.5 + 0.1 for p in params]
            params, state = optimizer.step(params, grads, state, donate=True)
        return params

    return Launch(name, call, (draw(size),), shares, compiled=False)


def every() -> list[Launch]:
    return [*elementwise(), *reductions(), *steps()]


def check(launch: Launch, make: Callable[[np.ndarray], Any]) -> str:
    """What is wrong with a launch; "" where nothing is."""
    try:
        return compare(launch, make)
    except Exception as error:  # the others are launched all the same
        return f"{type(error).__name__}: {error}"


def compare(launch: Launch, make: Callable[[np.ndarray], Any]) -> str:
    """How the results differ from NumPy's; "" where they do not."""
    with ag.use_settings(kernels="off"):
        expected = launch.function(*(a.copy() for a in launch.arrays))
    with ag.use_settings(kernels="always"), warnings.catch_warnings():
        warnings.filterwarnings("error", "kernels: got")  # the compiler refused a text
        call = ag.compile(launch.function) if launch.compiled else launch.function
        for _ in range(2):
            arrays = [make(a) for a in launch.arrays]
            got = call(*arrays)
        on_cupy = "cupy" in type(arrays[0]).__module__
        if on_cupy and launch.compiled and not launch.empty and not call.kernels(*arrays):
            return "no kernel was made"
    for k, (have, want) in enumerate(
        zip(ag.trees.leaves(got), ag.trees.leaves(expected), strict=True)
    ):
        have, want = to_host(have), np.asarray(want)
        if have.shape != want.shape or have.dtype != want.dtype:
            return f"result {k}: {have.dtype}{have.shape}, not {want.dtype}{want.shape}"
        allowed = tolerance(want.dtype, want.size, CONDITION)
        scale = float(np.max(np.abs(want), initial=0.0)) or 1.0
        error = float(np.max(np.abs(have - want) if allowed else have != want, initial=0.0)) / scale
        if not error <= allowed:
            return f"result {k}: differs by {error:.1e}, above {allowed:.1e}"
    return ""


def find_sanitizer() -> str | None:
    """The program, in PATH or where CUDA puts it."""
    return shutil.which("compute-sanitizer", path=os.pathsep.join([os.environ["PATH"], *FOLDERS]))


def run_under(tool: str) -> int:
    """This very script under compute-sanitizer, whose finding is the status."""
    program = find_sanitizer()
    if program is None:
        print(f"compute-sanitizer is neither in PATH nor in {' or '.join(FOLDERS)}")
        return ABSENT
    command = [program, "--tool", tool, "--error-exitcode", "1", sys.executable, "-m"]
    command += ["tests.parity.launches", "--backend", "cupy", "--no-pool"]
    command += ["--shared"] if tool == "racecheck" else []
    return 1 if subprocess.run(command, check=False).returncode else 0


def main(arguments: list[str] | None = None) -> int:
    """Run them all; 1 if a result is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.launches")
    parser.add_argument("--backend", default="cupy", help="cupy or cupy-lookalike")
    parser.add_argument("--tool", choices=("memcheck", "racecheck"))
    parser.add_argument("--shared", action="store_true", help="only those with shared memory")
    parser.add_argument("--no-pool", action="store_true", help="memory from the driver")
    options = parser.parse_args(arguments)
    if options.tool is not None:
        if options.backend == "cupy-lookalike":
            print("the look-alike launches nothing that the sanitizer could watch")
            return ABSENT
        return run_under(options.tool)
    xp = open_for_program(options.backend)
    if xp is None:
        return 2
    if options.no_pool:
        import cupy

        cupy.cuda.set_allocator(None)
    chosen = [launch for launch in every() if launch.shares or not options.shared]
    found = {launch.name: check(launch, xp.asarray) for launch in chosen}
    for name, wrong in found.items():
        print(f"FAILED {name}: {wrong}" if wrong else f"right: {name}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
