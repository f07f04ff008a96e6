"""IDX files, the format of MNIST and of Fashion-, Kuzushiji- and Extended MNIST: one array each, compressed or not.

An IDX file is two zero bytes, the element type (8 for uint8), the number of axes, the length of every axis as a
big-endian uint32, then the elements in C order.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.reading import Reading, ReadingOptions
from ram_envs.scenes.user_arrays import check_splits

_NAME = re.compile(r"(.*?)[-_.]?(train|t10k|test)[-_.](images|labels)[-_.]idx\d[-_.]ubyte(?:\.gz)?", re.IGNORECASE)
_UINT8 = 8


class IdxFile(NamedTuple):
    """A file, and its modification time in ns and size: another stamp means another content."""

    path: Path
    stamp: tuple[int, int]


@dataclass(frozen=True)
class IdxSource:
    """A dataset of four IDX files, or of two with one split.

    Attributes:
        folder: Where the files are.
        prefix: What their names begin with, as in "emnist-letters"; "" for "train-images-idx3-ubyte" and so on.
        files: For each split its name, the images' file and the labels' file.
    """

    folder: Path
    prefix: str
    files: tuple[tuple[str, IdxFile, IdxFile], ...]

    @property
    def title(self) -> str:
        """The dataset in messages."""
        return f"dataset={str(self.folder / self.prefix)!r}"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits found."""
        return tuple(split for split, _, _ in self.files)

    @property
    def layout(self) -> str:
        """How to add a split."""
        name = f"{self.prefix}-train" if self.prefix else "train"
        return f"expected the files {name}-images-idx3-ubyte and so on, compressed (.gz) or not"

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Read both splits and return one.

        Images of E-MNIST, which its files hold transposed, are turned upright. Labels counted from 1 are counted from
        0. Class names come from the file PREFIX-mapping.txt if there is one; otherwise they are the labels of the file.

        Raises:
            InvalidArgument: If a file is damaged or does not hold what its name says.
        """
        return _read_all(self, options)[split]


def find_idx(folder: Path, prefix: str | None = None) -> IdxSource | None:
    """Find the IDX files of a folder.

    Args:
        folder: An existing folder.
        prefix: What the names must begin with, or None if the folder holds one dataset only.

    Returns:
        The files, or None if there are no images in IDX files.

    Raises:
        InvalidArgument: If the folder holds several datasets and ``prefix`` is None, or images without labels.
    """
    sets: dict[str, dict[tuple[str, str], IdxFile]] = {}
    for path in sorted(folder.iterdir(), reverse=True):  # the plain file after, and so instead of, the compressed one
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            start, split, content = match.groups()
            status = path.stat()
            key = ("train" if split.lower() == "train" else "test", content.lower())
            sets.setdefault(start, {})[key] = IdxFile(path, (status.st_mtime_ns, status.st_size))
    if prefix is not None:
        sets = {start: files for start, files in sets.items() if start == prefix}
    if not sets:
        return None
    if len(sets) > 1:
        names = ", ".join(map(repr, sorted(sets)))
        raise InvalidArgument(
            f"{folder} holds the IDX files of several datasets, {names}: name one, as in "
            f"dataset={str(folder / max(sets))!r}"
        )
    ((start, files),) = sets.items()
    found = []
    for split in ("train", "test"):
        images, labels = files.get((split, "images")), files.get((split, "labels"))
        if (images is None) != (labels is None):
            missing = "images" if images is None else "labels"
            raise InvalidArgument(f"{folder} has no IDX file of the {split} {missing}: expected images and labels")
        if images and labels:
            found.append((split, images, labels))
    return IdxSource(folder, start, tuple(found))


def header(shape: tuple[int, ...]) -> bytes:
    """Return the bytes that an IDX file of uint8 of this shape begins with."""
    return bytes((0, 0, _UINT8, len(shape))) + b"".join(length.to_bytes(4, "big") for length in shape)


def read_content(path: Path, size: int) -> bytes:
    """Read at most ``size`` bytes of a file, which is decompressed if it is a gzip archive.

    Raises:
        InvalidArgument: If the archive is truncated or damaged. The message follows the name of the file.
    """
    try:
        with open(path, "rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if compressed else open(path, "rb") as stream:
            return stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidArgument(f"is a truncated or damaged gzip archive ({error})") from None


def read_array(path: Path, axes: int, max_elements: int) -> np.ndarray:
    """Read an IDX file of uint8.

    Args:
        path: The file.
        axes: How many axes the array must have.
        max_elements: How many elements it may have.

    Returns:
        uint8 array, read-only.

    Raises:
        InvalidArgument: If the file holds anything else, is damaged, or has another length than its header says.
    """
    remedy = f"expected an IDX file of uint8 with {axes} axes. Replace it"
    try:
        start = read_content(path, 4 + 4 * axes)
        if start[:4] != header((0,) * axes)[:4] or len(start) < 4 + 4 * axes:
            raise InvalidArgument(f"begins with {start[:4]!r}")
        shape = tuple(int.from_bytes(start[i : i + 4], "big") for i in range(4, len(start), 4))
        if math.prod(shape) > max_elements:
            raise InvalidArgument(f"claims an array of shape {shape}, more than {max_elements:,} elements")
        size = len(start) + math.prod(shape)
        content = read_content(path, size + 1)
        if len(content) != size:
            raise InvalidArgument(f"has {'more' if len(content) > size else 'fewer'} than {size:,} bytes")
    except ValueError as error:
        raise InvalidArgument(f"{path} {error}: {remedy}") from None
    return np.frombuffer(content, np.uint8, offset=len(start)).reshape(shape)


@lru_cache(maxsize=2)
def _read_all(source: IdxSource, options: ReadingOptions) -> dict[str, Reading]:
    """Read all splits, which share one counting of the classes."""
    images, labels, notes = {}, {}, []
    limit = options.max_total
    for split, image_file, label_file in source.files:
        images[split] = read_array(image_file.path, 3, limit)
        labels[split] = read_array(label_file.path, 1, limit).astype(np.int64)
    if "emnist" in source.prefix.lower():
        images = {split: np.ascontiguousarray(array.transpose(0, 2, 1)) for split, array in images.items()}
        notes.append(
            f"{source.title}: rows and columns were swapped, because the files of E-MNIST hold them transposed"
        )
    if any(len(array) == 0 for array in labels.values()):
        raise InvalidArgument(f"{source.title} has a split without images: expected at least one image")
    first, last = min(array.min() for array in labels.values()), max(array.max() for array in labels.values())
    start = int(first == 1)
    if start:
        labels = {split: array - 1 for split, array in labels.items()}
        notes.append(f"{source.title}: the labels {first} to {last} were renumbered 0 to {last - 1}")
    numbers = range(start, last + 1)
    names = _mapped_names(source, numbers) or list(map(str, numbers))
    pairs = {split: (images[split], labels[split], names) for split in images}
    checked = check_splits(pairs, prefix=f"{source.title}: ")
    return {split: reading._replace(notes=tuple(notes)) for split, reading in checked.items()}


def _mapped_names(source: IdxSource, numbers: range) -> list[str] | None:
    """Return the characters that E-MNIST's mapping file gives for the labels: "Aa" for the line "1 65 97"."""
    path = source.folder / f"{source.prefix}-mapping.txt"
    if not path.is_file():
        return None
    try:
        lines = [list(map(int, line.split())) for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        names = {label: "".join(map(chr, codes)) for label, *codes in lines}
        return [names[number] for number in numbers]
    except (ValueError, KeyError, OverflowError) as error:
        raise InvalidArgument(
            f"{path} does not name the labels {numbers[0]} to {numbers[-1]} ({error}): expected lines such as "
            "'1 65 97', a label and the codes of its characters. Replace or remove it"
        ) from None
