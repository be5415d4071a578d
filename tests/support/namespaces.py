"""The array libraries that the tests run on, each as a namespace with a default device."""

import functools
import importlib
import sys
import warnings
from typing import Any

import numpy as np

# Fixture parameter -> name of the library's backend record.
BACKEND_OF = {
    "numpy": "numpy",
    "numpy-readonly": "numpy",
    "strict": "strict",
    "cupy": "cupy",
    "cupy-lookalike": "cupy",
    "torch": "torch",
    "jax": "jax",
}
# Together in one process; the look-alike takes CuPy's place and so needs a process of its own.
TOGETHER = ("numpy", "numpy-readonly", "strict", "cupy", "torch", "jax")
# Those that refuse to be read on the host in silence; a real GPU does it, only slowly.
OFF_HOST = ("strict", "cupy-lookalike")
_FLOAT64 = ("zeros", "ones", "empty", "eye", "linspace")
_CREATION = (*_FLOAT64, "asarray", "full", "arange")


class BackendNamespace:
    """An Array API namespace whose new arrays lie on the test device, in float64 by default.

    Attributes not listed here are those of ``module``, the namespace of array-api-compat.

    Attributes
    ----------
    name : str
        Fixture parameter, such as "numpy-readonly".
    backend : str
        Name of the library's backend record, such as "numpy".
    device : object
        Where new arrays lie; what the library itself takes as ``device=``.
    module : module
        The namespace itself.
    writable : bool
        Whether the library's arrays can be written in place at all.
    """

    def __init__(self, name: str, module: Any, device: Any, readonly: bool = False):
        self.name = name
        self.backend = BACKEND_OF[name]
        self.module = module
        self.device = device
        self.writable = name != "jax"
        for function in _CREATION:
            setattr(self, function, self._on_device(getattr(module, function), readonly))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def __repr__(self) -> str:
        return f"<{self.name} on {self.device}>"

    def _dtype_of_numbers(self, args):
        """The dtype that NumPy gives floats and lists of them; PyTorch's would have 32 bits."""
        numbers = [x for x in args if isinstance(x, (float, complex, list))]
        found = np.result_type(*map(np.asarray, numbers)).name if numbers else None
        return None if found is None else getattr(self.module, found)

    def _on_device(self, function, readonly):
        @functools.wraps(function)
        def create(*args, **keywords):
            keywords.setdefault("device", self.device)
            if self.backend == "torch" and keywords.get("dtype") is None:
                keywords["dtype"] = self._dtype_of_numbers(args)
            if function.__name__ in _FLOAT64 and keywords.get("dtype") is None:
                keywords["dtype"] = self.module.float64
            if not readonly:
                return function(*args, **keywords)
            made = np.array(function(*args, **keywords))
            made.setflags(write=False)
            return made

        return create


def reason_missing(name: str) -> str | None:
    """Why ``name`` can't be used here; None when it can."""
    if name.startswith("numpy"):
        return None
    if name == "strict":
        return _import_error("array_api_strict")
    if name == "cupy-lookalike":
        return None
    return _reason_no_cupy() if name == "cupy" else _import_error(name)


@functools.cache
def _reason_no_cupy() -> str | None:
    problem = _import_error("cupy")
    if problem:
        return problem
    import cupy

    try:
        if not cupy.cuda.runtime.getDeviceCount():
            return "no CUDA device"
        cupy.ones(1) + 1  # a driver that is too old fails only at the first kernel
    except Exception as error:
        return f"no usable CUDA device ({str(error).partition(':')[0]})"
    return None


def _import_error(module: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except ImportError as error:
        return str(error).splitlines()[0]
    return None


@functools.cache
def open_for_program(name: str) -> BackendNamespace | None:
    """The namespace for a program of its own; None, with the reason printed, if there is none."""
    if name == "cupy-lookalike":
        from tests.support import lookalike_cupy

        lookalike_cupy.install()
    missing = reason_missing(name)
    if missing:
        print(f"{name}: {missing}", file=sys.stderr)
        return None
    return open_namespace(name)


def open_namespace(name: str) -> BackendNamespace:
    """The namespace for a fixture parameter."""
    if name.startswith("numpy"):
        import array_api_compat.numpy as module

        return BackendNamespace(name, module, "cpu", readonly=name == "numpy-readonly")
    if name == "strict":
        import array_api_strict as module

        from tests.support.strict_device import DEVICE, close_the_doors

        close_the_doors()
        return BackendNamespace(name, module, DEVICE)
    if name == "torch":
        import array_api_compat.torch as module
        import torch

        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        return BackendNamespace(name, module, device)
    if name == "jax":
        import jax
        import jax.numpy as module

        jax.config.update("jax_enable_x64", True)
        return BackendNamespace(name, module, jax.devices()[-1])
    import array_api_compat.cupy as module
    import cupy

    return BackendNamespace(name, module, cupy.cuda.Device(0))


def describe(name: str) -> str:
    """One line for pytest's header: version and device, or why it is missing."""
    reason = reason_missing(name)
    if reason:
        return f"{name}: not run, {reason}"
    xp = open_namespace(name)
    library = importlib.import_module({"strict": "array_api_strict"}.get(xp.backend, xp.backend))
    return f"{name}: {library.__version__} on {xp.device}"
