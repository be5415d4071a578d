"""The benchmarks run, compare only what is right, and say so; no time is tested."""

import json
import platform
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import command, leaves, report, threads
from benchmarks.lab import Lab, to_vector
from benchmarks.race import Contestant, Race, Target, compare, enter, judge, run_race, time_calls
from benchmarks.values import second_derivative_on_circle, slopes_by_complex_step

ROOT = Path(__file__).parents[1]
QUICK = Lab("numpy", quick=True)
# imports are timed in processes of their own, and take their time
ROWS = [row for theme, rows in command.THEMES.items() for row in rows if theme != "imports"]
TIMES = {"anygrad": [1.0, 10.0, 3.0], "peer": [1.0, 2.0, 30.0]}


def race_of(*contestants, **options):
    return Race(list(contestants), np.array([2.0]), rounds=3, **options)


def give(value):
    return lambda: lambda: value


def test_a_run_writes_its_figures_and_facts(tmp_path, capsys):
    file = tmp_path / "figures.json"
    status = command.main(["--quick", "--no-peers", "0-d", "--json", str(file)])
    assert status == 0
    found = json.loads(file.read_text())
    assert list(found) == ["date", "backend", "quick", "facts", "rows"]
    assert set(found["facts"]) == {"python", "implementation", "machine", "threads", "libraries"}
    assert found["facts"]["libraries"]["numpy"] == np.__version__
    (row,) = found["rows"]
    assert (row["theme"], row["name"]) == ("gradients", "gradient of 200 tiny operations, 0-d")
    ours, *peers = row["contestants"]
    assert (ours["name"], ours["status"]) == ("anygrad", "measured")
    assert 0 < ours["fastest"] <= ours["seconds"] < 1
    assert {peer["name"]: peer["status"] for peer in peers} == {
        "torch eager": "left out",
        "autograd": "left out",
        "jax jit": "left out",
    }
    limits = {target["peer"]: (target["at_most"], target["met"]) for target in row["targets"]}
    assert limits == {"torch eager": (0.35, None), "autograd": (0.25, None)}
    shown = capsys.readouterr().out
    assert "targets met: 0 of 0 measured, of 2 set" in shown
    assert command.main(["--show", str(file)]) == 0
    assert capsys.readouterr().out == shown
    for private in (str(ROOT), str(Path.home()), platform.node()):
        assert not re.search(rf"\b{re.escape(private)}\b", file.read_text())


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "numpy" in row.backends], ids=lambda r: r.name
)
def test_our_contestants_compute_what_is_expected(row):
    race = row.make(QUICK)
    own = [contestant for contestant in race.contestants if contestant.package is None]
    assert {c.name: enter(c, race)[0] for c in own} == dict.fromkeys(
        (c.name for c in own), "measured"
    )


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "cupy" in row.backends], ids=lambda r: r.name
)
def test_rows_run_on_cupy_arrays(row, cupy):
    race = row.make(Lab("cupy", quick=True))
    own = [contestant for contestant in race.contestants if contestant.package is None]
    assert {c.name: enter(c, race)[0] for c in own} == dict.fromkeys(
        (c.name for c in own), "measured"
    )
    assert isinstance(Lab("cupy").array(np.ones(2)), cupy.ndarray)


@pytest.mark.slow
def test_imports_are_timed_in_processes_of_their_own():
    (row,) = command.THEMES["imports"]
    race = row.make(QUICK)
    seconds, value = race.contestants[0].make()()
    assert 0 < seconds < 60
    assert value == 9.0
    found = run_race(race, QUICK, peers=False)
    (target,) = found["targets"]
    assert target["difference"] is not None


def test_the_compared_figure_is_the_median_over_rounds():
    # ratios 1, 5, 0.1; the ratio of the medians would be 1.5
    found = compare(TIMES, "anygrad", "peer")
    assert found["ratio"] == 1.0
    assert found["quartiles"] == pytest.approx([0.55, 3.0])
    assert compare(TIMES, "anygrad", "peer", "difference")["difference"] == 0.0


@pytest.mark.parametrize(("limit", "met"), [(1.0, True), (0.99, False)])
def test_a_target_is_met_up_to_its_limit(limit, met):
    assert judge(Target("peer", limit), TIMES)["met"] is met


