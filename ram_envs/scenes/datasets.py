"""Images and their labels: MNIST, the offline digits, a user's own arrays, or a folder of images."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ram_envs.scenes import image_folder, mnist

NAMED_DATASETS = ("mnist", "digits")
NUM_DIGITS_TRAIN = 1_437
"""Of 1,797, not shuffled: neighbours in the file are by one writer, who should not be in both splits."""
MAX_CLASSES = 100_000
"""Labels beyond are identifiers taken for classes."""
DatasetSource = str | PathLike[str] | tuple[np.ndarray, np.ndarray] | Mapping[str, tuple[np.ndarray, np.ndarray]]
"""What ``load_dataset`` takes: a name, a folder, a pair (images, labels), or a pair for every split."""
_SPLIT = re.compile(r"(train|test)(?:\[(-?\d+)?:(-?\d+)?\])?")


class ImageDataset(NamedTuple):
    """Images with their labels. The arrays are read-only and may be shared; copy them to change them.

    Attributes:
        images: uint8 (N, H, W, C), C = 1 for grey and 3 for colour (red, green, blue).
        labels: int64 (N,) in [0, num_classes).
        class_names: One name a class.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """How many classes there are, those without an image in this split included."""
        return len(self.class_names)


def load_dataset(dataset: DatasetSource, split: str = "train") -> ImageDataset:
    """Load one split of a dataset.

    MNIST is taken from the subfolder ``mnist`` of the folder named by the environment variable ``RAM_ENVS_DATA``. Where
    that is set, nothing is ever downloaded; where it is not, the files come from the user's cache folder, into which
    they are downloaded once.

    Args:
        dataset: What to load, one of

            - "mnist": 28x28 handwritten digits, 60,000 to train and 10,000 to test;
            - "digits": 8x8 handwritten digits that come with scikit-learn, 1,437 to train and 360 to test;
            - a folder with one subfolder of images a class, or with such folders below ``train`` and ``test``;
            - (images, labels): uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) in [0, 255], and integers (N,), classes
              counted from 0;
            - {"train": (images, labels), "test": (images, labels)}.

            A folder without ``train`` and ``test``, and a pair of arrays, are a training split.
        split: "train" or "test", or a part of it as in "train[:-5000]", "train[-5000:]" or "test[100:200]".

    Returns:
        The images of the split. Arrays of a user's are not copied if they need no conversion.

    Raises:
        FileNotFoundError: If the files are not there (and, for MNIST, cannot be downloaded).
        ValueError: If an argument or the data are not as described.
    """
    name, start, stop = _parse_split(split)
    if isinstance(dataset, str) and dataset in NAMED_DATASETS:
        whole = _load_named(dataset, name, os.environ.get(mnist.DATA_VARIABLE))
    elif isinstance(dataset, (str, PathLike)):
        whole = _load_folder(Path(dataset).expanduser(), name)
    elif isinstance(dataset, Mapping):
        whole = _from_arrays(dataset, name)
    elif isinstance(dataset, (tuple, list)) and len(dataset) == 2:
        whole = _from_arrays({"train": dataset}, name)
    else:
        kind = type(dataset).__name__
        raise ValueError(
            f"dataset of type {kind} is not valid: expected one of {_names(NAMED_DATASETS)}, a folder, "
            "a pair (images, labels), or a dict {'train': (images, labels), 'test': (images, labels)}"
        )
    return _slice(whole, split, start, stop)


def _parse_split(split: str) -> tuple[str, int | None, int | None]:
    """The split's name and the ends of the slice."""
    match = _SPLIT.fullmatch(split) if isinstance(split, str) else None
    if match is None:
        raise ValueError(
            f"split={split!r} is not valid: expected 'train' or 'test', or a part of one such as 'train[:-5000]' to "
            "train on and 'train[-5000:]' to validate on"
        )
    name, start, stop = match.groups()
    return name, int(start) if start else None, int(stop) if stop else None


def _slice(whole: ImageDataset, split: str, start: int | None, stop: int | None) -> ImageDataset:
    count = len(whole.images)
    if any(bound is not None and abs(bound) > count for bound in (start, stop)):
        raise ValueError(f"split={split!r} reaches beyond the {count:,} images there are")
    part = slice(start, stop)
    if not len(whole.images[part]):
        raise ValueError(f"split={split!r} selects none of the {count:,} images there are")
    return whole._replace(images=whole.images[part], labels=whole.labels[part])


