"""The command line: ``anygrad <command>``, one module a command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from anygrad import __version__
from anygrad.errors import AnygradError, suggest

__all__ = ["COMMANDS", "build_parser", "main"]

COMMANDS = {
    "info": "anygrad.cli.info",
    "demo": "anygrad.cli.demo",
    "check": "anygrad.cli.check",
    "bench": "anygrad.cli.bench",
    "completion": "anygrad.cli.completion",
}
"""Each command and its module, which has ``configure(parser)`` and ``run(arguments) -> int``."""

SUMMARIES = {
    "info": "show the backends and settings of this machine",
    "demo": "train a classifier of handwritten digits",
    "check": "check this installation, or the gradient of a function of yours",
    "bench": "measure gradients and optimizer steps on this machine",
    "completion": "print the script that completes commands in a shell",
}
REFUSED, WRONG_LINE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``anygrad``; default: those of this process.

    Returns
    -------
    int
        The exit status: 0 for success, 1 when anygrad refused or a check failed, 2 for a wrong
        command line, 130 when interrupted, 141 when the reader of a pipe has gone.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and not given[0].startswith("-") and given[0] not in COMMANDS:
        hint = suggest(given[0], COMMANDS)
        known = ", ".join(COMMANDS)
        print(f"anygrad: got {given[0]!r}; the commands are {known}. {hint}", file=sys.stderr)
        return WRONG_LINE
    parser = build_parser(given[:1])
    parsed = parser.parse_args(given)
    if parsed.command is None:
        parser.print_help()
        return 0
    try:
        status = parsed.run(parsed)
        sys.stdout.flush()
        return status
    except AnygradError as error:
        print(f"anygrad {parsed.command}: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print(f"anygrad {parsed.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing is left to complain at exit
        return PIPE_CLOSED


def build_parser(asked: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the modules of the commands asked for are imported.

    Parameters
    ----------
    asked : sequence of str
        Names of commands.

    Returns
    -------
    argparse.ArgumentParser
        Knows every command, and the options of those asked for.
    """
    parser = argparse.ArgumentParser(
        prog="anygrad",
        description="Derivatives, clipping and optimizers for NumPy and CuPy arrays.",
    )
    parser.add_argument("--version", action="version", version=f"anygrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    for name, summary in SUMMARIES.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in asked:
            module = import_module(COMMANDS[name])
            module.configure(command)
            command.epilog = getattr(module, "EXAMPLES", None)
            command.set_defaults(run=module.run)
    return parser
