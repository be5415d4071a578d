"""CUDA text, unmodified, compiled for the CPU and launched there: every thread of every block.

Threads of a block wait for each other at ``__syncthreads()`` as on a GPU; one runs at a time, and
in which order is a choice (``order``), on which no result may depend. Found and said: a thread that
leaves while others wait, threads that wait at different barriers, arguments that do not fit the
kernel's parameters, reads of shared memory that nobody wrote (it is nan before each block), and
accesses that are not aligned to their type, outside an array of known size, or outside the memory
of the process; with ``guard=True`` also any write outside the arrays of the launch.

It shows nothing about: warps and their lockstep, atomics, dynamic shared memory, the limits of a
multiprocessor, races that none of the orders tried shows, and speed. Arithmetic is that of the CPU:
no contraction, subnormals kept (CuPy adds ``-ftz=true``), and ``exp`` and its like are those of the
C library, some units in the last place away from CUDA's.
"""

import ctypes
import dataclasses
import functools
import os
import re
import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.support.cuda.compiling import build, build_alone

PARAMETER_SPACE = 32_764  # bytes, from compute capability 7.0 on
MOST_THREADS = 1024
GRID = (2**31 - 1, 65_535, 65_535)
_FAR = 1 << 20  # bytes
ORDERS = ("forward", "reverse", "shuffled")
# what else knows of the memory at an address, in words
nearest_pieces: list[Callable[[int], str | None]] = []
_TROUBLES = ("", "left", "different", "none here", "fault")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_KERNEL = re.compile(
    r"__global__\s+(?:__launch_bounds__\s*\((?P<before>[^()]*)\)\s*)?void\s+"
    r"(?:__launch_bounds__\s*\((?P<after>[^()]*)\)\s*)?(?P<name>\w+)\s*\("
)


class KernelMisuse(AssertionError):
    """What a GPU would do in silence, or answer with a fault."""


class LaunchRefused(RuntimeError):
    """What CUDA refuses at the launch."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter: its kind is p (pointer), f, i, u, b, c (complex) or V (structure)."""

    kind: str
    size: int
    align: int
    pointee: str
    pointee_size: int

    def __str__(self):
        if self.kind == "p":
            return f"a pointer to {self.pointee}{self.pointee_size}"
        return f"{self.kind}{self.size} by value"


@dataclasses.dataclass(frozen=True)
class Argument:
    """What a launch hands over: bytes by value, or the address of ``array``."""

    value: bytes
    dtype: np.dtype | None = None
    array: np.ndarray | None = None


class Kernel:
    """One kernel of a module, ready to be launched."""

    def __init__(self, name: str, record: "_Kernel", module: "_Module", most_threads: int | None):
        self.name = name
        self.parameters = tuple(
            Parameter(p.kind.decode(), p.size, p.align, p.pointee.decode("latin"), p.pointee_size)
            for p in record.parameters[: record.count]
        )
        self.most_threads = most_threads or MOST_THREADS
        self._record, self._module = record, module

    def launch(
        self,
        grid: Sequence[int],
        block: Sequence[int],
        arguments: Sequence[Argument],
        *,
        fibers: bool = True,
        order: str | None = None,
        guard: bool = False,
    ) -> None:
        """Run every thread; ``order`` is "forward", "reverse", "shuffled" or "shuffled:<seed>"."""
        grid, block = _sizes(grid), _sizes(block)
        self._check_sizes(grid, block)
        self._check_arguments(arguments)
        if guard:
            from tests.support.cuda.guarding import guarded

            with guarded(self.name, arguments) as moved:
                self._run(grid, block, moved, fibers, order)
            return
        self._run(grid, block, arguments, fibers, order)

    def _run(self, grid, block, arguments, fibers, order):
        kind, _, seed = (order or os.environ.get("EMULATED_ORDER") or "forward").partition(":")
        kept = [_aligned(a.value, p.align) for a, p in zip(arguments, self.parameters, strict=True)]
        launch = _Launch(
            self._record.run,
            (ctypes.c_void_p * (len(kept) + 1))(*(address for address, _ in kept)),
            self._module,
            grid,
            block,
            fibers,
            ORDERS.index(kind),
            int(seed or 0),
        )
        report = _Report()
        if _runtime()(ctypes.byref(launch), ctypes.byref(report)):
            raise KernelMisuse(f"{self.name}: {_describe(report, arguments)}")

    def _check_sizes(self, grid, block):
        fits = all(0 < n <= most for n, most in zip(grid, GRID, strict=True))
        threads = block[0] * block[1] * block[2]
        if not fits or not 0 < threads <= MOST_THREADS or block[2] > 64:
            message = f"{self.name}: a grid of {grid} and blocks of {block} are impossible"
            raise LaunchRefused(message)
        if threads > self.most_threads:
            message = f"{self.name}: {threads} threads; __launch_bounds__ says {self.most_threads}"
            raise LaunchRefused(message)

    def _check_arguments(self, arguments):
        if len(arguments) != len(self.parameters):
            message = (
                f"{self.name}: {len(arguments)} arguments for {len(self.parameters)} parameters"
            )
            raise KernelMisuse(message)
        for place, (argument, parameter) in enumerate(zip(arguments, self.parameters, strict=True)):
            if not _fits(argument, parameter):
                message = (
                    f"{self.name}: argument {place} is {_describe_argument(argument)}, "
                    f"the parameter is {parameter}"
                )
                raise KernelMisuse(message)


