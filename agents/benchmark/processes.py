"""Executes runs in separate processes: on this machine, or started by tasks of a Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from agents.benchmark.plan import Job
from agents.experiments.queue import Queue
from agents.locks import TemporaryFolder

FOLDER_PREFIX = "ram-benchmark-"
"""Start of the names of the temporary folders, one per run in progress."""
_POLL_SECONDS = 0.02
_LOG_CHARACTERS = 6000
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class Outcome(NamedTuple):
    """The outcome of a run.

    Attributes:
        job: The run.
        result: Its result; None if it failed.
        problem: Why it failed, in one line; None if it did not.
        log: The end of its output.
    """

    job: Job
    result: dict[str, Any] | None
    problem: str | None = None
    log: str = ""


class Process:
    """The process of a run.

    Args:
        job: The run.
        search_path: Further folders to import a user's own algorithms from.
    """

    def __init__(self, job: Job, search_path: Sequence[str] = ()) -> None:
        self.job = job
        self._ended = False  # its id may be another process's after that
        self._folder = TemporaryFolder(FOLDER_PREFIX)
        self._result = self._folder.path / "result.json"
        self._log = self._folder.path / "log.txt"
        # What the run itself puts into the temporary directory goes with this folder, even if the run is killed.
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._folder.path))
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agents.benchmark.worker", str(self._result)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **temporary, **dict.fromkeys(_THREAD_VARIABLES, str(job.threads))},
                start_new_session=True,  # Ctrl-C goes to this process only, which then ends the runs
            )
        try:
            self._write({"job": job.to_dict(), "search_path": list(search_path)})
        except BrokenPipeError:
            pass  # it has ended already; see its outcome

    def running(self) -> bool:
        """Whether it is still running."""
        return self._process.poll() is None

    def outcome(self) -> Outcome:
        """Wait for its end, and return the outcome."""
        status = self._process.wait()
        log = self._log.read_text(encoding="utf-8", errors="replace")[-_LOG_CHARACTERS:]
        try:
            if status == 0:
                return Outcome(self.job, json.loads(self._result.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return Outcome(self.job, None, "its process ended without a result", log)
        finally:
            self.end()
        lines = log.strip().splitlines()
        by_signal = f"its process was ended by {signal.Signals(-status).name}" if status < 0 else None
        return Outcome(
            self.job, None, by_signal or (lines[-1] if lines else f"its process ended with status {status}"), log
        )

    def end(self) -> None:
        """End it if it is still running, with the processes that it started, and clean up."""
        if not self._ended:
            self._ended = True
            _kill_group(self._process)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._folder.remove()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has a session of its own, and whatever is left of its group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # nothing is left; macOS says so with the second
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def run_here(jobs: Queue[Job], workers: int, search_path: Sequence[str] = ()) -> Iterator[Outcome]:
    """Execute runs on this machine, and yield the outcome of each as it ends.

    Args:
        jobs: The runs.
        workers: Number of runs in parallel.
        search_path: See :class:`Process`.
    """
    running: list[Process] = []
    try:
        while jobs or running:
            while len(running) < workers and (job := jobs.take()) is not None:
                running.append(Process(job, search_path))
            ended = [process for process in running if not process.running()]
            for process in ended:
                running.remove(process)
                yield process.outcome()
                jobs.release(process.job)
            if not ended:
                time.sleep(_POLL_SECONDS)
    finally:
        for process in running:
            process.end()


def run_on_ray(jobs: Queue[Job], address: str | None, search_path: Sequence[str] = ()) -> Iterator[Outcome]:
    """Execute runs as tasks of a Ray cluster, as many in parallel as it has processors for, and yield the outcomes.

    The package and the modules of a user's own algorithms must be installed on every node.

    Args:
        jobs: The runs.
        address: As for ``ray.init``; None starts Ray on this machine.
        search_path: See :class:`Process`.

    Raises:
        ConnectionError: If the cluster does not answer.
        DependencyNotInstalled: If Ray is missing.
    """
    from agents.integrations.ray_cluster import connect_ray

    connect_ray(address, timeout_s=20.0)
    import ray

    # A task that is lost with its node fails its run only, which the next call of the benchmark repeats.
    task = ray.remote(max_retries=0)(run_one)
    job_of: dict[Any, Job] = {}
    while (job := jobs.take()) is not None:
        job_of[task.options(num_cpus=job.threads, name=job.title).remote(job, list(search_path))] = job
    waiting = list(job_of)
    try:
        while waiting:
            [reference], waiting = ray.wait(waiting, num_returns=1)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                lines = str(error).strip().splitlines()
                yield Outcome(
                    job_of[reference], None, f"its Ray task was lost ({type(error).__name__})", "\n".join(lines)
                )
            jobs.release(job_of[reference])
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)


def run_one(job: Job, search_path: Sequence[str] = ()) -> Outcome:
    """Execute one run in a separate process, and wait for it."""
    process = Process(job, search_path)
    try:
        return process.outcome()
    finally:
        process.end()
