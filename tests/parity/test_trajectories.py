"""Trajectories are told apart where they differ, launches where they are wrong, calls that wait."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import anygrad as ag
from tests.optimizers.table import FIRST_ROWS
from tests.parity import launches, trajectories, waits

SEPARABLE, NETWORK = trajectories.PROBLEMS
BY_NAME = {row.name: row for row in FIRST_ROWS}
PICKED = [BY_NAME[name] for name in ("adam", "rprop", "muon")]


def on_numpy(row, problem, steps, **settings):
    with ag.use_settings(**trajectories.REFERENCE):
        return trajectories.run(problem.bring(row)(), problem, np.asarray, steps=steps, **settings)


@pytest.mark.parametrize("row", PICKED, ids=str)
@pytest.mark.parametrize("problem", trajectories.PROBLEMS, ids=lambda p: p.name)
def test_a_trajectory_is_that_of_numpy(quick_xp, row, problem):
    xp = quick_xp
    expected = on_numpy(row, problem, 20, donate=False)
    found = trajectories.judge(
        problem.bring(row), problem, xp, {"kernels": "always"}, expected, 1e-10, 20
    )
    assert found["reason"] == ""
    if xp.backend == "numpy" and problem is SEPARABLE:
        assert found["identical"]


def test_another_optimizer_is_another_trajectory(quick_xp):
    xp = quick_xp
    adam = BY_NAME["adam"]
    expected = on_numpy(adam, SEPARABLE, 12, donate=False)

    def make():
        return adam.make(eps=1e-7)

    found = trajectories.judge(make, SEPARABLE, xp, {}, expected, 1e-10, 12)
    assert found["reason"].startswith("differs by")
    assert not found["identical"]

    def broken():
        raise ValueError("no such optimizer")

    found = trajectories.judge(broken, SEPARABLE, xp, {}, expected, 1e-10, 12)
    assert found["reason"] == "ValueError: no such optimizer"


def test_a_trajectory_that_ends_in_nan_is_infinitely_far():
    assert trajectories.difference([np.array([1.0, np.nan])], [np.array([1.0, 2.0])]) == np.inf
    assert trajectories.difference([np.array([1.0, 2.2])], [np.array([1.0, 2.0])]) == (
        pytest.approx(0.1)
    )


def test_what_rounding_errors_do_to_a_trajectory_is_small_and_not_nothing():
    row = BY_NAME["adam"]
    expected = on_numpy(row, NETWORK, 20, donate=False)
    moved = trajectories.sensitivity(NETWORK.bring(row), NETWORK, expected, 20)
    assert 1e-17 < moved < 1e-12


def test_a_run_writes_its_table_and_says_what_is_not_bit_for_bit(tmp_path, capsys):
    file = tmp_path / "trajectories.json"
    command = ["--backend", "numpy", "--optimizer", "sgd", "--steps", "11", "--json", str(file)]
    assert trajectories.main(command) == 0
    table = json.loads(file.read_text())
    assert (table["backend"], table["steps"]) == ("numpy", 11)
    assert {row["problem"] for row in table["rows"]} == {"separable", "network"}
    assert {row["mode"] for row in table["rows"]} == set(trajectories.modes())
    assert "separable, kernels: 1 optimizers, at most 0.0e+00; 1 bit for bit" in (
        capsys.readouterr().out
    )
    rows = [{**table["rows"][0], "identical": False, "reason": "differs"}, table["rows"][0]]
    lines = trajectories.summarise(rows)
    assert "  not bit for bit: sgd" in lines
    assert "FAILED sgd, separable, kernels off: differs" in lines


EVERY = [
    pytest.param(launch, id=launch.name, marks=[pytest.mark.slow] if "1100" in launch.name else [])
    for launch in launches.every()
]


@pytest.fixture
def compiler(request):
    """What launches kernels: a GPU, or a compiler of C++ behind the look-alike."""
    from tests.support.cuda import reason_no_compiler

    reason = reason_no_compiler()
    if reason and request.config.getoption("--backend") == "cupy-lookalike":
        pytest.skip(reason)


@pytest.mark.parametrize("launch", EVERY)
def test_every_kind_of_kernel_gives_what_numpy_gives(cupy, compiler, launch):
    assert launches.check(launch, cupy.asarray) == ""


@pytest.mark.parametrize("launch", EVERY)
def test_a_launch_is_one_of_a_kernel_that_shares_memory_where_it_says_so(
    lookalike, compiler, launch
):
    from tests.support.lookalike_cupy import kernels

    with kernels.recording() as launched:
        launches.compare(launch, lookalike.asarray)
    assert bool(launched) is not launch.empty
    assert any("__shared__" in each.code for each in launched) is launch.shares


def test_a_wrong_result_and_a_failing_launch_are_told():
    calls = []

    def changing(x):
        calls.append(1)
        return x * (1.0 + 1e-9 * len(calls))

    launch = launches.Launch("planted", changing, (np.ones(3),), compiled=False)
    assert launches.check(launch, np.asarray).startswith("result 0: differs by")
    launch = launches.Launch("failing", lambda x: 1 / 0, (np.ones(3),), compiled=False)
    assert launches.check(launch, np.asarray) == "ZeroDivisionError: division by zero"


def test_without_the_sanitizer_a_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setattr(launches, "find_sanitizer", lambda: None)
    assert launches.main(["--tool", "memcheck"]) == launches.ABSENT
    assert "compute-sanitizer is neither in PATH nor in /usr/local/cuda/bin" in (
        capsys.readouterr().out
    )


def test_the_sanitizer_gets_the_tool_and_its_finding_is_the_status(monkeypatch, tmp_path):
    told = tmp_path / "told"
    program = tmp_path / "compute-sanitizer"
    program.write_text(f'#!/bin/sh\necho "$@" > {told}\nexit 3\n')
    program.chmod(0o700)
    monkeypatch.setattr(launches, "find_sanitizer", lambda: str(program))
    assert launches.main(["--tool", "racecheck"]) == 1
    words = told.read_text().split()
    assert words[:4] == ["--tool", "racecheck", "--error-exitcode", "1"]
    assert words[-4:] == ["--backend", "cupy", "--no-pool", "--shared"]


@pytest.mark.parametrize("kernels", ["off", "always"])
def test_nothing_waits_for_the_device(cupy, kernels):
    found = waits.find_waits(cupy_namespace(cupy), kernels)
    assert found == dict.fromkeys(found, "")
    assert len(found) >= 6


def cupy_namespace(cupy):
    from tests.support import open_namespace

    return open_namespace("cupy-lookalike" if hasattr(cupy, "__lookalike__") else "cupy")


def test_a_call_that_reads_a_value_is_found(lookalike):
    x = lookalike.ones(3)
    assert "to the host" in waits.waits_on_lookalike(lambda: ag.to_numpy(x))
    assert waits.waits_on_lookalike(lambda: x + 1.0) == ""


def test_a_call_is_late_when_the_device_has_finished():
    class Planted:
        cupy = SimpleNamespace(
            cuda=SimpleNamespace(Device=lambda: SimpleNamespace(synchronize=int))
        )

        def __init__(self, lasts):
            self.lasts = lasts

        def begin(self, seconds):
            assert seconds >= waits.SECONDS

    assert waits.waits_on_gpu(lambda: None, Planted(True)) == ""
    assert waits.waits_on_gpu(lambda: None, Planted(False)).startswith("it came back after")
