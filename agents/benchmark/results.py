"""The folder of a benchmark: one JSON file a run, written at its end and never again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.benchmark.plan import Job
from agents.benchmark.run import FORMAT
from agents.experiments.files import ResultError, read_result, write_result
from agents.experiments.queue import Queue
from agents.ram.checkpoint import write_atomically

RUNS, FAILED = "runs", "failed"


@dataclass(frozen=True)
class Results:
    """The folder of a benchmark.

    Attributes:
        folder: Where it is: runs/ENVIRONMENT/ALGORITHM/seed-0.json and so on, and failed/ with the logs of failed runs.
    """

    folder: Path

    def missing(self, jobs: Sequence[Job]) -> Queue[Job]:
        """Return the queue of the jobs that have no result yet.

        Raises:
            ResultError: If a job has a result of other settings.
            OSError: If the folder cannot be written.
        """
        (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
        return Queue(jobs, self.has, (self.folder,))

    def has(self, job: Job) -> bool:
        """Whether a job has a result; a broken file is none.

        Raises:
            ResultError: If it has a result of other settings.
        """
        result = self._read_if_whole(self.file(job))
        if result is None:
            return False
        found, expected = result["job"], json.loads(json.dumps(job.to_dict()))
        different = [
            f"{key}={found.get(key)!r}, not {expected[key]!r}" for key in expected if found.get(key) != expected[key]
        ]
        if different:
            raise ResultError(
                f"{self.file(job)} is the result of another plan, with {'; '.join(different)}: choose another "
                "folder for this one, or remove the file to do the run again"
            )
        return True

    def write(self, job: Job, result: dict[str, Any]) -> None:
        """Write the result of a run, whole or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        write_result(self.file(job), result)
        self.log_file(job).unlink(missing_ok=True)

    def write_log(self, job: Job, text: str) -> None:
        """Write what a run that failed has said."""
        write_atomically(self.log_file(job), text.encode())

    def read(self) -> list[dict[str, Any]]:
        """Return the results of all runs.

        Raises:
            ResultError: If there are none, or a file is none of them, or of a newer format.
        """
        results = []
        for file in sorted((self.folder / RUNS).glob("*/*/seed-*.json")):
            result = self._read_if_whole(file)
            if result is None:
                raise ResultError(f"{file} is not the result of a run: remove it, and run the benchmark again")
            if result["format"] > FORMAT:
                raise ResultError(
                    f"{file} has format {result['format']}, and this version reads up to {FORMAT}: update it"
                )
            results.append(result)
        if not results:
            raise ResultError(f"{self.folder} holds no results of a benchmark: expected {RUNS}/*/*/seed-*.json in it")
        return results

    def failed(self) -> list[str]:
        """Return which runs have failed and were not done again: "environment/algorithm/seed-0"."""
        logs = sorted((self.folder / FAILED).glob("*/*/seed-*.log"))
        return [log.relative_to(self.folder / FAILED).with_suffix("").as_posix() for log in logs]

    def file(self, job: Job) -> Path:
        """Return where the result of a run goes."""
        return self.folder / RUNS / f"{job.name}.json"

    def log_file(self, job: Job) -> Path:
        """Return where the log of a run goes if it fails."""
        return self.folder / FAILED / f"{job.name}.log"

    @staticmethod
    def _read_if_whole(file: Path) -> dict[str, Any] | None:
        """Return a result; None if there is no file, or it is broken."""
        try:
            result = read_result(file, {}, dict)
        except ResultError:
            return None
        return result if result is not None and {"format", "job", "score", "curve"} <= set(result) else None
