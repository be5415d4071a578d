"""Directives of docs/gpu-runs.md: what was run on which GPU, and which targets were met there."""

from __future__ import annotations

import sys
from typing import Any

import gpu_runs
from docutils import nodes
from measured import RESULTS, ROOT, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class FromResults(SphinxDirective):
    """A table that depends on the files of results."""

    def note_results(self) -> None:
        """Make the page anew when a file changes."""
        for path in RESULTS.glob("*.json"):
            self.env.note_dependency(str(path))


class Runs(FromResults):
    """Days, GPUs, drivers, and how many parts passed."""

    def run(self) -> list[nodes.Node]:
        """One row a day and GPU."""
        self.note_results()
        return [table(gpu_runs.RUN_HEADS, gpu_runs.list_runs(RESULTS), len(gpu_runs.RUN_HEADS))]


class Targets(FromResults):
    """What the theme `cuda` of the benchmarks aims at."""

    def run(self) -> list[nodes.Node]:
        """One row a target."""
        self.note_results()
        sys.path.insert(0, str(ROOT))
        from benchmarks import cuda
        from benchmarks.lab import Lab

        stated = {row.name: row.make(Lab("cupy", quick=True)).targets for row in cuda.ROWS}
        return [table(gpu_runs.TARGET_HEADS, gpu_runs.list_targets(RESULTS, stated), 2)]


class Trajectories(FromResults):
    """Training on a GPU beside NumPy."""

    def run(self) -> list[nodes.Node]:
        """One row a GPU, problem and mode."""
        self.note_results()
        return [table(gpu_runs.TRAJECTORY_HEADS, gpu_runs.list_trajectories(RESULTS), 2)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("gpu-runs", Runs)
    app.add_directive("gpu-targets", Targets)
    app.add_directive("gpu-trajectories", Trajectories)
    return {"parallel_read_safe": False}
