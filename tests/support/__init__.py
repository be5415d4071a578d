"""What the tests share: namespaces on a device, comparison on the host, stand-ins for a GPU."""

from tests.support.closeness import assert_close, to_host, tolerance
from tests.support.differences import difference
from tests.support.host_copies import HiddenHostCopy, allow_host_copies, forbid_host_copies
from tests.support.namespaces import (
    BackendNamespace,
    open_for_program,
    open_namespace,
    reason_missing,
)

__all__ = [
    "BackendNamespace",
    "HiddenHostCopy",
    "allow_host_copies",
    "assert_close",
    "difference",
    "forbid_host_copies",
    "open_for_program",
    "open_namespace",
    "reason_missing",
    "to_host",
    "tolerance",
]
