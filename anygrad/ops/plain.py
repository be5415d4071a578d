"""One library's namespace as the rules see it: every row by its name, statics as keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.errors import BackendError, MissingPackageError
from anygrad.ops.row import ROWS, Row


class PlainNames:
    """Attribute access gives the row of that name, run by one library; looked up once."""

    def __init__(
        self,
        xp: Any,
        quick: dict[str, Any],
        writable: bool = True,
        special: Callable[[], Any] | None = None,
    ) -> None:
        self.__dict__.update(quick)
        self._xp = xp
        self._special = special
        self.writable = writable

    def __getattr__(self, name: str) -> Any:
        row = ROWS.get(name)
        if row is not None and row.special:
            function = self._special_function(row)
        elif row is not None and row.run is not None:
            function = row.run(self._xp)
        else:
            function = getattr(self._xp, name)
        self.__dict__[name] = function
        return function

    def _special_function(self, row: Row) -> Any:
        try:
            functions = None if self._special is None else self._special()
            return getattr(functions, row.name) if row.run is None else row.run(functions)
        except MissingPackageError:
            if hasattr(self._xp, row.name):  # np.i0 is there without SciPy
                return getattr(self._xp, row.name)
            raise
        except AttributeError as error:
            library = getattr(self._xp, "__name__", "the library").removeprefix("array_api_compat.")
            message = (
                f"{row.name}(operands): got arrays of {library}, whose special functions lack this "
                "one, or one that its derivative needs. Compute this part with NumPy arrays."
            )
            raise BackendError(message) from error
