"""The two sources outside the program: environment variables and the settings file.

The file is data: it is parsed by tomllib and nothing in it is executed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from anygrad.config.fields import FIELDS, check_settings, expected_of
from anygrad.errors import SettingsError, suggest

__all__ = ["PREFIX", "read_environment", "read_file"]

PREFIX = "ANYGRAD_"
VARIABLES = {PREFIX + name.upper(): name for name in FIELDS}
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_environment() -> dict[str, Any]:
    """Read ``ANYGRAD_<NAME>`` for every setting; an empty variable counts as not set.

    Returns
    -------
    dict of str to any
        Name and parsed value of each setting whose variable is set.

    Raises
    ------
    SettingsError
        Names the variable that is no setting's, or whose value the setting does not take.
    """
    found = {}
    for variable, text in os.environ.items():
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        if variable not in VARIABLES:
            message = (
                f"environment {variable}: got a variable of no setting; expected one of "
                f"{', '.join(VARIABLES)}. {suggest(variable, VARIABLES)}"
            )
            raise SettingsError(message.rstrip())
        name = VARIABLES[variable]
        found[name] = _parse(variable, name, text.strip())
        check_settings(f"environment {variable}", {name: found[name]})
    return found


def _parse(variable: str, name: str, text: str) -> Any:
    if isinstance(FIELDS[name].default, bool):
        if text.lower() in TRUTHS:
            return TRUTHS[text.lower()]
        message = f"environment {variable}: got {text!r}; expected one of {', '.join(TRUTHS)}."
        raise SettingsError(message)
    if FIELDS[name].default is None:  # a device or a number of threads
        return int(text) if text.isdecimal() else text
    return text


def read_file() -> tuple[Path | None, dict[str, Any]]:
    """Read the settings file nearest to the working directory, upward.

    In each directory ``anygrad.toml`` is looked for first, then a ``[tool.anygrad]`` table in
    ``pyproject.toml``; the first of them that exists is the only one read.

    Returns
    -------
    path : Path or None
        The file, or None if there is none.
    values : dict of str to any
        Its settings.

    Raises
    ------
    SettingsError
        Names the file that cannot be read or parsed, or that holds an unknown or wrong setting.
    """
    for folder in _folders_upward():
        own = folder / "anygrad.toml"
        if own.is_file():
            return own, _checked(own, _without_header(own, _load(own)))
        project = folder / "pyproject.toml"
        if project.is_file():
            tools = _load(project).get("tool", {})
            table = tools.get("anygrad") if isinstance(tools, dict) else tools
            if table is not None:
                return project, _checked(project, table)
    return None, {}


def _folders_upward() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:  # the working directory was removed
        return []
    return [here, *here.parents]


def _load(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = (
            f"file {path}: got a file that cannot be read ({error}); expected TOML. "
            "Correct or remove it."
        )
        raise SettingsError(message) from error


def _without_header(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Refuse the header that only a file shared with other programs needs."""
    for key, header in (("anygrad", "[anygrad]"), ("tool", "[tool.anygrad]")):
        if isinstance(values.get(key), dict):
            message = (
                f"file {path}({key}): got a table {header}; expected the settings without a "
                f"header, since the whole file is anygrad's. Remove the line {header}."
            )
            raise SettingsError(message)
    return values


def _checked(path: Path, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        message = f"file {path}: got {values!r} as [tool.anygrad]; expected a table of settings."
        raise SettingsError(message)
    check_settings(f"file {path}", values)
    device = values.get("device", "")
    if not isinstance(device, (str, int)):
        message = f"file {path}(device): got {device!r}; expected {expected_of('device')}."
        raise SettingsError(message)
    return values
