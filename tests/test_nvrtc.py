"""NVRTC takes the texts of kernels as a launch of CuPy gives them to it."""

import pytest

from tests.support import nvrtc

SQUARE = 'extern "C" __global__ void square(float* x, float b) { x[0] = x[0] * b + x[1]; }'


@pytest.fixture(scope="module", autouse=True)
def compiler():
    reason = nvrtc.reason_no_nvrtc()
    if reason:
        pytest.skip(reason)
    from cupy.cuda import compiler

    return compiler


@pytest.mark.parametrize("arch", ["80", "90"])
def test_a_text_becomes_machine_code(arch):
    assert nvrtc.compile_text(SQUARE, arch).startswith(b"\x7fELF")


def test_options_of_the_kernel_arrive():
    assert nvrtc.compile_text(SQUARE) != nvrtc.compile_text(SQUARE, options=("--fmad=false",))


def test_a_text_that_is_wrong_is_refused_with_its_line(compiler):
    with pytest.raises(compiler.CompileException, match=r'kernel.cu\(2\): error: .*"sqqrt"'):
        nvrtc.compile_text("\n__global__ void k(float* x) { x[0] = sqqrt(2.0f); }")


def test_a_text_has_no_header_in_front(compiler):
    """CuPy puts its headers before an ElementwiseKernel only."""
    with pytest.raises(compiler.CompileException, match="complex"):
        nvrtc.compile_text("__global__ void k(complex<float>* x) { x[0] = x[1]; }")


def test_what_was_compiled_is_kept(monkeypatch):
    found = nvrtc.compile_text(SQUARE)
    monkeypatch.setattr(nvrtc, "_compile", None)
    assert nvrtc.compile_text(SQUARE) == found
