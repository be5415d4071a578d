"""CUDA text run on the CPU: what is computed, and what is found out."""

import os

import numpy as np
import pytest

from tests.support import assert_close, cuda
from tests.support.cuda import CompileError, KernelMisuse, LaunchRefused, careful_memory, emulate

pytestmark = pytest.mark.skipif(
    cuda.reason_no_compiler() is not None, reason=str(cuda.reason_no_compiler())
)
ORDERS = ("forward", "reverse", "shuffled:1", "shuffled:2")

TOTAL = """
// not a kernel: __global__ void other(int)
template <typename T> __device__ __forceinline__ T block_sum(T x) {
    __shared__ T part[256];
    part[threadIdx.x] = x;
    __syncthreads();
    for (int half = 128; half; half >>= 1) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    return part[0];
}
extern "C" __global__ void __launch_bounds__(256)
total(const double* __restrict__ x, double* __restrict__ sums, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const double sum = block_sum(i < n ? x[i] : 0.0);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
"""
# each thread reads what its neighbour wrote
NEIGHBOUR = """
extern "C" __global__ void neighbour(const float* x, float* y) {
    __shared__ float part[64];
    part[threadIdx.x] = x[threadIdx.x];
    BARRIER
    y[threadIdx.x] = part[(threadIdx.x + STEP) % 64];
}
"""
SHIFT = """
extern "C" __global__ void shift(const float* x, float* y, long long by) {
    y[threadIdx.x + by] = x[threadIdx.x];
}
"""


def neighbour(barrier: str, step: int) -> str:
    return NEIGHBOUR.replace("BARRIER", barrier).replace("STEP", str(step))


def run_one(body: str, *args, threads: int = 1, parameters: str = "float* x") -> None:
    emulate(f'extern "C" __global__ void one({parameters}) {{ {body} }}', "one", 1, threads, args)


@pytest.mark.parametrize("order", ORDERS)
def test_a_sum_through_shared_memory(order):
    x = np.random.default_rng(0).integers(0, 1000, 1000).astype(float)  # sums of these are exact
    sums = np.empty(4)
    emulate(TOTAL, "total", 4, 256, (x, sums, 1000), order=order)
    expected = np.append(x, np.zeros(24)).reshape(4, 256).sum(1)
    np.testing.assert_array_equal(sums, expected)


def test_every_thread_of_three_dimensions_runs_once():
    seen = np.zeros((2, 3, 4, 5, 6, 7), "i4")
    code = """
    extern "C" __global__ void visit(int* seen) {
        long long i = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
        i = ((i * blockDim.z + threadIdx.z) * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
        seen[i] += 1;
    }
    """
    for order in ORDERS:
        emulate(code, "visit", (4, 3, 2), (7, 6, 5), (seen,), order=order)
    assert (seen == len(ORDERS)).all()


@pytest.mark.parametrize("step", [1, 63])
def test_a_missing_barrier_shows_in_some_order(step):
    x, y = np.arange(64, dtype="f4"), np.zeros(64, "f4")
    right = {}
    for order in ORDERS:
        emulate(neighbour("", step), "neighbour", 1, 64, (x, y), order=order)
        right[order] = np.array_equal(y, np.roll(x, -step))
        emulate(neighbour("__syncthreads();", step), "neighbour", 1, 64, (x, y), order=order)
        np.testing.assert_array_equal(y, np.roll(x, -step))
    assert not all(right.values())


def test_the_order_can_be_set_for_a_whole_run(monkeypatch):
    last = np.zeros(1, "i4")
    for order, expected in (("forward", 31), ("reverse", 0)):
        monkeypatch.setitem(os.environ, "EMULATED_ORDER", order)
        run_one("x[0] = threadIdx.x;", last, threads=32, parameters="int* x")
        assert last[0] == expected


def test_shared_memory_is_new_for_each_block():
    y = np.zeros(3, "f4")
    code = """
    extern "C" __global__ void stale(float* y) {
        __shared__ float kept;
        y[blockIdx.x] = kept;
        kept = 1.0f;
    }
    """
    emulate(code, "stale", 3, 1, (y,))
    assert np.isnan(y).all()


def test_shared_memory_of_two_texts_is_apart():
    """One instance of a template in both: the dynamic linker must not merge their memory."""
    small = TOTAL.replace("256", "4").replace("128", "2")
    sums = np.empty(1)
    emulate(small, "total", 1, 4, (np.ones(4), sums, 4))
    emulate(TOTAL, "total", 1, 256, (np.ones(256), sums, 256))
    assert sums[0] == 256


