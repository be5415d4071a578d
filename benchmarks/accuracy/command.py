"""The command line: choose suites and tools, measure, print the tables, write the JSON."""

import argparse
import json
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import special_cases, suites, tables, targets
from benchmarks.accuracy.formulas import Formula
from benchmarks.accuracy.gradients import GRADIENTS
from benchmarks.accuracy.tools import TOOLS, Tool, ask
from benchmarks.report import gather_facts

PEERS = ("numdifftools", "jacobi")
Samples = Iterator[tuple[str, list[tables.Sample | None]]]


def run_easy(tool: Tool) -> Samples:
    """What the noisy suite is without its noise."""
    yield from run_plain("easy", suites.read("noisy", special_cases.NOISY), tool)


def run_plain(name: str, cases: list[suites.Case], tool: Tool) -> Samples:
    yield name, [tables.sample_case(tool, case) for case in cases]


def run_distributions(tool: Tool) -> Samples:
    from benchmarks.accuracy.distributions import DISTRIBUTIONS

    yield from run_plain("distributions", DISTRIBUTIONS(), tool)


def run_noise(tool: Tool) -> Samples:
    """A row for each amplitude, and one for all together."""
    every = []
    for amplitude in targets.AMPLITUDES:
        samples = [tables.sample_case(tool, case) for case in suites.NOISY(amplitude)]
        every += samples
        yield f"noise {amplitude:g}", samples
    yield "noise", every


def run_gradients(tool: Tool) -> Samples:
    for field in GRADIENTS:
        yield field.name, [tables.sample_field(tool, field)]


def run_speed(tool: Tool) -> Samples:
    """Functions on a scale of their own: exp on the usual one, log on many."""
    for count in (1, 10, 1000, 100000):
        for name, apply, (low, high), slope in (
            ("exp", lambda m, x: m.exp(x), (0.1, 3.0), np.exp),
            ("log", lambda m, x: m.log(x), (1e-3, 1e3), np.reciprocal),
        ):
            x = np.geomspace(low, high, count + 2)[1:-1]
            case = suites.Case(name, Formula(name, apply, ()), x, slope(x))
            yield f"{name}, N = {count}", [tables.sample_speed(tool, case)]


def plain(name: str, cases: list[suites.Case]) -> Callable[[Tool], Samples]:
    return lambda tool: run_plain(name, cases, tool)


SUITES: dict[str, Callable[[Tool], Samples]] = {
    "easy": run_easy,
    "smooth": plain("smooth", suites.SMOOTH),
    "hold-out": plain("hold-out", suites.HOLD_OUT),
    "distributions": run_distributions,
    "hard": plain("hard", suites.HARD),
    "noise": run_noise,
    "single": plain("single", suites.SINGLE),
    "kinks": plain("kinks", suites.KINKS),
    "bounded": plain("bounded", suites.BOUNDED),
    "extreme": plain("extreme", suites.EXTREME),
    "gradients": run_gradients,
    "speed": run_speed,
}


def measure(suite: str, tool: Tool, misses: bool = False) -> list[dict[str, Any]]:
    """The rows of a suite; none where the tool cannot do it."""
    rows = []
    for name, samples in SUITES[suite](tool):
        done = [sample for sample in samples if sample is not None]
        if done:
            rows.append(tables.summarise(name, tool.name, done))
        if misses:
            tables.print_misses(name, tool.name, done)
    return rows


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    rows = []
    names = [name for name in options.tools if is_there(TOOLS[name])]
    for suite in options.suites:
        found = [row for name in names for row in measure(suite, TOOLS[name], options.misses)]
        rows += found
        tables.print_rows(found)
    judgement = targets.judge(rows)
    targets.print_judgement(judgement)
    for message, count in tables.FAILURES.items():
        print(f"raised, {count} times: {message}")
    if options.json is not None:
        facts = gather_facts()
        facts["libraries"] |= {name: version_of(name) for name in PEERS}
        findings = {"facts": facts, "rows": rows, "targets": judgement}
        options.json.write_text(json.dumps(findings, indent=1) + "\n")
    return 0


def is_there(tool: Tool) -> bool:
    """Call the tool once, so that no import is timed."""
    try:
        ask(tool.derivative, np.sin, np.ones(2))
    except ImportError as error:
        print(f"{tool.name}: not installed ({error})")
        return False
    except Exception:  # the suites will tell
        pass
    return True


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument(
        "--tools", type=choice_of(TOOLS), default=list(TOOLS), help=f"of {', '.join(TOOLS)}"
    )
    parser.add_argument(
        "--suites", type=choice_of(SUITES), default=list(SUITES), help=f"of {', '.join(SUITES)}"
    )
    parser.add_argument(
        "--misses", action="store_true", help="name the points where a tool was wrong"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


def choice_of(table: dict[str, Any]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in table:
                known = ", ".join(table)
                raise argparse.ArgumentTypeError(f"got {name!r}; expected some of {known}")
        return names

    return read


def version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
