"""The folder of a benchmark: one JSON file a run, written at its end and never again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agents.benchmark.plan import Job
from agents.benchmark.run import FORMAT
from agents.errors import RAMError
from agents.ram.checkpoint import write_atomically

RUNS, FAILED, LOCK = "runs", "failed", ".lock"


class ResultsError(RAMError, ValueError):
    """A folder of results that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Results:
    """The folder of a benchmark.

    Attributes:
        folder: Where it is: runs/ENVIRONMENT/ALGORITHM/seed-0.json and so on, and failed/ with the logs of failed runs.
    """

    folder: Path

    def lock(self) -> FileLock:
        """Make the folder, and keep others from running a benchmark in it until the lock is released.

        Raises:
            ResultsError: If another one runs in it.
            OSError: If it cannot be written.
        """
        (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ResultsError(
                f"another benchmark is running in {self.folder}: wait for its end, or choose another folder"
            ) from error
        return lock

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs that have no result yet.

        Raises:
            ResultsError: If one has a result of other settings.
        """
        missing = []
        for job in jobs:
            result = self._read_if_whole(self.file(job))
            if result is None:
                missing.append(job)
                continue
            found, expected = result["job"], json.loads(json.dumps(job.to_dict()))
            different = [
                f"{key}={found.get(key)!r}, not {expected[key]!r}"
                for key in expected
                if found.get(key) != expected[key]
            ]
            if different:
                raise ResultsError(
                    f"{self.file(job)} is the result of another plan, with {'; '.join(different)}: choose another "
                    "folder for this one, or remove the file to do the run again"
                )
        return missing

    def write(self, job: Job, result: dict[str, Any]) -> None:
        """Write the result of a run, whole or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        write_atomically(self.file(job), (json.dumps(result, indent=1) + "\n").encode())
        self.log_file(job).unlink(missing_ok=True)

    def write_log(self, job: Job, text: str) -> None:
        """Write what a run that failed has said."""
        write_atomically(self.log_file(job), text.encode())

    def read(self) -> list[dict[str, Any]]:
        """Return the results of all runs.

        Raises:
            ResultsError: If there are none, or a file is none of them, or of a newer format.
        """
        results = []
        for file in sorted((self.folder / RUNS).glob("*/*/seed-*.json")):
            result = self._read_if_whole(file)
            if result is None:
                raise ResultsError(f"{file} is not the result of a run: remove it, and run the benchmark again")
            if result["format"] > FORMAT:
                raise ResultsError(
                    f"{file} has format {result['format']}, and this version reads up to {FORMAT}: update it"
                )
            results.append(result)
        if not results:
            raise ResultsError(f"{self.folder} holds no results of a benchmark: expected {RUNS}/*/*/seed-*.json in it")
        return results

    def failed(self) -> list[str]:
        """Return which runs have failed and were not done again: "environment/algorithm/seed-0"."""
        logs = sorted((self.folder / FAILED).glob("*/*/seed-*.log"))
        return [log.relative_to(self.folder / FAILED).with_suffix("").as_posix() for log in logs]

    def file(self, job: Job) -> Path:
        """Return where the result of a run goes."""
        return self.folder / RUNS / job.environment / job.algorithm / f"seed-{job.seed}.json"

    def log_file(self, job: Job) -> Path:
        """Return where the log of a run goes if it fails."""
        return self.folder / FAILED / job.environment / job.algorithm / f"seed-{job.seed}.log"

    @staticmethod
    def _read_if_whole(file: Path) -> dict[str, Any] | None:
        """Return a result; None if there is none, or what there is is broken."""
        try:
            result = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return result if isinstance(result, dict) and {"format", "job", "score", "curve"} <= set(result) else None
