"""The built demo on a local web server, and a browser to open it in."""

import functools
import importlib.util
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.browser import open_browser

ROOT = Path(__file__).parents[3]


def load_build():
    """Import docs/demo/build.py, which is a program in a folder that is no package."""
    spec = importlib.util.spec_from_file_location("demo_build", ROOT / "docs" / "demo" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files of a folder without a line for each; connections stay open, as those of every web server do.

    A file whose name is in ``held`` is sent once its event is set.
    """

    protocol_version = "HTTP/1.1"
    held: ClassVar[dict[str, threading.Event]] = {}

    def do_GET(self):
        released = self.held.get(self.path.rpartition("/")[2])
        if released:
            released.wait(60)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def builder():
    return load_build()


@pytest.fixture(scope="session")
def site(builder, tmp_path_factory):
    """A folder with the built demo in ``demo/``, for further files that the server gives out."""
    folder = tmp_path_factory.mktemp("site")
    builder.build(folder / "demo")
    return folder


@pytest.fixture(scope="session")
def suite(site):
    """What the page knows about its tasks."""
    return json.loads((site / "demo" / "data" / "suite.json").read_text())


@pytest.fixture(scope="session")
def server(site):
    """The address of the folder."""
    handler = functools.partial(QuietHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser():
    driver = open_browser()
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture
def hold(browser):
    """Make the server hold a file back; return a function that lets it go."""
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})

    def hold_file(name):
        QuietHandler.held[name] = threading.Event()
        return QuietHandler.held[name].set

    yield hold_file
    for released in QuietHandler.held.values():
        released.set()
    QuietHandler.held.clear()
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