def test_everyone_is_first_in_turn():
    calls = []
    race = race_of(
        *(Contestant(name, lambda n=name: lambda: calls.append(n) or 2.0) for name in "abc")
    )
    found = run_race(race, QUICK)
    assert [c["status"] for c in found["contestants"]] == ["measured"] * 3
    turns = [name for name, before in zip(calls, [None, *calls], strict=False) if name != before]
    assert "".join(turns).endswith("abcbcacab")


def test_a_target_without_its_peer_is_not_measured():
    found = judge(Target("absent", 0.5), TIMES)
    assert (found["ratio"], found["met"]) == (None, None)


def test_a_wrong_contestant_is_named_and_not_timed():
    race = race_of(
        Contestant("anygrad", give(2.0)),
        Contestant("near", give(2.0 + 1e-6)),
        Contestant("nan", give(np.nan)),
        Contestant("longer", give([2.0, 2.0])),
        Contestant("loose", give(2.0 + 1e-6), rtol=1e-5),
        Contestant("yardstick", give(5.0), expected=np.array([5.0])),
    )
    found = run_race(race, QUICK)
    status = {c["name"]: c["status"].partition(":")[0] for c in found["contestants"]}
    assert status == {
        "anygrad": "measured",
        "near": "wrong",
        "nan": "wrong",
        "longer": "wrong",
        "loose": "measured",
        "yardstick": "measured",
    }
    assert [pair["peer"] for pair in found["compared"]] == ["loose", "yardstick"]
    failures = report.list_failures([{"theme": "t", "name": "n", **found}])
    assert len(failures) == 3
    assert failures[0] == "t: n: near wrong: relative error 5.0e-07, allowed 1e-09"


def test_an_absent_peer_is_no_failure_and_a_broken_one_is():
    def import_absent():
        import no_such_library_at_all  # noqa: F401

    race = race_of(
        Contestant("absent", import_absent, "no_such_library_at_all"),
        Contestant("broken", import_absent, "numpy"),
        Contestant("raising", partial(divmod, 1, 0), "numpy"),
    )
    found = run_race(race, QUICK)
    assert [c["status"] for c in found["contestants"]] == [
        "not installed",
        "failed: No module named 'no_such_library_at_all'",
        "failed: ZeroDivisionError: integer division or modulo by zero",
    ]
    row = {"theme": "t", "name": "n", **found}
    assert len(report.list_failures([row])) == 2


def test_a_peer_without_memory_is_no_failure():
    class OutOfMemoryError(Exception):
        pass

    def take_too_much():
        raise OutOfMemoryError

    race = race_of(
        Contestant("large", take_too_much), Contestant("larger", partial(_raise, MemoryError))
    )
    found = run_race(race, QUICK)
    assert [c["status"] for c in found["contestants"]] == ["unusable: out of memory"] * 2


def _raise(kind):
    raise kind


def test_a_race_above_its_cap_prepares_no_further_peer_and_ends_after_three_rounds():
    rounds = []
    contestants = (
        Contestant("anygrad", give(2.0)),
        Contestant("slow", lambda: time.sleep(0.02) or (lambda: rounds.append(1) or 2.0), "numpy"),
        Contestant("late", give(2.0), "numpy"),
        Contestant("by hand", give(2.0)),
    )
    race = Race(list(contestants), np.array([2.0]), cap=0.01, round_seconds=0.0)
    found = run_race(race, Lab("numpy"))
    assert [c["status"].partition(":")[0] for c in found["contestants"]] == [
        *("measured", "measured", "left out", "measured")
    ]
    assert len(rounds) == 1 + 4 + 3  # the check, what is timed to choose repetitions, the rounds


def test_a_contestant_is_waited_for_once_before_the_clock_stops():
    calls = []
    contestant = Contestant(
        "anygrad",
        lambda: lambda: calls.append("call") or 2.0,
        finish=lambda result: calls.append(result) or time.sleep(0.01),
    )
    seconds = time_calls(contestant.make(), 2, QUICK, contestant.finish)
    assert calls == ["call", "call", 2.0]
    assert seconds >= 0.005


def test_no_row_begins_after_the_budget_and_a_broken_row_ends_alone(monkeypatch, tmp_path):
    rows = [
        command.Row("broken", partial(_fail_and_wait, 0.2)),
        command.Row("late", lambda lab: race_of(Contestant("anygrad", give(2.0)))),
    ]
    monkeypatch.setattr(command, "THEMES", {"made up": rows})
    file = tmp_path / "figures.json"
    assert command.main(["--quick", "--budget", "0.1", "--json", str(file)]) == 1
    found = json.loads(file.read_text())
    assert found["left_out"] == ["made up: late"]
    assert found["rows"][0]["contestants"][0]["status"] == "failed: ZeroDivisionError: no data"


