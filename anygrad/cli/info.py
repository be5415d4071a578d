"""``anygrad info``: every backend and every setting of this machine, and where each comes from."""

from __future__ import annotations

import argparse
import dataclasses
import platform
from typing import Any

from anygrad import __version__
from anygrad.backends import describe_backends, get_backend, install_line
from anygrad.compiler.targets.llvmlite import described, reason_against
from anygrad.compiler.targets.native.folders import find_folder
from anygrad.config import origins, settings
from anygrad.errors import AnygradError, SettingsError

__all__ = ["configure", "report", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: it has none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the report; the status is 1 if a setting is wrong or cannot be followed here."""
    rows = describe_backends()
    print(report(rows))
    return 1 if problem_of_settings(rows) else 0


def report(rows: list[dict[str, Any]]) -> str:
    """Write what works on this machine as text.

    Parameters
    ----------
    rows : list of dict
        What `describe_backends` tells.

    Returns
    -------
    str
        A table of backends (version, devices, or why not and the line that installs it), what makes
        machine code for NumPy arrays and where it is kept, and a table of settings (value and
        origin), with what is wrong with them below.
    """
    lines = [f"anygrad {__version__} on Python {platform.python_version()}", "", "backends"]
    for row in rows:
        lines += _backend_lines(row)
    lines += ["", "kernels", *_kernel_lines()]
    lines += ["", "kernels", *_kernel_lines()]
    lines += ["", "settings", *_setting_lines()]
    problem = problem_of_settings(rows)
    return "\n".join([*lines, f"  wrong: {problem}"] if problem else lines)


def problem_of_settings(rows: list[dict[str, Any]]) -> str:
    """Tell why new arrays cannot be made here as the settings say; "" if they can."""
    try:
        now, origin = settings(), origins()
    except SettingsError as error:
        return str(error)
    chosen = next(row for row in rows if row["name"] == now.backend)
    if chosen["problem"]:
        where = f"backend {now.backend!r}, chosen by {origin['backend']}"
        return f"{where}, cannot be used here; the reason stands beside it above."
    try:
        if now.device is not None:
            get_backend(now.backend).find_device(now.device)
    except AnygradError as error:
        return f"{error} It was chosen by {origin['device']}."
    return ""


def _backend_lines(row: dict[str, Any]) -> list[str]:
    head = f"  {row['name']:<8} {row['version'] or '-':<10} "
    if not row["problem"]:
        return [head + ", ".join(row["devices"])]
    lines = [head + f"unusable: {row['problem']}"]
    if row["install"] and row["install"] not in row["problem"]:
        lines.append(f"{'':<{len(head)}}{row['install']}")
    return lines


def _kernel_lines() -> list[str]:
    """What makes machine code for NumPy arrays, and where that is kept."""
    if reason_against():
        return [f"  {described()}", f"  {install_line('llvmlite', 'cpu')}"]
    try:
        folder, why = find_folder()
    except SettingsError:
        return [f"  {described()}"]
    return [f"  {described()}", f"  kept in {folder}" if not why else f"  not kept: {why}"]


def _setting_lines() -> list[str]:
    try:
        values, where = dataclasses.asdict(settings()), origins()
    except SettingsError:  # told below the table
        return []
    width = max(len(str(value)) for value in values.values())
    return [f"  {name:<12} {value!s:<{width}}  {where[name]}" for name, value in values.items()]
