"""A contestant in a process of its own: in another virtual environment, or from an earlier version of this project.

:class:`Elsewhere` starts this file as a program and asks it for rates, so that contestants of different environments
still alternate on one core.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


Clock = Callable[[], float]


def processor_time() -> float:
    """Return the processor seconds of this process and of its children that have ended.

    For work on one core that is about the wall-clock time of an idle machine; other programs disturb it less.
    """
    return time.process_time() + sum(os.times()[2:4])


CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "processor": processor_time}


class NotThere(Exception):
    """A contestant cannot be measured; the message says why."""


class Elsewhere:
    """A contestant in another process.

    Args:
        function: "module:function", which returns a contestant; the module lies in this folder.
        *arguments: Arguments of the function, plain values.
        python: The interpreter; None for the one that runs this program.
        path: Folder of the project that is imported, in place of this one.
        **settings: Keyword arguments of the function, plain values.

    Raises:
        NotThere: If the contestant cannot be set up.
    """

    def __init__(
        self, function: str, *arguments: Any, python: str | None = None, path: Path | None = None, **settings: Any
    ) -> None:
        environment = {**os.environ, **ONE_THREAD}
        if path is not None:
            environment["PYTHONPATH"] = str(path)
        command = [python or sys.executable, __file__, function, json.dumps([arguments, settings])]
        if not Path(command[0]).exists():
            raise NotThere(f"there is no {command[0]}: run `make bench`")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        answer = self._answer()
        if answer != "ready":
            self.close()
            raise NotThere(answer)

    def rate(self, seconds: float, clock: str = "wall") -> float:
        """Return the rate over at least this many seconds of a clock, in units per second."""
        assert self._process.stdin is not None
        print(seconds, clock, file=self._process.stdin, flush=True)
        return float(self._answer())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip() or "its process has ended"


def rate(contestant: Callable[[], int] | Elsewhere, seconds: float, clock: str = "wall") -> float:
    """Call a contestant for at least this many seconds of a clock, and return its rate in units per second."""
    if isinstance(contestant, Elsewhere):
        return contestant.rate(seconds, clock)
    now = CLOCKS[clock]
    units, start = 0, now()
    while (taken := now() - start) < seconds or units == 0:
        units += contestant()
    return units / taken


def use_one_core() -> None:
    """Keep this process and its children on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def serve(function: str, arguments: list[Any], settings: dict[str, Any]) -> None:
    """Set up a contestant, say so, and answer every line with a rate."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    module, _, name = function.partition(":")
    try:
        contestant = getattr(importlib.import_module(module), name)(*arguments, **settings)
        contestant()
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=answers, flush=True)
        return
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        seconds, clock = line.split()
        print(rate(contestant, float(seconds), clock), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], *json.loads(sys.argv[2]))
