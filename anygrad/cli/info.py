"""``anygrad info``: every backend and every setting of this machine, and where each comes from."""

from __future__ import annotations

import argparse
import dataclasses
import platform
from typing import Any

from anygrad import __version__
from anygrad.backends import describe_backends
from anygrad.config import origins, settings
from anygrad.errors import SettingsError

__all__ = ["configure", "report", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: it has none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the report; the status is 1 if a setting is wrong."""
    print(report())
    try:
        settings()
    except SettingsError:
        return 1
    return 0


def report() -> str:
    """Write what works on this machine as text.

    Returns
    -------
    str
        A table of backends (version, devices, or why not and the line that installs it) and a table
        of settings (value and origin).
    """
    lines = [f"anygrad {__version__} on Python {platform.python_version()}", "", "backends"]
    for row in describe_backends():
        lines += _backend_lines(row)
    return "\n".join([*lines, "", "settings", *_setting_lines()])


def _backend_lines(row: dict[str, Any]) -> list[str]:
    head = f"  {row['name']:<8} {row['version'] or '-':<10} "
    if not row["problem"]:
        return [head + ", ".join(row["devices"])]
    lines = [head + f"unusable: {row['problem']}"]
    if row["install"] and row["install"] not in row["problem"]:
        lines.append(f"{'':<{len(head)}}{row['install']}")
    return lines


def _setting_lines() -> list[str]:
    try:
        values, where = dataclasses.asdict(settings()), origins()
    except SettingsError as error:  # the report is where one looks for what is wrong
        return [f"  wrong: {error}"]
    width = max(len(str(value)) for value in values.values())
    return [f"  {name:<12} {value!s:<{width}}  {where[name]}" for name, value in values.items()]
