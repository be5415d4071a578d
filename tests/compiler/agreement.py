"""Whether a compiled function gives what the function itself gives, bit for bit."""

import warnings

import numpy as np

import anygrad as ag
from anygrad.compiler import paths
from anygrad.compiler.surroundings import Surroundings
from anygrad.compiler.targets.plain import print_plain

EXACT = (bool, int, str, bytes, type(None))


def outcome(f, *args):
    """The result, or the error, and the kinds of warnings."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        try:
            result, error = f(*args), None
        except Exception as raised:
            result, error = None, raised
    return result, error, {w.category for w in caught}


def assert_same(got, want, where="", zeros=True):
    """The same tree, types, dtypes, shapes and bits; nan is nan, and ``zeros`` have their signs."""
    found, found_tree = ag.trees.flatten(got)
    expected, tree = ag.trees.flatten(want)
    assert found_tree == tree, where
    for a, b in zip(found, expected, strict=True):
        assert type(a) is type(b), f"{where}: {type(a)} instead of {type(b)}"
        if isinstance(a, np.ndarray | np.generic):
            assert a.dtype == b.dtype, f"{where}: {a.dtype} instead of {b.dtype}"
            assert a.shape == b.shape, f"{where}: {a.shape} instead of {b.shape}"
            np.testing.assert_array_equal(a, b, err_msg=where)
            if zeros and a.dtype.kind in "fc":
                for part in (np.real, np.imag):
                    x, y = part(a), part(b)
                    signs = np.signbit(x) == np.signbit(y)
                    assert np.all(signs | np.isnan(x)), f"{where}: signs of zero"
        elif isinstance(a, float | complex):
            assert repr(a) == repr(b), where
        elif isinstance(a, EXACT):
            assert a == b, where


def assert_agrees(f, *calls, compiled=None, zeros=True):
    """Call the compiled function with each tuple of arguments in turn, and compare.

    Without ``zeros``, their signs may differ: in an eager gradient what belongs to a part of an
    array is added to zeros, and 0.0 + -0.0 is 0.0; a recorded one puts it there.

    Returns the compiled function. What raises must raise the same kind of error.
    """
    compiled = ag.compile(f) if compiled is None else compiled
    for n, args in enumerate(calls):
        want, error, warned = outcome(f, *args)
        got, failed, warned_too = outcome(compiled, *args)
        where = f"call {n}"
        if error is not None or failed is not None:
            if type(failed) is not type(error):
                raise failed or AssertionError(f"{where}: nothing raised instead of {error!r}")
            continue
        assert_same(got, want, where, zeros)
        ours = {ag.errors.RetraceWarning, ag.errors.UnusedInputWarning}  # given once
        # what no result needs is not computed, and warns of nothing
        assert warned_too - ours <= warned, f"{where}: warned of {warned_too}"
    return compiled


def use_plain_target(monkeypatch):
    """Print programs for the reference target, and watch nothing around functions.

    Both are quick to make; other targets, and what surrounds a function, have tests of their own.
    """
    monkeypatch.setattr(paths, "print_program", print_plain)
    monkeypatch.setattr(paths, "Surroundings", lambda *_, **__: Surroundings(_nothing))


def _nothing():
    """A function that reads nothing."""


def paths_of(compiled):
    """How many ways are kept, for each kind of arguments."""
    return [len(kind.paths) for kind in compiled._kinds.values()]
