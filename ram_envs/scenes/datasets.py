"""Datasets of labelled images: registered names, folders, IDX and .npz files, and arrays, all through one function."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes import idx, image_folder, mnist, npz, pictures
from ram_envs.scenes.reading import MAX_PIXELS, ReadingOptions, Source
from ram_envs.scenes.registry import (
    DatasetSpec,
    DatasetWarning,
    RegisteredSource,
    dataset_spec,
    register_dataset,
    registered_datasets,
    suggest,
)
from ram_envs.scenes.splits import check_part, hold_out, parse_split
from ram_envs.scenes.user_arrays import ArraySource

__all__ = [
    "DatasetSource",
    "DatasetSpec",
    "DatasetWarning",
    "ImageDataset",
    "dataset_spec",
    "load_dataset",
    "portable_dataset",
    "register_dataset",
    "registered_datasets",
]

DatasetSource = str | PathLike[str] | tuple[Any, ...] | Mapping[str, tuple[Any, ...]]
"""What ``load_dataset`` takes: a name, a path, (images, labels), or such a pair for each split."""

ARRAYS = "<arrays>"
"""What is stored in place of arrays with an agent that was trained on them."""


class ImageDataset(NamedTuple):
    """Images with their labels. The arrays are read-only and may be shared; copy them to change them.

    Attributes:
        images: uint8 (N, H, W, C), C = 1 for grey and 3 for colour (red, green, blue).
        labels: int64 (N,) in [0, num_classes).
        class_names: One name for each class, in the order of the labels.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """The number of classes, including those without an image in this split."""
        return len(self.class_names)


def portable_dataset(dataset: DatasetSource | None) -> str | None:
    """Return what is stored of a dataset with an agent: a name, an absolute path, or ``ARRAYS`` in place of arrays.

    ``load_dataset`` refuses ``ARRAYS`` with a message that asks for the arrays.
    """
    if dataset is None or (isinstance(dataset, str) and (dataset == ARRAYS or dataset_spec(dataset) is not None)):
        return dataset
    if isinstance(dataset, (str, PathLike)):
        return os.path.abspath(os.path.expanduser(os.fspath(dataset)))
    return ARRAYS


def load_dataset(
    dataset: DatasetSource | None,
    split: str = "train",
    *,
    resize: int | Sequence[int] | None = None,
    max_pixels: int = MAX_PIXELS,
    test_fraction: float = 0.0,
) -> ImageDataset:
    """Load one split of a dataset.

    Names and files are read once per process: again only if a file has changed. MNIST is taken from the subfolder
    ``mnist`` of the folder in the environment variable ``RAM_ENVS_DATA``; nothing is downloaded then. If the variable
    is not set, MNIST is downloaded once, to the user's cache folder.

    Args:
        dataset: What to load, one of

            - a registered name: "mnist" (28x28 handwritten digits, 60,000 for training and 10,000 for testing),
              "digits" (8x8 handwritten digits of scikit-learn, 1,437 and 360), or one that was registered with
              :func:`register_dataset`, also as "module:name". A folder of the same name is written "./mnist";
            - a folder with one subfolder of images for each class, or with such folders below ``train`` and ``test``
              (or ``training``, ``testing``, in any case; ``val``, ``valid`` or ``validation`` serves as the test split
              if there is no other). The label of a class is the rank of its sorted folder name;
            - a folder with IDX files such as ``train-images-idx3-ubyte.gz``, the format of Fashion-MNIST and K-MNIST.
              If there are several datasets, as in E-MNIST, add their prefix: "folder/emnist-letters";
            - a .npz file with the arrays x_train, y_train, x_test, y_test, or train_images, train_labels, ..., or
              images, labels;
            - (images, labels) or (images, labels, class_names): uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) in
              [0, 255]; integers (N,), classes counted from 0; and one name for each class;
            - {"train": (images, labels), "test": (images, labels)}.

            One set of images is a training split; see ``test_fraction``. None raises an error that says what to pass.
        split: "train" or "test", or a part of it as in "train[:-5000]", "train[-5000:]" or "test[100:200]".
        resize: Side, or (height, width), to scale every image to. The aspect ratio is kept: the image is scaled to fit,
            centred, and the rest is black. None expects images of one size.
        max_pixels: Most pixels of one image file. All images of a split together may have 64 times as many.
        test_fraction: If the dataset has no test split, the share of each class that is held out as one, in [0, 1). The
            images are chosen at random with a fixed seed. 0 leaves all images in the training split.

    Returns:
        The images of the split. A user's arrays are not copied if they need no conversion.

    Raises:
        FileNotFoundError: If the files are not there (and, for MNIST, cannot be downloaded).
        InvalidArgument: If an argument or the data are not as described.
    """
    name, part = parse_split(split)
    options = ReadingOptions.checked(resize, max_pixels, test_fraction)
    source = _find_source(dataset)
    stored = name
    if name == "test" and source.splits == ("train",) and options.test_fraction:
        stored = "train"
    if stored not in source.splits:
        held_out = "" if "test" in source.splits else _HOLD_OUT
        raise InvalidArgument(
            f"{source.title} has no split {name!r}, only {_names(source.splits) or 'none'}: {source.layout}{held_out}"
        )
    load = _load.__wrapped__ if isinstance(source, ArraySource) else _load  # arrays may change, and are not kept alive
    whole = load(source, stored, options)[name]
    check_part(split, part, len(whole.images))
    return whole._replace(images=whole.images[part], labels=whole.labels[part])


