"""Measure parity and print the table: ``python -m tests.parity [--backend NAME] [--json FILE]``."""

import argparse
import json
import os
import sys
from pathlib import Path


def main() -> int:
    """Measure, print, write; 1 if a routine fails or differs by more than its tolerance."""
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    from tests.parity.report import COLUMNS, DATA, gather, show

    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument(
        "--backend",
        action="append",
        choices=[*COLUMNS, "cupy"],
        help="a column; may be repeated (default: all, and cupy where a GPU is usable)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help=f"write the table, for the page: {DATA.name}"
    )
    parser.add_argument("--gpu", action="store_true", help="fail where no GPU is usable")
    arguments = parser.parse_args()
    asked = {*(arguments.backend or ()), *(["cupy"] if arguments.gpu else ())}
    table, missing, broken = gather(arguments.backend or [*COLUMNS, "cupy"])
    print(show(table))
    for backend, reason in missing.items():
        print(f"{backend}: not measured, {reason}")
    for backend, reason in broken.items():
        print(f"FAILED {backend}: {reason}")
    for row in table["rows"]:
        for backend, reason in row["reason"].items():
            print(f"FAILED {row['routine']} {row['dtype']} on {backend}: {reason}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")
    failed = broken or asked - set(table["columns"]) or any(row["reason"] for row in table["rows"])
    return 1 if failed else 0


sys.exit(main())
