"""Report the largest files: most should be under 250 lines; above 400 there is a second idea."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
USUAL, LARGE = 250, 400


def main() -> None:
    files = [path for folder in ("anygrad", "tests") for path in (ROOT / folder).rglob("*.py")]
    sizes = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in files}
    above = {path: size for path, size in sizes.items() if size > USUAL}
    print(f"{len(sizes)} files, {sum(sizes.values())} lines; {len(above)} above {USUAL} lines")
    for path, size in sorted(above.items(), key=lambda item: -item[1]):
        print(f"{size:6}  {path}{'  <- look for the second idea' if size > LARGE else ''}")


if __name__ == "__main__":
    main()
