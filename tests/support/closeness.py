"""Comparison of trees of arrays from any library: one tolerance, chosen by dtype and size."""

import dataclasses
import sys

import numpy as np

from tests.support.host_copies import allow_host_copies


def tolerance(dtype, size: int = 1, condition: float = 1.0) -> float:
    """Relative error allowed for ``size`` numbers of ``dtype`` computed in another order.

    64 units in the last place, times the square root of the number of terms that a sum over the
    array would add up (rounding errors of a sum grow like that), times the condition: how much the
    computation enlarges an error of rounding.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return 0.0
    return condition * 64 * float(np.finfo(dtype).eps) * max(1, size) ** 0.5


def to_host(x) -> np.ndarray:
    """Copy of an array of any library as a NumPy array; numbers become 0-d arrays."""
    library = type(x).__module__.partition(".")[0]
    with allow_host_copies():
        if library == "array_api_strict":
            from tests.support.strict_device import read

            return read(x)
        if library in ("cupy", "tests"):  # the look-alike lives in the tests
            return x.get()
        if library == "torch":
            return x.detach().resolve_conj().cpu().numpy()
        return np.array(x)


def assert_close(actual, expected, dtype=None, scale: float = 1.0) -> None:
    """Assert that two trees of arrays agree in structure, shape, dtype and values.

    Parameters
    ----------
    actual, expected : trees of arrays
        From any library. ``expected`` may hold plain numbers, and a list of numbers where
        ``actual`` has an array; then the dtype is not compared.
    dtype : dtype, optional
        The dtype every leaf of ``actual`` must have, and which sets the tolerance;
        without it that of ``expected``, where it is an array.
    scale : float
        Factor on the tolerance, for problems that lose digits; say why in a comment.
    """
    _compare("value", actual, expected, dtype, scale)


def _compare(path, actual, expected, dtype, scale):
    if is_array(actual) and isinstance(expected, (list, tuple)):
        expected = np.asarray(expected)
        if dtype is None:
            dtype = to_host(actual).dtype
    children = _children(expected)
    if children is None:
        _compare_leaf(path, actual, expected, dtype, scale)
        return
    got = _children(actual)
    assert got is not None, f"{path}: got a leaf of {type(actual)}; expected {type(expected)}"
    assert type(actual) is type(expected), f"{path}: got {type(actual)}, not {type(expected)}"
    assert list(got) == list(children), f"{path}: got keys {list(got)}; expected {list(children)}"
    for key, child in children.items():
        _compare(f"{path}[{key!r}]", got[key], child, dtype, scale)


def _children(tree) -> dict | None:
    """Child nodes by key; None for a leaf."""
    if tree is None:
        return {}
    if isinstance(tree, dict):
        return {key: tree[key] for key in sorted(tree, key=repr)}
    if isinstance(tree, (list, tuple)):
        return dict(enumerate(tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        static = {f.name for f in dataclasses.fields(tree) if f.metadata.get("static")}
        names = [f.name for f in dataclasses.fields(tree) if f.name not in static]
        return {name: getattr(tree, name) for name in names}
    return None


def is_array(x) -> bool:
    """Whether ``x`` is an array of some library, not a number or a NumPy scalar."""
    return hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, np.generic)


def _compare_leaf(path, actual, expected, dtype, scale):
    got, want = to_host(actual), to_host(expected)
    assert got.shape == want.shape, f"{path}: shape {got.shape}, expected {want.shape}"
    if dtype is None and is_array(expected):
        dtype = want.dtype
    dtype = None if dtype is None else np.dtype(_dtype_name(dtype))
    if dtype is not None:
        assert got.dtype == dtype, f"{path}: dtype {got.dtype}, expected {dtype}"
    if got.dtype.kind not in "fc" and want.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want, err_msg=path)
        return
    kind = got.dtype if got.dtype.kind in "fc" else want.dtype
    allowed = tolerance(kind, want.size, condition=scale)
    finite = np.abs(want[np.isfinite(want)])
    magnitude = float(finite.max(initial=0.0)) or 1.0
    np.testing.assert_allclose(
        got, want, rtol=allowed, atol=allowed * min(magnitude, sys.float_info.max), err_msg=path
    )


def _dtype_name(dtype) -> str:
    """'float32' of any library's dtype."""
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2].strip("'>")
