"""Run everything on a GPU machine without a network, and write one JSON about it.

Wheels that the machine lacks (array-api-compat, optree, ...) come from a folder and are put into a
directory of their own; ``--fetch`` fills such a folder where there is a network. Every part runs,
whatever became of those before; the exit status is 1 when one failed. No part takes longer than ten
minutes, so that a machine lent for ten minutes at a time can run them one after another (--part).
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("numpy", "cupy", "cupy-cuda12x", "cupy-cuda13x", "array-api-compat", "array-api-strict"),
    *("optree", "scipy", "scikit-learn", "matplotlib", "rich", "safetensors", "pytest"),
    *("hypothesis", "torch", "jax"),
)
# What a machine made for deep learning seldom has, pure Python or small.
WHEELS = ("array-api-compat", "array-api-strict", "optree", "typing-extensions")
NEEDED = ("numpy", "cupy", "array_api_compat", "array_api_strict", "optree", "pytest", "hypothesis")
LIMIT = 540  # seconds
NOTHING_SELECTED = 5  # pytest's status where all tests of a folder are for other backends
DESCRIBE = """
import json, importlib.metadata as metadata
found = {"versions": {}, "gpu": None}
for name in NAMES:
    try:
        found["versions"][name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
try:
    import cupy
    if getattr(cupy, "__lookalike__", False):
        raise RuntimeError("the look-alike stands in CuPy's place")
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(0)
    found["gpu"] = {
        "name": properties["name"].decode(),
        "count": runtime.getDeviceCount(),
        "memory_bytes": properties["totalGlobalMem"],
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
    }
except Exception as error:
    found["reason"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


# Put into the environment of every part of a rehearsal, and run by Python when it starts.
STAND_IN = """
import sys
if not {"pytest", "tests.parity"} & set(sys.orig_argv):  # they install it themselves
    from tests.support import host_copies, lookalike_cupy
    lookalike_cupy.install()
    host_copies._state.set("allowed")  # examples print their results
"""


def main(arguments=None) -> int:
    options = parse(arguments)
    if options.fetch is not None:
        return fetch_wheels(options.fetch, options.python)
    with tempfile.TemporaryDirectory() as scratch:
        report = {"date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
        report["rehearsal"] = options.rehearse
        environment = make_environment(Path(scratch))
        if options.rehearse:
            (Path(scratch) / "site").mkdir()
            (Path(scratch) / "site" / "sitecustomize.py").write_text(STAND_IN)
        every = list_parts(Path(scratch), options.rehearse)
        parts = [part for part in every if wanted(part, options.part)]
        report["parts"] = results = []
        if options.wheels is not None:
            install = install_wheels(options.wheels, Path(scratch) / "site")
            results.append(run_part(install, environment, scratch, options.dry_run))
        report["machine"] = describe_machine(environment)
        for part in parts:
            results.append(run_part(part, environment, scratch, options.dry_run))
            write(options.out, report)  # a run that is cut short leaves what it has
        report["figures"] = join_figures(sorted(Path(scratch).glob("benchmarks*.json")))
        report["parity"] = read_figures(Path(scratch) / "parity.json")
        if options.rehearse:
            for what in ("figures", "parity"):
                report[what] = report[what] and {"rehearsal": True, **report[what]}
        report["ok"] = all(result["status"] in ("passed", "not run") for result in results)
        write(options.out, report)
    if options.record is not None:
        record(report, options.record)
    print_summary(report, options.out)
    return 0 if report["ok"] else 1


def parse(arguments):
    parser = argparse.ArgumentParser(prog="ci/gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--wheels", type=Path, help="folder of wheels to install, without network")
    parser.add_argument(
        "--fetch", type=Path, metavar="DIR", help="only download such wheels to DIR"
    )
    parser.add_argument("--python", default="3.12", help="that of the GPU machine, for --fetch")
    parser.add_argument("--out", type=Path, help="gpu-results.json, or gpu-rehearsal.json")
    parser.add_argument("--part", action="append", help="only parts that begin so; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="list the parts, run nothing")
    parser.add_argument("--rehearse", action="store_true", help="with a look-alike, without a GPU")
    results = ROOT / "benchmarks" / "results"
    parser.add_argument(
        "--record", type=Path, nargs="?", const=results, help="keep the figures as results"
    )
    options = parser.parse_args(arguments)
    options.out = options.out or Path(f"gpu-{'rehearsal' if options.rehearse else 'results'}.json")
    if options.rehearse and options.record is not None:
        parser.error("--record: a rehearsal has no figures worth keeping")
    if options.wheels is not None and not options.wheels.is_dir():
        parser.error(f"--wheels: there is no folder {options.wheels}")
    return options


def list_parts(scratch: Path, rehearse: bool = False) -> list[dict]:
    """Name, command and time limit in seconds of everything there is to run."""
    python, here = sys.executable, str(ROOT)
    backend = "cupy-lookalike" if rehearse else "cupy"
    needed = f"import {', '.join(NEEDED)}; print('all there')"
    parts = [{"name": "imports", "command": [python, "-W", "ignore", "-c", needed], "limit": 120}]
    table = [python, "-m", "tests.parity", "--json", str(scratch / "parity.json")]
    table += ["--backend", backend, "--backend", "numpy"] if rehearse else ["--gpu"]
    parts.append({"name": "parity", "command": table, "limit": LIMIT, "folder": here})
    tests = [python, "-m", "pytest", "--backend", backend, "-q", "-p", "no:cacheprovider"]
    tests += ["--durations=5"] if rehearse else ["--durations=5", "--require-gpu"]
    for name, files in list_tests().items():
        command = [*tests, *files]
        part = {"name": f"tests {name}", "command": command, "limit": LIMIT, "folder": here}
        parts.append({**part, "accept": (0, NOTHING_SELECTED)})
    for example in sorted((ROOT / "examples").glob("[!_]*.py")):
        command = [python, str(example), "--backend", "cupy"]
        parts.append({"name": f"example {example.stem}", "command": command, "limit": 300})
    for name in ("demo", "check"):
        command = [python, "-m", "anygrad", name, "--backend", "cupy"]
        parts.append({"name": name, "command": command, "limit": 300})
    for theme in list_themes():
        measure = [python, "-m", "benchmarks", theme, "--backend", "cupy"]
        measure += ["--json", str(scratch / f"benchmarks-{theme}.json")]
        measure += ["--quick"] if rehearse else []
        parts.append(
            {"name": f"benchmarks {theme}", "command": measure, "limit": LIMIT, "folder": here}
        )
    return parts


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


def wanted(part: dict, names: list[str] | None) -> bool:
    return names is None or any(part["name"].startswith(name) for name in names)


def install_wheels(folder: Path, target: Path) -> dict:
    wheels = sorted(str(path.resolve()) for path in folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--upgrade", "--target", str(target), *wheels]
    return {"name": "wheels", "command": command, "limit": 300}


def fetch_wheels(folder: Path, python: str) -> int:
    """Download what a GPU machine on Linux lacks, with pip, where there is a network."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    command += ["--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    for libc in ("2_28", "2_27", "2_17", "2014", "1"):
        separator = "_" if "_" in libc else ""
        command += ["--platform", f"manylinux{separator}{libc}_x86_64"]
    status = subprocess.run([*command, *WHEELS], check=False).returncode
    for wheel in sorted(folder.glob("*.whl")):
        print(wheel.name)
    return 1 if status else 0


def make_environment(scratch: Path) -> dict[str, str]:
    paths = [str(scratch / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        # JAX would take three quarters of the memory, and multiply float32 with 10 bits
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }


def run_part(part: dict, environment: dict, scratch, dry_run: bool = False) -> dict:
    """Run one part; its failure, its absence or its time limit is a result, never an exception."""
    command = part["command"]
    result = {"name": part["name"], "command": public_command(command), "status": "not run"}
    if dry_run:
        return result
    print(f"== {part['name']}", flush=True)
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=part.get("folder", scratch),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=part["limit"],
            check=False,
        )
        output, code = done.stdout, done.returncode
        status = "passed" if code in part.get("accept", (0,)) else "failed"
    except subprocess.TimeoutExpired as error:
        output, code, status = (error.stdout or b"").decode(errors="replace"), None, "too long"
    except OSError as error:
        output, code, status = str(error), None, "failed"
    seconds = round(time.perf_counter() - start, 1)
    tail = output.replace(str(ROOT), ".").rstrip().splitlines()[-40:]
    print("\n".join(tail), flush=True)
    print(f"== {part['name']}: {status} in {seconds} s", flush=True)
    return {**result, "status": status, "exit": code, "seconds": seconds, "output": tail}


def public_command(command: list[str]) -> str:
    """The command without the paths of this machine."""
    words = ["python" if word == sys.executable else word for word in command]
    return shlex.join(
        str(Path(word).relative_to(ROOT))
        if word.startswith(str(ROOT) + os.sep)
        else Path(word).name
        if os.path.isabs(word)
        else word
        for word in words
    )


def describe_machine(environment: dict) -> dict:
    """Python, libraries, GPU and driver."""
    script = DESCRIBE.replace("NAMES", repr(PACKAGES))
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(found.stdout) if found.returncode == 0 else {"reason": found.stderr[-500:]}
    about = {"python": platform.python_version(), "system": platform.system(), **told}
    return {**about, "driver": ask_nvidia_smi(), "cores": os.cpu_count()}


def ask_nvidia_smi() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.split("\n")[0].strip()


def record(report: dict, folder: Path) -> None:
    """Keep what was measured, named by date and GPU, for the pages of the documentation.

    Rows of an earlier part of the same day stay, unless they were measured again.
    """
    gpu = report["machine"].get("gpu")
    if gpu is None:
        print("nothing recorded: no GPU was found")
        return
    name = gpu["name"].lower().replace("nvidia ", "").replace(" ", "-")
    stem = f"{report['date'][:10]}-{name}"
    about = {"machine": report["machine"], "date": report["date"]}
    folder.mkdir(parents=True, exist_ok=True)
    if report["figures"] is not None:
        file = folder / f"{stem}.json"
        figures = join_tables([*filter(None, [read_figures(file)]), report["figures"]])
        words = f"{gpu['name']}, driver {report['machine'].get('driver')}"
        facts = {**figures.get("facts", {}), "machine": words}
        write(file, {**figures, "facts": facts, "about": about})
    if report["parity"] is not None:
        write(folder / f"{stem}-parity.json", {**report["parity"], "about": about})


def join_figures(files: list[Path]) -> dict | None:
    """The figures of all themes as one table, None where there are none."""
    return join_tables([read_figures(file) for file in files]) if files else None


def join_tables(tables: list[dict]) -> dict:
    """Later rows stand in for earlier ones of the same theme and name."""
    rows = {(row["theme"], row["name"]): row for table in tables for row in table["rows"]}
    return {**tables[-1], "rows": list(rows.values())}


def read_figures(file: Path):
    return json.loads(file.read_text()) if file.exists() else None


def write(file: Path, report: dict) -> None:
    unfinished = file.with_name(file.name + ".part")
    unfinished.write_text(json.dumps(report, indent=1) + "\n")
    unfinished.replace(file)


def print_summary(report: dict, file: Path) -> None:
    gpu = report["machine"].get("gpu")
    if report["rehearsal"]:
        print("a rehearsal on the look-alike of CuPy: nothing here was measured on a GPU")
    print(f"GPU: {gpu['name'] if gpu else 'none, ' + str(report['machine'].get('reason'))}")
    for result in report["parts"]:
        print(f"{result['status']:8} {result['name']} ({result.get('seconds', '-')} s)")
    print(f"written: {file}")


if __name__ == "__main__":
    sys.exit(main())
