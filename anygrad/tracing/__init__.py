"""Traced arrays: what stands in for the user's arrays while a function is differentiated."""

from anygrad.tracing import (
    at,
    buffer_methods,
    memory,
    methods,
    operations,
    protocols,
    sparse,
    torch_functions,
)
from anygrad.tracing.buffers import unbuffered
from anygrad.tracing.level import (
    LIFTED,
    TRACED,
    Level,
    Traced,
    bind,
    lifted,
    lowest,
    names_for,
)
from anygrad.tracing.rebinding import explain, rebind
from anygrad.tracing.tape import Recorded, RecordedComplex, Tape, walk

buffer_methods.install()

__all__ = [
    "LIFTED",
    "TRACED",
    "Level",
    "Recorded",
    "RecordedComplex",
    "Tape",
    "Traced",
    "at",
    "bind",
    "buffer_methods",
    "explain",
    "lifted",
    "lowest",
    "memory",
    "methods",
    "names_for",
    "operations",
    "protocols",
    "rebind",
    "sparse",
    "torch_functions",
    "unbuffered",
    "walk",
]
