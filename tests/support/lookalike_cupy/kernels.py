"""Kernels written in CUDA: their text is compiled for the CPU and run on the arrays' memory.

``recording()`` tells every launch; what such a run shows and what not, tests/support/cuda says.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.support import cuda
from tests.support.lookalike_cupy import counting, streams
from tests.support.lookalike_cupy.arrays import ndarray
from tests.support.lookalike_cupy.devices import COUNT, current_id
from tests.support.lookalike_cupy.memory import MemoryPointer

_FLAGS = "translate_cucomplex", "enable_cooperative_groups", "jitify"
_options: dict[str, Any] = {"run": True, "order": None, "guard": False}


class CompileException(Exception):
    """What NVRTC says of a text that it refuses."""


class CUDADriverError(RuntimeError):
    """What the driver answers to an impossible launch."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """One launch, as it was asked for."""

    name: str
    code: str = dataclasses.field(repr=False)
    options: tuple[str, ...]
    grid: tuple[int, ...]
    block: tuple[int, ...]
    args: tuple[Any, ...] = dataclasses.field(repr=False)
    device: int
    stream: Any


class Launches(list):
    """Launches in their order; ``events`` has them too, among what streams were told of events.

    Entries of ``events``: ("launch", launch, stream, device), ("record" or "wait", event, stream,
    device).
    """

    def __init__(self):
        super().__init__()
        self.events: list[tuple[str, Any, Any, int]] = []

    @property
    def names(self) -> list[str]:
        return [launch.name for launch in self]


_recordings: list[Launches] = []


@contextlib.contextmanager
def recording(*, run: bool = True) -> Iterator[Launches]:
    """Note every launch inside the block; without ``run`` none is run, and outputs stay unset."""
    found = Launches()
    _recordings.append(found)
    streams._watchers.append(found.events)
    try:
        with running(run=run):
            yield found
    finally:
        _recordings[:] = [one for one in _recordings if one is not found]
        streams._watchers[:] = [one for one in streams._watchers if one is not found.events]


@contextlib.contextmanager
def running(**options: Any) -> Iterator[None]:
    """How launches inside the block run: ``order``, ``guard`` (as in ``cuda.emulate``), ``run``."""
    before = dict(_options)
    _options.update(options)
    try:
        yield
    finally:
        _options.update(before)


class Function:
    """A kernel of one device, compiled."""

    def __init__(self, kernel: "RawKernel", module: cuda.Module):
        self._kernel, self._module = kernel, module
        self.ptr = id(self)

    def __call__(self, grid, block, args, shared_mem=0, stream=None, **cooperative):
        for word, given in (("grid", grid), ("block", block)):
            if type(given) is not tuple:
                raise TypeError(_wrong_type(word, tuple, given))
        kernel, here = self._kernel, current_id()
        arguments = [to_argument(x, kernel.name) for x in args]
        stream = streams.get_current_stream() if stream is None else stream
        _note(kernel, grid, block, tuple(args), stream, here)
        if not _options["run"]:
            return
        sizes = [tuple(max(1, n) for n in (*given, 1, 1)[:3]) for given in (grid, block)]
        order, guard = _options["order"], _options["guard"]
        try:
            self._module.launch(kernel.name, *sizes, arguments, order=order, guard=guard)
        except cuda.LaunchRefused as error:
            message = f"CUDA_ERROR_INVALID_VALUE: invalid argument ({error})"
            raise CUDADriverError(message) from error


class RawKernel:
    """A kernel written in CUDA."""

    code: str | None = None  # kinds of kernels that are not run have none

    def __init__(self, code, name, options=(), backend="nvrtc", translate_cucomplex=False, **flags):
        unknown = set(flags) - set(_FLAGS)
        if unknown:
            raise TypeError(f"unexpected keyword arguments {sorted(unknown)}")
        for word, given, kind in (
            *(("code", code, str), ("name", name, str)),
            *(("options", options, tuple), ("backend", backend, str)),
        ):
            if type(given) is not kind:
                got = type(given).__name__
                message = (
                    f"Argument '{word}' has incorrect type (expected {kind.__name__}, got {got})"
                )
                raise TypeError(message)
        self.code, self.options, self.backend = code, options, backend
        self.name = self.__name__ = name
        self.enable_cooperative_groups = bool(flags.get("enable_cooperative_groups"))
        self.file_path = None
        self.name_expressions: tuple[str, ...] = ()
        self._functions: list[Function | None] = [None] * COUNT

    def __call__(self, *args, **keywords):
        if self.code is None:
            message = "the look-alike runs RawKernel and RawModule only; this needs a GPU"
            raise NotImplementedError(message)
        self._launch(*args, **keywords)

    def _launch(self, grid, block, args, *, shared_mem=0):
        self.kernel(grid, block, args, shared_mem=shared_mem)

    @property
    def kernel(self) -> Function:
        """Compiled when first asked for, on each device."""
        here = current_id()
        found = self._functions[here]
        if found is None:
            found = self._functions[here] = Function(self, self._compile())
        return found

    def compile(self, log_stream=None):
        self._functions = [None] * COUNT
        _ = self.kernel

    def _compile(self) -> cuda.Module:
        why = cuda.reason_no_compiler()
        if why and _options["run"]:
            raise NotImplementedError(why)
        if why:
            return cuda.Module({}, False)
        assert self.code is not None
        counting.note("compilation")
        try:
            module = cuda.load(self.code, self.name_expressions)
        except (cuda.CompileError, cuda.LaunchRefused) as error:
            raise CompileException(str(error)) from error
        if self.name not in module.kernels:
            message = "CUDA_ERROR_NOT_FOUND: named symbol not found"
            raise CUDADriverError(message)
        return module

    @property
    def max_threads_per_block(self) -> int:
        return self.kernel._module.kernels[self.name].most_threads

    @property
    def attributes(self) -> dict[str, int]:
        return {"max_threads_per_block": self.max_threads_per_block}

    def __reduce__(self):
        return RawKernel, (self.code, self.name, self.options, self.backend)


class RawModule:
    """A text with several kernels."""

    def __init__(
        self, *, code=None, path=None, options=(), backend="nvrtc", name_expressions=None, **flags
    ):
        if (code is None) == (path is None):
            message = "Exactly one of `code` and `path` keyword arguments must be given."
            raise TypeError(message)
        if code is None:
            message = "the look-alike loads no compiled files; this needs a GPU"
            raise NotImplementedError(message)
        self.code, self.options, self.backend = code, options, backend
        self.name_expressions = tuple(name_expressions or ())
        self._flags, self._kernels = flags, {}

    def compile(self, log_stream=None):
        for kernel in self._kernels.values():
            kernel.compile()

    def get_function(self, name: str) -> RawKernel:
        if name not in self._kernels:
            made = RawKernel(self.code, name, self.options, self.backend, **self._flags)
            made.name_expressions = self.name_expressions
            _ = made.kernel  # the real one compiles here too
            self._kernels[name] = made
        return self._kernels[name]


RawKernel.__call__.__module__ = "cupy"  # it counts as CuPy's code, not as code of the tests


def to_argument(x: Any, kernel: str) -> cuda.Argument:
    """What CuPy hands to a kernel for ``x``."""
    if isinstance(x, ndarray):
        if x._device != current_id():
            message = (
                f"{kernel}: an array of device {x._device} in a kernel on device {current_id()}"
            )
            raise cuda.KernelMisuse(message)
        address = x._data.__array_interface__["data"][0] if x._data.size else 0
        return cuda.Argument(address.to_bytes(8, "little"), x._data.dtype, x._data)
    if isinstance(x, MemoryPointer):
        if x.device_id != current_id():
            message = f"{kernel}: memory of device {x.device_id} on device {current_id()}"
            raise cuda.KernelMisuse(message)
        return cuda.to_argument(np.uint64(x.ptr))
    if isinstance(x, np.ndarray) and x.size != 1:
        message = (
            f"You are trying to pass a numpy.ndarray of shape {x.shape} as a kernel parameter. "
            "Only numpy.ndarrays of size one can be passed by value. If you meant to pass a "
            "pointer to __global__ memory, you need to pass a cupy.ndarray instead."
        )
        raise TypeError(message)
    return cuda.to_argument(x, by_value=True)


def _wrong_type(word: str, expected: type, given: Any) -> str:
    kinds = f"(expected {expected.__name__}, got {type(given).__name__})"
    return f"Argument '{word}' has incorrect type {kinds}"


def _note(kernel, grid, block, args, stream, device) -> None:
    counting.note("launch")
    if not _recordings:
        return
    launch = Launch(kernel.name, kernel.code, kernel.options, grid, block, args, device, stream)
    for found in _recordings:
        found.append(launch)
        found.events.append(("launch", launch, stream, device))
