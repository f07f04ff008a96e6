"""A folder of images: one subfolder for each class, or such folders below ``train`` and ``test``."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.pictures import decode, image_suffixes, pixel_limit, read_header
from ram_envs.scenes.reading import Reading, ReadingOptions
from ram_envs.scenes.splits import SPLIT_NAMES

LAYOUT = "expected FOLDER/CLASS/IMAGE, or FOLDER/train/CLASS/IMAGE and FOLDER/test/CLASS/IMAGE"
_SYSTEM_FILES = ("__macosx", "thumbs.db", "desktop.ini")


class FoundFile(NamedTuple):
    """A file below the folder.

    Attributes:
        path: The file.
        parts: The names of the folders above it, from the dataset's folder down.
        stamp: Modification time in ns, size and inode: another stamp means another content.
    """

    path: Path
    parts: tuple[str, ...]
    stamp: tuple[int, int, int]


@dataclass(frozen=True)
class ImageFolder:
    """The image files of a dataset by split, found but not read. Equal folders hold the same images.

    Attributes:
        folder: The dataset's folder.
        class_names: The names of the class folders, sorted.
        files: For each split its name, and the image files of each class in turn, sorted.
        notes: What was left out, one sentence each.
    """

    folder: Path
    class_names: tuple[str, ...]
    files: tuple[tuple[str, tuple[tuple[FoundFile, ...], ...]], ...]
    notes: tuple[str, ...] = field(compare=False)

    @property
    def title(self) -> str:
        """The dataset in messages."""
        return f"dataset={str(self.folder)!r}"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits found: "train", "test" or both."""
        return tuple(split for split, _ in self.files)

    @property
    def layout(self) -> str:
        """How to add a split."""
        return LAYOUT

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Decode the images of one split. Colour and size are decided over all splits.

        Raises:
            InvalidArgument: If a file cannot be decoded or is too large, or sizes differ without ``options.resize``.
        """
        with pixel_limit(options.max_pixels):
            # Headers first, so that the array is allocated once and no second copy of the images is ever held.
            mode, size = _survey(self, options)
            classes = dict(self.files)[split]
            files = [(file.path, label) for label, members in enumerate(classes) for file in members]
            height, width = options.resize or size
            options.check_total(self.title, len(files), height, width)
            images = np.empty((len(files), height, width, 1 if mode == "L" else 3), np.uint8)
            for image, (path, _) in zip(images, files, strict=True):
                picture = decode(path, mode, options.resize)
                if picture.shape != image.shape:  # the orientation stood behind the pixels, or the file has changed
                    raise _other_size(path, picture.shape[:2], (height, width), "the other images are")
                image[...] = picture
        labels = np.array([label for _, label in files], np.int64)
        return Reading(images, labels, self.class_names, self.notes)


def find_image_folder(folder: Path) -> ImageFolder:
    """Find the image files of a dataset. The label of a class is the rank of its sorted folder name.

    Every folder is walked to the end. Hidden files and folders, ``__MACOSX`` and files of the operating system are
    skipped. Other files that are not images, and images outside the class folders, are left out and counted.

    Raises:
        InvalidArgument: If the layout is not one of those that ``LAYOUT`` names, or a class has no images.
    """
    suffixes = image_suffixes()
    images: list[FoundFile] = []
    others: list[FoundFile] = []
    for file in _walk(folder, (), ()):
        (images if file.path.suffix.lower() in suffixes else others).append(file)
    roots, notes = _find_splits(folder, images)
    names = {split: _subfolders(root) for split, root in roots.items()}
    class_names = _class_names(names, roots)

    depth = 1 if roots.get("train") == folder else 2
    members: dict[tuple[str, ...], list[FoundFile]] = {}
    for image in images:
        members.setdefault(image.parts[:depth], []).append(image)
    found = []
    for split, root in roots.items():
        parents = root.relative_to(folder).parts
        classes = {name: tuple(members.pop((*parents, name), ())) for name in class_names}
        for name in names[split]:
            if classes[name]:
                continue
            if split == "train" or not any(classes.values()):
                suffix = _suffixes(file for file in others if file.parts[:depth] == (*parents, name))
                raise InvalidArgument(
                    f"{root / name} holds no image{suffix and f', only files that end in {suffix}'}: expected files "
                    "such as .png, .jpg or .webp. Add images or remove the folder"
                )
            notes.append(f"{root / name} holds no image: the test split lacks this class")
        found.append((split, tuple(classes.values())))

    reasons = []
    if others:
        reasons.append(f"{len(others):,} not images that Pillow reads here: {_suffixes(others)}")
    outside = sum(map(len, members.values()))
    if outside:
        reasons.append(f"{outside:,} outside the class folders" + (" of train and test" if depth == 2 else ""))
    if reasons:
        count = len(others) + outside
        notes.append(f"{folder}: {count:,} file{'s were' if count > 1 else ' was'} left out ({'; '.join(reasons)})")
    return ImageFolder(folder, class_names, tuple(found), tuple(notes))


def _find_splits(folder: Path, images: list[FoundFile]) -> tuple[dict[str, Path], list[str]]:
    """Return the folder of each split, the dataset's own as "train" if it has none, and notes for the user."""
    subfolders = _subfolders(folder)
    with_images = {image.parts for image in images}
    roots: dict[str, Path] = {}
    flat: dict[str, str] = {}  # folders named as a split with images but no class folders, and which split that is
    for name in subfolders:
        split = SPLIT_NAMES.get(name.lower())
        if split is not None and not _subfolders(folder / name):
            if (name,) in with_images:
                flat[name] = split
        elif split in roots:
            raise InvalidArgument(
                f"{folder} has two folders for one split, {roots[split].name!r} and {name!r}: {LAYOUT}"
            )
        elif split is not None:
            roots[split] = folder / name
    if "train" in roots or "test" in roots:
        refused = [name for name, split in flat.items() if split != "validation"]
    else:  # a class may be called train
        refused = list(flat) if len(flat) == len(subfolders) or len(set(flat.values())) > 1 else []
    if refused:
        raise InvalidArgument(
            f"{folder} has images directly in {' and '.join(map(repr, refused))}, without class folders: {LAYOUT}"
        )
    if "train" not in roots and "test" not in roots:
        if len(subfolders) == 1 and _subfolders(folder / subfolders[0]) and (subfolders[0],) not in with_images:
            raise InvalidArgument(
                f"{folder} has one subfolder, which has subfolders itself: {LAYOUT}. "
                f"Did you mean dataset={str(folder / subfolders[0])!r}?"
            )
        return {"train": folder}, []

    notes = []
    if "validation" in roots and "test" not in roots:
        roots["test"] = roots["validation"]
        notes.append(f"{folder} has no folder 'test': {roots['test'].name!r} is the test split")
    return {split: roots[split] for split in ("train", "test") if split in roots}, notes