def _find_source(dataset: Any) -> Source:
    """Return where the images come from, without reading any."""
    if dataset is None:
        raise ValueError(
            "dataset is missing: pass the images as dataset=... (on the command line --dataset PATH), a folder with "
            "one subfolder of images for each class, a .npz file, a folder of IDX files, or arrays (images, labels)"
        )
    if isinstance(dataset, str) and dataset == ARRAYS:
        raise ValueError(
            "the agent was trained on arrays, which its checkpoint does not hold: pass them again as dataset=..., or "
            "the same images in files (on the command line --dataset PATH)"
        )
    spec = dataset_spec(dataset)
    if spec is not None:
        return RegisteredSource(spec, os.environ.get(mnist.DATA_VARIABLE))
    if isinstance(dataset, (str, PathLike)):
        return _find_files(Path(os.path.abspath(os.path.expanduser(os.fspath(dataset)))), str(dataset))
    if isinstance(dataset, Mapping):
        if not dataset or set(dataset) - {"train", "test"}:
            raise InvalidArgument(
                f"dataset has the splits {_names(dataset) or 'none'}: expected 'train', 'test' or both"
            )
        return ArraySource(dataset)
    if isinstance(dataset, (tuple, list)) and len(dataset) in (2, 3):
        return ArraySource({"train": tuple(dataset)})
    raise InvalidArgument(
        f"dataset of type {type(dataset).__name__} is not valid: expected one of {_names(registered_datasets())}, a "
        "folder, a .npz file, a pair (images, labels), or a dict {'train': (images, labels), 'test': (images, labels)}"
    )


_HOLD_OUT = (
    ". Or train with test_fraction=0.2 (on the command line --test-fraction 0.2), which holds out a part of them"
)
_MOVED = "Check the path. If the images have moved, pass the new path (on the command line --dataset PATH)"


def _find_files(path: Path, given: str) -> Source:
    if os.path.isdir(path):
        return idx.find_idx(path) or image_folder.find_image_folder(path)
    if os.path.isfile(path):
        if path.suffix.lower() == ".npz":
            return npz.find_npz(path)
        raise InvalidArgument(f"dataset={given!r} is a file: expected a folder or a .npz file. Unpack archives first")
    source = idx.find_idx(path.parent, path.name) if os.path.isdir(path.parent) else None
    if source is None:
        hint = suggest(given) if os.path.basename(given) == given else _MOVED
        raise FileNotFoundError(
            f"dataset={given!r} is neither a registered dataset nor a folder or .npz file that exists. {hint}"
        )
    return source


@functools.lru_cache(maxsize=16)
def _load(source: Source, split: str, options: ReadingOptions) -> dict[str, ImageDataset]:
    """Read a split as it is stored. The result has this split, or both if a test split is held out of it."""
    images, labels, class_names, notes = source.read(split, options)
    if options.resize not in (None, images.shape[1:3]):
        options.check_total(source.title, len(images), *options.resize)
        images = pictures.letterbox(images, options.resize)
    if images.min() == images.max():
        raise InvalidArgument(
            f"{source.title}: every pixel of the {split} images is {images.min()}: expected images that show "
            "something. Multiply floats in [0, 1] by 255 before you convert them to uint8"
        )
    images = images.view()
    images.flags.writeable = labels.flags.writeable = False
    whole = ImageDataset(images, labels, class_names)
    parts = {split: whole}
    if options.test_fraction and source.splits == ("train",):
        train, test = hold_out(labels, options.test_fraction)
        if not len(test):
            raise InvalidArgument(
                f"{source.title} has one image for each class: expected at least two, to hold out a test split"
            )
        notes += (
            f"{source.title} has no test split: {len(test):,} of the {len(labels):,} images are held out as one "
            f"({100 * options.test_fraction:g} % of each class, chosen at random with a fixed seed)",
        )
        parts = {name: _select(whole, index) for name, index in (("train", train), ("test", test))}
    _say(notes)
    return parts


def _select(whole: ImageDataset, index: np.ndarray) -> ImageDataset:
    images, labels = whole.images[index], whole.labels[index]
    images.flags.writeable = labels.flags.writeable = False
    return whole._replace(images=images, labels=labels)


_SAID: set[str] = set()


def _say(notes: Iterable[str]) -> None:
    """Warn once per process of each note."""
    for note in notes:
        if note not in _SAID:
            warnings.warn(note, DatasetWarning, stacklevel=2)
            _SAID.add(note)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
