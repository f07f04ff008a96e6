"""The MNIST files: found in the user's data folder or the cache, or downloaded once, and verified by their SHA-256.

The files are those of Y. LeCun and C. Cortes (licence CC BY-SA 3.0), in the IDX format
(see :mod:`ram_envs.scenes.idx`).
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.idx import header, read_content

DATA_VARIABLE = "RAM_ENVS_DATA"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
ALL_FILES = "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz"
"""The names of the four files, as a shell expands them."""


class IdxFile(NamedTuple):
    """What one file must hold.

    Attributes:
        name: The file's name; the compressed file has ".gz" after it.
        shape: The array's shape.
        sha256: Hash of the decompressed bytes, header included. (Compressed files differ from mirror to mirror.)
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """The bytes the decompressed file begins with."""
        return header(self.shape)


class SplitFiles(NamedTuple):
    """The two files of a split."""

    images: IdxFile
    labels: IdxFile


FILES = {
    "train": SplitFiles(
        IdxFile(
            "train-images-idx3-ubyte",
            (60_000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            (60_000,),
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    "test": SplitFiles(
        IdxFile(
            "t10k-images-idx3-ubyte",
            (10_000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            (10_000,),
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
}


def data_folder() -> Path | None:
    """Return the folder that the user names in ``RAM_ENVS_DATA``, or None if the variable is not set or empty."""
    value = os.environ.get(DATA_VARIABLE)
    return Path(value).expanduser() if value else None


def cache_folder() -> Path:
    """Return the folder of downloaded files, in the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("ram_envs", appauthor=False)) / "mnist"


def load_mnist(split: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Load one split of MNIST.

    Args:
        split: "train" or "test".
        folder: A data folder whose subfolder ``mnist`` holds the files; nothing is downloaded then. None for the cache,
            which is filled by a download if necessary.

    Returns:
        Images uint8 (N, 28, 28), 0 is background, and labels uint8 (N,) in [0, 9]; both read-only.

    Raises:
        FileNotFoundError: If ``folder`` lacks a file, or the cache lacks it and it cannot be downloaded.
        InvalidArgument: If a file is truncated, damaged or holds other data.
    """
    if folder is None:
        paths = [_find_or_download(file, cache_folder()) for file in FILES[split]]
    else:
        paths = [_find_in_data_folder(file, folder) for file in FILES[split]]
    images, labels = (read_idx(path, file) for path, file in zip(paths, FILES[split], strict=True))
    return images, labels


def read_idx(path: Path, file: IdxFile) -> np.ndarray:
    """Read an IDX file, compressed or not, and check that it is exactly ``file``.

    Returns:
        uint8 array of shape ``file.shape``, read-only.

    Raises:
        InvalidArgument: If it holds anything else. The message says what was found, what was expected and what to do.
    """
    try:
        return _read_checked(path, file)
    except ValueError as error:
        size = len(file.header) + math.prod(file.shape)
        raise InvalidArgument(
            f"{path} {error}. Expected {file.name} of MNIST ({size:,} bytes when decompressed). Delete the file and "
            f"put the right one in its place; without {DATA_VARIABLE} it is downloaded again. Other images are passed "
            "as dataset=FOLDER or dataset=(images, labels)"
        ) from None


def _read_checked(path: Path, file: IdxFile) -> np.ndarray:
    """Read ``file``.

    Raises:
        InvalidArgument: If ``path`` holds anything else; the message follows the name of the file.
    """
    size = len(file.header) + math.prod(file.shape)
    content = read_content(path, size + 1)  # one more byte, to notice a longer file
    problem = _difference(content, file)
    if problem:
        raise InvalidArgument(problem)
    return np.frombuffer(content, np.uint8, offset=len(file.header)).reshape(file.shape)


def _difference(content: bytes, file: IdxFile) -> str | None:
    """Return what is wrong with ``content``, in words that follow the file's name; None if it is ``file``."""
    expected, size = file.header, len(file.header) + math.prod(file.shape)
    if content[:4] != expected[:4]:
        axes = len(file.shape)
        return (
            f"is not an IDX file of uint8 with {axes} axes: it begins with {content[:4]!r} instead of {expected[:4]!r}"
        )
    if content[: len(expected)] != expected:
        shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, len(expected), 4))
        return f"holds an array of shape {shape} instead of {file.shape}"
    if len(content) < size:
        return f"has {len(content):,} bytes instead of {size:,}: it is truncated"
    if len(content) > size:
        return f"has more than {size:,} bytes"
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != file.sha256:
        return f"holds other data: its decompressed bytes have the SHA-256 {sha256} instead of {file.sha256}"
    return None


def _find(file: IdxFile, folder: Path) -> Path | None:
    """Return the path of ``file`` in ``folder``, plain or compressed; None if it is not there."""
    return next((path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()), None)


def _find_in_data_folder(file: IdxFile, folder: Path) -> Path:
    path = _find(file, folder / "mnist")
    if path is None:
        names = ", ".join(f"{file.name}.gz" for files in FILES.values() for file in files)
        raise FileNotFoundError(
            f"{DATA_VARIABLE}={str(folder)!r}, but {folder / 'mnist'} has no {file.name}, compressed (.gz) or not. "
            f"Put {names} there, or unset {DATA_VARIABLE} to download them. RAM-Digits-v0 needs no files"
        )
    return path


def _find_or_download(file: IdxFile, folder: Path) -> Path:
    """Return the path of ``file`` in the cache. The first process downloads it; the others wait."""
    path = _find(file, folder)
    if path is not None:
        return path

    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / ".lock"
        if not lock.exists():
            lock.touch()  # filelock would make a file that only its owner can lock, whatever the umask
        with filelock.FileLock(lock):
            return _find(file, folder) or _download(file, folder)
    except (OSError, NotImplementedError) as error:  # the latter where the file system has no locks
        raise FileNotFoundError(
            f"MNIST is not in {folder} and cannot be downloaded to it ({error}).\n"
            f"Download {ALL_FILES} from {MIRRORS[0]}\n"
            f"and put them there, or into FOLDER/mnist and set {DATA_VARIABLE}=FOLDER.\n"
            "RAM-Digits-v0 needs no files and no network."
        ) from None


def _download(file: IdxFile, folder: Path) -> Path:
    """Fetch ``file`` from the first mirror that has it. The file gets its name when it is complete and verified.

    The caller holds the lock of the folder.

    Raises:
        ConnectionError: If no mirror delivered the file; the message has a few words for each.
        OSError: If the folder cannot be written.
    """
    import pooch
    from tqdm import tqdm

    for leftover in folder.glob(".*-ubyte.gz.*"):  # whoever holds the lock is alone: these are from killed processes
        leftover.unlink(missing_ok=True)
    target = folder / f"{file.name}.gz"
    partial = folder / f".{target.name}.part"
    problems = []
    for mirror in MIRRORS:
        # pooch sets the total, and closes the bar when the file is complete.
        bar = tqdm(desc=file.name, total=1, unit="B", unit_scale=True)
        try:
            partial.touch()  # gives the permissions of the umask
            download = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=(10, 60))
            download(mirror + target.name, str(partial), None)
            _read_checked(partial, file)
            os.replace(partial, target)
            return target
        except (OSError, ValueError) as error:
            problems.append(f"{urlsplit(mirror).netloc}: {_reason(error)}")
        finally:
            bar.leave = False  # an incomplete bar will never be complete
            bar.close()
            partial.unlink(missing_ok=True)
    raise ConnectionError("; ".join(problems))


def _reason(error: Exception) -> str:
    """Return in a few words why a download failed."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate not accepted"
    if isinstance(error, (requests.ConnectionError, requests.Timeout)):
        return "no connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).split(":")[0]
