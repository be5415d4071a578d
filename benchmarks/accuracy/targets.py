"""What a very good implementation reaches, as data, and the judgement of a run against it."""

from typing import Any, NamedTuple

OURS = "ours"
AMPLITUDES = (1e-12, 1e-8, 1e-6, 1e-4, 1e-2)


class Target(NamedTuple):
    """A limit for one figure of one row.

    Attributes
    ----------
    suite, measure : str
        Which row, which key of it.
    limit : float
    sense : {"<=", ">="}
    peer : str, optional
        If given, the figure is the peer's divided by ours.
    tool : str
        Whose row; `OURS` by default.
    """

    suite: str
    measure: str
    limit: float
    sense: str = "<="
    peer: str | None = None
    tool: str = OURS

    def __str__(self) -> str:
        who = "" if self.tool == OURS else f" of {self.tool}"
        what = self.measure if self.peer is None else f"{self.measure} of {self.peer} / ours"
        return f"{self.suite}: {what}{who} {self.sense} {self.limit:g}"


def faster(suite: str, factor: float, peer: str, tool: str = OURS) -> Target:
    return Target(suite, "seconds", factor, ">=", peer, tool)


ACCURACY = [
    *(Target(suite, "median", 2e-14) for suite in ("smooth", "hold-out", "distributions")),
    *(Target(suite, "p95", 2e-11) for suite in ("smooth", "hold-out")),
    *(Target(suite, "silent", 0) for suite in ("smooth", "hold-out")),
    Target("distributions", "max", 1e-10),
    Target("distributions", "wrong", 0),
    *(
        Target(suite, "nan", 0)
        for suite in ("smooth", "hold-out", "distributions", "hard", "bounded", "extreme")
    ),
]
HONESTY = [
    *(Target(suite, "honest", 0.995, ">=") for suite in ("smooth", "hold-out")),
    *(Target(suite, "far", 0) for suite in ("smooth", "hold-out")),
    *(Target(suite, "bar_ratio", 15.0) for suite in ("smooth", "hold-out")),
    *(Target(f"noise {a:g}", "honest", 0.97, ">=") for a in AMPLITUDES),
    *(Target(f"noise {a:g}", "bar_ratio", 8.0) for a in AMPLITUDES),
    Target("noise", "bar_ratio", 6.0),
    Target("single", "honest", 0.97, ">="),
    Target("hard", "honest", 1.0, ">="),
    *(Target(suite, "warned", 1.0, ">=") for suite in ("hard", "kinks")),
]
POINTS = [
    Target("easy", "points", 12.0),
    Target("smooth", "points", 25.0),
    Target("hard", "worst_points", 60.0),
    *(Target(suite, "calls", 4) for suite in ("smooth", "hold-out", "hard", "distributions")),
]
GRADIENTS = [
    *(
        Target(f"{name}, n = {n}", "honest", 1.0, ">=")
        for name in ("rosenbrock", "tanh network")
        for n in (10, 100, 1000)
    ),
    *(Target(f"rosenbrock, n = {n}", "max", 0.5, ">=", "scipy") for n in (100, 1000)),
    faster("rosenbrock, n = 100", 5.0, "scipy"),
    faster("rosenbrock, n = 1000", 4.0, "scipy"),
    faster("tanh network, n = 1000", 1.3, "scipy"),
    faster("rosenbrock, n = 100", 15.0, "numdifftools"),
    faster("rosenbrock, n = 100", 15.0, "jacobi"),
    Target("rosenbrock, n = 100", "seconds", 1e-4, tool="ours-central"),
    faster("rosenbrock, n = 100", 15.0, "scipy-3-point", "ours-central"),
    faster("rosenbrock, n = 1000", 4.0, "scipy-3-point", "ours-central"),
]
SPEED = [
    *(Target(f"{f}, N = {n}", "seconds", 3e-4) for f in ("exp", "log") for n in (1, 10)),
    *(faster(f"{f}, N = {n}", 1.5, "scipy") for f in ("exp", "log") for n in (1000, 100000)),
]
TARGETS = [*ACCURACY, *HONESTY, *POINTS, *GRADIENTS, *SPEED]


def judge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each target with the figure found; ``met`` is None where a row is missing."""
    table = {(row["suite"], row["tool"]): row for row in rows}
    return [judge_one(target, table) for target in TARGETS]


def judge_one(target: Target, table: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    found = table.get((target.suite, target.tool), {}).get(target.measure)
    if target.peer is not None and found is not None:
        theirs = table.get((target.suite, target.peer), {}).get(target.measure)
        found = None if theirs is None else divide(theirs, found)
    met = None
    if found is not None:
        met = found <= target.limit if target.sense == "<=" else found >= target.limit
    return {"target": str(target), "found": found, "met": met}


def divide(theirs: float, ours: float) -> float:
    return theirs / ours if ours else float("inf")


def print_judgement(findings: list[dict[str, Any]]) -> None:
    measured = [finding for finding in findings if finding["met"] is not None]
    width = max((len(finding["target"]) for finding in measured), default=0)
    for finding in measured:
        verdict = "met" if finding["met"] else "NOT MET"
        print(f"{finding['target'].ljust(width)}  {finding['found']:9.3g}  {verdict}")
    met = sum(finding["met"] for finding in measured)
    print(f"targets met: {met} of {len(measured)} measured, of {len(findings)} set")
