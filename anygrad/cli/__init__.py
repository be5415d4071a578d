"""The command line: ``anygrad <command>``, one module a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from anygrad import __version__
from anygrad.errors import AnygradError

__all__ = ["COMMANDS", "main"]

COMMANDS = {"info": "anygrad.cli.info", "demo": "anygrad.cli.demo"}
"""Each command and its module, which has ``configure(parser)`` and ``run(arguments) -> int``."""

SUMMARIES = {
    "info": "show the backends and settings of this machine",
    "demo": "train a classifier of handwritten digits",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``anygrad``; default: those of this process.

    Returns
    -------
    int
        The exit status: 0 for success, 1 when anygrad refused, 2 for a wrong command line.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given)
    parsed = parser.parse_args(given)
    if parsed.command is None:
        parser.print_help()
        return 0
    try:
        return parsed.run(parsed)
    except AnygradError as error:
        print(f"anygrad {parsed.command}: {error}", file=sys.stderr)
        return 1


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="anygrad",
        description="Derivatives, clipping and optimizers for NumPy and CuPy arrays.",
    )
    parser.add_argument("--version", action="version", version=f"anygrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    for name, summary in SUMMARIES.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in given:  # only the command asked for is imported
            module = import_module(COMMANDS[name])
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser
