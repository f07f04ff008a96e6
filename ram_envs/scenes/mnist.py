"""The MNIST files: found in the user's folder or the cache, or downloaded once; each checked byte for byte.

The files are those of Y. LeCun and C. Cortes (licence CC BY-SA 3.0), in the IDX format: two zero bytes, the element
type (8: uint8), the number of axes, every axis' length as a big-endian uint32, then the elements in C order.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA_VARIABLE = "RAM_ENVS_DATA"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class IdxFile(NamedTuple):
    """What one file must hold.

    Attributes:
        name: The file's name; with ``.gz`` added, the compressed file's.
        shape: The array's shape.
        sha256: Of the decompressed bytes, header included. Archives of the same bytes differ from mirror to mirror.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """The bytes the decompressed file begins with."""
        return bytes((0, 0, 8, len(self.shape))) + b"".join(length.to_bytes(4, "big") for length in self.shape)


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
    """The folder that the user names in ``RAM_ENVS_DATA``, or None if it is not set (or empty)."""
    value = os.environ.get(DATA_VARIABLE)
    return Path(value).expanduser() if value else None


def cache_folder() -> Path:
    """Where downloaded files are kept, in the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("ram_envs", appauthor=False)) / "mnist"


def load_mnist(split: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Load one split of MNIST.

    Args:
        split: "train" or "test".
        folder: A data folder whose subfolder ``mnist`` holds the files; nothing is downloaded then. None for the cache,
            which is filled by a download if need be.

    Returns:
        Images uint8 (N, 28, 28), 0 is background, and labels uint8 (N,) in [0, 9]; both read-only.

    Raises:
        FileNotFoundError: If ``folder`` lacks a file, or the cache lacks it and it cannot be downloaded.
        ValueError: If a file is truncated, corrupt or not the one it should be.
    """
    if folder is None:
        paths = [_find_or_download(file, cache_folder()) for file in FILES[split]]
    else:
        paths = [_find_in_data_folder(file, folder) for file in FILES[split]]
    images, labels = (read_idx(path, file) for path, file in zip(paths, FILES[split], strict=True))
    return images, labels


def read_idx(path: Path, file: IdxFile) -> np.ndarray:
    """Read an IDX file, gzip-compressed or not, and check that it is exactly ``file``.

    Returns:
        uint8 array of shape ``file.shape``, read-only.

    Raises:
        ValueError: If it is anything else; the message says what was found, what was expected and what to do.
    """
    size = len(file.header) + math.prod(file.shape)
    remedy = (
        f"Expected {file.name} of MNIST ({size:,} bytes when decompressed). Delete the file and put the right one in "
        f"its place; without {DATA_VARIABLE} it is downloaded again. Pass your own images as dataset=(images, labels)."
    )
    try:
        with open(path, "rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if compressed else open(path, "rb") as stream:
            content = stream.read(size + 1)  # one more byte, to notice (and no more of) a longer file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is a truncated or damaged gzip archive ({error}). {remedy}") from error

    problem = _difference(content, file)
    if problem:
        raise ValueError(f"{path} {problem}. {remedy}")
    return np.frombuffer(content, np.uint8, offset=len(file.header)).reshape(file.shape)


def _difference(content: bytes, file: IdxFile) -> str | None:
    """What is wrong with ``content``, in words that follow the file's name; None if it is ``file``."""
    header, size = file.header, len(file.header) + math.prod(file.shape)
    if content[:4] != header[:4]:
        axes = len(file.shape)
        return f"is not an IDX file of uint8 with {axes} axes: it begins with {content[:4]!r} instead of {header[:4]!r}"
    if content[: len(header)] != header:
        found = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, len(header), 4))
        return f"holds an array of shape {found} instead of {file.shape}"
    if len(content) < size:
        return f"has {len(content):,} bytes instead of {size:,}: it is truncated"
    if len(content) > size:
        return f"has more than {size:,} bytes"
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != file.sha256:
        return f"holds other data: its decompressed bytes have the SHA-256 {sha256} instead of {file.sha256}"
    return None


def _find(file: IdxFile, folder: Path) -> Path | None:
    """The path of ``file`` in ``folder``, plain or compressed; None if it is not there."""
    return next((path for path in (folder / file.name, folder / f"{file.name}.gz") if path.is_file()), None)


def _find_in_data_folder(file: IdxFile, folder: Path) -> Path:
    path = _find(file, folder / "mnist")
    if path is None:
        raise FileNotFoundError(
            f"{DATA_VARIABLE} is {str(folder)!r}, but {folder / 'mnist'} has no {file.name}, compressed (.gz) or not. "
            f"Put {_all_names()} there, or unset {DATA_VARIABLE} to have them downloaded. RAM-Digits-v0 needs no files."
        )
    return path


def _find_or_download(file: IdxFile, folder: Path) -> Path:
    """The path of ``file`` in the cache; whichever process comes first downloads it, the others wait for it."""
    path = _find(file, folder)
    if path is not None:
        return path

    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock"):
            return _find(file, folder) or _download(file, folder)
    except OSError as error:
        raise FileNotFoundError(
            f"{file.name} of MNIST is not in {folder} and could not be downloaded to it. Put {_all_names()} there, "
            f"or into the subfolder mnist of a folder that {DATA_VARIABLE} names. RAM-Digits-v0 needs no files and no "
            f"network. What went wrong: {error}"
        ) from error


def _download(file: IdxFile, folder: Path) -> Path:
    """Fetch ``file`` from the first mirror that has it; its name appears only once its content is complete and checked.

    Raises:
        ConnectionError: If no mirror delivered the file.
        OSError: If the folder cannot be written.
    """
    import pooch
    from tqdm import tqdm

    target = folder / f"{file.name}.gz"
    problems = []
    for mirror in MIRRORS:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.name}.")
        os.close(handle)
        partial = Path(name)
        # pooch sets the total, and closes the bar when the file is complete.
        bar = tqdm(desc=file.name, total=1, unit="B", unit_scale=True)
        try:
            download = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=(10, 60))
            download(mirror + target.name, str(partial), None)
            read_idx(partial, file)
            os.replace(partial, target)
            return target
        except (OSError, ValueError) as error:
            problems.append(f"{mirror}: {error}")
        finally:
            bar.leave = False  # what is not complete by now never will be
            bar.close()
            partial.unlink(missing_ok=True)
    raise ConnectionError("; ".join(problems))


def _all_names() -> str:
    """The names of all four files, for messages."""
    return ", ".join(f"{file.name}.gz" for files in FILES.values() for file in files)
