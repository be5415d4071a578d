"""Where a race takes place: the backend, its arrays, how to wait for them, and the peers."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

import anygrad as ag
from anygrad.backends import backend_of, get_backend


@dataclass(frozen=True)
class Lab:
    """The backend that arrays are made with, and how much time there is."""

    backend: str = "numpy"
    quick: bool = False

    @property
    def on_gpu(self) -> bool:
        return self.backend == "cupy"

    @property
    def library(self) -> Any:
        """The array library itself, as its users import it."""
        return import_module(get_backend(self.backend).package)

    def array(self, tree: Any) -> Any:
        """Copy NumPy arrays, one or a tree of them, to this backend; its own arrays as they are."""
        backend = get_backend(self.backend)
        return move(
            tree, lambda a: backend.from_host(a.copy(), None) if isinstance(a, np.ndarray) else a
        )

    @property
    def wait(self) -> Callable[[], None]:
        """What waits until the device has finished, whichever library gave it work."""
        if not hasattr(self.library, "cuda"):
            return do_nothing
        return lambda: self.library.cuda.Device().synchronize()

    def tidy(self) -> None:
        """Give the memory that nobody uses back to the device."""
        gc.collect()
        if not self.on_gpu:
            return
        if hasattr(self.library, "get_default_memory_pool"):
            self.library.get_default_memory_pool().free_all_blocks()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def torch(self) -> Any:
        """PyTorch with one thread; on a GPU only if it has one too."""
        torch = import_module("torch")
        torch.set_num_threads(1)
        if self.on_gpu and not torch.cuda.is_available():
            raise Unusable("this PyTorch has no GPU")
        return torch

    def tensor(self, array: Any) -> Any:
        """A tensor of its own from an array of NumPy or of this backend."""
        if not isinstance(array, np.ndarray):
            return self.torch().from_dlpack(array).clone()
        return self.torch().tensor(array, device="cuda" if self.on_gpu else "cpu")

    def jax(self) -> Any:
        """JAX in double precision; on a GPU only if it has one too."""
        jax = import_module("jax")
        jax.config.update("jax_enable_x64", True)
        if self.on_gpu and jax.default_backend() != "gpu":
            raise Unusable("this JAX has no GPU")
        return jax


class Unusable(Exception):
    """A peer is installed but cannot take part; says why."""


def do_nothing() -> None:
    """Wait for a library that has finished when it returns."""


def move(tree: Any, copy: Callable[[np.ndarray], Any]) -> Any:
    """Apply ``copy`` to every array of nested dicts and lists."""
    if isinstance(tree, dict):
        return {name: move(part, copy) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [move(part, copy) for part in tree]
    return copy(np.asarray(tree) if backend_of(tree) in (None, get_backend("numpy")) else tree)


def to_vector(result: Any) -> np.ndarray:
    """Lay all numbers of a result, of any library, in one NumPy vector."""
    if isinstance(result, dict):
        result = [result[name] for name in sorted(result)]
    if isinstance(result, list | tuple):
        return np.concatenate([to_vector(part) for part in result])
    if hasattr(result, "detach"):
        result = result.detach().cpu()
    elif backend_of(result) is not None:
        result = ag.to_numpy(result)
    return np.asarray(result, dtype=np.float64).reshape(-1)
