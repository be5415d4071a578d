"""One library's namespace as the rules see it: every row by its name, statics as keywords."""

from __future__ import annotations

from typing import Any

from anygrad.ops.row import ROWS


class PlainNames:
    """Attribute access gives the row of that name, run by one library; looked up once."""

    def __init__(self, xp: Any, quick: dict[str, Any], writable: bool = True) -> None:
        self.__dict__.update(quick)
        self._xp = xp
        self.writable = writable

    def __getattr__(self, name: str) -> Any:
        row = ROWS.get(name)
        function = (
            row.run(self._xp)
            if row is not None and row.run is not None
            else getattr(self._xp, name)
        )
        self.__dict__[name] = function
        return function
