"""The folder of strangers.py is on the path, here and in the processes that the tests start."""

import os
import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parent)
sys.path.append(FOLDER)


@pytest.fixture(scope="session", autouse=True)
def strangers_on_the_path():
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), FOLDER)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        yield