def _class_names(names: dict[str, list[str]], roots: dict[str, Path]) -> tuple[str, ...]:
    """Return the names of the class folders of the training split, or of the test split if there is no other."""
    for split, found in names.items():
        if not found:
            raise InvalidArgument(f"{roots[split]} has no subfolders: expected one subfolder of images for each class")
    expected = names.get("train", names.get("test", []))
    unknown = [name for name in names.get("test", []) if name not in expected]
    if unknown:
        raise InvalidArgument(
            f"{roots['test']} has the classes {', '.join(map(repr, unknown))}, which {roots['train']} lacks: "
            "expected the test classes among the training classes"
        )
    return tuple(expected)


@lru_cache(maxsize=8)
def _survey(found: ImageFolder, options: ReadingOptions) -> tuple[str, tuple[int, int]]:
    """Read the headers of all splits: the mode "L" or "RGB" for all, and their common (height, width)."""
    paths = [file.path for _, classes in found.files for members in classes for file in members]
    headers = [read_header(path) for path in paths]
    mode = "L" if all(header.is_grey for header in headers) else "RGB"
    (width, height), count = Counter(header.size for header in headers).most_common(1)[0]
    if options.resize is None:
        for path, header in zip(paths, headers, strict=True):
            if header.size != (width, height):
                most = f"{count:,} of the {len(paths):,} images are" if count > 1 else "another image is"
                raise _other_size(path, header.size[::-1], (height, width), most)
    return mode, (height, width)


def _other_size(path: Path, size: tuple[int, ...], expected: tuple[int, ...], most: str) -> ValueError:
    """Return the error for an image of another (height, width) than most."""
    return ValueError(
        f"{path} is {size[1]}x{size[0]} pixels (width x height), but {most} {expected[1]}x{expected[0]}: expected one "
        "size. Pass resize=SIDE (on the command line --resize SIDE) to scale all images"
    )


def _walk(folder: Path, parts: tuple[str, ...], above: tuple[str, ...]) -> Iterator[FoundFile]:
    """Yield the visible files below ``folder``, sorted by path. Links are followed, except to a folder above."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for path in _visible(folder):
        try:
            status = path.stat()
        except OSError:  # a link to nowhere: reading it raises an error that names it
            yield FoundFile(path, parts, (0, 0, 0))
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path, (*parts, path.name), (*above, real))
        elif stat.S_ISREG(status.st_mode):
            yield FoundFile(path, parts, (status.st_mtime_ns, status.st_size, status.st_ino))


def _subfolders(folder: Path) -> list[str]:
    return [path.name for path in _visible(folder) if path.is_dir()]


def _visible(folder: Path) -> list[Path]:
    """Return what is in ``folder``, sorted, without what operating systems and editors leave there."""
    entries = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in entries if path.name.lower() not in _SYSTEM_FILES)


def _suffixes(files: Iterable[FoundFile]) -> str:
    """Return the commonest endings of file names, as in ".txt, .csv"; "" if there are no files."""
    counts = Counter(file.path.suffix.lower() or "no ending" for file in files)
    return ", ".join(suffix for suffix, _ in counts.most_common(5))
