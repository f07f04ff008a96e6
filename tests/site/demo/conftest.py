"""The built demo on a local web server, and a browser to open it in."""

import functools
import importlib.util
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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
    """Serves files of a folder without a line for each; connections stay open, as those of every web server do."""

    protocol_version = "HTTP/1.1"

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