MISTAKES = {
    "left": ("if (threadIdx.x < 3) __syncthreads();", "some threads left"),
    "different barriers": (
        "if (threadIdx.x < 3) __syncthreads();\n else __syncthreads();",
        "different barriers",
    ),
    "nowhere": ("*reinterpret_cast<float*>(8) = 1.0f;", "thread .* reached memory at 0x8"),
    "a shared array": (
        "__shared__ float p[4]; p[threadIdx.x + 1] = 1.0f; x[0] = p[0];",
        "outside an array",
    ),
    "alignment": ("*reinterpret_cast<double*>((char*)x + 4) = 1.0;", "not aligned"),
    "zero": ("x[1] = (int)x[1] / (int)x[0];", "divided an integer by zero"),
}


@pytest.mark.parametrize(("body", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_said(body, words):
    x = np.zeros(4, "f4")
    with pytest.raises(KernelMisuse, match=words):
        run_one(body, x, threads=4)
    run_one("x[threadIdx.x] = 2.0f;", x, threads=4)  # and the next launch runs
    assert (x == 2.0).all()


@pytest.mark.parametrize("by", [1, -1, 1000, -1000])
def test_a_write_outside_names_the_argument(by):
    x, y = np.arange(8, dtype="f4"), np.zeros(2048, "f4")
    with pytest.raises(KernelMisuse, match="argument 1"):
        emulate(SHIFT, "shift", 1, 8, (x, y[1020:1028], by), guard=True)
    assert not y.any()
    emulate(SHIFT, "shift", 1, 8, (x, y[1020:1028], 0), guard=True)
    np.testing.assert_array_equal(y[1020:1028], x)


def test_a_write_between_the_elements_of_a_view_is_found():
    y = np.zeros(16, "f4")
    with pytest.raises(KernelMisuse, match="argument 1: a write between its elements"):
        emulate(SHIFT, "shift", 1, 8, (np.arange(8, dtype="f4"), y[::2], 0), guard=True)


def test_arguments_that_share_memory_share_it_under_guard_too():
    x = np.arange(8, dtype="f4")
    emulate(SHIFT, "shift", 1, 4, (x[:4], x[2:], 0), guard=True)
    np.testing.assert_array_equal(x, [0, 1, 0, 1, 0, 1, 6, 7])


TABLE = """
struct Table { float* arrays[8]; long long sizes[8]; };
extern "C" __global__ void scale(Table table, float by) {
    float* x = table.arrays[blockIdx.x];
    for (long long i = threadIdx.x; i < table.sizes[blockIdx.x]; i += blockDim.x) x[i] *= by;
}
"""
TABLE_DTYPE = [("arrays", "u8", 8), ("sizes", "i8", 8)]


def table_of(arrays) -> np.ndarray:
    table = np.zeros((), TABLE_DTYPE)
    table["arrays"] = [x.ctypes.data for x in arrays]
    table["sizes"] = [x.size for x in arrays]
    return table


def test_a_structure_is_handed_over_by_value():
    arrays = [np.full(10 + n, n, "f4") for n in range(8)]
    for table in (table_of(arrays), table_of(arrays)[()]):  # an array of one element, a void
        emulate(TABLE, "scale", 8, 32, (table, np.float32(2)))
    for n, x in enumerate(arrays):
        np.testing.assert_array_equal(x, np.full(10 + n, 4.0 * n))


def test_what_tables_point_to_is_watched_in_careful_memory():
    with careful_memory():
        arrays = [np.ones(1000 + 4 * n, "f4") for n in range(8)]
        table = table_of(arrays)
        emulate(TABLE, "scale", 8, 32, (table, np.float32(2)))
        assert all((x == 2.0).all() for x in arrays)
        table["sizes"][3] += 1
        with pytest.raises(KernelMisuse, match="0 bytes behind an array of 4048 bytes"):
            emulate(TABLE, "scale", 8, 32, (table, np.float32(2)))
        table["sizes"][3] -= 1
        del arrays[5]
        with pytest.raises(KernelMisuse, match="byte 0 of an array of 4080 bytes that was freed"):
            emulate(TABLE, "scale", 8, 32, (table, np.float32(2)))


def test_a_write_just_behind_an_array_is_said_at_the_end():
    def write_behind():
        with careful_memory():
            run_one("x[5] = 1.0f;", np.ones(5, "f4"))

    with pytest.raises(KernelMisuse, match="right behind 1 of the arrays"):
        write_behind()


def test_memory_is_numpy_s_own_again_behind_the_block():
    def all_end_at_a_page():
        return not any(
            (x.ctypes.data + x.nbytes) % 4096 for x in [np.ones(2 * n) for n in range(1, 9)]
        )

    with careful_memory():
        assert all_end_at_a_page()
    assert not all_end_at_a_page()


def test_the_parameter_space_has_an_end():
    code = 'struct Big { char bytes[%d]; }; extern "C" __global__ void k(Big big, char* out)'
    body = "{ out[0] = big.bytes[sizeof(Big) - 1]; }"
    out = np.zeros(1, "i1")
    size = 32_764 - 8 - 4  # the pointer is aligned to 8 bytes
    big = np.zeros((), f"V{size}")
    big[()] = b"\7" * size
    emulate(code % size + body, "k", 1, 1, (big, out))
    assert out[0] == 7
    with pytest.raises(LaunchRefused, match="32768 bytes required, max 32764"):
        cuda.load(code % (size + 4) + body)


LAUNCHES = {
    "no block": ((0, 32), "impossible"),
    "threads": ((1, 1025), "impossible"),
    "blocks": ((2**31, 32), "impossible"),
    "second axis": (((1, 65_536), 32), "impossible"),
    "bounds": ((1, 512), "__launch_bounds__ says 256"),
}


@pytest.mark.parametrize(("sizes", "words"), LAUNCHES.values(), ids=LAUNCHES)
def test_impossible_launches_are_refused(sizes, words):
    with pytest.raises(LaunchRefused, match=words):
        emulate(TOTAL, "total", *sizes, (np.ones(1), np.ones(1), 1))


WRONG = {
    "too few": lambda x: (x, x),
    "another dtype": lambda x: (x.astype("f4"), x, 1),
    "another kind": lambda x: (x.astype("i8"), x, 1),
    "32 bits for 64": lambda x: (x, x, np.int32(1)),
    "a float for an integer": lambda x: (x, 1.0, 1),
    "an array for a number": lambda x: (x, x, x),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_arguments_that_do_not_fit_are_said(arguments):
    with pytest.raises(KernelMisuse, match="argument"):
        emulate(TOTAL, "total", 1, 256, arguments(np.ones(8)))


def test_scalars_of_each_kind_arrive():
    parameters = "double* out, bool a, signed char b, short c, int d, long long e, float f"
    out = np.zeros(7)
    values = [True, np.int8(-2), np.int16(-3), np.int32(-4), -5, np.float32(0.5), 1.5]
    run_one(
        "out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = f; out[6] = g;",
        *(out, *values),
        parameters=parameters + ", double g",
    )
    np.testing.assert_array_equal(out, [1, -2, -3, -4, -5, 0.5, 1.5])


def test_a_text_that_is_wrong_is_refused_with_its_line():
    with pytest.raises(CompileError, match=r"kernel.cu:2.*\n?.*sqqrt"):
        run_one("\n x[0] = sqqrt(2.0f);", np.zeros(1, "f4"))


def test_operations_round_one_by_one():
    """No contraction: as with --fmad=false, and as NumPy."""
    a, b, c = np.random.default_rng(0).standard_normal((3, 1000)).astype("f4")
    out = np.empty_like(a)
    run_one(
        "int i = threadIdx.x; out[i] = a[i] * b[i] + c[i];",
        *(a, b, c, out),
        threads=1000,
        parameters="const float* a, const float* b, const float* c, float* out",
    )
    np.testing.assert_array_equal(out, a * b + c)


def test_mathematics_of_both_widths():
    x = np.linspace(0.1, 0.9, 50)
    body = """int i = threadIdx.x; T v = x[i];
        y[i] = sin(v) + exp(v) * erf(v) - lgamma(v) + rint(v) + copysign(v, T(-1)) + rsqrt(v)
             + max(v, T(0.5)) + pow(v, 3) + (isnan(v) || isinf(v)) + fma(v, v, v) + tanh(v);"""
    from math import erf, lgamma

    for name, dtype in (("float", "f4"), ("double", "f8")):
        given = x.astype(dtype)
        found = np.empty_like(given)
        text = body.replace("T ", f"{name} ").replace("T(", f"{name}(")
        run_one(text, given, found, threads=50, parameters=f"const {name}* x, {name}* y")
        v = given.astype(float)
        gammas = np.array([erf(t) for t in v]), np.array([lgamma(t) for t in v])
        expected = np.sin(v) + np.exp(v) * gammas[0] - gammas[1] + np.rint(v) - v + v**-0.5
        expected += np.maximum(v, 0.5) + v**3 + v * v + v + np.tanh(v)
        assert_close(found, expected.astype(dtype))
