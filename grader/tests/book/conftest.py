"""Fixtures for the tests of the built book: the site, a server for it, and a browser."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from .small import ROOT

sys.path += [str(ROOT / "book" / folder) for folder in ("extensions", "kit")]
import build

CHROMIUM = Path("/usr/bin/chromium")
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
MOST_SECONDS = 3600  # for the build of the whole book, which does not count as a test's time


def build_book(source: Path) -> subprocess.CompletedProcess[str]:
    """Run `jupyter-book build` with every warning an error; standard error is in stdout."""
    command = [*JUPYTER_BOOK, "build", str(source), "-W", "-n", "--keep-going"]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the time limit of a test that needs the site begin when the site is there."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(func_only=True))


@pytest.fixture(scope="session")
def site() -> Path:
    """The site that `make book` left, if it is up to date; built here otherwise."""
    if not build.up_to_date():
        result = subprocess.run(
            [sys.executable, build.__file__, "--if-stale"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=MOST_SECONDS,
        )
        assert result.returncode == 0, result.stdout[-4000:]
    return ROOT / "_build" / "html"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (inherited name)
        """Say nothing."""


@pytest.fixture(scope="package")
def address(site: Path) -> Iterator[str]:
    """Base address of a local server for the site."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which cannot look up any host name."""
    if not CHROMIUM.exists():
        if "CI" in os.environ:
            pytest.fail(f"{CHROMIUM} is missing; install Debian's chromium package")
        pytest.skip(f"{CHROMIUM} is missing")
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield instance
        instance.close()


class Visit:
    """One browser tab that remembers what went wrong on its page."""

    def __init__(self, browser: Browser, address: str, *, width: int, scheme: str) -> None:
        self.address = address
        self.troubles: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.page = self.context.new_page()
        self.page.on("request", lambda r: self._request(r.url))
        self.page.on("pageerror", lambda e: self.troubles.append(f"exception: {e}"))
        self.page.on(
            "response",
            lambda r: self.troubles.append(f"{r.status}: {r.url}") if r.status >= 400 else None,
        )
        self.page.on(
            "console",
            lambda m: self.troubles.append(f"console: {m.text}") if m.type == "error" else None,
        )

    def _request(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.troubles.append(f"request to another host: {url}")

    def open(self, path: str) -> None:
        """Load a page and wait until its formulas are set."""
        self.page.goto(f"{self.address}/{path}")
        self.page.evaluate("() => window.MathJax?.startup?.promise")


@pytest.fixture
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A tab; parametrise indirectly with (width, scheme), else 1280 pixels and light."""
    width, scheme = getattr(request, "param", (1280, "light"))
    tab = Visit(browser, address, width=width, scheme=scheme)
    yield tab
    tab.context.close()