@functools.cache
def _load_named(dataset: str, split: str, data_variable: str | None) -> ImageDataset:
    """One whole split of MNIST or the digits; ``data_variable`` is here to be part of the cache's key."""
    images, labels = mnist.load_mnist(split, mnist.data_folder()) if dataset == "mnist" else _load_digits(split)
    return _freeze(images[..., None], labels, tuple("0123456789"))


def _load_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The digits of scikit-learn, their 17 grey levels spread over [0, 255]: uint8 (N, 8, 8), int64 (N,)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    part = slice(None, NUM_DIGITS_TRAIN) if split == "train" else slice(NUM_DIGITS_TRAIN, None)
    return np.rint(digits.images[part] * (255 / 16)).astype(np.uint8), digits.target[part]


def _load_folder(folder: Path, split: str) -> ImageDataset:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"dataset={str(folder)!r} is neither one of {_names(NAMED_DATASETS)} nor a folder that exists"
        )
    splits = image_folder.find_splits(folder)
    if split not in splits:
        raise ValueError(
            f"dataset={str(folder)!r} has no split {split!r}, only {_names(splits)}: expected a folder {split!r} in "
            "it, with one subfolder of images a class"
        )
    return _freeze(*image_folder.load_image_folder(splits, split))


def _from_arrays(pairs: Mapping[str, Any], split: str) -> ImageDataset:
    """One split of a user's arrays, all of which are checked: the number of classes is counted over the splits."""
    unknown = [name for name in pairs if name not in ("train", "test")]
    if unknown or not pairs:
        raise ValueError(f"dataset has the splits {_names(pairs) or 'none'}: expected 'train', 'test' or both")
    if split not in pairs:
        raise ValueError(
            f"dataset has no split {split!r}, only {_names(pairs)}: give the arrays as "
            "{'train': (images, labels), 'test': (images, labels)}"
        )
    checked = {name: _check_pair(pair, name) for name, pair in pairs.items()}
    shapes = {name: images.shape[1:] for name, (images, _) in checked.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"train and test images differ in shape, {shapes}: expected one height, width and channels")

    all_labels = [labels for _, labels in checked.values()]
    lowest, highest = min(int(labels.min()) for labels in all_labels), max(int(labels.max()) for labels in all_labels)
    if lowest != 0 or highest >= MAX_CLASSES:
        raise ValueError(
            f"labels run from {lowest} to {highest}: expected classes counted from 0, at most {MAX_CLASSES:,} of them. "
            "np.unique(labels, return_inverse=True)[1] numbers them so (do it for train and test together)"
        )
    return _freeze(*checked[split], tuple(map(str, range(highest + 1))))


def _check_pair(pair: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, H, W, C) and labels int64 (N,) of a user's."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"dataset[{split!r}] is of type {type(pair).__name__}: expected a pair (images, labels)")
    images, labels = map(np.asarray, pair)
    if images.dtype != np.uint8:
        raise ValueError(f"{split} images are {images.dtype}: expected uint8 in [0, 255]. {_dtype_remedy(images)}")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)) or 0 in images.shape:
        raise ValueError(
            f"{split} images have the shape {images.shape}: expected (N, H, W), (N, H, W, 1) or (N, H, W, 3), none of "
            "them 0. Channels come last (images.transpose(0, 2, 3, 1) moves them there), without transparency "
            "(images[..., :3] drops it)"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        raise ValueError(f"{split} labels are {labels.dtype} of shape {labels.shape}: expected integers of shape (N,)")
    if len(labels) != len(images):
        raise ValueError(f"there are {len(images):,} {split} images but {len(labels):,} labels: expected as many")
    return images if images.ndim == 4 else images[..., None], labels


def _dtype_remedy(images: np.ndarray) -> str:
    """How to make uint8 of ``images``."""
    if np.issubdtype(images.dtype, np.floating) and images.size and 0 <= images.min() and images.max() <= 1:
        return "If 1.0 is white, convert with np.rint(images * 255).astype(np.uint8)"
    return "If 255 is white, convert with np.rint(images).astype(np.uint8)"


def _freeze(images: np.ndarray, labels: np.ndarray, class_names: tuple[str, ...]) -> ImageDataset:
    """A dataset of read-only arrays; the caller's own arrays stay writable."""
    images = images.view()
    labels = labels.astype(np.int64)
    images.flags.writeable = labels.flags.writeable = False
    return ImageDataset(images, labels, class_names)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def dataset_shape(dataset: DatasetSource) -> tuple[int, int, int] | None:
    """Return height, width and channels of a registered dataset without loading it; None if they are not known."""
    shapes = {"mnist": (28, 28, 1), "digits": (8, 8, 1)}
    return shapes.get(dataset) if isinstance(dataset, str) else None
