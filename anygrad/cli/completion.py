"""``anygrad completion SHELL``: the script that completes commands, options and backends."""

from __future__ import annotations

import argparse

from anygrad.backends import BACKENDS, import_package
from anygrad.cli import COMMANDS, build_parser

SHELLS = ("bash", "zsh")
EXAMPLES = """examples:
  eval "$(anygrad completion bash)"                  in this shell
  anygrad completion zsh > ~/.zfunc/_anygrad         for good, where fpath has ~/.zfunc"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to complete in")


def run(arguments: argparse.Namespace) -> int:
    """Print the script.

    Raises
    ------
    MissingPackageError
        If shtab is not installed; the message has the line that installs it.
    """
    shtab = import_package("shtab", where="anygrad completion", extra="cli")
    parser = build_parser(list(COMMANDS))
    for command in commands_of(parser):
        for action in command._actions:
            if action.dest == "backend":
                action.choices = sorted(BACKENDS)
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def commands_of(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parsers of the commands."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [command for group in groups for command in group.choices.values()]
