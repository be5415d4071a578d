"""Pictures of benchmark results: one bar a contestant, times beside them, ours in colour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.race import OURS
from benchmarks.report import show_time

COLOUR, GREY = "#2c6fbb", "#a8b0b8"


def newest_results(folder: Path) -> list[Path]:
    """The latest file of every backend, full runs before quick ones."""
    newest: dict[str, tuple[tuple, Path]] = {}
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text())
        if not {"rows", "backend", "facts"} <= set(found):  # tables of parity lie there too
            continue
        rank = (not found.get("quick", False), found["date"])
        if found["backend"] not in newest or rank >= newest[found["backend"]][0]:
            newest[found["backend"]] = (rank, path)
    return [path for _, path in newest.values()]


def words_for(found: dict[str, Any]) -> tuple[str, str]:
    """Title of a run, and what it was measured on."""
    facts = found["facts"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    machine = facts.get("machine", "a shared machine")
    title = f"Backend {found['backend']}, {found['date']}"
    return title, f"On {machine}, {facts['threads']} thread, Python {facts['python']}: {versions}."


def picture_name(path: Path, number: int) -> str:
    """The file of one row's picture."""
    return f"benchmark-{path.stem}-{number}.svg"


def draw_row(row: dict[str, Any], target: Path) -> bool:
    """Draw one row; False if fewer than two contestants were measured."""
    measured = [c for c in row["contestants"] if "seconds" in c]
    if len(measured) < 2:
        return False
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    measured = measured[::-1]
    figure, axes = pyplot.subplots(figsize=(7, 0.42 * len(measured) + 0.5), layout="constrained")
    seconds = [c["seconds"] for c in measured]
    spread = [max(c["seconds"] - c.get("fastest", c["seconds"]), 0.0) for c in measured]
    colours = [COLOUR if c["name"] == OURS else GREY for c in measured]
    names = [c["name"] for c in measured]
    axes.barh(names, seconds, color=colours, xerr=[spread, [0.0] * len(spread)], ecolor="#555")
    for k, contestant in enumerate(measured):
        axes.annotate(
            show_time(contestant),
            (seconds[k], k),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color="#555",
        )
    axes.set_xlim(0, max(seconds) * 1.25)
    axes.xaxis.set_visible(False)
    axes.tick_params(length=0, colors="#555")
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(target, transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    return True