@dataclasses.dataclass(frozen=True)
class Module:
    """The kernels of one text by their names."""

    kernels: dict[str, Kernel]
    fibers: bool  # whether any thread can wait for others

    def launch(self, name: str, grid, block, arguments: Sequence[Argument], **keywords) -> None:
        """Launch one of them."""
        kernel = self.kernels[name]
        kernel.launch(grid, block, arguments, fibers=self.fibers, **keywords)


@functools.lru_cache(maxsize=2048)
def load(code: str, expressions: tuple[str, ...] = ()) -> Module:
    """Compile a text; ``expressions`` name instances of templates, such as ``add<float>``."""
    bare = _COMMENT.sub("", code)
    plain = {match["name"]: match["before"] or match["after"] for match in _KERNEL.finditer(bare)}
    templates = set(re.findall(r"template\s*<[^{;]*?>\s*__global__[^(]*?(\w+)\s*\(", bare))
    names = [name for name in plain if name not in templates] + list(expressions)
    entries = [f"EMULATED_KERNEL({n}, ({name}))" for n, name in enumerate(names)]
    source = "\n".join((code, *entries, "EMULATED_MODULE", ""))
    library = ctypes.PyDLL(str(build(source)), mode=os.RTLD_LOCAL | os.RTLD_NOW)
    found = _Module()
    library.emulated_module(ctypes.byref(found))
    kernels = {}
    for n, name in enumerate(names):
        bounds = plain.get(name.partition("<")[0])
        most = int(bounds.partition(",")[0]) if bounds and bounds.strip().isdigit() else None
        kernels[name] = Kernel(name, _Kernel.in_dll(library, f"emulated_{n}"), found, most)
        _check_space(kernels[name])
    return Module(kernels, "__syncthreads" in bare)


def emulate(code: str, name: str, grid, block, args: Sequence[Any], **keywords) -> None:
    """Launch a kernel on NumPy arrays, in their memory.

    Parameters
    ----------
    code, name : str
        CUDA text, and which of its kernels.
    grid, block : int or tuple of int
        How many blocks, and how many threads each has.
    args : sequence
        Arrays are handed over by address; numbers, NumPy scalars, and arrays of one element where
        the parameter is no pointer, by value. ``int`` has 64 bits, ``float`` too.
    **keywords
        ``order`` and ``guard``, as in ``Kernel.launch``.
    """
    module = load(code)
    kinds = [p.kind for p in module.kernels[name].parameters]
    kinds += [""] * len(args)
    arguments = [to_argument(x, by_value=kind != "p") for x, kind in zip(args, kinds, strict=False)]
    module.launch(name, grid, block, arguments, **keywords)


def to_argument(x: Any, by_value: bool = False) -> Argument:
    """An argument from an array (by its address), a scalar of NumPy or a number of Python."""
    if x is None:
        return Argument(bytes(8), None)
    if isinstance(x, np.ndarray) and not (by_value and x.size == 1):
        return Argument(x.ctypes.data.to_bytes(8, "little"), x.dtype, x)
    if type(x) is int and x >= 2**63:
        x = np.uint64(x)
    elif type(x) in (bool, int, float, complex):
        x = {bool: np.bool_, int: np.int64, float: np.float64, complex: np.complex128}[type(x)](x)
    if not isinstance(x, (np.generic, np.ndarray)):
        message = f"Unsupported type {type(x)}"
        raise TypeError(message)
    return Argument(x.tobytes(), x.dtype)


# ---- what fits what


def _fits(argument: Argument, parameter: Parameter) -> bool:
    dtype = argument.dtype
    if parameter.kind != "p":
        return argument.array is None and _same_kind(dtype, parameter.kind, parameter.size)
    if argument.array is None:  # a number that is an address, or None
        return dtype is None or (dtype.kind in "iu" and dtype.itemsize == 8)
    if parameter.pointee == "V" or (parameter.pointee_size <= 1 and parameter.pointee != "b"):
        return True  # structures, void and bytes
    return _same_kind(dtype, parameter.pointee, parameter.pointee_size)


