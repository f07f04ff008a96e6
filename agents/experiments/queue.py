"""The queue of an experiment: jobs without a result, each taken by one process at a time.

Several processes may work on the same folders. A lock belongs to the process that holds it and is freed when it dies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from filelock import FileLock

from agents.locks import acquire


class Job(Protocol):
    """One training to do."""

    @property
    def name(self) -> str:
        """Name of the job, unique in its experiment; its folder and its lock are called after it."""


JobT = TypeVar("JobT", bound=Job)


class Queue(Generic[JobT]):
    """The jobs of an experiment that have no result yet.

    Args:
        jobs: All jobs of the experiment, in the order in which they are to be done.
        is_done: Whether a job has a result.
        folders: The folders that a job writes to. A job is locked in each, so that experiments that share only one of
            them do not collide.

    Attributes:
        left: Jobs that were skipped because another process works on them.
    """

    def __init__(self, jobs: Iterable[JobT], is_done: Callable[[JobT], bool], folders: Sequence[Path]) -> None:
        self._is_done, self._folders = is_done, tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._waiting = deque(job for job in jobs if not is_done(job))
        self._held: dict[str, list[FileLock]] = {}
        self.left: list[JobT] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[JobT]:
        """Yield one job after the other; each is released when the next one is asked for."""
        while (job := self.take()) is not None:
            try:
                yield job
            finally:
                self.release(job)

    def take(self) -> JobT | None:
        """Return the next job that no other process works on or has completed, locked; None if there is none left."""
        while self._waiting:
            job = self._waiting.popleft()
            self._held[job.name] = [lock(folder, job.name) for folder in self._folders]
            if not all(map(acquire, self._held[job.name])):
                self.left.append(job)
            elif not self._is_done(job):  # or another process was faster
                return job
            self.release(job)
        return None

    def release(self, job: JobT) -> None:
        """Unlock a job whose result is written, or that failed."""
        for one in self._held.pop(job.name):
            one.release()


def lock(folder: Path, name: str) -> FileLock:
    """Return a lock that protects something in a folder. Its file is in ``folder/.locks``, which git ignores.

    A ``with`` statement waits for it.

    Raises:
        OSError: If the folder cannot be written.
    """
    locks = folder / ".locks"
    file = locks / f"{name}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not (locks / ".gitignore").exists():
        (locks / ".gitignore").write_text("*\n", encoding="utf-8")
    return FileLock(file)
