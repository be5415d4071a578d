"""Docstrings write ``|x|`` as mathematics does; to docutils bars mean something else."""

import re
from typing import Any

# what is between backquotes is taken as it stands already
_PARTS = re.compile(r"(``.*?``|`.*?`)")


def escape_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the bars of a docstring, but not those of its examples and in code."""
    for n, line in enumerate(lines):
        if "|" in line and not line.lstrip().startswith((">>>", "...")):
            parts = _PARTS.split(line)
            lines[n] = "".join(
                part if k % 2 else part.replace("|", r"\|") for k, part in enumerate(parts)
            )


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
