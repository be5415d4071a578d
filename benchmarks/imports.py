"""Start-up: what ``import anygrad`` adds to ``import numpy``, each in a process of its own."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target

ROOT = Path(__file__).resolve().parents[1]
# Prints the seconds from the first import to the end, and a value that only the imports can give.
SCRIPT = """
import time
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(seconds, float(value))
"""
NUMPY = "import numpy\nvalue = numpy.square(3.0)"
WORK = {
    "import numpy": NUMPY,
    "anygrad": f"{NUMPY}\nimport anygrad",
    "anygrad, and a first gradient": f"{NUMPY}\nimport anygrad\n"
    "value = value + anygrad.grad(lambda x: x * x)(3.0) - 6.0",
    "autograd": f"{NUMPY}\nimport autograd",
    "jax": f"{NUMPY}\nimport jax",
    "torch": f"{NUMPY}\nimport torch",
}


def run_script(work: str) -> tuple[float, float]:
    """Seconds and value, as the process itself tells them."""
    command = [sys.executable, "-c", SCRIPT.format(work=work)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        name = done.stderr.rpartition("No module named ")[2].strip().strip("'")
        if "ModuleNotFoundError" in done.stderr:
            raise ModuleNotFoundError(done.stderr.splitlines()[-1], name=name)
        raise RuntimeError(done.stderr.splitlines()[-1])
    seconds, value = done.stdout.split()
    return float(seconds), float(value)


def make_imports(lab: Lab) -> Race:
    contestants = [
        Contestant(name, partial(partial, run_script, work), name if name in PEERS else None)
        for name, work in WORK.items()
    ]
    targets = [Target("import numpy", 0.15, ours="anygrad", measure="difference")]
    return Race(contestants, np.array([9.0]), targets=targets, rounds=9, tells_time=True)


PEERS = ("autograd", "jax", "torch")
ROWS = [Row("import anygrad", make_imports, backends=("numpy",))]
