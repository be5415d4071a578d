"""Is every built page whole? Links, anchors, images, and what a browser says on its console.

``check_site.py FOLDER``: reads every page; where Chromium is installed, opens each one in it,
served by this machine. Prints what is wrong and exits with 1.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-quic"),
    *("--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom"),
)
CHATTER = '"[PST]'  # what the theme tells of itself
# What a page loads; plain links (a href) may lead outside.
LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "srcset"}


class Page(HTMLParser):
    """The anchors of a page, what it loads and where it links."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.without_alt: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[k] for k in ("id", "name") if k in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if (
            tag in LOADS
            and LOADS[tag] in found
            and found.get("rel") not in ("search", "next", "prev")
        ):
            self.loads.append(found[LOADS[tag]])
        if tag == "img" and not found.get("alt"):
            self.without_alt.append(found.get("src", ""))


def pages_of(site: Path) -> list[Path]:
    """The pages; the theme's own templates in _static are none."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def find_faults(site: Path) -> list[str]:
    """What is broken in the files themselves."""
    pages = {path: Page(path.read_text()) for path in pages_of(site)}
    faults = [] if pages else [f"{site}: no page"]
    for path, page in pages.items():
        name = path.relative_to(site)
        for target in page.loads:
            if urlsplit(target).scheme in ("http", "https") or target.startswith("//"):
                faults.append(f"{name}: loads {target} from outside")
            elif not target.startswith("data:") and not resolve(path, target).exists():
                faults.append(f"{name}: loads {target}, which does not exist")
        faults += [f"{name}: image {image} without a description" for image in page.without_alt]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            file = resolve(path, link) if parts.path else path
            if not file.exists():
                faults.append(f"{name}: links to {link}, which does not exist")
            elif (
                parts.fragment
                and file in pages
                and unquote(parts.fragment) not in pages[file].anchors
            ):
                faults.append(f"{name}: links to {link}, which has no such anchor")
    return faults


def resolve(page: Path, target: str) -> Path:
    """The file that a relative address means."""
    return (page.parent / unquote(urlsplit(target).path)).resolve()


def find_browser() -> str | None:
    """Chromium, if it is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def find_faults_in_browser(site: Path, browser: str) -> list[str]:
    """What the console of a browser says to each page."""
    faults = []
    failed: list[str] = []
    with serve(site, failed) as address, tempfile.TemporaryDirectory() as profile:
        for path in pages_of(site):
            name = path.relative_to(site).as_posix()
            command = [browser, *FLAGS, f"--user-data-dir={profile}", f"{address}/{name}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if "</html>" not in done.stdout:
                faults.append(f"{name}: the browser shows nothing: {done.stderr[-300:]}")
            for message in re.findall(r":CONSOLE[^\]]*\] (.*)", done.stderr):
                if not message.startswith(CHATTER):
                    faults.append(f"{name}: console: {message}")
            faults += [f"{name}: {request}: 404" for request in failed]
            failed.clear()
    return faults


@contextlib.contextmanager
def serve(folder: Path, failed: list[str]) -> Iterator[str]:
    """The folder on a free port of this machine; requests that fail are noted."""

    class Server(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def send_error(self, code: int, *args: object, **keywords: object) -> None:
            if self.path != "/favicon.ico":
                failed.append(self.path)
            super().send_error(code, *args, **keywords)

    handler = functools.partial(Server, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main(arguments: list[str]) -> int:
    site = Path(arguments[0])
    faults = find_faults(site)
    browser = find_browser()
    if browser is None:
        print("not opened in a browser: Chromium is not installed")
    else:
        faults += find_faults_in_browser(site, browser)
    for fault in faults:
        print(fault)
    where = "" if browser is None else ", opened in a browser"
    print(f"{len(pages_of(site))} pages, {len(faults)} faults{where}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
