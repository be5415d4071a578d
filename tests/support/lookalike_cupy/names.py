"""CuPy's names as recorded from the real package."""

import inspect
import json
from pathlib import Path
from typing import Any

_RECORD = json.loads((Path(__file__).parent / "names.json").read_text())
VERSION: str = _RECORD["version"]
MODULES: dict[str, dict[str, dict[str, Any]]] = _RECORD["modules"]
NDARRAY: dict[str, dict[str, Any]] = _RECORD["ndarray"]


def signature(parameters: str | None) -> inspect.Signature | None:
    """Signature from text such as "a, axis=None, *, out=None"."""
    if parameters is None:
        return None
    return inspect.signature(eval(f"lambda {parameters}: 0"))
