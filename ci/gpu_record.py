"""What stays of a run on a GPU: figures, parity, trajectories, and which parts passed."""

import json
from pathlib import Path

KEPT = ("parity", "trajectories")


def record(report: dict, folder: Path) -> None:
    """Keep what was measured, named by date and GPU, for the pages of the documentation.

    Rows of an earlier part of the same day stay, unless they were measured again.
    """
    gpu = report["machine"].get("gpu")
    if gpu is None:
        print("nothing recorded: no GPU was found")
        return
    name = gpu["name"].lower().replace("nvidia ", "").replace(" ", "-")
    stem = f"{report['date'][:10]}-{name}"
    about = {"machine": report["machine"], "date": report["date"]}
    folder.mkdir(parents=True, exist_ok=True)
    if report["figures"] is not None:
        file = folder / f"{stem}.json"
        figures = join_tables([*filter(None, [read_figures(file)]), report["figures"]])
        words = f"{gpu['name']}, driver {report['machine'].get('driver')}"
        facts = {**figures.get("facts", {}), "machine": words}
        write(file, {**figures, "facts": facts, "about": about})
    for what in KEPT:
        if report.get(what) is not None:
            write(folder / f"{stem}-{what}.json", {**report[what], "about": about})
    file = folder / f"{stem}-parts.json"
    earlier = (read_figures(file) or {"parts": []})["parts"]
    write(file, {"about": about, "parts": join_parts(earlier, report["parts"])})


def join_parts(earlier: list[dict], later: list[dict]) -> list[dict]:
    """Name, status, seconds and reason of every part; what ran again stands for what ran before."""
    parts = {part["name"]: part for part in earlier}
    for result in later:
        kept = {k: result[k] for k in ("name", "status", "seconds", "reason") if k in result}
        if kept["name"].startswith("tests ") and result.get("output"):
            kept["told"] = result["output"][-1]  # how many tests passed
        if kept["status"] != "not run" or kept["name"] not in parts:
            parts[kept["name"]] = kept
    return list(parts.values())


def join_figures(files: list[Path]) -> dict | None:
    """The figures of all themes as one table, None where there are none."""
    return join_tables([read_figures(file) for file in files]) if files else None


def join_tables(tables: list[dict]) -> dict:
    """Later rows stand in for earlier ones of the same theme and name."""
    rows = {(row["theme"], row["name"]): row for table in tables for row in table["rows"]}
    return {**tables[-1], "rows": list(rows.values())}


def read_figures(file: Path):
    return json.loads(file.read_text()) if file.exists() else None


def write(file: Path, report: dict) -> None:
    unfinished = file.with_name(file.name + ".part")
    unfinished.write_text(json.dumps(report, indent=1) + "\n")
    unfinished.replace(file)
