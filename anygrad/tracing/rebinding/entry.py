"""Where rebinding begins: a function on its way into a transformation, and its arguments."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from anygrad.tracing.rebinding.reach import is_left
from anygrad.tracing.rebinding.trial import is_trusted
from anygrad.tracing.rebinding.twins import function_twin, library_twin


def rebind(f: Any) -> Any:
    """The function with its twins in reach; itself where it is not the user's Python."""
    kind = type(f)
    if not is_trusted():
        return f
    known = library_twin(f)
    if known is not f:
        return known
    if kind is types.FunctionType:
        return f if is_left(f) else function_twin(f)
    if kind is types.MethodType and type(f.__func__) is types.FunctionType:
        made = rebind(f.__func__)
        return f if made is f.__func__ else types.MethodType(made, f.__self__)
    if kind is functools.partial:
        inner = rebind(f.func)
        return f if inner is f.func else functools.partial(inner, *f.args, **f.keywords)
    if isinstance(f, type) or kind in _BUILT_IN:
        return f
    call = getattr(kind, "__call__", None)  # noqa: B004 - the function itself is wanted
    if type(call) is not types.FunctionType or is_left(call):
        return f
    made = function_twin(call)
    return f if made is call else types.MethodType(made, f)


_BUILT_IN = frozenset((types.BuiltinFunctionType, np.ufunc, type(np.sum)))
