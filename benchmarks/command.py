"""The command line: choose rows, run them, print the table, write the JSON."""

import argparse
import datetime
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from anygrad.errors import AnygradError
from benchmarks import (
    clipping,
    compiling,
    cuda,
    differences,
    families,
    gradients,
    imports,
    kernels,
    optimizers,
    report,
    solvers,
    transformations,
    user_code,
)
from benchmarks.lab import Lab
from benchmarks.race import Row, run_race

THEMES = {
    "cuda": cuda.ROWS,  # first, for a machine that is lent for minutes
    "gradients": gradients.ROWS,
    "transformations": transformations.ROWS,
    "user_code": user_code.ROWS,
    "compiling": compiling.ROWS,
    "differences": differences.ROWS,
    "kernels": kernels.ROWS,
    "optimizers": optimizers.ROWS,
    "families": families.ROWS,
    "clipping": clipping.ROWS,
    "solvers": solvers.ROWS,
    "imports": imports.ROWS,
}

GPU_SECONDS = 420  # with the last row, all themes end within eight minutes


def main(arguments: list[str] | None = None) -> int:
    """Run the rows asked for; 1 where a contestant failed or was wrong, whatever the times."""
    options = parse(arguments)
    if options.show is not None:
        show(json.loads(options.show.read_text()))
        return 0
    lab = Lab(options.backend, options.quick)
    try:
        lab.array(0.0)
    except (AnygradError, ImportError, RuntimeError) as error:
        print(f"--backend {options.backend}: {error}", file=sys.stderr)
        return 2
    rows: list[dict] = []
    findings = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "backend": options.backend,
        "quick": options.quick,
        "facts": report.gather_facts(),
        "rows": rows,
    }
    end = time.monotonic() + options.budget
    for theme, row in choose(options.names, options.backend):
        if time.monotonic() > end:
            findings.setdefault("left_out", []).append(f"{theme}: {row.name}")
            print(f"{theme}: {row.name}: left out, no time is left", file=sys.stderr)
            continue
        print(f"{theme}: {row.name} ...", file=sys.stderr, flush=True)
        rows.append({"theme": theme, "name": row.name, **run_row(row, lab, options.peers)})
        lab.tidy()
        report.print_row(rows[-1])
        if options.json is not None:
            write(options.json, findings)  # a run that is cut short leaves what it has
    report.print_summary(findings)
    if options.json is not None:
        write(options.json, findings)
    failures = report.list_failures(rows)
    return 1 if failures else 0


def run_row(row: Row, lab: Lab, peers: bool) -> dict[str, Any]:
    """Run the race of a row; what even a race cannot catch ends this row only."""
    try:
        return run_race(row.make(lab), lab, peers)
    except Exception as error:
        status = f"failed: {type(error).__name__}: {error}"
        outcome = {"name": "the row as a whole", "status": status}
        return {"contestants": [outcome], "compared": [], "targets": []}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="a theme, or part of a row's name; default: all"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    parser.add_argument("--show", metavar="FILE", type=Path, help="print such figures, run nothing")
    parser.add_argument("--backend", choices=("numpy", "cupy"), default="numpy")
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that all runs")
    parser.add_argument(
        "--budget", metavar="SECONDS", type=float, help="begin no row later (on a GPU: 420)"
    )
    parser.add_argument(
        "--no-peers", dest="peers", action="store_false", help="without other libraries"
    )
    options = parser.parse_args(arguments)
    options.names = options.names or None
    if options.budget is None:
        options.budget = GPU_SECONDS if options.backend == "cupy" else math.inf
    if not choose(options.names, options.backend):
        names = "\n".join(f"  {theme}: {row.name}" for theme, row in choose(None, options.backend))
        parser.error(f"NAME: got {options.names}; expected part of one of these\n{names}")
    return options


def show(findings: dict) -> None:
    """Print the tables of an earlier run."""
    for row in findings["rows"]:
        report.print_row(row)
    report.print_summary(findings)


def choose(wanted: list[str] | None, backend: str) -> list[tuple[str, Row]]:
    """The rows that have a wanted part in their theme or name and run on the backend."""
    every = [(theme, row) for theme, rows in THEMES.items() for row in rows]
    return [
        (theme, row)
        for theme, row in every
        if backend in row.backends
        and (wanted is None or any(part == theme or part in row.name for part in wanted))
    ]


def write(file: Path, findings: dict) -> None:
    """All or nothing: a run that is cut short leaves the file as it was."""
    unfinished = file.with_name(file.name + ".part")
    unfinished.write_text(json.dumps(findings, indent=1) + "\n")
    os.replace(unfinished, file)
