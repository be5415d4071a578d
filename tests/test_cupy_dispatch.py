"""How the real CuPy turns to objects such as the library's traced arrays, without a GPU."""

import numpy as np
import pytest

import anygrad as ag
from tests.support.foreign import DISPATCH, REFUSED, Foreign
from tests.support.header_arrays import header_array, reason_no_headers

MISSING = reason_no_headers()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture
def cp():
    import cupy

    return cupy


@pytest.mark.parametrize(("call", "answer"), DISPATCH.values(), ids=DISPATCH)
def test_proxies_are_asked_by_the_real_cupy(cp, call, answer):
    assert call(cp, header_array((3,)), header_array((3,), "?"), Foreign()) == answer


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_the_real_cupy_refuses_is_a_type_error(cp, refused):
    with pytest.raises(TypeError):
        refused(cp, header_array((3,)), Foreign())


def test_header_arrays_are_cupy_arrays_that_nobody_can_read(cp):
    import array_api_compat

    x = header_array((2, 3), "float32")
    assert isinstance(x, cp.ndarray)
    assert (x.T.shape, x[0].shape, x.dtype) == ((3, 2), (3,), np.float32)
    assert array_api_compat.array_namespace(x).__name__ == "array_api_compat.cupy"
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)


def test_the_library_knows_cupy_arrays(cp):
    from anygrad.backends import backend_of, namespace_of

    x = header_array((3,))
    assert backend_of(x).name == "cupy"
    assert namespace_of(x, 2.0).__name__ == "array_api_compat.cupy"
    with pytest.raises(ag.errors.MixedBackendError, match=r"cupy.*numpy|numpy.*cupy"):
        namespace_of(x, np.ones(3))


def hooks_asked(monkeypatch, call):
    """Which of its hooks a traced CuPy array is asked for by ``call(cupy, traced)``."""
    asked = []

    def watch(name, kind):
        original = getattr(kind, name)

        def watching(self, first, *args, **keywords):
            label = getattr(first, "name", getattr(first, "__name__", ""))
            asked.append((name.strip("_"), label))
            return original(self, first, *args, **keywords)

        monkeypatch.setattr(kind, name, watching)

    def f(t):
        for name in ("__cupy_override_elementwise_kernel__", "__array_ufunc__"):
            watch(name, t.__class__)
        return call(t)

    # the hook computes the value on CuPy, where there is no driver (or no such memory)
    with pytest.raises(Exception, match=r"cudaError|CUDA|driver"):
        ag.vjp(f, header_array((3,)))
    return asked


def test_traced_arrays_are_asked_by_the_real_cupy(cp, monkeypatch):
    if cp.cuda.is_available():
        pytest.skip("kernels would read memory that does not exist")
    asked = hooks_asked(monkeypatch, lambda t: cp.sin(t))
    assert asked[:1] == [("cupy_override_elementwise_kernel", "cupy_sin")]
    asked = hooks_asked(monkeypatch, lambda t: header_array((3,)) * t)
    assert ("array_ufunc", "multiply") in asked


@pytest.mark.parametrize("member", ["__cuda_array_interface__", "__cupy_get_ndarray__"])
def test_traced_arrays_offer_no_memory_that_cupy_would_read(cp, member):
    def f(t):
        assert not hasattr(type(t), member)
        return np.sum(t)

    ag.vjp(f, np.ones(3))


TWINS = (
    *("array", "asarray", "ascontiguousarray", "zeros", "ones", "empty", "full", "eye", "arange"),
    *("zeros_like", "full_like", "copy", "vectorize", "matmul", "dot", "einsum", "tensordot"),
    *("concatenate", "stack", "hstack", "expand_dims", "broadcast_to", "cumsum", "copyto", "sort"),
    *("linalg.solve", "linalg.inv", "linalg.norm", "linalg.cholesky", "linalg.eigh", "linalg.svd"),
    *("fft.fft", "fft.rfft", "fft.fftshift"),
)


@pytest.mark.parametrize("name", TWINS)
def test_functions_of_the_real_cupy_that_ask_nobody_have_a_twin(cp, name):
    from anygrad.tracing.rebinding.twins import twin

    owner, _, last = name.rpartition(".")
    function = getattr(getattr(cp, owner) if owner else cp, last)
    assert twin(function, globals(), called=True) is not function


def test_kernels_of_the_real_cupy_are_left_to_ask(cp):
    from anygrad.tracing.rebinding.twins import twin

    for kernel in (cp.sin, cp.add, cp.exp, cp.maximum):
        assert twin(kernel, globals(), called=True) is kernel
