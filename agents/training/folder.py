"""The folder of a training run: its lock and its files.

| file | content |
|---|---|
| settings.json | id, seed and settings, to read |
| init_from.json | of a fine-tuned run: the checkpoint that it started from, and what was copied from it |
| metrics.csv | a line every `log_every` iterations |
| tensorboard/ | the same for TensorBoard: `charts/` and `losses/` |
| checkpoint.safetensors | the policy, and everything to resume the run exactly |
| curve.png, animation.gif | made at the end |
| .lock | locked by the process that trains |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.errors import RAMError
from agents.files import remove_part_files, write_atomically
from agents.locks import FolderLock
from agents.ram.checkpoint import FILE_NAME
from agents.ram.tensor_file import read_metadata
from agents.training.metrics import METRICS, Logs
from agents.training.progress import Progress

SETTINGS = "settings.json"


class TrainingError(RAMError, RuntimeError):
    """Training cannot start or continue; the message says why and what to do."""


def check_new(folder: Path) -> Path:
    """Check that a folder can take a new run, and return it.

    A run that ended before its first checkpoint does not count.

    Raises:
        TrainingError: If it holds a run.
    """
    if any((folder / name).exists() for name in (METRICS, FILE_NAME)):
        raise TrainingError(
            f"{folder} holds another run: resume it (`ram train --resume {folder}`), or choose another folder"
        )
    return folder


class RunFolder:
    """The folder of a run, locked by the process that trains; of several processes, only the first opens it.

    Args:
        path: The folder; created if missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FolderLock(path)
        self._logs: Logs | None = None

    def open(self, progress: Progress, settings: Mapping[str, Any]) -> None:
        """Create and lock the folder, delete the files of a killed process, and write settings.json.

        Args:
            progress: Where the run starts: that of the checkpoint in the folder, or that of a new run.
            settings: Content of settings.json, plain values.

        Raises:
            TrainingError: If another process uses the folder or has used it since, or it cannot be written.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            if not self._lock.acquire():
                raise TrainingError(
                    f"{self._path} is in use by another process that trains there: wait until it ends, or choose "
                    "another folder"
                )
            self._check_unchanged(progress)
            remove_part_files(self._path)
            write_atomically(self._path / SETTINGS, (json.dumps(settings, indent=2) + "\n").encode())
        except OSError as error:
            raise self._not_writable(error) from error

    def open_logs(self, frames: int) -> None:
        """Open the logs, without the lines that lie beyond a number of environment steps.

        Raises:
            TrainingError: If they cannot be written.
        """
        try:
            self._logs = Logs(self._path, frames)
        except OSError as error:
            raise self._not_writable(error) from error

    def append(self, line: Mapping[str, Any], saved: int) -> None:
        """Append a line to the logs.

        Args:
            line: Numbers by name.
            saved: Iteration of the last checkpoint, for the error message.

        Raises:
            TrainingError: If that is not possible, or the folder is gone.
        """
        assert self._logs is not None
        self._check_ours()
        try:
            self._logs.append(line)
        except OSError as error:
            raise self._no_logs(error, saved) from error

    def before_checkpoint(self, saved: int) -> None:
        """Check that the folder is still locked by this process, and flush the logs to disk before a checkpoint.

        Args:
            saved: Iteration of the last checkpoint, for the error message.

        Raises:
            TrainingError: If it is not, or they cannot be written.
        """
        self._check_ours()
        try:
            if self._logs is not None:
                self._logs.flush()
        except OSError as error:
            raise self._no_logs(error, saved) from error

    def last_checkpoint(self, iteration: int) -> str:
        """Return the sentence that says whether there is a checkpoint to resume from."""
        if (self._path / FILE_NAME).exists():
            return f"the checkpoint of iteration {iteration} is kept in {self._path}"
        return f"no checkpoint is left in {self._path}"

    def close(self) -> None:
        """Close the logs and unlock the folder."""
        if self._logs is not None:
            self._logs.close()
        self._lock.release()

    def _check_unchanged(self, progress: Progress) -> None:
        """Check that no other process has trained in the folder before it was locked.

        Raises:
            TrainingError: If one has.
        """
        file = self._path / FILE_NAME
        if not file.exists():
            return
        try:
            unchanged = Progress.restore(read_metadata(file)["progress"]) == progress
        except (KeyError, TypeError, ValueError):
            unchanged = False
        if not unchanged:
            if progress.iteration == 0:
                check_new(self._path)
            raise TrainingError(f"{self._path}: another process has continued this run; resume it again")

    def _check_ours(self) -> None:
        if self._lock.lost():
            raise TrainingError(
                f"{self._path} was deleted or replaced during training: nothing is left of this run to resume; train "
                "again"
            )

    def _no_logs(self, error: OSError, saved: int) -> TrainingError:
        return TrainingError(
            f"the logs in {self._path} cannot be written: {error.strerror or error}; {self.last_checkpoint(saved)}"
        )

    def _not_writable(self, error: OSError) -> TrainingError:
        return TrainingError(f"{self._path} cannot be written: {error.strerror or error}")
