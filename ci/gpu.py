"""Run everything on a GPU machine without a network, and write one JSON about it.

Wheels that the machine lacks (array-api-compat, optree, ...) come from a folder and are put into a
directory of their own. Every part runs, whatever became of those before; the exit status is 1 when
one failed.
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
    "hypothesis",
)
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
if not any("pytest" in word or "tests.parity" in word for word in sys.orig_argv):
    from tests.support import host_copies, lookalike_cupy
    lookalike_cupy.install()
    host_copies._state.set("allowed")  # examples print their results
"""


def main(arguments=None) -> int:
    options = parse(arguments)
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
        report["figures"] = read_figures(Path(scratch) / "benchmarks.json")
        report["parity"] = read_figures(Path(scratch) / "parity.json")
        report["ok"] = all(result["status"] in ("passed", "not run") for result in results)
        write(options.out, report)
    if options.record:
        record(report, ROOT / "benchmarks" / "results")
    print_summary(report, options.out)
    return 0 if report["ok"] else 1


def parse(arguments):
    parser = argparse.ArgumentParser(prog="ci/gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--wheels", type=Path, help="folder of wheels to install, without network")
    parser.add_argument("--out", type=Path, default=Path("gpu-results.json"))
    parser.add_argument("--part", action="append", help="only parts that begin so; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="list the parts, run nothing")
    parser.add_argument("--rehearse", action="store_true", help="with a look-alike, without a GPU")
    parser.add_argument("--record", action="store_true", help="keep the figures as results")
    options = parser.parse_args(arguments)
    if options.rehearse and options.record:
        parser.error("--record: a rehearsal has no figures worth keeping")
    if options.wheels is not None and not options.wheels.is_dir():
        parser.error(f"--wheels: there is no folder {options.wheels}")
    return options


def list_parts(scratch: Path, rehearse: bool = False) -> list[dict]:
    """Name, command and time limit in seconds of everything there is to run."""
    python = sys.executable
    chosen = ["cupy-lookalike"] if rehearse else ["cupy", "--require-gpu"]
    tests = [python, "-m", "pytest", "--backend", *chosen, "-q", "-p", "no:cacheprovider"]
    figures = str(scratch / "benchmarks.json")
    table = [python, "-m", "tests.parity", "--backend", chosen[0], "--backend", "numpy"]
    table += ["--json", str(scratch / "parity.json")]
    parts = [
        {"name": "tests", "command": [*tests, str(ROOT / "tests")], "limit": 900},
        {"name": "parity", "command": table, "limit": 300},
    ]
    for part in parts:
        part["folder"] = str(ROOT)
    for example in sorted((ROOT / "examples").glob("[!_]*.py")):
        command = [python, str(example), "--backend", "cupy"]
        parts.append({"name": f"example {example.stem}", "command": command, "limit": 300})
    demo = [python, "-m", "anygrad", "demo", "--backend", "cupy"]
    parts.append({"name": "demo", "command": demo, "limit": 300})
    parts.append(
        {
            "name": "check",
            "command": [python, "-m", "anygrad", "check", "--backend", "cupy"],
            "limit": 120,
        }
    )
    measure = [python, "-m", "benchmarks", "--backend", "cupy", "--json", figures]
    measure += ["--quick"] if rehearse else []
    parts.append({"name": "benchmarks", "command": measure, "limit": 900, "folder": str(ROOT)})
    return parts


def wanted(part: dict, names: list[str] | None) -> bool:
    return names is None or any(part["name"].startswith(name) for name in names)


def install_wheels(folder: Path, target: Path) -> dict:
    wheels = sorted(str(path.resolve()) for path in folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--upgrade", "--target", str(target), *wheels]
    return {"name": "wheels", "command": command, "limit": 300}


def make_environment(scratch: Path) -> dict[str, str]:
    paths = [str(scratch / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
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
        status = "passed" if code == 0 else "failed"
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
    """Keep what was measured, named by date and GPU, for the pages of the documentation."""
    gpu = report["machine"].get("gpu")
    if gpu is None:
        print("nothing recorded: no GPU was found")
        return
    name = gpu["name"].lower().replace("nvidia ", "").replace(" ", "-")
    stem = f"{report['date'][:10]}-{name}"
    about = {"machine": report["machine"], "date": report["date"]}
    for what in ("figures", "parity"):
        if report[what] is not None:
            suffix = "" if what == "figures" else "-parity"
            write(folder / f"{stem}{suffix}.json", {**report[what], "about": about})


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
