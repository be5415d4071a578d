"""Write CuPy's names, signatures and ways with foreign objects to ``lookalike_cupy/names.json``.

Run it where the real package is installed (a GPU or driver is not needed), after an update of CuPy:

    python tests/support/record_cupy_names.py
"""

import importlib
import inspect
import json
import re
import sys
import types
import warnings
from pathlib import Path

import cupy
import numpy as np

TARGET = Path(__file__).parent / "lookalike_cupy" / "names.json"
MODULES = (
    *("cupy", "cupy.linalg", "cupy.fft", "cupy.random"),
    *("cupyx.scipy.linalg", "cupyx.scipy.special"),
)
ARRAY_PARAMETERS = {"a", "x", "x1", "arr", "ary", "m", "array", "v"}


class Asked:
    """What a foreign object returns: how CuPy turned to it, and with what."""

    def __init__(self, how, name, args=(), keywords=None):
        self.how, self.name, self.args, self.keywords = how, name, args, keywords or {}


class Foreign:
    """An object that is no CuPy array, and tells how CuPy turns to it."""

    shape, ndim, size, dtype = (3,), 1, 3, np.dtype("float64")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **keywords: Asked("method", name, args, keywords)

    def __cupy_override_elementwise_kernel__(self, kernel, *args, **keywords):
        return Asked("elementwise", kernel.name)

    def __cupy_override_reduction_kernel__(self, kernel, *args, **keywords):
        return Asked("reduction", kernel.name)

    def __iter__(self):
        raise TypeError("foreign objects are not iterated")

    def __len__(self):
        return 3


class Placeholder:
    """Stands for the argument of a parameter, to see where a function passes it on."""

    def __init__(self, name):
        self.name = name


def main():
    record = record_all()
    TARGET.write_text(to_text(record))
    counts = {name: len(entries) for name, entries in record["modules"].items()}
    print(f"{TARGET.name}: CuPy {cupy.__version__}, {counts}, ndarray {len(record['ndarray'])}")


def without_cuda():
    """Let the modules of CuPy be imported where NVIDIA's libraries are missing: none is called."""
    for name in ("cublas", "cusolver", "cusparse"):
        try:
            getattr(cupy.cuda, name)
        except ImportError:
            missing = types.ModuleType(f"cupy_backends.cuda.libs.{name}")
            missing.__getattr__ = lambda name: 0  # numbers of modes
            sys.modules[missing.__name__] = missing
            setattr(cupy.cuda, name, missing)


def record_all():
    without_cuda()
    modules = {name: record_module(name) for name in MODULES}
    return {"version": cupy.__version__, "modules": modules, "ndarray": record_ndarray()}


def record_module(name):
    module = importlib.import_module(name)
    found = {key: record_entry(getattr(module, key)) for key in dir(module) if key[0] != "_"}
    return {key: entry for key, entry in sorted(found.items()) if entry is not None}


def record_entry(thing):
    if isinstance(thing, cupy.ufunc):
        return {"kind": "ufunc", "kernel": thing.name, "nin": thing.nin, "nout": thing.nout}
    if isinstance(thing, types.ModuleType):
        return {"kind": "module"}
    if isinstance(thing, type):
        return {"kind": "type"}
    if isinstance(thing, float):
        return {"kind": "number", "value": repr(thing)}
    if not callable(thing):
        return {"kind": "object"}
    parameters = signature_of(thing)
    entry = {"kind": "function", "parameters": parameters}
    if parameters and re.split(r"\W", parameters)[0] in ARRAY_PARAMETERS:
        foreign = how_foreign(thing, parameters)
        if foreign:
            entry["foreign"] = foreign
    return entry


def signature_of(function):
    """Parameters as text: "a, axis=None, *, out=None"; None where the function does not tell."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kept = [p.replace(default=plain_default(p.default), annotation=p.empty) for p in found]
    return str(inspect.Signature(kept))[1:-1]


def plain_default(default):
    """The default itself where it can be written down, else 0."""
    plain = default is inspect.Parameter.empty or isinstance(default, (int, str, type(None)))
    return default if plain else 0


def how_foreign(function, parameters):
    """What ``function`` returns when its array argument is no CuPy array."""
    signature = inspect.signature(eval(f"lambda {parameters}: 0"))
    plain = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    attempts = [
        ([Placeholder(p.name) for p in plain[1:]], {p.name: Placeholder(p.name) for p in named}),
        ([0 for p in plain[1:] if p.default is p.empty], {}),
    ]
    for rest, keywords in attempts:
        try:
            answer = function(Foreign(), *rest, **keywords)
        except Exception:
            continue
        # elementwise answers depend on the other operands; the ufuncs' own hook is modelled anyway
        if isinstance(answer, Asked) and answer.how != "elementwise":
            return describe_asked(answer)
    return None


def describe_asked(asked):
    if asked.how != "method":
        return {"hook": asked.how, "kernel": asked.name}
    given = [*asked.args, *asked.keywords.values()]
    if not all(isinstance(argument, Placeholder) for argument in given):
        return {"method": asked.name}
    positional = [argument.name for argument in asked.args]
    keywords = {key: argument.name for key, argument in asked.keywords.items()}
    return {"method": asked.name, "positional": positional, "keywords": keywords}


def record_ndarray():
    """Members of the array type; methods with the signature in the first line of their text."""
    members = {}
    for name in dir(cupy.ndarray):
        if name.startswith("_") and not name.startswith("__"):
            continue
        member = inspect.getattr_static(cupy.ndarray, name)
        if name.startswith("__"):
            members[name] = {"kind": "special"}
        elif callable(getattr(cupy.ndarray, name)):
            members[name] = {"kind": "method", "parameters": parameters_in_text(member.__doc__)}
        else:
            members[name] = {"kind": "attribute"}
    return members


def parameters_in_text(text):
    """Parameters from a line such as ``ndarray.sum(self, axis=None, Py_ssize_t n=0, *args)``."""
    match = re.match(r"[\w.]+\((.*?)\)(\s*->.*)?$", (text or "").split("\n")[0])
    if match is None:
        return None
    parameters = []
    for piece in re.split(r",\s*(?![^()]*\))", match[1]):
        declared, _, default = piece.partition("=")
        name = declared.split()[-1].split(":")[0] if declared.split() else ""
        if name not in ("", "self"):
            parameters.append(f"{name}=0" if default else name)
    return ", ".join(parameters)


def to_text(record):
    """JSON with one line for each name, so that an update of CuPy reads as a diff."""

    def block(entries):
        lines = (f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
        return "{\n" + ",\n".join(lines) + "\n}"

    modules = ",\n".join(f"{json.dumps(k)}: {block(v)}" for k, v in record["modules"].items())
    return (
        f'{{\n"version": {json.dumps(record["version"])},\n'
        f'"modules": {{\n{modules}\n}},\n"ndarray": {block(record["ndarray"])}\n}}\n'
    )


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
