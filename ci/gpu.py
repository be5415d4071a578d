"""Run everything on a GPU machine without a network, and write one JSON about it.

Wheels that the machine lacks (array-api-compat, optree, ...) come from a folder and are put into a
directory of their own; ``--fetch`` fills such a folder where there is a network. Every part runs,
whatever became of those before; the exit status is 1 when one failed. No part takes longer than ten
minutes, so that a machine lent for ten minutes at a time can run them one after another (--part);
with --budget, those that would not fit into the seconds that are left are not begun.
"""

import argparse
import datetime
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the tests load this file by its path
from gpu_parts import ROOT, list_parts, wanted
from gpu_record import KEPT, join_figures, read_figures, record, write

PACKAGES = (
    *("numpy", "cupy", "cupy-cuda12x", "cupy-cuda13x", "array-api-compat", "array-api-strict"),
    *("optree", "scipy", "scikit-learn", "matplotlib", "rich", "safetensors", "pytest"),
    *("hypothesis", "torch", "jax"),
)
# What a machine made for deep learning seldom has, pure Python or small.
WHEELS = ("array-api-compat", "array-api-strict", "optree", "typing-extensions")
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
            parts.insert(0, install_wheels(options.wheels, Path(scratch) / "site"))
        print_estimates(parts, options.budget)
        end = time.monotonic() + options.budget
        if options.wheels is not None:
            results.append(run_part(parts.pop(0), environment, scratch, options.dry_run))
        report["machine"] = describe_machine(environment)
        for part in parts:
            part = fit(part, end - time.monotonic())
            results.append(run_part(part, environment, scratch, options.dry_run))
            write(options.out, report)  # a run that is cut short leaves what it has
        report["figures"] = join_figures(sorted(Path(scratch).glob("benchmarks*.json")))
        for what in KEPT:
            report[what] = read_figures(Path(scratch) / f"{what}.json")
        if options.rehearse:
            for what in ("figures", *KEPT):
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
    parser.add_argument(
        "--budget", type=float, default=math.inf, metavar="SECONDS", help="begin nothing beyond"
    )
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


def install_wheels(folder: Path, target: Path) -> dict:
    wheels = sorted(str(path.resolve()) for path in folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--upgrade", "--target", str(target), *wheels]
    return {"name": "wheels", "command": command, "limit": 300, "estimate": 10}


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


def fit(part: dict, left: float) -> dict:
    """The part with the time that is left as its limit; with a reason where that is too little."""
    estimate = part.get("estimate", 0)
    if left < estimate:
        return {**part, "reason": f"it takes about {estimate} s, and {max(0, left):.0f} s are left"}
    return {**part, "limit": min(part["limit"], left)}


def print_estimates(parts: list[dict], budget: float) -> None:
    """What the parts may take: guesses, or what they took on a GPU the last time."""
    seconds = sum(part.get("estimate", 0) for part in parts)
    within = "" if budget == math.inf else f"; no part is begun that exceeds {budget:.0f} s"
    print(f"{len(parts)} parts, about {seconds:.0f} s (an estimate){within}", flush=True)


def run_part(part: dict, environment: dict, scratch, dry_run: bool = False) -> dict:
    """Run one part; its failure, its absence or its time limit is a result, never an exception."""
    command = part["command"]
    result = {"name": part["name"], "command": public_command(command), "status": "not run"}
    result |= {key: part[key] for key in ("estimate", "reason") if key in part}
    if dry_run:
        return result
    if "reason" in part:
        print(f"== {part['name']}: not run, {part['reason']}", flush=True)
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
    if code is not None and code == part.get("absent"):
        status, result["reason"] = "not run", tail[-1] if tail else ""
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


def print_summary(report: dict, file: Path) -> None:
    gpu = report["machine"].get("gpu")
    if report["rehearsal"]:
        print("a rehearsal on the look-alike of CuPy: nothing here was measured on a GPU")
    print(f"GPU: {gpu['name'] if gpu else 'none, ' + str(report['machine'].get('reason'))}")
    for result in report["parts"]:
        time_taken = f"{result.get('seconds', 'about ' + str(result.get('estimate')))} s"
        about = f"; {result['reason']}" if "reason" in result else ""
        print(f"{result['status']:8} {result['name']} ({time_taken}{about})")
    print(f"written: {file}")


if __name__ == "__main__":
    sys.exit(main())
