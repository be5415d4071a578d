"""What was run on which GPU, read from the files that `ci/gpu --record` keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NEVER = "not yet run on a GPU"
RUN_HEADS = ["date", "GPU", "driver", "CuPy", "CUDA", "passed", "failed", "not run"]
TARGET_HEADS = ["work", "against", "at most", "measured", "met"]
TRAJECTORY_HEADS = ["problem, settings", "GPU", "optimizers", "largest difference", "bit for bit"]


def read_all(folder: Path, what: str) -> list[dict[str, Any]]:
    """The files of one kind, oldest first."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"*-{what}.json"))]


def list_runs(folder: Path) -> list[list[str]]:
    """A row for each day and GPU, or one that says that there is none."""
    rows = [row_of(run) for run in read_all(folder, "parts")]
    return rows or [[NEVER, *["-"] * (len(RUN_HEADS) - 1)]]


def row_of(run: dict[str, Any]) -> list[str]:
    """Date, what it ran on, and how many parts came to which end; failed ones by name."""
    machine, parts = run["about"]["machine"], run["parts"]
    gpu, versions = machine["gpu"], machine["versions"]
    cupy = next((v for name, v in versions.items() if name.startswith("cupy")), "-")
    passed = sum(part["status"] == "passed" for part in parts)
    failed = [part["name"] for part in parts if part["status"] in ("failed", "too long")]
    absent = [part["name"] for part in parts if part["status"] == "not run"]
    count = f" ({gpu['count']} of them)" if gpu.get("count", 1) > 1 else ""
    return [
        run["about"]["date"][:10],
        f"{gpu['name']}{count}",
        str(machine.get("driver") or "-"),
        cupy,
        show_cuda(gpu.get("runtime_cuda")),
        f"{passed} of {len(parts)} parts",
        ", ".join(failed) or "none",
        ", ".join(absent) or "none",
    ]


def show_cuda(number: int | None) -> str:
    """CUDA's version from the number that its runtime gives."""
    return "-" if number is None else f"{number // 1000}.{number % 1000 // 10}"


def list_targets(folder: Path, stated: dict[str, list[Any]]) -> list[list[str]]:
    """A row for each target of the theme `cuda`, with what the newest run measured."""
    measured: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text())
        if found.get("backend") != "cupy" or "facts" not in found:
            continue
        for row in found["rows"]:
            for target in row["targets"] if row["theme"] == "cuda" else []:
                measured[row["name"], target["peer"], target["measure"]] = target
    return [
        show_target(name, target, measured.get((name, target.peer, target.measure)))
        for name, targets in stated.items()
        for target in targets
    ]


def show_target(name: str, target: Any, found: dict[str, Any] | None) -> list[str]:
    """The goal as it is stated, and what was measured."""
    value = None if found is None else found[target.measure]
    if target.measure == "difference":
        goal, told = f"{1e6 * target.at_most:g} us", lambda v: f"{1e6 * v:.3g} us"
    else:
        goal, told = f"{target.at_most:.2f} x its time", lambda v: f"{v:.2f} x"
    if found is None:
        return [name, target.peer, goal, NEVER, "-"]
    if value is None:
        return [name, target.peer, goal, "not measured", "-"]
    return [name, target.peer, goal, told(value), "yes" if value <= target.at_most else "no"]


def list_trajectories(folder: Path) -> list[list[str]]:
    """A row for each GPU, problem and mode, of the newest run of each GPU."""
    newest = {run["device"]: run for run in read_all(folder, "trajectories")}
    rows = []
    for device, run in newest.items():
        kinds = dict.fromkeys((row["problem"], row["mode"]) for row in run["rows"])
        for problem, mode in kinds:
            here = [row for row in run["rows"] if (row["problem"], row["mode"]) == (problem, mode)]
            largest = max((r["difference"] for r in here if r["difference"] is not None), default=0)
            same = sum(row["identical"] for row in here)
            rows.append([f"{problem}, {mode}", device, str(len(here)), f"{largest:.1e}", str(same)])
    return rows or [[NEVER, *["-"] * (len(TRAJECTORY_HEADS) - 1)]]
