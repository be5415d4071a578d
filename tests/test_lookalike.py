"""The look-alike of CuPy has CuPy's manners; every one of these was seen on the real package."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import (
    HiddenHostCopy,
    allow_host_copies,
    assert_close,
    forbid_host_copies,
    to_host,
)
from tests.support.foreign import DISPATCH, REFUSED, Foreign

MODEL = Path(__file__).parent / "support" / "lookalike_cupy"


@pytest.fixture
def cp(lookalike):
    return lookalike


def test_the_real_compatibility_layer_runs_on_it(cp):
    import array_api_compat

    x = cp.asarray(np.linspace(-1.0, 1.0, 5))
    xp = array_api_compat.array_namespace(x)
    assert xp.__name__ == "array_api_compat.cupy"
    assert isinstance(xp.sum(xp.exp(x) * x), cp.ndarray)
    assert_close(xp.linalg.vector_norm(x), np.linalg.norm(np.linspace(-1.0, 1.0, 5)))
    assert xp.__array_namespace_info__().devices()
    assert array_api_compat.device(x) == cp.cuda.Device(0)


def test_reductions_and_items_stay_on_the_device(cp):
    x = cp.asarray([1.0, 2.0])
    for value in (x.sum(), x[0], cp.sum(x), cp.allclose(x, x), cp.count_nonzero(x), x @ x):
        assert isinstance(value, cp.ndarray)
        assert value.shape == ()


READS = {
    "float": lambda cp, x: float(x[0]),
    "if": lambda cp, x: 1 if cp.sum(x) > 1 else 0,
    "max": lambda cp, x: max(1.0, cp.sum(x)),
    "item": lambda cp, x: x[0].item(),
    "tolist": lambda cp, x: x.tolist(),
    "get": lambda cp, x: x.get(),
    "asnumpy": lambda cp, x: cp.asnumpy(x),
    "repr": lambda cp, x: repr(x),
    "mask": lambda cp, x: x[x > 0],
    "nonzero": lambda cp, x: cp.nonzero(x),
    "nonzero method": lambda cp, x: x.nonzero(),
    "where of one": lambda cp, x: cp.where(x > 0),
    "unique": lambda cp, x: cp.unique(x),
    "0-d mask": lambda cp, x: x[x[0] > 0],
    "mask = array": lambda cp, x: x.__setitem__(x > 0, cp.ones(2)),
    "bincount": lambda cp, x: cp.bincount(cp.asarray([0, 1])),
    "weighted average": lambda cp, x: cp.average(x, weights=x),
    "repeat by counts": lambda cp, x: cp.repeat(x, cp.asarray([1, 2])),
}
SILENT = {
    "where": lambda cp, x: cp.where(x > 1, x, 0.0),
    "mask = number": lambda cp, x: x.__setitem__(x > 1, 0.0),
    "isfinite": lambda cp, x: cp.isfinite(x).all(),
    "average": lambda cp, x: cp.average(x),
    "item of an array": lambda cp, x: x[cp.asarray(1)],
    "iteration": lambda cp, x: [row * 2.0 for row in x],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_waits_for_the_device_is_refused(cp, read):
    x = cp.asarray([1.0, 2.0])
    with pytest.raises(HiddenHostCopy):
        read(cp, x)
    with allow_host_copies():
        read(cp, x)


@pytest.mark.parametrize("call", SILENT.values(), ids=SILENT)
def test_what_does_not_wait_passes(cp, call):
    x = cp.asarray([1.0, 2.0])
    with forbid_host_copies():
        call(cp, x)


def test_indices_beyond_the_end_wrap_around(cp):
    """No kernel raises; cupy's page on differences from NumPy says so."""
    x = cp.asarray([1.0, 2.0, 3.0])
    far = cp.asarray([3, -4, 7])
    assert_close(x[far], np.asarray([1.0, 3.0, 2.0]))
    assert_close(cp.take(x, far), np.asarray([1.0, 3.0, 2.0]))
    assert_close(cp.take_along_axis(x, far, 0), np.asarray([1.0, 3.0, 2.0]))
    square = cp.asarray(np.arange(6.0).reshape(2, 3))
    assert_close(square[..., cp.asarray([4])], np.asarray([[1.0], [4.0]]))
    assert_close(square[None, cp.asarray([2])], np.arange(3.0).reshape(1, 1, 3))
    x[cp.asarray([5])] = 9.0
    assert_close(x, np.asarray([1.0, 2.0, 9.0]))
    with pytest.raises(IndexError):
        x[5]


def test_of_values_for_one_element_not_the_last_one_stays(cp):
    x = cp.zeros((2, 3))
    x[0, cp.asarray([1, 1, 2])] = cp.asarray([1.0, 2.0, 3.0])
    assert_close(x[0], np.asarray([0.0, 1.0, 3.0]))
    x.T[cp.asarray([0, 0]), 1] = cp.asarray([4.0, 5.0])
    assert_close(x[1], np.asarray([4.0, 0.0, 0.0]))


def test_failed_factorisations_are_not_noticed(cp):
    bad = cp.asarray([[1.0, 2.0], [2.0, 1.0]])
    assert np.isnan(to_host(cp.linalg.cholesky(bad))).all()
    assert np.isnan(to_host(cp.linalg.inv(cp.zeros((2, 2))))).all()
    assert cp.linalg.solve(cp.zeros((2, 2)), cp.ones(2)).shape == (2,)


