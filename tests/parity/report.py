"""The table of parity: routine x library x dtype, with the largest relative difference to NumPy."""

from __future__ import annotations

import datetime
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.parity.comparing import compare
from tests.parity.routines import ROUTINES
from tests.support import open_namespace, reason_missing
from tests.support.namespaces import BACKEND_OF

DATA = Path(__file__).resolve().parents[2] / "docs" / "_data" / "parity.json"
COLUMNS = ("numpy", "strict", "cupy-lookalike", "torch", "jax")
MODULES = {"strict": "array_api_strict"}


def measure(backend: str) -> dict[str, Any]:
    """One column, in this process."""
    xp = open_namespace(backend)
    cells, reasons = {}, {}
    for routine in ROUTINES:
        for dtype in routine.dtypes:
            key = f"{routine}|{dtype}"
            try:
                cells[key] = compare(routine, xp, dtype)
            except Exception as error:  # the table shows what failed, and the others go on
                cells[key] = None
                reasons[key] = f"{type(error).__name__}: {str(error).splitlines()[0]}"[:200]
    return {
        "version": version_of(backend),
        "device": device_name(backend, xp.device),
        "cells": cells,
        "reasons": reasons,
    }


def measure_apart(backend: str) -> dict[str, Any]:
    """One column in a process of its own, which the look-alike of CuPy needs."""
    program = (
        "import json, sys; from tests.support import lookalike_cupy; lookalike_cupy.install();"
        "from tests.parity.report import measure; json.dump(measure('cupy-lookalike'), sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(DATA.parents[2]), *sys.path])},
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def version_of(backend: str) -> str:
    """The version of a library; the look-alike tells which one it looks like."""
    if backend == "cupy-lookalike":
        names = Path(__file__).parents[1] / "support" / "lookalike_cupy" / "names.json"
        return f"like {json.loads(names.read_text())['version']}"
    library = BACKEND_OF[backend]
    return importlib.import_module(MODULES.get(library, library)).__version__


def device_name(backend: str, device: Any) -> str:
    """The device in words; a GPU by its name."""
    if backend == "cupy":
        import cupy

        name = cupy.cuda.runtime.getDeviceProperties(0)["name"]
        return name.decode() if isinstance(name, bytes) else str(name)
    if backend == "torch" and device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    if backend == "jax" and device.platform != "cpu":
        return device.device_kind
    return str(device)


def gather(backends: list[str]) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """The whole table, why columns are missing, and what broke whole columns."""
    columns, missing, broken = {}, {}, {}
    for backend in backends:
        reason = reason_missing(backend)
        if reason:
            missing[backend] = reason
            continue
        print(f"parity: {backend}", file=sys.stderr)
        take = measure_apart if backend == "cupy-lookalike" else measure
        try:
            columns[backend] = take(backend)
        except Exception as error:  # a library that cannot start leaves the others their columns
            broken[backend] = f"{type(error).__name__}: {error}"
    rows = [
        {
            "routine": str(routine),
            "dtype": dtype,
            "differences": {b: c["cells"][f"{routine}|{dtype}"] for b, c in columns.items()},
            "reason": {
                b: c["reasons"][f"{routine}|{dtype}"]
                for b, c in columns.items()
                if f"{routine}|{dtype}" in c["reasons"]
            },
        }
        for routine in ROUTINES
        for dtype in routine.dtypes
    ]
    table = {
        "made": datetime.date.today().isoformat(),
        "columns": list(columns),
        "versions": {b: c["version"] for b, c in columns.items()},
        "devices": {b: c["device"] for b, c in columns.items()},
        "rows": rows,
    }
    return table, missing, broken


def show(table: dict[str, Any]) -> str:
    """The table in plain text, and the largest difference of every column."""
    width = max(len(row["routine"]) for row in table["rows"])
    head = f"{'routine':{width}}  {'dtype':10}" + "".join(f"{c:>16}" for c in table["columns"])
    lines = [head]
    for row in table["rows"]:
        cells = (row["differences"][c] for c in table["columns"])
        text = "".join(f"{'FAILED' if cell is None else f'{cell:.1e}':>16}" for cell in cells)
        lines.append(f"{row['routine']:{width}}  {row['dtype']:10}{text}")
    lines.append("")
    for column in table["columns"]:
        doubles = [
            row["differences"][column]
            for row in table["rows"]
            if row["dtype"] in ("float64", "complex128")
        ]
        failed = sum(row["differences"][column] is None for row in table["rows"])
        largest = max((cell for cell in doubles if cell is not None), default=float("nan"))
        where = f"{table['versions'][column]} on {table['devices'][column]}"
        lines.append(
            f"{column} ({where}): {failed} failed, largest difference in double precision "
            f"{largest:.1e}"
        )
    return "\n".join(lines)
