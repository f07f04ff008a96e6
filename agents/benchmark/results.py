"""The folder of a benchmark: one JSON file per run, written when the run ends and never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.benchmark.plan import Job
from agents.benchmark.run import FORMAT
from agents.benchmark.schema import result_problem
from agents.experiments.files import ResultError, write_result
from agents.experiments.queue import Queue
from agents.files import remove_part_files, set_aside, write_atomically
from agents.terminal import notice
from agents.untrusted import one_line, read_json, shown

RUNS, FAILED = "runs", "failed"


@dataclass(frozen=True)
class Results:
    """The folder of a benchmark.

    Attributes:
        folder: The folder: runs/ENVIRONMENT/ALGORITHM/seed-0.json and so on, and failed/ with the logs of failed runs.
    """

    folder: Path

    def missing(self, jobs: Sequence[Job]) -> Queue[Job]:
        """Return the queue of the jobs that have no result yet; damaged results are named on stderr.

        Raises:
            ResultError: If a job has a result of other settings or of a newer version.
            OSError: If the folder cannot be written, or a file cannot be read.
        """
        (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
        for folder in [*self.folder.glob(f"{RUNS}/*/*"), *self.folder.glob(f"{FAILED}/*/*")]:
            remove_part_files(folder)
        for job in jobs:
            try:
                _read(self.file(job))
            except FileNotFoundError:
                continue
            except _DamagedError as error:
                notice(f"{self.file(job)} is damaged ({error}): the run is done again")
        return Queue(jobs, self.has, (self.folder,))

    def has(self, job: Job) -> bool:
        """Whether a job has a result; a damaged file does not count.

        Raises:
            ResultError: If it has a result of other settings or of a newer version.
            OSError: If the file cannot be read.
        """
        file = self.file(job)
        try:
            found = _read(file)["job"]
        except (FileNotFoundError, _DamagedError):
            return False
        expected = json.loads(json.dumps(job.to_dict()))
        different = [
            f"{key}={shown(found.get(key))}, not {shown(expected[key])}"
            for key in expected
            if found.get(key) != expected[key]
        ]
        if different:
            raise ResultError(
                f"{file} is the result of another plan, with {'; '.join(different)}: choose another folder for this "
                "one, or remove the file to do the run again"
            )
        return True

    def write(self, job: Job, result: dict[str, Any]) -> None:
        """Write the result of a run atomically; the caller holds the lock of the job.

        A file that is there is damaged, since its run was done again. It is kept under another name.

        Raises:
            OSError: If the result cannot be written.
        """
        file = self.file(job)
        if file.exists():
            notice(f"{file} was damaged: kept as {set_aside(file).name}")
        write_result(file, result)
        self.log_file(job).unlink(missing_ok=True)

    def write_log(self, job: Job, text: str) -> None:
        """Write what a failed run has printed."""
        write_atomically(self.log_file(job), text.encode(errors="backslashreplace"))

    def read(self) -> list[dict[str, Any]]:
        """Return the results of all runs.

        Raises:
            ResultError: If there are none, or a file is damaged or of a newer version.
            OSError: If a file cannot be read.
        """
        results = []
        for file in sorted((self.folder / RUNS).glob("*/*/seed-*.json")):
            try:
                results.append(_read(file))
            except _DamagedError as error:
                raise ResultError(
                    f"{file} is not the result of a run ({error}): remove it, and run the benchmark again"
                ) from error
        if not results:
            raise ResultError(f"{self.folder} holds no results of a benchmark: expected {RUNS}/*/*/seed-*.json in it")
        return results

    def failed(self) -> list[str]:
        """Return the runs that failed and were not repeated: "environment/algorithm/seed-0"."""
        logs = sorted((self.folder / FAILED).glob("*/*/seed-*.log"))
        return [log.relative_to(self.folder / FAILED).with_suffix("").as_posix() for log in logs]

    def file(self, job: Job) -> Path:
        """Return the file for the result of a run."""
        return self.folder / RUNS / f"{job.name}.json"

    def log_file(self, job: Job) -> Path:
        """Return the file for the log of a run that fails."""
        return self.folder / FAILED / f"{job.name}.log"


class _DamagedError(ValueError):
    """A file that is not the result of a run; the message says why."""


def _read(file: Path) -> dict[str, Any]:
    """Read the result of a run.

    Raises:
        FileNotFoundError: If there is none.
        OSError: If it cannot be read.
        ResultError: If it is of a newer version.
        _DamagedError: If it is damaged.
    """
    try:
        result = read_json(file)
    except ValueError as error:
        raise _DamagedError(one_line(error)) from error
    version = result.get("format") if isinstance(result, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _DamagedError(f"format is {shown(version)}, expected a whole number")
    if version > FORMAT:
        raise ResultError(
            f"{file} has format {shown(version)}, and this version reads up to {FORMAT}: update the package"
        )
    problem = result_problem(result)
    if problem is not None:
        raise _DamagedError(problem)
    return result
