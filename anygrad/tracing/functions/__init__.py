"""The functions users call on traced arrays, in signatures that fit the standard and NumPy alike.

Each is a row, or a few lines of rows; none knows a derivative. A public function in one of these
modules is thereby in the traced namespace, and reached from NumPy's function of the same name.
"""

from collections.abc import Callable
from typing import Any

from anygrad.tracing.functions import creation, joining, ordering, products, reductions, shapes

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: function
    for module in (creation, joining, ordering, products, reductions, shapes)
    for name, function in vars(module).items()
    if getattr(function, "__module__", None) == module.__name__ and name[0] not in "_U"
}

__all__ = ["FUNCTIONS", "creation", "joining", "ordering", "products", "reductions", "shapes"]
