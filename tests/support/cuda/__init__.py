"""CUDA text run on the CPU, for tests on machines without a GPU."""

from tests.support.cuda.allocating import careful_memory
from tests.support.cuda.compiling import CompileError, reason_no_compiler
from tests.support.cuda.emulator import (
    Argument,
    KernelMisuse,
    LaunchRefused,
    Module,
    emulate,
    load,
    to_argument,
)

__all__ = [
    "Argument",
    "CompileError",
    "KernelMisuse",
    "LaunchRefused",
    "Module",
    "careful_memory",
    "emulate",
    "load",
    "reason_no_compiler",
    "to_argument",
]
