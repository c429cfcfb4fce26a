"""Open the built site in the machine's own Chromium, without a window, and see
what a reader sees.

Playwright drives it; the browser is Debian's and Ubuntu's package ``chromium``,
or any other found here or named by the variable CHROMIUM.
"""

import gzip
import os
import shutil
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import sync_playwright

NAMES = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
]
MISSING = (
    "no Chromium was found: install the system package chromium, or name a"
    " browser with CHROMIUM=…"
)
# no sandbox, since containers run as root; no errands of the browser's own
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".txt"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def find_browser():
    """Return the path of a Chromium, or None."""
    named = os.environ.get("CHROMIUM")
    return next(
        filter(None, map(shutil.which, [named] if named else NAMES)), None
    )


@contextmanager
def open_browser():
    """Start the browser, yield it, close it.

    Raises
    ------
    FileNotFoundError
        If there is none; the message names the package.
    """
    path = find_browser()
    if path is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


class Handler(SimpleHTTPRequestHandler):
    """Serves files as hosts of sites do, text compressed, without a word on the
    terminal.
    """

    def do_GET(self):
        """Send a file, compressed if it is text and the browser takes it so."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix not in COMPRESSED or "gzip" not in self.headers.get(
            "Accept-Encoding", ""
        ):
            return super().do_GET()
        if not path.is_file():
            return self.send_error(404)
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        for name, value in (
            ("Content-Type", self.guess_type(path)),
            ("Content-Encoding", "gzip"),
            ("Content-Length", len(body)),
        ):
            self.send_header(name, str(value))
        self.end_headers()
        return self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def serve(folder):
    """Serve a folder on this machine alone, yield its address."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def set_mode(page, mode):
    """Switch a page of the site to the light or the dark mode."""
    page.evaluate(
        "mode => Object.assign(document.documentElement.dataset, {mode, theme:"
        " mode})",
        mode,
    )


if __name__ == "__main__":
    if find_browser() is None:
        sys.exit(MISSING)
    print(find_browser())
