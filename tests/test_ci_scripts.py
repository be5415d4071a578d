"""The scripts in ci/ say what is wrong, and the GPU script goes on after a failing part."""

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="the scripts need bash")


@pytest.fixture(scope="module")
def gpu():
    spec = importlib.util.spec_from_file_location("ci_gpu", ROOT / "ci" / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts_of(gpu):
    """The module that lists the parts, which the script has imported."""
    return sys.modules[gpu.list_parts.__module__]


def run_script(script: str, *arguments, path: Path | None = None, folder: Path | None = None):
    """Run a copy of ci/ elsewhere, so that no environment is made in this checkout."""
    environment = {"PATH": str(path) if path else os.environ["PATH"], "HOME": "/"}
    return subprocess.run(
        [BASH, script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "ci", tmp_path / "checkout" / "ci")
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.fixture
def tools(tmp_path):
    """A PATH with the few programs a bare machine has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "rm"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def plant(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!{BASH}\n{text}\n")
    (folder / name).chmod(stat.S_IRWXU)


@needs_bash
@pytest.mark.parametrize("script", ["demo", "test", "check", "docs", "gpu"])
def test_without_any_program_a_sentence_says_what_is_needed(copy, tmp_path, script):
    done = run_script(str(copy / "ci" / script), path=tmp_path / "nowhere")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"ci/{script}: needs Python 3.11 or newer; found none. Install it, or name one: "
        f"PYTHON=/path/to/python3 ci/{script}\n"
    )


@needs_bash
def test_a_script_runs_from_its_own_folder(copy, tools):
    done = run_script("test", path=tools, folder=copy / "ci")
    assert done.stderr.startswith("ci/test: needs Python")


@needs_bash
def test_an_old_python_is_named(copy, tools):
    plant(tools, "python3", "exit 1")
    done = run_script(str(copy / "ci" / "test"), path=tools)
    assert done.returncode == 1
    assert "found only older or unusable ones (python3)" in done.stderr


@needs_bash
def test_a_missing_venv_module_is_named(copy, tools):
    plant(tools, "python3", '[ "$1" = -m ] && exit 1; case "$*" in *ensurepip*) exit 1;; esac')
    done = run_script(str(copy / "ci" / "test"), path=tools)
    assert done.returncode == 1
    assert "no module venv" in done.stderr
    assert not (copy / ".venv").exists()


@needs_bash
def test_a_broken_environment_is_made_anew_and_a_failing_installation_explained(copy, tools):
    """The planted Python makes environments in which pip finds nothing to install from."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    plant(copy / ".venv" / "bin", "python", "exit 127")
    made = 'case "$*" in *install*) echo no index >&2; exit 1;; *sha256*) echo 0;; esac'
    plant(
        tools,
        "python3",
        'if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; '
        'cp "$(dirname "$0")/inner" "$3/bin/python"; fi',
    )
    plant(tools, "inner", made)
    for name in ("mkdir", "cp"):
        (tools / name).symlink_to(shutil.which(name))
    done = run_script(str(copy / "ci" / "test"), path=tools)
    assert "does not work; making it anew" in done.stdout
    assert done.returncode == 1
    assert "the installation failed, the reason is above" in done.stderr
    assert "no index" in done.stderr
    assert not list((copy / ".venv").glob("*.stamp"))


@needs_bash
def test_wrong_backends_are_refused(copy):
    done = run_script(str(copy / "ci" / "test"), "--backends", "some")
    assert done.returncode == 1
    assert "--backends: got 'some'; expected all" in done.stderr


@needs_bash
def test_demo_on_the_gpu_says_that_there_is_none(copy):
    finder = [sys.executable, str(ROOT / "ci" / "find_cuda.py")]
    if subprocess.run(finder, capture_output=True, check=False).returncode == 0:
        pytest.skip("there is a GPU")
    done = run_script(str(copy / "ci" / "demo"), "--backend", "cupy")
    assert done.returncode == 1
    assert "no usable GPU here" in done.stderr
    assert not (copy / ".venv").exists()


def test_dry_run_of_the_gpu_script_lists_its_parts(gpu, tmp_path, capsys):
    file = tmp_path / "results.json"
    assert gpu.main(["--dry-run", "--out", str(file)]) == 0
    report = json.loads(file.read_text())
    assert {"date", "machine", "parts", "figures", "ok"} <= set(report)
    assert {"versions", "gpu", "driver", "python"} <= set(report["machine"])
    names = [part["name"] for part in report["parts"]]
    assert {"imports", "parity", "tests others", "demo", "benchmarks clipping"} <= set(names)
    assert {"trajectories", "waits", "sanitizer memcheck", "sanitizer racecheck"} <= set(names)
    worth = ["imports", "parity", "tests compiler", "trajectories", "benchmarks cuda", "demo"]
    assert sorted([*worth, "tests trees"], key=names.index) == [*worth, "tests trees"]
    assert all(part["estimate"] > 0 for part in report["parts"])
    examples = {f"example {path.stem}" for path in (ROOT / "examples").glob("[!_]*.py")}
    assert examples <= set(names)
    assert {part["status"] for part in report["parts"]} == {"not run"}
    assert str(ROOT) not in file.read_text()
    assert f"written: {file}" in capsys.readouterr().out


def test_a_failing_part_is_a_result_and_the_next_one_runs(gpu, tmp_path, monkeypatch, capsys):
    python = sys.executable

    def planted(scratch, rehearse):
        figures = {"rows": [{"theme": "t", "name": "n"}]}
        target = str(scratch / "benchmarks-t.json")
        text = f"open({target!r}, 'w').write({json.dumps(figures)!r}); print('fine')"
        absent = {"command": [python, "-c", "print('no tool'); exit(77)"], "limit": 30}
        return [
            {"name": "bad", "command": [python, "-c", "print('why'); 1 / 0"], "limit": 30},
            {"name": "missing", "command": [str(tmp_path / "nothing")], "limit": 30},
            {"name": "long", "command": [python, "-c", "import time; time.sleep(9)"], "limit": 0.2},
            {"name": "good", "command": [python, "-c", text], "limit": 30},
            {"name": "5", "command": [python, "-c", "exit(5)"], "limit": 30, "accept": (0, 5)},
            {**absent, "name": "absent", "absent": 77},
            {**absent, "name": "not absent"},
        ]

    monkeypatch.setattr(gpu, "list_parts", planted)
    monkeypatch.setattr(gpu, "describe_machine", lambda environment: {"gpu": None})
    file = tmp_path / "results.json"
    assert gpu.main(["--out", str(file)]) == 1
    report = json.loads(file.read_text())
    assert not report["ok"]
    assert report["figures"] == {"rows": [{"theme": "t", "name": "n"}]}
    found = {part["name"]: part["status"] for part in report["parts"]}
    assert found.pop("good") == found.pop("5") == "passed"
    assert found.pop("absent") == "not run"
    assert report["parts"][5]["reason"] == "no tool"
    assert found == {
        **{"bad": "failed", "missing": "failed", "long": "too long"},
        "not absent": "failed",
    }
    assert "why" in report["parts"][0]["output"]
    assert "ZeroDivisionError: division by zero" in report["parts"][0]["output"]
    assert "good: passed" in capsys.readouterr().out


def test_what_does_not_fit_into_the_budget_is_not_begun(gpu, tmp_path, monkeypatch, capsys):
    def planted(scratch, rehearse):
        sleep = {"command": [sys.executable, "-c", "import time; time.sleep(9)"], "limit": 30}
        return [
            {**sleep, "name": "long", "estimate": 600},
            {**sleep, "name": "longer than thought", "estimate": 0.1},
            {**sleep, "name": "late", "estimate": 1},
        ]

    monkeypatch.setattr(gpu, "list_parts", planted)
    monkeypatch.setattr(gpu, "describe_machine", lambda environment: {"gpu": None})
    file = tmp_path / "results.json"
    assert gpu.main(["--out", str(file), "--budget", "0.5"]) == 1
    long, longer, late = json.loads(file.read_text())["parts"]
    assert (long["status"], longer["status"], late["status"]) == ("not run", "too long", "not run")
    assert long["reason"] == "it takes about 600 s, and 0 s are left"
    assert longer["seconds"] < 5
    assert "3 parts, about 601 s (an estimate); no part is begun that exceeds 0 s" in (
        capsys.readouterr().out
    )


def test_an_estimate_is_what_the_part_took_on_a_gpu_the_last_time(gpu, tmp_path):
    gpu_parts = parts_of(gpu)
    for day, seconds, status in (("02", 5.2, "passed"), ("01", 9, "passed"), ("03", 1, "failed")):
        parts = [{"name": "parity", "status": status, "seconds": seconds}]
        (tmp_path / f"2001-02-{day}-x-parts.json").write_text(json.dumps({"parts": parts}))
    assert gpu_parts.seconds_of_the_last_run(tmp_path) == {"parity": 6}
    assert gpu_parts.guess("tests compiler") > gpu_parts.guess("tests trees") > 0


def test_parts_can_be_chosen(gpu, tmp_path):
    file = tmp_path / "results.json"
    gpu.main(["--dry-run", "--out", str(file), "--part", "demo", "--part", "bench"])
    names = [part["name"] for part in json.loads(file.read_text())["parts"]]
    assert names[:2] == ["benchmarks cuda", "demo"]
    assert len(names) > 3
    assert all(name.startswith("benchmarks ") for name in names[2:])


@pytest.mark.slow
def test_a_rehearsal_runs_every_part_on_the_look_alike(gpu, tmp_path):
    file = tmp_path / "results.json"
    # of the tests, which ci/test runs on the look-alike too, one folder
    parts = ["imports", "parity", "kernels", "tests trees", "trajectories", "waits", "sanitizer"]
    parts += ["example", "demo", "check", "benchmarks"]
    chosen = [word for part in parts for word in ("--part", part)]
    assert gpu.main(["--rehearse", "--out", str(file), *chosen]) == 0
    report = json.loads(file.read_text())
    assert report["rehearsal"] is True
    assert report["machine"]["gpu"] is None or gpu_is_here()
    others = {p["name"]: p["status"] for p in report["parts"] if p["status"] != "passed"}
    # nothing is launched that it could watch
    assert others == dict.fromkeys(["sanitizer memcheck", "sanitizer racecheck"], "not run")
    assert len(report["parts"]) >= 13
    assert report["trajectories"]["rehearsal"] is True
    assert report["parity"]["columns"] == ["cupy-lookalike", "numpy"]
    assert report["figures"]["backend"] == "cupy"
    assert report["figures"]["quick"] is True
    assert report["figures"]["rehearsal"] is report["parity"]["rehearsal"] is True
    assert {row["theme"] for row in report["figures"]["rows"]} == set(parts_of(gpu).list_themes())


def gpu_is_here():
    from tests.support import reason_missing

    return reason_missing("cupy") is None


def test_a_rehearsal_is_never_recorded(gpu, tmp_path):
    with pytest.raises(SystemExit):
        gpu.parse(["--rehearse", "--record"])
    gpu.record({"machine": {"gpu": None}}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_figures_are_recorded_by_date_and_gpu(gpu, tmp_path):
    machine = {"gpu": {"name": "NVIDIA Planted 9"}, "driver": "1.2"}
    report = {"date": "2001-02-03T04:05:06", "machine": machine}
    rows = [{"theme": "a", "name": "x", "time": 1}, {"theme": "a", "name": "y", "time": 2}]
    ran = [
        {"name": "tests a", "status": "failed", "seconds": 9, "output": ["...", "1 failed"]},
        {"name": "b", "status": "passed", "seconds": 3, "output": ["fine"], "command": "x"},
        {"name": "c", "status": "not run", "reason": "no time"},
    ]
    first = {"figures": {"rows": rows}, "parity": {"rows": [1]}, "trajectories": {"rows": [2]}}
    gpu.record({**report, **first, "parts": ran}, tmp_path)
    again = [{"theme": "a", "name": "y", "time": 3}, {"theme": "b", "name": "y", "time": 4}]
    ran = [
        {"name": "tests a", "status": "passed", "seconds": 8, "output": ["...", "7 passed"]},
        {"name": "b", "status": "not run"},
    ]
    gpu.record({**report, "figures": {"rows": again}, "parity": None, "parts": ran}, tmp_path)
    figures = json.loads((tmp_path / "2001-02-03-planted-9.json").read_text())
    assert [row["time"] for row in figures["rows"]] == [1, 3, 4]
    assert figures["about"]["machine"]["driver"] == "1.2"
    assert figures["facts"]["machine"] == "NVIDIA Planted 9, driver 1.2"
    kept = {
        what: json.loads((tmp_path / f"2001-02-03-planted-9-{what}.json").read_text())
        for what in ("parity", "trajectories", "parts")
    }
    assert (kept["parity"]["rows"], kept["trajectories"]["rows"]) == ([1], [2])
    assert kept["parts"]["about"]["machine"] == machine
    assert kept["parts"]["parts"] == [
        {"name": "tests a", "status": "passed", "seconds": 8, "told": "7 passed"},
        {"name": "b", "status": "passed", "seconds": 3},  # what ran stands, though not run again
        {"name": "c", "status": "not run", "reason": "no time"},
    ]


def test_the_parts_of_a_rehearsal_are_those_of_a_run(gpu, tmp_path):
    rehearsed = {part["name"]: part for part in gpu.list_parts(tmp_path, rehearse=True)}
    real = {part["name"]: part for part in gpu.list_parts(tmp_path)}
    assert list(real) == list(rehearsed)
    assert "cupy-lookalike" in rehearsed["tests trees"]["command"]
    assert "--require-gpu" in real["tests trees"]["command"]
    assert "--gpu" in real["parity"]["command"]
    assert "--quick" not in real["benchmarks clipping"]["command"]
    assert all(part["limit"] < 600 for part in real.values())
    assert all(part["estimate"] <= part["limit"] for part in real.values())
    assert "cupy-lookalike" in rehearsed["trajectories"]["command"]
    budgets = [
        p["command"][p["command"].index("--budget") + 1]
        for n, p in real.items()
        if "benchmarks" in n
    ]
    assert max(map(int, budgets)) == 240


def test_every_test_is_in_one_part(gpu):
    listed = [Path(file) for files in parts_of(gpu).list_tests().values() for file in files]
    held = [test for path in listed for test in ([path] if path.is_file() else path.rglob("*.py"))]
    every = set((ROOT / "tests").rglob("test_*.py"))
    assert len(every) > 50
    assert sorted(test for test in held if test.name.startswith("test_")) == sorted(every)


def test_themes_for_a_gpu_are_those_with_rows_for_one(gpu):
    from benchmarks.command import THEMES, choose

    assert set(parts_of(gpu).list_themes()) == {theme for theme, _ in choose(None, "cupy")}
    assert set(parts_of(gpu).list_themes()) < set(THEMES)
