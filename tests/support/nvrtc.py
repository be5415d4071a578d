"""CUDA text compiled by NVRTC as a launch of CuPy compiles it, which needs no GPU and no driver.

It needs the real CuPy with NVIDIA's compiler and headers (``cupy-cuda13x`` with
``nvidia-cuda-nvrtc``, ``nvidia-cuda-runtime`` and ``nvidia-cuda-crt``), so it can't be used in a
process where the look-alike stands in CuPy's place.
"""

import functools
import hashlib
import os
import tempfile
from typing import Any

from tests.support.cuda.compiling import folder

# What CuPy adds behind the options of a kernel; --fmad=false and the like come from the kernel.
_ALWAYS = ("-ftz=true",)
_LAST = ("--device-as-default-execution-space",)


@functools.cache
def reason_no_nvrtc() -> str | None:
    """Why nothing can be compiled here; None when it can."""
    try:
        import cupy
    except ImportError as error:
        return str(error).splitlines()[0]
    if getattr(cupy, "__lookalike__", False):
        return "the look-alike stands in CuPy's place in this process"
    try:
        _compile("#include <cupy/complex.cuh>\n#include <cuda_fp16.h>\n", "90", ())
    except Exception as error:  # missing libraries, headers, or other private names
        return f"CuPy can't compile here ({type(error).__name__}: {str(error)[:200]})"
    return None


def compile_text(code: str, arch: str = "90", options: tuple[str, ...] = ()) -> bytes:
    """Machine code of a RawKernel's or RawModule's text for compute capability ``arch``.

    What NVRTC refuses raises ``cupy.cuda.compiler.CompileException`` with its words. What it
    accepted once is kept on disk, by text, options, architecture and versions.
    """
    known = "\0".join((code, arch, *_assemble(arch, options), *_versions()))
    kept = folder() / f"nvrtc-{hashlib.sha256(known.encode()).hexdigest()[:32]}.cubin"
    if kept.exists():
        return kept.read_bytes()
    made = _compile(code, arch, options)
    with tempfile.NamedTemporaryFile(dir=folder(), delete=False) as file:
        file.write(made)
    os.replace(file.name, kept)
    return made


def _compile(code: str, arch: str, options: tuple[str, ...]) -> bytes:
    from cupy.cuda.compiler import _NVRTCProgram

    # a RawKernel's text comes alone; only ElementwiseKernel has CuPy's headers in front
    program: Any = _NVRTCProgram(code, "kernel.cu", method="cubin")
    return program.compile(_assemble(arch, options))[0]


def _assemble(arch: str, options: tuple[str, ...]) -> tuple[str, ...]:
    from cupy._core import core

    assembled = core.assemble_cupy_compiler_options(tuple(options))
    return (*assembled, *_ALWAYS, f"-arch=sm_{arch}", *_LAST)


@functools.cache
def _versions() -> tuple[str, ...]:
    import cupy
    from cupy.cuda import compiler

    return cupy.__version__, str(compiler._get_nvrtc_version())
