"""NumPy archives (.npz) with the arrays of a dataset under one of the usual names."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.reading import Reading, ReadingOptions
from ram_envs.scenes.splits import SPLIT_NAMES
from ram_envs.scenes.user_arrays import check_splits

LAYOUT = "expected the arrays x_train, y_train, x_test, y_test, or train_images, train_labels, ..., or images, labels"
_CONTENTS = {
    **dict.fromkeys(("x", "image", "images", "data"), "images"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets"), "labels"),
}
_CLASS_NAMES = ("class_names", "classes", "label_names", "target_names")


@dataclass(frozen=True)
class NpzSource:
    """A dataset in a .npz file.

    Attributes:
        path: The file.
        stamp: Its modification time in ns and size: another stamp means another content.
        keys: For each split its name, the name of the images and that of the labels.
        names_key: The name of the array of class names, or None.
        notes: What is left out.
    """

    path: Path
    stamp: tuple[int, int]
    keys: tuple[tuple[str, str, str], ...]
    names_key: str | None
    notes: tuple[str, ...] = field(compare=False)

    @property
    def title(self) -> str:
        """The dataset in messages."""
        return f"dataset={str(self.path)!r}"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits found."""
        return tuple(split for split, _, _ in self.keys)

    @property
    def layout(self) -> str:
        """How to add a split."""
        return LAYOUT

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Read all arrays and return one split. Labels of shape (N, 1) are flattened.

        Raises:
            InvalidArgument: If the file is damaged or the arrays are not images and labels.
        """
        return _read_all(self, options)[split]


def find_npz(path: Path) -> NpzSource:
    """Find the arrays of a dataset in a .npz file.

    Raises:
        InvalidArgument: If it is not such a file, or its arrays have other names.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise _damaged(path, error) from None
    found: dict[tuple[str | None, str], str] = {}
    for key in keys:
        role = _role(key)
        if role is None:
            continue
        if role in found:
            raise InvalidArgument(f"{path} has two arrays for the same thing, {found[role]!r} and {key!r}: {LAYOUT}")
        found[role] = key
    notes = []
    splits = {split: split for split in ("train", "test")}
    if ("test", "images") not in found and ("train", "images") in found and ("validation", "images") in found:
        splits["test"] = "validation"
        notes.append(f"{path} has no test arrays: {found['validation', 'images']!r} is the test split")
    roles = {name: (found.get((split, "images")), found.get((split, "labels"))) for name, split in splits.items()}
    if not any(map(any, roles.values())):
        roles = {"train": (found.get((None, "images")), found.get((None, "labels")))}
    pairs = []
    for split, (images, labels) in roles.items():
        if (images is None) != (labels is None):
            missing, given = ("images", labels) if images is None else ("labels", images)
            raise InvalidArgument(f"{path} has {given!r} but no {split} {missing}: {LAYOUT}")
        if images is not None and labels is not None:
            pairs.append((split, images, labels))
    if not pairs:
        raise InvalidArgument(f"{path} holds the arrays {_names(keys)}: {LAYOUT}")
    names_key = next((key for key in keys if key.lower() in _CLASS_NAMES), None)
    used = {key for _, *both in pairs for key in both} | {names_key}
    unused = [key for key in keys if key not in used]
    if unused:
        notes.append(f"{path}: the arrays {_names(unused)} were left out")
    status = path.stat()
    return NpzSource(path, (status.st_mtime_ns, status.st_size), tuple(pairs), names_key, tuple(notes))


def _role(key: str) -> tuple[str | None, str] | None:
    """Return the split, None for the only one, and "images" or "labels"; None if the name says neither."""
    split, content = None, None
    for word in key.lower().split("_"):
        if word in SPLIT_NAMES and split is None:
            split = SPLIT_NAMES[word]
        elif word in _CONTENTS and content is None:
            content = _CONTENTS[word]
        else:
            return None
    return None if content is None else (split, content)


@lru_cache(maxsize=2)
def _read_all(source: NpzSource, options: ReadingOptions) -> dict[str, Reading]:
    arrays = {}
    wanted = [key for _, *both in source.keys for key in both]
    if source.names_key is not None:
        wanted.append(source.names_key)
    try:
        with zipfile.ZipFile(source.path) as archive:
            for key in wanted:
                _check_size(archive, key, source, options)
        with np.load(source.path, allow_pickle=False) as archive:
            for key in wanted:
                arrays[key] = archive[key]
    except _TooLarge as error:
        raise InvalidArgument(str(error)) from None
    except Exception as error:  # zipfile, zlib and NumPy raise whatever damaged bytes lead them to
        raise _damaged(source.path, error) from None
    names = arrays[source.names_key] if source.names_key else None
    pairs = {}
    for split, images, labels in source.keys:
        flat = arrays[labels][:, 0] if arrays[labels].ndim == 2 and arrays[labels].shape[1] == 1 else arrays[labels]
        pairs[split] = (arrays[images], flat, names)
    checked = check_splits(pairs, prefix=f"{source.path}: ")
    return {split: reading._replace(notes=source.notes) for split, reading in checked.items()}


class _TooLarge(ValueError):
    """An array with more elements than may be read."""


def _check_size(archive: zipfile.ZipFile, key: str, source: NpzSource, options: ReadingOptions) -> None:
    """Check the size that an array's header claims, before NumPy allocates memory for it."""
    with archive.open(f"{key}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, _ = read(stream)
    if math.prod(shape) > 3 * options.max_total:
        raise _TooLarge(
            f"{source.path}: the array {key!r} has the shape {shape}: expected at most {3 * options.max_total:,} "
            f"elements. Pass a larger max_pixels (now {options.max_pixels:,}) if you trust the file"
        )


def _damaged(path: Path, error: Exception) -> InvalidArgument:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InvalidArgument(
        f"{path} cannot be read as a .npz file of arrays of numbers ({reason}). Write it again with np.savez"
    )


def _names(keys: Iterable[str]) -> str:
    return ", ".join(map(repr, keys)) or "none"
