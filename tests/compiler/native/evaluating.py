"""Vector functions called on whole arrays, without anything around them."""

import ctypes

import numpy as np

from anygrad.compiler.targets.llvmlite import assemble, load
from anygrad.compiler.targets.native.values import Emitter, Module, Value

_codes = {}


def evaluate(function, *arrays, lanes=16):
    """What a `Function` gives for arrays of one shape and dtype; several results in a tuple."""
    arrays = [np.ascontiguousarray(x) for x in np.broadcast_arrays(*arrays)]
    dtype, shape = arrays[0].dtype.name, arrays[0].shape
    key = (function, dtype, len(arrays), lanes)
    if key not in _codes:
        _codes[key] = _compile(function, dtype, len(arrays), lanes)
    code, results = _codes[key]
    flat = [np.pad(x.ravel(), (0, -x.size % lanes), constant_values=1) for x in arrays]
    made = [np.empty(flat[0].size, name) for name in results]
    table = np.array([x.ctypes.data for x in (*flat, *made)], np.uintp)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(code.addresses["kernel"])
    run(flat[0].size, table.ctypes.data)
    found = tuple([y[: arrays[0].size].reshape(shape) for y in made])
    return found if len(found) > 1 else found[0]


def _compile(function, dtype, count, lanes):
    module = Module(lanes)
    emitter = Emitter(module)
    values = []
    for k in range(count):
        address = emitter.line(f"getelementptr {_element(dtype)}, ptr %p{k}, i64 %i")
        values.append(emitter.emit(dtype, f"load {emitter.type(dtype)}, ptr {address}, align 1"))
    found = function(*[Value(emitter, dtype, x.text) for x in values])
    found = found if isinstance(found, tuple) else (found,)
    for k, y in enumerate(found, count):
        address = emitter.line(f"getelementptr {_element(y.dtype)}, ptr %p{k}, i64 %i")
        emitter.lines.append(f"  store {y.type} {y.text}, ptr {address}, align 1")
    pointers = [
        f"  %q{k} = getelementptr ptr, ptr %table, i64 {k}\n  %p{k} = load ptr, ptr %q{k}"
        for k in range(count + len(found))
    ]
    text = "\n".join(
        [
            "define void @kernel(i64 %n, ptr %table) nounwind {",
            *pointers,
            "  br label %loop",
            "loop:",
            "  %i = phi i64 [0, %0], [%next, %loop]",
            *emitter.lines,
            f"  %next = add i64 %i, {lanes}",
            "  %more = icmp slt i64 %next, %n",
            "  br i1 %more, label %loop, label %done",
            "done:",
            "  ret void",
            "}",
        ]
    )
    code = load(assemble(module.text(text)), ("kernel",))
    return code, [y.dtype for y in found]


def _element(dtype):
    return {"float64": "double", "float32": "float"}[dtype]
