"""Directives that lay out what was measured: the parity table, and the benchmarks with pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
PARITY = ROOT / "docs" / "_data" / "parity.json"
RESULTS = ROOT / "benchmarks" / "results"
RACE = ROOT / "examples" / "optimizer_race.py"
DOUBLE = ("float64", "complex128")


def table(heads: list[str], rows: list[list[str]], figures_from: int = 1) -> nodes.table:
    """A table of text; columns from ``figures_from`` on are figures."""
    made = nodes.table()
    group = nodes.tgroup(cols=len(heads))
    made += group
    for _ in heads:
        group += nodes.colspec(colwidth=1)
    group += nodes.thead("", row_of(heads, len(heads)))
    body = nodes.tbody()
    group += body
    for cells in rows:
        body += row_of(cells, figures_from)
    return made


def row_of(cells: list[str], figures_from: int) -> nodes.row:
    row = nodes.row()
    for k, cell in enumerate(cells):
        entry = nodes.entry(classes=["number"] if k >= figures_from else [])
        entry += nodes.paragraph(text=cell)
        row += entry
    return row


class ParitySummary(SphinxDirective):
    """The libraries, and the largest difference of each in double precision."""

    def run(self) -> list[nodes.Node]:
        """One row a library, and one more for each that was measured on a GPU."""
        found = read_parity(self)
        rows = [summarise(found, column) for column in found["columns"]]
        for path in newest_on_gpus(RESULTS):
            self.env.note_dependency(str(path))
            there = json.loads(path.read_text())
            on_gpu = [c for c in there["columns"] if c in ("cupy", "torch", "jax")]
            rows += [summarise(there, column) for column in on_gpu]
        heads = ["library", "version", "device", "calls", "largest difference", "measured"]
        return [table(heads, rows, 3)]


def summarise(found: dict[str, Any], column: str) -> list[str]:
    """One row: what a library is, how many calls were compared in double precision, how close."""
    double = [row["differences"][column] for row in found["rows"] if row["dtype"] in DOUBLE]
    failed = sum(cell is None for cell in double)
    closest = f"{max((cell for cell in double if cell is not None), default=0.0):.1e}"
    return [
        column,
        found["versions"][column],
        found["devices"][column],
        f"{len(double)}",
        closest if not failed else f"{closest}, {failed} failed",
        found["made"],
    ]


def newest_on_gpus(folder: Path) -> list[Path]:
    """The newest table that `ci/gpu --record` kept of each GPU."""
    newest = {
        path.stem[len("2000-01-01-") :]: path for path in sorted(folder.glob("*-parity.json"))
    }
    return list(newest.values())


class ParityTable(SphinxDirective):
    """Every routine and dtype."""

    def run(self) -> list[nodes.Node]:
        """One row a call."""
        found = read_parity(self)
        rows = [
            [row["routine"], row["dtype"], *(show(row["differences"][c]) for c in found["columns"])]
            for row in found["rows"]
        ]
        return [table(["routine", "dtype", *found["columns"]], rows, 2)]


def read_parity(directive: SphinxDirective) -> dict[str, Any]:
    directive.env.note_dependency(str(PARITY))
    return json.loads(PARITY.read_text())


def show(difference: float | None) -> str:
    return "failed" if difference is None else f"{difference:.1e}" if difference else "0"


class Benchmarks(SphinxDirective):
    """The newest results of every backend: a picture and a table for each theme."""

    def run(self) -> list[nodes.Node]:
        """A section a theme."""
        sys.path.insert(0, str(ROOT))
        from benchmarks.pictures import draw_row, newest_results, picture_name, words_for

        made: list[nodes.Node] = []
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        for path in newest_results(RESULTS):
            self.env.note_dependency(str(path))
            found = json.loads(path.read_text())
            section = nodes.section(ids=[nodes.make_id(path.stem)])
            section += nodes.title(text=words_for(found)[0])
            section += nodes.paragraph(text=words_for(found)[1])
            for number, row in enumerate(found["rows"]):
                part = nodes.section(ids=[nodes.make_id(f"{path.stem}-{number}")])
                part += nodes.title(text=row["name"])
                name = picture_name(path, number)
                if draw_row(row, folder / name):
                    raw = f'<img src="_images/{name}" alt="{bars_in_words(row)}" loading="lazy">'
                    part += nodes.raw("", raw, format="html")
                part += table(["contestant", "time", "anygrad / it"], figures(row))
                section += part
            made.append(section)
        return made


class CheckpointMemory(SphinxDirective):
    """Peak memory of a gradient against depth, measured while the page is built."""

    def run(self) -> list[nodes.Node]:
        """One picture."""
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        depths, kept, again = measure_memory()
        draw_memory(depths, kept, again, folder / "checkpoint-memory.svg")
        words = (
            f"Peak memory in units of the array: for {depths[-1]} steps {kept[-1]:.0f} when every "
            f"step is kept, {again[-1]:.0f} with checkpoints"
        )
        raw = f'<img src="_images/checkpoint-memory.svg" alt="{words}" loading="lazy">'
        return [nodes.raw("", raw, format="html")]


class ErrorAgainstStep(SphinxDirective):
    """Errors of differences over their step, measured and drawn while the page is built."""

    def run(self) -> list[nodes.Node]:
        """One picture."""
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        draw_errors(folder / "error-against-step.svg")
        words = (
            "Errors over the step: differences of order 1, 2 and 4 fall with the step until "
            "rounding takes over; the ladder lies below all of them"
        )
        raw = f'<img src="_images/error-against-step.svg" alt="{words}" loading="lazy">'
        return [nodes.raw("", raw, format="html")]


class OptimizerRace(SphinxDirective):
    """The optimizers of an example race while the page is built."""

    def run(self) -> list[nodes.Node]:
        """One picture, and a table of where they end."""
        self.env.note_dependency(str(RACE))
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        landscapes, ends = run_race(folder / "optimizer-race.png")
        words = (
            f"Paths of {len(ends)} optimizers over the contour lines of {len(landscapes)} "
            f"landscapes: {', '.join(landscapes)}"
        )
        raw = f'<img src="_images/optimizer-race.png" alt="{words}" loading="lazy">'
        rows = [[name, *(f"{end:.1e}" for end in found)] for name, found in ends.items()]
        return [nodes.raw("", raw, format="html"), table(["optimizer", *landscapes], rows)]


def run_race(target: Path) -> tuple[dict[str, Any], dict[str, list[float]]]:
    import runpy

    import anygrad as ag

    landscapes, ends = runpy.run_path(str(RACE))["race"]()
    ag.plots.race_grid(landscapes, target)
    return landscapes, ends


def draw_errors(target: Path) -> None:
    import numpy as np

    import anygrad as ag

    report = ag.check_gradients(lambda x: np.sum(np.exp(x)), np.array([1.0]))
    report.plot(target)


def measure_memory() -> tuple[list[int], list[float], list[float]]:
    """Peaks of the gradient of n steps, kept and with a checkpoint around every sqrt(n)."""
    import tracemalloc

    import numpy as np

    import anygrad as ag

    x = np.linspace(0.0, 1.0, 50_000)

    def steps(count: int) -> Any:
        def run(x: Any) -> Any:
            for _ in range(count):
                x = np.sin(x) * 1.01
            return x

        return run

    def chained(part: Any, count: int) -> Any:
        def run(x: Any) -> Any:
            for _ in range(count):
                x = part(x)
            return np.sum(x)

        return run

    def peak(f: Any) -> float:
        ag.grad(f)(x)
        tracemalloc.start()
        ag.grad(f)(x)
        found = tracemalloc.get_traced_memory()[1] / x.nbytes
        tracemalloc.stop()
        return found

    roots = [2, 4, 6, 8, 10, 12, 14, 16]
    kept = [peak(chained(steps(n), n)) for n in roots]
    again = [peak(chained(ag.checkpoint(steps(n)), n)) for n in roots]
    return [n * n for n in roots], kept, again


def draw_memory(depths: list[int], kept: list[float], again: list[float], target: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.5, 3.2), layout="constrained")
    axes.plot(depths, kept, "o-", color="#a8b0b8", label="every step kept")
    axes.plot(depths, again, "o-", color="#2c6fbb", label="a checkpoint around every √n steps")
    axes.set_xlabel("steps n")
    axes.set_ylabel("peak memory / array")
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(target, metadata={"Date": None})
    pyplot.close(figure)


def figures(row: dict[str, Any]) -> list[list[str]]:
    from benchmarks.report import show_time

    ratios = {pair["peer"]: f"{pair['ratio']:.2f}" for pair in row["compared"]}
    return [[c["name"], show_time(c), ratios.get(c["name"], "")] for c in row["contestants"]]


def bars_in_words(row: dict[str, Any]) -> str:
    pairs = ", ".join(f"{name} {time}" for name, time, _ in figures(row))
    return f"Bars of the times: {pairs}".replace('"', "'")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("parity-summary", ParitySummary)
    app.add_directive("parity-table", ParityTable)
    app.add_directive("benchmark-results", Benchmarks)
    app.add_directive("checkpoint-memory", CheckpointMemory)
    app.add_directive("error-against-step", ErrorAgainstStep)
    app.add_directive("optimizer-race", OptimizerRace)
    return {"parallel_read_safe": False}
