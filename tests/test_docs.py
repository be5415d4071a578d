"""What the README and the pages of docs/ show runs, and their links lead somewhere."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

import anygrad as ag

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# ```python blocks of a page are one program, run from top to bottom.
_BLOCK = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
# A page says `python no-run` where a block needs what a test machine lacks, such as a GPU.
NO_RUN = "no-run"
# What a program in the documentation may need beyond the library itself.
OPTIONAL = ("cupy", "matplotlib", "rich", "scipy", "sklearn")


def python_blocks(text: str) -> list[str]:
    found = []
    for match in _BLOCK.finditer(text):
        indent, language, rest, body = match.groups()
        if language == "python" and NO_RUN not in rest:
            line = text[: match.start(4)].count("\n")
            # the empty lines keep line numbers of an error those of the page
            lines = [row.removeprefix(indent) for row in body.splitlines()]
            found.append((line, "\n".join(lines)))
    program, here = "", 0
    for line, body in found:
        program += "\n" * (line - here) + body + "\n"
        here = line + body.count("\n") + 1
    return [program] if program else []


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


PROGRAMS = [(page, program) for page in PAGES for program in python_blocks(page.read_text())]


@pytest.mark.parametrize(("page", "program"), PROGRAMS, ids=[page_id(page) for page, _ in PROGRAMS])
def test_programs_of_a_page_run(page, program, tmp_path, monkeypatch):
    for library in OPTIONAL:
        if re.search(rf"^\s*(import|from) {library}\b", program, re.MULTILINE):
            pytest.importorskip(library, reason=f"{page_id(page)} needs {library}")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, page_id(page), "exec"), {"__name__": "__main__"})


def headings(text: str) -> set[str]:
    """Anchors of a page, as GitHub and Sphinx make them."""
    plain = _BLOCK.sub("", text)
    titles = re.findall(r"^#+ +(.*)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    broken = []
    for match in _LINK.finditer(_BLOCK.sub("", page.read_text())):
        target = match[1] or match[2]
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        is_page = file.exists() and file.suffix == ".md"
        if not file.exists() or (anchor and is_page and anchor not in headings(file.read_text())):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=page_id)
def test_every_page_is_listed_in_the_index(page):
    index = ROOT / "docs" / "index.md"
    if page == index:
        return
    assert f"]({page.relative_to(index.parent).as_posix()})" in index.read_text()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_a_page_names_exist(page):
    named = re.findall(
        r"`((?:anygrad|tests|docs|ci|examples|benchmarks)/[\w./-]+)`", page.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_reference_names_modules_that_exist():
    text = (ROOT / "docs" / "reference.md").read_text()
    named = re.findall(r"^\.\. automodule:: (\S+)", text, re.MULTILINE)
    assert named
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


def test_the_reference_has_every_public_name():
    text = (ROOT / "docs" / "reference.md").read_text()
    named = set(re.findall(r"^\.\. automodule:: (\S+)", text, re.MULTILINE))
    shown = {
        id(getattr(importlib.import_module(module), name))
        for module in named
        for name in importlib.import_module(module).__all__
    }
    missing = [
        name
        for name in ag.__all__
        if f"anygrad.{name}" not in named and id(getattr(ag, name)) not in shown
    ]
    assert missing == []


def test_the_readme_shows_what_it_is_in_ten_lines_of_code_or_so():
    (program,) = python_blocks((ROOT / "README.md").read_text())
    lines = [line for line in program.splitlines() if line.strip() and "import" not in line]
    assert len(lines) <= 14


def test_blocks_are_found_and_marked_ones_left_out():
    page = "# A\n\n```python\na = 1\n```\ntext\n```python no-run\nb = 1\n```\n```bash\nls\n```\n"
    (program,) = python_blocks(page)
    scope: dict = {}
    exec(program, scope)
    assert scope["a"] == 1
    assert "b" not in scope
    assert program.index("a = 1") == page.count("\n", 0, page.index("a = 1"))
    assert headings("# How to *clip*?\n## `fit` and x\n") == {"how-to-clip", "fit-and-x"}
