"""Every example runs from its first line to its last, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[!_]*.py"))
# Seconds on two cores; far above what any of them takes.
LIMIT = 120
# Those for a GPU, with sizes that do for a look-alike.
ON_A_GPU = {
    "digits_at_scale": ("--copies", "60"),
    "logistic_regression": ("--rows", "150000", "--columns", "5", "--dtype", "float64"),
    "phase_retrieval": ("--size", "48"),
}
# Run by Python when it starts: what reads CuPy's arrays on the host without saying so raises.
STAND_IN = "from tests.support import lookalike_cupy\nlookalike_cupy.install()\n"


def run_example(file: Path, folder: Path, backend: str, *options: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "PYTHONWARNINGS": "error",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(file), "--backend", backend, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow  # ci/test runs them in a call of their own
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_runs_and_says_something(file, tmp_path):
    assert run_example(file, tmp_path, "numpy").strip()


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_A_GPU)
def test_example_for_a_gpu_copies_nothing_to_the_host_unasked(name, tmp_path):
    pytest.importorskip("array_api_compat")
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    assert run_example(ROOT / "examples" / f"{name}.py", tmp_path, "cupy", *ON_A_GPU[name]).strip()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_is_short_and_takes_a_backend(file):
    text = file.read_text()
    assert "--backend" in text
    assert 20 <= len(text.splitlines()) <= 90, "a story of 20 to 60 lines, and a few for arguments"


def test_an_example_that_fails_is_seen(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("print('so far')\n1 / 0\n")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_example(bad, tmp_path, "numpy")
