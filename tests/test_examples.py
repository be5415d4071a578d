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


def run_example(file: Path, folder: Path, backend: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(file), "--backend", backend],
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
