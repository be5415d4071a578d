"""Kernels give the same bits on other processors, and find elements anywhere in memory."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets import llvmlite
from anygrad.compiler.targets.native import support
from anygrad.compiler.targets.native.entries import run
from anygrad.compiler.targets.native.making import description, text_of
from anygrad.compiler.targets.native.mathematics import FUNCTIONS
from anygrad.compiler.targets.native.plans import Spread
from anygrad.compiler.targets.native.storage import code_for
from anygrad.tracing import TRACED
from tests.compiler.native.running import assert_runs, kernels, wild

PROCESSORS = {
    "haswell": ("avx2", "fma", "f16c"),
    "skylake-avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"),
}


def features():
    import llvmlite.binding as llvm

    llvmlite.is_usable()  # which brings LLVM up
    return llvm.get_host_cpu_features()


def lacking(processor):
    """What this machine lacks to run code made for another one."""
    return [name for name in PROCESSORS[processor] if not features().get(name)]


def code_on(processor, text, names):
    """The code of a module made for another processor."""
    import llvmlite.binding as llvm

    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=llvmlite.LEVEL, cpu=processor, jit=True)
    module = llvm.parse_assembly(text)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    return llvmlite.load(machine.emit_object(module), names)


def table_for(kernel, helpers, given, results):
    """What a kernel reads: arrays, descriptions, functions, and the length of its rows."""
    written = text_of(kernel)
    described = [description(one.spread) for one in written.spread]
    length = kernel.reductions[0].length if kernel.reductions else 1
    words = [x.ctypes.data for x in (*given, *results, *described)]
    words += [helpers.addresses[name] for name in written.called] + [length]
    return np.array(words, np.uint64), kernel.size // length, described


def results_on(processor, f, *args):
    """What the kernel of a function gives, its operands in the order in which it takes them."""
    (kernel,) = kernels(f, *args)
    specs = kernel.group.program.specs
    given = [args[int(one.what)] for one in kernel.operands]
    made = [np.empty(specs[x].shape or 1, specs[x].dtype) for x in kernel.results]
    helpers = code_on(processor, support.text(), support.SUPPORT)
    code = code_on(processor, text_of(kernel).text, ("kernel",))
    table, stop, keeps = table_for(kernel, helpers, given, made)
    assert run(code.addresses["kernel"], table, 0, stop) == 0
    assert keeps is not None
    return made


def arithmetic(x, y):
    z = TRACED.sqrt(TRACED.abs(x * 3 - y)) / (1.5 + y * y)
    return z, TRACED.maximum(z, x), TRACED.astype(z > x, dtype=x.dtype), TRACED.floor(x * 7)


def reductions(x, y):
    z = x * 3 - y
    return TRACED.sum(z), TRACED.mean(z * z), TRACED.max(z), TRACED.min(z), TRACED.any(z > x)


def rows(x, y):
    z = x * y - 1
    return TRACED.sum(z, axis=1), TRACED.max(z, axis=1)


def functions(x, _y):
    small = x / (1 + TRACED.abs(x))
    return [getattr(TRACED, name)(small) for name in sorted(FUNCTIONS) if name in PLAIN]


PLAIN = [
    "exp",
    "expm1",
    "log1p",
    "sin",
    "cos",
    "tanh",
    "sinh",
    "cosh",
    "erf",
    "erfc",
    "atan",
    "asin",
    "cbrt",
]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("f", [arithmetic, reductions, rows, functions])
def test_other_processors_give_the_same_bits(f, dtype):
    lacks = {name: lacking(name) for name in PROCESSORS}
    if any(lacks.values()):
        pytest.skip(f"this machine cannot run code for {lacks}")
    if dtype == "float16" and f in (reductions, rows):
        pytest.skip("kernels do not add in half precision")
    x, y = wild((30, 33), dtype), wild((1, 33) if f is rows else (30, 33), dtype, 1)
    with np.errstate(all="ignore"):
        first, second = [results_on(name, f, x, y) for name in PROCESSORS]
    assert first
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.tobytes() == b.tobytes() or np.isnan(a).any()


def spread_of(helpers, size):
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 2)
    return kind(helpers.addresses[f"spread{size}"])


def test_offsets_have_64_bits_in_spreading():
    """Elements far beyond 2**31 of operands that lie at one place, or go backwards through it."""
    helpers = code_for(support.text(), support.SUPPORT)
    axes = (3_000, 1_000_003, 7)
    for size, dtype in ((1, np.uint8), (2, np.uint16), (4, np.uint32), (8, np.uint64)):
        row = np.arange(100, 107).astype(dtype)
        spread = spread_of(helpers, size)
        for step, first in ((size, row.ctypes.data), (-size, row.ctypes.data + 6 * size)):
            what = description(Spread(axes, (0, 0, step)))
            start, to = 20_999_999_999, np.zeros(64, dtype)
            assert start > 2**34
            spread(to.ctypes.data, first, what.ctypes.data, start, 64)
            order = (start + np.arange(64)) % 7
            np.testing.assert_array_equal(to, (row if step > 0 else row[::-1])[order])


def sparse(n, dtype):
    """An array of zeros that takes no memory but where it is written."""
    import mmap

    memory = mmap.mmap(-1, n * np.dtype(dtype).itemsize)
    return np.frombuffer(memory, dtype)


def sparse_arrays(count):
    try:
        return [sparse(3_000_000_000, np.uint8) for _ in range(count)]
    except OSError as error:
        pytest.skip(f"no such address space: {error}")


def test_steps_have_64_bits_in_spreading():
    helpers = code_for(support.text(), support.SUPPORT)
    (memory,) = sparse_arrays(1)
    first, second = memory[:7], memory[2_999_999_000:][:7]
    first[:], second[:] = np.arange(7), np.arange(100, 107)
    for shape, strides in (((2, 7), (2_999_999_000, 1)), ((7, 2), (1, 2_999_999_000))):
        what, to = description(Spread(shape, strides)), np.zeros(14, np.uint8)
        spread_of(helpers, 1)(to.ctypes.data, memory.ctypes.data, what.ctypes.data, 0, 14)
        rows = np.stack([first, second])
        np.testing.assert_array_equal(to.reshape(shape), rows if shape == (2, 7) else rows.T)


def test_offsets_have_64_bits_in_kernels():
    """A kernel computes the last elements of 3e9, and no others; they are in sparse memory."""
    n = 3_000_000_000
    f = lambda x, y: (x ^ y, x & y)
    small = np.arange(200).astype(np.uint8)
    (kernel,) = kernels(f, small, small)
    code = code_for(text_of(kernel).text)
    x, y, z, w = arrays = sparse_arrays(4)
    x[-200:], y[-200:] = small, small[::-1]
    table = np.array([*[a.ctypes.data for a in arrays], 1], np.uint64)
    assert run(code.addresses["kernel"], table, n - 200, n) == 0
    np.testing.assert_array_equal(z[-200:], small ^ small[::-1])
    np.testing.assert_array_equal(w[-200:], small & small[::-1])
    assert z[-201] == w[-201] == 0


def test_offsets_have_64_bits_in_reductions():
    """The last rows of 3e9 elements that are one row in memory."""
    row = wild(1000)
    y = np.broadcast_to(row, (3, 1000))
    f = lambda x, y: TRACED.max(x * y + y, axis=1)
    (kernel,) = kernels(f, wild((3, 1000)), y)
    written = text_of(kernel)
    code, helpers = code_for(written.text), code_for(support.text(), support.SUPPORT)
    rows = 3_000_000
    x, to = np.zeros((4, 1000)), np.zeros(4)
    described = [description(Spread((rows, 1000), (0, 8)))]
    first = rows - 4
    # addresses as if the arrays began where their first element would be
    given = {"flat": x.ctypes.data - first * 8000, "spread": row.ctypes.data}
    words = [given[one.how] for one in kernel.operands] + [to.ctypes.data - first * 8]
    words += [described[0].ctypes.data, *[helpers.addresses[k] for k in written.called], 1000]
    table = np.array([w % 2**64 for w in words], np.uint64)
    x[:] = np.arange(4)[:, None]
    assert run(code.addresses["kernel"], table, first, rows) == 0
    np.testing.assert_array_equal(to, np.max(x * row + row, axis=1))


@pytest.mark.slow
def test_more_than_two_to_the_31_elements():
    x = np.broadcast_to(np.ones((), np.int8), (2_200_000_000,))
    assert_runs(lambda x: (TRACED.any(x > 1), TRACED.all(x > 0)), x)
