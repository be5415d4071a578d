"""The command line of the robustness benchmark: run, compare, print, write."""

import argparse
import datetime
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.command import write
from benchmarks.lab import Unusable
from benchmarks.robustness import contestants, problems
from benchmarks.robustness.problems import Task


def main(arguments: list[str] | None = None) -> int:
    """Run every pair of solvers on every problem."""
    options = parse(arguments)
    pairs = [
        pair
        for pair in contestants.available()
        if options.methods is None or pair[0].split()[1] in options.methods
    ]
    findings: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "facts": report.gather_facts(),
        "suites": [],
    }
    for suite in options.suites:
        try:
            tasks = problems.load(suite)
        except Unusable as error:
            print(f"{suite}: {error}", file=sys.stderr)
            continue
        found = run_suite(suite, tasks[: 3 if options.quick else None], pairs, options.budget)
        findings["suites"].append(found)
        show(found, options.details)
    findings["suites"].append(join(findings["suites"], pairs))
    show(findings["suites"][-1], False)
    if options.json is not None:
        write(options.json, findings)
    return 0


def run_suite(
    suite: str, tasks: list[Task], pairs: list[tuple[str, str]], budget: int
) -> dict[str, Any]:
    """Outcomes by problem, and the comparison of each pair."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    rows = []
    for task in tasks:
        outcomes = {name: contestants.run(name, task, budget) for name in names}
        minima = task.minima or (lowest(outcomes),)
        row: dict[str, Any] = {"problem": task.name, "n": task.x0.size, "minima": list(minima)}
        row |= {"gradient": task.slopes, "published": bool(task.minima), "solvers": {}}
        for name, outcome in outcomes.items():
            at = contestants.solved_at(outcome, minima)
            least = outcome["falls"][-1][1] if outcome["falls"] else None
            row["solvers"][name] = {
                "solved_at": at,
                "lowest": least,
                "evaluations": outcome["evaluations"],
                "end": outcome["end"],
            }
        rows.append(row)
        print(f"\r{suite}: {len(rows)} of {len(tasks)} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"suite": suite, "problems": rows, "pairs": [compare(rows, *pair) for pair in pairs]}


def lowest(outcomes: dict[str, dict[str, Any]]) -> float:
    """The lowest value that any solver found, as Moré and Wild (2009) judge by."""
    return min(o["falls"][-1][1] for o in outcomes.values() if o["falls"])


def compare(rows: list[dict[str, Any]], ours: str, peer: str) -> dict[str, Any]:
    """How many problems each solves, and the ratio of evaluations where both do."""
    at = [(row["solvers"][ours]["solved_at"], row["solvers"][peer]["solved_at"]) for row in rows]
    ratios = [a / b for a, b in at if a is not None and b is not None]
    found = {
        "ours": ours,
        "peer": peer,
        "problems": len(at),
        "solved": [sum(a is not None for a, _ in at), sum(b is not None for _, b in at)],
        "both": len(ratios),
        "ratio": statistics.median(ratios) if ratios else None,
    }
    most = found["ratio"] is None or found["ratio"] <= 1.1
    return {**found, "met": most and found["solved"][0] >= found["solved"][1]}


def join(suites: list[dict[str, Any]], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """All suites as one."""
    rows = [row for found in suites for row in found["problems"]]
    return {"suite": "all", "problems": [], "pairs": [compare(rows, *pair) for pair in pairs]}


def show(found: dict[str, Any], details: bool) -> None:
    """Print the comparison, and the problems where the two differ."""
    print(f"{found['suite']}: solved of all, ours and the peer's; median ratio of evaluations")
    for pair in found["pairs"]:
        ours, peers = pair["solved"]
        ratio = "-" if pair["ratio"] is None else f"{pair['ratio']:.2f}"
        print(
            f"  {pair['ours']:22} {ours:4} {pair['peer']:18} {peers:4} of {pair['problems']:4}"
            f"  ratio {ratio}  {'met' if pair['met'] else 'not met'}"
        )
        if details:
            show_details(found["problems"], pair["ours"], pair["peer"])


def show_details(rows: list[dict[str, Any]], ours: str, peer: str) -> None:
    for row in rows:
        a, b = row["solvers"][ours], row["solvers"][peer]
        first, second = a["solved_at"], b["solved_at"]
        if first is None or (second is not None and first > 1.3 * second):
            print(
                f"    {row['problem']:32} n {row['n']:3}  {first} against {second}; "
                f"lowest {a['lowest']:.9g}, {b['lowest']:.9g}, minima "
                f"{[float(f'{m:.9g}') for m in row['minima']]}; {a['end'][:70]} | {b['end'][:40]}"
            )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument(
        "--suites", type=lambda text: text.split(","), default=list(problems.SUITES)
    )
    parser.add_argument("--methods", type=lambda text: text.split(","), help="of ours")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    parser.add_argument("--details", action="store_true", help="name problems that took longer")
    parser.add_argument(
        "--budget", type=int, default=contestants.BUDGET, help="evaluations of one run"
    )
    parser.add_argument("--quick", action="store_true", help="three problems of each suite")
    return parser.parse_args(arguments)
