"""Runs the programs under test, and ends them with all that they started."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.limits import HANG_S

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    """How a program ended.

    Attributes:
        status: Its exit status.
        stdout: What it printed.
        stderr: What it complained of.
    """

    status: int
    stdout: str
    stderr: str


def run_program(*arguments, folder, limit_s=HANG_S) -> Ended:
    """Run Python with these arguments in a folder.

    What it prints goes into files: a pipe is at its end only when all that the program started have ended too.

    Raises:
        TimeoutError: If it takes too long; it is ended then, and the message has the end of what it said.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        settings = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "start_new_session": True}
        program = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=stdout, stderr=stderr, **settings)
        try:
            program.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"not done after {limit_s} seconds: {_text(stdout)[-500:]}{_text(stderr)[-2000:]}"
            ) from None
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()
        return Ended(program.returncode, _text(stdout), _text(stderr))


def _text(file):
    file.seek(0)
    return file.read()
