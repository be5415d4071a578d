"""What a run tells: the facts about it, a table for people, and a list of what went wrong."""

import os
import platform
from importlib import metadata
from typing import Any

from anygrad import __version__
from benchmarks.race import OURS
from benchmarks.threads import count_threads

LIBRARIES = (
    *("numpy", "array-api-compat", "optree", "scipy", "llvmlite", "cupy-cuda12x", "cupy-cuda13x"),
    *("torch", "jax", "optax", "autograd"),
)
HEADINGS = ("contestant", "time", f"{OURS} / it", "target", "")


def gather_facts() -> dict[str, Any]:
    """What the figures depend on: versions, threads, processor."""
    versions = {OURS: __version__}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "threads": count_threads(),
        "machine": describe_machine(),
        "libraries": versions,
    }


def describe_machine() -> str:
    """The processor and its cores, without a name of the machine."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    except OSError:  # no Linux
        pass
    return f"{model}, {os.cpu_count()} cores"


def lay_out(row: dict[str, Any]) -> list[tuple[str, ...]]:
    """The lines of a row's table; a target stands on the line of the contestant it is set for."""
    ratios = {pair["peer"]: f"{pair['ratio']:.2f}" for pair in row["compared"]}
    lines = []
    for contestant in row["contestants"]:
        name = contestant["name"]
        time = show_time(contestant)
        marks = [target for target in row["targets"] if target["peer"] == name]
        shown = [show_target(target) for target in marks]
        lines.append(
            (
                name,
                time,
                ratios.get(name, ""),
                ", ".join(goal for goal, _ in shown),
                ", ".join(verdict for _, verdict in shown),
            )
        )
    return lines


def show_time(contestant: dict[str, Any]) -> str:
    if "seconds" not in contestant:
        return contestant["status"].partition(":")[0]
    seconds = contestant["seconds"]
    unit, factor = next(
        ((u, f) for u, f in (("s", 1.0), ("ms", 1e3)) if seconds * f >= 1), ("us", 1e6)
    )
    bandwidth = contestant.get("bytes_per_second")
    beside = "" if bandwidth is None else f" ({bandwidth / 1e9:.1f} GB/s)"
    return f"{seconds * factor:.3g} {unit}{beside}"


def show_target(target: dict[str, Any]) -> tuple[str, str]:
    value, limit = target[target["measure"]], target["at_most"]
    whose = "" if target["ours"] == OURS else f"{target['ours']}: "
    if target["measure"] == "difference":
        goal = f"{whose}<= {limit:g} s above"
        measured = "" if value is None else f" ({value:.2g} s)"
    else:
        goal = f"{whose}<= {limit:g}"
        measured = "" if value is None or not whose else f" ({value:.2f})"
    verdict = {True: "met", False: "not met", None: "not measured"}[target["met"]]
    return goal, verdict + measured


def print_row(row: dict[str, Any]) -> None:
    title = f"{row['theme']}: {row['name']}"
    lines = lay_out(row)
    try:
        from rich.console import Console
        from rich.table import Table
    except ModuleNotFoundError:
        print_plainly(title, lines)
        return
    print(title)
    table = Table()
    for k, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if k in (1, 2) else "left")
    for line in lines:
        table.add_row(*line, style="bold" if line[0] == OURS else None)
    Console().print(table)


def print_plainly(title: str, lines: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[k]) for line in [HEADINGS, *lines]) for k in range(len(HEADINGS))]
    print(title)
    for line in [HEADINGS, *lines]:
        print("  " + "  ".join(t.ljust(w) for t, w in zip(line, widths, strict=True)).rstrip())


def print_summary(findings: dict[str, Any]) -> None:
    targets = [(row, target) for row in findings["rows"] for target in row["targets"]]
    met = sum(target["met"] is True for _, target in targets)
    timed = sum(target["met"] is not None for _, target in targets)
    facts = findings["facts"]
    print(f"targets met: {met} of {timed} measured, of {len(targets)} set")
    print(f"backend {findings['backend']}, Python {facts['python']}, threads {facts['threads']}")
    for failure in list_failures(findings["rows"]):
        print(failure)


def list_failures(rows: list[dict[str, Any]]) -> list[str]:
    """Contestants that raised or gave a wrong value; absent ones are no failures."""
    return [
        f"{row['theme']}: {row['name']}: {contestant['name']} {contestant['status']}"
        for row in rows
        for contestant in row["contestants"]
        if contestant["status"].startswith(("failed", "wrong"))
    ]