def _same_kind(dtype: np.dtype | None, kind: str, size: int) -> bool:
    if dtype is None or dtype.itemsize != size:
        return False
    if kind in "iu":  # also for halves, which are handled as bits, and for copies of bits
        return True
    return dtype.kind == kind


def _check_space(kernel: Kernel) -> None:
    used = 0
    for parameter in kernel.parameters:
        used = -(-used // parameter.align) * parameter.align + parameter.size
    if used > PARAMETER_SPACE:
        message = (
            f"{kernel.name}: Formal parameter space overflowed "
            f"({used} bytes required, max {PARAMETER_SPACE} bytes allowed)"
        )
        raise LaunchRefused(message)


def _sizes(given: Any) -> tuple[int, int, int]:
    given = (given,) if isinstance(given, int) else tuple(given)
    x, y, z = (*given, 1, 1)[:3]
    return int(x), int(y), int(z)


def _aligned(value: bytes, align: int) -> tuple[int, Any]:
    """Address of a copy of ``value``, and what keeps it alive."""
    kept = ctypes.create_string_buffer(len(value) + align)
    address = -(-ctypes.addressof(kept) // align) * align
    ctypes.memmove(address, value, len(value))
    return address, kept


def _describe_argument(argument: Argument) -> str:
    if argument.array is not None:
        return f"an array of {argument.dtype}"
    return "None" if argument.dtype is None else f"{argument.dtype} by value"


def _describe(report: "_Report", arguments: Sequence[Argument]) -> str:
    where = f"thread {list(report.thread)} of block {list(report.block)}"
    trouble = _TROUBLES[report.trouble]
    if trouble == "left":
        return f"some threads left while others wait at the barrier of line {report.line}"
    if trouble == "different":
        lines = f"{report.line} and {report.other_line}"
        return f"threads wait at different barriers, those of lines {lines}"
    if trouble == "none here":
        return f"a barrier in line {report.line}, of which the text said nothing"
    if report.signal == signal.SIGFPE:
        return f"{where} divided an integer by zero"
    if report.signal in (signal.SIGILL, signal.SIGTRAP):
        return f"{where} reached outside an array, or an address not aligned to its type"
    if not report.address:
        return f"{where} reached address 0, or an impossible one"
    return f"{where} reached memory at {report.address:#x}, {_nearest(report.address, arguments)}"


def _nearest(address: int, arguments: Sequence[Argument]) -> str:
    """Where an address lies, relative to the nearest argument or another array."""
    found = []
    for place, argument in enumerate(arguments):
        if argument.array is not None:
            start, end = np.lib.array_utils.byte_bounds(argument.array)
            before, behind = start - address, address - end
            side = f"{before} bytes before" if before > 0 else f"{behind} bytes behind"
            found.append((max(before, behind), f"{side} argument {place}"))
    near = min(found, default=(_FAR, ""))
    if near[0] < _FAR:
        return near[1]
    known = [words for words in (ask(address) for ask in nearest_pieces) if words]
    return known[0] if known else "near none of the arguments"


# ---- records shared with C++


class _Parameter(ctypes.Structure):
    _fields_ = [
        *(("kind", ctypes.c_char), ("pointee", ctypes.c_char)),
        *(("size", ctypes.c_int), ("align", ctypes.c_int), ("pointee_size", ctypes.c_int)),
    ]


class _Kernel(ctypes.Structure):
    _fields_ = [
        *(("run", ctypes.c_void_p), ("count", ctypes.c_int)),
        ("parameters", ctypes.POINTER(_Parameter)),
    ]


class _Module(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("state", "shared", "shared_end")]


class _Launch(ctypes.Structure):
    _fields_ = [
        ("run", ctypes.c_void_p),
        ("arguments", ctypes.POINTER(ctypes.c_void_p)),
        ("module", _Module),
        *(("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3)),
        *(("fibers", ctypes.c_int), ("order", ctypes.c_int), ("seed", ctypes.c_uint64)),
    ]


class _Report(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("trouble", "signal", "line", "other_line")),
        ("address", ctypes.c_uint64),
        *(("block", ctypes.c_uint * 3), ("thread", ctypes.c_uint * 3)),
    ]


@functools.cache
def _runtime() -> Any:
    """The function that runs a launch; it keeps Python's lock, so launches never overlap."""
    return ctypes.PyDLL(str(build_alone("runtime"))).emulated_launch
