"""The command as people run it: in a process of its own, or in this one; and runs to use it on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli import main
from tests.limits import HANG_S

ROOT = Path(__file__).parents[3]
NETWORK = ["--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8", "--log-every=1"]
DIGITS = ["train", "RAM-Digits-v0", *NETWORK, "--num-envs=32", "--epochs=1", "--device=cpu"]
CATCH = ["train", "RAM-CatchGame-v0", *NETWORK, "--num-envs=8", "--minibatches=2", "--update-epochs=1", "--device=cpu"]
THIRD_TASK = '''
from dataclasses import dataclass

import ram_envs
from ram_envs.tasks import Catch


@dataclass(frozen=True, kw_only=True)
class Basket(Catch):
    """A game of somebody else.

    ## Arguments
    - ``bounce`` (0.5): how much speed the ball keeps; it has
      no effect here.
    - ``corners`` ((0.0, 1.0)): two numbers.
    """

    bounce: float = 0.5
    corners: tuple[float, float] = (0.0, 1.0)
    fast: bool = False


ram_envs.register("Basket-v0", Basket, screen_size=8)
'''
"""A task from outside the package."""


def start_ram(*arguments, folder, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy"}
    return subprocess.Popen(
        [sys.executable, "-m", "agents.cli", *map(str, arguments)],
        cwd=folder,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_ram(*arguments, folder, **variables):
    process = start_ram(*arguments, folder=folder, **variables)
    stdout, stderr = process.communicate(timeout=HANG_S)
    return process.returncode, stdout, stderr


@pytest.fixture(scope="session")
def start():
    """Starts `ram` in a folder, and returns its process."""
    return start_ram


@pytest.fixture(scope="session")
def ram():
    """Runs `ram` in a folder, and returns its exit status, standard output and standard error."""
    return run_ram


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail, and returns the one line that explains it."""

    def refuse(*arguments):
        capsys.readouterr()
        assert main(list(map(str, arguments))) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].startswith(f"ram {arguments[0]}: "), lines
        return lines[0]

    return refuse


@pytest.fixture(scope="session")
def digits_options():
    """The command line of a tiny run on the digits, without a folder."""
    return DIGITS


@pytest.fixture(scope="session")
def catch_options():
    """The command line of a tiny run on Catch, without a length and a folder."""
    return CATCH


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The folder of a tiny run on the digits, and what the command printed."""
    folder = tmp_path_factory.mktemp("digits")
    status, stdout, stderr = run_ram(*DIGITS, "--num-glimpses=3", "--out=run", folder=folder)
    assert status == 0, stderr
    return folder / "run", stdout


@pytest.fixture(scope="session")
def catch(tmp_path_factory):
    """The folder of a tiny run on Catch, made without --out, and what the command printed."""
    folder = tmp_path_factory.mktemp("catch")
    status, stdout, stderr = run_ram(*CATCH, "--frames=400", "--seed=3", folder=folder)
    assert status == 0, stderr
    (run,) = (folder / "runs").iterdir()
    return run, stdout


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder, the current one, with a module that registers a task of its own."""
    (tmp_path / "somebody.py").write_text(THIRD_TASK)
    monkeypatch.chdir(tmp_path)
    return tmp_path
