"""The check of the built pages finds what is broken: each test plants one fault."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("check_site", ROOT / "ci" / "check_site.py")
check_site = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_site)

HEAD = "<!doctype html><html><head><title>t</title></head><body>"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "other.html").write_text(f'{HEAD}<h1 id="part">x</h1></body></html>')
    return tmp_path


def faults(site, body):
    (site / "index.html").write_text(f"{HEAD}{body}</body></html>")
    return check_site.find_faults(site)


def test_a_whole_page_has_no_faults(site):
    body = '<a href="other.html#part">x</a><img src="picture.svg" alt="a picture">'
    assert faults(site, body + '<a href="https://numpy.org">out</a><a href="#">top</a>') == []


BROKEN = {
    '<a href="gone.html">x</a>': "links to gone.html, which does not exist",
    '<a href="other.html#gone">x</a>': "has no such anchor",
    '<a href="#gone">x</a>': "has no such anchor",
    '<img src="gone.svg" alt="a">': "loads gone.svg, which does not exist",
    '<img src="picture.svg">': "without a description",
    '<script src="https://example.org/x.js"></script>': "from outside",
    '<link rel="stylesheet" href="//example.org/x.css">': "from outside",
}


@pytest.mark.parametrize("body", BROKEN)
def test_faults_are_named(site, body):
    (fault,) = faults(site, body)
    assert BROKEN[body] in fault
    assert fault.startswith("index.html: ")


def test_a_folder_without_pages_is_a_fault(tmp_path):
    assert check_site.main([str(tmp_path)]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("fine", None),
        ("<script>console.error('planted')</script>", "planted"),
        ("<script>throw new Error('thrown')</script>", "thrown"),
        ('<img src="gone.svg" alt="a">', "404"),
    ],
)
def test_the_console_of_a_browser_is_read(site, body, words):
    browser = check_site.find_browser()
    if browser is None:
        pytest.skip("Chromium is not installed")
    icon = '<link rel="icon" href="data:,">'
    for page in site.glob("*.html"):
        page.unlink()
    text = HEAD.replace("<body>", "").replace("</head>", f"{icon}</head>")
    (site / "index.html").write_text(f"{text}<body>{body}</body></html>")
    found = check_site.find_faults_in_browser(site, browser)
    assert (found == []) if words is None else words in " ".join(found)


@pytest.fixture(scope="module")
def measured():
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    spec = importlib.util.spec_from_file_location("measured", ROOT / "docs/_ext/measured.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_column_of_parity_is_summed_up(measured):
    found = {
        "made": "2001-02-03",
        "versions": {"cupy": "14.2"},
        "devices": {"cupy": "Planted 9"},
        "rows": [
            {"dtype": "float64", "differences": {"cupy": 1e-15}},
            {"dtype": "complex128", "differences": {"cupy": 3e-15}},
            {"dtype": "float32", "differences": {"cupy": 1e-6}},
        ],
    }
    expected = ["cupy", "14.2", "Planted 9", "2", "3.0e-15", "2001-02-03"]
    assert measured.summarise(found, "cupy") == expected
    found["rows"][0]["differences"]["cupy"] = None
    assert measured.summarise(found, "cupy")[4] == "3.0e-15, 1 failed"


def test_the_newest_table_of_each_gpu_is_shown(measured, tmp_path):
    names = ["2001-02-03-a-parity", "2001-02-04-a-parity", "2001-01-01-b-parity", "2001-02-05-a"]
    for name in names:
        (tmp_path / f"{name}.json").write_text("{}")
    assert [path.stem for path in measured.newest_on_gpus(tmp_path)] == names[2:0:-1]
