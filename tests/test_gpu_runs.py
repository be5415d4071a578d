"""The page of what was run on which GPU says what the files say, and that there are none."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import cuda
from benchmarks.lab import Lab

EXTENSIONS = str(Path(__file__).parents[1] / "docs" / "_ext")
sys.path.insert(0, EXTENSIONS)
try:
    import gpu_runs
finally:
    sys.path.remove(EXTENSIONS)

MACHINE = {
    "gpu": {"name": "NVIDIA Planted 9", "count": 2, "runtime_cuda": 13010},
    "driver": "1.2",
    "versions": {"numpy": "2.5.5", "cupy-cuda13x": "14.2.0"},
}
ABOUT = {"date": "2001-02-03T04:05:06", "machine": MACHINE}


@pytest.fixture(scope="module")
def stated():
    """The targets can be told where there is neither CuPy nor a GPU."""
    return {row.name: row.make(Lab("cupy", quick=True)).targets for row in cuda.ROWS}


def write(folder, name, found):
    (folder / name).write_text(json.dumps(found))


def test_without_files_every_table_says_so(tmp_path, stated):
    assert gpu_runs.list_runs(tmp_path)[0][0] == gpu_runs.NEVER
    assert gpu_runs.list_trajectories(tmp_path)[0][0] == gpu_runs.NEVER
    targets = gpu_runs.list_targets(tmp_path, stated)
    assert {row[3] for row in targets} == {gpu_runs.NEVER}
    assert {row[0] for row in targets} == {row.name for row in cuda.ROWS}


def test_a_run_tells_its_machine_and_what_failed(tmp_path):
    parts = [
        {"name": "parity", "status": "passed", "seconds": 3},
        {"name": "waits", "status": "failed", "seconds": 3},
        {"name": "demo", "status": "too long", "seconds": 300},
        {"name": "sanitizer memcheck", "status": "not run", "reason": "absent"},
    ]
    write(tmp_path, "2001-02-03-planted-9-parts.json", {"about": ABOUT, "parts": parts})
    (row,) = gpu_runs.list_runs(tmp_path)
    assert row == [
        *("2001-02-03", "NVIDIA Planted 9 (2 of them)", "1.2", "14.2.0", "13.1"),
        *("1 of 4 parts", "waits, demo", "sanitizer memcheck"),
    ]


def test_targets_are_those_stated_beside_what_the_newest_run_measured(tmp_path, stated):
    name = "Adam step, one vector of 1e8 float32"
    for day, ratio in (("03", 0.7), ("04", 1.5)):
        row = {"theme": "cuda", "name": name, "targets": []}
        row["targets"] = [
            {"peer": "torch fused", "measure": "ratio", "ratio": ratio, "at_most": 9.0},
            {"peer": "copy of as many bytes", "measure": "ratio", "ratio": None, "at_most": 9.0},
        ]
        found = {"backend": "cupy", "facts": {}, "rows": [row]}
        write(tmp_path, f"2001-02-{day}-planted-9.json", found)
        assert {r[1]: r[2:] for r in gpu_runs.list_targets(tmp_path, stated) if r[0] == name} == {
            "torch fused": ["1.00 x its time", f"{ratio:.2f} x", "yes" if ratio < 1 else "no"],
            "copy of as many bytes": ["1.11 x its time", "not measured", "-"],
            "by hand": ["0.20 x its time", gpu_runs.NEVER, "-"],
        }


def test_a_cost_is_told_in_microseconds(stated):
    (target,) = [t for ts in stated.values() for t in ts if t.measure == "difference"][:1]
    found = {"difference": 80e-6}
    assert gpu_runs.show_target("x", target, found)[2:] == ["100 us", "80 us", "yes"]


def test_figures_of_a_cpu_do_not_count(tmp_path, stated):
    target = {"peer": "torch fused", "measure": "ratio", "ratio": 0.5}
    row = {"theme": "cuda", "name": next(iter(stated)), "targets": [target]}
    write(tmp_path, "2001-02-03-cpu.json", {"backend": "numpy", "facts": {}, "rows": [row]})
    assert {row[3] for row in gpu_runs.list_targets(tmp_path, stated)} == {gpu_runs.NEVER}


def test_trajectories_are_counted_by_problem_and_mode(tmp_path):
    row = {"problem": "separable", "mode": "kernels", "identical": True, "difference": 0.0}
    rows = [row, {**row, "identical": False, "difference": 2e-13}, {**row, "difference": None}]
    write(tmp_path, "2001-02-03-x-trajectories.json", {"device": "Planted 9", "rows": rows})
    (told,) = gpu_runs.list_trajectories(tmp_path)
    assert told == ["separable, kernels", "Planted 9", "3", "2.0e-13", "2"]
