"""The array libraries, one record each, and what every other floor asks about an array."""

from __future__ import annotations

from anygrad.backends.arrays import asarray, find_dtype, to_host
from anygrad.backends.choosing import describe_backends, namespace, use_backend
from anygrad.backends.packages import import_package, install_line
from anygrad.backends.record import Backend
from anygrad.backends.registry import (
    BACKENDS,
    backend_of,
    check_same_device,
    device_of,
    get_backend,
    is_mutable,
    is_traced,
    mixture,
    namespace_of,
    place_of,
    register_backend,
)
from anygrad.backends.types import Array, Device, Namespace, Tree

__all__ = [
    "BACKENDS",
    "Array",
    "Backend",
    "Device",
    "Namespace",
    "Tree",
    "asarray",
    "backend_of",
    "check_same_device",
    "describe_backends",
    "device_of",
    "find_dtype",
    "get_backend",
    "import_package",
    "install_line",
    "is_mutable",
    "is_traced",
    "mixture",
    "namespace",
    "namespace_of",
    "place_of",
    "register_backend",
    "to_host",
    "use_backend",
]
