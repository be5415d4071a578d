"""The suites of benchmarks/accuracy, held against the figures that the documentation states.

References are derivatives of 50 digits by mpmath (benchmarks/accuracy/generate.py), and the
densities of SciPy's distributions. Nothing is timed here.
"""

import pytest

from benchmarks.accuracy import targets
from benchmarks.accuracy.command import SUITES, measure
from benchmarks.accuracy.tools import TOOLS

# f(x) by itself is one call more than the four of the ladder, and at every element one point more
# than the suite counts as easy; the time of a run is no matter of tests.
UNTESTED = ("calls", "seconds")


def judge(*names):
    rows = [row for name in names for row in measure(name, TOOLS["ours"])]
    return [
        finding
        for finding in targets.judge(rows)
        if finding["met"] is not None and not any(word in finding["target"] for word in UNTESTED)
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "distributions" else ())
        for name in SUITES
        if name not in ("speed", "easy", "gradients")
    ],
)
def test_values_bars_and_warnings_are_as_good_as_stated(name):
    missed = [f"{f['target']}: {f['found']:.3g}" for f in judge(name) if not f["met"]]
    assert not missed


def test_suites_are_as_large_as_stated():
    from benchmarks.accuracy import suites

    assert len(suites.SMOOTH) >= 40
    assert len(suites.HARD) >= 24
    assert sum(case.x.size for case in suites.HOLD_OUT) > 1000


def test_a_worse_ladder_misses_its_targets(monkeypatch):
    from anygrad.differences import judging

    monkeypatch.setattr(judging, "NOISE", 0.5)
    monkeypatch.setattr(judging, "TRUNCATION", 0.02)
    assert any(not finding["met"] for finding in judge("smooth"))
