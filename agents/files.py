"""Files that survive crashes: atomic writes, fresh folders, and the clean-up of files that a killed process left."""

from __future__ import annotations

import itertools
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, which does not delete or replace a file that is open
    fcntl = None  # type: ignore[assignment]

_PART = ".part"


class WriteError(OSError):
    """A file cannot be written: ``filename`` is that file, ``strerror`` the reason."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it holds either its old content or all of the new content, even after a crash.

    The content first goes to "NAME.PID.RANDOM.part" in the same folder, which then replaces the file. What is
    neither a file nor a folder, such as /dev/null, is written to.

    Args:
        path: The file; missing parent folders are created.
        data: The new content.

    Raises:
        WriteError: If the file cannot be written. The old file is unchanged and no part file is left.
    """
    try:
        _write_atomically(path, data)
    except OSError as error:
        raise WriteError(error.errno, error.strerror or str(error), str(path)) from error


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}{_PART}")
    try:
        with _open_locked(temporary) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:
                os.replace(temporary, path)  # the lock has to last until the part file is gone
        if fcntl is None:
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # the error above says what is wrong
            temporary.unlink()
        raise


def _open_locked(path: Path) -> IO[bytes]:
    """Open a new file and lock it; again, if another process found it without a lock and deleted it.

    Raises:
        OSError: If it cannot be created.
    """
    while True:
        file = open(path, "wb")  # noqa: SIM115 (the caller closes it)
        try:
            _lock(file)
        except BlockingIOError:  # another process is about to delete it
            file.close()
            continue
        except OSError:  # a file system without locks, where part files are never deleted
            return file
        if fcntl is None or os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def remove_part_files(folder: Path) -> None:
    """Delete the part files in a folder whose writer was killed.

    A writer locks its part file. The lock ends with the process, so a part file without a lock belongs to nobody.
    """
    for part in folder.glob(f"*{_PART}"):
        with suppress(OSError):  # its writer is alive, or it cannot be deleted
            if fcntl is None:
                part.unlink()
                continue
            with open(part, "r+b") as file:
                _lock(file)
                part.unlink()


def fresh_folder(parent: str | os.PathLike[str], name: str) -> Path:
    """Create a new folder, so that two processes that ask for the same name at the same time get different ones.

    Args:
        parent: Where to create it; created if missing.
        name: The name of the folder. If it is taken, the folder is called "NAME-2", "NAME-3" and so on.

    Returns:
        The folder, which is empty.

    Raises:
        OSError: If it cannot be created.
    """
    Path(parent).mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = Path(parent) / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()  # fails if the folder exists: only one process can create it
        except FileExistsError:
            continue
        return folder
    raise AssertionError("there is always a next number")


def set_aside(path: Path, *, copy: bool = False) -> Path:
    """Keep a damaged file under another name, "NAME.damaged", "NAME.damaged-2" and so on.

    Args:
        path: The file.
        copy: Leave the file itself in place.

    Returns:
        The new name.

    Raises:
        OSError: If the file cannot be renamed or copied.
    """
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.damaged" + (f"-{number}" if number > 1 else ""))
        try:
            open(kept, "xb").close()  # reserves the name
        except FileExistsError:
            continue
        if copy:
            write_atomically(kept, path.read_bytes())
        else:
            os.replace(path, kept)
        return kept
    raise AssertionError("there is always a next number")


def _lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed or the process ends.

    Raises:
        OSError: If another process holds the lock, or the file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
