"""The built site behind a local web server, and Chromium."""

import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser import open_browser


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files of a folder without a line for each."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    """The folder of the built site; `make test-site` builds it first."""
    folder = Path(os.environ.get("RAM_SITE", "build/site")).resolve()
    assert (folder / "index.html").exists(), f"{folder} holds no site: run make test-site, or make docs first"
    return folder


@pytest.fixture(scope="session")
def address(site):
    """The address of the site's web server."""
    handler = functools.partial(QuietHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser():
    driver = open_browser()
    yield driver
    driver.quit()