REFUSALS = {
    **{name: lambda cp, x, call=call: call(cp, x, Foreign()) for name, call in REFUSED.items()},
    "numpy array": lambda cp, x: x + np.ones(2),
    "numpy array on the left": lambda cp, x: np.ones(2) + x,
    "numpy array in a function": lambda cp, x: cp.concatenate([x, np.ones(2)]),
    "list": lambda cp, x: cp.add(x, [1.0, 2.0]),
    "where=": lambda cp, x: cp.exp(x, where=x > 0),
    "cupy.asarray(traced)": lambda cp, x: cp.asarray(Foreign()),
    "cupy.concatenate(traced)": lambda cp, x: cp.concatenate([x, Foreign()]),
}


@pytest.mark.parametrize("refused", REFUSALS.values(), ids=REFUSALS)
def test_what_cupy_refuses_is_a_type_error(cp, refused):
    with pytest.raises(TypeError):
        refused(cp, cp.asarray([1.0, 2.0]))


@pytest.mark.parametrize("name", ["errstate", "spacing", "unstack", "vecdot", "block"])
def test_names_that_cupy_lacks_are_missing(cp, name):
    assert not hasattr(cp, name)


@pytest.mark.parametrize("name", ["__array_namespace__", "to_device", "__index__", "argwhere"])
def test_members_that_its_arrays_lack_are_missing(cp, name):
    assert not hasattr(cp.ones(1), name)


def test_its_arrays_have_no_member_that_the_real_ones_lack(cp):
    own = {name for name in dir(cp.ndarray) if name not in dir(object)}
    own -= {"__dict__", "__module__", "__weakref__", "__firstlineno__", "__static_attributes__"}
    recorded = json.loads((MODEL / "names.json").read_text())["ndarray"]
    assert own <= set(recorded), sorted(own - set(recorded))


def test_kernels_run_on_the_current_device_only(cp):
    with cp.cuda.Device(1):
        there = cp.asarray([1.0, 2.0])
    for launch in (
        lambda: there + 1.0,
        lambda: there.sum(),
        lambda: there[np.asarray([0])],
        lambda: there.__setitem__(0, 5.0),
        lambda: there.__iadd__(1.0),
        lambda: cp.exp(there),
    ):
        with pytest.raises(ValueError, match="Array device must be same"):
            launch()
    assert there[0].device.id == there.T.device.id == there.reshape(2, 1).device.id == 1
    assert_close(there, np.asarray([1.0, 2.0]))


def test_devices_do_not_mix(cp):
    assert cp.cuda.runtime.getDeviceCount() == 2
    here = cp.ones(2)
    with cp.cuda.Device(1):
        there = cp.ones(2)
        assert there.device.id == 1
        with pytest.raises(ValueError, match="Array device must be same"):
            there + here
        assert cp.asarray(here).device.id == 1
    with pytest.raises(ValueError, match="Array device must be same"):
        here + there
    with pytest.raises(RuntimeError, match="invalid device"), cp.cuda.Device(7):
        pass


@pytest.mark.parametrize(("call", "answer"), DISPATCH.values(), ids=DISPATCH)
def test_foreign_objects_are_asked_as_cupy_asks_them(cp, call, answer):
    """The same table as in test_cupy_dispatch.py, where the real package answers."""
    assert call(cp, cp.ones(3), cp.ones(3, dtype=bool), Foreign()) == answer


def test_numpy_functions_reach_cupy_by_the_protocols(cp):
    x = cp.asarray([0.5, 1.0])
    assert isinstance(np.sin(x), cp.ndarray)
    assert isinstance(np.concatenate([x, x]), cp.ndarray)
    assert isinstance(np.linalg.norm(x), cp.ndarray)
    assert isinstance(np.float64(2.0) * x, cp.ndarray)


def test_views_share_memory_and_in_place_changes_show(cp):
    x = cp.zeros((2, 3))
    x[0][1] = 5.0
    x.T[2, 1] = 7.0
    cp.add(x, 1.0, out=x)
    x *= 2.0
    assert_close(x, np.asarray([[2.0, 12.0, 2.0], [2.0, 2.0, 16.0]]))


def test_unwritten_memory_is_not_zero(cp):
    assert np.isnan(to_host(cp.empty(3))).all()


def test_no_floating_point_warnings_come_from_the_device(cp):
    assert np.isinf(to_host(cp.ones(1) / 0.0)).all()


def test_copying_brings_an_array_to_the_current_device(cp):
    with cp.cuda.Device(1):
        there = cp.ones(2)
    assert there.copy().device.id == 0


def test_record_fits_the_real_package_where_it_is_installed():
    """The committed names are those of the CuPy that is installed, when it is that version."""
    pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    version = json.loads((MODEL / "names.json").read_text())["version"]
    script = inspect.cleandoc(
        f"""
        import sys, cupy
        sys.exit(3) if cupy.__version__ != {version!r} else None
        from tests.support import record_cupy_names as record
        sys.exit(record.to_text(record.record_all()) != record.TARGET.read_text())
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=MODEL.parents[2], check=False
    )
    if done.returncode == 3:
        pytest.skip("another version of CuPy is installed")
    assert done.returncode == 0


# These say so in their documentation, but only of arguments or modes that the library never gives:
# arrays as bins or as fill values, masks for axes, mode="raise".
SELDOM = {"count_nonzero", "digitize", "histogram", "interp", "ix_", "where"}


def test_what_the_real_package_says_of_waiting_is_known():
    pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    script = inspect.cleandoc(
        f"""
        import cupy
        from tests.support.lookalike_cupy import functions
        known = functions._WAITING | set(functions._WAITING_FOR) | {SELDOM!r}
        found = [n for n in dir(cupy) if "synchroni" in (getattr(cupy, n).__doc__ or "").lower()
                 and callable(getattr(cupy, n)) and not isinstance(getattr(cupy, n), type)]
        assert len(found) > 15
        print(*(name for name in found if name not in known))
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=MODEL.parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr
