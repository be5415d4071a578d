"""C++ text to shared objects, kept on disk for all processes and later runs."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SHIM, INCLUDE = HERE / "shim.h", HERE / "include"
FLAGS = (
    *("-std=c++17", "-O1", "-w", "-fPIC", "-pipe", "-fmax-errors=5"),
    # each operation rounds by itself, as with --fmad=false
    *("-ffp-contract=off", "-fno-fast-math", "-fno-strict-aliasing", "-fwrapv"),
    # static memory of functions stays apart between shared objects of one process
    "-fvisibility=hidden",
    # an access that is not aligned to its type, or outside an array of known size, ends in a trap
    *("-fsanitize=alignment,bounds", "-fsanitize-undefined-trap-on-error"),
)
LINK = ("-shared", "-Wl,-Bsymbolic", "-Wl,--build-id=none", "-lm")


class CompileError(Exception):
    """The compiler refused the text; the message is the compiler's."""


def reason_no_compiler() -> str | None:
    """Why kernels can't be run here; None when they can."""
    if sys.platform != "linux":
        return "CUDA text is run on the CPU under Linux only"
    return None if _compiler() else "no C++ compiler (g++ or c++) to run CUDA text on the CPU"


@functools.cache
def _compiler() -> str | None:
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


def build(source: str) -> Path:
    """Shared object of ``source``, which may use whatever stands in shim.h."""
    return _kept("kernels", source, ("-include", str(_headers() / "shim.h"), f"-I{INCLUDE}"))


@functools.cache
def build_alone(name: str) -> Path:
    """Shared object of one of the C++ files beside this one."""
    return _kept(name, (HERE / f"{name}.cpp").read_text(), (f"-I{HERE}",))


def _kept(kind: str, source: str, more: tuple[str, ...]) -> Path:
    name = hashlib.sha256("\0".join((_version(), source)).encode()).hexdigest()[:32]
    found = folder() / f"{kind}-{name}.so"
    if found.exists():
        return found
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        made = Path(place) / "made.so"
        _run((*FLAGS, *more, "-x", "c++", "-", *LINK, "-o", str(made)), source)
        os.replace(made, found)  # at once, so that no other process sees half a file
    return found


def _run(arguments: tuple[str, ...], source: str) -> None:
    command = (_compiler() or "g++", *arguments)
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(done.stderr.replace("<stdin>", "kernel.cu"))


@functools.cache
def folder() -> Path:
    """Where the shared objects are kept, one place for each user."""
    found = Path(tempfile.gettempdir()) / f"anygrad-emulated-{os.getuid()}"
    found.mkdir(mode=0o700, exist_ok=True)
    if found.stat().st_uid != os.getuid():  # someone else's: nothing is loaded from there
        return Path(tempfile.mkdtemp(prefix="anygrad-emulated-"))
    return found


@functools.cache
def _version() -> str:
    """Compiler, flags and headers: what a shared object depends on beside its text."""
    compiler = _compiler()
    if compiler is None:
        raise RuntimeError(reason_no_compiler())
    found = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    headers = [path.read_text() for path in (SHIM, *sorted(INCLUDE.rglob("*.*h")))]
    return "\0".join((found.stdout, *FLAGS, *LINK, *headers))


@functools.cache
def _headers() -> Path:
    """A folder with shim.h compiled beforehand, which halves the time of a kernel."""
    name = hashlib.sha256(_version().encode()).hexdigest()[:32]
    found = folder() / f"headers-{name}"
    if found.exists():
        return found
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        made = Path(place) / "made"
        made.mkdir()
        shutil.copy(SHIM, made)
        _run((*FLAGS, "-x", "c++-header", str(SHIM), "-o", str(made / "shim.h.gch")), "")
        try:
            made.rename(found)
        except OSError:  # another process was first
            if not found.exists():
                raise
    return found
