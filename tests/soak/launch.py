"""Starts `ram train` in four ways, signals it, and waits for its end.

| launch | what runs |
|---|---|
| "process" | `python -m agents.cli train ...`, as a user starts it |
| "torchrun" | two processes that `torchrun` starts |
| "fork" | ``agents.cli.main(["train", ...])`` in a process forked from this one, which has imported everything |
| "fork x 2" | two forked processes with the environment variables that `torchrun` sets |

A forked process skips the imports, which take seconds, so that most kills hit the training. From ``main`` on it runs
the same code.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LAUNCHES = ("fork", "process", "fork x 2", "torchrun")
HANG_S = 300.0
"""A process that a signal was sent to has to end within this time, also on a busy machine."""
GRACE_S = 4.0
"""Of two processes, when one has ended: the time that the other one gets to notice, before it is killed too."""
_POLL_S = 0.005


class Ending(NamedTuple):
    """How a launch ended.

    Attributes:
        statuses: Exit statuses of its processes; negative for a signal, as :mod:`subprocess` has them.
        log: What they printed.
    """

    statuses: tuple[int, ...]
    log: str

    @property
    def complete(self) -> bool:
        """Whether all processes have done their work."""
        return not any(self.statuses)


class Launch:
    """One start of `ram train`, by one or two processes.

    Args:
        how: One of :data:`LAUNCHES`.
        arguments: The arguments of `ram`.
        folder: The current folder of the processes.
    """

    def __init__(self, how: str, arguments: Sequence[str], folder: Path) -> None:
        self.how, self._log = how, folder.with_name(f"{folder.name}.log")  # beside it: the folder's disk may be full
        self._launcher: subprocess.Popen[bytes] | None = None
        self._statuses: dict[int, int | None] = {}  # of forked processes, by process id
        self._log.write_bytes(b"")
        if how in ("process", "torchrun"):
            torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
            command = [sys.executable, "-m", *(torchrun if how == "torchrun" else []), "agents.cli", *arguments]
            with open(self._log, "ab") as log:
                self._launcher = subprocess.Popen(
                    command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            return
        number = 2 if how == "fork x 2" else 1
        port = str(_free_port())
        for rank in range(number):
            variables = {} if number == 1 else _torchrun_variables(rank, number, port)
            self._statuses[_fork(arguments, folder, self._log, variables)] = None

    def running(self) -> bool:
        """Whether all of its processes are running."""
        if self._launcher is not None:
            return self._launcher.poll() is None
        for pid, status in self._statuses.items():
            if status is None:
                self._statuses[pid] = _poll(pid)
        return all(status is None for status in self._statuses.values())

    def send(self, number: int, chance: random.Random) -> None:
        """Send a signal to one of the processes, or to all.

        `torchrun` itself gets SIGTERM and SIGINT, which it passes on; SIGKILL goes to one of its workers, or to all
        processes at once.
        """
        if self._launcher is None:
            alive = [pid for pid, status in self._statuses.items() if status is None]
            targets = alive if chance.random() < 0.5 else alive[:1] if chance.random() < 0.5 else alive[-1:]
        elif self.how == "torchrun" and number == signal.SIGKILL:
            workers = _children(self._launcher.pid)
            everyone = [self._launcher.pid, *workers]
            targets = [chance.choice(workers)] if workers and chance.random() < 0.5 else everyone
        else:
            targets = [self._launcher.pid]
        for pid in targets:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self) -> Ending:
        """Wait for the end of all processes.

        Raises:
            TimeoutError: If that takes longer than :data:`HANG_S`; they are killed then.
        """
        end = time.monotonic() + HANG_S
        try:
            if self._launcher is not None:
                try:
                    self._launcher.wait(HANG_S)
                except subprocess.TimeoutExpired:
                    raise TimeoutError(f"{self.how}: running after {HANG_S:g} s") from None
                return self._ending((self._launcher.returncode,))
            ended_at: float | None = None
            while any(status is None for status in self._statuses.values()):
                if not self.running():
                    ended_at = ended_at or time.monotonic()
                    failed = any(self._statuses.values())
                    if failed and time.monotonic() - ended_at > GRACE_S:  # as torchrun does
                        self._kill_all()
                if time.monotonic() > end:
                    raise TimeoutError(f"{self.how}: running after {HANG_S:g} s")
                time.sleep(_POLL_S)
            return self._ending(tuple(status or 0 for status in self._statuses.values()))
        finally:
            self._kill_all()

    def _ending(self, statuses: tuple[int, ...]) -> Ending:
        return Ending(statuses, self._log.read_text(encoding="utf-8", errors="replace"))

    def _kill_all(self) -> None:
        if self._launcher is not None:
            left = [*_children(self._launcher.pid), *([self._launcher.pid] if self._launcher.poll() is None else [])]
        else:
            left = [pid for pid, status in self._statuses.items() if status is None]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def import_everything() -> None:
    """Import what a training imports, and load the digits and the compiled kernels: forked processes have them."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401
    import PIL.Image
    import sklearn.datasets  # noqa: F401
    import torch._dynamo
    import torch.utils.tensorboard  # noqa: F401

    import agents.cli.runs
    import agents.cli.train
    import agents.training.games
    import agents.training.hybrid  # noqa: F401
    import ram_envs  # noqa: F401
    from ram_envs import make_task
    from ram_envs.scenes.datasets import load_dataset

    PIL.Image.init()
    load_dataset("digits", "train")
    make_task("RAM-CatchGame-v0")


def _fork(arguments: Sequence[str], folder: Path, log: Path, variables: Mapping[str, str]) -> int:
    """Run `ram` in a forked process, and return its id. Nothing of this process is cleaned up there."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(variables)
        atexit._clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        from agents.cli import main

        status = main(list(arguments))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _poll(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started, and that are still its children."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                children.append(int(stat.parent.name))
    return children


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _torchrun_variables(rank: int, number: int, port: str) -> dict[str, str]:
    ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(number), "LOCAL_WORLD_SIZE": str(number)}
    return {**ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "soak"}