def _fail_and_wait(seconds, lab):
    time.sleep(seconds)
    raise ZeroDivisionError("no data")


def test_a_sample_of_leaves_is_that_of_their_vector():
    sizes = np.array([10, 2 * leaves.STRIDE, 5])
    for made in (leaves.many_leaves(sizes, "float64"), leaves.one_vector(3_000_000, "float32")):
        params, grads = made.on(QUICK)
        assert sum(p.size for p in params.values()) == made.count
        np.testing.assert_array_equal(made.sample(params), made.expected(made.params))
        whole = np.concatenate([g.astype(np.longdouble) for g in grads.values()])
        assert float(made.norm_of_grads()) == pytest.approx(float(np.sqrt(np.sum(whole**2))))
        params["0000"][-1] += 1.0
        assert (made.sample(params) != made.expected(made.params)).sum() == 1


def test_a_failure_ends_the_run_with_status_one(monkeypatch, capsys):
    row = command.Row("one", lambda lab: race_of(Contestant("anygrad", give(3.0))))
    monkeypatch.setattr(command, "THEMES", {"made up": [row]})
    assert command.main(["--quick"]) == 1
    assert "anygrad wrong: relative error 5.0e-01" in capsys.readouterr().out


def test_the_clock_waits_for_the_device_and_bandwidth_follows():
    waits = []

    class Waiting(Lab):
        @property
        def wait(self):
            return lambda: waits.append("wait")

    race = race_of(Contestant("anygrad", lambda: lambda: waits.append("call") or 2.0, moved=1000))
    found = run_race(race, Waiting("numpy", quick=True))
    # one call is the check; from then on every measurement waits before and after
    assert waits[:4] == ["call", "wait", "call", "wait"]
    assert waits[-1] == "wait"
    (ours,) = found["contestants"]
    assert ours["bytes_per_second"] == pytest.approx(1000 / ours["seconds"])


def test_the_table_shows_figures_targets_and_verdicts(capsys):
    row = {
        "contestants": [
            {"name": "anygrad", "status": "measured", "seconds": 0.0015, "bytes_per_second": 2e9},
            {"name": "peer", "status": "measured", "seconds": 3e-5},
            {"name": "absent", "status": "not installed"},
        ],
        "compared": [compare(TIMES, "anygrad", "peer")],
        "targets": [judge(Target("peer", 0.5), TIMES), judge(Target("absent", 0.5), TIMES)],
    }
    lines = report.lay_out(row)
    assert lines == [
        ("anygrad", "1.5 ms (2.0 GB/s)", "", "", ""),
        ("peer", "30 us", "1.00", "<= 0.5", "not met"),
        ("absent", "not installed", "", "<= 0.5", "not measured"),
    ]
    report.print_plainly("title", lines)
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == "title"
    assert "peer        30 us              1.00          <= 0.5  not met" in shown


def test_an_unknown_row_is_refused_with_the_names(capsys):
    with pytest.raises(SystemExit):
        command.main(["sorting"])
    assert "optimizers: Adam step, 200 leaves of 500" in capsys.readouterr().err


def test_threads_are_pinned_before_numpy_is_imported(monkeypatch):
    for name in (*threads.VARIABLES, "XLA_FLAGS"):
        monkeypatch.setenv(name, "2")
    assert threads.count_threads() is None
    code = "import sys, benchmarks.threads as t; t.pin_threads(); print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    monkeypatch.setenv("XLA_FLAGS", "")
    threads.pin_threads()
    assert threads.count_threads() == 1


def test_expected_values_come_from_analytic_functions_exactly():
    # d/dx sin(x0) x1 by hand; the second derivative of exp is exp
    x = np.array([0.3, 2.0])
    slopes = slopes_by_complex_step(lambda x: np.sin(x[0]) * x[1], x, np.eye(2))
    assert slopes == pytest.approx([2 * np.cos(0.3), np.sin(0.3)], rel=1e-15)
    assert second_derivative_on_circle(np.exp, 0.5) == pytest.approx(np.exp(0.5), rel=1e-12)


def test_results_of_all_kinds_become_one_vector():
    result = {"b": np.ones((1, 2)), "a": [np.float64(3.0), 4.0]}
    assert to_vector(result).tolist() == [3.0, 4.0, 1.0, 1.0]
