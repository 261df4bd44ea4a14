"""Headless browsers for the tests of pages, and a server for what they show."""

import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def start(width: int = 1000, height: int = 900, traced: bool = False) -> webdriver.Chrome:
    """A browser whose window has this size in pixels; the caller quits it. Traced, its log has all tasks."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium, "these tests need chromium: apt-get install chromium chromium-driver"
    assert driver, "these tests need chromedriver: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.add_argument("--force-device-scale-factor=1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if traced:
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        preferences = {"traceCategories": "toplevel", "enableNetwork": False, "enablePage": False}
        options.add_experimental_option("perfLoggingPrefs", preferences)
    return webdriver.Chrome(options, Service(driver))


class Site(NamedTuple):
    """A folder that is served.

    Attributes:
        address: of the folder, with a slash behind it.
        asked: the path of every request so far, without what stands behind a question mark.
        told: the JSON that pages sent, by POST to any address.
    """

    address: str
    asked: list[str]
    told: "queue.Queue[Any]"


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serves a folder to this machine."""
    asked: list[str] = []
    told: queue.Queue[Any] = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            asked.append(self.path.partition("?")[0])

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(f"http://127.0.0.1:{server.server_port}/", asked, told)
    server.shutdown()
    server.server_close()


@contextmanager
def visiting(browser: str, address: str) -> Iterator[None]:
    """Lets a browser, chromium or firefox-esr, show a page that reports by itself; nothing drives it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = {
            "chromium": ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"],
            "firefox-esr": ["--headless", "--no-remote", "--profile", profile],
        }
        process = subprocess.Popen(
            [browser, *words[browser], address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
