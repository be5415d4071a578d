"""Functions of numbers, written once for all types and widths, without branches and tables.

Each is straight-line code over the values of ``..values``, so that a vector of any width computes
the same bits. Errors are at most 2 units in the last place; special values are those of C99.
"""

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.mathematics import (
    circular,
    errors,
    exponentials,
    hyperbolic,
    inverse_circular,
    inverse_hyperbolic,
    logarithms,
    powers,
    roots,
)

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for module in (
        circular,
        errors,
        exponentials,
        hyperbolic,
        inverse_circular,
        inverse_hyperbolic,
        logarithms,
        powers,
        roots,
    )
    for function in vars(module).values()
    if isinstance(function, Function)
}
"""By the name of the operation."""
