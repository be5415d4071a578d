"""The parts of a run on a GPU, those of most worth first, and how long each may take."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
NEEDED = ("numpy", "cupy", "array_api_compat", "array_api_strict", "optree", "pytest", "hypothesis")
LIMIT = 540  # seconds
NOTHING_SELECTED = 5  # pytest's status where all tests of a folder are for other backends
ABSENT = 77  # a part's own status: it could not run, and its last line says why
FIRST_TESTS = ("tests compiler", "tests optimizers")  # those of kernels and what calls them
# Seconds by the beginning of a part's name, the last that fits: guesses, never measured on a GPU.
ESTIMATES = {
    "": 60,
    "imports": 20,
    "parity": 120,
    "kernels": 60,
    "tests": 40,
    "tests compiler": 200,
    "tests optimizers": 200,
    "tests solvers": 120,
    "trajectories": 120,
    "waits": 40,
    "sanitizer": 120,
    "benchmarks": 30,
    "benchmarks cuda": 240,
    "example": 20,
}
THEME_SECONDS = {"cuda": 240}  # no row begins later; 60 for the other themes


def list_parts(scratch: Path, rehearse: bool = False) -> list[dict]:
    """Name, command, time limit and estimate in seconds of everything there is to run."""
    tests, benchmarks = list_test_parts(rehearse), list_benchmark_parts(scratch, rehearse)
    parts = [
        *list_checks(scratch, rehearse)[:3],
        *(part for part in tests if part["name"] in FIRST_TESTS),
        *list_checks(scratch, rehearse)[3:],
        *(part for part in benchmarks if part["name"] == "benchmarks cuda"),
        *list_programs(),
        *(part for part in tests if part["name"] not in FIRST_TESTS),
        *(part for part in benchmarks if part["name"] != "benchmarks cuda"),
    ]
    took = {} if rehearse else seconds_of_the_last_run(RESULTS)
    return [{**part, "estimate": took.get(part["name"], guess(part["name"]))} for part in parts]


def list_checks(scratch: Path, rehearse: bool) -> list[dict]:
    """What is compared with NumPy, and what is watched while it runs."""
    python = sys.executable
    backend = ["--backend", "cupy-lookalike" if rehearse else "cupy"]
    needed = f"import {', '.join(NEEDED)}; print('all there')"
    table = ["--json", str(scratch / "parity.json")]
    table += [*backend, "--backend", "numpy"] if rehearse else ["--gpu"]
    named = {
        "parity": ("tests.parity", *table),
        "kernels, each kind once": ("tests.parity.launches", *backend),
        "trajectories": (
            *("tests.parity.trajectories", *backend),
            *("--json", str(scratch / "trajectories.json")),
        ),
        "waits": ("tests.parity.waits", *backend),
        "sanitizer memcheck": ("tests.parity.launches", *backend, "--tool", "memcheck"),
        "sanitizer racecheck": ("tests.parity.launches", *backend, "--tool", "racecheck"),
    }
    imports = [python, "-W", "ignore", "-c", needed]
    return [
        {"name": "imports", "command": imports, "limit": 120},
        *(
            {
                "name": name,
                "command": [python, "-m", *words],
                "limit": LIMIT,
                "folder": str(ROOT),
                "absent": ABSENT,
            }
            for name, words in named.items()
        ),
    ]


def list_test_parts(rehearse: bool) -> list[dict]:
    """The test suite, folder by folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5"]
    command += ["--backend", "cupy-lookalike"] if rehearse else ["--backend", "cupy"]
    command += [] if rehearse else ["--require-gpu"]
    return [
        {
            "name": f"tests {name}",
            "command": [*command, *files],
            "limit": LIMIT,
            "folder": str(ROOT),
            "accept": (0, NOTHING_SELECTED),
        }
        for name, files in list_tests().items()
    ]


def list_programs() -> list[dict]:
    """The examples, and the programs of the command line."""
    python = sys.executable
    examples = {
        f"example {path.stem}": [python, str(path)]
        for path in sorted((ROOT / "examples").glob("[!_]*.py"))
    }
    tools = {name: [python, "-m", "anygrad", name] for name in ("demo", "check")}
    return [
        {"name": name, "command": [*command, "--backend", "cupy"], "limit": 300}
        for name, command in {**examples, **tools}.items()
    ]


def list_benchmark_parts(scratch: Path, rehearse: bool) -> list[dict]:
    """The themes, each with a time after which it begins no row."""
    made = []
    for theme in list_themes():
        command = [sys.executable, "-m", "benchmarks", theme, "--backend", "cupy"]
        command += ["--budget", str(THEME_SECONDS.get(theme, 60))]
        command += ["--json", str(scratch / f"benchmarks-{theme}.json")]
        command += ["--quick"] if rehearse else []
        part = {"name": f"benchmarks {theme}", "command": command, "limit": LIMIT}
        made.append({**part, "folder": str(ROOT)})
    return made


def list_tests() -> dict[str, list[str]]:
    """The tests by folder; those of no folder together."""
    folder = ROOT / "tests"
    found = {
        path.name: [str(path)] for path in sorted(folder.iterdir()) if any(path.glob("test_*"))
    }
    return {**found, "others": sorted(map(str, folder.glob("test_*.py")))}


def list_themes() -> list[str]:
    """Themes of the benchmarks, but for `imports`, which has no rows for a GPU.

    Found by their text: before the wheels are in place, nothing can be imported here.
    """
    files = sorted((ROOT / "benchmarks").glob("*.py"))
    themes = [path.stem for path in files if "\nROWS" in path.read_text()]
    return [theme for theme in themes if theme != "imports"]


def guess(name: str) -> int:
    """Seconds that a part may take."""
    fitting = [seconds for beginning, seconds in ESTIMATES.items() if name.startswith(beginning)]
    return fitting[-1]


def seconds_of_the_last_run(folder: Path) -> dict[str, int]:
    """What parts took that passed on a GPU, by the newest run that was recorded."""
    took = {}
    for file in sorted(folder.glob("*-parts.json")):
        for part in json.loads(file.read_text())["parts"]:
            if part["status"] == "passed":
                took[part["name"]] = round(part["seconds"] + 1)
    return took


def wanted(part: dict, names: list[str] | None) -> bool:
    return names is None or any(part["name"].startswith(name) for name in names)
