"""One process at a time in a folder, and temporary folders that are deleted even if their process is killed.

The locks are OS locks on a file that the process holds open (``flock`` on Unix). The operating system releases them
when the process ends, also after ``kill -9``. On network file systems they work between machines as far as the file
system supports ``flock``; where it does not, filelock falls back to a lock file with the owner's host and process id.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from agents.terminal import notice

LOCK = ".lock"
"""Name of the lock file in a folder. It stays there: deleting it would let two processes hold different files."""
_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_SECONDS = 1.0  # for a temporary folder of our own, whose lock another process may be looking at


def acquire(lock: FileLock) -> bool:
    """Acquire a lock without waiting; return whether that worked. Where there are no locks, a notice is printed.

    Raises:
        OSError: If the folder of the lock file is missing or cannot be written.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _UNSUPPORTED:
            raise
        notice(f"the file system of {Path(lock.lock_file).parent} has no locks: let only one process use this folder")
    return True


class FolderLock:
    """Exclusive use of a folder, from ``acquire`` to ``release`` or the end of the process.

    Args:
        folder: The folder; created if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._lock = FileLock(self._path)
        self._identity: tuple[int, int] | None = None

    def acquire(self) -> bool:
        """Acquire the lock without waiting; return whether that worked.

        Raises:
            OSError: If the folder cannot be written.
        """
        if not acquire(self._lock):
            return False
        self._identity = self._current()
        return True

    def lost(self) -> bool:
        """Whether the folder that was locked has been deleted or replaced since."""
        return self._identity != self._current()

    def release(self) -> None:
        """Release the lock; without effect if it is not held."""
        self._lock.release()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _current(self) -> tuple[int, int] | None:
        """Identify the file that has the name of the lock file now; an inode that is held open is not used again."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


class TemporaryFolder:
    """A folder in the system's temporary directory that the next process deletes if this one is killed.

    Args:
        prefix: Start of its name.

    Attributes:
        path: The folder.
    """

    def __init__(self, prefix: str) -> None:
        remove_abandoned_folders(prefix)
        self.path = Path(tempfile.gettempdir()) / f"{prefix}{secrets.token_hex(8)}"
        # The lock comes before the folder: a folder whose lock is free belongs to nobody.
        self._lock = FileLock(_lock_of(self.path))
        self._lock.acquire(timeout=_SECONDS)
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Delete the folder with its content."""
        _remove(self.path, self._lock)


def remove_abandoned_folders(prefix: str) -> None:
    """Delete the temporary folders with a prefix, if this user made them and their process is gone."""
    for lock_file in Path(tempfile.gettempdir()).glob(f"{prefix}*{LOCK}"):
        folder, lock = lock_file.with_name(lock_file.name.removesuffix(LOCK)), FileLock(lock_file)
        with suppress(Timeout, OSError, NotImplementedError):
            if not _is_ours(folder):
                continue
            lock.acquire(timeout=0)
            _remove(folder, lock)


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        with suppress(OSError):
            _lock_of(folder).unlink()
    lock.release()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def _is_ours(folder: Path) -> bool:
    """Whether a folder, not a link to one, belongs to this user, or is gone and its lock file belongs to this user."""
    status = os.lstat(folder if folder.exists() else _lock_of(folder))
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return mine and not stat.S_ISLNK(status.st_mode)
