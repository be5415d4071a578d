"""Modules that are kept in a folder of machine code, and what is found there."""

import ctypes
import os
import types

import pytest

from anygrad.compiler.targets.native import folders
from anygrad.compiler.targets.native.storage import code_for, statistics

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no owners and modes")


def text_of(n):
    return f"define i64 @kernel() {{\n  ret i64 {n}\n}}\n"


def run(code, name="kernel"):
    return ctypes.CFUNCTYPE(ctypes.c_int64)(code.addresses[name])()


def point_to(monkeypatch, path):
    values = types.SimpleNamespace(kernel_cache=str(path))
    monkeypatch.setattr(folders, "settings", lambda: values)
    monkeypatch.setattr(folders, "origins", lambda: {"kernel_cache": "configure"})


def counts():
    return {name: n for name, n in statistics()._asdict().items() if n}


def only_file(kernels):
    (found,) = kernels.iterdir()
    return found


def refused_and_replaced(kernels):
    """That the file of ``text_of(1)`` is not trusted, and replaced by one that is."""
    assert code_for(text_of(1), wait=False) is None
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 2, "refused": 2}
    assert run(code_for(text_of(1), wait=False)) == 1
    assert counts() == {"made": 2, "refused": 2, "loaded": 1}
    assert not only_file(kernels).is_symlink()
