"""The look-alike of CuPy launches kernels, keeps streams and devices apart, and counts."""

import threading

import numpy as np
import pytest

from tests.support import HiddenHostCopy, allow_host_copies, assert_close, cuda, to_host
from tests.support.cuda import KernelMisuse

pytestmark = pytest.mark.skipif(
    cuda.reason_no_compiler() is not None, reason=str(cuda.reason_no_compiler())
)
SCALE = """
extern "C" __global__ void scale(const float* x, float* y, float by, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = by * x[i];
}
extern "C" __global__ void fill(float* y) { y[threadIdx.x] = 7.0f; }
template <typename T> __global__ void add(T* x, T amount) { x[threadIdx.x] += amount; }
"""


@pytest.fixture
def cp(lookalike):
    return lookalike


@pytest.fixture
def kernels(cp):
    from tests.support.lookalike_cupy import kernels

    return kernels


@pytest.fixture
def counting(cp):
    from tests.support.lookalike_cupy.counting import counting

    return counting


@pytest.fixture
def scale(cp):
    return cp.RawKernel(SCALE, "scale", ("--fmad=false",))


def arrays(cp, n=100):
    x = cp.asarray(np.arange(n, dtype="f4"))
    return x, cp.empty_like(x)


def launch(kernel, x, y, **keywords):
    kernel((-(-x.size // 32),), (32,), (x, y, np.float32(2), np.int32(x.size)), **keywords)


def test_a_kernel_runs_on_the_arrays_memory(cp, scale):
    x, y = arrays(cp)
    launch(scale, x, y)
    assert_close(y, 2.0 * np.arange(100, dtype="f4"))
    launch(scale, x[10:30], y[50:])  # views are their first element's address
    assert_close(y[50:70], 2.0 * np.arange(10, 30, dtype="f4"))


def test_a_module_has_several_kernels_and_instances_of_templates(cp):
    module = cp.RawModule(code=SCALE, name_expressions=("add<float>", "add<double>"))
    x, y = cp.zeros(4, "f4"), cp.zeros(4)
    module.get_function("fill")((1,), (4,), (x,))
    module.get_function("add<float>")((1,), (4,), (x, np.float32(1)))
    module.get_function("add<double>")((1,), (4,), (y, 2.0))
    assert_close(x, np.full(4, 8, "f4"))
    assert_close(y, np.full(4, 2.0))


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_halves_are_handed_over_as_bits(cp, name):
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    half = "unsigned short"
    text = f'extern "C" __global__ void copy(const {half}* x, {half}* y) {{ *y = *x; }}'
    x, y = cp.asarray(np.ones(1, name)), cp.empty(1, name)
    cp.RawKernel(text, "copy")((1,), (1,), (x, y))
    assert y.dtype == np.dtype(name)
    np.testing.assert_array_equal(to_host(y), to_host(x))


REFUSED = {
    "a list": ([1.0, 2.0], "Unsupported type"),
    "text": ("x", "Unsupported type"),
    "an array of NumPy": (np.ones(3, "f4"), "you need to pass a cupy.ndarray"),
}


@pytest.mark.parametrize(("argument", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cupy_hands_to_no_kernel_is_a_type_error(cp, scale, argument, words):
    x, _ = arrays(cp)
    with pytest.raises(TypeError, match=words):
        scale((1,), (32,), (x, argument, np.float32(2), np.int32(1)))


def test_sizes_are_tuples_and_nothing_is_one(cp, scale):
    x, y = arrays(cp)
    for sizes in ((4, (32,)), ((4,), [32])):
        with pytest.raises(TypeError, match="expected tuple"):
            scale(*sizes, (x, y, np.float32(2), np.int32(1)))
    cp.RawKernel(SCALE, "fill")((0,), (0,), (y,))  # CuPy makes one block of one thread of it
    assert_close(y[:1], np.full(1, 7, "f4"))
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="INVALID_VALUE"):
        scale((1,), (2000,), (x, y, np.float32(2), np.int32(1)))


def test_a_text_that_is_wrong_shows_at_the_first_call(cp):
    wrong = cp.RawKernel(SCALE.replace("by *", "bye *"), "scale")
    x, y = arrays(cp)
    with pytest.raises(cp.cuda.compiler.CompileException, match="bye"):
        launch(wrong, x, y)
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="NOT_FOUND"):
        cp.RawKernel(SCALE, "scales").compile()
    with pytest.raises(TypeError, match="options"):
        cp.RawKernel(SCALE, "scale", ["--fmad=false"])


def test_arrays_of_another_device_are_found_out(cp, scale):
    x, y = arrays(cp)
    with cp.cuda.Device(1), pytest.raises(KernelMisuse, match="an array of device 0"):
        launch(scale, x, y)
    with cp.cuda.Device(1):
        there = arrays(cp)
        launch(scale, *there)
    assert_close(there[1], 2.0 * np.arange(100, dtype="f4"))
    with pytest.raises(KernelMisuse, match="an array of device 1"):
        launch(scale, x, there[1])


def test_launches_are_recorded_with_all_that_was_asked(cp, kernels, scale):
    x, y = arrays(cp)
    with kernels.recording() as found:
        launch(scale, x, y)
        stream = cp.cuda.Stream(non_blocking=True)
        with cp.cuda.Device(1), cp.cuda.Stream() as other:
            launch(scale, *arrays(cp, 40))
        with stream:
            launch(scale, x, y)
    launch(scale, x, y)
    assert found.names == ["scale"] * 3
    assert [(one.device, one.stream.ptr) for one in found] == [
        *((0, 0), (1, other.ptr), (0, stream.ptr)),
    ]
    first, second, _ = found
    assert (first.grid, first.block, first.options) == ((4,), (32,), ("--fmad=false",))
    assert (second.grid, second.code) == ((2,), SCALE)
    assert first.args[0] is x
    assert first.args[3] == 100
    assert "scale" in repr(first)  # and reads nothing


def test_events_stand_among_the_launches(cp, kernels, scale):
    x, y = arrays(cp)
    side, back = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream.null
    with kernels.recording() as found:
        with side:
            launch(scale, x, y)
            event = side.record()
        back.wait_event(event)
        launch(scale, y, x)
    assert [(what, stream.ptr) for what, _, stream, _ in found.events] == [
        *(("launch", side.ptr), ("record", side.ptr), ("wait", 0), ("launch", 0)),
    ]
    assert found.events[1][1] is found.events[2][1] is event


def test_recording_can_leave_the_running_out(cp, kernels, scale):
    x, y = arrays(cp)
    with kernels.recording(run=False) as found:
        launch(scale, x, y)
    assert len(found) == 1
    assert np.isnan(to_host(y)).all()


def test_the_order_of_threads_is_a_choice(cp, kernels):
    last = cp.RawKernel('extern "C" __global__ void k(int* x) { *x = threadIdx.x; }', "k")
    x = cp.zeros(1, "i4")
    for order, expected in (("forward", 31), ("reverse", 0)):
        with kernels.running(order=order):
            last((1,), (32,), (x,))
        assert to_host(x)[0] == expected


def test_a_write_behind_an_array_is_found_under_guard(cp, kernels, scale):
    x, y = arrays(cp)
    with kernels.running(guard=True):
        launch(scale, x, y)
        with pytest.raises(KernelMisuse, match="argument 1: a write"):
            launch(scale, x, y[:99])


def synchronize(cp, x, y, scale):
    cp.cuda.get_current_stream().synchronize()


COUNTED = {
    "launch": (lambda cp, x, y, scale: launch(scale, x, y), {"launch": 1}),
    "ufunc": (lambda cp, x, y, scale: x * y + 1.0, {"ufunc": 2, "allocation": 2}),
    "out": (lambda cp, x, y, scale: cp.multiply(x, y, out=y), {"ufunc": 1}),
    "in place": (lambda cp, x, y, scale: x.__iadd__(1.0), {"ufunc": 1}),
    "reduction": (lambda cp, x, y, scale: x.sum(), {"reduction": 1, "allocation": 1}),
    "ufunc's": (lambda cp, x, y, scale: cp.add.reduce(x), {"reduction": 1, "allocation": 1}),
    "function": (lambda cp, x, y, scale: cp.stack([x, y]), {"function": 1, "allocation": 1}),
    "copy": (lambda cp, x, y, scale: x.copy(), {"copy": 1, "allocation": 1}),
    "view": (lambda cp, x, y, scale: x.reshape(10, 10).T[1:], {}),
    "memory": (lambda cp, x, y, scale: cp.empty(3), {"allocation": 1}),
    "upload": (lambda cp, x, y, scale: cp.asarray(np.ones(3)), {"upload": 1, "allocation": 1}),
    "read": (lambda cp, x, y, scale: float(x[0]), {"read": 1}),
    "get": (lambda cp, x, y, scale: x.get(), {"read": 1}),
    "wait": (synchronize, {"synchronize": 1}),
    "device": (lambda cp, x, y, scale: cp.cuda.Device().synchronize(), {"synchronize": 1}),
    "event": (lambda cp, x, y, scale: cp.cuda.Event().record(), {"record": 1}),
    "gather": (lambda cp, x, y, scale: x[np.asarray([1, 2])], {"index": 1, "allocation": 1}),
    "assignment": (lambda cp, x, y, scale: x.__setitem__(0, 1.0), {"index": 1}),
}


@pytest.mark.parametrize(("call", "expected"), COUNTED.values(), ids=COUNTED)
def test_what_a_step_costs_is_counted(cp, counting, scale, call, expected):
    x, y = arrays(cp)
    scale.compile()
    with counting() as found, allow_host_copies():
        call(cp, x, y, scale)
    assert found == expected
    call_again = dict(found)
    with allow_host_copies():
        call(cp, x, y, scale)
    assert found == call_again  # nothing is counted outside


def test_streams_are_current_for_each_thread_and_device(cp):
    current = cp.cuda.get_current_stream
    one, two = cp.cuda.Stream(), cp.cuda.Stream(non_blocking=True)
    assert len({0, one.ptr, two.ptr}) == 3
    assert current() == cp.cuda.Stream.null == cp.cuda.Stream(null=True)
    elsewhere = []
    with one:
        with two:
            assert current() is two
            with cp.cuda.Device(1):
                assert current().ptr == 0
                with pytest.raises(RuntimeError, match=r"created on \(0\) does not match"):
                    one.use()
            thread = threading.Thread(target=lambda: elsewhere.append(current().ptr))
            thread.start()
            thread.join()
        assert current() is one
    assert elsewhere == [0]
    two.use()
    try:
        with one:
            assert current() is one
        assert current().ptr == 0  # as in CuPy, which rewinds to what with-blocks set
    finally:
        cp.cuda.Stream.null.use()


def test_addresses_and_their_arithmetic(cp):
    x = cp.asarray(np.arange(12.0).reshape(3, 4))
    assert x[1, 2:].data.ptr - x.data.ptr == 6 * 8
    assert x.T[1:].data.ptr - x.data.ptr == 8
    assert x[1:].data.mem.ptr == x.data.mem.ptr == x.data.ptr
    assert x[1:].data.mem.size == x.nbytes
    assert x[1:].strides == (32, 8)
    assert not x[:, 1:].flags.c_contiguous
    assert x[1:].base is not None
    single = x[0, 1]  # a view too
    x[0, 1] = 20.0
    assert_close(single, np.asarray(20.0))
    seen = cp.ndarray((2, 2), "f8", memptr=x.data + 8, strides=(32, 16))
    assert_close(seen, np.asarray([[20.0, 3.0], [5.0, 7.0]]))
    seen[...] = 0.0
    assert_close(x[:2], np.asarray([[0.0, 0.0, 2.0, 0.0], [4.0, 0.0, 6.0, 0.0]]))
    with cp.cuda.Device(1):
        there = cp.ndarray(2, "f4", memptr=cp.cuda.alloc(8))
    assert there.device.id == there.data.device_id == 1
    memory = cp.cuda.UnownedMemory(x.data.ptr, x.nbytes, x)
    assert_close(cp.ndarray(3, memptr=cp.cuda.MemoryPointer(memory, 16)), np.asarray([2.0, 0, 4.0]))


def test_an_address_can_be_an_argument(cp, scale):
    x, y = arrays(cp)
    for address in (y.data, y.data.ptr, np.uint64(y.data.ptr)):
        y[...] = 0.0
        scale((4,), (32,), (x.data, address, np.float32(2), np.int32(100)))
        assert_close(y, 2.0 * np.arange(100, dtype="f4"))


@pytest.mark.parametrize("dtype", ["f2", "f4", "c16", "i4", "u1", "?"])
def test_memory_that_nobody_wrote_is_not_zero(cp, dtype):
    for made in (cp.empty(5, dtype), cp.ndarray((5,), dtype), cp.empty_like(cp.zeros(5, dtype))):
        found = to_host(made)
        assert found.dtype == dtype
        assert np.all(found != 0)


def test_a_launch_reads_nothing_on_the_host(cp, scale):
    x, y = arrays(cp)
    launch(scale, x, y)
    with pytest.raises(HiddenHostCopy):
        float(y[0])
